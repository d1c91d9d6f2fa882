"""Invites: who is let in, and that each lets in one. And the link that they come in."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType
from zmq.utils import z85

from realm import invites
from realm.inputs import JobDone, Tick
from realm.invites import Invite
from realm.settings import Settings
from realm.upkeep import INVITES_KEPT_MS
from schemas import commands
from schemas.codec import Malformed, decode_command, encode_command
from schemas.errors import Code, Refusal
from schemas.invites import Invitation, parse
from schemas.names import Name
from tests.rules.kit import INVITE_KEY, NOW, RealmKit, key_of, ok, request

DAY = 86_400_000
URL_SAFE = string.ascii_letters + string.digits + "-_"
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
MISSING = "this realm takes new users by invite only: ask its operator for one"
WRONG = "this invite is not this realm's, or not copied whole: ask the realm's operator for a new one"
EXPIRED = "this invite has expired: ask the realm's operator for a new one"
USED = "this invite has been used: log in if it was you, or ask the realm's operator for a new one"


def written(number: int = 1, expires: int = NOW + DAY, key: bytes = INVITE_KEY) -> str:
    return invites.write(key, Invite(bytes([number]) * invites.NONCE, expires))


def registers(name: str, invite: str | UnsetType = UNSET) -> commands.Register:
    return commands.Register(
        id=1, username=Name(name), password="surabaya", country="Inggris", name=name, invite=invite
    )


def says(answer: object) -> str:
    """The sentence of a `forbidden`."""
    assert isinstance(answer, Refusal), answer
    assert answer.code == Code.FORBIDDEN
    return answer.message


def refused_at_once(kit: RealmKit, command: commands.Register) -> str:
    """The sentence, which comes before any password is hashed: that is dear, and for nothing here."""
    (reply,) = kit.turn(request(key_of(command.username), command))
    assert kit.jobs == []
    return says(reply.answer)


def accounts(kit: RealmKit) -> list[str]:
    with kit.store.transaction() as tx:
        return [one.name for one in tx.accounts("", 100, "", 100)[0]]


@pytest.fixture
def club(tmp_path: Path) -> Iterator[RealmKit]:
    """A realm that takes new users by invite."""
    kit = RealmKit(tmp_path / "club", Settings(registration="invite"))
    yield kit
    kit.close()


# who is let in


def test_an_invite_lets_in_one(club: RealmKit) -> None:
    assert ok(club.ask(key_of("messi"), registers("messi", written(1)))).user == "messi@kampus"
    assert says(club.ask(key_of("henderson"), registers("henderson", written(1)))) == USED
    assert ok(club.ask(key_of("henderson"), registers("henderson", written(2)))).user == "henderson@kampus"
    assert accounts(club) == ["henderson", "messi"]


@pytest.mark.parametrize("invite", [UNSET, ""])
def test_without_an_invite(club: RealmKit, invite: str | UnsetType) -> None:
    assert refused_at_once(club, registers("messi", invite)) == MISSING
    assert accounts(club) == []


def test_an_invite_that_expires(club: RealmKit) -> None:
    club.now = NOW + DAY - 1
    ok(club.ask(key_of("messi"), registers("messi", written(1))))
    club.now = NOW + DAY
    assert says(club.ask(key_of("henderson"), registers("henderson", written(2)))) == EXPIRED
    assert accounts(club) == ["messi"]


def test_an_invite_that_expires_while_the_password_is_hashed(club: RealmKit) -> None:
    assert club.turn(request(key_of("messi"), registers("messi", written()))) == []
    club.now = NOW + DAY
    (reply,) = club.do_jobs()
    assert says(reply.answer) == EXPIRED
    assert accounts(club) == []


def test_two_that_come_with_one_invite_at_once(club: RealmKit) -> None:
    both = [request(key_of(name), registers(name, written())) for name in ("messi", "henderson")]
    assert club.turn(*both) == []
    done = [JobDone(job, club.do(job), 100) for job in club.jobs]
    first, second = (reply.answer for reply in club.turn(*done))
    ok(first)
    assert says(second) == USED
    assert accounts(club) == ["messi"]


def test_a_used_invite_stays_used_over_a_restart(club: RealmKit) -> None:
    ok(club.ask(key_of("messi"), registers("messi", written())))
    assert club.turn(request(key_of("henderson"), registers("henderson", written(2)))) == []
    late = JobDone(club.jobs[0], club.do(club.jobs.pop()), 100)
    club.restart()
    assert says(club.ask(key_of("lineker"), registers("lineker", written()))) == USED
    ok(club.ask(key_of("lineker"), registers("lineker", written(2))))
    club.turn(late)
    assert accounts(club) == ["lineker", "messi"]


def test_an_invite_is_used_with_the_account_or_not_at_all(club: RealmKit) -> None:
    """The process dies between deciding and committing."""
    club.turn(request(key_of("messi"), registers("messi", written())))
    done = JobDone(club.jobs[0], club.do(club.jobs.pop()), 100)
    with pytest.raises(ZeroDivisionError), club.store.transaction() as tx:
        club.core.decide(tx, club.now, [done])
        assert tx.is_invite_used(b"\1" * 16)
        raise ZeroDivisionError
    club.restart()
    assert accounts(club) == []
    ok(club.ask(key_of("messi"), registers("messi", written())))


def test_a_name_that_is_taken_uses_up_no_invite(club: RealmKit) -> None:
    both = [request(key, registers("messi", written(at))) for at, key in enumerate(("a" * 40, "b" * 40))]
    club.turn(*both)
    first, second = (reply.answer for reply in club.do_jobs())
    ok(first)
    assert isinstance(second, Refusal)
    assert second.code == Code.USER_EXISTS
    ok(club.ask("b" * 40, registers("henderson", written(1))))


def test_a_full_disk_uses_up_no_invite(club: RealmKit) -> None:
    club.turn(request(key_of("messi"), registers("messi", written())))
    done = JobDone(club.jobs[0], club.do(club.jobs.pop()), 100)
    with club.store.transaction(writable=False) as tx:
        decision = club.core.decide(tx, club.now, [done])
    assert Code.UNAVAILABLE in repr(decision.effects)
    ok(club.ask(key_of("messi"), registers("messi", written())))


def test_used_invites_are_forgotten_long_after_they_have_expired(club: RealmKit) -> None:
    ok(club.ask(key_of("messi"), registers("messi", written(1))))
    ok(club.ask(key_of("henderson"), registers("henderson", written(2, NOW + 2 * DAY))))
    club.now = NOW + DAY + INVITES_KEPT_MS
    club.turn(Tick())
    with club.store.transaction() as tx:
        assert [tx.is_invite_used(bytes([number]) * 16) for number in (1, 2)] == [False, True]
    assert says(club.ask(key_of("lineker"), registers("lineker", written(1)))) == EXPIRED
    club.now = NOW + DAY
    assert says(club.ask(key_of("lineker"), registers("lineker", written(2, NOW + 2 * DAY)))) == USED


@pytest.mark.parametrize("invite", [UNSET, "", "nonsense", "x" * 76, written(), written(expires=1)])
def test_an_open_realm_asks_for_none_and_a_closed_one_takes_none(tmp_path: Path, invite: str | UnsetType) -> None:
    kit = RealmKit(tmp_path / "open")
    ok(kit.ask(key_of("messi"), registers("messi", invite)))
    ok(kit.ask(key_of("henderson"), registers("henderson", invite)))
    kit.close()
    kit = RealmKit(tmp_path / "closed", Settings(registration="closed"))
    assert says(kit.ask(key_of("messi"), registers("messi", invite))).startswith("registration is closed")
    kit.close()


def test_an_open_realm_uses_no_invite_up(tmp_path: Path) -> None:
    kit = RealmKit(tmp_path / "realm")
    ok(kit.ask(key_of("messi"), registers("messi", written())))
    kit.settings = Settings(registration="invite")
    kit.restart()
    ok(kit.ask(key_of("henderson"), registers("henderson", written())))
    kit.close()


@pytest.mark.parametrize("token", ["nonsense", "x" * 76, "A" * 128, "\0", "é" * 76, written(key=bytes(32))])
def test_a_wrong_invite(club: RealmKit, token: str) -> None:
    assert refused_at_once(club, registers("messi", token)) == WRONG
    assert accounts(club) == []


# the token


def test_a_token_says_what_was_written() -> None:
    token = written()
    assert invites.read(INVITE_KEY, token) == Invite(b"\1" * 16, NOW + DAY)
    assert len(token) == 76
    read = decode_command([encode_command(registers("messi", token))])
    assert not isinstance(read, Malformed), "it is longer than a token may be"


def test_a_token_of_which_any_character_is_another() -> None:
    token = written()
    for at, right in enumerate(token):
        for other in URL_SAFE.replace(right, ""):
            assert invites.read(INVITE_KEY, token[:at] + other + token[at + 1 :]) is None, (at, other)


@pytest.mark.parametrize("change", ["{}=", "{}\n", " {}", "{}A", "{}AAAA", "{0}{0}"])
def test_a_token_with_something_added(change: str) -> None:
    assert invites.read(INVITE_KEY, change.format(written())) is None


def test_a_token_that_is_cut_or_in_another_alphabet() -> None:
    token = written(251)
    assert [cut for cut in range(len(token)) if invites.read(INVITE_KEY, token[:cut]) is not None] == []
    assert "-" in token or "_" in token
    assert invites.read(INVITE_KEY, token.replace("-", "+").replace("_", "/")) is None


def test_a_version_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(invites, "_VERSION", 2)
        token = written()
    assert invites.read(INVITE_KEY, token) is None


@given(st.text(max_size=130) | st.text(URL_SAFE, min_size=76, max_size=76))
def test_any_text_is_no_token(text: str) -> None:
    assert invites.read(INVITE_KEY, text) is None


@given(st.binary(min_size=40, max_size=40), st.binary(min_size=40, max_size=40))
def test_the_key_of_invites_is_not_the_secret_and_each_realm_has_its_own(secret: bytes, other: bytes) -> None:
    key = invites.derive_key(secret)
    assert key not in {secret, secret[:32]}
    assert len(key) == 32
    assert (invites.read(invites.derive_key(other), written(key=key)) is None) == (secret != other)


# the link


REALMS = st.from_regex(r"[\w.-]{1,253}:[1-9][0-9]{0,3}", fullmatch=True) | st.sampled_from(["[::1]:8889", "a:65535"])
KEYS = st.none() | st.binary(min_size=32, max_size=32).map(lambda key: z85.encode(key).decode())
TOKENS = st.none() | st.text(URL_SAFE, min_size=1, max_size=128)
WEBS = st.sampled_from(
    ["http://localhost:8550", "https://chat.example.org/", "https://example.org/chat", "http://[::1]"]
)


def test_a_link_as_it_is_written() -> None:
    link = Invitation("127.0.0.1:8889", KEY, "aB-_9").link("http://localhost:8550")
    assert link == (
        "http://localhost:8550/?realm=127.0.0.1:8889"
        "&key=rq:rM%3E%7DU%3F%40Lns47E1%25kR.o%40n%25FcmmsL%2F%40%7BH8%5Dyf7&invite=aB-_9"
    )
    assert parse(link) == Invitation("127.0.0.1:8889", KEY, "aB-_9")
    assert Invitation("kampus.id:1").link("https://chat.id/") == "https://chat.id/?realm=kampus.id:1"


@given(REALMS, KEYS, TOKENS, WEBS)
def test_a_link_says_what_was_written(realm: str, key: str | None, token: str | None, web: str) -> None:
    invitation = Invitation(realm, key, token)
    link = invitation.link(web)
    assert set(link) <= set(string.ascii_letters + string.digits + ":/?&=%[]-._~")
    query = link.partition("?")[2]
    for text in (link, query, f"?{query}", f"/?{query}", f"{web}/#/?{query}", f"{link}#top", f" {link}\n"):
        assert parse(text) == invitation


def test_parts_come_in_any_order_and_others_are_ignored() -> None:
    assert parse("a&invite=x&utm=%ff&=&realm=a:1&") == Invitation("a:1", None, "x")


def test_a_plus_is_a_plus() -> None:
    key = "+" * 40
    assert parse(f"realm=a:1&key={key}").key == key


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this is no invitation, which has ?realm=HOST:PORT in it"),
        ("http://localhost:8550", "this is no invitation"),
        (f"?key={'0' * 40}", "this is no invitation"),
        ("?realm=", "realm is HOST:PORT"),
        ("?realm=localhost", "realm is HOST:PORT"),
        ("?realm=localhost:0", "realm is HOST:PORT"),
        ("?realm=localhost:65536", "realm is HOST:PORT"),
        ("?realm=localhost:٣", "realm is HOST:PORT"),
        ("?realm=a b:1", "realm is HOST:PORT"),
        ("?realm=a:1%0A", "realm is HOST:PORT"),
        ("?realm=a@b:1", "realm is HOST:PORT"),
        ("?realm=::1:8889", "realm is HOST:PORT"),
        ("?realm=a:1&realm=b:1", "says its realm once"),
        ("?realm=%ff:1", "realm is UTF-8"),
        ("?realm=a:1&key=", "key is 40 characters of Z85"),
        (f"?realm=a:1&key={'0' * 39}", "key is 40 characters of Z85"),
        (f"?realm=a:1&key={'0' * 39}~", "key is 40 characters of Z85"),
        (f"?realm=a:1&key={'%23' * 40}", "key is 40 characters of Z85"),
        ("?realm=a:1&invite=", "invite is 1 to 128 letters"),
        ("?realm=a:1&invite=" + "x" * 129, "invite is 1 to 128 letters"),
        ("?realm=a:1&invite=a%20b", "invite is 1 to 128 letters"),
    ],
)
def test_what_is_no_invitation_is_told_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as raised:
        parse(text)
    assert sentence in str(raised.value)


@given(st.text() | st.lists(st.sampled_from([*"?&=#%:", "realm", "key", "invite", "%ff", "a:1", "x"])).map("".join))
@example("realm=\udcff:1")
@example("?realm=a:1&key=" + "\udcff" * 40)
def test_any_text_is_an_invitation_or_one_sentence(text: str) -> None:
    try:
        invitation = parse(text)
    except ValueError as error:
        told = repr(error)
    else:
        assert parse(invitation.link("http://localhost")) == invitation
        return
    assert re.match(r"ValueError\([\"'](an invitation('s| says)|this is no invitation)", told)


@pytest.mark.parametrize(
    "web", ["", "localhost:8550", "ftp://a", "http://", "http://a/?b", "http://a/#b", "http://a b"]
)
def test_a_web_client_has_an_address(web: str) -> None:
    with pytest.raises(ValueError, match="a web client's address is such as"):
        Invitation("a:1").link(web)


def test_an_invitation_does_not_show_its_token() -> None:
    assert "secret" not in repr(Invitation("a:1", KEY, "secret"))
