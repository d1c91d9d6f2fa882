"""`python -m client` as people and scripts use it: one-liners and pipes."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, Person, PersonFor, people_of

TOKEN = r"[\w-]{32,128}"


@pytest.fixture
def person(tmp_path: Path, realm: RealmProcess) -> Iterator[PersonFor]:
    """`person("messi")`: a client with a folder of its own, for the realm of the test."""
    with people_of(tmp_path, realm) as make:
        yield make


def test_one_liners_speak_the_contract_letter_for_letter(person: PersonFor) -> None:
    messi, henderson = person("messi"), person("henderson")
    assert re.fullmatch(TOKEN, messi.says(*REGISTER["messi"].split())[0])
    henderson.says(*REGISTER["henderson"].split())
    for words, text in [
        ("register messi surabaya Argentina Leo", "User sudah ada"),
        ("auth nobody surabaya", "User tidak ada"),
        ("auth messi salahsalah", "Password salah"),
        ("send nobody halo", "User tidak ada"),
    ]:
        assert messi.run(*words.split()) == (1, [text], "")
    assert messi.says("send", "henderson", "halo,", "selamat malam") == ["Message sent"]
    assert messi.says("info") == ["henderson", "messi"]
    assert re.fullmatch(r"#1 \d\d:\d\d messi: halo, selamat malam", henderson.says("inbox")[0])
    assert henderson.says("inbox") == ["(nothing new)"]
    assert henderson.says("read", "messi", "1") == ["OK"]
    assert "messi: halo, selamat malam" in messi.says("history", "henderson")[0]
    assert messi.says("logout") == ["Logout berhasil"]
    for words in ("inbox", "logout", "history henderson", "resume", "addgroup new"):
        assert messi.run(*words.split()) == (1, ["Session tidak ditemukan"], "")


def test_a_pipe_gets_its_answers_in_order(person: PersonFor) -> None:
    messi = person("messi")
    lines = [REGISTER["messi"], "", "send messi  two  spaces", "nonsense", "users", "logout", "inbox", "info"]
    code, told, errors = messi.run(stdin="\n".join(lines))
    assert code == 2
    assert errors == "there is no command 'nonsense': help lists them all\n"
    token, sent, *rest = [line for line in told if not line.startswith("»")]
    assert re.fullmatch(TOKEN, token)
    assert sent == "Message sent"
    assert rest == [
        "messi        Lionel Messi, Argentina (active)",
        "Logout berhasil",
        "Session tidak ditemukan",
        "Tidak ada user yang aktif",
    ]
    assert not (messi.home / "session-kampus.json").exists()


def test_lines_that_are_no_text_or_too_long_are_passed_over(person: PersonFor) -> None:
    code, told, errors = person("messi").run(stdin=b"info \xff\n" + b"x" * 1_200_000 + b"\ninfo")
    assert (code, told) == (2, ["Tidak ada user yang aktif"])
    assert errors.splitlines() == ["this line is not UTF-8", "a line is at most 1,000,000 bytes"]


def test_json_is_an_object_a_line(person: PersonFor) -> None:
    messi = person("messi")
    lines = [REGISTER["messi"], "nonsense", "send messi h\u00e4lo \x9b2J", "logout", "inbox"]
    code, told, errors = messi.run("--json", stdin="\n".join(lines))
    objects: list[dict[str, Any]] = [json.loads(line) for line in told]
    answers = [answer for answer in objects if "status" in answer]
    events = [event["event"] for event in objects if "event" in event]
    assert (code, errors) == (2, "")
    assert [(answer["cmd"], answer["status"]) for answer in answers] == [
        ("register", "OK"), ("nonsense", "ERROR"), ("send", "OK"), ("logout", "OK"), ("inbox", "ERROR"),
    ]  # fmt: skip
    assert answers[0]["user"] == "messi@kampus"
    assert answers[1]["code"] == "usage"
    assert answers[4]["message"] == "Session tidak ditemukan"
    assert events[0] == "welcome"
    assert not any("\x9b" in line for line in told)


def test_pushes_are_shown_as_they_come_and_cannot_harm(person: PersonFor) -> None:
    messi, henderson = person("messi"), person("henderson")
    hearing = henderson.stays("--listen", *REGISTER["henderson"].split())
    assert re.fullmatch(TOKEN, hearing.hears(TOKEN))
    messi.says(*REGISTER["messi"].split())
    messi.says("send", "henderson", "halo\n#9 09:09 lineker: \x1b[31mpalsu")
    assert re.fullmatch(r"» #1 \d\d:\d\d messi: halo", hearing.hears("halo"))
    assert hearing.hears("palsu") == r"    #9 09:09 lineker: \x1b[31mpalsu"
    assert hearing.ends(signal.SIGINT) == (130, "")


def test_a_listener_hears_again_after_the_realm_was_killed(person: PersonFor, realm: RealmProcess) -> None:
    messi, henderson = person("messi"), person("henderson")
    messi.says(*REGISTER["messi"].split())
    henderson.says(*REGISTER["henderson"].split())
    hearing = henderson.stays("--json", "--listen")
    hearing.hears("welcome")
    realm.kill()
    realm.start()
    hearing.hears("welcome")
    messi.says("send", "henderson", "masih di sana?")
    assert json.loads(hearing.hears('"entry"'))["entry"]["message"] == "masih di sana?"


def test_listening_ends_with_its_time_and_needs_a_session(person: PersonFor) -> None:
    messi = person("messi")
    assert messi.run("--listen-for", "0.1") == (1, ["Session tidak ditemukan"], "")
    messi.says(*REGISTER["messi"].split())
    assert messi.run("--listen-for", "0.1") == (0, [], "")


def test_a_listener_that_nobody_reads_ends(person: PersonFor) -> None:
    messi, henderson = person("messi"), person("henderson")
    hearing = messi.stays("--listen", *REGISTER["messi"].split())
    hearing.hears(TOKEN)
    henderson.says(*REGISTER["henderson"].split())
    assert hearing.process.stdout is not None
    hearing.process.stdout.close()
    henderson.says("send", "messi", "halo")
    assert hearing.process.wait(timeout=60) == 1
    assert hearing.process.stderr is not None
    assert hearing.process.stderr.read() == ""


def test_two_people_of_one_folder_do_not_forget_each_others_session(person: PersonFor) -> None:
    messi = person("messi")
    hearing = messi.stays("--listen", *REGISTER["messi"].split())
    hearing.hears(TOKEN)
    token = messi.says("auth", "messi", "surabaya")[0]
    hearing.ends(signal.SIGINT)
    assert messi.says("resume") == [token]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("sned henderson halo", "there is no command 'sned': help lists them all"),
        ("send henderson", "send needs message (usage: send username message…)"),
        ("--realm a:b info", "an address is HOST:PORT, with a port of 1 to 65535, not 'a:b'"),
    ],
)
def test_a_wrong_line_says_how_it_is_written_without_any_realm(tmp_path: Path, words: str, sentence: str) -> None:
    nobody = Person(tmp_path, None)
    assert nobody.run(*words.split()) == (2, [], f"{sentence}\n")
    code, told, _ = nobody.run("--json", *words.split())
    assert (code, json.loads(told[0])["message"]) == (2, sentence)


def test_help_needs_no_realm(tmp_path: Path) -> None:
    nobody = Person(tmp_path, None)
    assert any(line.startswith("  send username message…") for line in nobody.says("help"))
    assert any("--listen-for" in line for line in nobody.says("--help"))


def test_a_wrong_address_is_told_at_once(person: PersonFor, realm: RealmProcess) -> None:
    messi = person("messi")
    commands = f"127.0.0.1:{realm.commands}"
    realm.stop()
    code, told, errors = messi.run("--realm", commands, "info")
    assert (code, told) == (1, [])
    assert errors == f"bagan: nothing answers at {commands}: connection refused\n"
    code, told, _ = messi.run("--json", "--realm", commands, "info")
    assert (code, json.loads(told[0])["code"]) == (1, "unreachable")


def test_a_realm_with_another_key_is_refused_until_a_person_vouches_for_it(
    person: PersonFor, start_realm: StartRealm, tmp_path: Path, realm: RealmProcess
) -> None:
    messi = person("messi")
    messi.says(*REGISTER["messi"].split())
    realm.stop()
    (tmp_path / "elsewhere").mkdir()
    false = RealmProcess(tmp_path / "elsewhere", "kampus")
    false.door = realm.door
    try:
        false.start()
        code, told, errors = messi.run("inbox")
        assert (code, told) == (1, [])
        assert f"the realm 'kampus' at 127.0.0.1:{realm.door} shows another key than before" in errors
        assert len(errors.splitlines()) == 1
        key = re.search(r"--key '(\S{40})'", errors)
        assert key is not None
        assert messi.run("--key", key[1], "inbox") == (1, ["Session tidak ditemukan"], "")
        assert messi.run("info") == (1, ["Tidak ada user yang aktif"], "")
        assert messi.run("--key", "0" * 40, "info")[0] == 1
    finally:
        false.kill()
