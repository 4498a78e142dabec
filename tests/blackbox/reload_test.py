"""Flows that change under a running service: noticed, refused, gone back to, tried; with many calls in progress."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

from graph_stub import Graph, Line
from harness import SLOW, Service, check, main, request, run, until

PARKED = "local ivr = require 'ivr'\nlocal M = {}\nfunction M.onCall(call)\n  call:answer()\n  ivr.sleep(3000)\nend\nreturn M -- %s\n"


def flow(tag):
    return PARKED % tag


def start(folder, *sets, graph=None):
    return Service(*sets, *(graph.sets(folder.parent) if graph else []), flows=folder)


def bundles(s):
    return json.loads(request(s.admin, "GET", "/admin/v1/bundles")[1])


def active(s):
    return next(b["id"] for b in bundles(s)["bundles"] if b["state"] == "active")


def taken(s, before):
    """The id of the bundle that came after `before`."""
    return until("a new bundle", lambda: (now := active(s)) != before and now)


def stays(s, before, seconds=0.6):
    time.sleep(seconds * SLOW)
    return active(s) == before


def metrics(s):
    lines = request(s.admin, "GET", "/metrics")[1].decode().splitlines()
    return {x.rsplit(" ", 1)[0]: float(x.rsplit(" ", 1)[1]) for x in lines if not x.startswith("#")}


def git(folder, *args):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def ways_to_change():
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        f = folder / "main.lua"
        f.write_text(flow("first"))
        s = start(folder)
        last = active(s)

        def is_taken(what):
            nonlocal last
            new = taken(s, last)
            check(f"taken: {what}", new != last)
            last = new

        f.write_text(flow("in place"))
        is_taken("written in place")
        (folder / ".main.lua.swp").write_text(flow("renamed"))
        os.replace(folder / ".main.lua.swp", f)
        is_taken("written beside and renamed")
        subprocess.run(["sed", "-i", "s/renamed/edited/", str(f)], check=True)
        is_taken("sed -i")
        f.rename(folder / "main.lua~")
        f.write_text(flow("after a backup"))
        is_taken("moved away and written anew")

        with open(f, "w") as slow:
            slow.write("local x = ")
            slow.flush()
            check("half a file is not looked at", stays(s, last) and "refused" not in bundles(s))
            slow.write("1\n" + flow("slow"))
        is_taken("a slow writer")

        os.utime(f)
        f.write_text(f.read_text())
        check("the same bytes are no new bundle", stays(s, last))

        (folder / "lib" / "deep").mkdir(parents=True)
        (folder / "lib" / "deep" / "a.lua").write_text("return 1")
        is_taken("a file in a new folder")
        (folder / "lib" / "deep" / "a.lua").write_text("return 2")
        is_taken("a change in that folder")
        shutil.rmtree(folder / "lib")
        is_taken("a folder removed")

        git(folder, "init", "-q")
        git(folder, "add", "main.lua")
        git(folder, "commit", "-qm", "few")
        git(folder, "checkout", "-qb", "many")
        (folder / "parts").mkdir()
        for i in range(300):
            (folder / "parts" / f"p{i}.lua").write_text(f"return {i}\n")
        git(folder, "add", "parts")
        git(folder, "commit", "-qm", "many")
        until("all of them", lambda: bundles(s)["bundles"][0]["files"] > 300)
        last = active(s)
        good = metrics(s)['ivory_reloads_total{result="good"}']
        git(folder, "checkout", "-q", "master")
        is_taken("git checkout of many files")
        check("many files are one bundle", stays(s, last) and metrics(s)['ivory_reloads_total{result="good"}'] <= good + 2, metrics(s))
        check("nothing was refused", "refused" not in bundles(s) and "not taken" not in s.text, s.text)
        check("the service leaves well", s.stop() == 0, s.text)


def links():
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        for name in ("1", "2", "3"):
            (top / "releases" / name / "flows").mkdir(parents=True)
            (top / "releases" / name / "flows" / "main.lua").write_text(flow(name))
        (top / "current").symlink_to("releases/1")
        s = start(top / "current" / "flows")
        last = active(s)
        (top / "new").symlink_to("releases/2")
        os.replace(top / "new", top / "current")
        new = taken(s, last)
        check("a swapped link above the folder", new != last)
        (top / "releases" / "2" / "flows" / "main.lua").write_text(flow("2b"))
        last = taken(s, new)
        check("and what it leads to is watched from then on", last != new)
        (top / "current").unlink()
        (top / "current").symlink_to(top / "releases" / "3")
        new = taken(s, last)
        check("a link removed and made again", new != last)
        s.stop()

        # A mounted configuration: files are links through a hidden link, which is swapped.
        mounted = top / "mounted"
        for name in ("a", "b"):
            (mounted / f"..{name}").mkdir(parents=True)
            (mounted / f"..{name}" / "main.lua").write_text(flow(name))
        (mounted / "..data").symlink_to("..a")
        (mounted / "main.lua").symlink_to("..data/main.lua")
        s = start(mounted)
        last = active(s)
        (mounted / "..new").symlink_to("..b")
        os.replace(mounted / "..new", mounted / "..data")
        check("a hidden link inside the folder", taken(s, last) != last)
        s.stop()

        # A file elsewhere.
        (top / "shared").mkdir()
        (top / "shared" / "main.lua").write_text(flow("shared"))
        (top / "linked").mkdir()
        (top / "linked" / "main.lua").symlink_to(top / "shared" / "main.lua")
        s = start(top / "linked")
        last = active(s)
        (top / "shared" / "other").write_text("of no interest")
        check("what is beside it does not matter", stays(s, last))
        (top / "shared" / "main.lua").write_text(flow("shared, changed"))
        check("the far end of a file's link", taken(s, last) != last)
        s.stop()


def refusals():
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        f = folder / "main.lua"
        f.write_text(flow("good"))
        s = start(folder)
        good = active(s)
        f.write_text("return {\n  oops\n")
        refused = until("the refusal", lambda: bundles(s).get("refused"))
        check("file, line and reason", refused["file"] == "flows/main.lua" and refused["line"] == 3 and "oops" not in refused["file"]
              and refused["reason"], refused)
        check("/readyz shows it, and is ready", (r := request(s.admin, "GET", "/readyz"))[0] == 200 and b"flows/main.lua:3" in r[1], r)
        for _ in range(3):
            os.utime(f)
            f.write_text(f.read_text())
            time.sleep(0.4)
        check("it is said once", s.text.count("flows not taken") == 1, s.text)
        check("and the old one goes on", active(s) == good)
        status, out = run("bundles", *s.with_sets())
        check("ivory bundles shows it", status == 0 and "refused: flows/main.lua:3" in out and "active" in out, out)
        f.write_text("return {\n  oops2\n")
        until("another refusal", lambda: s.text.count("flows not taken") == 2)
        status, out = run("reload", *s.with_sets())
        check("who asks gets an answer each time", status == 1 and "flows/main.lua:3" in out, out)
        m = metrics(s)
        check("they are counted", m['ivory_reloads_total{result="refused"}'] == 3 and m["ivory_flows_refused"] == 1, m)
        (folder / "prompts" / "en").mkdir(parents=True)
        (folder / "prompts" / "en" / "bad.wav").write_text("no sound")
        f.write_text(flow("good again"))
        until("a bad prompt", lambda: "bad.wav" in bundles(s).get("refused", {}).get("file", ""))
        (folder / "prompts" / "en" / "bad.wav").unlink()
        new = taken(s, good)
        check("good content is taken", "refused" not in bundles(s))

        status, out = run("bundles", "use", good[:12], *s.with_sets())
        check("ivory bundles use goes back", status == 0 and good[:12] in out and active(s) == good, out)
        os.utime(f)
        f.write_text(f.read_text())
        check("a touch does not undo that", stays(s, good))
        check("an id that is none", run("bundles", "use", "0000", *s.with_sets())[0] == 1)
        check("a word that is none", run("bundles", "drop", *s.with_sets())[0] == 2)
        check("reload takes the folder's again", run("reload", *s.with_sets())[0] == 0 and active(s) == new)
        s.p.send_signal(1)
        time.sleep(0.3)
        check("SIGHUP of the same content changes nothing", active(s) == new and s.p.poll() is None)
        s.stop()

        s = start(folder, "reload.watch=false")
        last = active(s)
        f.write_text(flow("unwatched"))
        check("without reload.watch a change waits", stays(s, last))
        s.p.send_signal(1)
        check("for SIGHUP", taken(s, last) != last)
        s.stop()


def broken_at_the_start():
    """The flows are broken when the service is started again: calls go on, new ones get what was in use, and mended flows are taken."""
    with tempfile.TemporaryDirectory() as top:
        folder, data = pathlib.Path(top, "flows"), pathlib.Path(top, "data")
        folder.mkdir()
        f = folder / "main.lua"
        f.write_text("return { oops")
        status, out = run("serve", "--set", f"flows={folder}", "--set", f"data={data}", "--set", "admin.listen=127.0.0.1:0",
                          "--set", "listen=127.0.0.1:0", "--set", "exchange.listen=127.0.0.1:0")
        check("with nothing to go back to it does not start", status == 1 and "flows/main.lua:1" in out, (status, out))

        f.write_text(flow("first"))
        graph = Graph()
        s = start(folder, f"data={data}", graph=graph)
        f.write_text(flow("second"))
        until("the second", lambda: len(bundles(s)["bundles"]) == 2)
        good = active(s)
        Line(s.port).offer()
        until("the call", lambda: len(s.calls()) == 1)
        f.write_text("return {\n\noops")
        until("the refusal", lambda: bundles(s).get("refused"))
        s.stop()

        s = start(folder, f"data={data}", graph=graph)
        check("it starts with what was in use", active(s) == good, s.lines)
        check("the call is there", until("the call", lambda: len(s.calls()) == 1))
        check("it is said loudly", re.search("error flows not taken: flows/main.lua:3(.|\n)*error new calls get bundle " + good[:12], s.text),
              s.lines)
        r = request(s.admin, "GET", "/readyz")
        check("/readyz shows it", r[0] == 200 and b"flows/main.lua:3" in r[1], r)
        check("ivory bundles shows it", "refused: flows/main.lua:3" in run("bundles", *s.with_sets())[1])
        Line(s.port).offer()
        until("a new call", lambda: len(s.calls()) == 2)
        (folder / "prompts" / "en").mkdir(parents=True)
        (folder / "prompts" / "en" / "bad.wav").write_text("no sound")
        f.write_text(flow("first"))
        s.stop()

        s = start(folder, f"data={data}", graph=graph)
        check("also with a prompt that is none", active(s) == good and "bad.wav" in bundles(s)["refused"]["file"], s.lines)
        (folder / "prompts" / "en" / "bad.wav").unlink()
        f.write_text(flow("mended"))
        check("mended flows are taken", taken(s, good) != good and "refused" not in bundles(s))
        check("calls are there still", len(s.calls()) == 2)
        s.stop()


def many_calls():
    n = int(os.environ.get("RELOAD_CALLS", 2000 // SLOW))
    graph = Graph()
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        (folder / "main.lua").write_text(flow("old"))
        for i in range(100):
            (folder / f"other{i}.lua").write_text("local M = {}\nfor _ = 1, 2e6 do end\nfunction M.onCall(call)\n  call:answer()\nend\nreturn M\n")
        s = start(folder, "limits.load_ms=60000", graph=graph)
        line = Line(s.port)
        old = active(s)
        calls = [line.offer()[0] for _ in range(n)]
        until("all to be answered", lambda: sum(x[1] == "answer" for x in graph.seen) == n, 60)
        slowest, lost, done = [0.0], [0], threading.Event()

        def talk():
            mine, i = Line(s.port), 0
            while not done.is_set():
                at = time.monotonic()
                lost[0] += mine.updated(calls[i % n]) != 202
                slowest[0] = max(slowest[0], time.monotonic() - at)
                i += 1
                time.sleep(0.001)

        thread = threading.Thread(target=talk)
        thread.start()
        time.sleep(0.5)
        quiet, slowest[0] = slowest[0], 0.0
        shortest = 60.0
        for i in range(5):
            last, at = active(s), time.monotonic()
            (folder / "main.lua").write_text(flow(f"new {i}"))
            taken(s, last)
            shortest = min(shortest, time.monotonic() - at)
            line.offer()
        (folder / "main.lua").write_text("return {")
        until("the refusal", lambda: bundles(s).get("refused"))
        done.set()
        thread.join()
        print(f"  {n} calls: slowest webhook {quiet * 1000:.1f} ms before, {slowest[0] * 1000:.1f} ms during 6 reloads "
              f"of {shortest * 1000:.0f} ms and more", flush=True)
        check("no webhook is lost", lost[0] == 0, lost)
        check("none waits for a reload", slowest[0] < shortest / 3, (slowest, shortest))
        listed = {b["id"]: b for b in bundles(s)["bundles"]}
        check("calls keep their bundle", listed[old]["state"] == "draining" and listed[old]["calls"] == n, listed[old])
        for call in calls:
            line.ends(call)
        until("the old bundle to be retired", lambda: {b["id"]: b for b in bundles(s)["bundles"]}[old]["state"] == "retired", 60)
        m = metrics(s)
        check("none was disturbed", m['ivory_calls_ended_total{result="hangup"}'] == n and sum(
            v for k, v in m.items() if k.startswith("ivory_calls_ended_total")) == n, m)
        check("requests are counted", m['ivory_requests_total{method="answer",status="202"}'] == n + 5, m)
        check("webhooks are counted", m['ivory_webhooks_total{status="202"}'] > 2 * n, m)
        check("histograms are whole", m["ivory_turn_seconds_count"] > n and m["ivory_webhook_to_request_seconds_count"] > 0 and
              m['ivory_turn_seconds_bucket{le="+Inf"}'] == m["ivory_turn_seconds_count"], m)
        check("cells and log lines", m["ivory_cells"] >= 1 and m["ivory_cell_bytes"] > 1e4 and m['ivory_log_lines_total{level="info"}'] > 5, m)
        check("the service leaves well", s.stop() == 0, s.text)


def call_once(line):
    call, status, _ = line.offer()
    if status != 202:
        return status
    line.ends(call)
    return status


def trials():
    graph = Graph()
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        (folder / "main.lua").write_text(flow("old"))
        s = start(folder, "reload.canary=25", "reload.canary_calls=8", graph=graph)
        line = Line(s.port)
        old = active(s)
        for _ in range(20):
            call_once(line)

        def tried():
            return next((b["id"] for b in bundles(s)["bundles"] if b["state"] == "trial"), None)

        (folder / "main.lua").write_text(flow("good"))
        good = until("the trial", tried)
        check("the old one stays in use", active(s) == old)
        held = [line.offer()[0] for _ in range(8)]
        until("a quarter of the calls", lambda: {b["id"]: b["calls"] for b in bundles(s)["bundles"]}[good] == 2)
        for call in held:
            line.ends(call)
        until("eight good calls", lambda: call_once(line) == 202 and active(s) == good)
        check("good calls bring it into use", tried() is None)

        (folder / "main.lua").write_text("local M = {}\nfunction M.onCall(call)\n  error('broken')\nend\nreturn M\n")
        bad = until("the trial", tried)
        for i in range(200):
            call_once(line)
            if i > 20 and not tried():
                break
        until("the trial to end", lambda: not tried())
        check("failing calls take it back", active(s) == good and i < 120, i)
        check("and it is said why", "trial" in bundles(s)["refused"]["text"] and bundles(s)["refused"]["bundle"] == bad, bundles(s).get("refused"))
        os.utime(folder / "main.lua")
        (folder / "main.lua").write_text((folder / "main.lua").read_text())
        check("it is not tried again", stays(s, good) and not tried())
        s.stop()


def admission():
    graph = Graph()
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "flows"
        folder.mkdir()
        (folder / "main.lua").write_text(flow("x"))
        s = start(folder, "admission.calls=3", "admission.per_tenant=2", graph=graph)
        line = Line(s.port)
        calls = [line.offer() for _ in range(2)]
        check("two calls come in", [c[1] for c in calls] == [202, 202], calls)
        _, status, headers = line.offer()
        check("a third of the tenant is put off", status == 503 and int(headers["Retry-After"]) > 0, (status, headers))
        other = line.offer("fabrikam")
        check("another tenant's comes in", other[1] == 202, other[1])
        check("a fourth does not", line.offer("tailspin")[1] == 503)
        body = json.dumps({"flow": "main", "target": "+14255550100"})
        status, text = request(s.admin, "POST", "/admin/v1/calls", body, {"Content-Type": "application/json"})
        check("nor may one be placed", status == 429 and b"tooManyCalls" in text, (status, text))
        check("calls in progress are unharmed", line.updated(calls[0][0]) == 202)
        line.ends(calls[0][0])
        until("the call to end", lambda: len(s.calls()) == 2)
        check("then there is a place again", line.offer()[1] == 202)
        m = metrics(s)
        check("it is counted", m['ivory_admission_refused_total{cap="per_tenant"}'] == 1 and
              m['ivory_admission_refused_total{cap="calls"}'] == 2 and m['ivory_webhooks_total{status="503"}'] == 2, m)
        check("and said, not too often", s.text.count("new calls are refused") == 1, s.text)
        s.stop()

        s = start(folder, "admission.calls_per_second=5", graph=graph)
        line = Line(s.port)
        got = [line.offer()[1] for _ in range(20)]
        check("a burst is cut", 5 <= got.count(202) <= 8, got)
        time.sleep(1.1)
        check("and later calls come in", line.offer()[1] == 202)
        s.stop()

        s = start(folder, "admission.calls=1", "admission.refuse=busy", graph=graph)
        line = Line(s.port)
        graph.seen.clear()
        kept = line.offer()[0]
        check("a call too many is taken", line.offer()[1] == 202)
        said = until("its rejection", lambda: [b for v, w, b in graph.seen if w == "reject"])
        check("to be told that we are busy", json.loads(said[0])["reason"] == "busy", said)
        check("no flow begins", len(s.calls()) == 1 and metrics(s)["ivory_admission_busy_total"] == 1)
        check("the other call goes on", line.updated(kept) == 202)
        s.stop()


only = os.environ.get("ONLY")
main(*[t for t in (ways_to_change, links, refusals, broken_at_the_start, many_calls, trials, admission) if not only or t.__name__ == only])
