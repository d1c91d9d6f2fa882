"""People of two realms at their command lines: messi of `kampus`, bob of `pusat`."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, Person, Terminal, people_of

BOB = "register bob surabaya Indonesia Bob"
CLOCK = r"\d\d:\d\d"
WAITS = "(queued: the message waits for pusat)"


class Pair(NamedTuple):
    """Two realms that know each other, and somebody in each."""

    kampus: RealmProcess
    pusat: RealmProcess
    messi: Person
    bob: Person
    laptop: Person
    """Messi's other device: what is said on one of them is pushed to the other."""


@pytest.fixture
def strangers(tmp_path: Path, start_realm: StartRealm) -> Iterator[Pair]:
    """Two realms that do not know each other yet."""
    kampus, pusat = start_realm("kampus"), start_realm("pusat")
    with people_of(tmp_path, kampus) as here, people_of(tmp_path, pusat) as there:
        messi, bob, laptop = here("messi"), there("bob"), here("laptop")
        messi.says(*REGISTER["messi"].split())
        bob.says(*BOB.split())
        laptop.says("auth", "messi", "surabaya")
        yield Pair(kampus, pusat, messi, bob, laptop)


@pytest.fixture
def pair(strangers: Pair) -> Pair:
    assert strangers.messi.says("addrealm", "pusat", "127.0.0.1", str(strangers.pusat.door)) == ["Realm added"]
    strangers.messi.sees("realms", pattern="answers now")
    strangers.bob.sees("realms", pattern="answers now")
    return strangers


def stop_and_notice(pair: Pair) -> None:
    """Bob's realm is stopped, and messi's has noticed it."""
    pair.pusat.stop()
    pair.messi.sees("realms", pattern=rf"^pusat +127\.0\.0\.1:{pair.pusat.door} unreachable since {CLOCK}")


def test_realms_come_to_know_each_other_in_both_directions(strangers: Pair) -> None:
    kampus, pusat, messi, bob, _ = strangers
    assert messi.says("realms") == ["(no other realms)"]
    for words, text in [
        ("sendprivaterealm pusat bob halo", "Realm tidak ditemukan"),
        ("send bob@pusat halo", "Realm tidak ditemukan"),
        ("sendgrouprealm pusat new halo", "Realm tidak ditemukan"),
        ("getrealminbox pusat", "Realm tidak ditemukan"),
        (f"addrealm kampus 127.0.0.1 {kampus.door}", "Realm sudah ada"),
        (f"addrealm utara 127.0.0.1 {pusat.door}", "Realm Unreachable"),
        (f"addrealm pusat 127.0.0.1 {pusat.door} {'0' * 40}", "Realm Unreachable"),
        (f"addrealm pusat 127.0.0.1 {pusat.commands}", "Realm Unreachable"),
    ]:
        assert messi.run(*words.split()) == (1, [text], ""), words
    add = ("addrealm", "Pusat", "127.0.0.1", str(pusat.door))
    assert messi.says(*add) == ["Realm added"]
    assert messi.run(*add) == (1, ["Realm sudah ada"], "")
    assert bob.run("addrealm", "kampus", "127.0.0.1", str(kampus.door)) == (1, ["Realm sudah ada"], "")
    messi.sees("realms", pattern=rf"^pusat +127\.0\.0\.1:{pusat.door} answers now$")
    bob.sees("realms", pattern=rf"^kampus +127\.0\.0\.1:{kampus.door} answers now$")
    messi.says("logout")
    for words in ("realms", "sendprivaterealm pusat bob halo", "getrealminbox pusat", " ".join(add)):
        assert messi.run(*words.split()) == (1, ["Session tidak ditemukan"], "")


