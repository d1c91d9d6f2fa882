"""Files on their way to another realm, through kills, cuts and restores: they arrive whole, once, in one go."""

import hashlib
import os
import shutil
from collections.abc import Callable

import pytest

from tests.faults.realm_flows import EAR, Map, history
from tests.faults.realm_kit import World, three
from tests.wire.player_actor import Actor
from tests.wire.stranger import new_ulid

__all__ = ["three"]

MIB = 1 << 20
SIZE = 20 * MIB
CHUNK = 256 * 1024
PACE = 6 * MIB
"""Bytes a second, so that there is time to do something in the middle."""
AGAIN = 6 * MIB
"""What may be sent twice after each interruption: the chunks that were on their way, and what goes with them."""
COUNT = 90


class Given:
    """A file that somebody at kampus has uploaded, and sends to pusat."""

    def __init__(self, three: World, size: int = SIZE) -> None:
        self.three = three
        self.content = os.urandom(size)
        self.digest = hashlib.sha256(self.content).digest()
        self.actor = three.person("kampus", "giver")
        opened = self._ask(cmd="upload", digest=self.digest, size=size, name="large.bin")
        for offset in range(0, size, CHUNK):
            part = self.content[offset : offset + CHUNK]
            taken = self._ask(cmd="chunk", upload=opened["upload"], offset=offset, bytes=part)
        self.file = taken["file"]
        self.command = {"cmd": "sendfilerealm", "realm": "pusat", "to": EAR, "file": self.file}
        self.command["entry"] = new_ulid()

        three.said_beside.add(("pusat", "kampus", self.command["entry"]))

    @property
    def conversation(self) -> str:
        return f"private/{EAR}@pusat,giver@kampus"

    def send(self) -> Map:
        return self._ask(**self.command)

    def held(self) -> int:
        """How many bytes pusat has."""
        return sum(path.stat().st_size for path in (self.three.pusat.data / "uploads").glob("*"))

    def await_held(self, size: int) -> None:
        self.three.run(lambda: self.held() >= size, f"pusat has {size:,} bytes")

    def check(self, times: int = 1) -> None:
        """It is there, whole, so often, and nothing is left of its way."""
        entries = history(self.three.ears["pusat"], self.conversation)
        assert [entry["kind"] for entry in entries] == ["file"] * times
        for entry in entries:
            assert (entry["file"]["name"], entry["file"]["digest"]) == ("large.bin", self.digest)
            came = download(self.three.ears["pusat"], entry["file"])
            assert hashlib.sha256(came).digest() == self.digest
        own = history(self.actor, self.conversation)
        assert [entry.get("queued", False) for entry in own] == [False] * times
        assert not self.held()
        assert not list((self.three.pusat.data / "uploads").glob("*"))

    def _ask(self, **command: object) -> Map:
        [answer] = self.actor.ask([command])
        assert answer["status"] == "OK", answer
        return answer


def download(actor: Actor, file: Map) -> bytes:
    came = b""
    while len(came) < file["size"]:
        [answer] = actor.ask([{"cmd": "download", "file": file["id"], "offset": len(came), "size": CHUNK}])
        assert answer["status"] == "OK", answer
        came += answer["bytes"]
    return came


def go_on_after(three: World, given: Given, interrupt: Callable[[], None]) -> None:
    """Send a file over a slow line, interrupt it after a quarter and after a half; texts go on beside it."""
    for proxy in three.proxies:
        proxy.slow(PACE)
    before = three.to_pusat.carried
    beside = three.flow("kampus", "pusat", COUNT)
    assert given.send()["queued"]
    three.run_until_answered()
    for part in (SIZE // 4, SIZE // 2):
        given.await_held(part)
        interrupt()
        beside.more(COUNT)
        for proxy in three.proxies:
            proxy.slow(PACE)
    three.run_until_answered()
    three.settle()
    three.check()
    given.check()
    assert three.to_pusat.carried - before < SIZE + 2 * AGAIN, "what was held is sent again"


@pytest.mark.parametrize("killed", [("pusat",), ("kampus",), ("kampus", "pusat")], ids=" and ".join)
def test_killed_in_the_middle(three: World, killed: tuple[str, ...]) -> None:
    def kill() -> None:
        three.kill(*killed)
        three.start(*killed)

    go_on_after(three, Given(three), kill)


@pytest.mark.thorough
def test_cut_in_the_middle(three: World) -> None:
    def cut() -> None:
        for proxy in three.proxies:
            proxy.cut()
        three.run(lambda: three.is_down("kampus", "pusat"), "kampus notices")
        for proxy in three.proxies:
            proxy.heal()

    go_on_after(three, Given(three), cut)


def test_lost_with_a_restore(three: World) -> None:
    """The peer is put back from before: the file is brought again, and what it was said with."""
    three.flow("kampus", "pusat", COUNT)
    given = Given(three, 3 * MIB)
    three.settle()
    three.stop("pusat")
    backup = three.pusat.data.with_suffix(".backup")
    shutil.copytree(three.pusat.data, backup)
    three.start("pusat")
    given.send()
    three.flows[0].more(COUNT)
    three.settle()
    given.check()
    three.stop("pusat")
    shutil.rmtree(three.pusat.data)
    backup.rename(three.pusat.data)
    three.start("pusat")
    three.flows[0].more(COUNT)
    three.run(lambda: bool(three.logged("kampus", "restore noticed")), "kampus notices")
    three.run(lambda: bool(history(three.ears["pusat"], given.conversation)), "the file is there again")
    three.settle()
    three.check()
    given.check()
