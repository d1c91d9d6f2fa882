"""What was said long enough ago is removed, and clients and peers go on as if it were there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from client.mirror import Mirror
from realm.effects import Note
from realm.inputs import Tick
from realm.retention import CHANGED
from realm.settings import Files, PeerRules, Retention, Settings
from schemas import commands, names
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import follows
from schemas.names import Address, ConversationId, Name
from tests.rules.federation_kit import DAY, make_pair, network_in
from tests.rules.files_kit import sha
from tests.rules.kit import RealmKit, key_of, ok

TALK = names.private(Address("messi@kampus"), Address("henderson@kampus"))
GROUP = names.group(Address("new@kampus"))
SWEEP = 600_000


class Team:
    """Two users and a group; what is private is kept for 10 days, and what is said in groups for 100."""

    def __init__(self, folder: Path, **days: float) -> None:
        kept = Retention(**(days or {"private_days": 10, "group_days": 100}))
        self.kit = RealmKit(folder, Settings(retention=kept, files=Files(unsent_hours=1)))
        self.tokens = {name: self.kit.register(name).tokenId for name in ("messi", "henderson")}
        self.ask("messi", commands.AddGroup(id=1, group="new"))
        self.ask("henderson", commands.JoinGroup(id=1, group=Name("new")))

    def ask(self, name: str, command: Command) -> Any:
        return ok(self.kit.ask(key_of(name), replace(command, tokenId=self.tokens[name])))

    def send(self, count: int = 1) -> None:
        for number in range(count):
            self.ask("messi", commands.Send(id=1, to=Address("henderson"), message=f"{number}"))

    def later(self, days: float) -> None:
        """So much later, when a round is over."""
        self.kit.now += int(days * DAY)
        for session in self.kit.core.memory.by_token.values():
            session.saved_at = self.kit.now
        self.kit.turn(Tick())
        self.kit.do_jobs()
        for _ in range(1_000):
            due = self.kit.core.wake_at(self.kit.now)
            if due > self.kit.now + SWEEP // 2:
                return
            self.kit.now = max(due, self.kit.now)
            self.kit.turn(Tick())
            self.kit.do_jobs()
        raise AssertionError("it never ends")

    def history(self, conversation: ConversationId = TALK, **arguments: Any) -> Any:
        return self.ask("henderson", commands.History(id=1, conversation=conversation, **arguments))

    def numbers(self, conversation: ConversationId = TALK) -> list[int]:
        return [entry.seq for entry in self.history(conversation, after=0).entries]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    team = Team(tmp_path / "realm")
    yield team
    team.kit.close()


def test_everything_is_kept_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    team = Team(tmp_path / "realm", private_days=0)
    team.send(3)
    team.later(10_000)
    assert team.numbers() == [1, 2, 3]
    team.kit.close()


def test_what_is_too_old_is_removed_by_kind_of_conversation(team: Team) -> None:
    team.send(3)
    team.ask("messi", commands.SendGroup(id=1, group=Name("new"), message="halo"))
    team.later(6)
    team.send(2)
    assert team.numbers() == [1, 2, 3, 4, 5]
    last = team.history().entries[2]
    team.later(6)
    assert team.numbers() == [4, 5]
    page = team.history()
    assert (page.first, page.head) == (4, 5)
    assert follows(last.chain, page.entries[0]), "the chain goes on"
    assert team.numbers(GROUP) == [1]
    team.later(95)
    assert team.numbers(GROUP) == []
    page = team.history(GROUP)
    assert (page.first, page.head) == (2, 1)
    team.ask("messi", commands.SendGroup(id=1, group=Name("new"), message="halo"))
    assert team.numbers(GROUP) == [2]


def test_cursors_pass_over_what_is_gone(team: Team) -> None:
    team.send(20)
    before = team.ask("henderson", commands.Sync(id=1)).total
    team.later(6)
    team.send(2)
    team.later(6)
    assert team.ask("henderson", commands.Sync(id=1)).total == before + 2
    (row,) = [
        one for one in team.ask("henderson", commands.Conversations(id=1)).conversations if one.conversation == TALK
    ]
    assert (row.first, row.head, row.read, row.unread) == (21, 22, 0, 2)
    got: list[int] = []
    for _ in range(3):
        page = team.ask("henderson", commands.Inbox(id=1, limit=1))
        got += [entry.seq for entry in page.messages]
    assert got == [21, 22]
    team.send(2)
    team.later(20)
    assert team.ask("henderson", commands.Inbox(id=1)).messages == []
    (row,) = [
        one for one in team.ask("henderson", commands.Conversations(id=1)).conversations if one.conversation == TALK
    ]
    assert (row.first, row.head, row.unread) == (25, 24, 0)


def test_an_inbox_that_lies_far_behind_gives_each_once(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from realm import inbox

    monkeypatch.setattr(inbox, "SCANNED_AT_MOST", 10)
    team.send(50)
    team.later(6)
    team.send(5)
    team.later(6)
    got: list[int] = []
    while (page := team.ask("henderson", commands.Inbox(id=1, limit=2))).messages or page.more:
        got += [entry.seq for entry in page.messages]
    assert got == [51, 52, 53, 54, 55]


def test_a_round_is_sliced_and_goes_on_after_a_kill(team: Team) -> None:
    team.send(3 * CHANGED)
    team.kit.now += 11 * DAY
    team.kit.turn(Tick())
    gone = 0
    for _ in range(2):
        team.kit.now += 1_000
        team.kit.turn(Tick())
        with team.kit.store.transaction() as tx:
            first = tx.kept(0, 9)[1].first
        assert 0 < first - 1 - gone <= CHANGED
        gone = first - 1
    team.kit.restart()
    team.later(0.01)
    with team.kit.store.transaction() as tx:
        assert tx.kept(0, 9)[1].first == 3 * CHANGED + 1


def test_a_file_goes_with_the_last_entry_that_names_it(team: Team) -> None:
    content = b"picture"
    begun = team.ask("messi", commands.Upload(id=1, digest=sha(content), size=len(content), name="foto"))
    chunk = commands.Chunk(id=1, tokenId=team.tokens["messi"], upload=begun.upload, offset=0)
    file = ok(team.kit.ask(key_of("messi"), chunk, data=content)).file
    team.ask("messi", commands.SendFile(id=1, to=Address("henderson"), file=file))
    team.ask("messi", commands.SendGroupFile(id=1, group=Name("new"), file=file))
    team.later(11)
    assert team.numbers() == []
    assert list(team.kit.disk.blobs.values()) == [content]
    team.later(100)
    team.later(0.1)
    assert team.kit.disk.blobs == {}
    with team.kit.store.transaction() as tx:
        assert tx.blob_bytes() == 0


# clients


class Client:
    """The client's library, without sockets: it asks the realm what it wants to know."""

    def __init__(self, team: Team, **how: Any) -> None:
        self.team = team
        self.mirror = Mirror("henderson@kampus", **how)
        self.asked: list[Command] = []
        self.mirror.beat()
        self.settle()

    def settle(self) -> None:
        """Ask until nothing is wanted; it must come to rest, and nothing may be taken for a lie."""
        for _ in range(50):
            questions = self.mirror.take_questions()
            if not questions:
                assert self.mirror.idle
                assert not any(shown.untrusted for shown in self.mirror.shown.values())
                return
            for question in questions:
                self.asked.append(question.command)
                command = replace(question.command, id=1, tokenId=self.team.tokens["henderson"])
                answer = self.team.kit.ask(key_of("henderson"), command)
                assert isinstance(answer, Answer), answer
                self.mirror.answered(question, answer)
        raise AssertionError(f"it never comes to rest: {self.asked[-5:]}")

    def beat(self) -> list[str]:
        """What it asks at a heartbeat."""
        self.asked.clear()
        self.mirror.beat()
        self.settle()
        return [type(command).__name__ for command in self.asked]

    def numbers(self) -> list[int]:
        return [entry.seq for entry in self.mirror.shown[TALK].entries]


