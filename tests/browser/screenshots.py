"""Takes the pictures of `docs/screens`: `python -m tests.browser.screenshots`, or `make screenshots`."""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

from client.connection import Connection
from client.courier import Courier
from client.file_lines import Post
from client.keyring import Keyring
from client.syntax import parse, parse_any
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
    ("lineker", "sendfile messi lapangan.jpg"),
    ("lineker", "sendfile messi jadwal-latihan.pdf"),
    ("lineker", "sendgroup new Semua sudah tahu jadwal besok?"),
    ("henderson", "sendgroup new Sudah, jam tujuh di lapangan."),
    ("messi", "send henderson Ikut! Sampai besok."),
    ("lineker", "send messi 明日はよろしく! مرحبا"),
    ("lineker", "send messi Jangan terlambat ya."),
)


def _draw_files(folder: Path) -> None:
    """A field in the evening, and a document."""
    width, height, ground = 1_200, 830, 560
    photo = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(photo)
    for y in range(height):
        sky = (255 - y // 6, 190 - y // 8, 120 + y // 10)
        draw.line([(0, y), (width, y)], fill=sky if y < ground else (40, 110 - (y - ground) // 8, 60))
    draw.ellipse((820, 300, 960, 440), fill=(255, 236, 180))
    for x in range(-300, width, 420):
        draw.polygon([(x, ground), (x + 310, 380), (x + 620, ground)], fill=(70, 84, 120))
    draw.rectangle((0, ground, width, ground + 12), fill=(235, 240, 235))
    draw.line([(180, 800), (420, 640), (780, 640), (1_020, 800)], fill=(235, 240, 235), width=8)
    photo.save(folder / "lapangan.jpg", quality=90)
    (folder / "jadwal-latihan.pdf").write_bytes(b"%PDF-1.7\n" + bytes(183_000))


async def _talk(door: int, folder: Path) -> None:
    """What the pictures show is said by three people."""
    people = {}
    for name in ("messi", "henderson", "lineker"):
        keyring = Keyring(folder / name)
        people[name] = await Connection.open("127.0.0.1", door, keyring.keys(), keyring.pins, listen=False)
        await people[name].ask(parse(f"auth {name} {PASSWORD}"))
    for name, line in SAID:
        if isinstance(post := parse_any(line), Post):
            async with Courier(people[name]) as courier:
                await courier.send(post.command, folder / post.path)
        else:
            await people[name].ask(parse(line))
    for connection in people.values():
        await connection.close()


async def _cross(here: int, there: int, folder: Path) -> None:
    """Two realms come to know each other, and their people talk."""
    messi, henderson = Keyring(folder / "messi"), Keyring(folder / "henderson-at-pusat")
    async with await Connection.open("127.0.0.1", here, messi.keys(), messi.pins, listen=False) as one:
        await one.ask(parse(f"auth messi {PASSWORD}"))
        await one.ask(parse(f"addrealm pusat 127.0.0.1 {there}"))
        async with await Connection.open("127.0.0.1", there, henderson.keys(), henderson.pins, listen=False) as other:
            await other.ask(parse(f"auth henderson {PASSWORD}"))
            await other.ask(parse("sendprivaterealm kampus messi Halo dari pusat! Jadi ke sini Sabtu?"))
            await other.ask(parse("sendgrouprealm kampus new Salam untuk semua di kampus."))
            await one.ask(parse("send henderson@pusat Jadi. Kami bertiga, naik kereta."))


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
    messi.press(re.compile("^Gary Lineker"))
    messi.sees_soon("Jangan terlambat ya.")
    _take(messi, "wide-files")
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


def _elsewhere(seat: Callable[..., Person], url: str, realm: RealmProcess, pusat: RealmProcess, folder: Path) -> None:
    asyncio.run(_cross(realm.door, pusat.door, folder))
    messi = seat("traveller", size=WIDE, timezone="Asia/Jakarta")
    _sign_in(messi, url, "messi", indonesian=False)
    messi.press(re.compile(r"^.*henderson@pusat.*kereta\.$"))
    messi.sees_soon("pusat: answers")
    pusat.stop()
    messi.sees_soon("pusat: unreachable since")
    messi.say("Write a message", "Sampai Sabtu!")
    messi.sees_soon("queued for pusat: unreachable since")
    _take(messi, "wide-elsewhere")
    messi.press("Realms")
    messi.sees_soon("Messages that wait: 1")
    _take(messi, "wide-realms")


def _start(folder: Path, name: str) -> RealmProcess:
    """A realm with the demo accounts."""
    realm = RealmProcess(folder, name)
    data = [sys.executable, "-m", "realm", "demo-data", "--name", realm.name, "--data", str(realm.data)]
    subprocess.run(data, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return realm.start()


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bagan-screens-") as made:
        folder = Path(made)
        realm, pusat = _start(folder, "kampus"), _start(folder, "pusat")
        web = WebProcess(folder, f"127.0.0.1:{realm.door}")
        browser = BrowserThread()
        seated: list[Person] = []

        def seat(name: str, **options: object) -> Person:
            seated.append(Person(browser, name, **options))  # type: ignore[arg-type]
            return seated[-1]

        try:
            _draw_files(folder)
            asyncio.run(_talk(realm.door, folder))
            web.start()
            for pictures in (_wide, _dark, _phone):
                pictures(seat, web.url)
            _elsewhere(seat, web.url, realm, pusat, folder)
        finally:
            for person in seated:
                person.close()
            browser.close()
            web.kill()
            for one in (realm, pusat):
                if one.running:
                    one.kill()


if __name__ == "__main__":
    main()
