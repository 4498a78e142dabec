"""What calls cost in the journal, and how long it takes to take them up again: `make bench-journal`.

5,000 callers of the exchange, a process of its own, are parked: answered, their prompt heard, waiting for a key. The service is
killed and started again, ROUNDS times; measured is from the kill until it has said that all calls were taken up.
"""
import asyncio
import os
import pathlib
import re
import sqlite3
import statistics
import sys
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
os.environ["IVORY"] = os.environ.get("IVORY", BUILD + "/ivory")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "blackbox"))

from callers import Caller, Phones  # noqa: E402
from harness import until  # noqa: E402
from pair import Pair  # noqa: E402
from survival import flows  # noqa: E402

CALLS, ROUNDS, WALKS = int(os.environ.get("CALLS", 5000)), 5, 100
AT_ONCE = 50


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def dials(phones, numbers, to):
    """Nobody listens at these lines: they are calls, and that is enough."""
    for number in numbers:
        await phones.exchange.json("POST", "/phone/v1/calls", {"from": f"+1425556{number:04}", "to": to})


async def park(phones):
    await asyncio.gather(*(dials(phones, range(i, CALLS, AT_ONCE), "+14255550207") for i in range(AT_ONCE)))


def recover(pair):
    """Kill and start; seconds until all calls are live, seconds of CPU it took, what the log says of it."""
    pair.service.p.kill()
    pair.service.p.wait()
    began = time.monotonic()
    pair.launch()
    line = pair.service.says(r"recovery: \d+ calls in", 120)
    took = time.monotonic() - began
    calls, without = re.search(r"recovery: (\d+) calls in .*, (\d+) without", line).groups()
    assert (int(calls), int(without)) == (CALLS, 0), "\n".join(x for x in pair.service.lines if " recovered" not in x)
    return took, cpu(pair.service.p.pid)


def parked(pair):
    calls = pair.calls()
    return len(calls) == CALLS and all("nextTone" in str(c["waits"]) for c in calls)


def recovery():
    pair = Pair(flows=flows())
    asyncio.run(park(Phones(pair.exchange)))
    until("all calls to be parked", lambda: parked(pair), 120)
    rows = [recover(pair) for _ in range(ROUNDS)]
    until("all calls to be parked", lambda: parked(pair), 120)
    took, used = statistics.median(r[0] for r in rows), statistics.median(r[1] for r in rows)
    print(f"{CALLS} parked calls, from the kill until all are live: {took:.2f} s "
          f"({min(r[0] for r in rows):.2f} to {max(r[0] for r in rows):.2f}), {used / CALLS * 1000:.2f} ms of CPU a call")
    for program in (pair.service, pair.switch):
        program.p.kill()
    pair.stop()


async def walk(phones, number):
    """The menu scenario: answer, prompt, key, prompt, key, prompt, the end."""
    c = Caller(await phones.dial(f"+1425556{number:04}", "+14255550208"), lambda: 0, phones.tally)
    await c.hears("top")
    await c.line.press("1")
    await c.hears("top")
    await c.line.press("0")
    await c.hears("bye")
    await c.ends()


async def walks(phones, numbers):
    await asyncio.gather(*(walk(phones, n) for n in numbers))


def entries(kind, data):
    """The lengths of the entries in a row of the log (runtime/journal/rows.h)."""
    if kind:
        yield len(data)
    while not kind and data:
        n = int.from_bytes(data[1:5], "little")
        if data[0] <= 4:  # else it is the summary or the timeline
            yield n
        data = data[5 + n:]


def size(pair):
    """Bytes that the database needs, without what is free in it; of the entries, and how many these are."""
    with sqlite3.connect(pair.data + "/journal.db") as db:
        pages, free, page = (db.execute(f"PRAGMA {name}").fetchone()[0]
                             for name in ("page_count", "freelist_count", "page_size"))
        lengths = [n for row in db.execute("SELECT kind, data FROM log") for n in entries(*row)]
    db.close()
    return (pages - free) * page, sum(lengths), len(lengths)


def bytes_of_calls():
    rows = {}
    for name, sets in (("keep_entries = true", ()), ("keep_entries = false", ("journal.keep_entries=false",))):
        pair = Pair(flows=flows())
        pair.sets += sets
        pair.service.stop()
        pair.start()
        phones = Phones(pair.exchange)
        asyncio.run(walks(phones, [0]))  # the bundle and the prompts
        until("the call to end", lambda p=pair: not p.calls())
        before = size(pair)
        asyncio.run(walks(Phones(pair.exchange), range(1, WALKS + 1)))
        until("the calls to end", lambda p=pair: not p.calls())
        time.sleep(0.2)
        after = size(pair)
        rows[name] = [(a - b) / WALKS for a, b in zip(after, before)]
        pair.stop()
    kept, gone = rows["keep_entries = true"], rows["keep_entries = false"]
    print(f"a call of the menu scenario: {kept[2]:.0f} entries, {kept[1]:.0f} bytes of them")
    print(f"after its end: {kept[0]:.0f} bytes of the database with keep_entries = true, {gone[0]:.0f} with false")


recovery()
bytes_of_calls()
