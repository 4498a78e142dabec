"""A service that is killed again and again, its exchange, and many callers: what survive_test.py and churn_test.py share."""
import asyncio
import atexit
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

from callers import Caller, Phones, wav
from harness import ROOT, SLOW, check, run, until
from pair import Pair

SEED = next((int(a) for a in sys.argv[1:] if a.isdigit()), int.from_bytes(os.urandom(4), "big"))
PROMPTS = ["top", "left", "right", "bye", "no-match", "no-input", "number", "connecting", "trouble", "doubt", "announce",
           "greeting", "silence", "short", "played", "choices", "kept", "hold", *(f"digit-{n}" for n in range(10))]


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

    def __init__(self, kills, **more):
        self.random = random.Random(SEED)
        self.pair = Pair(flows=flows(), **more)
        self.phones = Phones(self.pair.exchange)
        self.speech = wav(4)
        self.kills, self.killed = 0, 0
        self.said = []
        self.moments = [(asyncio.Event(), asyncio.Event(), asyncio.Event()) for _ in range(kills)]  # soon, down, up
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
        self.kills, self.killed = self.kills + 1, time.time() * 1000
        await asyncio.sleep(away)

    async def restart(self):
        self.said.append(self.pair.service)
        self.pair.launch()
        await asyncio.to_thread(until, "the service", self.pair.ready)

    def log(self):
        return "\n".join(p.text for p in [*self.said, self.pair.service])

    async def caller(self, number, to, moment=None):
        line = await self.phones.dial(f"+1425556{number:04}", to)
        return Caller(line, lambda: self.killed, self.phones.tally)

    def given_up(self):
        """Calls whose flow was given up because the process ended twice while they, and only they, were taken up: who kills it all the time may meet that."""
        return set(re.findall(r"call=(\w+).* its recovery failed 2 times already", self.log()))

    def as_scripted(self):
        """A key that the exchange gave up, the service being away at each of its tries, is followed by silence: so many are
        no fault. Returns the callers who heard nothing."""
        self.phones.report()
        silent = {name for name, d in self.phones.wrong if d.kind == "silence"}
        lost = self.pair.switch.text.count("a notification is given up")
        alone = self.given_up()
        check("who heard nothing had pressed a key that was given up", len(silent) <= lost, (silent, lost))
        check("everybody else heard what the script says", len(self.phones.wrong) <= len(silent) + len(alone),
              (len(self.phones.wrong), len(silent), alone))
        return silent

    def all_is_over(self, calls):
        """Nothing is left at either side; each of the `calls` that began ran its end once."""
        until("the service to have no call", lambda: self.pair.calls() == [], 30)
        self.pair.service.stop()  # what ended just now is committed then
        alone = self.given_up()
        check("hardly any flow was given up", len(alone) <= (0 if calls else 3), alone)
        lines = [x for x in self.log().splitlines() if not any(key in x for key in alone)]
        for bad in ("without its flow: ", "does not repeat", " error "):
            check(f"the log has no '{bad}'", not any(bad in x for x in lines), [x for x in lines if bad in x][:5])
        with sqlite3.connect(self.pair.data + "/journal.db") as db:
            ends = {name: int(value) for name, value in db.execute("SELECT name, value FROM store")}
        db.close()
        check("no flow ended twice", set(ends.values()) == {1}, [(n, v) for n, v in ends.items() if v != 1][:5])
        status, out = run("cdr", *self.pair.with_sets())
        check("every flow that began ended", 0 <= out.count("\n") - len(ends) <= len(alone), (len(ends), out.count("\n")))
        if calls:
            check("every call is in the records", len(ends) == calls, len(ends))
        self.pair.stop()
        check("the exchange has no call", "ends with 0 calls" in self.pair.switch.text, self.pair.switch.lines[-3:])
