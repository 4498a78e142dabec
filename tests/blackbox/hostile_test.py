"""A hostile network, on both sides of the service, while a call beside it goes on: nobody is let in by noise, nobody is kept out by it."""
import asyncio
import contextlib
import json
import pathlib
import random
import re
import socket
import struct
import tempfile
import threading
import time
import uuid

from graph_stub import BYSTANDER, Bystander, Graph, Line
from harness import SLOW, Service, check, main, raw, request, until

POST = b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /api/calls HTTP/1.1\r\nHost: x\r\n\r\n"
MAIN = BYSTANDER
PROMPT = "return { onCall = function(call) call:answer() call:playPrompt 'hello' call:playPrompt 'hello' end }"
MUTES = """local log = require "ivr.log"
return { onCall = function(call)
  call:answer()
  local ok, e = pcall(call.mute, call, {}, { timeout = 3 })
  log.info("outcome " .. (ok and "ok" or tostring(e.code or e)))
end }
"""


@contextlib.contextmanager
def service(*sets, graph=None, spare=8, **flows):
    """The service with a stub as its Graph and a call that goes on meanwhile; what must hold at the end is checked."""
    graph = graph or Graph()
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        for name, text in {"main": MAIN, **flows}.items():
            (folder / f"{name}.lua").write_text(text)
        for name in ["hello"]:
            (folder / "prompts/en").mkdir(parents=True)
            (folder / f"prompts/en/{name}.wav").write_bytes(wav(20))
        s = Service(*graph.sets(pathlib.Path(top)), "log.level=info", *sets, flows=folder)
        s.graph, stop = graph, threading.Event()
        s.bystander = Bystander(s.port, graph)
        before = s.descriptors()
        thread = s.bystander.goes_on(stop)
        try:
            yield s
        finally:
            pressed = s.bystander.keys
            until("the call beside to go on", lambda: s.bystander.errors or s.bystander.keys > pressed + 1, 30)
            stop.set()
            thread.join()
            check("the call beside noticed nothing", not s.bystander.errors, s.bystander.errors)
            check("descriptors come back", until("descriptors", lambda: s.descriptors() <= before + spare), s.descriptors())
            check("the service lives and leaves well", s.stop() == 0, s.text[-500:])


def wav(seconds):
    data = b"\1\0" * 16000 * seconds
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data" + struct.pack(
        "<I", len(data)) + data


def connect(port, data=b""):
    s = socket.create_connection(("127.0.0.1", port), timeout=10 * SLOW)
    s.sendall(data)
    return s


