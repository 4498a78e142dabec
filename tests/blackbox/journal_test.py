"""What the journal knows of calls: cdr, show, calls, and replay against the same and against other flows."""
import atexit
import csv
import io
import json
import pathlib
import re
import shutil
import signal
import sqlite3
import tempfile

from harness import ROOT, Program, Service, check, main, run, until


class Desk:
    """A service with its own copy of the example flows, one call made, then stopped."""

    def __init__(self, *sets, keys="2", stop=signal.SIGTERM):
        self.flows = tempfile.mkdtemp(prefix="ivory-flows-")
        atexit.register(shutil.rmtree, self.flows, ignore_errors=True)
        shutil.copytree(ROOT / "flows", self.flows, dirs_exist_ok=True)
        self.service = Service(*sets, flows=self.flows)
        phone = self.service.phone()
        phone.says("plays main-menu")
        self.key = self.service.calls()[0]["key"]
        phone.types(keys)
        phone.says("plays support-menu")
        if stop == signal.SIGTERM:
            phone.types("q")
            phone.ends()
            until("the end of the call", lambda: not self.service.calls())
        self.service.stop(stop)

    def ivory(self, *args):
        return run(*args, *self.service.with_sets())

    def edit(self, old, new):
        path = pathlib.Path(self.flows, "main.lua")
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))


def what_remains_of_a_call():
    d = Desk()
    status, out = d.ivory("cdr")
    one = json.loads(out)
    check("cdr exits with 0", status == 0, out)
    check("its key", one["key"] == d.key, one)
    check("its flow and result", (one["flow"], one["result"]) == ("main", "hangup"), one)
    check("its keys are counted", one["keys"] == 1, one)
    check("its prompts", one["prompts"][:1] == ["main-menu"] or "main-menu" in one["prompts"], one)
    status, out = d.ivory("cdr", "--csv", "--since", "1d")
    rows = list(csv.DictReader(io.StringIO(out)))
    check("one row", len(rows) == 1 and rows[0]["key"] == d.key and rows[0]["keys"] == "1", out)
    status, out = d.ivory("cdr", "--since", "2099-01-01")
    check("none after that", (status, out) == (0, ""), out)
    status, out = d.ivory("cdr", "--since", "yesterday")
    check("no date", status == 1 and "2026-11-23" in out, out)
    status, out = d.ivory("show", d.key)
    check("the timeline has the prompt and its place", '"main-menu"' in out and "at flows/main.lua:" in out, out)
    check("the key is counted, not shown", "number 1" in out and "tone2" not in out, out)
    status, out = d.ivory("show", d.key, "--json")
    shown = json.loads(out)
    check("as JSON", shown["summary"]["key"] == d.key and len(shown["timeline"]) > 4, out)
    check("no sealed values", "sealed" not in out, out)
    status, out = d.ivory("show", "0" * 32)
    check("an unknown call", status == 1 and "no call" in out, out)
    data = b"".join(p.read_bytes() for p in pathlib.Path(d.service.data).glob("journal.db*"))
    check("the key that was pressed is nowhere in clear", b"tone2" not in data)


def a_call_is_run_again():
    d = Desk()
    status, out = d.ivory("replay", d.key)
    check("with its own flows: the same", status == 0 and "the same" in out, out)
    status, out = d.ivory("replay", d.key, "--flows", d.flows)
    check("with the folder: the same", status == 0, out)
    status, out = d.ivory("replay", "--all", "--since", "1d", "--flows", d.flows)
    check("all: the same", status == 0 and "1 calls: 1 the same" in out, out)
    d.edit("call:answer()", 'call:playPrompt "goodbye"\n    call:answer()')
    status, out = d.ivory("replay", d.key, "--flows", d.flows)
    check("another flow: different", status == 1 and "DIFFERENT" in out, out)
    lines = out.splitlines()
    check("line against line", len(lines) == 3, out)
    check("what was recorded", re.fullmatch(r'    recorded  answer      fiber 1  flows/main.lua:(\d+)  call:answer\(\)', lines[1]), out)
    check("what is done now", re.fullmatch(r'    now       playPrompt  fiber 1  flows/main.lua:(\d+)  call:playPrompt "goodbye"', lines[2]), out)
    status, out = d.ivory("replay", "--all", "--flows", d.flows)
    check("the gate is shut", status == 1 and "1 different" in out, out)
    check("and says which line it is", 'call:playPrompt "goodbye"' in out, out)
    status, out = d.ivory("replay", d.key)
    check("with its own flows still the same", status == 0, out)
    status, _ = d.ivory("replay")
    check("replay of what?", status == 2)
    status, out = d.ivory("replay", "0" * 32)
    check("an unknown call", status == 2, out)


