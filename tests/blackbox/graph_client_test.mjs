// The exchange, driven by a client library of the API that is not ours.
import { createRequire } from 'node:module';
import { bot, check, freePort, run, start, stop, until } from './harness.mjs';

const require = createRequire(`${process.cwd()}/build/node/`);
const { Client, HTTPMessageHandler, RetryHandler, RetryHandlerOptions } = require('@microsoft/microsoft-graph-client');

const appId = '5ba8b5f5-6d58-4c35-8a5e-0d0e8a3f2b11';

// The library adds tokens to https addresses only; over loopback http this link of its chain does it.
class Bearer {
  constructor(token) { this.token = token; }
  async execute(context) {
    context.options.headers = { ...context.options.headers, Authorization: `Bearer ${await this.token()}` };
    return this.next.execute(context);
  }
  setNext(next) { this.next = next; }
}

function client(root, token) {
  const chain = [new Bearer(token), new RetryHandler(new RetryHandlerOptions()), new HTTPMessageHandler()];
  chain.reduce((a, b) => (a.setNext(b), b));
  return Client.initWithMiddleware({ baseUrl: `${root}/`, defaultVersion: 'v1.0', middleware: chain[0] });
}

async function token(root, fields = {}) {
  const response = await fetch(`${root}/contoso/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: appId, client_secret: 'secret', grant_type: 'client_credentials', scope: `${root}/.default`, ...fields }),
  });
  return { status: response.status, body: await response.json() };
}

const phone = number => ({ '@odata.type': '#microsoft.graph.identitySet', phone: { '@odata.type': '#microsoft.graph.identity', id: number } });

function newCall(b, number) {
  return {
    '@odata.type': '#microsoft.graph.call',
    callbackUri: `${b.url}/api/calls/1`,
    source: {
      '@odata.type': '#microsoft.graph.participantInfo',
      identity: { '@odata.type': '#microsoft.graph.identitySet', applicationInstance: { '@odata.type': '#microsoft.graph.identity', id: appId, displayName: 'Reminders' } },
    },
    targets: [{ '@odata.type': '#microsoft.graph.invitationParticipantInfo', identity: phone(number) }],
    requestedModalities: ['audio'],
    mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
    tenantId: 'aa67bd4c-8475-432d-bd41-39f255720e0a',
  };
}

const prompt = uri => ({
  clientContext: `context ${uri}`,
  prompts: [{ '@odata.type': '#microsoft.graph.mediaPrompt', mediaInfo: { '@odata.type': '#microsoft.graph.mediaInfo', uri, resourceId: uri } }],
});

async function refused(what, promise, status) {
  try {
    await promise;
    check(`${what} is refused`, false);
  } catch (error) {
    check(`${what} is refused with ${status}`, error.statusCode === status, { status: error.statusCode, message: error.message });
    check(`${what} has an error code`, typeof error.code === 'string' && error.code.length > 0, error.code);
  }
}

run(async () => {
  const port = await freePort();
  const root = `http://127.0.0.1:${port}`;
  const b = await bot(root, appId);
  const exchange = start('exchange', '--set', `exchange.listen=127.0.0.1:${port}`, '--set', `exchange.app_id=${appId}`,
    '--set', `exchange.webhook=${b.url}/api/calls`);
  await until('the exchange', () => fetch(`${root}/v1/.well-known/OpenIdConfiguration`).catch(() => null));

  const good = await token(root);
  check('a token is issued', good.status === 200 && good.body.token_type === 'Bearer' && good.body.expires_in > 3000, good);
  const badGrant = await token(root, { grant_type: 'password' });
  check('another grant is refused', badGrant.status === 400 && badGrant.body.error === 'unsupported_grant_type', badGrant);

  const graph = client(root, async () => good.body.access_token);
  const registered = async (address, auto) => {
    const response = await fetch(`${root}/phone/v1/lines`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ address, auto_answer: auto }),
    });
    check(`a phone at ${address}`, response.ok, response.status);
    return response.json();
  };
  const press = async (line, keys) => {
    const response = await fetch(`${root}/phone/v1/lines/${line}/keys`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ keys }),
    });
    check('keys are taken', response.ok, response.status);
  };

  await registered('+15550001', 0);
  await registered('+15550002', 0);

  const call = await graph.api('/communications/calls').post(newCall(b, '+15550001'));
  check('the call has an id', /^[0-9a-f-]{36}$/.test(call.id), call);
  check('and is establishing, outgoing', call.state === 'establishing' && call.direction === 'outgoing', call);
  await b.callState(call.id, 'established');
  await b.next('active audio', v => v.resourceData?.mediaState?.audio === 'active');
  const read = await graph.api(`/communications/calls/${call.id}`).get();
  check('the call can be read', read.state === 'established' && read.id === call.id, read);

  const play = await graph.api(`/communications/calls/${call.id}/playPrompt`).post(prompt(`${b.url}/hello.wav`));
  check('the prompt runs', play.status === 'running' && play.clientContext === `context ${b.url}/hello.wav`, play);
  const played = await b.next('the end of the prompt', v => v.resourceUrl.endsWith(play.id) && v.changeType === 'deleted');
  check('it was played', played.resourceData.status === 'completed' && played.resourceData.clientContext === play.clientContext, played);
  check('its WAV was fetched', b.fetched.includes('/hello.wav'), b.fetched);

  const tones = await graph.api(`/communications/calls/${call.id}/subscribeToTone`).post({ clientContext: 'tones' });
  check('tones are subscribed', tones.status === 'completed', tones);
  const lines = await (await fetch(`${root}/phone/v1/lines`)).json();
  const line = lines.find(l => l.address === '+15550001' && l.state === 'connected');
  check('the phone has a line', !!line, lines);
  await press(line.line, '1#');
  const first = await b.next('the first tone', v => v.resourceData?.toneInfo);
  const second = await b.next('the second tone', v => v.resourceData?.toneInfo);
  check('tones come in order', first.resourceData.toneInfo.tone === 'tone1' && second.resourceData.toneInfo.tone === 'pound' &&
    first.resourceData.toneInfo.sequenceId + 1 === second.resourceData.toneInfo.sequenceId, [first, second]);

  const long = await graph.api(`/communications/calls/${call.id}/playPrompt`).post(prompt(`${b.url}/long.wav`));
  const cancel = await graph.api(`/communications/calls/${call.id}/cancelMediaProcessing`).post({ clientContext: 'stop' });
  check('cancelling answers completed', cancel.status === 'completed', cancel);
  const cancelled = await b.next('the end of the long prompt', v => v.resourceUrl.endsWith(long.id) && v.changeType === 'deleted');
  check('it was cancelled', cancelled.resourceData.completionReason === 'mediaOperationCanceled', cancelled);

  await graph.api(`/communications/calls/${call.id}/keepAlive`).post({});
  const muted = await graph.api(`/communications/calls/${call.id}/mute`).post({ clientContext: 'mute' });
  check('mute answers its operation', muted.status === 'completed', muted);

  await graph.api(`/communications/calls/${call.id}/transfer`).post({
    transferTarget: { '@odata.type': '#microsoft.graph.invitationParticipantInfo', identity: phone('+15550002') },
  });
  await b.callState(call.id, 'transferring');
  await b.callState(call.id, 'transferAccepted');
  const gone = await b.next('the end of the transferred call', v => v.resourceUrl.endsWith(call.id) && v.changeType === 'deleted');
  check('the transfer is graceful', gone.resourceData.resultInfo?.subcode === 7015, gone);

  const again = await graph.api('/communications/calls').post(newCall(b, '+15550002'));
  await b.callState(again.id, 'established');
  await graph.api(`/communications/calls/${again.id}`).delete();
  const ended = await b.next('the end of the second call', v => v.resourceUrl.endsWith(again.id) && v.changeType === 'deleted');
  check('it ended', ended.resourceData.state === 'terminated', ended);

  await refused('a call that is over', graph.api(`/communications/calls/${again.id}`).get(), 404);
  await refused('a prompt without prompts', graph.api('/communications/calls').post({ '@odata.type': '#microsoft.graph.call' }), 400);
  await refused('a path that is none', graph.api('/communications/nothing').get(), 404);
  await refused('a bad token', client(root, async () => 'forged').api(`/communications/calls/${again.id}`).get(), 401);
  check('every notification had a good token', b.badTokens === 0, b.badTokens);
  check('the exchange leaves when asked', await stop(exchange) === 0, exchange.text);
});
