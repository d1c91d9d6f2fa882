"""Two live realms: walk-through 6 of the contract, and what it promises of other realms."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import StartRealm
from tests.wire.player import Stage

Join = Callable[..., Stage]


@pytest.fixture
def join(start_realm: StartRealm) -> Iterator[Join]:
    """Realms by these names, each with messi, henderson and lineker; `link` makes the later ones known to the first."""
    with ExitStack() as stages:

        def start(*names: str, link: bool = True, **configs: str) -> Stage:
            names = names or ("kampus", "pusat")
            realms = [start_realm(name, configs.get(name, "")) for name in names]
            stage = stages.enter_context(Stage(*realms))
            for number, realm in enumerate(realms):
                at = f"@{realm.name}" if number else ""
                stage.values[f"{realm.name}_door"] = realm.door
                for user in ("messi", "henderson", "lineker"):
                    stage.play(f"{user}{at}: register {user} surabaya Inggris {user.title()}")
                stage.play(f"messi{at}: addgroup new\nlineker{at}: joingroup new")
                if number and link:
                    stage.play(f"messi: addrealm {realm.name} 127.0.0.1 {realm.door}\nmessi gets: Realm added")
            return stage

        yield start


def test_walk_through_six(join: Join) -> None:
    """ "The realms known here and whether each answers now; adding one; private and group messages and files to
    another realm; what came from each realm. A message from elsewhere always shows from which realm it came." """
    stage = join(link=False)
    stage.play("""
        messi: realms
        messi gets realms:
        messi: sendprivaterealm pusat henderson halo
        messi gets: ERROR realm_not_found Realm tidak ditemukan
        messi: addrealm pusat 127.0.0.1 $pusat_door
        messi gets: Realm added
        messi: addrealm pusat 127.0.0.1 $pusat_door
        messi gets: ERROR realm_exists Realm sudah ada
        messi: addrealm kampus 127.0.0.1 $pusat_door
        messi gets: ERROR realm_exists Realm sudah ada
        messi: realms
        messi gets realms (realm, address, queued):
            pusat, 127.0.0.1, 0
        messi@pusat: realms
        messi@pusat gets realms (realm, address, queued):
            kampus, 127.0.0.1, 0

        messi: sendprivaterealm pusat henderson halo dari kampus
        messi gets: Message sent
        henderson@pusat hears: halo dari kampus
        henderson@pusat: send messi@kampus halo juga
        henderson@pusat gets: Message sent
        messi hears: halo juga
        messi: send henderson@pusat dan lagi
        messi gets: queued=false conversation=private/henderson@pusat,messi@kampus seq=3
        henderson@pusat hears: dan lagi
        henderson@pusat: history private/henderson@pusat,messi@kampus
        henderson@pusat gets entries (from, message):
            messi@kampus, halo dari kampus
            henderson@pusat, halo juga
            messi@kampus, dan lagi

        messi: sendgrouprealm pusat new halo grup
        messi gets: conversation=sent/messi@kampus,new@pusat
        messi@pusat hears: halo grup
        lineker@pusat hears: halo grup

        messi: sendprivaterealm pusat nobody halo
        messi gets: ERROR user_not_found User tidak ada
        messi: sendgrouprealm pusat nothing halo
        messi gets: ERROR group_not_found Group tidak ditemukan
        messi: sendprivaterealm nowhere henderson halo
        messi gets: ERROR realm_not_found Realm tidak ditemukan
        messi: sendprivaterealm kampus henderson halo
        messi gets: ERROR realm_not_found Realm tidak ditemukan
        messi: send henderson@kampus halo
        henderson hears: halo

        henderson@pusat: getrealminbox kampus
        henderson@pusat gets messages:
            1 messi@kampus: halo dari kampus
            3 messi@kampus: dan lagi
        henderson@pusat: getrealminbox kampus
        henderson@pusat gets messages:
        lineker@pusat: getrealminbox kampus
        lineker@pusat gets messages:
            1 messi@kampus: halo grup
        henderson@pusat: inbox
        henderson@pusat gets messages:
            1 messi@kampus: halo dari kampus
            3 messi@kampus: dan lagi
        lineker@pusat: getrealminbox nowhere
        lineker@pusat gets: ERROR realm_not_found Realm tidak ditemukan
    """)
