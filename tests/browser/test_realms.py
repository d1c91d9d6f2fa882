"""The contract's walk-through 6, as people go through it: other realms, what goes there, and what came from them."""

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import EN, ID, Speech, in_list
from tests.browser.person import PHONE, WIDE, Person
from tests.browser.test_files import saved, send
from tests.browser.two_realms import AWAY, Pair, go_to_pusat, pair, strangers, write_to

__all__ = ["pair", "strangers"]

Size = tuple[int, int]
WRITE = "Write a message"
CLOCK = r"\d\d:\d\d"
LOOKS = pytest.mark.parametrize(
    ("speech", "size"),
    [
        pytest.param(EN, WIDE, id="english-wide"),
        pytest.param(ID, PHONE, id="indonesian-phone", marks=pytest.mark.thorough),
    ],
)


def said(who: str, what: str) -> re.Pattern[str]:
    """A message as screen readers say it."""
    return re.compile(f"^{re.escape(who)}, {CLOCK}: {re.escape(what)}$")


@LOOKS
def test_a_realm_is_added_by_the_form(strangers: Pair, speech: Speech, size: Size) -> None:
    names, pusat = AWAY[speech.locale], strangers.pusat
    messi = strangers.home("messi", speech, size=size)
    messi.press(names.home)
    messi.press(names.add)
    messi.type(names.realm, "pusat")
    messi.press(names.add, "button")
    messi.sees_soon(re.compile(f": {names.address}$"))  # it was left empty
    messi.type(names.address, "127.0.0.1")
    messi.type(names.port, str(pusat.commands))
    messi.press(names.add, "button")
    messi.sees_soon("Realm Unreachable")
    assert messi.value(names.realm) == "pusat"
    messi.type(names.port, str(pusat.door))
    messi.press(names.add, "button")
    messi.sees_soon("Realm added")
    messi.sees_soon(f"pusat, {names.answers}")
    messi.press(names.add)
    messi.type(names.realm, "PUSAT")
    messi.type(names.address, "127.0.0.1")
    messi.type(names.port, str(pusat.door))
    messi.key("Enter")
    messi.sees_soon("Realm sudah ada")
    assert messi.can_press(names.add, "button")
    strangers.campus.no_console_errors()


@pytest.mark.thorough
def test_each_of_two_realms_sees_the_other(strangers: Pair) -> None:
    messi, henderson = strangers.home("messi"), strangers.home_at_pusat("henderson")
    for one in (messi, henderson):
        one.press("Realms")
        one.sees_soon("No other realm is known here")
    strangers.meet()
    messi.sees_soon(f"pusat, answers, 127.0.0.1:{strangers.pusat.door}", exact=True)  # nobody has reloaded anything
    henderson.sees_soon(f"kampus, answers, 127.0.0.1:{strangers.campus.realm.door}", exact=True)
    strangers.campus.no_console_errors()


@LOOKS
def test_a_private_message_is_seen_at_once_at_the_other_realm(pair: Pair, speech: Speech, size: Size) -> None:
    messi, henderson = pair.home("messi", speech, size=size), pair.comes_to_pusat("henderson")
    go_to_pusat(messi, speech)
    write_to(messi, "Henderson", speech)
    messi.say(speech.write, "halo dari kampus")
    messi.sees_soon(f"{AWAY[speech.locale].delivered}: halo dari kampus", times=1)
    henderson.press(in_list("Lionel Messi (messi@kampus)"))
    henderson.sees_soon(said("Lionel Messi (messi@kampus)", "halo dari kampus"), times=1)
    henderson.say(WRITE, "halo juga")
    messi.sees_soon(said("Jordan Henderson (henderson@pusat)", "halo juga"), times=1)
    messi.sees_soon("Jordan Henderson (henderson@pusat)", exact=True)  # whose room it is
    messi.say(speech.write, "apa kabar?")
    henderson.sees_soon(said("Lionel Messi (messi@kampus)", "apa kabar?"), times=1)
    pair.campus.no_console_errors()


@pytest.mark.thorough
def test_a_group_of_the_other_realm_hears_it_and_sees_from_where(pair: Pair) -> None:
    messi, henderson = pair.home("messi"), pair.home_at_pusat("henderson")
    henderson.press(in_list("new"))
    henderson.sees_soon(WRITE)
    go_to_pusat(messi)
    write_to(messi, "new", group=True)
    messi.sees_soon("new@pusat", exact=True)
    messi.sees_soon("what you have sent there")
    messi.say(WRITE, "salam dari kampus")
    messi.sees_soon("delivered: salam dari kampus", times=1)
    henderson.sees_soon(said("Lionel Messi (messi@kampus)", "salam dari kampus"), times=1)
    pair.script_at_pusat("lineker").ask("sendgroup new salam juga")
    henderson.sees_soon(said("Gary Lineker (lineker)", "salam juga"), times=1)
    messi.press("Home")
    messi.press(in_list("new@pusat"))  # it is among the conversations, too
    messi.sees_soon("delivered: salam dari kampus", times=1)
    pair.script_at_pusat("messi").ask("sendgrouprealm kampus new halo semua")
    messi.press(re.compile(f"^new, 1 unread, {CLOCK}, messi@pusat, halo semua$"))
    messi.sees_soon(said("Lionel Messi (messi@pusat)", "halo semua"), times=1)  # it is another one of that name
    pair.campus.no_console_errors()


