"""The journal on a disk that is full, fails or is slow, and with files that are damaged or missing: calls go on all the same."""
import glob
import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from harness import SLOW, Program, check, main, request, until
from pair import Pair

FULL = "journal: the disk is full"


class Disk(Pair):
    """A pair whose service has its data on a disk of its own that can be filled up."""

    def __init__(self, size="24m"):
        folder = tempfile.mkdtemp(prefix="ivory-disk-")
        self.holder = subprocess.Popen(["unshare", "-rm", "sh", "-c",
                                        f"mount -t tmpfs -o size={size} tmpfs {folder} && echo ready && exec sleep 1000"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.possible = self.holder.stdout.readline() == "ready\n"
        if not self.possible:  # no name spaces for us here: the test of limits says what there is to say
            os.rmdir(folder)
            return
        self.mounted = folder
        self.disk = f"/proc/{self.holder.pid}/root{folder}"
        super().__init__()

    def launch(self):
        sets = [s for s in self.with_sets(self.graph) if not s.startswith("data=")]
        sets = [s for i, s in enumerate(sets) if s != "--set" or i + 1 < len(sets) and sets[i + 1] != "--set"]
        self.service = Program("serve", *sets, "--set", f"data={self.mounted}",
                               before=["nsenter", "-t", str(self.holder.pid), "-U", "-m", "--preserve-credentials", f"--wd={os.getcwd()}"])

    def fill(self):
        with open(self.disk + "/filler", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        os.unlink(self.disk + "/filler")

    def stop(self):
        super().stop()
        self.holder.kill()
        self.holder.wait()
        os.rmdir(self.mounted)


def journal_of(p):
    return json.loads(request(p.admin, "GET", "/readyz")[1]).get("journal")


def answer_to_offer(p):
    """What a webhook with a new call gets; the token does not matter, new calls are not looked at."""
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10 * SLOW)
    c.request("POST", "/api/calls", body="{}", headers={"Content-Type": "application/json"})
    r = c.getresponse()
    r.read()
    c.close()
    return r.status, r.getheader("Retry-After")


def new_calls_are_refused(p, why):
    until("the journal to be found wanting", lambda: request(p.admin, "GET", "/readyz")[0] == 503)
    check("readyz says why", journal_of(p) == why, journal_of(p))
    check("the offer of a call is put off", answer_to_offer(p) == (503, "5"), answer_to_offer(p))
    status, body = request(p.admin, "POST", "/admin/v1/calls", json.dumps({"flow": "reminder", "target": "+15550177"}),
                           {"Content-Type": "application/json"})
    check("no call is placed", status == 503 and why.encode() in body, body)
    check("the metric says it", b"\nivory_journal_healthy 0" in request(p.admin, "GET", "/metrics")[1])


def a_full_disk():
    p = Disk()
    if not p.possible:
        return
    phone = p.phone()
    phone.says("plays main-menu")
    p.fill()
    phone.types("2")
    phone.says("plays support-menu", 20)
    new_calls_are_refused(p, FULL)
    until("the log to say so", lambda: f"no new calls are taken: {FULL}" in p.service.text)
    second = p.phone("--from", "+15550999")  # put off, and offered again
    time.sleep(1)
    check("it is not taken", len(p.calls()) == 1, p.calls())
    phone.types("9")  # back to the main menu
    phone.says("plays main-menu", 20)
    p.free()
    until("new calls to be taken", p.ready, 20)
    until("the log to say so", lambda: "the journal is written again; new calls are taken" in p.service.text)
    check("the offer of a call is looked at", answer_to_offer(p)[0] == 401, answer_to_offer(p))
    second.says("plays main-menu", 40)
    p.crash()  # all that was said to be safe is there, also what was written late
    until("both calls to be there", lambda: len(p.calls()) == 2)
    phone.types("3")
    phone.says("plays hours", 20)
    second.types("3")
    second.says("plays hours", 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()


def a_disk_that_is_still_full_after_a_crash():
    p = Disk()
    if not p.possible:
        return
    phone = p.phone()
    phone.says("plays main-menu")
    time.sleep(0.3)
    p.fill()
    p.service.stop(signal.SIGKILL)
    p.launch()
    until("the service to take its call up", lambda: "1 calls in" in p.service.text, 20)
    phone.types("3")
    phone.says("plays hours", 20)
    new_calls_are_refused(p, FULL)
    p.free()
    until("new calls to be taken", p.ready, 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()


def files_that_may_not_grow():
    """The same without a disk of its own: the process may write no byte more to a file than it has."""
    p = Pair()
    phone = p.phone()
    phone.says("plays main-menu")
    time.sleep(0.3)
    resource.prlimit(p.service.p.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    phone.types("2")
    phone.says("plays support-menu", 20)
    new_calls_are_refused(p, "journal: the disk fails: a file cannot be written")
    resource.prlimit(p.service.p.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    until("new calls to be taken", p.ready, 20)
    phone.types("9")
    phone.says("plays main-menu", 20)
    time.sleep(0.3)
    p.crash()
    phone.types("3")
    phone.says("plays hours", 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()


def a_slow_disk():
    folder = tempfile.mkdtemp(prefix="ivory-slow-")
    library, slow = f"{folder}/slow.so", f"{folder}/slow"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, str(pathlib.Path(__file__).with_name("slow_disk.c")), "-ldl"], check=True)

    class Slow(Pair):
        def launch(self):
            options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
            self.service = Program("serve", *self.with_sets([*self.graph, "journal.sync=power"]),
                                   env={"LD_PRELOAD": library, "SLOW_DISK": slow, "ASAN_OPTIONS": options})

    p = Slow()
    phone = p.phone()
    phone.says("plays main-menu")
    pathlib.Path(slow).write_text("5000")
    phone.types("2")
    phone.says("plays support-menu", 20)  # nothing waits for more than 2 s
    until("new calls to be refused", lambda: "the disk is slow" in (journal_of(p) or ""), 20)
    check("the offer of a call is put off", answer_to_offer(p) == (503, "5"), answer_to_offer(p))
    check("the log says what is not done", "not waited for" in p.service.text, p.service.text)
    os.unlink(slow)
    until("new calls to be taken", p.ready, 20)
    phone.types("9")
    phone.says("plays main-menu", 20)
    until("the log to say that it is over", lambda: "waited for again" in p.service.text)
    p.crash()
    phone.types("3")
    phone.says("plays hours", 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()
    shutil.rmtree(folder)


def in_a_call(p):
    phone = p.phone()
    phone.says("plays main-menu")
    phone.types("2")
    phone.says("plays support-menu")
    time.sleep(0.3)
    p.service.stop(signal.SIGKILL)
    return phone


def takes_calls(p):
    other = p.phone("--from", "+15550998")
    other.says("plays main-menu", 20)
    other.types("q")
    check("a new call is taken", other.ends() == 0, other.text)


def fallback_after(damage, said):
    p = Pair()
    p.sets += ["fallback.prompt=trouble"]
    phone = in_a_call(p)
    damage(p.data)
    p.start()
    until(f"the log to say /{said}/", lambda: said in p.service.text)
    takes_calls(p)
    phone.says("plays trouble", 20)
    phone.says("ended", 20)
    until("the call to end", lambda: p.calls() == [], 20)
    p.stop()


def another_key():
    fallback_after(lambda data: os.unlink(f"{data}/journal.key"), "the key file is not the one")


def a_key_that_is_too_short():
    def cut(data):
        os.truncate(f"{data}/journal.key", 5)
    fallback_after(cut, "not 32 bytes long; it is kept as")


def a_key_that_others_may_read():
    p = Pair()
    phone = in_a_call(p)
    os.chmod(f"{p.data}/journal.key", 0o644)
    p.start()
    check("the log says so", "could be read by others (mode 644); it has mode 600 now" in p.service.text, p.service.text)
    phone.types("9")
    phone.says("plays main-menu", 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()


def torn_entries(data):
    """The pages that hold the entries of the call are overwritten, as by a disk that lost them."""
    db = sqlite3.connect(f"{data}/journal.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = [r[0] for r in db.execute("SELECT pageno FROM dbstat WHERE name = 'log' AND pagetype = 'leaf'")]
    db.close()
    with open(f"{data}/journal.db", "r+b") as f:
        for page in pages:
            f.seek((page - 1) * 4096)
            f.write(bytes(4096))


def a_torn_page():
    fallback_after(torn_entries, "Taken over: 1 calls in progress, 1 of them with entries missing")


def no_wal():
    """Without its -wal the journal is as it was at the last checkpoint: here, empty but for the tables."""
    def remove(data):
        for name in glob.glob(f"{data}/journal.db-*"):
            os.unlink(name)
    p = Pair()
    phone = in_a_call(p)
    remove(p.data)
    p.start()
    takes_calls(p)
    phone.types("q")
    check("the phone ends well", phone.ends() == 0, phone.text)
    p.stop()


def no_file():
    """Nothing is known of the call until the service tells of it."""
    p = Pair()
    p.sets += ["fallback.prompt=trouble"]
    phone = in_a_call(p)
    for name in glob.glob(f"{p.data}/journal.db*"):
        os.unlink(name)
    p.start()
    takes_calls(p)
    phone.types("9")
    phone.says("plays trouble", 20)
    phone.says("ended", 20)
    check("the log says so", "nobody knows it" in p.service.text, p.service.text)
    until("the call to end", lambda: p.calls() == [], 20)
    p.stop()


def locked_by_another_process():
    p = Pair()
    phone = in_a_call(p)
    other = sqlite3.connect(f"{p.data}/journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    p.launch()
    until("the service to take its call up", lambda: "1 calls in" in p.service.text, 20)
    phone.types("9")
    phone.says("plays main-menu", 20)
    until("new calls to be refused", lambda: journal_of(p) == "journal: another process has locked the database", 20)
    other.execute("COMMIT")
    until("new calls to be taken", p.ready, 20)
    takes_calls(p)
    other.close()
    p.stop()


def taken_away_while_it_runs():
    p = Pair()
    phone = p.phone()
    phone.says("plays main-menu")
    time.sleep(0.3)
    for name in glob.glob(f"{p.data}/journal.db*"):
        os.unlink(name)
    phone.types("2")
    phone.says("plays support-menu", 20)
    until("the log to say so", lambda: "the database file was taken away" in p.service.text)
    time.sleep(0.3)
    p.crash()
    phone.types("9")
    phone.says("plays main-menu", 20)
    check("no flow was given up", "without its flow" not in p.service.text, p.service.text)
    p.stop()


main(a_full_disk, a_disk_that_is_still_full_after_a_crash, files_that_may_not_grow, a_slow_disk, another_key,
     a_key_that_is_too_short, a_key_that_others_may_read, a_torn_page, no_wal, no_file, locked_by_another_process,
     taken_away_while_it_runs)
