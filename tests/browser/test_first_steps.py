"""How somebody comes to the web client: by a link that invites them, or to the demo."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.browser.conftest import Campus, log_in
from tests.browser.person import MakePerson
from tests.browser.two_realms import go_to_pusat, write_to
from tests.browser.web import StartWeb, without_display
from tests.conftest import StartRealm


def test_an_invite_link_leads_to_an_account(start_realm: StartRealm, start_web: StartWeb, person: MakePerson) -> None:
    realm = start_realm(config='registration = "invite"\n')
    web = start_web(realm)
    command = [sys.executable, "-m", "realm", "invite-user", "--data", str(realm.data), "--config", str(realm.config)]
    command += ["--host", f"127.0.0.1:{realm.door}", "--web", web.url]
    link = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    ana = person("ana")
    ana.open(link)
    ana.sees_soon("Country")  # it asks at once for what registering needs
    for label, text in (("Username", "ana"), ("Password", "rahasia123"), ("Name", "Ana Sari"), ("Country", "x")):
        ana.type(label, text)
    ana.press("Register", "button")
    ana.sees_soon("Hello, Ana Sari")
    budi = person("budi", locale="id-ID")
    budi.open(link)
    budi.sees_soon("Negara")
    for label, text in (("Nama pengguna", "budi"), ("Kata sandi", "rahasia123"), ("Nama", "Budi"), ("Negara", "x")):
        budi.type(label, text)
    budi.press("Daftar", "button")
    budi.sees_soon("Realm tidak mengizinkan Anda mendaftar: mungkin perlu undangan yang belum dipakai.")
    assert (ana.console_errors(), budi.console_errors()) == ([], [])


@pytest.mark.parametrize("ended_by", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.thorough)])
def test_the_demo_can_be_used_and_ends_whole(tmp_path: Path, person: MakePerson, ended_by: signal.Signals) -> None:
    made = tmp_path / "tmp"
    made.mkdir()
    env = {**without_display(), "TMPDIR": str(made), "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", "")}
    command = [sys.executable, "-m", "client.ui", "--demo", "--no-open", "--port", "0"]
    with (tmp_path / "log").open("w") as log:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
    assert demo.stdout is not None
    try:
        url = next(found[0] for line in demo.stdout if (found := re.search(r"http://localhost:\d+", line)))
        messi = person("messi")
        messi.open(url)
        log_in(messi, "messi")
        messi.sees_soon("new")  # the group of the contract
        henderson = person("henderson")
        henderson.open(url)
        henderson.press("pusat")
        log_in(henderson, "henderson")
        henderson.sees_soon("henderson@pusat")
        go_to_pusat(messi)
        write_to(messi, "henderson")
        messi.say("Write a message", "halo, pusat")
        henderson.press(re.compile(r"^Lionel Messi \(messi@kampus\), 1 unread, .*, halo, pusat$"))
        henderson.sees_soon("(messi@kampus), ")
        realms = psutil.Process(demo.pid).children(recursive=True)
        assert len(realms) >= 2
        demo.send_signal(ended_by)
        assert demo.wait(timeout=30) == 0, (tmp_path / "log").read_text()
        assert not any(one.is_running() for one in realms)
        assert list(made.iterdir()) == []
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
        demo.stdout.close()


def test_every_control_has_a_name_and_can_be_reached(campus: Campus) -> None:
    lineker = campus.script("lineker")
    lineker.ask("addgroup Handball")
    lineker.tell("messi", "halo https://example.org/x")
    messi = campus.visitor("messi")
    assert messi.nameless() == []
    assert {"Realm", "Username", "Password", "Sign in"} <= set(messi.reached_by_tab(12))
    log_in(messi, "messi")
    reached = set(messi.reached_by_tab(20))
    assert {
        "Search",
        "Settings",
        "Private Chat",
        "Group Chat",
        "Add Group Chat",
        "Join Group Chat",
        "Logout",
    } <= reached
    assert any(name.startswith("Gary Lineker, 1 unread, ") for name in reached)
    for entry, sight in (
        ("Private Chat", "Gary Lineker, "), ("Group Chat", "new, 3 members"), ("Add Group Chat", "Name of the group"),
        ("Join Group Chat", "Handball, 1 member"), ("Settings", "Change password"),
    ):  # fmt: skip
        messi.press("Home")
        messi.sees_soon("Hello, Lionel Messi")
        messi.press(entry, "button")
        messi.sees_soon(sight)
        assert messi.nameless() == [], entry
    messi.press(re.compile("^Gary Lineker, 1 unread"))
    messi.sees_soon("Write a message")
    assert messi.nameless() == []
    assert {"Fetch messages", "Write a message", "Send"} <= set(messi.reached_by_tab(12))
    messi.key("Control+K")
    messi.type("People, groups, chats", "new")
    messi.press("new, 3 members", "button")  # a group that one is in is opened, not joined
    messi.press("Members of new")
    messi.sees_soon("Jordan Henderson, ")
    assert messi.nameless() == []
    messi.press("Back")
    messi.sees_soon("Write a message")  # back in the room from which one came
    campus.no_console_errors()
