"""Bad input from every side: any body on any port, broken configurations, broken flows. Never a crash, never a stuck call."""
import json
import pathlib
import random
import shutil
import tempfile
import time

from harness import IVORY, ROOT, SLOW, Service, check, main, raw, request, run, until

JSON = {"Content-Type": "application/json"}


def statuses():
    s = Service()
    before = s.descriptors()
    huge = b"x" * (1 << 20) + b"xx"
    deep = b"[" * 100000
    for port, verb, path, body, headers, want in [
        (s.port, "POST", "/api/calls", b"{}", JSON, {401}),
        (s.port, "POST", "/api/calls", b"{}", {**JSON, "Authorization": "Bearer a.b.c"}, {401}),
        (s.port, "POST", "/api/calls", b"not json", {**JSON, "Authorization": "Basic eA=="}, {401}),
        (s.port, "POST", "/api/calls", b"{}", {"Content-Type": "text/plain"}, {415}),
        (s.port, "POST", "/api/calls/" + "f" * 32, b"{}", JSON, {401, 404}),
        (s.port, "POST", "/api/calls/" + "f" * 500, b"{}", JSON, {404}),
        (s.port, "GET", "/api/calls", None, {}, {405}),
        (s.port, "GET", "/nothing", None, {}, {404}),
        (s.port, "GET", "/prompts/../../etc/passwd", None, {}, {404}),
        (s.port, "GET", "/prompts/" + "0" * 64 + "/en/x.wav", None, {}, {404}),
        (s.port, "PUT", "/prompts/" + "0" * 64 + "/en/x.wav", b"", {}, {405}),
        (s.port, "POST", "/api/calls", huge, JSON, {413}),
        (s.admin, "GET", "/healthz", None, {}, {200}),
        (s.admin, "POST", "/admin/v1/calls", b"{", JSON, {400}),
        (s.admin, "POST", "/admin/v1/calls", deep, JSON, {400}),
        (s.admin, "POST", "/admin/v1/calls", b'{"flow":1,"target":2}', JSON, {400}),
        (s.admin, "POST", "/admin/v1/calls", b'{"flow":"reminder","target":"+15550177"}', {"Content-Type": "text/plain"}, {415}),
        (s.admin, "DELETE", "/admin/v1/calls/xyz", None, {}, {404}),
        (s.admin, "GET", "/admin/v1/calls/" + "0" * 32, None, {}, {404}),
        (s.admin, "PATCH", "/admin/v1/calls", b"", {}, {405}),
        (s.exchange, "POST", "/v1.0/communications/calls", b"{}", JSON, {401}),
        (s.exchange, "GET", "/v1.0/communications/calls/x", None, {"Authorization": "Bearer zzz"}, {401}),
        (s.exchange, "GET", "/elsewhere", None, {}, {401, 404}),
        (s.exchange, "POST", "/t/oauth2/v2.0/token", b"grant_type=client_credentials", {"Content-Type": "application/x-www-form-urlencoded"}, {400, 401}),
        (s.exchange, "GET", "/t/oauth2/v2.0/token", None, {}, {405}),
    ]:
        status, body = request(port, verb, path, body, headers)
        check(f"{verb} {path[:40]} gives {want}", status in want, (status, body[:200]))
        if port == s.exchange and status >= 400 and "oauth2" not in path:
            check(f"{verb} {path[:40]} has a Graph error body", "code" in json.loads(body)["error"], body[:200])

    token = json.loads(request(s.exchange, "POST", "/t/oauth2/v2.0/token",
                               "client_id=a&client_secret=b&grant_type=client_credentials&scope=x",
                               {"Content-Type": "application/x-www-form-urlencoded"})[1])["access_token"]
    auth = {**JSON, "Authorization": f"Bearer {token}"}
    for verb, path, body, want in [
        ("POST", "/v1.0/communications/calls", b"{}", {400}),
        ("POST", "/v1.0/communications/calls", b"[1,2", {400}),
        ("POST", "/v1.0/communications/calls", deep, {400}),
        ("POST", "/v1.0/communications/calls", huge, {413}),
        ("GET", "/v1.0/communications/calls/none", None, {404}),
        ("PATCH", "/v1.0/communications/calls/none", b"{}", {404, 405}),
        ("POST", "/v1.0/communications/calls/none/playPrompt", b"{}", {400, 404}),
        ("GET", "/v1.0/users", None, {404}),
        ("POST", "/v7/communications/calls", b"{}", {404}),
    ]:
        status, answer = request(s.exchange, verb, path, body, auth)
        check(f"{verb} {path} gives {want}", status in want, (status, answer[:200]))
        if status != 413:
            check(f"{verb} {path} has a Graph error body", "code" in json.loads(answer)["error"], answer[:200])
    check("each refused webhook left one line", s.text.count("refused") >= 5, s.text)
    until("descriptors to come back", lambda: s.descriptors() <= before + 4)
    check("the service still takes calls", walks_the_menu(s))
    s.stop()


