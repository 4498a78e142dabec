#!/usr/bin/env python3
"""The bench: the same calls through Ivory, a bot in C that does the least (the floor), one in nginx with LuaJIT and one in Node, in
turns; prints the table of docs/performance.md. nginx is left out where it is not installed (Debian: nginx-light libnginx-mod-http-lua
lua-cjson lua-resty-core).

    tests/bench/run.py BUILD [--rounds 3] [--seconds 4] [--only floor,ivory,tests] [--parked 20000]

Each server runs alone on CPU 0, the driver on CPU 1. A figure is the median of the rounds; a run in which a call went otherwise
than it should is no result and ends the bench. `tests` is `ivory test` with tests/bench/simple: tests of one call each."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
SERVER, GRAPH, ADMIN = 18080, 18090, 18081
NAMES = {"floor": "C, hand-written: the floor", "ivory": "Ivory, journal off", "journal": "Ivory, journal on",
         "nginx": "nginx with LuaJIT", "node": "Node.js, undici"}


SIMPLE = {"answer": "answer, a prompt", "menu": "answer, a menu, a key, a prompt"}


def folder(work, name):
    """A folder of flows with the two prompts that they play."""
    flows = work / name
    shutil.rmtree(flows, ignore_errors=True)
    shutil.copytree(HERE / name, flows)
    (flows / "prompts/en").mkdir(parents=True)
    for prompt in ("main-menu", "connecting"):
        shutil.copy(HERE / f"../../flows/prompts/en/{prompt}.wav", flows / "prompts/en")
    return flows


def ivory(build, work, journal):
    flows = folder(work, "flows")
    shutil.rmtree(work / "data", ignore_errors=True)
    (work / "secret").write_text("secret\n")
    graph = f"http://127.0.0.1:{GRAPH}"
    sets = {"listen": f"127.0.0.1:{SERVER}", "public_url": f"http://127.0.0.1:{SERVER}", "admin.listen": f"127.0.0.1:{ADMIN}",
            "flows": flows, "data": work / "data", "graph.url": graph, "graph.authority": graph,
            "graph.tenant": "aa67bd4c-8475-432d-bd41-39f255720e0a", "graph.app_id": "5ba8b5f5-6d58-4c35-8a5e-0d0e8a3f2b11",
            "graph.secret_file": work / "secret", "inbound.openid": f"{graph}/openid", "log.level": "warn", "limits.turn_ms": "5000",
            "journal.enabled": "true" if journal else "false"}
    return [build / "ivory", "serve", *(x for k, v in sets.items() for x in ("--set", f"{k}={v}"))]


def nginx(work):
    text = (HERE / "nginx.conf").read_text()
    for name, value in (("WORK", work.absolute()), ("HERE", HERE.absolute()), ("SERVER", SERVER), ("GRAPH", GRAPH)):
        text = text.replace(f"@{name}@", str(value))
    (work / "nginx.conf").write_text(text)
    return ["nginx", "-p", work, "-e", "stderr", "-c", (work / "nginx.conf").absolute()]


def command(name, build, work):
    if name == "floor":
        return [build / "bench-floor", str(SERVER), str(GRAPH)]
    if name == "nginx":
        return nginx(work)
    if name == "node":
        return ["node", HERE / "node_bot.mjs", str(SERVER), str(GRAPH)]
    return ivory(build, work, name == "journal")


def await_listener():
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", SERVER), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not listen")


def run(name, build, *how):
    work = build / "bench"
    work.mkdir(exist_ok=True)
    env = dict(os.environ, NODE_PATH=str((build / "node-bench/node_modules").absolute()))
    with open(work / f"{name}.log", "w", encoding="utf8") as log:
        server = subprocess.Popen(["taskset", "-c", "0", *map(str, command(name, build, work))], env=env, stderr=log)
    try:
        await_listener()
        out = subprocess.run(["taskset", "-c", "1", build / "bench-driver", "--listen", str(GRAPH), "--server", str(SERVER),
                              "--pid", str(server.pid), *how], stdout=subprocess.PIPE, text=True, check=False)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    result = json.loads(out.stdout or "{}")
    if out.returncode or result.get("deviations") != {}:
        sys.exit(f"{name} {' '.join(how)}: no result: {out.stdout}")
    print(f"  {name:8} {' '.join(how)}: {out.stdout}", end="", file=sys.stderr)
    return result


def run_tests(name, build):
    """How many tests of that name, of one call each, one core runs in a second of CPU time."""
    work = build / "bench"
    work.mkdir(exist_ok=True)
    out = subprocess.run(["taskset", "-c", "0", build / "ivory", "test", folder(work, "simple"), "--filter", name + " "],
                         stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.fullmatch(r"(\d+) calls in .* CPU, (\d+) a second\n\1 passed, 0 failed\n", out)
    if not found:
        sys.exit(f"tests {name}: no result: {out}")
    print(f"  tests    {name}: {found[2]} a second", file=sys.stderr)
    return {"per_cpu_second": int(found[2])}


def rounds(names, args, *how):
    """The runs of each, taken in turns."""
    results = {name: [] for name in names}
    for _ in range(args.rounds):
        for name in names:
            results[name].append(run(name, args.build, *how, "--seconds", str(args.seconds)))
    return results


def middle(runs, key):
    return statistics.median(r[key] for r in runs)


def table(head, rows):
    print("\n| " + " | ".join(head) + " |\n| :-- |" + " --: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--calls", default="64")
    p.add_argument("--rate", default="500")
    p.add_argument("--parked", default="20000")
    p.add_argument("--only", default=",".join([*NAMES, "tests"]))
    args = p.parse_args()
    names = [name for name in NAMES if name in args.only.split(",")]
    if "nginx" in names and not (shutil.which("nginx") and pathlib.Path("/usr/lib/nginx/modules/ngx_http_lua_module.so").exists()):
        names.remove("nginx")
        print("nginx with LuaJIT is not installed: left out", file=sys.stderr)
    closed = rounds(names, args, "--calls", args.calls)
    opened = rounds(names, args, "--rate", args.rate)
    parked = {name: run(name, args.build, "--park", args.parked) for name in names if name != "floor"}

    tests = {name: [] for name in SIMPLE if "tests" in args.only.split(",")}
    for _ in range(args.rounds):
        for name, runs in tests.items():
            runs.append(run_tests(name, args.build))

    least = closed.get("floor")
    table(["closed loop, %s calls at a time" % args.calls, "calls/s", "calls per CPU-second", "of the floor", "µs of CPU a call", "driver busy"],
          ([NAMES[n], f"{middle(r, 'per_second'):,.0f}", f"{middle(r, 'per_cpu_second'):,.0f}",
            f"{middle(r, 'per_cpu_second') / middle(least, 'per_cpu_second'):.2f}" if least else "-",
            f"{1e6 / middle(r, 'per_cpu_second'):.0f}", f"{middle(r, 'driver_busy'):.0%}"] for n, r in closed.items()))
    least = opened.get("floor")
    table([f"open loop, {args.rate} calls/s: webhook to request, µs", "p50", "of the floor", "p90", "p99", "p99.9", "driver busy"],
          ([NAMES[n], f"{middle(r, 'p50'):.0f}", f"{middle(r, 'p50') / middle(least, 'p50'):.2f}" if least else "-",
            *(f"{middle(r, q):.0f}" for q in ("p90", "p99", "p999")), f"{middle(r, 'driver_busy'):.0%}"] for n, r in opened.items()))
    table([f"{int(args.parked):,} parked calls", "KiB a call", "ms of CPU up", "down", "CPU while parked"],
          ([NAMES[n], f"{r['kib_per_call']:.1f}", f"{r['up_ms']:.2f}", f"{r['down_ms']:.2f}", f"{r['parked_cpu_percent']:.1f} %"]
           for n, r in parked.items()))
    least = closed.get("floor")
    table(["`ivory test`, tests of one call", "a CPU-second", "of the floor's calls", "µs of CPU a test"],
          ([SIMPLE[n], f"{middle(r, 'per_cpu_second'):,.0f}",
            f"{middle(r, 'per_cpu_second') / middle(least, 'per_cpu_second'):.2f}" if least else "-",
            f"{1e6 / middle(r, 'per_cpu_second'):.0f}"] for n, r in tests.items()))


main()
