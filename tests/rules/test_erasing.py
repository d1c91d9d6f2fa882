"""Erasing an account: what is left of it, for whom, and that it goes on after a kill."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from broker import keyfiles
from broker.reaching import OperatorError
from realm.cli.erasing import erase
from realm.erasing import AGAIN_MS
from realm.inputs import Tick
from realm.request import OPERATOR
from realm.settings import Files, Settings
from realm.store.database import FILE
from realm.store.interface import StoreFullError
from realm.store.sqlite import SqliteStore
from schemas import commands, names, operator
from schemas.entries import CHAIN_START, Entry, follows
from schemas.errors import Code
from schemas.names import Address, ConversationId, Name
from tests.rules.files_kit import sha
from tests.rules.kit import RealmKit, key_of, ok, refused

TALK = names.private(Address("messi@kampus"), Address("henderson@kampus"))
GROUP = names.group(Address("new@kampus"))
NOTES = names.private(Address("messi@kampus"), Address("messi@kampus"))
SECRET = "malam di Surabaya"


class Team:
    """Three users and a group, of whom messi has said something everywhere."""

    def __init__(self, kit: RealmKit) -> None:
        self.kit = kit
        self.tokens = {name: kit.register(name).tokenId for name in ("messi", "henderson", "lineker")}
        self.say("messi", commands.AddGroup(id=1, group="new"))
        for name in ("henderson", "lineker"):
            self.say(name, commands.JoinGroup(id=1, group=Name("new")))
        self.say("messi", commands.Send(id=1, to=Address("henderson"), message=SECRET))
        self.say("henderson", commands.Send(id=1, to=Address("messi"), message="halo"))
        self.say("messi", commands.SendGroup(id=1, group=Name("new"), message=SECRET))
        self.say("messi", commands.Send(id=1, to=Address("messi"), message=SECRET))

    def say(self, name: str, command: Any) -> Any:
        return ok(self.ask(name, command))

    def ask(self, name: str, command: Any) -> Any:
        from msgspec.structs import replace

        return self.kit.ask(key_of(name), replace(command, tokenId=self.tokens[name]))

    def upload(self, name: str, content: bytes) -> str:
        begun = self.say(name, commands.Upload(id=1, digest=sha(content), size=len(content), name="foto"))
        if not begun.file:
            chunk = commands.Chunk(id=1, tokenId=self.tokens[name], upload=begun.upload, offset=0)
            begun = ok(self.kit.ask(key_of(name), chunk, data=content))
        return str(begun.file)

    def erase(self, name: str = "messi") -> Any:
        return ok(self.kit.ask(OPERATOR, operator.EraseUser(id=1, username=Name(name))))

    def finish(self) -> None:
        for _ in range(10_000):
            if self.erase().done:
                return
        raise AssertionError("it never ends")


def entries(kit: RealmKit, of: ConversationId) -> list[Entry]:
    with kit.store.transaction() as tx:
        return tx.history(of, after=0, limit=1_000, max_bytes=1 << 30).entries


def verifies(run: list[Entry]) -> bool:
    before = CHAIN_START
    for entry in run:
        if not follows(before, entry):
            return False
        before = entry.chain
    return True


def test_what_was_said_is_erased_and_the_chain_still_verifies(kit: RealmKit) -> None:
    team = Team(kit)
    assert not team.erase().done
    team.finish()
    first, second = entries(kit, TALK)
    assert (first.erased, first.sender, first.name) == (True, "messi@kampus", "messi")
    assert not first.message
    assert not first.salt
    assert (second.erased, second.message) == (False, "halo"), "what others said stays"
    assert [entry.erased for entry in entries(kit, GROUP)] == [True]
    assert [entry.erased for entry in entries(kit, NOTES)] == [True]
    for conversation in (TALK, GROUP, NOTES):
        assert verifies(entries(kit, conversation))
    page = team.say("henderson", commands.History(id=1, conversation=TALK))
    assert [entry.erased for entry in page.entries] == [True, False]
    seen = team.erase()
    assert (seen.done, seen.begun, seen.entries) == (True, False, 3)


def test_nothing_of_it_is_left_in_the_file(kit: RealmKit) -> None:
    team = Team(kit)
    team.finish()
    kit.store.close()
    content = b"".join(path.read_bytes() for path in kit.folder.glob(f"{FILE}*"))
    kit.start()
    assert SECRET.encode() not in content
    assert b"hashed:surabaya" in content, "that of the others"
    assert content.count(b"Messi") == 0, "the display name"


def test_nobody_is_that_user_any_more_and_the_name_is_never_free(kit: RealmKit) -> None:
    team = Team(kit)
    team.erase()
    assert refused(team.ask("messi", commands.Inbox(id=1)), Code.SESSION_NOT_FOUND)
    assert refused(kit.log_in("messi", key_of("messi")), Code.USER_NOT_FOUND)
    again = commands.Register(id=1, username=Name("messi"), password="surabaya", country="X", name="Y")
    assert refused(kit.ask(key_of("other"), again), Code.USER_EXISTS)
    added = operator.AddUser(id=1, username=Name("messi"), password="surabaya", name="A", country="X")
    assert refused(kit.ask(OPERATOR, added), Code.USER_EXISTS)
    to = commands.Send(id=1, to=Address("messi"), message="halo")
    assert refused(team.ask("henderson", to), Code.USER_NOT_FOUND)
    team.finish()
    users = team.say("henderson", commands.Users(id=1))
    assert [user.username for user in users.users] == ["henderson", "lineker"]
    for command in (
        operator.ResetPassword(id=1, username=Name("messi"), password="surabaya"),
        operator.DisableUser(id=1, username=Name("messi"), disabled=True),
        operator.AdministerUser(id=1, username=Name("messi"), admin=True),
    ):
        assert refused(kit.ask(OPERATOR, command), Code.USER_NOT_FOUND)
    assert refused(kit.ask(OPERATOR, operator.EraseUser(id=1, username=Name("nobody"))), Code.USER_NOT_FOUND)
    listed = ok(kit.ask(OPERATOR, operator.ListUsers(id=1))).users[2]
    assert (listed.username, listed.name, listed.country, listed.sessions) == ("messi", "", "", 0)
    assert listed.erased_at is not None
    assert not listed.erasing


def test_a_password_that_is_being_checked_meanwhile_lets_nobody_in(kit: RealmKit) -> None:
    from realm.inputs import JobDone
    from tests.rules.kit import request

    Team(kit)
    login = commands.Auth(id=1, username=Name("messi"), password="surabaya")
    kit.turn(request("another key".ljust(40, "-"), login))
    (job,) = kit.jobs
    kit.jobs.clear()
    kit.turn(request(OPERATOR, operator.EraseUser(id=1, username=Name("messi"))))
    (reply,) = kit.turn(JobDone(job, kit.do(job), 1))
    assert refused(reply.answer, Code.USER_NOT_FOUND)


def test_its_groups_get_another_admin(kit: RealmKit) -> None:
    team = Team(kit)
    team.finish()
    (group,) = team.say("lineker", commands.Groups(id=1)).groups
    assert (group.admin, group.count, group.members) == ("henderson", 2, ["henderson", "lineker"])


def test_what_it_said_in_a_group_that_it_had_left_is_erased_too(kit: RealmKit) -> None:
    team = Team(kit)
    team.say("messi", commands.LeaveGroup(id=1, group=Name("new")))
    team.finish()
    assert [entry.erased for entry in entries(kit, GROUP)] == [True]


def test_its_files_go_and_those_of_others_stay(kit: RealmKit) -> None:
    team = Team(kit)
    sent, kept, unsent = b"picture" * 9, b"both have it", b"never sent"
    for content in (sent, kept):
        file = team.upload("messi", content)
        team.say("messi", commands.SendFile(id=1, to=Address("henderson"), file=file))
    team.upload("messi", unsent)
    others = team.upload("henderson", kept)
    team.say("henderson", commands.SendFile(id=1, to=Address("lineker"), file=others))
    begun = commands.Upload(id=1, digest=bytes(32), size=99, name="x", tokenId=team.tokens["messi"])
    ok(kit.ask(key_of("messi"), begun))
    team.erase()
    assert not kit.core.memory.uploads
    team.finish()
    assert list(kit.disk.blobs.values()) == [kept]
    with kit.store.transaction() as tx:
        found = tx.file(others)
        assert found is not None
        assert tx.file_usage(found.owner) == tx.blob_bytes() == 4_096
    assert [entry.kind for entry in entries(kit, TALK)] == ["text", "text", "file", "file"]
    assert verifies(entries(kit, TALK))
    assert team.erase().files == 3


def test_it_goes_on_by_itself_and_after_a_kill(kit: RealmKit) -> None:
    team = Team(kit)
    for number in range(900):
        team.say("messi", commands.Send(id=1, to=Address("henderson"), message=f"{number}"))
    team.erase()
    for _ in range(200):
        kit.restart()
        assert kit.core.wake_at(kit.now) <= kit.now or not unfinished(kit)
        if not unfinished(kit):
            break
        kit.turn(Tick())
        kit.do_jobs()
    else:
        raise AssertionError("it never ends")
    assert kit.core.wake_at(kit.now) > kit.now
    assert all(entry.erased for entry in entries(kit, TALK) if entry.sender == "messi@kampus")
    assert verifies(entries(kit, TALK))


def unfinished(kit: RealmKit) -> bool:
    with kit.store.transaction() as tx:
        return bool(tx.erasing(1))


def test_each_slice_changes_few_rows_and_others_go_on(kit: RealmKit) -> None:
    from realm.erasing import CHANGED

    team = Team(kit)
    for number in range(3 * CHANGED):
        team.say("messi", commands.Send(id=1, to=Address("henderson"), message=f"{number}"))
    team.erase()
    before = len([entry for entry in entries(kit, TALK) if entry.erased])
    for _ in range(30):
        kit.now += 1_000
        kit.turn(Tick())
        kit.do_jobs()
        after = len([entry for entry in entries(kit, TALK) if entry.erased])
        assert after - before <= CHANGED
        before = after
        team.say("henderson", commands.SendGroup(id=1, group=Name("new"), message="halo"))
    assert not unfinished(kit)


def test_a_repeated_send_of_an_erased_entry_has_no_effect(kit: RealmKit) -> None:
    """A peer or a client that says something again finds what it said, erased or not."""
    team = Team(kit)
    team.finish()
    with kit.store.transaction() as tx:
        (said, _) = tx.history(TALK, limit=9, max_bytes=1 << 20).entries
        found = tx.sent("messi@kampus", said.id)
    assert found == said


def test_nothing_is_erased_on_a_full_disk_and_it_goes_on_later(tmp_path: Path) -> None:
    kit = RealmKit(tmp_path / "realm", Settings(files=Files(unsent_hours=1)))
    team = Team(kit)
    pages = kit.store._connection.execute("PRAGMA page_count").fetchone()[0]
    kit.store._connection.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(2_000):
        answer = team.ask("messi", commands.Send(id=1, to=Address("henderson"), message=f"{number}" * 100))
        if refused(answer, Code.UNAVAILABLE):
            break
    kit.ask(OPERATOR, operator.EraseUser(id=1, username=Name("messi")))
    kit.store._connection.execute("PRAGMA max_page_count = 1000000")
    team.finish()
    assert all(entry.erased for entry in entries(kit, TALK) if entry.sender == "messi@kampus")
    kit.close()


def test_no_copy_is_left_in_a_file_that_is_written_anew(kit: RealmKit) -> None:
    """SQLite moves rows where a page is full, and what was there before stays in what is unused of it."""
    team = Team(kit)
    for number in range(300):
        here = f"{number:03} {SECRET} " + "." * (number * 7 % 400)
        team.say("messi", commands.Send(id=1, to=Address(("henderson", "lineker")[number % 2]), message=here))
        team.say("henderson", commands.Send(id=1, to=Address("lineker"), message="halo " * (number % 30 + 1)))
        team.kit.now += 1_000
    team.erase()
    team.finish()
    kit.store.rewrite()
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in kit.folder.glob(f"{FILE}*"))
    assert team.say("lineker", commands.Inbox(id=1, limit=1)).messages, "and the realm goes on"


def test_a_full_disk_keeps_the_file_from_being_written_anew(
    kit: RealmKit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is no success; and saying it again does what was missing."""
    Team(kit)
    kit.store.close()
    keyfiles.load(kit.folder, create=True)
    with monkeypatch.context() as full:
        full.setattr(SqliteStore, "rewrite", Mock(side_effect=StoreFullError("the disk is full")))
        with pytest.raises(OperatorError, match=r"messi is erased, but realm\.db cannot be written anew"):
            erase("messi", yes=True, data=kit.folder)
    erase("messi", yes=True, data=kit.folder)
    assert capsys.readouterr().out == "messi was erased before\n"
    kit.start()


def test_what_is_damaged_of_one_account_keeps_no_other(kit: RealmKit) -> None:
    team = Team(kit)
    team.say("lineker", commands.Send(id=1, to=Address("henderson"), message=SECRET))
    execute = kit.store._connection.execute
    execute("UPDATE entries SET message = cast(x'ff41' as text) WHERE sender = 'messi@kampus'")
    team.erase("messi")
    team.erase("lineker")

    def go_on() -> list[str]:
        """Those that are not erased yet, much later."""
        for _ in range(200):
            kit.now += 10_000
            kit.turn(Tick())
            kit.do_jobs()
        with kit.store.transaction() as tx:
            return [one.name for one in tx.erasing(10)]

    assert go_on() == ["messi"]
    assert kit.core.wake_at(kit.now) > kit.now + AGAIN_MS, "it does not try all the time"
    execute("UPDATE entries SET message = 'halo' WHERE sender = 'messi@kampus'")
    assert go_on() == []
