"""Calls survive the service: it is killed with SIGKILL in the middle of calls and started again; the exchange goes on."""
import contextlib
import pathlib
import re
import signal
import sqlite3
import time

from harness import SLOW, Program, Service, check, main, until
from pair import Pair


def the_caller_goes_on():
    p = Pair()
    phone = p.phone()
    phone.says("plays main-menu")
    key = p.calls()[0]["key"]
    p.crash()
    until("the call to be taken up", lambda: [c["key"] for c in p.calls()] == [key])
    phone.types("2")
    phone.says("plays support-menu")
    p.crash()
    phone.types("9")
    phone.says("plays main-menu", 20)
    p.crash()
    phone.types("3")
    phone.says("plays hours", 20)
    check("the call is the same", [c["key"] for c in p.calls()] == [key], p.calls())
    phone.types("q")
    check("the phone ends well", phone.ends() == 0, phone.text)
    until("the call to end", lambda: p.calls() == [])
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.crash()
    check("an ended call stays ended", p.calls() == [], p.calls())
    p.stop()


def a_key_pressed_meanwhile_counts():
    p = Pair()
    phone = p.phone()
    phone.says("plays main-menu")
    p.service.stop(signal.SIGKILL)
    phone.types("3")
    time.sleep(0.3)
    p.start()
    phone.says("plays hours", 20)
    phone.types("q")
    phone.ends()
    p.stop()


def a_caller_who_left_meanwhile_is_gone():
    p = Pair()
    phone = p.phone()
    phone.says("plays main-menu")
    p.service.stop(signal.SIGKILL)
    phone.types("q")
    phone.ends()
    time.sleep(0.3)
    p.start()
    until("the call to end", lambda: p.calls() == [], 15)
    check("it is not an error", " error " not in p.service.text, p.service.text)
    p.stop()


def many_calls_at_random_moments():
    p = Pair()
    phones = [p.phone("--from", f"+1555010{i:02}") for i in range(8)]
    for phone in phones:
        phone.says("connected", 20)
    for round_ in range(3):
        time.sleep(0.37 + 0.11 * round_)
        p.crash()
    until("all calls to be taken up", lambda: len(p.calls()) == len(phones), 20)
    for phone in phones:
        phone.types("3")
    for phone in phones:
        phone.says("plays hours", 30)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    for phone in phones:
        phone.types("q")
    for phone in phones:
        check("the phone ends well", phone.ends() == 0, phone.text)
    until("the calls to end", lambda: p.calls() == [])
    p.stop()


def who_was_taken_up_when_it_crashed_comes_last_and_alone():
    p = Pair()
    p.sets.append("workers=1")  # the order is each worker's own
    p.crash()
    phones = [p.phone("--from", f"+1555020{i:02}") for i in range(3)]
    for phone in phones:
        phone.says("connected", 20)
    until("the calls", lambda: len(p.calls()) == 3)
    time.sleep(0.2)
    p.service.stop(signal.SIGKILL)
    with sqlite3.connect(p.data + "/journal.db") as db:
        keys = [key for key, in db.execute("SELECT key FROM calls ORDER BY id DESC")]
        db.execute("UPDATE calls SET attempts = 1 WHERE key = ?", keys[:1])
        db.execute("UPDATE calls SET attempts = 3 WHERE key = ?", keys[2:])
    db.close()
    p.start()
    until("the calls to be taken up", lambda: "1 without their flow" in p.service.text, 20)
    order = [key for line in p.service.lines for key in keys if re.search(f"call={key}.* recover", line)]
    check("the suspect is the last", order == [keys[2], keys[1], keys[0]], (keys, p.service.text))
    check("one has failed too often", "its recovery failed 2 times already" in p.service.text, p.service.text)
    time.sleep(0.2)
    with sqlite3.connect(p.data + "/journal.db") as db:
        attempts = dict(db.execute("SELECT key, attempts FROM calls"))
    db.close()
    check("what went well is forgotten", (attempts[keys[0]], attempts[keys[1]]) == (0, 0), attempts)
    p.stop()


def a_recovery_that_fails_twice_is_not_tried_a_third_time():
    p = Pair()
    p.sets.append("fallback.prompt=trouble")
    phone = p.phone()
    phone.says("plays main-menu")
    time.sleep(0.2)
    p.service.stop(signal.SIGKILL)
    p.switch.p.send_signal(signal.SIGSTOP)  # so that the call is being taken up for as long as we want

    def attempts():
        with contextlib.closing(sqlite3.connect(p.data + "/journal.db")) as db:
            return db.execute("SELECT attempts FROM calls").fetchone()[0]

    for n in 2, 3:
        p.launch()
        until("the call to be taken up", lambda: attempts() == n)
        check("its flow is tried", "without its flow" not in p.service.text, p.service.text)
        p.service.stop(signal.SIGKILL)
    p.switch.p.send_signal(signal.SIGCONT)
    p.start()
    phone.says("plays trouble", 20)
    check("and why is said", "its recovery failed 2 times already" in p.service.text, p.service.text)
    phone.ends(20)
    p.stop()


def with_the_exchange_in_it_calls_are_over():
    s = Service()
    phone = s.phone()
    phone.says("plays main-menu")
    s.stop(signal.SIGKILL)
    again = Program("serve", *s.with_sets())
    until("the service", lambda: ready(s))
    until("the call to be cleaned up", lambda: s.calls() == [], 15)
    check("the service goes on", again.p.poll() is None, again.text)
    phone.ends(20)
    again.stop()


def a_call_that_does_not_repeat_itself_gets_the_fallback():
    p = Pair()
    p.sets.append("fallback.prompt=trouble")
    phone = p.phone()
    phone.says("plays main-menu")
    time.sleep(0.2)
    p.service.stop(signal.SIGKILL)
    with sqlite3.connect(p.data + "/journal.db") as db:
        changed = db.execute("""UPDATE log SET data = CAST(replace(CAST(data AS text), '"subscribeToTone"',
                                '"recordResponse" ') AS blob)""").rowcount  # as long as it was
    db.close()
    check("the journal was changed", changed > 0)
    began = time.monotonic()
    p.start()
    phone.says("plays trouble")
    check("the caller hears it within two seconds", time.monotonic() - began < 2 * SLOW, time.monotonic() - began)
    phone.says("ended", 20)
    said = next((line for line in p.service.lines if "does not repeat" in line), "")
    check("both places are named", "recorded recordResponse" in said and "now subscribeToTone" in said
          and said.count("flows/main.lua:") == 2, said)
    until("the call to end", lambda: p.calls() == [])
    p.stop()


def a_damaged_journal_is_moved_aside():
    s = Service()
    s.stop()
    pathlib.Path(s.data, "journal.db").write_bytes(b"this is no database" * 100)
    again = Program("serve", *s.with_sets())
    again.says("damaged")
    until("the service", lambda: ready(s))
    phone = s.phone()
    phone.says("plays main-menu")
    phone.types("q")
    phone.ends()
    again.stop()


def ready(service):
    return service.ready()


main(the_caller_goes_on, a_key_pressed_meanwhile_counts, a_caller_who_left_meanwhile_is_gone, many_calls_at_random_moments,
     who_was_taken_up_when_it_crashed_comes_last_and_alone, a_recovery_that_fails_twice_is_not_tried_a_third_time,
     with_the_exchange_in_it_calls_are_over,
     a_call_that_does_not_repeat_itself_gets_the_fallback, a_damaged_journal_is_moved_aside)
