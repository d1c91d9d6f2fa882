"""Takes the pictures of `docs/screens`: `python -m tests.browser.screenshots`, or `make screenshots`."""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from client.connection import Connection
from client.keyring import Keyring
from client.syntax import parse
from tests.browser.person import PHONE, WIDE, BrowserThread, Person
from tests.browser.web import WebProcess
from tests.realm_process import RealmProcess

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
PASSWORD = "surabaya"
SAID = (
    ("messi", "send henderson halo, selamat malam"),
    ("henderson", "send messi selamat malam, Leo! Apa kabar?"),
    ("messi", "send henderson Baik 😀 Besok latihan jam tujuh."),
    ("messi", "send henderson Rencananya di sini: https://example.org/latihan"),
    ("henderson", "send messi Siap. Gary ikut juga?"),
    ("lineker", "send messi Leo, besok aku ikut."),
    ("lineker", "sendgroup new Semua sudah tahu jadwal besok?"),
    ("henderson", "sendgroup new Sudah, jam tujuh di lapangan."),
    ("messi", "send henderson Ikut! Sampai besok."),
    ("lineker", "send messi 明日はよろしく! مرحبا"),
    ("lineker", "send messi Jangan terlambat ya."),
)


async def _talk(door: int, folder: Path) -> None:
    """What the pictures show is said by three people."""
    people = {}
    for name in ("messi", "henderson", "lineker"):
        keyring = Keyring(folder / name)
        people[name] = await Connection.open("127.0.0.1", door, keyring.keys(), keyring.pins, listen=False)
        await people[name].ask(parse(f"auth {name} {PASSWORD}"))
    for name, line in SAID:
        await people[name].ask(parse(line))
    for connection in people.values():
        await connection.close()


def _sign_in(person: Person, url: str, name: str, *, indonesian: bool) -> None:
    person.open(url)
    user, password, button = (
        ("Nama pengguna", "Kata sandi", "Masuk") if indonesian else ("Username", "Password", "Sign in")
    )
    person.type(user, name)
    person.type(password, PASSWORD)
    person.press(button, "button")
    person.sees_soon("messi@kampus" if name == "messi" else f"{name}@kampus")


def _take(person: Person, name: str) -> None:
    person.with_page(lambda page: page.mouse.move(5, 5))
    for _ in range(2):  # ripples, then fonts, which are fetched for what is drawn; nothing is tested here
        person.with_page(lambda page: page.wait_for_timeout(1_500))
        person.with_page(lambda page: page.wait_for_load_state("networkidle"))
    person.screenshot(FOLDER / f"{name}.png")


def _wide(seat: Callable[..., Person], url: str) -> None:
    messi = seat("messi", size=WIDE, timezone="Asia/Jakarta")
    messi.open(url)
    messi.sees_soon("Sign in")
    _take(messi, "wide-sign-in")
    _sign_in(messi, url, "messi", indonesian=False)
    messi.sees_soon(re.compile("Gary Lineker, .* unread"))
    _take(messi, "wide-home")
    messi.press("Group Chat")
    messi.sees_soon("3 members")
    _take(messi, "wide-groups")
    messi.press(re.compile("^Jordan Henderson"))
    messi.sees_soon("Ikut! Sampai besok.")
    _take(messi, "wide-room")
    messi.press("Settings")
    messi.sees_soon("SHA256:")
    _take(messi, "wide-settings")
    messi.key("Control+K")
    messi.type("People, groups, chats", "li")
    messi.sees_soon(re.compile("Gary Lineker"))
    _take(messi, "wide-search")


def _dark(seat: Callable[..., Person], url: str) -> None:
    dark = seat("dark", size=WIDE, color_scheme="dark", timezone="Asia/Jakarta")
    _sign_in(dark, url, "messi", indonesian=False)
    dark.press(re.compile("^Gary Lineker"))
    dark.sees_soon("Jangan terlambat ya.")
    _take(dark, "wide-dark")


def _phone(seat: Callable[..., Person], url: str) -> None:
    phone = seat("phone", size=PHONE, locale="id-ID", timezone="Asia/Jakarta")
    _sign_in(phone, url, "henderson", indonesian=True)
    phone.sees_soon("Halo, Jordan Henderson")
    _take(phone, "phone-home")
    phone.press(re.compile("Obrolan"))
    phone.sees_soon(re.compile("Lionel Messi"))
    _take(phone, "phone-chats")
    phone.press(re.compile("^new"))
    phone.sees_soon("Sudah, jam tujuh di lapangan.")
    _take(phone, "phone-group")
    night = seat("night", size=PHONE, locale="id-ID", color_scheme="dark", timezone="Asia/Jakarta")
    _sign_in(night, url, "henderson", indonesian=True)
    night.press(re.compile("Obrolan"))
    night.press(re.compile("^Lionel Messi"))
    night.sees_soon("Ikut! Sampai besok.")
    _take(night, "phone-dark")


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bagan-screens-") as made:
        folder = Path(made)
        realm = RealmProcess(folder)
        data = [sys.executable, "-m", "realm", "demo-data", "--name", realm.name, "--data", str(realm.data)]
        subprocess.run(data, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        realm.start()
        web = WebProcess(folder, f"127.0.0.1:{realm.door}")
        browser = BrowserThread()
        seated: list[Person] = []

        def seat(name: str, **options: object) -> Person:
            seated.append(Person(browser, name, **options))  # type: ignore[arg-type]
            return seated[-1]

        try:
            asyncio.run(_talk(realm.door, folder))
            web.start()
            for pictures in (_wide, _dark, _phone):
                pictures(seat, web.url)
        finally:
            for person in seated:
                person.close()
            browser.close()
            web.kill()
            realm.kill()


if __name__ == "__main__":
    main()