def test_files_cross_and_arrive_as_they_left(pair: Pair, tmp_path: Path) -> None:
    report = tmp_path / "laporan.bin"
    report.write_bytes(os.urandom(400_000))
    messi, henderson = pair.home("messi"), pair.home_at_pusat("henderson")
    go_to_pusat(messi)
    write_to(messi, "henderson")
    send(messi, report)
    henderson.press(in_list("Lionel Messi (messi@kampus)"))
    henderson.sees_soon(re.compile(rf"^Lionel Messi \(messi@kampus\), {CLOCK}: laporan.bin, 400 kB$"), times=1)
    assert saved(henderson, "Save laporan.bin") == ("laporan.bin", report.read_bytes())
    messi.sees_soon(re.compile("delivered: laporan.bin, 400 kB$"), times=1)

    go_to_pusat(messi)
    write_to(messi, "new", group=True)
    send(messi, report)
    messi.sees_soon(re.compile("delivered: laporan.bin, 400 kB$"), times=1)
    henderson.press(re.compile("^new, 1 unread, "))
    henderson.sees_soon(re.compile(rf"^Lionel Messi \(messi@kampus\), {CLOCK}: laporan.bin, 400 kB$"), times=1)
    assert saved(henderson, "Save laporan.bin") == ("laporan.bin", report.read_bytes())
    pair.campus.no_console_errors()


@LOOKS
def test_what_waits_says_why_and_is_delivered_when_the_realm_is_back(pair: Pair, speech: Speech, size: Size) -> None:
    names = AWAY[speech.locale]
    messi = pair.home("messi", speech, size=size)
    go_to_pusat(messi, speech)
    write_to(messi, "henderson", speech)
    messi.say(speech.write, "sebelumnya")
    messi.sees_soon(f"{names.delivered}: sebelumnya", times=1)
    pair.pusat.stop()
    messi.sees_soon(re.compile(f"^pusat: {names.unreachable}"))  # above the room, which nobody has touched
    messi.say(speech.write, "sampai nanti")
    messi.sees_soon(f"{names.queued}: sampai nanti", times=1)
    messi.say(speech.write, "dan lagi")
    messi.sees_soon(f"{names.queued}: dan lagi", times=1)
    messi.sees_soon(re.compile(f"^{names.queued}: {names.unreachable}, "), times=1)  # once for both
    messi.reload()
    messi.sees_soon(re.compile(f"^{names.queued}: {names.unreachable}, "), times=1)
    pair.pusat.start()
    messi.sees_soon(f"{names.delivered}: sampai nanti", times=1)
    messi.sees_soon(f"{names.delivered}: dan lagi", times=1)
    messi.sees_no_more(names.queued)
    henderson = pair.home_at_pusat("henderson")
    henderson.press(in_list("Lionel Messi (messi@kampus)"))
    for text in ("sebelumnya", "sampai nanti", "dan lagi"):
        henderson.sees_soon(said("Lionel Messi (messi@kampus)", text), times=1)
    pair.campus.no_console_errors()


@LOOKS
def test_what_was_refused_after_all_says_so_and_can_be_sent_anew(pair: Pair, speech: Speech, size: Size) -> None:
    names = AWAY[speech.locale]
    messi = pair.home("messi", speech, size=size)
    pair.pusat.stop()
    go_to_pusat(messi, speech)
    write_to(messi, "ana", speech)
    messi.say(speech.write, "halo, Ana")
    messi.sees_soon(f"{names.queued}: halo, Ana", times=1)
    pair.pusat.start()
    messi.sees_soon(re.compile(f"^ana@pusat, {CLOCK}, {names.bounced}. .*: halo, Ana$"), times=1)
    messi.sees_soon(f"{names.bounced}: halo, Ana", times=1)  # the message itself says so too
    register(pair, "ana")
    messi.press(names.retry)
    messi.sees_soon(f"{names.delivered}: halo, Ana", times=1)
    pair.campus.no_console_errors()


def register(pair: Pair, name: str) -> None:
    """Somebody new is at pusat."""
    pair.script_at_pusat(name, f"register {name} surabaya Indonesia {name.title()}")


@pytest.mark.thorough
def test_what_is_refused_at_once_is_sent_anew_when_tried_again(pair: Pair) -> None:
    messi = pair.home("messi")
    go_to_pusat(messi)
    write_to(messi, "ana")
    messi.say(WRITE, "halo, Ana")
    messi.sees_soon("not sent: User tidak ada")
    register(pair, "ana")
    messi.press("Try again")
    messi.sees_soon("delivered: halo, Ana", times=1)
    messi.sees_no_more("not sent")
    pair.campus.no_console_errors()