def walks_the_menu(s):
    phone = s.phone()
    phone.says("plays main-menu")
    phone.types("q")
    return phone.ends() == 0


def raw_bytes():
    s = Service("log.level=error")
    noise = random.Random(7)
    requests = [
        b"", b"\r\n\r\n", b"GET", b"GET / HTTP/9.9\r\n\r\n", b"POST /api/calls HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
        b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
        bytes(noise.randrange(256) for _ in range(5000)),
    ]
    for port in (s.port, s.admin, s.exchange):
        for data in requests:
            begun = time.monotonic()
            answer = raw(port, data)
            check("what ends in the middle is let go soon", time.monotonic() - begun < 4 * SLOW, data[:60])
            check("what is answered is HTTP", not answer or answer.startswith(b"HTTP/1."), (data[:60], answer[:60]))
    answer = raw(s.port, b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n")
    check("a POST without a length is refused", answer.startswith((b"HTTP/1.1 411", b"HTTP/1.1 401", b"HTTP/1.1 400")), answer[:80])
    answers = {raw(s.port, requests[8])[:13] for _ in range(10)}  # some are lost: the connection is reset behind the answer
    check("headers have a limit", b"HTTP/1.1 431 " in answers and answers <= {b"HTTP/1.1 431 ", b""}, answers)
    check("the service still takes calls", walks_the_menu(s))
    check("and leaves well", s.stop() == 0, s.text)


def configurations():
    with tempfile.TemporaryDirectory() as folder:
        for text, parts in [
            ("listen = 5\n", ["ivory.conf:1", "listen"]),
            ("\n\nlissten = '127.0.0.1:1'\n", ["ivory.conf:3", "lissten"]),
            ("graph = {\n  url = 'https://x',\n  nothing = 1,\n}\n", ["ivory.conf:3", "graph.nothing"]),
            ("limits = { turn_ms = -1 }\n", ["ivory.conf:1", "limits.turn_ms"]),
            ("listen = \n", ["ivory.conf:"]),
            ("while true do end\n", ["ivory.conf"]),
            ("os.exit(0)\n", ["ivory.conf:1"]),
            ("flows = '/nowhere/at/all'\n", ["/nowhere/at/all"]),
            ("graph = { url = 'https://graph.microsoft.com' }\n", ["public_url"]),
        ]:
            path = pathlib.Path(folder) / "ivory.conf"
            path.write_text(text)
            status, out = run("serve", "--config", str(path), "--set", "listen=127.0.0.1:0" if "listen" not in text else "language=en",
                              "--set", "admin.listen=127.0.0.1:0", "--set", "exchange.listen=127.0.0.1:0", "--set", f"data={folder}/var")
            check(f"refused: {text!r}", status == 1 and all(p in out for p in parts), (status, out))
    for args, part in [(["--set", "a.b=c"], "a.b"), (["--set", "listen"], "listen"), (["--config", "/nowhere.conf"], "/nowhere.conf"),
                       (["--set", "log.level=loud"], "log.level")]:
        status, out = run("serve", *args)
        check(f"refused: {args}", status == 1 and part in out, (status, out))
    status, out = run("serve", "--print-config")
    check("--print-config prints what is in force", status == 0 and "8080" in out, out)
    check("an unknown command is refused", run("sing")[0] == 2)
    check("a missing argument is refused", run("dial", "main")[0] == 2)


def flows():
    good = ROOT / "flows"
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "flows"
        shutil.copytree(good, copy)
        for name, text, parts in [
            ("main.lua", "return {\n  oops\n", ["flows/main.lua:3"]),
            ("main.lua", "local x = nil\nreturn x.y\n", ["flows/main.lua:2"]),
            ("main.lua", "while true do end\n", ["flows/main.lua:1"]),
            ("main.lua", "return 7\n", ["flows/main.lua"]),
            ("main.lua", "require 'nothing'\nreturn {}\n", ["flows/main.lua:1", "nothing"]),
            ("routes.lua", "return 5\n", ["routes.lua"]),
            ("routes.lua", "return { { flow = 'main' }, { flow = 'nosuch' } }\n", ["routes.lua", "route 2", "nosuch"]),
            ("routes.lua", "return { { too = '+1', flow = 'main' } }\n", ["routes.lua", "route 1", "too"]),
            ("prompts/en/bad.wav", "RIFF nonsense", ["bad.wav"]),
        ]:
            target = copy / name
            old = target.read_bytes() if target.exists() else None
            target.write_text(text)
            status, out = run("check", str(copy))
            check(f"refused: {name} {text!r}", status == 1 and all(p in out for p in parts), (status, out))
            target.write_bytes(old) if old is not None else target.unlink()
        status, out = run("check", str(copy))
        check("the flows as they are load", status == 0, out)

        for name, body in {
            "loop": "while true do end",
            "memory": "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
            "missing": "call:playPrompt 'no-such-prompt'",
            "fails": "error('broken on purpose')",
            "cleanup": "call:onEnd(function() error('broken handler') end) call:hangup()",
        }.items():
            (copy / f"{name}.lua").write_text(f"local flow = {{}}\nfunction flow.onCall(call)\n  call:answer()\n  {body}\nend\nreturn flow\n")
        s = Service("fallback.prompt=goodbye", flows=copy)
        bystander = s.phone()
        bystander.says("plays main-menu")
        # The thread sanitizer keeps signals back until a system call, which an endless loop never makes.
        for name in ("memory", "missing", "fails") if "tsan" in IVORY else ("loop", "memory", "missing", "fails"):
            phone = s.phone(name)
            phone.says("plays goodbye", 20)
            phone.says("ended", 20)
            until("a line in the log", lambda n=name: f"flows/{n}.lua:4" in s.text)
            check(f"{name}: file and line are named", True)
        phone = s.phone("cleanup")
        phone.says("ended", 20)
        until("the handler's error", lambda: "flows/cleanup.lua:4" in s.text and "broken handler" in s.text)
        bystander.types("2")
        bystander.says("plays support-menu")
        bystander.types("q")
        bystander.ends()
        until("all calls to end", lambda: s.calls() == [])
        (copy / "main.lua").write_text("return {")
        status, out = run("reload", *s.with_sets())
        check("a broken flow is refused at reload", status == 1 and "main.lua:1" in out, out)
        check("and the old ones go on", walks_the_menu(s))
        check("the service leaves well", s.stop() == 0, s.text)


def decoding():
    status, out = run("decode", text='{"value":[{"changeType":"updated","resourceUrl":"/communications/calls/57DAB8B1894C409AB240BD8BEAE78896",'
                                     '"resourceData":{"state":"Established","toneInfo":{"sequenceId":1,"tone":"tone5"}}}]}')
    check("decode prints the tone", status == 0 and '"tone"' in out and "tone5" in out and "57dab8b1894c409ab240bd8beae78896" in out, out)
    for text in ["", "{", "[]", '{"value":7}', '{"value":[{}]}', "\x00", '{"value":[' + "1," * 2000 + "1]}"]:
        status, out = run("decode", text=text)
        check(f"decode refuses {text[:20]!r} with a reason", status == 1 and "ivory: " in out, (status, out[:200]))
    rows = json.loads(run("methods", "--json")[1])
    names = {r["name"] for r in rows}
    check("methods --json has the methods", {"playPrompt", "answer", "transfer", "participant.mute"} <= names, sorted(names))
    check("with verb, path, fields, completes, versions", all({"verb", "path", "fields", "completes", "versions"} <= r.keys() for r in rows))
    check("methods prints a table", "playPrompt" in run("methods")[1])


main(statuses, raw_bytes, configurations, flows, decoding)
