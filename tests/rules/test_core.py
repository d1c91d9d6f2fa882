"""What must hold in every turn, whatever the command."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from realm import table
from realm.core import _ROWS
from realm.demo import add_demo_data
from realm.effects import Note
from realm.inputs import JobDone, Misbehaved, Subscribed, Tick
from realm.settings import Hashing, Limits, Settings
from realm.store.database import FILE
from schemas import commands, federation
from schemas.answers import Sent, SessionOpened
from schemas.errors import Code, Refusal
from schemas.events import EntryPushed, Welcome
from schemas.limits import ACTIVE_MS
from schemas.names import Address, Name
from tests.rules.kit import RealmKit, key_of, ok, refused, request

DAY = 86_400_000


def send(session: SessionOpened, to: str, message: str = "halo", entry: str | None = None) -> commands.Send:
    token = session.tokenId
    if entry is None:
        return commands.Send(id=2, tokenId=token, to=Address(to), message=message)
    return commands.Send(id=2, tokenId=token, to=Address(to), message=message, entry=entry)


def rows(kit: RealmKit) -> str:
    """Everything that is stored, as one digest."""
    with sqlite3.connect(kit.folder / FILE) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    return hashlib.sha256(dump.encode()).hexdigest()


def test_the_same_inputs_give_the_same_effects_and_the_same_rows(tmp_path: Path) -> None:
    seen = []
    for attempt in ("one", "two"):
        kit = RealmKit(tmp_path / attempt)
        messi = kit.register("messi")
        henderson = kit.register("henderson")
        kit.turn(*(request(key_of("messi"), send(messi, "henderson", str(n))) for n in range(20)))
        kit.ask(key_of("henderson"), commands.Inbox(id=3, tokenId=henderson.tokenId))
        kit.now += DAY
        kit.turn(Tick())
        seen.append((repr(kit.effects), rows(kit)))
        kit.close()
    assert seen[0] == seen[1]


def test_a_refused_command_leaves_no_row_behind(kit: RealmKit) -> None:
    """ "other arguments: bad_request" comes after the conversation was opened; it must not stay."""
    messi = kit.register("messi")
    for name in ("henderson", "lineker"):
        kit.register(name)
    ulid = "01J0000000000000000000000A"
    assert isinstance(kit.ask(key_of("messi"), send(messi, "henderson", entry=ulid)), Sent)
    before = rows(kit)
    assert refused(kit.ask(key_of("messi"), send(messi, "lineker", entry=ulid)), Code.BAD_REQUEST)
    assert rows(kit) == before


def test_a_handler_that_breaks_costs_only_its_caller(kit: RealmKit, monkeypatch: pytest.MonkeyPatch) -> None:
    messi = kit.register("messi")
    kit.register("henderson")
    gates, handle = _ROWS[commands.Send]
    assert handle is not None

    def breaks(ctx: object, command: commands.Send) -> object:
        answer = handle(ctx, command)  # type: ignore[arg-type]
        if command.message == "boom":
            raise ZeroDivisionError(f"said: {command.message}")
        return answer

    monkeypatch.setitem(_ROWS, commands.Send, (gates, breaks))
    before, boom, after = (request(key_of("messi"), send(messi, "henderson", text)) for text in ("1", "boom", "2"))
    replies = kit.turn(before, boom, after)
    first, broken, last = (reply.answer for reply in replies)
    assert (ok(first).seq, ok(last).seq) == (1, 2)
    assert isinstance(broken, Refusal)
    assert broken.code == Code.INTERNAL_ERROR
    assert [event.entry.message for _, event in kit.published if isinstance(event, EntryPushed)] == ["1", "2"]
    notes = [effect for effect in kit.effects if isinstance(effect, Note) and effect.level == "error"]
    assert [note.fields["incident"] for note in notes] == [broken.incident]
    assert "boom" not in repr(notes)
    assert "surabaya" not in repr(notes)


def test_a_full_disk_refuses_writers_and_serves_readers(kit: RealmKit) -> None:
    messi = kit.register("messi")
    henderson = kit.register("henderson")
    connection = kit.store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    big = "x" * 60_000
    replies = kit.turn(
        request(key_of("henderson"), commands.Users(id=7, tokenId=henderson.tokenId)),
        *(request(key_of("messi"), send(messi, "henderson", big)) for _ in range(9)),
    )
    users, *sends = (reply.answer for reply in replies)
    assert len(ok(users).users) == 2
    assert [answer.code for answer in sends if isinstance(answer, Refusal)] == [Code.UNAVAILABLE] * 9
    assert kit.published == []
    connection.execute("PRAGMA max_page_count = 100000")
    assert ok(kit.ask(key_of("messi"), send(messi, "henderson", big))).seq == 1


def test_sessions_and_activity_survive_a_restart(kit: RealmKit) -> None:
    messi = kit.register("messi")
    kit.register("henderson")
    kit.restart()
    assert ok(kit.ask("x" * 40, commands.Info(id=1))).message == ["henderson", "messi"]
    resumed = ok(kit.ask(key_of("messi"), commands.Resume(id=1, tokenId=messi.tokenId)))
    assert (resumed.topic, resumed.tokenId, resumed.epoch) == (messi.topic, messi.tokenId, messi.epoch)
    kit.now += ACTIVE_MS + 1
    assert refused(kit.ask("x" * 40, commands.Info(id=1)), Code.NO_ACTIVE_USER)


def test_a_session_ends_when_it_was_idle_for_too_long(kit: RealmKit) -> None:
    messi = kit.register("messi")
    ask = commands.Inbox(id=1, tokenId=messi.tokenId)
    kit.now += 29 * DAY
    ok(kit.ask(key_of("messi"), ask))
    kit.now += 29 * DAY
    ok(kit.ask(key_of("messi"), ask))
    kit.now += 31 * DAY
    assert refused(kit.ask(key_of("messi"), ask), Code.SESSION_NOT_FOUND)
    assert kit.core.may_hear(key_of("messi"), messi.topic)
    kit.turn(Tick())
    assert not kit.core.may_hear(key_of("messi"), messi.topic)
    assert not kit.core.has_session(key_of("messi"))


def test_the_oldest_session_goes_when_there_are_too_many(tmp_path: Path) -> None:
    kit = RealmKit(tmp_path / "realm", Settings(limits=Limits(sessions_per_user=3)))
    first = kit.register("messi")
    others = [ok(kit.log_in("messi", f"key-{number}".ljust(40))) for number in range(3)]
    assert not kit.core.may_hear(key_of("messi"), first.topic)
    assert all(kit.core.may_hear(f"key-{n}".ljust(40), other.topic) for n, other in enumerate(others))
    kit.close()


def test_logging_in_again_with_the_same_key_replaces_the_session(kit: RealmKit) -> None:
    first = kit.register("messi")
    second = ok(kit.log_in("messi", key_of("messi")))
    assert second.topic != first.topic
    assert refused(kit.ask(key_of("messi"), commands.Inbox(id=1, tokenId=first.tokenId)), Code.SESSION_NOT_FOUND)
    assert not kit.core.may_hear(key_of("messi"), first.topic)
    assert kit.core.may_hear(key_of("messi"), second.topic)


def test_a_command_after_logout_in_the_same_turn_finds_no_session(kit: RealmKit) -> None:
    messi = kit.register("messi")
    replies = kit.turn(
        request(key_of("messi"), commands.Logout(id=1, tokenId=messi.tokenId)),
        request(key_of("messi"), commands.Inbox(id=2, tokenId=messi.tokenId)),
    )
    ok(replies[0].answer)
    assert refused(replies[1].answer, Code.SESSION_NOT_FOUND)
    assert refused(kit.ask(key_of("messi"), commands.Info(id=3)), Code.NO_ACTIVE_USER)


def test_two_that_register_the_same_name_at_once(kit: RealmKit) -> None:
    both = [
        request(key, commands.Register(id=1, username=Name("messi"), password="surabaya", country="X", name="Y"))
        for key in ("a" * 40, "b" * 40)
    ]
    assert kit.turn(*both) == []
    first, second = (reply.answer for reply in kit.do_jobs())
    ok(first)
    assert refused(second, Code.USER_EXISTS)


def test_a_session_that_ended_while_its_password_was_checked(kit: RealmKit) -> None:
    messi = kit.register("messi")
    change = commands.Passwd(id=1, tokenId=messi.tokenId, old="surabaya", new="surabaya2")
    kit.turn(
        request(key_of("messi"), change),
        request(key_of("messi"), commands.Logout(id=2, tokenId=messi.tokenId)),
    )
    (answer,) = kit.do_jobs()
    assert refused(answer.answer, Code.SESSION_NOT_FOUND)
    ok(kit.log_in("messi", key_of("messi")))


def test_a_password_job_that_failed_is_answered(kit: RealmKit) -> None:
    kit.register("messi")
    kit.turn(request("x" * 40, commands.Auth(id=9, username=Name("messi"), password="surabaya")))
    (reply,) = kit.turn(JobDone(kit.jobs.pop(), None, 5))
    assert (reply.request.body.id, refused(reply.answer, Code.UNAVAILABLE)) == (9, True)
    assert not kit.core.is_busy()


def test_logins_that_would_wait_too_long_are_answered_at_once(tmp_path: Path) -> None:
    kit = RealmKit(tmp_path / "realm", Settings(hashing=Hashing(workers=1, max_wait_ms=350)))
    for name in ("messi", "henderson"):
        kit.register(name)

    def log_in(name: str, address: str) -> list[object]:
        command = commands.Auth(id=1, username=Name(name), password="surabaya")
        return [reply.answer for reply in kit.turn(request("x" * 40, command, address))]

    assert [log_in("messi", "10.0.0.1") for _ in range(4)] == [[]] * 4
    (answer,) = log_in("messi", "10.0.0.1")
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.retry_after) == (Code.RATE_LIMITED, 400)
    assert log_in("henderson", "10.0.0.2") == [], "addresses take turns: another one waits less"
    assert len(kit.do_jobs()) == 5
    assert log_in("messi", "10.0.0.1") == []
    kit.close()


def test_failed_logins_are_delayed_but_not_for_a_key_that_knows_the_way(kit: RealmKit) -> None:
    kit.register("messi")
    stranger = "stranger".ljust(40)
    wrong = [kit.log_in("messi", stranger, "wrong") for _ in range(8)]
    codes = [answer.code for answer in wrong if isinstance(answer, Refusal)]
    assert codes == [Code.WRONG_PASSWORD] * 6 + [Code.RATE_LIMITED] * 2
    assert refused(kit.log_in("messi", stranger), Code.RATE_LIMITED)
    ok(kit.log_in("messi", key_of("messi")))
    ok(kit.log_in("messi", stranger))


def test_a_key_that_misbehaves_on_push_loses_its_sessions(kit: RealmKit) -> None:
    messi = kit.register("messi")
    henderson = kit.register("henderson")
    kit.turn(Misbehaved(key_of("messi"), "not a subscription"))
    assert not kit.core.may_hear(key_of("messi"), messi.topic)
    assert kit.core.may_hear(key_of("henderson"), henderson.topic)
    assert refused(kit.ask(key_of("messi"), commands.Inbox(id=1, tokenId=messi.tokenId)), Code.SESSION_NOT_FOUND)


def test_logging_in_again_does_not_fill_the_allowance(kit: RealmKit) -> None:
    messi = kit.register("messi")
    allowance = kit.core.memory.by_topic[messi.topic].allowance
    again = ok(kit.log_in("messi", key_of("messi")))
    assert kit.core.memory.by_topic[again.topic].allowance is allowance


def test_wrong_passwords_with_passwd_do_not_delay_logging_in(kit: RealmKit) -> None:
    messi = kit.register("messi")
    guess = commands.Passwd(id=1, tokenId=messi.tokenId, old="wrong", new="surabaya2")
    codes = [answer.code for _ in range(9) if isinstance(answer := kit.ask(key_of("messi"), guess), Refusal)]
    assert codes == [Code.WRONG_PASSWORD] * 6 + [Code.RATE_LIMITED] * 3
    ok(kit.log_in("messi", "elsewhere".ljust(40)))


def test_two_changes_of_one_password_at_once(kit: RealmKit) -> None:
    messi = kit.register("messi")
    change = [commands.Passwd(id=n, tokenId=messi.tokenId, old="surabaya", new=f"surabaya{n}") for n in (1, 2)]
    kit.turn(*(request(key_of("messi"), one) for one in change))
    answers = {reply.request.body.id: reply.answer for reply in kit.do_jobs()}
    assert [isinstance(answer, Refusal) for answer in answers.values()].count(False) == 1


def test_a_session_that_ends_twice_in_one_turn(kit: RealmKit) -> None:
    messi = kit.register("messi")
    kit.now += 31 * DAY
    misbehaved = Misbehaved(key_of("messi"), "not a subscription")
    kit.turn(misbehaved, misbehaved, Tick())
    assert not kit.core.may_hear(key_of("messi"), messi.topic)
    ok(kit.log_in("messi", key_of("messi")))


def test_who_is_heard_is_welcomed_unless_the_session_has_ended(kit: RealmKit) -> None:
    messi = kit.register("messi")
    kit.turn(Subscribed(key_of("messi"), messi.topic))
    assert kit.published == [(messi.topic, Welcome(epoch=messi.epoch, total=0))]
    kit.ask(key_of("messi"), commands.Logout(id=1, tokenId=messi.tokenId))
    kit.turn(Subscribed(key_of("messi"), messi.topic))
    assert len(kit.published) == 1


def test_every_command_of_a_session_asks_for_it_first(kit: RealmKit) -> None:
    without = {row.command for row in table.TABLE.values() if row.who is table.Who.ANYONE}
    assert without == {commands.Auth, commands.Register, commands.Info, federation.Introduced, federation.Prove}
    for row in table.TABLE.values():
        assert issubclass(row.command, commands.InSession) == (row.who is table.Who.USER)


def test_demo_data_is_as_the_contract_says_and_added_once(kit: RealmKit) -> None:
    """ "a group `new` with all three, made by `messi`" """
    assert add_demo_data(kit.store, lambda password: f"hashed:{password}", kit.now) == ["messi", "henderson", "lineker"]
    assert add_demo_data(kit.store, str, kit.now) == []
    kit.restart()
    messi = ok(kit.log_in("messi", key_of("messi")))
    (group,) = ok(kit.ask(key_of("messi"), commands.Groups(id=1, tokenId=messi.tokenId))).groups
    assert (group.group, group.admin, group.members) == ("new", "messi", ["henderson", "lineker", "messi"])
