"""Invitations: the operator's command beside a running realm, and who comes with what it writes."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import forking
from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, PersonFor, people_of
from tests.wire.player import Stage, play

BY_INVITE = 'registration = "invite"\n'
MISSING = "this realm takes new users by invite only: ask its operator for one"
WRONG = "this invite is not this realm's, or not copied whole: ask the realm's operator for a new one"
USED = "this invite has been used: log in if it was you, or ask the realm's operator for a new one"


def says(data: Path, *options: str) -> tuple[int, list[str], str]:
    """Exit code, lines of stdout and stderr of `invite-user`."""
    code, told, errors = forking.run("realm", ["invite-user", "--data", str(data), *options])
    return code, told.decode().splitlines(), errors.decode()


def invited(realm: RealmProcess, *options: str) -> tuple[str, str]:
    """A link to the realm, and what is said of it."""
    where = ("--config", str(realm.config), "--host", f"127.0.0.1:{realm.door}")
    code, told, errors = says(realm.data, *where, *options)
    assert (code, errors) == (0, "")
    link, about = told
    return link, about


def query(link: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query, strict_parsing=True).items()}


def token(realm: RealmProcess) -> str:
    return query(invited(realm)[0])["invite"]


@pytest.fixture
def club(start_realm: StartRealm) -> RealmProcess:
    """A realm that takes new users by invite."""
    return start_realm(config=BY_INVITE)


@pytest.fixture
def person(tmp_path: Path, club: RealmProcess) -> Iterator[PersonFor]:
    """`person("messi")`: a client with a folder of its own, for the realm of the test."""
    with people_of(tmp_path, club) as make:
        yield make


def test_each_invite_lets_in_one(club: RealmProcess) -> None:
    """Where registration is by invite, and it is missing, wrong or used, `register` is `forbidden`."""
    one, other = token(club), token(club)
    dialogue = f"""
        messi: register messi surabaya Argentina Lionel Messi
        messi gets: ERROR forbidden {MISSING}
        messi: register invite=nonsense messi surabaya Argentina Lionel Messi
        messi gets: ERROR forbidden {WRONG}
        messi: register invite=$one messi surabaya Argentina Lionel Messi
        messi gets: tokenId
        henderson: register invite=$one henderson surabaya Inggris Jordan Henderson
        henderson gets: ERROR forbidden {USED}
        kill realm
        start realm
        henderson: register invite=$one henderson surabaya Inggris Jordan Henderson
        henderson gets: ERROR forbidden {USED}
        henderson: register invite=$other messi surabaya Inggris Jordan Henderson
        henderson gets: ERROR user_exists User sudah ada
        henderson: register invite=$other henderson surabaya Inggris Jordan Henderson
        henderson: send messi halo
        messi: auth messi surabaya
        messi: inbox
        messi gets messages:
            1 henderson: halo
    """
    play(club, dialogue, one=one, other=other)


def test_of_many_that_come_with_one_invite_one_is_let_in(club: RealmProcess) -> None:
    with Stage(club) as stage:
        stage.values["one"] = token(club)
        actor = stage.actor("crowd")
        answers = actor.ask(
            [
                {
                    "cmd": "register",
                    "username": f"user{number}",
                    "password": "surabaya",
                    "country": "X",
                    "name": "Y",
                    "invite": stage.values["one"],
                }
                for number in range(8)
            ]
        )
        assert len(answers) == 8
        assert sorted(answer.get("message", "") for answer in answers) == ["", *[USED] * 7]


def test_an_invite_of_another_realm(club: RealmProcess, start_realm: StartRealm) -> None:
    pusat = start_realm("pusat", config=BY_INVITE)
    dialogue = f"""
        messi: register invite=$one messi surabaya Argentina Lionel Messi
        messi gets: ERROR forbidden {WRONG}
    """
    play(club, dialogue, one=token(pusat))


def test_the_link_has_the_realm_its_key_and_an_invite_that_holds_for_a_week(club: RealmProcess) -> None:
    link, about = invited(club)
    with Stage(club) as stage:
        stage.actor("messi")
        key = stage.cards[club.name]["key"]
    told = query(link)
    assert re.fullmatch(r"[\w-]{1,128}", told.pop("invite"))
    assert told == {"realm": f"127.0.0.1:{club.door}", "key": key}
    assert link.startswith("http://localhost:8550/?")
    assert re.fullmatch(r"it lets one person register, once, until \d{4}-\d\d-\d\d \d\d:\d\d UTC", about)
    assert invited(club)[0] != link
    assert invited(club, "--web", "https://chat.id")[0].startswith("https://chat.id/?")
    assert invited(club, "--days", "30")[1] != about


@pytest.mark.parametrize(
    ("config", "said"), [("", "as by the realm that runs everybody may"), ('registration = "closed"\n', "nobody may")]
)
def test_there_is_no_invite_where_none_is_needed_or_none_helps(start_realm: StartRealm, config: str, said: str) -> None:
    link, about = invited(start_realm(config=config))
    assert query(link).keys() == {"realm", "key"}
    assert said in about


def test_a_folder_that_has_no_key_yet(tmp_path: Path) -> None:
    code, told, errors = says(tmp_path / "data")
    assert (code, told) == (1, [])
    assert errors == f"no realm has run on the folder {tmp_path / 'data'} yet: run one there, or say another --data\n"
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    code, told, errors = says(tmp_path / ("x" * 300))
    assert (code, told) == (1, [])
    assert "cannot be read" in errors
    assert len(errors.splitlines()) == 1


def test_a_key_that_others_can_read_invites_nobody(club: RealmProcess) -> None:
    (club.data / "realm.key").chmod(0o644)
    code, told, errors = says(club.data, "--config", str(club.config))
    assert (code, told) == (1, [])
    assert "chmod 600" in errors


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (("--host", "somewhere"), "realm is HOST:PORT"),
        (("--host", "a:0"), "realm is HOST:PORT"),
        (("--web", "localhost"), "a web client's address"),
        (("--days", "0"), "--days"),
        (("--days", "366"), "--days"),
    ],
)
def test_options_that_cannot_be_meant(club: RealmProcess, options: tuple[str, str], about: str) -> None:
    code, told, errors = says(club.data, *options)
    assert (code, told) == (2, [])
    assert about in errors
    assert "Traceback" not in errors


# the command line


@pytest.mark.parametrize("option", ["--invite", "--realm"])
def test_a_link_at_the_command_line(person: PersonFor, club: RealmProcess, option: str) -> None:
    messi, henderson = person("messi"), person("henderson")
    for one in (messi, henderson):
        one.env["BAGAN_REALM"] = "127.0.0.1:1"
    link, _ = invited(club)
    words = REGISTER["messi"].split()
    assert messi.run("--realm", f"127.0.0.1:{club.door}", *words) == (1, [f"forbidden: {MISSING}"], "")
    assert len(messi.says(option, link, *words)) == 1
    assert henderson.run(option, link, *REGISTER["henderson"].split()) == (1, [f"forbidden: {USED}"], "")
    assert messi.says(option, link, "info") == ["messi"]


def test_a_link_for_lines_from_a_pipe(person: PersonFor, club: RealmProcess) -> None:
    link, _ = invited(club)
    lines = [REGISTER["messi"], "send messi halo"]
    code, told, errors = person("messi").run("--invite", link, stdin="\n".join(lines))
    assert (code, errors) == (0, "")
    assert "Message sent" in told


def test_the_key_of_a_link_is_the_one_that_counts(
    person: PersonFor, club: RealmProcess, start_realm: StartRealm
) -> None:
    """Who answers at the address instead of the realm is not told the invite, nor the password."""
    other = query(invited(start_realm("pusat", config=BY_INVITE))[0])
    link, _ = invited(club)
    false = link.replace(f":{club.door}", ":" + other["realm"].partition(":")[2])
    assert false != link
    messi = person("messi")
    code, told, errors = messi.run("--invite", false, *REGISTER["messi"].split())
    assert (code, told) == (1, [])
    assert "not the one that was given: nothing was sent to it" in errors
    assert len(errors.splitlines()) == 1
    assert len(messi.says("--invite", link, *REGISTER["messi"].split())) == 1


@pytest.mark.parametrize(
    ("option", "link", "sentence"),
    [
        ("--invite", "nonsense", "this is no invitation, which has ?realm=HOST:PORT in it"),
        ("--invite", "127.0.0.1:8889", "this is no invitation, which has ?realm=HOST:PORT in it"),
        ("--realm", "http://localhost:8550", "this is no invitation, which has ?realm=HOST:PORT in it"),
        ("--invite", "?realm=a:1&key=short", "an invitation's key is 40 characters of Z85"),
    ],
)
def test_a_link_that_is_none(person: PersonFor, option: str, link: str, sentence: str) -> None:
    again = "ask for the link again, and copy the whole of it"
    assert person("messi").run(option, link, "info") == (2, [], f"{sentence}: {again}\n")


def test_a_new_realm_says_how_to_let_in_the_first(tmp_path: Path, club: RealmProcess) -> None:
    assert club.stop() == 0
    club.start()
    process = club.process
    assert process is not None
    assert process.stdout is not None
    line = process.stdout.readline()
    assert f"`python -m realm invite-user --host 127.0.0.1:{club.door} …` writes a link to register with" in line
