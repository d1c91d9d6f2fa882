"""Two realms, `kampus` and `pusat`, each with the three of the contract, and one web client for all of them."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.conftest import EN, Campus, Script, Speech, log_in
from tests.browser.person import Person
from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.wire.player import Stage


@dataclass(frozen=True)
class Away:
    """What is written on things of other realms, in one language."""

    home: str
    realms: str
    add: str
    realm: str
    address: str
    port: str
    answers: str
    unreachable: str
    person: str
    group: str
    open: str
    queued: str
    delivered: str
    bounced: str
    retry: str


AWAY = {
    "en-GB": Away(
        home="Other Realms", realms="Realms", add="Add realm",
        realm="Realm", address="Address", port="Port", answers="answers",
        unreachable=r"unreachable since \d\d:\d\d", person="Username", group="Group",
        open="Write", queued="queued for pusat", delivered="delivered",
        bounced="not delivered: User tidak ada", retry="Try again",
    ),
    "id-ID": Away(
        home="Realm Lain", realms="Realm", add="Tambah realm",
        realm="Realm", address="Alamat", port="Porta", answers="menjawab",
        unreachable=r"tidak terjangkau sejak \d\d:\d\d", person="Nama pengguna", group="Grup",
        open="Tulis", queued="mengantre untuk pusat", delivered="terkirim",
        bounced="tidak sampai: User tidak ada", retry="Coba lagi",
    ),
}  # fmt: skip


@dataclass
class Pair:
    """Both realms. Who is seated at `kampus` is at home there."""

    campus: Campus
    pusat: RealmProcess

    def home(self, name: str, speech: Speech = EN, **options: Any) -> Person:
        """One of the three of kampus, logged in."""
        return self.campus.home(name, speech, **options)

    def home_at_pusat(self, name: str) -> Person:
        """One of the three of pusat, in a tab in which they have logged in some time before."""
        one = self.campus.returns(f"{name}-at-pusat", name, self.pusat)
        one.sees_soon(f"{name}@pusat")
        return one

    def comes_to_pusat(self, name: str) -> Person:
        """One of the three of pusat, who has named it on the login page."""
        one = self.campus.visitor(f"{name}-at-pusat")
        one.type("Realm", f"127.0.0.1:{self.pusat.door}")
        log_in(one, name)
        one.sees_soon(f"{name}@pusat")
        return one

    def script_at_pusat(self, name: str, begin: str = "") -> Script:
        """One of the three of pusat, who writes by a program; or somebody new, who registers by `begin`."""
        return self.campus.scripts.enter_context(Script(self.pusat, name, begin))

    def meet(self) -> None:
        """Make the realms known to each other."""
        self.campus.script("lineker").ask(f"addrealm pusat 127.0.0.1 {self.pusat.door}")


def go_to_pusat(one: Person, speech: Speech = EN) -> None:
    """Go to what is about pusat: on a wide screen from anywhere, on a phone from where the bar below is."""
    one.press(AWAY[speech.locale].realms)
    one.press(re.compile("^pusat, "))
    one.sees_soon(AWAY[speech.locale].person)


def write_to(one: Person, name: str, speech: Speech = EN, *, group: bool = False) -> None:
    """From what is about pusat, open the room with somebody there, or with a group."""
    names = AWAY[speech.locale]
    one.type(names.group if group else names.person, name)
    one.key("Enter")
    one.sees_soon(speech.write)


@pytest.fixture
def strangers(campus: Campus, start_realm: StartRealm) -> Pair:
    """The two, which do not know each other yet."""
    pusat = start_realm("pusat")
    with Stage(pusat) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
            lineker: register lineker surabaya Inggris Gary Lineker
            henderson: addgroup new
            lineker: joingroup new
            messi: logout
            henderson: logout
            lineker: logout
        """)
    return Pair(campus, pusat)


@pytest.fixture
def pair(strangers: Pair) -> Pair:
    """The two, which know each other."""
    strangers.meet()
    return strangers
