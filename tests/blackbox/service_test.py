"""The service as something that is supervised: readiness and watchdog, sockets that it is given, SIGTERM, drain, the admin address."""
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import IVORY, Program, Service, check, free_ports, main, request, run, until


class Supervisor:
    """What systemd is to a service: a socket for its messages."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ivory-notify-")
        self.path = self.folder.name + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.messages.append(self.socket.recv(4096).decode())

    @property
    def lines(self):
        return "".join(self.messages).splitlines()

    def told(self, line, after=0):
        return until(f"the message {line}", lambda: line in "".join(self.messages[after:]).splitlines())


class Supervised(Service):
    """A service with an environment, and sockets from number 3 on."""

    def __init__(self, *sets, env=None, sockets=(), names=None, options=()):
        self.env, self.sockets, self.names, self.options = env or {}, sockets, names, options
        super().__init__(*sets)

    def ready(self):
        for s, name in zip(self.sockets, (self.names or "").split(":")):
            setattr(self, {"admin": "admin", "public": "port"}.get(name, "other"), s.getsockname()[1])
        try:
            return request(self.admin, "GET", "/readyz", seconds=1)[0] == 200
        except OSError:
            return False

    def spawn(self, args, **how):
        env = {**how.pop("env"), **self.env}
        if not self.sockets:
            return subprocess.Popen([*args, *self.options], env=env, **how)
        # LISTEN_PID must be the number of the process, which only a shell between can know.
        high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in self.sockets]
        moves = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(high))
        names = f"LISTEN_FDNAMES={self.names} " if self.names else ""
        line = f"exec env LISTEN_PID=$$ LISTEN_FDS={len(self.sockets)} {names}\"$@\" {moves}"
        p = subprocess.Popen(["bash", "-c", line, "bash", *args, *self.options], env=env, pass_fds=high, **how)
        for fd in high:
            os.close(fd)
        return p


def listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    return s


def tells_how_it_is():
    systemd = Supervisor()
    s = Supervised(env={"NOTIFY_SOCKET": systemd.path})
    systemd.told("READY=1")
    systemd.told("STATUS=0 calls in progress")
    phone = s.phone()
    phone.says("plays main-menu")
    systemd.told("STATUS=1 calls in progress")
    before = len(systemd.messages)
    s.p.send_signal(signal.SIGHUP)
    systemd.told("RELOADING=1", before)
    check("a reload says when", any(x.startswith("MONOTONIC_USEC=") for x in systemd.lines))
    systemd.told("READY=1", before)
    check("no sign of life that nobody asked for", "WATCHDOG=1" not in systemd.lines, systemd.lines)
    check("not yet stopping", "STOPPING=1" not in systemd.lines)
    s.p.send_signal(signal.SIGTERM)
    systemd.told("STOPPING=1")
    check("it leaves", s.ends() == 0)
    check("it says with what", "leaving with 1 calls in progress" in s.text, s.lines[-3:])


def is_silent_before_it_is_ready():
    systemd = Supervisor()
    bad = tempfile.mkdtemp(prefix="ivory-flows-")
    pathlib.Path(bad, "main.lua").write_text("return nothing at all")
    p = Program("serve", "--set", f"flows={bad}", "--set", f"data={bad}/data", "--set", "listen=127.0.0.1:0", "--set",
                "admin.listen=127.0.0.1:0", "--set", "exchange.listen=127.0.0.1:0", env={"NOTIFY_SOCKET": systemd.path})
    check("flows that do not load: it does not start", p.ends() == 1, p.lines)
    check("and never was ready", "READY=1" not in systemd.lines, systemd.lines)
    status, out = run("serve", env={"NOTIFY_SOCKET": "nowhere"})
    check("an address that is none is refused", status == 1 and "NOTIFY_SOCKET" in out, out)


def barks_only_while_it_turns():
    systemd = Supervisor()
    s = Supervised(env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "600000"})
    until("signs of life", lambda: systemd.lines.count("WATCHDOG=1") > 3)
    s.p.send_signal(signal.SIGSTOP)
    time.sleep(0.3)  # what was on its way
    before = systemd.lines.count("WATCHDOG=1")
    time.sleep(1)
    check("none while it stands still", systemd.lines.count("WATCHDOG=1") == before)
    s.p.send_signal(signal.SIGCONT)
    until("signs of life again", lambda: systemd.lines.count("WATCHDOG=1") > before + 1)
    s.stop()
    other = Supervised(env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "600000", "WATCHDOG_PID": "1"})
    before = systemd.lines.count("WATCHDOG=1")
    time.sleep(1)
    check("none when another process is watched", systemd.lines.count("WATCHDOG=1") == before)
    other.stop()


def barks_only_while_every_worker_turns():
    systemd = Supervisor()

    def signs():
        return systemd.lines.count("WATCHDOG=1")

    def silent():
        before = signs()
        time.sleep(1)
        return signs() == before

    with tempfile.TemporaryDirectory(prefix="ivory-flows-") as flows:
        pathlib.Path(flows, "busy.lua").write_text("return { onCall = function(call) call:answer() while true do end end }")
        s = Supervised("workers=2", "limits.turn_ms=4000", f"flows={flows}",
                       env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "300000"})
        until("signs of life", lambda: signs() > 3)
        s.phone("busy")
        until("silence while one worker stands still", silent)
        check("the main loop turns", request(s.admin, "GET", "/healthz")[0] == 200)
        s.says("limits.turn_ms exceeded")
        before = signs()
        until("signs of life again", lambda: signs() > before)
        s.stop()


def takes_a_supervisor_that_does_not_listen():
    with tempfile.TemporaryDirectory(prefix="ivory-notify-") as folder:
        s = Supervised(env={"NOTIFY_SOCKET": folder + "/nobody", "WATCHDOG_USEC": "300000"})
        time.sleep(0.5)
        check("it serves all the same", s.ready())
        s.stop()
        deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        deaf.bind(folder + "/deaf")
        s = Supervised(env={"NOTIFY_SOCKET": folder + "/deaf", "WATCHDOG_USEC": "3000"})
        until("a full queue", lambda: s.ready())
        time.sleep(1)
        check("nor does one that never reads hold it", s.ready())
        check("and it leaves", s.stop() == 0)


def uses_sockets_that_it_is_given():
    public, admin = listening(), listening()
    s = Supervised(sockets=[admin, public], names="admin:public")
    check("admin", request(admin.getsockname()[1], "GET", "/healthz")[0] == 200)
    check("public", request(public.getsockname()[1], "GET", "/nothing")[0] == 404)
    check("not where the configuration says", not s.listens(int(s.sets[0].split(":")[1])))
    phone = s.phone("main", "--set", f"exchange.listen=127.0.0.1:{s.exchange}")
    phone.says("plays main-menu")
    s.stop()
    c = socket.create_connection(("127.0.0.1", s.port))  # between two processes nobody is refused
    c.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
    again = Supervised(f"data={s.data}", sockets=[admin, public], names="admin:public")
    c.settimeout(20)
    check("a connection waits for the next process", c.recv(100).startswith(b"HTTP/1.1 404"))
    until("the call in the next process", lambda: len(again.calls()) == 1)
    again.stop()
    for names, said in (("", 'called ""'), ("public", 'called ""'), ("public:public", 'called "public"')):
        s = Supervised(sockets=[listening(), listening()], names=names)
        check(f"names {names!r} are refused", s.ends() == 1 and said in s.text, s.lines)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        s = Supervised(sockets=[udp], names="public")
        check("what is no socket for TCP is refused", s.ends() == 1 and "no socket that listens" in s.text, s.lines)


def leaves_and_calls_go_on():
    s = Service()
    phone = s.phone()
    phone.says("plays main-menu")
    check("SIGTERM", s.stop() == 0)
    again = Service(f"data={s.data}", f"exchange.listen=127.0.0.1:{s.exchange}")
    until("the call", lambda: len(again.calls()) == 1)
    check("SIGINT", again.stop(signal.SIGINT) == 0)


def drains():
    systemd = Supervisor()
    s = Supervised("log.level=debug", env={"NOTIFY_SOCKET": systemd.path}, options=["--drain"])
    phone = s.phone()
    phone.says("plays main-menu")
    s.p.send_signal(signal.SIGTERM)
    s.says("no new calls")
    status, body = request(s.admin, "GET", "/readyz")
    check("not ready, and why", status == 503 and json.loads(body)["draining"] is True, body)
    check("alive all the same", request(s.admin, "GET", "/healthz")[0] == 200)
    status, out = s.ivory("dial", "reminder", "+15550177")
    check("no call out", status == 1 and "no new calls" in out, out)
    systemd.told("STOPPING=1")
    check("the supervisor gives it time", any(x.startswith("EXTEND_TIMEOUT_USEC=") for x in systemd.lines), systemd.lines)
    check("it says so", any("no new calls; 1 calls" in x for x in systemd.lines), systemd.lines)
    check("it waits for the call", s.p.poll() is None)
    phone.types("2")
    phone.says("plays support-menu")
    phone.types("q")
    phone.ends()
    check("and leaves when it has ended", s.ends() == 0)
    check("it says so", "drained: leaving with 0 calls" in s.text, s.lines[-4:])


def new_calls_are_refused_in_a_drain():
    s = Service("inbound.verify=false", "stop.drain_s=600")
    phone = s.phone()
    phone.says("plays main-menu")
    status, out = s.ivory("drain")
    check("ivory drain", (status, out) == (0, "draining; 1 calls in progress\n"), out)
    check("twice is once", s.ivory("drain")[0] == 0)
    call = {"@odata.type": "#microsoft.graph.call", "id": "57dab8b1-894c-409a-b240-bd8beae78896", "state": "incoming",
            "direction": "incoming", "tenantId": "7e1f3c52-0b6a-4c0e-9d5e-2b4f8a91c370",
            "source": {"identity": {"phone": {"id": "+15550123"}}}, "targets": [{"identity": {"phone": {"id": "+14255550199"}}}],
            "callRoutes": []}
    body = {"value": [{"@odata.type": "#microsoft.graph.commsNotification", "changeType": "created",
                       "resourceUrl": f"/communications/calls/{call['id']}", "resourceData": call}]}
    answer = s.http("POST", "/api/calls", json.dumps(body), {"Content-Type": "application/json"})
    check("a call is to be offered again", answer.status == 503, answer.status)
    check("later", answer.getheader("Retry-After") == "10", answer.getheaders())
    check("it did not begin", len(s.calls()) == 1)
    s.p.send_signal(signal.SIGTERM)
    check("SIGTERM ends the drain", s.ends() == 0)
    check("with the call in progress", "leaving with 1 calls" in s.text, s.lines[-3:])


def a_drain_has_an_end():
    s = Service("stop.drain=true", "stop.drain_s=1")
    phone = s.phone()
    phone.says("plays main-menu")
    s.p.send_signal(signal.SIGTERM)
    check("after stop.drain_s", s.ends(20) == 0)
    check("it says so", "stop.drain_s is over: leaving with 1 calls" in s.text, s.lines[-3:])
    s = Service("stop.drain=true")
    s.p.send_signal(signal.SIGTERM)
    check("without calls at once", s.ends() == 0)
    s = Service()
    s.ivory("drain")
    check("a supervisor can tell that it was asked for", s.ends() == 4)


def the_admin_address_is_guarded():
    secret = tempfile.NamedTemporaryFile("w", prefix="ivory-token-")
    secret.write("open sesame\n")
    secret.flush()
    s = Service(f"admin.token_file={secret.name}")
    for path, verb in (("/admin/v1/calls", "GET"), ("/metrics", "GET"), ("/admin/v1/drain", "POST"), ("/admin/v1/reload", "POST")):
        for said in (None, "Bearer", "Bearer open", "Bearer open sesame!", "Basic open sesame", "Bearer Open sesame"):
            headers = {"Authorization": said} if said else {}
            check(f"{path} with {said}", request(s.admin, verb, path, headers=headers)[0] == 401)
    check("with the token", request(s.admin, "GET", "/metrics", headers={"Authorization": "Bearer open sesame"})[0] == 200)
    check("health needs none", request(s.admin, "GET", "/healthz")[0] == 200)
    check("the command line has it", s.ivory("calls", "--set", f"admin.token_file={secret.name}") == (0, ""))
    check("nothing happened", s.p.poll() is None and s.ready())
    s.stop()
    s = Service()
    check("without a token this machine may", request(s.admin, "GET", "/metrics")[0] == 200)
    check("a page with a name of its own may not",
          request(s.admin, "GET", "/metrics", headers={"Host": f"evil.example:{s.admin}"})[0] == 403)
    s.stop()
    port = free_ports(1)[0]
    for address in (f"0.0.0.0:{port}", f"[::]:{port}"):
        p = Service(f"admin.listen={address}")
        check(f"{address} without a token", p.ends() == 1 and "needs admin.token_file" in p.text, p.lines)
    with socket.socket() as open_to_all:
        open_to_all.bind(("0.0.0.0", 0))
        open_to_all.listen()
        p = Supervised(sockets=[open_to_all], names="admin")
        check("nor a socket that is given", p.ends() == 1 and "needs admin.token_file" in p.text, p.lines)
    empty = tempfile.NamedTemporaryFile("w", prefix="ivory-token-")
    p = Service(f"admin.token_file={empty.name}")
    check("an empty token is none", p.ends() == 1 and "is empty" in p.text, p.lines)


def logs_lines_about_calls():
    with tempfile.TemporaryDirectory(prefix="ivory-flows-") as flows:
        pathlib.Path(flows, "main.lua").write_text("""