def test_messages_go_both_ways_and_always_show_their_realm(pair: Pair) -> None:
    _, _, messi, bob, _ = pair
    hearing = bob.stays("--listen", "resume")
    hearing.hears(r"^[\w-]{32,}$")
    assert messi.says("send", "bob@pusat", "halo, selamat malam") == ["Message sent"]
    assert re.fullmatch(rf"» #1 {CLOCK} messi@kampus: halo, selamat malam", hearing.hears("halo"))
    assert messi.says("sendprivaterealm", "pusat", "bob", "apa kabar?") == ["Message sent"]
    assert bob.says("sendprivaterealm", "Kampus", "Messi", "baik") == ["Message sent"]
    assert [line[-4:] for line in messi.says("inbox")] == ["baik"]
    said = ["messi: halo, selamat malam", "messi: apa kabar?", "bob@pusat: baik"]
    told = messi.says("history", "bob@pusat")
    assert [re.sub(rf"^#\d {CLOCK} ", "", line) for line in told] == said
    assert messi.run("send", "nobody@pusat", "halo") == (1, ["User tidak ada"], "")
    assert messi.run("sendprivaterealm", "pusat", "nobody", "halo") == (1, ["User tidak ada"], "")
    assert messi.says("history", "nobody@pusat") == ["(nothing said yet)"]


def test_a_group_of_another_realm(pair: Pair) -> None:
    _, _, messi, bob, _ = pair
    bob.says("addgroup", "kelompok-Bagan")
    assert messi.says("sendgrouprealm", "pusat", "kelompok-Bagan", "halo semua") == ["Message sent"]
    assert re.fullmatch(rf"#1 {CLOCK} \[group kelompok-bagan\] messi@kampus: halo semua", bob.says("inbox")[0])
    (line,) = messi.says("history", "group/kelompok-bagan@pusat")
    assert re.fullmatch(rf"#1 {CLOCK} \[group kelompok-bagan@pusat\] messi: halo semua", line)
    assert any(line.startswith("group kelompok-bagan@pusat: ") for line in messi.says("conversations"))
    assert messi.run("sendgrouprealm", "pusat", "nothing", "halo") == (1, ["Group tidak ditemukan"], "")


def test_files_go_to_another_realm_and_back(pair: Pair, tmp_path: Path) -> None:
    _, _, messi, bob, _ = pair
    bob.says("addgroup", "new")
    content = random.Random(1).randbytes(700_001)
    (tmp_path / "foto.jpg").write_bytes(content)
    for number, words in enumerate(
        [("sendfilerealm", "pusat", "bob"), ("sendfile", "bob@pusat"), ("sendgroupfilerealm", "pusat", "new")]
    ):
        text, *hint = messi.says(*words, str(tmp_path / "foto.jpg"))
        assert text == "File sent"
        assert hint in ([], ["(queued: the file waits for pusat)"])
        file = re.search(r"messi@kampus: file foto\.jpg, 700 kB \(save (\S+)\)$", bob.sees("inbox", pattern="foto"))
        assert file is not None
        bob.says("save", file[1], str(tmp_path / f"saved-{number}"))
        assert (tmp_path / f"saved-{number}").read_bytes() == content
    missing = str(tmp_path / "none.jpg")
    assert messi.run("sendfilerealm", "pusat", "bob", missing) == (1, ["File tidak ditemukan"], "")
    for words, refusal in [
        (("sendfilerealm", "utara", "bob"), "Realm tidak ditemukan"),
        (("sendfilerealm", "pusat", "nobody"), "User tidak ada"),
        (("sendgroupfilerealm", "pusat", "nothing"), "Group tidak ditemukan"),
    ]:
        assert messi.run(*words, str(tmp_path / "foto.jpg")) == (1, [refusal], "")


