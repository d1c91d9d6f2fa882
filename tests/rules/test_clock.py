"""A clock that is set forward or back while a realm runs, or while it does not: nobody is locked out, nothing lasts."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from realm import invites
from realm.effects import Note
from realm.inputs import Tick
from realm.invites import Invite
from realm.limits import Failures
from realm.settings import Files, Limits, Retention, Settings
from realm.store.interface import StoreFullError
from schemas import commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.limits import ACTIVE_MS, HEARTBEAT_MS
from schemas.names import Address, Name
from tests.rules.kit import INVITE_KEY, NOW, RealmKit, key_of, ok, refused

DAY = 86_400_000


@pytest.fixture
def kit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RealmKit]:
    """A realm, by other settings where they are given."""
    made = RealmKit(tmp_path / "realm", getattr(request, "param", None))
    yield made
    made.close()


def active(kit: RealmKit) -> list[str]:
    """Who is active, as a user who did not ask before is told it."""
    answer = kit.ask(key_of("messi"), commands.Info(id=1))
    return [] if refused(answer, Code.NO_ACTIVE_USER) else ok(answer).message


def sends(token: str, number: int) -> commands.Send:
    return commands.Send(id=number, tokenId=token, to=Address("messi"), message=f"{number}")


def test_the_delay_after_failed_logins_begins_anew_when_the_clock_is_set_back() -> None:
    failures = Failures(Limits(free_failures=0, failure_delay_ms=1_000))
    failures.attempt("messi", now=NOW)
    assert failures.wait("messi", now=NOW - DAY) == 1_000
    assert failures.wait("messi", now=NOW - DAY + 400) == 600
    assert failures.wait("messi", now=NOW - DAY + 1_000) == 0


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_nobody_is_limited_for_longer(kit: RealmKit, jump: int) -> None:
    """A session that has used up what it may has it again as soon as it would without a jump."""
    token = kit.register("messi").tokenId
    limits = kit.settings.limits
    told: Answer | Refusal | None = None
    number = 0
    while not isinstance(told, Refusal):
        number += 1
        told = kit.ask(key_of("messi"), sends(token, number))
    assert told.code is Code.RATE_LIMITED
    kit.now += jump
    kit.ask(key_of("messi"), sends(token, 0))
    kit.now += int(limits.session_burst / limits.session_per_second * 1_000) + 1
    ok(kit.ask(key_of("messi"), sends(token, 0)))


@pytest.mark.parametrize("jump", [-DAY, DAY])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_session_goes_on_and_messages_keep_their_order(kit: RealmKit, jump: int, restarts: bool) -> None:
    token = kit.register("messi").tokenId
    for number in (1, 2):
        assert ok(kit.ask(key_of("messi"), sends(token, number))).seq == number
    kit.now += jump
    if restarts:
        kit.restart()
    assert ok(kit.ask(key_of("messi"), sends(token, 3))).seq == 3
    page = ok(kit.ask(key_of("messi"), commands.Conversations(id=1, tokenId=token)))
    assert [(one.head, one.last.message) for one in page.conversations] == [(3, "3")]


def test_the_list_goes_by_what_was_said_last_through_a_jump(kit: RealmKit) -> None:
    token = kit.register("messi").tokenId
    for name in ("henderson", "lineker"):
        kit.register(name)
    kit.now += DAY
    ok(kit.ask(key_of("messi"), commands.Send(id=1, tokenId=token, to=Address("henderson"), message="tomorrow")))
    kit.now -= DAY
    ok(kit.ask(key_of("messi"), commands.Send(id=1, tokenId=token, to=Address("lineker"), message="today")))
    page = ok(kit.ask(key_of("messi"), commands.Conversations(id=1, tokenId=token)))
    assert [one.last.message for one in page.conversations] == ["today", "tomorrow"]


@pytest.mark.parametrize("restarts", [False, True])
def test_nobody_is_active_for_a_day(kit: RealmKit, restarts: bool) -> None:
    """ "A user is active for 3 heartbeats": also where the last was tomorrow, as the clock said then."""
    kit.register("henderson")
    token = kit.register("messi").tokenId
    kit.now += DAY
    ok(kit.ask(key_of("messi"), commands.Sync(id=1, tokenId=token)))
    assert active(kit) == ["messi"]
    kit.now -= DAY - ACTIVE_MS
    if restarts:
        kit.restart()
    assert active(kit) == []
    ok(kit.ask(key_of("messi"), commands.Sync(id=1, tokenId=token)))
    assert active(kit) == ["messi"]
    kit.now += HEARTBEAT_MS
    kit.restart()
    assert active(kit) == ["messi"], "that somebody is active is not written down any more"
    kit.now += ACTIVE_MS
    assert active(kit) == []


@pytest.mark.parametrize("kit", [Settings(registration="invite")], indirect=True)
def test_a_used_invite_does_not_come_to_life_again(kit: RealmKit) -> None:
    """The clock goes beyond its end, what has expired is forgotten, and the clock comes back."""
    invite = invites.write(INVITE_KEY, Invite(bytes(invites.NONCE), NOW + DAY // 2))

    def registers(name: str) -> Answer | Refusal:
        account = commands.Register(
            id=1, username=Name(name), password="surabaya", country="x", name=name, invite=invite
        )
        return kit.ask(key_of(name), account)

    ok(registers("messi"))
    kit.now += DAY
    kit.turn(Tick())
    kit.now -= DAY
    assert refused(registers("henderson"), Code.FORBIDDEN)


@pytest.mark.parametrize("kit", [Settings(files=Files(uploads_per_user=1))], indirect=True)
def test_an_upload_of_tomorrow_makes_room_for_another(kit: RealmKit) -> None:
    token = kit.register("messi").tokenId
    kit.now += DAY

    def uploads(content: bytes) -> Answer | Refusal:
        digest = hashlib.sha256(content).digest()
        return kit.ask(
            key_of("messi"), commands.Upload(id=1, tokenId=token, digest=digest, size=len(content), name="a")
        )

    ok(uploads(b"first"))
    assert refused(uploads(b"second"), Code.QUOTA_EXCEEDED)
    kit.now -= DAY
    ok(uploads(b"second"))


def test_a_full_disk_is_told_again_after_the_clock_was_set_back(kit: RealmKit, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = kit.core.decide

    def is_full(*_arguments: object) -> None:
        monkeypatch.setattr(kit.core, "decide", decide)
        raise StoreFullError("the disk is full")

    for jump in (0, -DAY):
        kit.now += jump
        kit.effects.clear()
        monkeypatch.setattr(kit.core, "decide", is_full)
        kit.turn(Tick())
        assert [one.event for one in kit.effects if isinstance(one, Note)] == ["disk full"]


@pytest.mark.parametrize("kit", [Settings(retention=Retention(private_days=30))], indirect=True)
@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_what_is_due_does_not_stay_due(kit: RealmKit, jump: int) -> None:
    """Else the realm would do nothing else. And what is younger than it is kept stays."""
    token = kit.register("messi").tokenId
    ok(kit.ask(key_of("messi"), sends(token, 1)))
    kit.turn(Tick())
    kit.now += jump
    for _ in range(3):
        kit.turn(Tick())
        kit.do_jobs()
    assert kit.core.wake_at(kit.now) > kit.now
    assert ok(kit.ask(key_of("messi"), commands.Conversations(id=1, tokenId=token))).conversations[0].first == 1
