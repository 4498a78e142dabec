"""The service as a caller meets it: `ivory serve`, `ivory phone`, `ivory dial`, real processes over loopback."""
import signal
import tempfile

from harness import Program, Service, check, main, request, run, until


def menu_is_walked():
    s = Service()
    phone = s.phone()
    phone.says("connected")
    phone.says("plays main-menu")
    check("the words of the prompt are shown", any("press" in line.lower() for line in phone.lines), phone.text)
    phone.types("2")
    phone.says("plays support-menu")
    check("the call is listed", len(s.calls()) == 1, s.calls())
    phone.types("q")
    check("the phone ends well", phone.ends() == 0, phone.text)
    until("the call to end", lambda: s.calls() == [])
    check("the service leaves when asked", s.stop() == 0, s.text)
    check("nothing went wrong", " error " not in s.text and "ERROR" not in s.text, s.text)


def keys_from_a_pipe():
    s = Service()
    phone = s.phone("echo")
    phone.types(",12#")  # the comma waits until the greeting has begun
    phone.says("plays digit-1", 20)
    phone.says("plays digit-2", 20)
    phone.says("ended", 30)
    check("the phone ends with the call", phone.ends() == 0, phone.text)
    s.stop()


def keys_from_a_file():
    s = Service()
    with tempfile.TemporaryFile("w+") as keys:
        keys.write("22" + "\n" * 600)
        keys.seek(0)
        phone = s.phone(stdin=keys)
        phone.says("plays connecting", 20)
    check("the phone ends with the call", phone.ends(30) == 0, phone.text)
    s.stop()


def a_phone_that_vanishes():
    s = Service()
    phones = [s.phone("voicemail") for _ in range(3)]
    for p in phones:
        p.says("records")
    for p in phones:
        p.stop(signal.SIGKILL)
    until("their calls to end", lambda: s.calls() == [], 40)
    phone = s.phone()
    phone.says("plays main-menu")
    phone.p.send_signal(signal.SIGTERM)
    check("a phone told to go hangs up first", phone.ends() == 0 and "ended: 200" in phone.text, phone.text)
    check("the service leaves when asked, calls or not", s.phone().says("connected") and s.stop() == 0, s.text)


def two_services():
    s = Service()
    ports = [f"{key}=127.0.0.1:0" for key in ("listen", "admin.listen", "exchange.listen")]
    status, out = run("serve", *s.with_sets(ports))
    check("one data folder, one service", status == 1 and s.data in out and str(s.p.pid) in out, out)
    for key in ("listen", "admin.listen", "exchange.listen"):
        with tempfile.TemporaryDirectory() as data:
            own = [p for p in ports if not p.startswith(key + "=")]
            status, out = run("serve", *s.with_sets([*own, f"data={data}"]))
        check(f"a port in use is named: {key}", status == 1 and key in out and "in use" in out, out)
    s.stop()
    again = Program("serve", *s.with_sets())
    again.says("call service")
    check("the folder is free again", again.stop() == 0, again.text)


def reminder_rings_a_phone():
    s = Service()
    phone = s.phone("--answer", "+15550177")
    phone.says("waits|waiting")
    status, out = run("dial", "reminder", "+15550177", *s.with_sets())
    check("dial is taken", status == 0, out)
    phone.says("rings|ringing")
    phone.says("connected")
    phone.says("plays reminder")
    phone.types("1")
    phone.says("plays .*confirmed")
    phone.says("ended", 30)
    until("the call to end", lambda: s.calls() == [])
    status, out = run("dial", "reminder", "not a number", *s.with_sets())
    check("a bad target is refused with the reason", status == 1 and "phone number" in out, out)
    status, out = run("dial", "nosuch", "+15550177", *s.with_sets())
    check("an unknown flow is refused", status == 1 and "nosuch" in out, out)
    s.stop()
    status, out = run("dial", "reminder", "+15550177", *s.with_sets())
    check("no service: said so", status == 1 and "ivory serve" in out, out)


def a_meeting_is_joined():
    s = Service()
    link = ("https://teams.microsoft.com/l/meetup-join/19%3ameeting_Win6Ydo4%40thread.v2/0"
            "?context=%7b%22Tid%22%3a%22aa67bd4c-8475-432d-bd41-39f255720e0a%22%2c%22Oid%22%3a%22112f7296-5fa4-42ca-bae8-6a692b15d4b8%22%7d")
    status, out = run("dial", "announcer", link, *s.with_sets())
    check("the link is taken", status == 0, out)
    until("the call", lambda: s.calls())
    until("the call to be established", lambda: any(c["state"] == "established" for c in s.calls()))
    key = s.calls()[0]["key"]
    check("admin can hang up", request(s.admin, "DELETE", f"/admin/v1/calls/{key}")[0] == 202)
    until("the call to end", lambda: s.calls() == [], 20)
    check("it is known no more", request(s.admin, "DELETE", f"/admin/v1/calls/{key}")[0] == 404)
    s.stop()


def many_callers_at_once():
    s = Service()
    phones = [s.phone("--from", f"+1555020{i}") for i in range(6)]
    for p in phones:
        p.says("plays main-menu", 20)
    check("six calls are in progress", len(s.calls()) == 6, s.calls())
    for p in phones:
        p.types("q")
    for p in phones:
        check("each ends", p.ends(20) == 0, p.text)
    until("all calls to end", lambda: s.calls() == [])
    s.stop()


def faults_are_survived():
    s = Service("exchange.faults.repeat=0.3", "exchange.faults.reorder=0.3", "exchange.faults.throttle=0.1",
                "exchange.faults.early=0.3")
    phone = s.phone()
    phone.says("plays main-menu", 30)
    phone.types("2")
    phone.says("plays support-menu", 30)
    phone.types("q")
    check("the phone ends well", phone.ends(20) == 0, phone.text)
    until("the call to end", lambda: s.calls() == [], 20)
    s.stop()


def the_exchange_of_another_process():
    s = Service()  # only to have an exchange's ports and a phone; the second runtime below has the engine
    check("a phone to a closed port says so", run("phone", "--set", "exchange.listen=127.0.0.1:1")[0] == 1)
    s.stop()
    gone = Program("phone", *s.with_sets())
    check("and so does one whose exchange has gone", gone.ends() == 1, gone.text)


main(menu_is_walked, keys_from_a_pipe, keys_from_a_file, a_phone_that_vanishes, two_services, reminder_rings_a_phone, a_meeting_is_joined, many_callers_at_once,
     faults_are_survived, the_exchange_of_another_process)
