"""Calls survive: 500 of them are in progress while the service is killed ten times at random moments, and each ends as its
script says. `python3 tests/blackbox/survive_test.py [SEED]`; CALLS and KILLS in the environment."""
import asyncio
import atexit
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

from callers import Caller, Deviation, Phones, wav
from harness import ROOT, SLOW, check, main, run, until
from pair import Pair

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else int.from_bytes(os.urandom(4), "big")
CALLS = int(os.environ.get("CALLS", 500 if SLOW == 1 else 100))
KILLS = int(os.environ.get("KILLS", 10 if SLOW == 1 else 3))
PROMPTS = ["top", "left", "right", "bye", "no-match", "no-input", "number", "connecting", "trouble", "doubt", "announce",
           "greeting", "silence", "short", "played", "choices", "kept", "hold", *(f"digit-{n}" for n in range(10))]
WAYS = {"top": {"1": "left", "2": "right"}, "left": {"5": "left", "9": "top"}, "right": {"3": "left", "9": "top"}}


def flows():
    """The flows of the test, with prompts of less than a second."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ivory-flows-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(ROOT / "tests/blackbox/survive", folder, dirs_exist_ok=True)
    (folder / "prompts/en").mkdir(parents=True)
    for i, name in enumerate(PROMPTS):
        (folder / f"prompts/en/{name}.wav").write_bytes(wav(0.3 + i % 4 * 0.15, 300 + 20 * i))
    return folder


class World:
    """A service that is killed, its exchange, and the callers."""

    def __init__(self, **more):
        self.random = random.Random(SEED)
        self.pair = Pair(flows=flows(), **more)
        self.phones = Phones(self.pair.exchange)
        self.speech = wav(4)
        self.kills = 0
        self.said = []
        self.moments = [(asyncio.Event(), asyncio.Event(), asyncio.Event()) for _ in range(KILLS)]  # soon, down, up
        self.over = asyncio.Event()
        self.begun = 0

    def between(self, low, high):
        return self.random.uniform(low, high)

    async def a_bad_moment(self):
        """Some time, or just when calls are being transferred or placed."""
        if self.random.random() < 0.4:
            return await asyncio.sleep(self.between(0.1, 1.2) * SLOW)
        rings, end = self.phones.rings.total() + self.random.randrange(1, 6), time.monotonic() + 2 * SLOW
        while self.phones.rings.total() < rings and time.monotonic() < end:
            await asyncio.sleep(0.001)
        await asyncio.sleep(self.random.choice([0, 0, 0.002, 0.02]))

    async def kill(self, away):
        """The service dies, and is started again `away` seconds later."""
        self.pair.service.p.send_signal(signal.SIGKILL)
        self.pair.service.p.wait()
        self.kills += 1
        await asyncio.sleep(away)

    async def restart(self):
        self.said.append(self.pair.service)
        self.pair.launch()
        await asyncio.to_thread(until, "the service", self.pair.ready)

    def log(self):
        return "\n".join(p.text for p in [*self.said, self.pair.service])

    async def caller(self, number, to, moment=None):
        line = await self.phones.dial(f"+1425556{number:04}", to)
        return Caller(line, lambda: self.kills, self.phones.tally)


# --- what callers do; each acts around a kill of its own -------------------------------------------

async def walks(w, number, moment):
    c = await w.caller(number, "+14255550201")
    at = await c.hears("top")
    w.begun += 1
    while not w.over.is_set():
        await asyncio.sleep(w.between(0.2, 6))
        key = "0" if w.over.is_set() and at == "top" else w.random.choice(list(WAYS[at]))
        if key == "0":
            break
        await c.line.press(key)
        at = await c.hears(WAYS[at][key])
    if at != "top":
        await c.line.press("9")
        await c.hears("top")
    await c.line.press("0")
    await c.hears("bye")
    await c.ends()


async def presses_digits(w, number, moment):
    soon, down, up = moment
    c = await w.caller(number, "+14255550202")
    await c.hears("number")
    w.begun += 1
    digits = f"{w.random.randrange(10 ** 6):06}"
    await soon.wait()
    await asyncio.sleep(w.between(0, 0.5))
    await c.line.press(digits[:2])
    await down.wait()
    await c.line.press(digits[2:3])
    await c.line.press(digits[3:4])
    await up.wait()
    await asyncio.sleep(w.between(0, 0.5))
    await c.line.press(digits[4:])
    for digit in digits:
        await c.hears("digit-" + digit)
    await c.hears("bye")
    await c.ends()


async def quits(w, number, moment):
    soon, down, up = moment
    c = await w.caller(number, "+14255550203")
    await c.hears("top")
    w.begun += 1
    await w.random.choice(moment).wait()
    await asyncio.sleep(w.between(0, 0.5))
    await c.hangs_up()


async def is_connected(w, number, moment):
    c = await w.caller(number, "+14255550204")
    await c.hears("top")
    w.begun += 1
    await moment[0].wait()
    await asyncio.sleep(w.between(0, 0.2))
    await c.line.press("1")
    await c.hears("connecting")
    await c.becomes("transferred")
    await asyncio.sleep(w.between(0.2, 2))
    await c.hangs_up()


async def takes_a_call(w, line):
    c = Caller(line, lambda: w.kills, w.phones.tally)
    await c.becomes("connected")
    await c.ends(60)


async def has_a_call_placed(w, number, moment, told):
    c = await w.caller(number, "+14255550205")
    await c.hears("top")
    w.begun += 1
    await moment[0].wait()
    await asyncio.sleep(w.between(0, 0.2))
    await c.line.press("1")
    await c.hears("connecting")
    told[number] = await c.hears("bye", "doubt")
    await c.ends()


async def hears_the_announcement(w, line):
    c = Caller(line, lambda: w.kills, w.phones.tally)
    event = await line.event(30 * SLOW, "play")
    if event is None:
        raise Deviation("silence", "no announcement")
    await c.ends(60)


async def leaves_a_message(w, number, moment):
    c = await w.caller(number, "+14255550206")
    await c.hears("top")
    w.begun += 1
    await moment[0].wait()
    await asyncio.sleep(w.between(0, 0.5))
    await c.line.press("1")
    await c.hears("greeting")
    if not await c.line.event(20 * SLOW, "record"):
        raise Deviation("silence", "no recording")
    await c.line.speak(w.speech)
    await asyncio.sleep(w.between(1.8, 2.6))
    await c.line.press("#")
    await c.hears_all("played", "recording", "choices")
    await c.line.press("1")
    await c.hears("kept")
    await c.ends()


async def is_parked(w, number, moment):
    c = await w.caller(number, "+14255550207")
    await c.hears("hold")
    w.begun += 1
    await w.over.wait()
    await asyncio.sleep(w.between(0, 3))
    await c.line.press("1")
    await c.hears("bye")
    await c.ends()


SHARE = [(walks, 30), (presses_digits, 16), (quits, 10), (is_connected, 12), (has_a_call_placed, 12), (leaves_a_message, 8),
         (is_parked, 12)]  # of a hundred


def script_of(number):
    at = number * 37 % 100
    for script, share in SHARE:
        at -= share
        if at < 0:
            return script


async def survive():
    w = World()
    told, tasks = {}, []
    for number in range(CALLS):
        script = script_of(number)
        moment = w.moments[w.random.randrange(KILLS)]
        args = (told,) if script == has_a_call_placed else ()
        if script == is_connected:
            await w.phones.answers(f"+1425557{number:04}", lambda line: takes_a_call(w, line))
        if script == has_a_call_placed:
            await w.phones.answers(f"+1425557{number:04}", lambda line: hears_the_announcement(w, line))
        tasks.append(asyncio.ensure_future(w.phones.run(f"{script.__name__} {number}", script(w, number, moment, *args))))
        await asyncio.sleep(0.008 * SLOW)
    end = time.monotonic() + 60 * SLOW
    while w.begun < CALLS and not w.phones.wrong and time.monotonic() < end:
        await asyncio.sleep(0.05)
    check("all calls are in progress", len(w.pair.calls()) == CALLS and w.begun == CALLS, w.begun)
    for soon, down, up in w.moments:
        soon.set()
        await w.a_bad_moment()
        await w.kill(0)
        down.set()
        await asyncio.sleep(w.between(0, 0.6))
        await w.restart()
        if w.random.random() < 0.4:  # once more, while calls are being taken up
            await asyncio.sleep(w.between(0, 0.3) * SLOW)
            await w.kill(0)
            await w.restart()
        up.set()
        await asyncio.sleep(w.between(0.2, 2) * SLOW)
    w.over.set()
    await asyncio.wait(tasks, timeout=60 * SLOW)
    check("every call has come to its end", all(t.done() for t in tasks), sum(not t.done() for t in tasks))
    w.phones.report()
    check("every caller heard what the script says", not w.phones.wrong, len(w.phones.wrong))
    for number in range(CALLS):
        rings = w.phones.rings[f"+1425557{number:04}"]
        if script_of(number) == is_connected:
            check("transferred once", rings == 1, (number, rings))
        elif script_of(number) == has_a_call_placed:
            check("called once, or not at all and told so", (rings, told.get(number)) in ((1, "bye"), (0, "doubt")),
                  (number, rings, told.get(number)))
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return w


def five_hundred_calls_ten_kills():
    print(f"seed {SEED}: {CALLS} calls, {KILLS} kills", flush=True)
    began = time.monotonic()
    w = asyncio.run(survive())
    print(f"  {w.kills} kills in all, {time.monotonic() - began:.0f} s")
    until("the service to have no call", lambda: w.pair.calls() == [], 30)
    for bad in ("without its flow", "does not repeat", " error "):
        check(f"the log has no '{bad}'", bad not in w.log(), [line for line in w.log().splitlines() if bad in line][:10])
    with sqlite3.connect(w.pair.data + "/journal.db") as db:
        ends = {name: int(value) for name, value in db.execute("SELECT name, value FROM store")}
    db.close()
    check("every flow ended, and once", len(ends) == CALLS and set(ends.values()) == {1},
          [(n, v) for n, v in ends.items() if v != 1][:5] or len(ends))
    status, out = run("cdr", *w.pair.with_sets())
    check("every call is in the records", out.count("\n") == CALLS, out.count("\n"))
    w.pair.stop()


if __name__ == "__main__":
    main(five_hundred_calls_ten_kills)