@pytest.mark.parametrize("how", [{}, {"too_far": 100, "keep": 100}, {"too_far": 1, "keep": 2}])
def test_a_client_that_has_all_does_not_mind(team: Team, how: dict[str, int]) -> None:
    team.send(5)
    client = Client(team, **how)
    team.later(11)
    assert client.beat() == ["Sync"]
    client.mirror.want_older(TALK)
    client.settle()
    team.send(1)
    client.beat()
    assert client.numbers()[-1] == 6
    assert client.beat() == ["Sync"]


@pytest.mark.parametrize("how", [{}, {"too_far": 100, "keep": 100}, {"too_far": 1, "keep": 2}])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_client_that_was_away_meanwhile_is_repaired_once(team: Team, how: dict[str, int], kept: int) -> None:
    team.send(5)
    client = Client(team, **how)
    team.send(10)
    team.later(6)
    team.send(kept)
    team.later(6)
    client.beat()
    assert client.numbers() == team.numbers()
    assert client.beat() == ["Sync"]
    client.mirror.want_older(TALK)
    client.settle()
    team.send(2)
    client.beat()
    assert client.numbers()[-2:] == [16 + kept, 17 + kept]
    assert client.beat() == ["Sync"]


def test_a_client_that_comes_later_sees_what_is_left(team: Team) -> None:
    team.send(5)
    team.later(6)
    team.send(2)
    team.later(6)
    client = Client(team)
    client.mirror.want_older(TALK)
    client.settle()
    assert client.numbers() == [6, 7]
    assert client.mirror.shown[TALK].first == 6


# other realms


