"""A call service that says yes to everything, and calls that are offered to Ivory by webhooks: for tests with many calls."""
import asyncio
import collections
import http.client
import json
import threading
import time
import uuid

from harness import SLOW, free_ports, until


class Graph:
    """Answers tokens, 202 for actions, 200 for the rest; remembers verb and last part of the path with the body."""

    def __init__(self, tls=None):
        self.tls = tls
        self.connections = 0
        self.port = free_ports(1)[0]
        self.seen = []
        self.counts, self.changed = collections.Counter(), threading.Condition()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1000, ssl=self.tls))
        ready.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                n = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(n) if n else b""
                verb, path = lines[0].split()[:2]
                with self.changed:
                    self.counts[path.rsplit("/", 1)[1], path.split("/")[-2]] += 1
                    self.changed.notify_all()
                if not await self.misbehave(path, writer):
                    writer.write(self._answer(verb, path, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def misbehave(self, path, writer):
        """For tests: answer in another way; True when that was done."""
        return False

    def count(self, what, call):
        return self.counts[what, call]

    def _answer(self, verb, path, body):
        what = path.rsplit("/", 1)[1]
        if what == "token":
            text, status = b'{"token_type":"Bearer","expires_in":3600,"access_token":"t"}', "200 OK"
        elif verb == "DELETE":
            text, status = b"", "204 No Content"
        elif what in ("answer", "reject"):
            text, status = b"", "202 Accepted"
        else:
            text, status = b'{"id":"op","status":"completed"}', "200 OK"
        self.seen.append((verb, what, body))
        kind = b"Content-Type: application/json\r\n" if text else b""
        return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status.encode(), kind, len(text), text)

    def sets(self, folder):
        secret = folder / "secret"
        secret.write_text("s")
        url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        return [f"graph.url={url}", f"graph.authority={url}", "graph.tenant=contoso", "graph.app_id=app", f"graph.secret_file={secret}",
                "public_url=http://127.0.0.1:1", "inbound.verify=false"]


class Line:
    """One connection over which webhooks are sent."""

    def __init__(self, port):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=30 * SLOW)

    def send(self, change, call, **data):
        body = {"value": [{"changeType": change, "resourceUrl": f"/communications/calls/{call}",
                           "resourceData": {"@odata.type": "#microsoft.graph.call", "id": call, **data}}]}
        self.c.request("POST", "/api/calls", json.dumps(body), {"Content-Type": "application/json"})
        r = self.c.getresponse()
        r.read()
        return r.status, r.headers

    def offer(self, tenant="contoso"):
        call = str(uuid.uuid4())
        status, headers = self.send("created", call, state="incoming", direction="incoming", tenantId=tenant)
        return call, status, headers

    def updated(self, call, state="established"):
        return self.send("updated", call, state=state)[0]

    def ends(self, call):
        return self.send("deleted", call, state="terminated", resultInfo={"code": 200, "subcode": 0})[0]


BYSTANDER = """local M = {}
function M.onCall(call)
  call:answer()
  call:subscribeToTone()
  while true do
    if call:nextTone{ timeout = 3600 } then call:mute() end
  end
end
return M
"""


class Bystander(Line):
    """A call that goes on while something else happens: a key is pressed, and the flow (BYSTANDER) asks for a mute."""

    def __init__(self, port, graph):
        super().__init__(port)
        self.graph, self.keys, self.times = graph, 0, []
        self.call = self.offer()[0]
        until("the call to be answered", lambda: graph.count("answer", self.call))
        self.updated(self.call)
        until("the keys to be asked for", lambda: graph.count("subscribeToTone", self.call))

    def press(self):
        """Press a key: seconds from sending the webhook to hearing the request."""
        self.keys += 1
        begin = time.perf_counter()
        status = self.send("updated", self.call, toneInfo={"tone": "tone1", "sequenceId": self.keys})[0]
        if status != 202:
            raise ValueError(f"a key pressed is answered {status}")
        with self.graph.changed:
            if not self.graph.changed.wait_for(lambda: self.graph.count("mute", self.call) == self.keys, 30 * SLOW):
                raise TimeoutError("a key pressed is not heard")
        self.times.append(time.perf_counter() - begin)
        return self.times[-1]

    def goes_on(self, stop):
        """Press a key again and again in a thread of its own until the event `stop` is set; the thread's errors are kept."""
        self.errors = []

        def run():
            try:
                while not stop.is_set():
                    self.press()
                    stop.wait(0.02)
            except Exception as error:
                self.errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread
