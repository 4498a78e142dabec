#!/usr/bin/env python3
"""The service for a long time: 200 callers at once that follow their scripts, hang up in the middle and come again, while notifications
are repeated, reordered and late, flows change every few seconds (some to broken ones), bad flows attack from within and bad clients from
outside. Every caller checks what it hears; memory and descriptors must not grow; a report closes it.

    tests/bench/soak.py BUILD [--minutes 20] [--calls 200] [--workers 2] [--seed N]"""
import argparse
import asyncio
import collections
import contextlib
import os
import pathlib
import random
import re
import shutil
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "../blackbox"))

SETTLED = 5     # minutes from which memory is judged
SAMPLE_S = 5
FAULTS = {"repeat": 0.02, "reorder": 0.02, "delay": 0.03, "delay_ms": 300, "throttle": 0.01, "early": 0.02}
ATTACKS = ["loop", "caught", "recursion", "memory", "string", "garbage", "pattern", "tables", "source", "json", "log", "fibers",
           "turns", "requests"]
KEYS = {"top": {"1": "left", "2": "right"}, "left": {"5": "left", "9": "top"}, "right": {"3": "left", "9": "top"}}
PROMPTS = ["top", "left", "right", "bye", "no-match", "no-input", "number", "connecting", "trouble", "doubt", "announce", "hold",
           *(f"digit-{n}" for n in range(10))]

ATTACKED = """
local attacks = require "lib.attacks"
local NAMES = { %s }
return {
    onCall = function(call)
        call:answer()
        attacks[NAMES[tonumber(call.from:sub(-2)) + 1]](call)
    end,
}
"""


def make_flows(folder, wav):
    shutil.copytree(HERE / "../blackbox/survive", folder, dirs_exist_ok=True)
    shutil.copy(HERE / "attacks/lib/attacks.lua", folder / "lib")
    (folder / "attacked.lua").write_text(ATTACKED % ", ".join(f'"{a}"' for a in ATTACKS))
    routes = folder / "routes.lua"
    routes.write_text(routes.read_text().replace("return {", 'return {\n    { to = "+14255550299", flow = "attacked" },'))
    (folder / "prompts/en").mkdir(parents=True)
    for i, name in enumerate(PROMPTS):
        (folder / f"prompts/en/{name}.wav").write_bytes(wav(0.3 + i % 4 * 0.15, 300 + 20 * i))


class Soak:
    def __init__(self, options, pair, phones, caller):
        self.options, self.pair, self.phones, self.Caller = options, pair, phones, caller
        self.random = random.Random(options.seed)
        self.end = time.monotonic() + options.minutes * 60
        self.numbers = iter(range(10 ** 9))
        self.done = collections.Counter()
        self.samples = []
        self.waits = []  # seconds from dialling to the first prompt

    def over(self):
        return time.monotonic() >= self.end

    def between(self, low, high):
        return self.random.uniform(low, high)

    async def call(self, to, sender=None):
        line = await self.phones.dial(sender or f"+1425556{next(self.numbers) % 10000:04}", to)
        return self.Caller(line, lambda: 0, self.phones.tally)

    # --- callers -----------------------------------------------------------------------------------

    async def greeted(self, to, prompt):
        """A caller who has been answered and hears the first prompt."""
        began = time.monotonic()
        c = await self.call(to)
        await c.hears(prompt, within=30)
        self.waits.append(time.monotonic() - began)
        return c

    async def walks(self):
        c, at = await self.greeted("+14255550201", "top"), "top"
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(self.between(0, 2))
            key = self.random.choice(list(KEYS[at]))
            await c.line.press(key)
            at = await c.hears(KEYS[at][key], within=30)
        if at != "top":
            await c.line.press("9")
            await c.hears("top", within=30)
        await c.line.press("0")
        await c.hears("bye", within=30)
        await c.ends(30)

    async def presses_digits(self):
        c = await self.greeted("+14255550202", "number")
        digits = f"{self.random.randrange(10 ** 6):06}"
        for digit in digits:
            await asyncio.sleep(self.between(0, 0.4))
            await c.line.press(digit)
        for digit in digits:
            await c.hears("digit-" + digit, within=30)
        await c.hears("bye", within=30)
        await c.ends(30)

    async def is_parked(self):
        c = await self.greeted("+14255550207", "hold")
        await asyncio.sleep(self.between(5, 60))
        await c.line.press("1")
        await c.hears("bye", within=30)
        await c.ends(30)

    async def hangs_up_anywhere(self):
        c = await self.call(f"+1425555020{self.random.choice('1237')}")
        await asyncio.sleep(self.between(0, 6))
        if self.random.random() < 0.5:
            await c.line.press(self.random.choice("123456789*0#"))
            await asyncio.sleep(self.between(0, 0.3))
        await c.line.act("hangup")
        while c.line.over is None:
            if await c.line.event(60, "state", "play") is None:
                break

    async def place(self):
        """One place among the callers: when one has gone, the next comes."""
        scripts = [self.walks, self.walks, self.presses_digits, self.is_parked, self.hangs_up_anywhere]
        await asyncio.sleep(self.between(0, 10))
        while not self.over():
            script = self.random.choice(scripts)
            await self.phones.run(script.__name__, script())

    # --- who means harm ------------------------------------------------------------------------------

    async def attacks_from_within(self):
        while not self.over():
            kind = self.random.randrange(len(ATTACKS))
            c = await self.call("+14255550299", f"+14255577{kind:02}")
            end = time.monotonic() + 120
            while c.line.over is None and time.monotonic() < end:
                await c.line.event(5, "state", "play")
            self.done[f"attack {ATTACKS[kind]}{'' if c.line.over is not None else ' NOT ENDED'}"] += 1
            await asyncio.sleep(self.between(0, 1))

    async def attacks_from_outside(self):
        post = "POST /api/calls{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}"
        harm = {
            "garbage": b"\x16\x03\x01\x02\x00" + os.urandom(200) + b"\r\n\r\n",
            "half a request": b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
            "a forged token": post.format("", 2, "Authorization: Bearer aa.bb.cc\r\n", "{}").encode(),
            "deep JSON": post.format("", 4000, "", "[" * 4000).encode(),
            "an unknown key": post.format("/" + "0" * 32, 2, "", "{}").encode(),
            "silence": b"",
        }
        held = collections.deque()
        while not self.over():
            what = self.random.choice(list(harm))
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.pair.port)
                writer.write(harm[what])
                held.append(writer)
                self.done[f"client with {what}"] += 1
            while len(held) > 200:
                held.popleft().transport.abort()
            await asyncio.sleep(0.05)
        for writer in held:
            writer.transport.abort()

    async def changes_flows(self, folder):
        file, n = folder / "walk.lua", 0
        good = file.read_text()
        while not self.over():
            n += 1
            broken = n % 5 == 0
            temporary = folder / ".walk.tmp"
            temporary.write_text("this is no Lua" if broken else f"{good}\n-- change {n}\n")
            temporary.rename(file)
            self.done["changes to broken flows" if broken else "changes of flows"] += 1
            await asyncio.sleep(self.between(2, 5))
        file.write_text(good)

    # --- what it costs -------------------------------------------------------------------------------

    def sample(self):
        pid = self.pair.service.p.pid
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        return rss, len(os.listdir(f"/proc/{pid}/fd"))

    async def samples_memory(self):
        began = time.monotonic()
        while not self.over():
            rss, descriptors = self.sample()
            self.samples.append((time.monotonic() - began, rss, descriptors))
            if len(self.samples) % 24 == 0:
                print(f"  {(time.monotonic() - began) / 60:5.1f} min  {rss:6.1f} MiB  {descriptors} descriptors  "
                      f"{sum(self.phones.tally.values())} calls  {len(self.phones.wrong)} deviations", flush=True)
            await asyncio.sleep(SAMPLE_S)

    def part(self, column, begin, end):
        last = self.samples[-1][0]
        return statistics.median(s[column] for s in self.samples if begin * last <= s[0] <= end * last)

    async def run(self, folder):
        tasks = [asyncio.ensure_future(self.place()) for _ in range(self.options.calls)]
        tasks += [asyncio.ensure_future(t) for t in (self.attacks_from_outside(), self.changes_flows(folder), self.samples_memory(),
                                                     *(self.attacks_from_within() for _ in range(4)))]
        _, left = await asyncio.wait(tasks, timeout=self.options.minutes * 60 + 300)
        return len(left)