@pytest.mark.thorough
def test_a_refused_file_is_sent_anew_without_being_chosen(pair: Pair, tmp_path: Path) -> None:
    report = tmp_path / "laporan.txt"
    report.write_text("halo")
    messi = pair.home("messi")
    pair.pusat.stop()
    go_to_pusat(messi)
    write_to(messi, "ana")
    send(messi, report)
    messi.sees_soon(re.compile("queued for pusat: laporan.txt, 4 B$"), times=1)
    pair.pusat.start()
    messi.sees_soon("not delivered: User tidak ada. Your message: laporan.txt")
    register(pair, "ana")
    messi.press("Try again")
    messi.sees_soon(re.compile("delivered: laporan.txt, 4 B$"), times=1)
    pair.campus.no_console_errors()


@pytest.mark.thorough
def test_the_realms_page_tells_what_waits_and_the_list_marks_it(pair: Pair) -> None:
    messi = pair.home("messi")
    pair.pusat.stop()
    messi.press("Realms")
    messi.sees_soon(re.compile(rf"^pusat, unreachable since {CLOCK}, next try (in \d+ (s|min)|now), 127.0.0.1:\d+$"))
    pair.campus.script("messi").ask("sendprivaterealm pusat henderson satu", "sendgrouprealm pusat new dua")
    messi.sees_soon(re.compile(r"^pusat, unreachable .*, Messages that wait: 2, "))
    messi.sees_soon(re.compile(f"^henderson@pusat, {CLOCK}, You, queued for pusat, satu$"))
    messi.sees_soon(re.compile(f"^new@pusat, {CLOCK}, You, queued for pusat, dua$"))
    pair.pusat.start()
    messi.sees_soon(re.compile("^pusat, answers, 127"))  # and nothing waits
    messi.sees_soon(re.compile(f"^henderson@pusat, {CLOCK}, You, satu$"))  # rooms that nobody has opened
    messi.sees_soon(re.compile(f"^new@pusat, {CLOCK}, You, dua$"))
    pair.campus.no_console_errors()


@pytest.mark.thorough
@LOOKS
def test_what_came_from_a_realm_is_listed_and_leads_to_its_conversation(pair: Pair, speech: Speech, size: Size) -> None:
    fetch, fetched, nothing = {
        EN.locale: ("Fetch messages", "Messages fetched: {}", "Nothing new came from pusat"),
        ID.locale: ("Ambil pesan", "Pesan diambil: {}", "Tidak ada yang baru dari pusat"),
    }[speech.locale]
    messi = pair.home("messi", speech, size=size)
    henderson = pair.script_at_pusat("henderson")
    henderson.ask("sendprivaterealm kampus messi halo messi", "sendgrouprealm kampus new halo semua")
    pair.campus.script("henderson").tell("messi", "dari sini")
    go_to_pusat(messi, speech)
    messi.press(fetch)
    messi.sees_soon(fetched.format(2))
    sender = re.escape("Jordan Henderson (henderson@pusat)")
    messi.sees_soon(re.compile(f"^{sender}, {CLOCK}, halo messi$"))
    messi.press(re.compile(f"^{sender} · new, {CLOCK}, halo semua$"))
    messi.sees_soon(said("Jordan Henderson (henderson@pusat)", "halo semua"), times=1)
    back(messi, size)
    messi.sees_soon(re.compile(f"^{sender}, {CLOCK}, halo messi$"))  # it is still there
    messi.press(fetch)
    messi.sees_soon(nothing)
    pair.campus.no_console_errors()


def back(one: Person, size: Size) -> None:
    """Go back to where one came from."""
    if size == PHONE:
        one.press("Kembali")
    else:
        one.go_back()


@pytest.mark.thorough
def test_every_control_has_a_name_and_can_be_reached(pair: Pair) -> None:
    henderson = pair.script_at_pusat("henderson")
    henderson.ask("sendprivaterealm kampus messi halo")
    messi = pair.home("messi")
    assert {"Other Realms", "Realms"} <= set(messi.reached_by_tab(20))
    messi.press("Realms")
    messi.sees_soon("pusat, answers")
    assert messi.nameless() == []
    messi.press("Add realm")
    messi.sees_soon("Port")
    assert messi.nameless() == []
    assert {"Realm", "Address", "Port", "Its key, if you know it", "Add realm"} <= set(messi.reached_by_tab(16))
    go_to_pusat(messi)
    messi.press("Fetch messages")
    messi.sees_soon("Messages fetched: 1")
    assert messi.nameless() == []
    reached = set(messi.reached_by_tab(20))
    assert {"Username", "Group", "Write", "Fetch messages"} <= reached
    messi.press(re.compile(r"^Jordan Henderson \(henderson@pusat\), \d\d:\d\d, halo$"))
    messi.sees_soon(WRITE)
    assert messi.nameless() == []
    pair.campus.no_console_errors()
