"""The contract's walk-throughs 1 to 4, as people go through them: by what they read on the page."""

import re

import pytest

from tests.browser.conftest import EN, ID, Campus, Speech, in_list, log_in, open_room, until
from tests.browser.person import PHONE, WIDE, Person

Size = tuple[int, int]
LOOKS = pytest.mark.parametrize(
    ("speech", "size"),
    [
        pytest.param(EN, WIDE, id="english-wide"),
        pytest.param(ID, PHONE, id="indonesian-phone", marks=pytest.mark.thorough),
    ],
)


@LOOKS
def test_a_failed_login_says_why_and_stays(campus: Campus, speech: Speech, size: Size) -> None:
    messi = campus.visitor("messi", speech, size=size)
    messi.type(speech.username, "nobody")
    messi.type(speech.password, "surabaya")
    messi.press(speech.sign_in, "button")
    messi.sees_soon("User tidak ada")
    assert messi.can_press(speech.sign_in, "button")
    messi.type(speech.username, "messi")
    messi.type(speech.password, "wrong")
    messi.press(speech.sign_in, "button")
    messi.sees_soon("Password salah")
    assert not messi.sees("User tidak ada")
    assert messi.value(speech.username) == "messi"
    log_in(messi, "messi", speech)
    assert not messi.sees("Password salah")
    campus.no_console_errors()


def test_the_eye_reveals_the_password(campus: Campus) -> None:
    def hidden(one: Person) -> bool:
        return one.with_page(lambda page: page.locator("input[type=password]").count() == 1)

    messi = campus.visitor("messi")
    messi.type("Password", "surabaya")
    assert hidden(messi)
    messi.press("Show password")
    until(lambda: not hidden(messi), "the password can be read")
    assert messi.value("Password") == "surabaya"
    messi.press("Hide password")
    until(lambda: hidden(messi), "the password is hidden again")
    messi.type("Username", "messi")
    messi.press("Sign in", "button")
    messi.sees_soon("Hello, Lionel Messi")
    campus.no_console_errors()


@pytest.mark.parametrize(
    ("speech", "size", "words"),
    [
        (EN, WIDE, ("No account yet? Register", "Name", "Country", "Register")),
        (ID, PHONE, ("Belum punya akun? Daftar", "Nama", "Negara", "Daftar")),
    ],
    ids=["english-wide", "indonesian-phone"],
)
def test_one_registers(campus: Campus, speech: Speech, size: Size, words: tuple[str, str, str, str]) -> None:
    no_account, name, country, register = words
    ana = campus.visitor("ana", speech, size=size)
    ana.press(no_account)
    ana.sees_soon(country)
    ana.type(speech.username, "messi")
    ana.type(speech.password, "rahasia123")
    ana.type(name, "Ana Sari")
    ana.type(country, "Indonesia")
    ana.press(register, "button")
    ana.sees_soon("User sudah ada")
    ana.type(speech.username, "ana")
    ana.press(register, "button")
    ana.sees_soon(speech.greeting.format("Ana Sari"))
    messi = campus.home("messi", speech, size=size)
    messi.press("Private Chat")
    messi.sees_soon("Ana Sari")
    campus.no_console_errors()


@pytest.mark.parametrize(
    ("speech", "size", "token", "copy", "copied"),
    [(EN, WIDE, "Session token", "Copy", "Copied"), (ID, PHONE, "Token sesi", "Salin", "Disalin")],
    ids=["english-wide", "indonesian-phone"],
)
def test_home_greets_and_offers_what_the_contract_says(
    campus: Campus, speech: Speech, size: Size, token: str, copy: str, copied: str
) -> None:
    messi = campus.visitor("messi", speech, size=size)
    log_in(messi, "messi", speech)
    messi.sees_soon(re.compile(rf"^{token}: [\w-]{{4,12}}…$"))
    for entry in ("Private Chat", "Group Chat", "Add Group Chat", "Join Group Chat", "Logout"):
        assert messi.can_press(entry, "button"), entry
    messi.press(copy)
    messi.sees_soon(copied)
    campus.no_console_errors()


def test_logout_ends_the_session_on_the_realm_too(campus: Campus) -> None:
    henderson = campus.script("henderson")

    def active() -> list[str]:
        return [str(user) for user in henderson.ask("info")[0]["message"]]

    messi = campus.visitor("messi")
    log_in(messi, "messi")
    assert any("messi" in user for user in active())
    messi.press("Logout")
    messi.sees_soon("Sign in", exact=True)
    until(lambda: not any("messi" in user for user in active()), "the realm has ended the session")
    messi.reload()
    messi.sees_soon("Sign in", exact=True)
    assert not messi.sees("Hello")
    campus.no_console_errors()