def metric_sum(text, name):
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--logs", help="a folder to keep the logs of service and exchange in")
    options = parser.parse_args()
    os.environ["IVORY"] = str(pathlib.Path(options.build, "ivory").resolve())
    from callers import Caller, Phones, wav
    from harness import check, finish, request, until
    from pair import Pair

    print(f"seed {options.seed}: {options.calls} calls at a time, {options.workers} workers, {options.minutes:g} minutes", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ivory-flows-"))
    make_flows(folder, wav)
    pair = Pair(flows=folder, switch=[f"exchange.faults.{k}={v}" for k, v in FAULTS.items()])
    pair.sets += [f"workers={options.workers}", "fallback.prompt=trouble", "limits.turn_ms=250"]
    pair.crash()  # once more, with these
    pair.service.forget = re.compile(" info .* flow=attacked ")  # gigabytes

    async def work():
        phones = Phones(pair.exchange)
        soak = Soak(options, pair, phones, Caller)
        left = await soak.run(folder)
        still = await phones.still_connected()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return soak, phones, left, still
    soak, phones, left, still = asyncio.run(work())

    until("the service to have no call", lambda: pair.calls() == [], 90)
    text = request(pair.admin, "GET", "/metrics")[1].decode()
    started, ended = metric_sum(text, "ivory_calls_started_total"), metric_sum(text, "ivory_calls_ended_total")
    memory = [soak.part(1, a, b) for a, b in ((0.25, 0.5), (0.75, 1))]
    descriptors = [soak.part(2, a, b) for a, b in ((0.25, 0.5), (0.75, 1))]
    phones.report()
    for what, n in sorted(soak.done.items()):
        print(f"  {n:5} {what}")
    waits = sorted(soak.waits)
    print(f"  seconds to the first prompt: median {waits[len(waits) // 2]:.2f}, p99 {waits[len(waits) * 99 // 100]:.2f}, "
          f"longest {waits[-1]:.2f}")
    print(f"  {started:.0f} calls begun, {ended:.0f} ended; by result: " +
          ", ".join(f"{r} {int(float(n))}" for r, n in re.findall(r'^ivory_calls_ended_total{result="(.*)"} (\S+)$', text, re.M)))
    print("  limits hit: " + ", ".join(f"{r} {int(float(n))}" for r, n in re.findall(r'^ivory_limits_hit_total{limit="(.*)"} (\S+)$', text, re.M)))
    print(f"  reloads: good {metric_sum(text, 'ivory_reloads_total')}; memory {memory[0]:.1f} → {memory[1]:.1f} MiB; "
          f"descriptors {descriptors[0]:.0f} → {descriptors[1]:.0f}")
    check("every caller heard what its script says", not phones.wrong, len(phones.wrong))
    given_up = pair.switch.text.count("a notification is given up")
    check("what the call service told was taken", given_up == 0, given_up)
    check("no caller is stuck", left == 0 and not still, (left, still[:3]))
    check("no attack goes on", not any("NOT ENDED" in what for what in soak.done))
    check("every call that was begun has ended", started == ended and started > options.calls, (started, ended))
    check("flows were taken and refused", soak.done["changes of flows"] > 0 and pair.service.text.count("flows not taken") > 0)
    check("no flow was given up by recovery", "without its flow" not in pair.service.text)
    if options.minutes >= SETTLED:
        check("memory is flat", memory[1] < memory[0] * 1.08 + 4, memory)
        check("descriptors are flat", descriptors[1] <= descriptors[0] * 1.1 + 10, descriptors)
    else:
        print(f"  under {SETTLED} minutes memory is not judged")
    check("the service leaves well", pair.service.stop() == 0, pair.service.lines[-5:])
    pair.stop()
    if options.logs:
        for name, program in (("service", pair.service), ("exchange", pair.switch)):
            pathlib.Path(options.logs, f"{name}.log").write_text(program.text)
    shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
