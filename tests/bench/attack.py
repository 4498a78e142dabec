#!/usr/bin/env python3
"""What a call beside feels of an attack: a key is pressed every 10 ms, measured is the time from its webhook to the request that
follows. Prints the table of docs/performance.md, as ratios to the quiet service.

    tests/bench/attack.py BUILD [--seconds 4] [--only loop,idle]

The service runs alone on CPU 0. An attack of a flow is one call after another that does it; one of the network goes on all the time."""
import argparse
import contextlib
import os
import pathlib
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "../blackbox"))

FLOWS = {
    "loop": "an endless loop", "caught": "the same in pcall", "recursion": "recursion without end", "memory": "a table without end",
    "string": "a string that doubles", "garbage": "garbage without end", "cell": "a cell nearly full", "pattern": "a costly pattern",
    "tables": "table.move over a chain of __index", "source": "a source that compiles slowly", "json": "JSON of hollow tables",
    "log": "a flood of log entries", "fibers": "fibers in a circle", "turns": "turns without end", "requests": "HTTP requests without end",
}


def idle(port, stop):
    crowd = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            crowd.append(socket.create_connection(("127.0.0.1", port), timeout=1))
        if len(crowd) > 6000:
            crowd.pop(0).close()


def trickle(port, stop):
    crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
    while not stop.is_set():
        for c in crowd:
            with contextlib.suppress(OSError):
                c.sendall(b"G")


def post(body):
    return b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def sends(data):
    def run(port, stop):
        while not stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as c:
                c.sendall(data)
                while c.recv(65536):
                    pass
    return run


NETWORK = {
    "idle": ("connections that say nothing, 6,000", idle),
    "trickle": ("500 connections that trickle", trickle),
    "rubbish": ("rubbish", sends(os.urandom(5000))),
    "large": ("bodies too large", sends(post(b" " * 4000000))),
    "deep": ("deep JSON", sends(post(b"[" * 1000000))),
    "wide": ("JSON of 60,000 members", sends(post(b'{"resourceUrl":"calls/x","resourceData":{'
                                                  + b",".join(b'"k%d":1' % i for i in range(60000)) + b"}}"))),
    "offers": ("calls over the cap", sends(post(b'{"value":[{"changeType":"created","resourceUrl":"/communications/calls/x","resourceData":'
                                                b'{"@odata.type":"#microsoft.graph.call","state":"incoming","direction":"incoming"}}]}') * 20)),
}


def flow_attack(name, s, graph, stop):
    """One call after the other that does it."""
    from graph_stub import Line
    line = Line(s.port)
    while not stop.is_set():
        call, status, _ = line.offer(name)
        if status != 202:
            sys.exit(f"{name}: a call is answered {status}")
        with graph.changed:
            graph.changed.wait_for(lambda: graph.count("answer", call), 30)
        line.send("updated", call, state="established", mediaState={"audio": "active"})
        with graph.changed:
            graph.changed.wait_for(lambda: stop.is_set() or graph.count(call, "calls"), 30)
        line.ends(call)


def feel(seconds, bystander):
    bystander.times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        bystander.press()
        time.sleep(0.01)
    times = sorted(bystander.times)
    return {"p50": statistics.median(times), "p99": times[len(times) * 99 // 100], "max": times[-1]}


def start(build):
    from graph_stub import BYSTANDER, Bystander, Graph
    from harness import Service
    graph, top = Graph(), pathlib.Path(tempfile.mkdtemp(prefix="ivory-attack-"))
    shutil.copytree(HERE / "attacks", top / "flows")
    (top / "flows/main.lua").write_text(BYSTANDER)
    (top / "flows/routes.lua").write_text('return { { tenant = "contoso", flow = "main" }, { flow = "attack" } }')
    os.sched_setaffinity(0, {0})  # what is started now stays there
    s = Service(*graph.sets(top), "log.level=error", "admission.calls=10", flows=top / "flows")
    os.sched_setaffinity(0, {1})
    return s, graph, Bystander(s.port, graph), top


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--only", default=",".join([*FLOWS, *NETWORK]))
    args = p.parse_args()
    os.environ["IVORY"] = str(args.build / "ivory")
    print("| attack | median, × quiet | p99, × quiet | longest, ms |\n| :-- | --: | --: | --: |")
    for name in args.only.split(","):
        s, graph, bystander, top = start(args.build)
        feel(0.5, bystander)
        quiet, stop = feel(args.seconds / 2, bystander), threading.Event()
        attack = (flow_attack, (name, s, graph, stop)) if name in FLOWS else (NETWORK[name][1], (s.port, stop))
        thread = threading.Thread(target=attack[0], args=attack[1], daemon=True)
        thread.start()
        time.sleep(0.3)
        felt = feel(args.seconds, bystander)
        stop.set()
        thread.join(10)
        what = FLOWS[name] if name in FLOWS else NETWORK[name][0]
        print(f"| {what} | {felt['p50'] / quiet['p50']:.1f} | {felt['p99'] / quiet['p99']:.1f} | {1000 * felt['max']:.0f} |", flush=True)
        s.stop()
        shutil.rmtree(top)
        shutil.rmtree(s.data, ignore_errors=True)


main()