def test_what_waits_for_another_realm_is_kept_and_what_has_arrived_is_not(tmp_path: Path) -> None:
    settings = Settings(retention=Retention(realm_days=10), peers=PeerRules(keep_days=1))
    with network_in(tmp_path) as network:
        pair = make_pair(network, settings)
        pair.messi.send("bob@pusat", "arrives", entry=1)
        pair.bob.send("messi@kampus", "answers", entry=2)
        pair.network.cut("kampus", "pusat")
        pair.messi.send("bob@pusat", "waits", entry=3)
        pair.messi.send("bob@pusat", "waits too", entry=4)
        network.run(11 * DAY, step=DAY // 4)
        network.run(2_000_000, step=300_000)
        assert pair.messi.texts(pair.talk) == ["waits", "waits too"]
        assert all(entry.queued for entry in pair.messi.history(pair.talk))
        assert pair.messi.inbox("pusat") == []
        network.join("kampus", "pusat")
        network.run(5 * DAY, step=DAY // 4)
        assert pair.bob.texts(pair.talk) == ["arrives", "answers", "waits", "waits too"]
        assert pair.messi.texts(pair.talk) == []
        pair.bob.send("messi@kampus", "again", entry=5)
        network.run(20_000)
        assert pair.messi.texts(pair.talk) == ["again"]


def test_a_peer_that_says_again_what_was_removed_is_not_believed(tmp_path: Path) -> None:
    settings = Settings(retention=Retention(realm_days=1))
    with network_in(tmp_path) as network:
        pair = make_pair(network, settings)
        old = pair.pusat.backup()
        pair.bob.send("messi@kampus", "once", entry=1)
        network.run(2 * DAY, step=DAY // 4)
        assert pair.messi.texts(pair.talk) == []
        pair.pusat.restore(old)
        bob = pair.bob.elsewhere()
        bob.send("messi@kampus", "once", entry=1)
        bob.send("messi@kampus", "new", entry=2)
        network.run(120_000)
        assert pair.messi.texts(pair.talk) == ["new"]
        assert [entry.message for entry in pair.messi.inbox()] == ["new"]


def test_what_was_taken_and_removed_before_its_sender_heard_of_it_does_not_bounce(tmp_path: Path) -> None:
    """Also where the first answer is remembered no longer."""
    settings = Settings(retention=Retention(realm_days=1))
    with network_in(tmp_path) as network:
        pair = make_pair(network, settings)
        network.lose("link.ack")
        pair.bob.send("messi@kampus", "taken", entry=1)
        pair.bob.send("rina@kampus", "refused", entry=2)
        network.run(1_000)
        assert pair.messi.texts(pair.talk) == ["taken"]
        pair.network.cut("kampus", "pusat")
        network.heal()
        network.run(32 * DAY, step=DAY // 4)
        assert pair.messi.texts(pair.talk) == []
        pair.kampus.user("rina")
        network.join("kampus", "pusat")
        network.run(120_000)
        bob = pair.bob.elsewhere()
        assert [entry.kind for entry in bob.history(pair.talk)] == ["text"]
        refused = names.private(Address("bob@pusat"), Address("rina@kampus"))
        assert [entry.kind for entry in bob.history(refused)] == ["text", "bounce"]


def test_a_clock_of_another_realm_keeps_nothing_and_removes_nothing(tmp_path: Path) -> None:
    """What counts is when this realm stored it."""
    settings = Settings(retention=Retention(realm_days=10))
    with network_in(tmp_path) as network:
        pair = make_pair(network, settings)
        pair.pusat.clock = -50 * DAY
        pair.bob.send("messi@kampus", "from the past", entry=1)
        network.run(DAY, step=DAY // 4)
        assert pair.messi.texts(pair.talk) == ["from the past"]
        pair.pusat.clock = 500 * DAY
        network.run(60_000)
        pair.bob.elsewhere().send("messi@kampus", "from the future", entry=2)
        network.run(5 * DAY, step=DAY // 4)
        assert pair.messi.texts(pair.talk) == ["from the past", "from the future"]
        network.run(7 * DAY, step=DAY // 4)
        assert pair.messi.texts(pair.talk) == []


def test_a_damaged_entry_keeps_nothing_else(team: Team) -> None:
    """Neither what is looked at before nor behind it; and with the next round it is tried again."""
    team.ask("messi", commands.Send(id=1, to=Address("messi"), message="halo"))
    team.send(3)
    team.ask("messi", commands.SendGroup(id=1, group=Name("new"), message="halo"))
    execute = team.kit.store._connection.execute
    execute("UPDATE entries SET sender = cast(x'ff41' as text) WHERE id IN (SELECT id FROM entries LIMIT 1 OFFSET 2)")

    def left() -> list[tuple[str, int]]:
        kept = "SELECT name, count(*) FROM entries JOIN conversations ON place >> 32 = conversations.id GROUP BY name"
        return list(execute(kept))

    team.later(120)
    assert left() == [(TALK, 3)]
    assert sum(effect.event == "database damaged" for effect in team.kit.effects if isinstance(effect, Note)) == 1
    execute("UPDATE entries SET sender = 'messi@kampus'")
    team.later(0.1)
    assert left() == []
