"""Many scripted callers in one process: phones of the exchange (runtime/exchange/phones.h) on one asyncio loop.

A script says what its caller must hear, step by step. A prompt may come once more when the service was killed since it was
heard; everything else that is not as the script says is a Deviation, counted by its kind.
"""
import asyncio
import collections
import io
import json
import math
import struct
import time
import wave

from harness import SLOW


class Deviation(Exception):
    def __init__(self, kind, detail):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Http:
    """Requests to one port of this machine, over connections that are kept."""

    def __init__(self, port):
        self.port, self.idle = port, []

    async def ask(self, verb, path, body=b"", kind="application/json", headers=""):
        if self.idle:
            try:
                return await self._on(self.idle.pop(), verb, path, body, kind, headers)
            except (OSError, EOFError):
                pass  # it was closed meanwhile, before the request
        return await self._on(await asyncio.open_connection("127.0.0.1", self.port), verb, path, body, kind, headers)

    async def _on(self, connection, verb, path, body, kind, headers):
        reader, writer = connection
        try:
            writer.write(f"{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{headers}"
                         f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
            answer = await reader.readexactly(int(fields.get("content-length", 0)))
        except BaseException:
            writer.close()
            raise
        if fields.get("connection") == "close":
            writer.close()
        else:
            self.idle.append(connection)
        return int(head[9:12]), answer

    async def json(self, verb, path, body=None):
        status, answer = await self.ask(verb, path, b"" if body is None else json.dumps(body).encode())
        return status, json.loads(answer) if answer else None


class Line:
    """One line of a phone: its events, as they come."""

    def __init__(self, exchange, line):
        self.exchange, self.path = exchange, f"/phone/v1/lines/{line}"
        self.events, self.over = asyncio.Queue(), None
        self.task = asyncio.ensure_future(self._follow())

    async def _follow(self):
        after = 0
        while self.over is None:
            status, events = await self.exchange.json("GET", f"{self.path}/events?after={after}")
            if status != 200:
                events = [{"n": after, "kind": "state", "state": "ended", "result": {"message": f"vanished: {status}"}}]
            for event in events:
                after = event["n"]
                if event["kind"] == "state" and event["state"] == "ended":
                    self.over = event["result"]
                self.events.put_nowait(event)

    async def act(self, what, body=None):
        """204, or 409 and 404 when the line is over."""
        return (await self.exchange.json("POST", f"{self.path}/{what}", body))[0]

    async def press(self, keys):
        return await self.act("keys", {"keys": keys})

    async def speak(self, wav):
        return (await self.exchange.ask("POST", self.path + "/speak", wav, "audio/wav"))[0]

    async def event(self, seconds, *kinds):
        """The next event of one of these kinds; None when none comes in time."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                event = await asyncio.wait_for(self.events.get(), left)
            except asyncio.TimeoutError:
                break
            if event["kind"] in kinds:
                return event
        return None


def prompt_name(url):
    """".../prompts/<hash>/en/<name>.wav" → name; a recording is "recording"."""
    return "recording" if "/recordings/" in url else url.rsplit("/", 1)[1].removesuffix(".wav")


class Caller:
    """A caller in a call. `killed` tells when the service was killed last, in the exchange's time."""

    def __init__(self, line, killed, tally):
        self.line, self.killed, self.tally = line, killed, tally
        self.last, self.at, self.heard = None, 0, []

    async def hears(self, *names, within=20, patient=False):
        """The next prompt is one of these; which? Who hears nothing hangs up, unless `patient`."""
        end = asyncio.get_running_loop().time() + within * SLOW
        while True:
            event = await self.line.event(end - asyncio.get_running_loop().time(), "play", "state")
            if event is None:
                if not patient:
                    await self.line.act("hangup")
                raise Deviation("silence", f"no {'/'.join(names)} after {self.heard[-6:]}")
            if event["kind"] == "state":
                if event["state"] == "ended":
                    raise Deviation("cut off", f"before {'/'.join(names)} after {self.heard[-6:]}: {event['result']}")
                continue
            name = prompt_name(event["url"])
            self.heard.append(name)
            if name == self.last and name not in names and self.killed() >= self.at:
                self.tally["a prompt once more after a kill"] += 1
                continue
            if name not in names:
                raise Deviation("wrong prompt", f"{name} for {'/'.join(names)} in {self.heard[-6:]}")
            self.last, self.at = name, event["at"]
            return name

    async def becomes(self, state, within=20):
        """The line is now in this state, and nothing is said before."""
        end = asyncio.get_running_loop().time() + within * SLOW
        while True:
            event = await self.line.event(end - asyncio.get_running_loop().time(), "play", "state")
            if event is None:
                await self.line.act("hangup")
                raise Deviation("silence", f"not {state} after {self.heard[-6:]}")
            if event["kind"] == "state" and event["state"] == state:
                return event
            if event["kind"] == "state" and event["state"] == "ended":
                raise Deviation("cut off", f"before it was {state} after {self.heard[-6:]}: {event['result']}")
            if event["kind"] == "play":
                name = prompt_name(event["url"])
                self.heard.append(name)
                if name != self.last or self.killed() < self.at:
                    raise Deviation("wrong prompt", f"{name} before {state} in {self.heard[-6:]}")
                self.tally["a prompt once more after a kill"] += 1

    async def hears_all(self, *names, within=20):
        """These prompts, which are one operation: after a kill it may be said from its beginning. A recording that the exchange
        would fetch while the service is away is not heard."""
        at, begun = 0, time.time() * 1000
        while at < len(names):
            also = []
            if at and self.killed() > begun:
                also = [names[0], *names[at + 1:at + 2]] if names[at] == "recording" else [names[0]]
            heard = await self.hears(names[at], *also, within=within)
            if heard != names[at] and heard != names[0]:
                self.tally["a recording that could not be fetched"] += 1
                at += 1
            elif heard != names[at]:
                self.tally["a prompt once more after a kill"] += 1
                at = 0
            at += 1

    async def hangs_up(self):
        await self.line.act("hangup")
        while await self.line.event(20 * SLOW, "state", "play"):
            if self.line.over is not None:
                return
        raise Deviation("silence", "no end after hanging up")

    async def ends(self, within=20):
        return (await self.becomes("ended", within))["result"]


class Phones:
    """All phones of a test: callers that dial, and phones that are called."""

    def __init__(self, port):
        self.exchange = Http(port)
        self.tally = collections.Counter()   # what happened that may happen
        self.wrong = []                      # Deviations
        self.rings = collections.Counter()   # by address

    async def dial(self, sender, to):
        status, body = await self.exchange.json("POST", "/phone/v1/calls", {"from": sender, "to": to})
        if status != 201:
            raise Deviation("not placed", body)
        return Line(self.exchange, body["line"])

    async def answers(self, address, script):
        """A phone at `address` that picks up at once; each call to it is counted and goes through `script(line)`."""
        status, body = await self.exchange.json("POST", "/phone/v1/lines", {"address": address, "auto_answer": 0})
        assert status == 201, body
        registration = Line(self.exchange, body["line"])

        async def wait():
            while True:
                ring = await registration.event(3600, "ring")
                self.rings[address] += 1
                asyncio.ensure_future(self.run(f"phone {address}", script(Line(self.exchange, ring["line"]))))
        return asyncio.ensure_future(wait())

    async def run(self, name, script):
        """Run a script; its deviations are kept."""
        try:
            await script
            self.tally[f"{name.split()[0]}: as its script says"] += 1
        except Deviation as d:
            self.wrong.append((name, d))
        except (OSError, EOFError, asyncio.IncompleteReadError) as e:
            self.wrong.append((name, Deviation("the exchange", repr(e))))

    async def still_connected(self):
        """Lines that are in a call."""
        _, lines = await self.exchange.json("GET", "/phone/v1/lines")
        return [one for one in lines if one["state"] not in ("ended", "registered")]

    def report(self):
        for what, n in sorted(self.tally.items()):
            print(f"  {n:5} {what}")
        for kind, n in collections.Counter(d.kind for _, d in self.wrong).items():
            print(f"  {n:5} NOT as scripted: {kind}")
        for name, d in self.wrong[:12]:
            print(f"        {name}: {d}")


def wav(seconds, pitch=440):
    """A WAV as the service wants it: mono, 16 bit, 16 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(16000)
        w.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * pitch * i / 16000)))
                               for i in range(int(16000 * seconds))))
    return out.getvalue()