local log = require "ivr.log"
local flow = {}
function flow.onCall(call)
    call:answer()
    log.warn("a \\"word\\"\\nand a line")
    error("broken")
end
return flow""")
        entries = []
        for kind in ("json", "text"):
            s = Service(f"log.format={kind}", flows=flows)
            bundle = json.loads(request(s.admin, "GET", "/readyz")[1])["bundle"][:12]
            phone = s.phone("main")
            s.says("and a line")
            s.says("broken")
            phone.ends()
            s.stop()
            entries.append([x for x in s.lines if "and a line" in x or "broken" in x])
            if kind == "json":
                check("every line is JSON", all(isinstance(json.loads(x), dict) for x in s.lines), s.lines)
        asked, failed = (json.loads(x) for x in entries[0])
        check("what the flow says", asked["text"].endswith('a "word"\nand a line') and asked["level"] == "warn", asked)
        check("whose it is", len(asked["call"]) == 32 and asked["flow"] == "main" and asked["bundle"] == bundle, asked)
        check("what went wrong", failed["level"] == "error" and failed["bundle"] == bundle and failed["flow"] == "main", failed)
        check("as text", f" flow=main bundle={bundle} " in entries[1][0] and "\\nand a line" in entries[1][0], entries[1])
        for stream, begins in ((None, b"2"), ("1:1", b"2"), ("", b"<6>2")):  # "": the right one
            read, write = os.pipe()
            if stream == "":
                stream = f"{os.fstat(write).st_dev}:{os.fstat(write).st_ino}"
            p = subprocess.Popen([IVORY, "serve", *s.with_sets()], stderr=write,
                                 env={**os.environ, **({"JOURNAL_STREAM": stream} if stream else {})})
            os.close(write)
            line = os.read(read, 1000)
            p.terminate()
            p.wait()
            os.close(read)
            check(f"priorities for systemd's journal only ({stream})", line.startswith(begins), line)


def is_not_held_by_its_log():
    """Nobody reads the log, and a flow fills it: calls beside it and the admin address do not notice, and it ends as it should."""
    class Unread(Service):
        def _read(self):
            pass
    with tempfile.TemporaryDirectory(prefix="ivory-flows-") as flows:
        pathlib.Path(flows, "loud.lua").write_text("""
