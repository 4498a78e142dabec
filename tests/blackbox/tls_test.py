"""TLS of the listeners: what is offered, certificates that change under load, hostile and slow clients."""
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import warnings

from graph_stub import Graph, Line
from harness import SLOW, Service, check, main, request, until

warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions that are tried
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="ivory-tls-"))


def openssl(*args):
    subprocess.run(["openssl", *args], cwd=FOLDER, check=True, capture_output=True)


def make_certificate(name, days=30, ca="ca"):
    """name.pem (with its chain) and name.key, signed by the authority, for 127.0.0.1."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
            f"{name}.key", "-out", f"{name}.csr")
    (FOLDER / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    dates = ["-days", str(days)]
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-extfile", "names",
            *dates, "-out", f"{name}.crt")
    (FOLDER / f"{name}.pem").write_bytes((FOLDER / f"{name}.crt").read_bytes())


def make_all():
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=authority", "-days",
            "30", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("one", "two"):
        make_certificate(name)
    make_certificate("old", days=-1)


def use(name, key=None):
    """As renewal tools do it: each file beside, then renamed."""
    for kind, source in (("pem", name), ("key", key or name)):
        shutil.copy(FOLDER / f"{source}.{kind}", FOLDER / f"new.{kind}")
        os.rename(FOLDER / f"new.{kind}", FOLDER / f"live.{kind}")


def tls_sets():
    return [f"tls.cert_file={FOLDER}/live.pem", f"tls.key_file={FOLDER}/live.key", f"exchange.ca_file={FOLDER}/ca.pem"]


def context(**options):
    c = ssl.create_default_context(cafile=str(FOLDER / "ca.pem"))
    for name, value in options.items():
        setattr(c, name, value)
    return c


def connect(port, seconds=10, **options):
    plain = socket.create_connection(("127.0.0.1", port), timeout=seconds * SLOW)
    try:
        return context(**options).wrap_socket(plain, server_hostname="127.0.0.1")
    except Exception:
        plain.close()
        raise


def name_at(port):
    with connect(port) as s:
        return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]


def ask(s, path="/nothing"):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return read_answer(s)


def read_answer(s):
    got = b""
    while b"\r\n\r\n" not in got:
        chunk = s.recv(65536)
        if not chunk:
            return got
        got += chunk
    head, body = got.split(b"\r\n\r\n", 1)
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += s.recv(65536)
    return head + b"\r\n\r\n" + body


def whole_calls_and_large_bodies():
    use("one")
    s = Service(*tls_sets())
    phone = s.phone()
    phone.says("plays main-menu")  # the exchange posted to https://
    phone.types("2")
    phone.says("plays support-menu")
    curl = subprocess.run(["curl", "-sS", "--cacert", FOLDER / "ca.pem", f"https://127.0.0.1:{s.port}/nothing", "-o", "/dev/null", "-w",
                           "%{http_code} %{ssl_verify_result}"], capture_output=True, text=True)
    check("curl", curl.stdout == "404 0", curl)
    with connect(s.port) as c:
        for n in (1, 100_000, 1_000_000, 16_385):  # more than a record, edges of records
            body = b"x" * n
            c.sendall(b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % n + body)
            check(f"a body of {n}", b"HTTP/1.1 401" in read_answer(c))
        c.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        got = b""
        while got.count(b"HTTP/1.1 404") < 20:
            got += c.recv(65536)
        check("pipelined", True)
    check("the admin address stays plain", request(s.admin, "GET", "/healthz")[0] == 200)
    s.stop()


def only_what_is_safe():
    use("one")
    s = Service(*tls_sets())
    for version, good in ((ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False),
                          (ssl.TLSVersion.TLSv1, False)):
        c = context()
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = c.maximum_version = version
        with socket.create_connection(("127.0.0.1", s.port), timeout=10) as plain:
            try:
                with c.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    made = secure.version()
            except (ssl.SSLError, OSError):
                made = None
        check(f"{version.name}", bool(made) == good, made)
    got = b""
    with socket.create_connection(("127.0.0.1", s.port), timeout=10) as plain:
        plain.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            while chunk := plain.recv(1000):
                got += chunk
        except ConnectionResetError:
            pass
    check("no plain HTTP there", b"HTTP/1.1" not in got, got)
    check("it goes on", name_at(s.port) == "one")
    s.stop()


def certificates_change():
    use("one")
    s = Service(*tls_sets())
    s.says("TLS, valid until")
    old = connect(s.port)
    check("the first", name_at(s.port) == "one")
    asking, stop, broken = [], threading.Event(), []

    def keep_asking():
        while not stop.is_set():
            try:
                with connect(s.port) as c:
                    if b"404" not in ask(c):
                        broken.append("no answer")
            except (OSError, ssl.SSLError) as error:
                broken.append(error)

    for _ in range(4):
        asking.append(threading.Thread(target=keep_asking))
        asking[-1].start()
    use("two")
    until("the new certificate", lambda: name_at(s.port) == "two", 20)
    s.says("a new certificate is in use")
    check("the old connection goes on", b"404" in ask(old))
    check("with the old certificate", dict(x[0] for x in old.getpeercert()["subject"])["commonName"] == "one")
    use("one", key="two")
    check("a key of another", "is not the key of the certificate" in s.says("the old certificate stays", 20))
    check("the old stays", name_at(s.port) == "two")
    (FOLDER / "live.pem").write_text("-----BEGIN CERTIFICATE-----\nhalf of it")
    check("half a file", "live.pem holds no certificates" in s.says("the old certificate stays", 20))
    (FOLDER / "live.pem").unlink()
    check("no file", "cannot read" in s.says("the old certificate stays", 20))
    use("old")
    check("an expired one", "not valid after" in s.says("the old certificate stays", 20))
    check("the old stays through all that", name_at(s.port) == "two")
    use("one")
    s.p.send_signal(signal.SIGHUP)
    until("at once when asked", lambda: name_at(s.port) == "one")
    check("and the command line can ask", (use("two"), s.ivory("reload"), name_at(s.port))[2] == "two")
    stop.set()
    for t in asking:
        t.join()
    check("nobody noticed", not broken, broken[:3])
    check("the first connection still", b"404" in ask(old))
    old.close()
    metrics = request(s.admin, "GET", "/metrics")[1].decode()
    check("its end is a metric", 'ivory_certificate_expires_seconds{listener="public"} 1' in metrics)
    s.stop()


def bad_files_keep_it_from_starting():
    use("one")
    for sets, said in (([f"tls.cert_file={FOLDER}/live.pem"], "need each other"),
                       ([f"tls.cert_file={FOLDER}/nothing", f"tls.key_file={FOLDER}/live.key"], "cannot read"),
                       ([f"tls.cert_file={FOLDER}/live.key", f"tls.key_file={FOLDER}/live.key"], "holds no certificates"),
                       ([f"tls.cert_file={FOLDER}/live.pem", f"tls.key_file={FOLDER}/live.pem"], "holds no key"),
                       ([f"admin.cert_file={FOLDER}/live.pem", f"admin.key_file={FOLDER}/two.key"], "admin.cert_file: ")):
        s = Service(*sets)
        check(f"{said}", s.ends() == 1 and said in s.text, s.lines)
    use("old")
    s = Service(*tls_sets())
    check("an expired one serves what is there, and says so", "expired" in s.says("error tls.cert_file"), s.lines)
    s.stop()


def the_admin_address_too():
    use("one")
    admin = [f"admin.cert_file={FOLDER}/live.pem", f"admin.key_file={FOLDER}/live.key"]
    s = Service(*admin, wait=False)
    until("the service", lambda: s.p.poll() is not None or s.listens(s.admin))
    s.says("admin at")
    with connect(s.admin) as c:
        check("by TLS", b"HTTP/1.1 200" in ask(c, "/healthz"))
    status, out = s.ivory("bundles", *[x for a in admin for x in ("--set", a)])
    check("the command line too", status == 0 and "active" in out, out)
    status, out = s.ivory("bundles", "--set", f"admin.cert_file={FOLDER}/two.pem", "--set", f"admin.key_file={FOLDER}/two.key")
    check("and no other server", status == 1 and "no service answers" in out, out)
    s.stop()


def slow_and_broken_clients():
    use("one")
    s = Service(*tls_sets())
    before = s.descriptors()
    hello = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = context().wrap_bio(*hello, server_hostname="127.0.0.1")
    try:
        half.do_handshake()
    except ssl.SSLWantReadError:
        pass
    bytes_ = hello[1].read()
    clients = []
    for i in range(300):
        c = socket.create_connection(("127.0.0.1", s.port))
        c.sendall(bytes_[:(i * 7) % len(bytes_)] if i % 3 else os.urandom(i) if i % 2 else bytes_)
        clients.append(c)
    until("300 that are in a handshake", lambda: s.descriptors() > before + 150)
    check("others are served", name_at(s.port) == "one")
    for c in clients[:150]:
        c.close()
    for c in clients[150:]:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
        c.close()
    until("their descriptors to be free", lambda: s.descriptors() <= before + 2, 20)
    slow = socket.create_connection(("127.0.0.1", s.port))
    slow.settimeout(20 * SLOW)
    for b in bytes_[:-1]:
        slow.sendall(bytes([b]))
    slow.sendall(bytes_[-1:])
    check("a slow handshake is answered", slow.recv(1)[:1] == b"\x16")
    slow.close()
    for _ in range(20):  # the end in the middle of an answer, and without close_notify
        c = connect(s.port)
        c.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        c.close()
    check("it goes on", b"404" in ask(connect(s.port)))
    check("nothing was logged about it", "error" not in s.text, s.lines[-3:])
    s.stop()


def thousands_are_idle():
    use("one")
    s = Service(*tls_sets())
    memory = lambda: int(pathlib.Path(f"/proc/{s.p.pid}/statm").read_text().split()[1]) * 4096
    first = memory()
    c = context()
    idle = []
    for _ in range(1500):
        plain = socket.create_connection(("127.0.0.1", s.port))
        idle.append(c.wrap_socket(plain, server_hostname="127.0.0.1"))
    each = (memory() - first) / len(idle)
    print(f"  an idle TLS connection takes {each / 1024:.0f} KiB")
    check("memory is bounded", each < 200_000, each)
    check("others are served", b"404" in ask(connect(s.port)))
    check("and these too", all(b"404" in ask(x) for x in idle[::100]))
    for x in idle:
        x.close()
    until("their descriptors to be free", lambda: s.descriptors() < 200, 20)
    s.stop()


def the_call_service_has_tls():
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger", "-days", "30",
            "-keyout", "stranger.key", "-out", "stranger.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(FOLDER / "one.pem", FOLDER / "one.key")
    graph = Graph(tls)
    s = Service(*graph.sets(FOLDER), f"graph.ca_file={FOLDER}/ca.pem")
    line = Line(s.port)
    calls = [line.offer()[0] for _ in range(30)]
    until("calls to be answered", lambda: sum(what == "answer" for _, what, _ in graph.seen) == 30)
    for call in calls:
        line.updated(call)
    until("prompts to be played", lambda: sum(what == "playPrompt" for _, what, _ in graph.seen) >= 30)
    check("connections are kept", graph.connections <= 31, graph.connections)
    s.stop()
    seen = len(graph.seen)
    s = Service(*graph.sets(FOLDER), f"graph.ca_file={FOLDER}/stranger.pem")
    Line(s.port).offer()
    s.says("certificate", 20)
    check("nothing is sent to a stranger", len(graph.seen) == seen)
    s.stop()


make_all()
try:
    main(whole_calls_and_large_bodies, only_what_is_safe, certificates_change, bad_files_keep_it_from_starting, the_admin_address_too,
         the_call_service_has_tls, slow_and_broken_clients, thousands_are_idle)
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
