"""A meeting that the service has lost us from while we were away: with `rejoin` the flow joins again, once."""
import json
import pathlib
import shutil
import signal
import tempfile
import time
import urllib.parse

from harness import Program, check, main, request, run, until
from pair import EXCHANGE_APP, EXCHANGE_TENANT, Pair

MEETING = ("https://teams.microsoft.com/l/meetup-join/19%3ameeting_aXZvcnk%40thread.v2/0"
           "?context=%7b%22Tid%22%3a%2272f988bf-86f1-41af-91ab-2d7cd011db47%22%2c%22Oid%22%3a%22550fae72-d251-43ec-868c-373732c2704f%22%7d")
FLOW = """
local ivr, log = require "ivr", require "ivr.log"
local flow = { rejoin = %s }
function flow.onCall(call)
    call:onEnd(function(why) log.info("over: " .. why) end)
    if not call:waitFor("established", 30) then return log.warn "not let in" end
    log.info(("in: rejoined %%s, thread %%s"):format(tostring(call.rejoined), call.chatInfo.threadId))
    ivr.sleep(600)
end
return flow
"""


class Meeting(Pair):
    """A meeting in which somebody is, and then a flow."""

    def __init__(self, rejoin):
        self.flows = tempfile.mkdtemp(prefix="ivory-flows-")
        pathlib.Path(self.flows, "sits.lua").write_text(FLOW % rejoin)
        pathlib.Path(self.flows, "routes.lua").write_text('return { { flow = "sits" } }')
        super().__init__()
        form = urllib.parse.urlencode({"client_id": EXCHANGE_APP, "client_secret": "exchange", "grant_type": "client_credentials",
                                       "scope": f"http://127.0.0.1:{self.exchange}/.default"})
        self.token = json.loads(request(self.exchange, "POST", f"/{EXCHANGE_TENANT}/oauth2/v2.0/token", form,
                                        {"Content-Type": "application/x-www-form-urlencoded"})[1])["access_token"]
        status, body = self.ask("POST", "", {
            "@odata.type": "#microsoft.graph.call", "callbackUri": "http://127.0.0.1:9/nobody", "tenantId": EXCHANGE_TENANT,
            "requestedModalities": ["audio"], "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
            "chatInfo": {"@odata.type": "#microsoft.graph.chatInfo", "threadId": "19:meeting_aXZvcnk@thread.v2", "messageId": "0"},
            "meetingInfo": {"@odata.type": "#microsoft.graph.organizerMeetingInfo", "organizer": {
                "@odata.type": "#microsoft.graph.identitySet",
                "user": {"@odata.type": "#microsoft.graph.identity", "id": "550fae72-d251-43ec-868c-373732c2704f"}}}})
        assert status == 201, body
        self.somebody = json.loads(body)["id"]
        status, out = run("dial", "sits", MEETING, *self.with_sets())
        check("the meeting is joined", status == 0, out)
        self.service.says("in: rejoined false")

    def launch(self):
        self.service = Program("serve", *self.with_sets([*self.graph, f"flows={self.flows}"]))

    def ask(self, verb, path, body=None):
        return request(self.exchange, verb, "/v1.0/communications/calls" + path, body and json.dumps(body),
                       {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})

    def members(self):
        return len(json.loads(self.ask("GET", f"/{self.somebody}/participants")[1])["value"])

    def lose(self):
        """The service dies, and its call with it."""
        call = self.calls()[0]
        time.sleep(0.3)
        self.service.stop(signal.SIGKILL)
        check("the call is taken from us", self.ask("DELETE", f"/{call['id']}")[0] == 204)
        until("it to be gone", lambda: self.members() == 1)
        return call["key"]

    def stop(self):
        super().stop()
        shutil.rmtree(self.flows, ignore_errors=True)


def it_is_joined_again():
    p = Meeting("true")
    key = p.lose()
    p.start()
    p.service.says("in: rejoined true, thread 19:meeting_aXZvcnk@thread.v2", 20)
    until("the end of the lost call", lambda: "over: hangup" in p.service.text, 20)
    until("one call to be left", lambda: len(p.calls()) == 1)
    check("it is another call", p.calls()[0]["key"] != key, p.calls())
    check("once", p.members() == 2, p.members())
    status, out = run("show", key, *p.with_sets())
    check("the lost call says where it went", "rejoined" in out, out)
    time.sleep(0.3)
    p.crash()
    until("the call to be taken up", lambda: len(p.calls()) == 1, 20)
    check("not again", p.members() == 2, p.members())
    p.stop()


def also_when_it_is_killed_meanwhile():
    for wait in (0.0, 0.02, 0.1, 3.0, 3.2):  # the reason of the end is awaited for three seconds
        p = Meeting("true")
        p.lose()
        p.launch()
        p.service.says("were in progress", 20)
        time.sleep(wait)
        p.service.stop(signal.SIGKILL)
        p.start()
        until("the end of the lost call", lambda: len(p.calls()) == 1 and "recovery: " in p.service.text, 30)
        until("it to be in the meeting, or in doubt", lambda: p.members() == 2 or "in doubt" in p.service.text, 20)
        time.sleep(1)
        check(f"once, killed after {wait} s", p.members() <= 2 and len(p.calls()) <= 1, (p.members(), p.calls()))
        p.stop()


def without_rejoin_it_ends():
    p = Meeting("nil")
    p.lose()
    p.start()
    until("the end of the lost call", lambda: "over: hangup" in p.service.text, 20)
    until("no call to be left", lambda: p.calls() == [])
    time.sleep(0.5)
    check("nobody joins", p.members() == 1 and p.calls() == [])
    p.stop()


main(it_is_joined_again, also_when_it_is_killed_meanwhile, without_rejoin_it_ends)
