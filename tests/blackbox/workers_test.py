"""Several workers: calls are spread, nothing tells them apart from outside, values are shared, and the number may change at a restart."""
import pathlib
import re
import signal
import sqlite3
import tempfile
import uuid

from harness import Service, check, json, main, request, until
from pair import Pair

PHONES = 16

COUNTING = """
local store = require "ivr.store"
local flow = {}
function flow.onCall(call)
    call:answer()
    for _ = 1, 10 do store.incr "all" end
    call:subscribeToTone()
    call:nextTone{ timeout = 60 }
end
return flow
"""


def metric(port, name, **labels):
    """Every sample of that name whose labels hold `labels`: {labels: value}."""
    text = request(port, "GET", "/metrics")[1].decode()
    found = {}
    for given, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M):
        if all(f'{k}="{v}"' in given for k, v in labels.items()):
            found[given] = float(value)
    return found


def calls_are_spread_and_found():
    s = Service("workers=4")
    phones = [s.phone() for _ in range(PHONES)]
    for phone in phones:
        phone.says("plays main-menu", 30)
    calls = s.calls()
    keys = {c["key"] for c in calls}
    check("every call is listed once", len(calls) == len(keys) == PHONES, calls)
    spread = metric(s.admin, "ivory_worker_calls")
    check("they are spread", len(spread) == 4 and sum(spread.values()) == PHONES and sum(n > 0 for n in spread.values()) >= 2, spread)
    check("states are added up", metric(s.admin, "ivory_calls", state="established") == {'state="established"': PHONES})
    status, body = request(s.admin, "GET", "/readyz")
    check("so are calls", status == 200 and json.loads(body)["calls"] == PHONES, body)
    bundles = json.loads(request(s.admin, "GET", "/admin/v1/bundles")[1])["bundles"]
    check("and those of bundles", [(b["state"], b["calls"], b["cells"]) for b in bundles] == [("active", PHONES, 4)], bundles)
    key = calls[0]["key"]
    one = json.loads(request(s.admin, "GET", f"/admin/v1/calls/{key}")[1])
    check("one is found by its key", [c["key"] for c in one] == [key], one)
    check("one that is not there is not", request(s.admin, "GET", "/admin/v1/calls/" + "0" * 32)[0] == 404)
    for phone in phones:
        phone.types("2")
    for phone in phones:
        phone.says("plays support-menu", 30)
    for k in keys:
        status, _ = request(s.admin, "DELETE", f"/admin/v1/calls/{k}")
        check("a call is hung up by whoever has it", status == 202, status)
    for phone in phones:
        check("and its phone hears of it", phone.ends(30) == 0, phone.text)
    until("all calls to end", lambda: s.calls() == [])
    check("a call that has ended is not found", request(s.admin, "DELETE", f"/admin/v1/calls/{key}")[0] == 404)
    check("the service leaves well", s.stop() == 0, s.text)
    check("nothing was wrong", " error " not in s.text, s.text)


def placed_calls_are_spread():
    s = Service("workers=4")
    phones = [s.phone("--answer", f"+155501{i:02}") for i in range(8)]
    for i, phone in enumerate(phones):
        phone.says("waits|listens|ready", 10)
        status, out = s.ivory("dial", "reminder", f"+155501{i:02}")
        check("a call is placed", status == 0, out)
    for phone in phones:
        phone.says("plays reminder", 30)
    spread = metric(s.admin, "ivory_worker_calls")
    check("evenly", sorted(spread.values()) == [2, 2, 2, 2], spread)
    for phone in phones:
        phone.types("q")
        phone.ends()
    until("all calls to end", lambda: s.calls() == [])
    s.stop()


def values_count_once():
    with tempfile.TemporaryDirectory() as flows:
        pathlib.Path(flows, "main.lua").write_text(COUNTING)
        s = Service("workers=4", flows=flows)
        phones = [s.phone() for _ in range(PHONES)]
        until("all to wait", lambda: [w["what"] for c in s.calls() for w in c["waits"]].count("nextTone") == PHONES, 30)
        s.stop()
        again = Service("workers=1", f"data={s.data}", flows=flows)
        phone = again.phone()
        until("the last to wait", lambda: [w["what"] for c in again.calls() for w in c["waits"]].count("nextTone") == 1, 30)
        with sqlite3.connect(f"{s.data}/journal.db") as db:
            values = db.execute("SELECT name, value FROM store").fetchall()
        db.close()
        check("no increment is lost or counted twice", [(n, int(v)) for n, v in values] == [("all", 10 * (PHONES + 1))], values)
        for p in [*phones, phone]:
            p.stop(signal.SIGKILL)
        again.stop()


def the_number_of_workers_changes():
    p = Pair()
    p.sets.append("workers=1")
    p.crash()
    phones = [p.phone("--from", f"+1555020{i:02}") for i in range(8)]
    for phone in phones:
        phone.says("plays main-menu", 30)
    before = {c["key"] for c in p.calls()}
    for n in (4, 3, 1, 2):
        p.sets[-1] = f"workers={n}"
        p.crash()
        until("the calls to be taken up", lambda: {c["key"] for c in p.calls()} == before, 30)
        until("them to go on", lambda: json.loads(request(p.admin, "GET", "/readyz")[1])["recovering"] == 0, 30)
        for phone in phones:
            phone.types("2")
        for phone in phones:
            phone.says("plays support-menu", 30)
            phone.types("9")
        for phone in phones:
            phone.says("plays main-menu", 30)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    for phone in phones:
        phone.types("q")
        check("the phone ends well", phone.ends() == 0, phone.text)
    until("the calls to end", lambda: p.calls() == [])
    p.stop()


def offer(call_id):
    return {"changeType": "created", "resourceUrl": f"/communications/calls/{call_id}",
            "resourceData": {"@odata.type": "#microsoft.graph.call", "state": "incoming", "direction": "incoming"}}


def one_webhook_is_about_many():
    """Offers in one body, for calls that fall to different workers: each begins once, also when it comes again."""
    s = Service("workers=4", "inbound.verify=false", "log.level=debug")
    ids = [str(uuid.uuid4()) for _ in range(12)]
    body = json.dumps({"value": [offer(i) for i in ids]})
    for _ in range(2):
        answer = s.http("POST", "/api/calls", body, {"Content-Type": "application/json"})
        check("it is taken", answer.status == 202, answer.status)
    started = metric(s.admin, "ivory_calls_started_total", direction="incoming")
    check("each call begins once", list(started.values()) == [len(ids)], started)
    webhooks = metric(s.admin, "ivory_webhooks_total")
    check("a webhook is counted where it came in", sum(webhooks.values()) == 2, webhooks)
    until("them to end, since the exchange knows none of them", lambda: s.calls() == [], 30)
    answer = s.http("POST", "/api/calls/" + "0" * 32, "{}", {"Content-Type": "application/json"})
    check("what is no notification is refused by whoever the key falls to", answer.status == 400, answer.status)
    gone = json.dumps({"value": [{**offer(uuid.uuid4()), "changeType": "deleted", "resourceData": {"state": "terminated"}}]})
    for i in range(8):
        answer = s.http("POST", f"/api/calls/{i:032x}", gone, {"Content-Type": "application/json"})
        check("so is a key of no call", answer.status == 404, answer.status)
    s.stop()


main(calls_are_spread_and_found, placed_calls_are_spread, values_count_once, the_number_of_workers_changes, one_webhook_is_about_many)