def test_what_waits_for_a_realm_says_so_until_it_is_delivered(pair: Pair) -> None:
    _, pusat, messi, bob, laptop = pair
    stop_and_notice(pair)
    hearing = laptop.stays("--json", "--listen", "resume")
    hearing.hears("welcome")
    assert messi.says("send", "bob@pusat", "masih di sana?") == ["Message sent", WAITS]
    assert re.fullmatch(rf"#1 {CLOCK} messi: masih di sana\? \(queued\)", messi.says("history", "bob@pusat")[0])
    messi.sees("realms", pattern=r"unreachable since .*, next try (now|in \d+ s), queued 1$")
    assert json.loads(hearing.hears('"entry"'))["entry"]["queued"] is True
    pusat.start()
    delivered = json.loads(hearing.hears("delivered"))
    assert delivered == {"event": "delivered", "conversation": "private/bob@pusat,messi@kampus", "seq": 1}
    assert re.fullmatch(rf"#1 {CLOCK} messi: masih di sana\?", messi.says("history", "bob@pusat")[0])
    assert re.fullmatch(rf"#1 {CLOCK} messi@kampus: masih di sana\?", bob.says("inbox")[0])
    assert bob.says("inbox") == ["(nothing new)"]


def test_at_a_prompt_it_is_told_that_something_was_delivered(pair: Pair) -> None:
    stop_and_notice(pair)
    prompt = Terminal(pair.messi.command(), pair.messi.env)
    try:
        prompt.shows("messi@kampus>")
        prompt.types("send bob@pusat halo\r")
        prompt.shows("Message sent")
        prompt.shows(WAITS)
        pair.pusat.start()
        prompt.shows("delivered #1 to bob@pusat")
        prompt.shows("messi@kampus>")  # drawn again, and read from again
        prompt.types("\x04")
        assert prompt.ends() == 0
    finally:
        prompt.close()


def test_a_pipe_is_not_told_of_it(pair: Pair) -> None:
    stop_and_notice(pair)
    hearing = pair.laptop.stays("--listen", "resume")
    hearing.hears(r"^[\w-]{32,}$")
    pair.messi.says("send", "bob@pusat", "halo")
    assert "halo (queued)" in hearing.hears("")
    pair.pusat.start()
    pair.bob.sees("inbox", pattern="halo")
    pair.bob.says("send", "messi@kampus", "halo juga")
    assert "halo juga" in hearing.hears("")


def test_what_another_realm_refuses_later_comes_back(pair: Pair) -> None:
    _, pusat, messi, _, laptop = pair
    stop_and_notice(pair)
    hearing = laptop.stays("--listen", "resume")
    hearing.hears(r"^[\w-]{32,}$")
    assert messi.says("send", "nobody@pusat", "halo nobody") == ["Message sent", WAITS]
    assert messi.says("sendgrouprealm", "pusat", "nothing", "halo semua") == ["Message sent", WAITS]
    pusat.start()
    bounces = sorted(hearing.hears("not delivered") for _ in range(2))
    assert re.fullmatch(
        rf"» #2 {CLOCK} \[group nothing@pusat\] nothing@pusat: "
        r"not delivered: Group tidak ditemukan \(your message #1: halo semua\)",
        bounces[0],
    )
    assert re.fullmatch(
        rf"» #2 {CLOCK} nobody@pusat: not delivered: User tidak ada \(your message #1: halo nobody\)", bounces[1]
    )
    told = messi.says("inbox")
    assert len(told) == 2
    assert all(re.search(r"not delivered: .* \(your message [0-9A-Z]{26}\)$", line) for line in told)
    mine, bounce = messi.says("history", "nobody@pusat")
    assert mine.endswith("messi: halo nobody")
    assert bounce.endswith("not delivered: User tidak ada (your message #1: halo nobody)")


def test_what_came_from_a_realm_comes_once_and_stays_in_the_inbox(pair: Pair) -> None:
    _, _, messi, bob, _ = pair
    bob.says("send", "messi@kampus", "satu")
    bob.says("send", "messi@kampus", "dua")
    messi.says("send", "messi", "catatan")
    told = [line.partition(" bob@pusat: ")[2] for line in messi.says("getrealminbox", "pusat")]
    assert told == ["satu", "dua"]
    assert messi.says("getrealminbox", "pusat") == ["(nothing new)"]
    assert [line[-4:] for line in messi.says("inbox")] == ["satu", " dua"]