def reset(s):
    """Close with a reset instead of an end."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def statuses(answer):
    return [int(x) for x in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def honest(port):
    """A new connection is served."""
    return statuses(raw(port, GET, half_close=False, seconds=1)) == [405] or request(port, "GET", "/api/calls")[0] == 405


def many_connections():
    """Silent ones, ones that trickle, ones that are half closed: more than there may be, on every listener."""
    with service() as s:
        crowd = []
        for i in range(6000):
            try:
                crowd.append(connect(s.port, [b"", b"GET / HT", POST + b"Content-Length: 100\r\n\r\n{"][i % 3]))
            except OSError:  # one that is not even let in
                pass
            if i % 50 == 0 and crowd:
                crowd[0].close()
            if i % 1000 == 999:
                check(f"with {i + 1} connections a new one is served", request(s.port, "GET", "/api/calls")[0] == 405)
                check(f"with {i + 1} connections a call is taken", Line(s.port).offer()[1] == 202)
        for c in crowd[:500]:
            with contextlib.suppress(OSError):
                c.shutdown(socket.SHUT_WR)
        others = [connect(s.admin) for _ in range(300)]
        check("the admin listener serves beside silent ones", request(s.admin, "GET", "/healthz")[0] == 200)
        for c in others:
            c.close()
        for c in crowd:
            c.close()


def slow():
    with service() as s:
        senders = [connect(s.port) for _ in range(60)]
        text = POST + b"Content-Length: 50\r\n\r\n" + b" " * 50
        for at in range(0, 100):
            for i, c in enumerate(senders):
                with contextlib.suppress(OSError):
                    c.sendall(text[at:at + 1] if i % 2 else text[at:at + 3])
            if at % 25 == 0:
                check("one that is quick is served beside slow ones", request(s.port, "GET", "/api/calls")[0] == 405)
            time.sleep(0.02)
        for c in senders:
            c.close()


LENGTHS = [
    # what, request, the statuses that may come (none: closed without an answer)
    ("two equal lengths", POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", {400}),
    ("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", {400}),
    ("a list of lengths", POST + b"Content-Length: 2, 2\r\n\r\n{}", {400}),
    ("length and chunks", POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {400}),
    ("chunks and length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {400}),
    ("two codings", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("an unknown coding", POST + b"Transfer-Encoding: identity\r\n\r\n{}", {400, 501}),
    ("a coding with white space", POST + b"Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {400, 411}),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n{}", {400}),
    ("a length with a sign", POST + b"Content-Length: +2\r\n\r\n{}", {400}),
    ("a hexadecimal length", POST + b"Content-Length: 0x2\r\n\r\n{}", {400}),
    ("an empty length", POST + b"Content-Length: \r\n\r\n{}", {400}),
    ("a length beyond 64 bits", POST + b"Content-Length: 18446744073709551618\r\n\r\n{}", {400, 413}),
    ("a length beyond the limit", POST + b"Content-Length: 99999999\r\n\r\n{}", {413}),
    ("no length", POST + b"\r\n{}", {411}),
    ("a short body", POST + b"Content-Length: 20\r\n\r\n{}", set()),
    ("a long body", POST + b"Content-Length: 2\r\n\r\n{}GARBAGE\r\n\r\n", {400, 401, 202}),
    ("chunks", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {400, 202}),
    ("a chunk with a bad size", POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", {400}),
    ("a chunk with a huge size", POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n", {400, 413}),
    ("a chunk that is shorter than it says", POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{}\r\n0\r\n\r\n", {400}),
    ("chunks without end", POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n" + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 2000, {413, 400}),
    ("a body with GET", b"GET /api/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", {405, 400}),
    ("a NUL in a header", POST[:-2] + b"\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}", {400}),
    ("a header without a colon", POST + b"nonsense\r\nContent-Length: 2\r\n\r\n{}", {400, 202}),
    ("a header without a name", POST + b": x\r\nContent-Length: 2\r\n\r\n{}", {400, 411, 202}),
    ("a folded header", POST + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", {400, 202}),
    ("10,000 headers", POST + b"".join(b"X%d: y\r\n" % i for i in range(10000)) + b"Content-Length: 2\r\n\r\n{}", {431, 413}),
    ("a huge header", POST + b"X: " + b"y" * 200000 + b"\r\nContent-Length: 2\r\n\r\n{}", {431, 413}),
    ("a huge address", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414, 431}),
    ("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404, 405, 501, 505}),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, {400}),
    ("a wait for 100", POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", {100, 400, 202}),
    ("an unknown verb", b"BREW /api/calls HTTP/1.1\r\nHost: x\r\n\r\n", {405, 501}),
    ("CONNECT", b"CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: 10.0.0.1:22\r\n\r\n", {404, 405, 400}),
    ("an absolute address", b"GET http://elsewhere.test/etc HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
    ("climbing", b"GET /prompts/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
    ("climbing with escapes", b"GET /prompts/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
    ("a NUL in the address", b"GET /prompts/%00 HTTP/1.1\r\nHost: x\r\n\r\n", {404, 400}),
]


def wrong_lengths():
    with service() as s:
        for what, data, want in LENGTHS:
            got = statuses(raw(s.port, data))
            # What is closed with much unread is reset, and the answer may be lost on the way.
            check(what, all(x in want | {400} for x in got) and (got or not want or want == {400} or "chunk" in what or "huge" in what or "10,000" in what), got)
            check(f"after {what} the next is served", request(s.port, "GET", "/api/calls")[0] == 405)


def notification(resource, call=None):
    call = call or str(uuid.uuid4())
    return ('{"value":[{"changeType":"updated","resourceUrl":"/communications/calls/%s","resourceData":%s}]}' % (call, resource)).encode()


def bodies():
    with service() as s:
        call, big = Line(s.port).offer()[0], 1 << 20
        members = ",".join(f'"k{i}":{i}' for i in range(60000))
        people = [",".join(f'{{"id":"p{i + at}","rosterSequenceNumber":1}}' for i in range(1900)) for at in range(0, 20000, 1900)]
        for what, body in [
            ("nothing", b""), ("white space", b" " * 1000), ("a BOM", b"\xef\xbb\xbf{}"), ("a number", b"5"), ("NaN", notification("NaN")),
            ("deep arrays", notification("[" * 60 + "]" * 60)), ("very deep arrays", b"[" * (big - 100)),
            ("very deep objects", b'{"a":' * 200000), ("half of deep", notification("[" * 5000)),
            ("a huge number", notification('{"state":"established","x":1e400,"y":-1e999999999,"z":' + "9" * 100000 + "}", call)),
            ("huge sequences", notification('{"toneInfo":{"sequenceId":1e300,"tone":"tone1"}}', call)),
            ("negative sequences", notification('{"toneInfo":{"sequenceId":-9223372036854775809,"tone":"tone1"}}', call)),
            ("a sequence that is a text", notification('{"toneInfo":{"sequenceId":"1e5","tone":"tone1"}}', call)),
            ("invalid UTF-8", notification('{"state":"\xff\xfe"}').replace(b"\xc3\xbf", b"\xff")), ("a lone surrogate", notification('{"state":"\\ud800"}')),
            ("a zero byte", notification('{"state":"a\\u0000b"}')), ("a real zero byte", notification('{"state":"a\0b"}')),
            ("duplicate keys", notification('{"state":"established","state":"terminated","state":"establishing"}')),
            ("duplicate values", b'{"value":[],"value":' + notification("{}")[9:]),
            ("60,000 members", notification("{" + members + "}", call)),
            ("60,000 members again", notification("{" + members + "}", call)),
            ("60,000 people", notification("[" + ",".join('{"id":"p%d"}' % i for i in range(60000)) + "]", call + "/participants")),
            *[(f"people in portions {i}", notification(f"[{p}]", call + "/participants")) for i, p in enumerate(people)],
            *[(f"members in portions {i}", notification("{" + ",".join(f'"k{i}-{j}":{j}' for j in range(1900)) + "}", call)) for i in range(10)],
            ("a hundred thousand notifications", b'{"value":[' + b",".join([b"{}"] * 100000) + b"]}"),
            ("thousands for calls that are not", b'{"value":[' + b",".join(notification("{}")[10:-2] for _ in range(6000)) + b"]}"),
            ("wrong types", b'{"value":[{"changeType":7,"resourceUrl":[],"resourceData":"x"},null,[],5]}'),
            ("a long id", notification("{}", "x" * 100000)), ("an id that climbs", notification("{}", "../../x")),
            ("a text of one million", notification('{"state":"' + "x" * 1000000 + '"}', call)),
        ]:
            begin = time.monotonic()
            status, _ = request(s.port, "POST", "/api/calls", body, {"Content-Type": "application/json"}, seconds=30)
            check(f"{what}: answered with {status}", status in (202, 400, 413), status)
            check(f"{what}: soon", time.monotonic() - begin < 5 * SLOW, time.monotonic() - begin)


def pipelining():
    with service() as s:
        body = notification('{"state":"established"}')
        one = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
        got = statuses(raw(s.port, one * 2000, seconds=30))
        check("2,000 in one write are all answered", got == [202] * 2000, (len(got), set(got)))
        got = statuses(raw(s.port, (one + GET) * 300 + b"rubbish\r\n\r\n" + one * 300, seconds=30))
        # Closing with bytes unread resets the connection: the last answers may be lost on the way.
        check("what follows rubbish is not looked at", got == ([202, 405] * 300 + [400])[:len(got)] and len(got) > 10, (len(got), got[-9:]))
        c = connect(s.port, one * 500)  # and nobody who reads
        time.sleep(0.2)
        reset(c)


def flood():
    """Far more calls than may be: those over the cap are told when to try again, before anything suffers."""
    with service("admission.calls=100", "admission.calls_per_second=0", spare=150) as s:
        tally, lock = {}, threading.Lock()
        after = []

        def offers():
            line = Line(s.port)
            for _ in range(100):
                _, status, headers = line.offer()
                with lock:
                    tally[status] = tally.get(status, 0) + 1
                    if status == 503:
                        after.append(headers["Retry-After"])

        threads = [threading.Thread(target=offers) for _ in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        check("99 calls beside the one were let in", tally.get(202) == 99, tally)
        check("the rest got 503", tally.get(503) == 901, tally)
        check("with a Retry-After of whole seconds", all(x and x.isdigit() and 1 <= int(x) <= 600 for x in after), set(after))
        check("what is not a new call is answered all the same", Line(s.port).updated(s.bystander.call) == 202)


def slow_readers():
    with service(prompt=PROMPT, routes="return { { tenant = 'prompt', flow = 'prompt' }, { flow = 'main' } }") as s:
        line = Line(s.port)
        call = line.offer("prompt")[0]
        until("the answer", lambda: s.graph.count("answer", call))
        line.updated(call)
        until("the prompt", lambda: s.graph.count("playPrompt", call))
        uri = next(json.loads(b)["prompts"][0]["mediaInfo"]["uri"] for _, what, b in s.graph.seen if what == "playPrompt")
        path = uri[uri.index("/prompts/"):]
        ask = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        readers = []
        for _ in range(200):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            c.connect(("127.0.0.1", s.port))
            c.sendall(ask * 3)
            readers.append(c)
        for c in readers:
            c.recv(100)
        status, body = request(s.port, "GET", path)
        check("the prompt is had beside slow readers", status == 200 and len(body) == len(wav(20)), (status, len(body)))
        for c in readers[::2]:
            reset(c)
        status, body = request(s.port, "GET", path)
        check("and after half of them broke off", status == 200 and len(body) == len(wav(20)), (status, len(body)))
        for c in readers:
            c.close()


def resets():
    """Connections that break off at every place of a request and of its answer."""
    noise = random.Random(3)
    with service() as s:
        body = notification('{"state":"established"}')
        one = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
        for i in range(600):
            c = connect(s.port, one[:noise.randrange(len(one) + 1)] if i % 2 else one * noise.randrange(1, 5))
            if i % 3:
                reset(c)
            else:
                c.close()
        check("a new one is served", honest(s.port))


class Hostile(Graph):
    """A call service that answers requests of some calls in its own way: by the name of the mode."""

    def __init__(self):
        super().__init__()
        self.modes = {}

    async def misbehave(self, path, writer):
        parts = path.split("/")
        mode = self.modes.get(parts[-2]) if parts[-1] == "mute" else None
        if not mode:
            return False
        ok = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        with contextlib.suppress(ConnectionError):
            if mode == "hangs":
                await asyncio.sleep(3600)
            elif mode == "slow":
                for byte in ok + b'Content-Length: 35\r\n\r\n{"id":"op","status":"completed"}   ':
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.2)
            elif mode == "endlessHeaders":
                writer.write(ok)
                while True:
                    writer.write(b"X: " + b"y" * 1000 + b"\r\n")
                    await writer.drain()
            elif mode == "endlessBody":
                writer.write(ok + b"\r\n")
                while True:
                    writer.write(b" " * 10000)
                    await writer.drain()
            elif mode == "continues":
                while True:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    await writer.drain()
            else:
                writer.write(ANSWERS[mode].replace(b"OK", ok))
        writer.close()
        return True


# What comes back, and what the flow may be told.
ANSWERS = {
    "nothing": b"",
    "half": b"OKContent-Length: 1000\r\n\r\n{\"id\":",
    "garbage": bytes(range(256)) * 20,
    "notJson": b"OKContent-Length: 5\r\n\r\nhello",
    "deep": b"OKContent-Length: 100000\r\n\r\n" + b"[" * 100000,
    "wrongType": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/etc\r\nContent-Length: 0\r\n\r\n",
    "redirectToFile": b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "hugeLength": b"OKContent-Length: 99999999999999\r\n\r\n{}",
    "negativeLength": b"OKContent-Length: -5\r\n\r\n{}",
    "badChunk": b"OKTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "status0": b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
    "status999": b"HTTP/1.1 999 Much\r\nContent-Length: 0\r\n\r\n",
    "noStatus": b"HTTP/1.1\r\n\r\n",
    "twoAnswers": b"OKContent-Length: 2\r\n\r\n{}OKContent-Length: 2\r\n\r\n{}",
    "retryForEver": b"HTTP/1.1 503 Later\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
    "retryNever": b"HTTP/1.1 429 Later\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n",
    "invalidUtf8": b"OKContent-Length: 14\r\n\r\n{\"id\":\"\xff\xfe\xfd\"}  ",
    "duplicates": b"OKContent-Length: 61\r\n\r\n{\"id\":\"a\",\"id\":\"b\",\"status\":\"completed\",\"status\":\"running\"}  ",
    "wrongShape": b"OKContent-Length: 24\r\n\r\n{\"id\":[],\"status\":{\"x\":1}}"[:-2],
}
MODES = [*ANSWERS, "hangs", "slow", "endlessHeaders", "endlessBody", "continues"]


def call_service():
    """Whatever the call service does with one request, the flow hears of an outcome, and the call beside goes on."""
    graph = Hostile()
    with service(graph=graph, mutes=MUTES, routes="return { { tenant = 'mutes', flow = 'mutes' }, { flow = 'main' } }") as s:
        begin, calls = time.monotonic(), {}
        for mode in MODES:
            line = Line(s.port)
            call, status, _ = line.offer("mutes")
            graph.modes[call] = mode
            check(f"{mode}: the call is taken", status == 202)
            until("the answer", lambda: graph.count("answer", call))
            line.updated(call)
            calls[mode] = call
        outcomes = lambda: [x for x in s.lines if "outcome " in x]
        until("every flow to hear of an outcome", lambda: len(outcomes()) == len(MODES), 30)
        check("in time", time.monotonic() - begin < 30 * SLOW)
        told = {x.rsplit("outcome ", 1)[1] for x in outcomes()}
        check("the outcomes are of a few kinds", told <= {"ok", "timeout", "network", "generalException", "serviceNotAvailable"}, told)
        until("the calls to end", lambda: len(s.calls()) <= 1, 30)


main(many_connections, slow, wrong_lengths, bodies, pipelining, flood, slow_readers, resets, call_service)
