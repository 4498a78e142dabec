"""200 calls come and go while the service is killed at any moment, also while it starts; and notifications are repeated,
reordered, late, or lost in an outage that is longer than the service tries. `python3 tests/blackbox/churn_test.py [SEED]`."""
import asyncio
import time

from callers import Deviation
from harness import SLOW, check, main
from survival import SEED, World

CALLERS = 200 if SLOW == 1 else 40
SECONDS = 12 if SLOW == 1 else 20
PATIENCE = 10  # a key that is not taken has been given up by the exchange after 7 s


async def presses_until(w, c, key, prompt):
    """A notification may be lost, for good, when the service is away at all four tries: then the caller presses again."""
    for _ in range(4):
        if await c.line.press(key) != 204:
            return False  # it is over
        try:
            while await c.hears(prompt, "top", within=PATIENCE, patient=True) != prompt:
                pass  # what was pressed once more has been taken, too
            return True
        except Deviation as d:
            if d.kind != "silence":
                raise
            w.phones.tally["pressed again"] += 1
    raise Deviation("stuck", f"{key} was pressed four times after {c.heard[-4:]}")


async def comes_and_goes(w, c):
    if w.random.random() < 0.15:
        await asyncio.sleep(w.between(0, 0.3))
        return await c.hangs_up()
    try:
        await c.hears("top", within=PATIENCE)
    except Deviation as d:
        if c.heard:
            raise
        w.phones.tally["not taken in time"] += 1
        return None
    for _ in range(w.random.randrange(4)):
        await asyncio.sleep(w.between(0.1, 1))
        if not await presses_until(w, c, "1", "top"):
            raise Deviation("cut off", f"{c.line.over} after {c.heard[-4:]}")
    await asyncio.sleep(w.between(0.1, 1))
    if w.random.random() < 0.5:
        return await c.hangs_up()
    await presses_until(w, c, "0", "bye")
    await c.ends()


async def says_all(w):
    """The exchange has fetched the prompts: one that it fetches while the service is away cannot be heard."""
    w.begun += 1
    c = await w.caller(w.begun, "+14255550208")
    await c.hears("top")
    await c.line.press("0")
    await c.hears("bye")
    await c.ends()


async def callers(w):
    """One after the other, until it is over."""
    while not w.over.is_set():
        w.begun += 1
        number = w.begun
        await w.phones.run(f"caller {number}", comes_and_goes(w, await w.caller(number, "+14255550208")))
        await asyncio.sleep(w.between(0, 0.5))


async def killed_all_the_time(w):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(w.random.choice([0, w.between(0, 0.05), w.between(0.05, 0.3), w.between(0.3, 2)]) * SLOW)
        await w.kill(w.random.choice([0, 0, w.between(0, 0.5)]))
        w.said.append(w.pair.service)
        w.pair.launch()
        await asyncio.sleep(w.between(0, 0.3) * SLOW)  # it may not even have started before it is killed again


async def an_outage(w):
    await asyncio.sleep(3)
    for away in (1, 8):  # the exchange tries for 7 s
        await w.kill(away)
        w.said.append(w.pair.service)
        w.pair.launch()
        await asyncio.sleep(4 * SLOW)


async def churn(w, killing, n):
    await w.phones.run("first", says_all(w))
    tasks = [asyncio.ensure_future(callers(w)) for _ in range(n)]
    await killing(w)
    w.over.set()
    await asyncio.wait(tasks, timeout=90 * SLOW)
    check("every caller has come to an end", all(t.done() for t in tasks), sum(not t.done() for t in tasks))
    w.as_scripted()
    check("nobody is in a call any more", await w.phones.still_connected() == [], await w.phones.still_connected())
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


def calls_come_and_go_and_it_is_killed():
    print(f"seed {SEED}: {CALLERS} callers", flush=True)
    w = World(0)
    asyncio.run(churn(w, killed_all_the_time, CALLERS))
    print(f"  {w.kills} kills, {w.begun} calls", flush=True)
    check("it was killed again and again", w.kills > 3, w.kills)
    w.all_is_over(None)


def notifications_are_repeated_reordered_late_and_lost():
    w = World(0, switch=["exchange.faults.repeat=0.2", "exchange.faults.reorder=0.2", "exchange.faults.delay=0.1"])
    asyncio.run(churn(w, an_outage, CALLERS // 4))
    print(f"  {w.kills} kills, {w.begun} calls", flush=True)
    w.all_is_over(None)


main(calls_come_and_go_and_it_is_killed, notifications_are_repeated_reordered_late_and_lost)
