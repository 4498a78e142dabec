"""Calls survive: 500 of them are in progress while the service is killed ten times at random moments, and each ends as its
script says. `python3 tests/blackbox/survive_test.py [SEED]`; CALLS and KILLS in the environment."""
import asyncio
import os
import time

from callers import Caller, Deviation
from harness import SLOW, check, main
from survival import SEED, World

CALLS = int(os.environ.get("CALLS", 500 if SLOW == 1 else 100))
KILLS = int(os.environ.get("KILLS", 10 if SLOW == 1 else 3))
WAYS = {"top": {"1": "left", "2": "right"}, "left": {"5": "left", "9": "top"}, "right": {"3": "left", "9": "top"}}



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
    c = Caller(line, lambda: w.killed, w.phones.tally)
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
    c = Caller(line, lambda: w.killed, w.phones.tally)
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
    w = World(KILLS)
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
    silent = w.as_scripted()
    for number in range(CALLS):
        if f"{script_of(number).__name__} {number}" in silent:
            continue
        rings = w.phones.rings[f"+1425557{number:04}"]
        if script_of(number) == is_connected:
            check("transferred once", rings == 1, (number, rings))
        elif script_of(number) == has_a_call_placed:
            check("called once, or not at all and told so", (rings, told.get(number)) in ((1, "bye"), (0, "doubt")),
                  (number, rings, told.get(number)))
    check("nobody is in a call any more", await w.phones.still_connected() == [], await w.phones.still_connected())
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return w


def five_hundred_calls_ten_kills():
    print(f"seed {SEED}: {CALLS} calls, {KILLS} kills", flush=True)
    began = time.monotonic()
    w = asyncio.run(survive())
    print(f"  {w.kills} kills in all, {time.monotonic() - began:.0f} s")
    w.all_is_over(CALLS)


main(five_hundred_calls_ten_kills)
