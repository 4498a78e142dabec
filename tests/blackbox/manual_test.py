"""The manual says what the program says: commands with their options, keys; and what is installed is found."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import IVORY, ROOT, check, main, run

MANUAL = (ROOT / "docs/man/ivory.1").read_text()


def plain(page):
    """The commands of the page, each with the text of its entry's heading."""
    body = page.split(".Bl -tag -width Ds", 1)[1].split("\n.El", 1)[0]
    entries = {}
    for part in re.split(r"^\.It ", body, flags=re.M)[1:]:
        heading = part.split(".Xc", 1)[0] if part.startswith("Xo") else part.split("\n", 1)[0]
        entries[re.search(r"Cm (\w+)", heading).group(1)] = heading
    return entries


def every_command_has_its_entry():
    entries = plain(MANUAL)
    said = re.findall(r"^  (\w+) (.*)\n      (.*)$", run("help")[1], flags=re.M)
    check("there are commands", len(said) > 10, said)
    check("the same, in the same order", [x[0] for x in said] == list(entries), (said, list(entries)))
    for name, usage, _ in said:
        options = re.findall(r"--([a-z-]+)", usage)
        in_manual = re.findall(r"Fl -([a-z-]+)", entries.get(name, ""))
        check(f"options of {name}", sorted(options) == sorted(in_manual), (options, in_manual))


def keys_are_listed():
    status, text = run("keys")
    keys = [x.split("  ")[0] for x in text.splitlines()]
    printed = re.findall(r"^(?:-- )?([a-z0-9_.]+)(?:\[\"repeat\"\])?(?: = | is not set)", run("serve", "--print-config")[1], flags=re.M)
    check("as many as are printed", status == 0 and len(keys) == len(printed) > 50, (len(keys), len(printed)))
    check("each with a remark", all(re.search(r"\)  \S", x) for x in text.splitlines()) and "null" not in text, text)
    page = run("keys", "--manual")[1]
    check("and in the manual", [x for x in re.findall(r"^\.It Cm (.*)$", page, flags=re.M)] == keys)


def what_is_installed_is_found():
    with tempfile.TemporaryDirectory(prefix="ivory-prefix-") as prefix:
        here = pathlib.Path(prefix)
        (here / "bin").mkdir()
        shutil.copy(IVORY, here / "bin/ivory")
        shutil.copytree(ROOT / "flows", here / "share/ivory/flows")
        (here / "elsewhere").mkdir()

        def installed(*args):
            r = subprocess.run([here / "bin/ivory", *args], cwd=here / "elsewhere", text=True, capture_output=True)
            return r.returncode, r.stdout + r.stderr

        out = installed("serve", "--print-config")[1]
        check("the example flows", f'flows = "{prefix}/share/ivory/flows"' in out, out[:300])
        check("they load", installed("check")[0] == 0)
        (here / "etc/ivory").mkdir(parents=True)
        (here / "etc/ivory/ivory.conf").write_text('language = "de"\nflows = "mine"')
        out = installed("serve", "--print-config")[1]
        check("its configuration", f'language = "de"  -- {prefix}/etc/ivory/ivory.conf:1' in out, out[:600])
        check("flows that are named are meant", 'flows = "mine"' in out and installed("check")[0] == 1)
        (here / "elsewhere/ivory.conf").write_text('language = "fr"')
        check("one in the folder goes first", 'language = "fr"  -- ivory.conf:1' in installed("serve", "--print-config")[1])
        check("one that is named before all", installed("version", "--config", "nowhere")[0] == 0
              and "cannot read nowhere" in installed("check", "--config", "nowhere")[1])
        (here / "elsewhere/ivory.conf").write_text("")
        (here / "elsewhere/flows").mkdir()
        check("flows in the folder go first", 'flows = "flows"' in installed("serve", "--print-config")[1])


def a_configuration_is_checked_before_it_is_used():
    check("the usual one is good", run("check")[0] == 0)
    for sets, said in ((["tls.cert_file=/nowhere"], "tls.cert_file: cannot read /nowhere"),
                       (["graph.url=https://graph.example"], "public_url is needed too")):
        options = [x for one in sets for x in ("--set", one)]
        status, out = run("check", *options)
        check(f"{sets} is refused", status == 1 and said in out, out)
        check("a folder that is named is looked at alone", run("check", "flows", *options)[0] == 0)


def configurations_that_are_shown_are_good():
    readme = (ROOT / "README.md").read_text()
    shown = [x for x in re.findall(r"^```lua\n(.*?)^```", readme, flags=re.S | re.M) if x.startswith("listen")]
    check("the README shows two", len(shown) == 2, shown)
    package = ROOT / "runtime/package"
    shown.append((package / "ivory.conf").read_text())
    for text in shown:
        with tempfile.NamedTemporaryFile("w", prefix="ivory-conf-") as f:
            f.write(text)
            f.flush()
            status, out = run("serve", "--print-config", "--config", f.name)
            check("every key is one", status == 0, out)
    unit = (package / "debian/ivory.service").read_text()
    env = dict(re.findall(r"^Environment=(\w+)=(\S+)$", unit, flags=re.M))
    check("the unit has its exchange apart", "exchange.apart = true" in run("serve", "--print-config", env=env)[1], env)
    check("which is a service too", " exchange " in (package / "debian/ivory.ivory-exchange.service").read_text())


def a_new_version_is_built():
    with tempfile.TemporaryDirectory(prefix="ivory-build-") as build:
        file = pathlib.Path(build, "obj/runtime/main.o")
        for version in ("7.1.0", "7.2.0"):
            subprocess.run(["make", "-s", f"BUILD={build}", f"VERSION={version}", file], cwd=ROOT, check=True)
            check(f"{version} says so", b"ivory " + version.encode() in file.read_bytes())


main(every_command_has_its_entry, keys_are_listed, what_is_installed_is_found, a_configuration_is_checked_before_it_is_used,
     configurations_that_are_shown_are_good, a_new_version_is_built)