return { onCall = function(call)
    call:answer()
    for i = 1, 1000 do print(("x"):rep(4000)) end
    call:waitFor("terminated", 60)
end }""")
        pathlib.Path(flows, "quiet.lua").write_text("return { onCall = function(call) call:answer() call:waitFor('terminated', 60) end }")
        pathlib.Path(flows, "routes.lua").write_text('return { { flow = "quiet" } }')
        s = Unread("limits.turn_ms=5000", flows=flows)
        loud = s.phone("loud")
        loud.says("connected")
        quiet = s.phone("quiet")
        check("a call beside it is answered", quiet.says("connected") is not None)
        check("both are there", len(s.calls()) == 2, s.calls())
        said = re.compile(rb'ivory_log_lines_total{level="info"} (\d+)')
        until("more to be said than a pipe holds", lambda: int(said.search(request(s.admin, "GET", "/metrics")[1])[1]) > 1000)
        check("and it leaves", s.stop() == 0)


def calls_outlive_it_in_an_exchange_apart():
    s = Service("exchange.apart=true")
    sets = [f"listen=127.0.0.1:{s.port}", f"exchange.listen=127.0.0.1:{s.exchange}", f"data={s.data}", "exchange.apart=true"]
    options = [x for one in sets for x in ("--set", one)]
    check("it has none itself", not s.listens(s.exchange))
    switch = Program("exchange", *options)
    switch.says(f"offers calls to http://127.0.0.1:{s.port}/api/calls")
    phone = s.phone()
    phone.says("plays main-menu")
    check("the service leaves", s.stop() == 0)
    again = Service(*sets)
    phone.types("2")
    phone.says("plays support-menu")
    phone.types("q")
    phone.ends()
    until("the end of the call", lambda: again.calls() == [])
    check("the exchange leaves", switch.stop() == 0)
    switch = Program("exchange", *options)
    switch.says("exchange at port")
    phone = s.phone()
    phone.says("plays main-menu")  # with tokens and keys that are new on both sides
    again.stop()
    switch.stop()
    status, out = run("exchange", *options, "--set", "graph.url=https://graph.example", "--set", "log.level=info")
    check("with Graph none is needed", status == 0 and "no exchange is needed" in out, out)
    status, out = run("exchange", *options, "--set", "exchange.secret_file=nowhere")
    check("a secret that cannot be read is not left out", status == 1 and "exchange.secret_file: cannot read nowhere" in out, out)


def says_why_it_does_not_start():
    with socket.socket() as taken, tempfile.TemporaryDirectory(prefix="ivory-data-") as data:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        read, write = os.pipe()
        info = os.fstat(write)
        p = subprocess.Popen([IVORY, "serve", "--set", f"listen=127.0.0.1:{port}", "--set", f"data={data}"], stderr=write,
                             env={**os.environ, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
        os.close(write)
        with os.fdopen(read) as f:
            said = f.read()
        check("as an error of systemd's journal", p.wait() == 1 and said.startswith("<3>ivory: listen: cannot listen"), said)


main(tells_how_it_is, is_silent_before_it_is_ready, barks_only_while_it_turns, barks_only_while_every_worker_turns,
     takes_a_supervisor_that_does_not_listen,
     uses_sockets_that_it_is_given, leaves_and_calls_go_on, drains, new_calls_are_refused_in_a_drain, a_drain_has_an_end,
     the_admin_address_is_guarded, logs_lines_about_calls, is_not_held_by_its_log, says_why_it_does_not_start, calls_outlive_it_in_an_exchange_apart)
