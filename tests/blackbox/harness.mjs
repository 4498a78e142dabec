// Shared by the JavaScript tests: start programs, wait for things, count checks, serve a bot's side of the API.
import { spawn } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';

export const ivory = process.env.IVORY ?? 'build/ivory';
let passed = 0, failed = 0;
const children = [];

export function check(what, ok, detail) {
  if (ok) { passed++; return; }
  failed++;
  console.log(`  not so: ${what}${detail === undefined ? '' : `: ${JSON.stringify(detail)}`}`);
}

export const sleep = ms => new Promise(r => setTimeout(r, ms));

// Wait until `get` gives something true; throws after `ms`.
export async function until(what, get, ms = 15000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const value = await get();
    if (value) return value;
  }
  throw new Error(`waited ${ms} ms in vain for ${what}`);
}

export function freePort() {
  return new Promise(resolve => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

export function start(...args) {
  const child = spawn(ivory, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.text = '';
  child.stdout.on('data', d => { child.text += d; });
  child.stderr.on('data', d => { child.text += d; });
  child.ended = new Promise(r => child.on('exit', (code, signal) => r(code ?? signal)));
  children.push(child);
  return child;
}

export async function stop(child) {
  child.kill('SIGTERM');
  return child.ended;
}

// Run the test's body, stop what was started, print the count, exit.
export async function run(body) {
  const bound = setTimeout(() => { check('ends within two minutes', false); finish(); }, 120000);
  const finish = () => {
    for (const c of children) c.kill('SIGKILL');
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
  };
  try {
    await body();
  } catch (error) {
    check('no exception', false, error.stack);
    for (const c of children) if (c.text) console.log(c.text.slice(-2000));
  }
  clearTimeout(bound);
  finish();
}

// One second of a soft tone in the format that the API wants: WAV, mono, 16 bit, 16 kHz.
export function wav(seconds = 1) {
  const n = 16000 * seconds, b = Buffer.alloc(44 + 2 * n);
  b.write('RIFF', 0); b.writeUInt32LE(36 + 2 * n, 4); b.write('WAVEfmt ', 8); b.writeUInt32LE(16, 16);
  b.writeUInt16LE(1, 20); b.writeUInt16LE(1, 22); b.writeUInt32LE(16000, 24); b.writeUInt32LE(32000, 28);
  b.writeUInt16LE(2, 32); b.writeUInt16LE(16, 34); b.write('data', 36); b.writeUInt32LE(2 * n, 40);
  for (let i = 0; i < n; i++) b.writeInt16LE(Math.round(3000 * Math.sin(i / 6)), 44 + 2 * i);
  return b;
}

// A bot: takes notifications, checks their tokens with keys it fetches itself, serves WAVs.
export async function bot(exchangeUrl, appId) {
  const port = await freePort();
  const b = { url: `http://127.0.0.1:${port}`, seen: [], badTokens: 0, fetched: [] };
  let keys;
  const tokenGood = async header => {
    if (!keys) {
      const openid = await (await fetch(`${exchangeUrl}/v1/.well-known/OpenIdConfiguration`)).json();
      keys = (await (await fetch(openid.jwks_uri)).json()).keys;
    }
    const [head, body, signature] = (header ?? '').replace(/^Bearer /, '').split('.');
    const kid = JSON.parse(Buffer.from(head, 'base64url')).kid;
    const jwk = keys.find(k => k.kid === kid);
    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    return jwk && claims.aud === appId && claims.iss === 'https://api.botframework.com' && claims.tid &&
      claims.exp * 1000 > Date.now() &&
      verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }),
        Buffer.from(signature, 'base64url'));
  };
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', d => parts.push(d));
    request.on('end', async () => {
      if (request.url.endsWith('.wav')) {
        b.fetched.push(request.url);
        response.writeHead(200, { 'Content-Type': 'audio/wav' });
        response.end(wav(request.url.includes('long') ? 20 : 1));
        return;
      }
      try {
        if (!await tokenGood(request.headers.authorization)) b.badTokens++;
        for (const v of JSON.parse(Buffer.concat(parts)).value) b.seen.push({ ...v, path: request.url });
        response.writeHead(202);
      } catch (error) {
        b.badTokens++;
        response.writeHead(500);
      }
      response.end();
    });
  });
  await new Promise(r => server.listen(port, '127.0.0.1', r));
  // The first notification not yet taken for which `test` holds.
  b.next = (what, test, ms) => until(what, () => {
    const i = b.seen.findIndex(test);
    return i >= 0 && b.seen.splice(i, 1)[0];
  }, ms);
  b.callState = (id, state) => b.next(`${state} of ${id}`, v => v.resourceUrl.endsWith(id) && v.resourceData.state === state);
  return b;
}
