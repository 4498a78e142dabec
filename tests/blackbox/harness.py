"""Shared by the Python tests: start programs, wait for things, speak raw HTTP, count checks."""
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

IVORY = os.environ.get("IVORY", "build/ivory")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW = 5 if "asan" in IVORY or "tsan" in IVORY else 1  # sanitizers slow everything

passed = failed = 0
started = []


def check(what, ok, detail=None):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"  not so: {what}" + ("" if detail is None else f": {detail!r}"), flush=True)
    return ok


def until(what, get, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        value = get()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f"waited in vain for {what}")


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Program:
    """A child process whose output is collected line by line."""

    forget = None  # a compiled pattern: lines that are not kept

    def __init__(self, *args, cwd=ROOT, env=None, stdin=subprocess.PIPE, before=()):
        self.lines, self.new = [], queue.Queue()
        self.p = self.spawn([*before, str(pathlib.Path(IVORY).resolve()), *args], cwd=cwd, text=True, bufsize=1,
                            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, **(env or {})})
        threading.Thread(target=self._read, daemon=True).start()
        started.append(self)

    def spawn(self, args, **how):
        return subprocess.Popen(args, **how)

    def _read(self):
        for line in self.p.stdout:
            if self.forget and self.forget.search(line):
                continue
            self.lines.append(line.rstrip("\n"))
            self.new.put(line.rstrip("\n"))

    def says(self, pattern, seconds=10):
        """Wait for a line that matches, among those not looked at yet."""
        end = time.monotonic() + seconds * SLOW
        while (left := end - time.monotonic()) > 0:
            try:
                line = self.new.get(timeout=left)
            except queue.Empty:
                break
            if re.search(pattern, line):
                return line
        raise TimeoutError(f"{self.p.args[1]} did not say /{pattern}/; it said:\n    " + "\n    ".join(self.lines[-30:]))

    def types(self, text):
        self.p.stdin.write(text)
        self.p.stdin.flush()

    def stop(self, number=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(number)
        return self.ends()

    def ends(self, seconds=10):
        status = self.p.wait(timeout=seconds * SLOW)
        time.sleep(0.05)
        return status

    @property
    def text(self):
        return "\n".join(self.lines)


def run(*args, text=None, cwd=ROOT, env=None):
    """Run to the end: (status, output)."""
    r = subprocess.run([str(pathlib.Path(IVORY).resolve()), *args], cwd=cwd, input=text, text=True, timeout=60 * SLOW,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
    return r.returncode, r.stdout


class Service(Program):
    """`ivory serve` with the exchange, on ports of its own, its data in a folder that goes with it."""

    def __init__(self, *sets, flows=None, wait=True):
        self.port, self.admin, self.exchange = free_ports(3)
        self.data = tempfile.mkdtemp(prefix="ivory-data-")
        self.sets = [f"listen=127.0.0.1:{self.port}", f"admin.listen=127.0.0.1:{self.admin}",
                     f"exchange.listen=127.0.0.1:{self.exchange}", f"data={self.data}"]
        if flows:
            self.sets.append(f"flows={flows}")
        super().__init__("serve", *self.with_sets(sets))
        if wait:
            until("the service", lambda: self.p.poll() is not None or self.ready())

    def with_sets(self, more=()):
        return [x for s in [*self.sets, *more] for x in ("--set", s)]

    def ready(self):
        try:
            return request(self.admin, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def ivory(self, *args):
        return run(*args, *self.with_sets())

    def http(self, verb, path, body=None, headers=None):
        """The whole answer of the public address."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10 * SLOW)
        c.request(verb, path, body=body, headers=headers or {})
        answer = c.getresponse()
        answer.read()
        c.close()
        return answer

    def phone(self, *args, stdin=subprocess.PIPE):
        return Program("phone", *args, *self.with_sets(), stdin=stdin)

    def calls(self):
        return json.loads(request(self.admin, "GET", "/admin/v1/calls")[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))


def request(port, verb, path, body=None, headers=None, seconds=10):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds * SLOW)
    try:
        c.request(verb, path, body=body, headers=headers or {})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def raw(port, data, seconds=5, half_close=True):
    """Send bytes as they are; what comes back until the peer closes or `seconds` pass."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds * SLOW) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                got += chunk
        except OSError:
            pass
    return got


def finish():
    for p in started:
        if p.p.poll() is None:
            p.p.kill()
        if isinstance(p, Service):
            shutil.rmtree(p.data, ignore_errors=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


def main(*tests):
    for test in tests:
        try:
            test()
        except Exception as error:
            check(f"{test.__name__} runs to its end", False, f"{type(error).__name__}: {error}")
    finish()