def wiped_keys_are_asked_for():
    d = Desk("journal.tones=wipe")
    status, out = d.ivory("replay", d.key)
    check("it stops at the key", status == 0 and "as far as a key" in out, out)
    status, out = d.ivory("replay", d.key, "--tones", "2")
    check("with the key it is the same", status == 0 and "the same (" in out, out)
    status, out = d.ivory("replay", d.key, "--tones", "1")
    check("with another key it is not", status == 1, out)
    status, out = d.ivory("show", d.key)
    check("the timeline counts it", "number 1" in out, out)


def without_entries_there_is_no_replay():
    d = Desk("journal.keep_entries=false")
    status, out = d.ivory("replay", d.key)
    check("it says why", status == 2 and "keep_entries" in out, out)
    check("the summary is there", json.loads(d.ivory("cdr")[1])["key"] == d.key)


def calls_in_progress_are_known_without_a_service():
    d = Desk(stop=signal.SIGKILL)
    status, out = d.ivory("calls")
    check("it is listed", status == 0 and d.key in out, out)
    status, out = d.ivory("show", d.key)
    check("and shown", status == 0 and "in progress" in out and "playPrompt" in out, out)
    status, out = d.ivory("replay", d.key)
    check("and run again", status == 0, out)
    check("it did not end", d.ivory("cdr") == (0, ""))


SECRET = """
local digits, log, store = require "ivr.digits", require "ivr.log", require "ivr.store"
local flow = {}
function flow.onCall(call)
    call:answer()
    call:subscribeToTone()
    local pin = digits.collect(call, { prompt = "main-menu", min = 4, max = 4, secret = true, first = 20 })
    log.info("collected " .. tostring(pin.digits))
    store.put("last", #pin.digits:open())
    pcall(error, pin)
    error("failed with " .. tostring(pin.digits))
end
return flow
"""


def a_secret_is_nowhere():
    flows = tempfile.mkdtemp(prefix="ivory-flows-")
    atexit.register(shutil.rmtree, flows, ignore_errors=True)
    shutil.copytree(ROOT / "flows", flows, dirs_exist_ok=True)
    pathlib.Path(flows, "pin.lua").write_text(SECRET)
    s = Service("log.level=debug", flows=flows)
    phone = s.phone("pin")
    phone.says("plays main-menu")
    phone.types("7391")
    phone.ends()
    until("the end of the call", lambda: not s.calls() and "failed with ***" in s.text)
    s.stop()
    files = {p.name: p.read_bytes() for p in pathlib.Path(s.data).glob("journal*")}
    shown = "".join(run(*c, *s.with_sets())[1] for c in (["cdr"], ["show", json.loads(run("cdr", *s.with_sets())[1])["key"], "--json"]))
    for what in ("7391", "tone7", "tone3", "tone9", '"sealed"', '"digest"'):
        found = [name for name, data in files.items() if what.encode() in data]
        check(f"{what} is not in the files", not found, found)
        check(f"{what} is not in the log, nor shown", what not in s.text + shown)
    check("that a key was secret is known", '"secret":true' in shown, shown)


def old_calls_are_forgotten():
    d = Desk("journal.retain_days=2")
    with sqlite3.connect(d.service.data + "/journal.db") as db:
        db.execute("UPDATE calls SET ended = ended - 86400000 * 3")
    db.close()
    check("it is there", '"hangup"' in d.ivory("cdr")[1])
    s = Program("serve", *d.service.with_sets(["journal.retain_days=2"]))
    until("it to be forgotten", lambda: d.ivory("cdr") == (0, ""), 20)
    check("its entries too", d.ivory("show", d.key)[0] == 1)
    s.stop()


main(what_remains_of_a_call, a_secret_is_nowhere, old_calls_are_forgotten, a_call_is_run_again, wiped_keys_are_asked_for, without_entries_there_is_no_replay,
     calls_in_progress_are_known_without_a_service)