@LOOKS
def test_a_private_message_is_seen_at_once(campus: Campus, speech: Speech, size: Size) -> None:
    messi = campus.home("messi", speech, size=size)
    henderson = campus.home("henderson", EN if speech is ID else ID)
    messi.press("Private Chat")
    messi.sees_soon("Jordan Henderson")
    messi.sees_soon("Gary Lineker")
    assert not messi.sees("Lionel Messi, ")  # nobody writes to themselves from here
    messi.press(re.compile(f"^Jordan Henderson, {speech.active}$"))
    messi.say(speech.write, "halo, selamat malam")
    messi.sees_soon(": halo, selamat malam", times=1)
    henderson.press(in_list("Lionel Messi", EN if speech is ID else ID))
    henderson.sees_soon(": halo, selamat malam", times=1)
    henderson.say((EN if speech is ID else ID).write, "malam juga")
    messi.sees_soon(": malam juga", times=1)
    messi.say(speech.write, "apa kabar?")
    henderson.sees_soon(": apa kabar?", times=1)
    campus.no_console_errors()


@LOOKS
def test_who_logs_in_later_finds_the_message(campus: Campus, speech: Speech, size: Size) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say("Write a message", "halo, selamat malam")
    messi.sees_soon("stored: halo, selamat malam")
    henderson = campus.home("henderson", speech, size=size)
    henderson.title_soon("(1) Bagan")
    if size == PHONE:
        henderson.press(re.compile(speech.chats))
    henderson.press(in_list("Lionel Messi", speech))
    henderson.sees_soon(": halo, selamat malam", times=1)
    henderson.title_soon("Bagan")
    campus.no_console_errors()


def test_the_paper_plane_sends(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.type("Write a message", "by the button")
    messi.press("Send")
    messi.sees_soon("stored: by the button", times=1)
    until(lambda: messi.value("Write a message") == "", "the field is empty")
    campus.no_console_errors()


@pytest.mark.parametrize(
    ("speech", "size", "fetch", "fetched"),
    [
        pytest.param(EN, WIDE, "Fetch messages", "Messages fetched: {}", id="english-wide"),
        pytest.param(ID, PHONE, "Ambil pesan", "Pesan diambil: {}", id="indonesian-phone", marks=pytest.mark.thorough),
    ],
)
def test_the_mail_button_catches_up(campus: Campus, speech: Speech, size: Size, fetch: str, fetched: str) -> None:
    henderson = campus.home("henderson", speech, size=size)
    open_room(henderson, "messi", speech)
    campus.script("messi").tell("henderson", "satu", "dua")
    henderson.sees_soon(": dua", times=1)  # the button was not needed for that
    henderson.press(fetch)
    henderson.sees_soon(fetched.format(2))
    henderson.press(fetch)
    henderson.sees_soon(fetched.format(0))
    henderson.sees_soon(": satu", times=1)
    henderson.sees_soon(": dua", times=1)
    campus.no_console_errors()


@pytest.mark.parametrize(
    ("speech", "size", "name", "save", "alone", "members"),
    [
        pytest.param(
            EN, WIDE, "Name of the group", "Save", "1 member", "members", id="english-wide", marks=pytest.mark.thorough
        ),
        pytest.param(ID, PHONE, "Nama grup", "Simpan", "1 anggota", "anggota", id="indonesian-phone"),
    ],
)
def test_a_group_is_added_joined_and_heard_by_all(
    campus: Campus, speech: Speech, size: Size, name: str, save: str, alone: str, members: str
) -> None:
    messi, henderson = (campus.home(one, speech, size=size) for one in ("messi", "henderson"))
    messi.press("Add Group Chat")
    messi.type(name, "kelompok-Bagan")
    messi.press(save)
    messi.sees_soon("Add group successful")
    messi.sees_soon(speech.greeting.format("Lionel Messi"))

    henderson.press("Join Group Chat")
    henderson.sees_soon("kelompok-Bagan")
    assert not henderson.sees(f"new, 3 {members}")  # where one is already
    henderson.press(f"kelompok-Bagan, {alone}")
    henderson.sees_soon("Berhasil Join kelompok-Bagan")
    henderson.sees_soon(speech.greeting.format("Jordan Henderson"))

    for one in (messi, henderson):
        one.press("Group Chat")
        one.sees_soon(f"new, 3 {members}: henderson, lineker, messi")
        one.press(f"kelompok-Bagan, 2 {members}: henderson, messi")
        one.sees_soon(speech.write)
    messi.say(speech.write, "selamat datang")
    henderson.sees_soon(": selamat datang", times=1)
    henderson.say(speech.write, "terima kasih")
    messi.sees_soon(": terima kasih", times=1)
    campus.no_console_errors()


def test_a_message_in_a_group_reaches_every_member_live(campus: Campus) -> None:
    everybody = [campus.home(one) for one in ("messi", "henderson", "lineker")]
    for one in everybody:
        one.press("Group Chat")
        one.press("new, 3 members: henderson, lineker, messi")
        one.sees_soon("Write a message")
    for one in everybody:
        one.say("Write a message", f"from {one.name}")
        for other in everybody:
            other.sees_soon(f": from {one.name}", times=1)
    campus.no_console_errors()


def test_a_group_that_exists_or_has_no_name_is_not_added(campus: Campus) -> None:
    messi = campus.home("messi")
    messi.press("Add Group Chat")
    messi.type("Name of the group", "two words")
    messi.press("Save")
    messi.sees_soon("Name of the group: Letters, digits, '.', '_' and '-', at most 32")
    messi.type("Name of the group", "NEW")
    messi.press("Save")
    messi.sees_soon("Group sudah ada")
    assert messi.value("Name of the group") == "NEW"
    campus.no_console_errors()
