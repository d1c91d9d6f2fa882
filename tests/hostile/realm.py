"""A realm without sockets that is given hostile frames: its codec, its core, and both ends of its link to a peer."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from broker import operator
from realm.inputs import Tick
from realm.request import OPERATOR, Request, Route
from schemas.answers import Answer
from schemas.codec import (
    Malformed,
    decode_command,
    decode_event,
    decode_from_peer,
    encode_answer,
    encode_refusal,
)
from schemas.entries import CHAIN_START, follows
from schemas.errors import Code, Refusal
from schemas.federation import Envelope, LinkAck, LinkAgain
from schemas.limits import MAX_MESSAGE, MAX_PAGE
from schemas.names import ConversationId
from tests.hostile.mutation import anything
from tests.hostile.victim import Tally, Victim, timing
from tests.recorded.dialogue import PEER, PEER_KEY, Dialogue, key_at, read
from tests.recorded.protocol import before_farewell, recorded
from tests.rules.kit import RealmKit
from tests.rules.test_federation_fuzz import Peered, answered, peered, said
from tests.wire.dialling import packed

PATIENCE_MS: Final = 3_000
"""After so long a realm answers, whatever its peers do."""
MALFORMED: Final = frozenset({Code.BAD_REQUEST, Code.UNKNOWN_COMMAND, Code.TOO_LARGE, Code.FORBIDDEN})
"""What is said of a frame that is no command."""


# the codec


def corpus() -> list[bytes]:
    """Every frame that was ever recorded, of commands, answers, pushes and links."""
    steps = [step for path in recorded() for step in read(path)]
    return [frame for step in steps for frame in (*step.said, *step.answered, *step.pushed)]


class CodecVictim(Victim):
    """Whatever reads a frame: commands, what peers answer, events."""

    LIFE = 20_000

    def __init__(self, chance: Random, tally: Tally) -> None:
        super().__init__(chance, tally)
        self._corpus = corpus()

    def take(self) -> int:
        frame = self.spoil(self.chance.choice(self._corpus), self._corpus)
        if self.chance.random() < 0.05:
            frame = anything(self.chance)
        frames = [frame, self.spoil(b"bytes of a file")] if self.chance.random() < 0.1 else [frame]
        with self.timed("a command is read"):
            command = decode_command(frames)
        self.tally.came[self._judge(command)] += 1
        with self.timed("an answer of a peer is read"):
            decode_from_peer(frame)
        with self.timed("an event is read"), suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            decode_event(frame)
        return len(frames)

    def _judge(self, command: Any) -> str:
        if not isinstance(command, Malformed):
            return "a command"
        assert command.refusal.code in MALFORMED, command
        frame = encode_refusal(command.id, command.refusal)
        assert len(frame) < 1_000, "what is said of a bad frame is short"
        return str(command.refusal.code)

    def holds(self) -> None:
        """Whatever was read, what is right is read as before."""
        for step in (step for path in recorded() for step in read(path)):
            if step.said:
                assert not isinstance(decode_command(step.said), Malformed)


# the core


class CoreVictim(Victim):
    """A realm with people and a peer, each of whom says what was said before, changed; so does its operator."""

    LIFE = 1_500

    def __init__(self, dialogue: Dialogue, chance: Random, tally: Tally) -> None:
        super().__init__(chance, tally)
        self.kit: RealmKit = dialogue.kit
        said = before_farewell(dialogue)
        self._steps = [step for step in said.steps if step.said]
        self._frames = [step.said[0] for step in self._steps] + OPERATORS
        self._whose = [step.who for step in self._steps] + [OPERATOR] * len(OPERATORS)
        self._before = entries_of(self.kit)
        self._calls = 0

    def take(self) -> int:
        requests = [self._request() for _ in range(self.chance.choice((1, 1, 2, 4)))]
        if sum(one.key == PEER_KEY for one in requests) > 1:
            requests = requests[:1]  # one answer may be for several envelopes
        self.kit.now += self.chance.choice((1, 100, 2_000))
        before = len(self.kit.effects)
        replies = self.kit.turn(*requests) + self.kit.do_jobs()
        if len(replies) < len(requests):
            self.kit.now += PATIENCE_MS
            replies += self.kit.turn(Tick()) + self.kit.do_jobs()
        answered = Counter(id(reply.request) for reply in replies)
        assert answered == {id(one): 1 for one in requests}, f"one answer each: {requests}, {replies}"
        for reply in replies:
            self.tally.came[judge(reply.request.body, reply.answer, self.kit.effects[before:])] += 1
        del self.kit.effects[:], self.kit.published[:]
        return len(requests)

    def _request(self) -> Request:
        at = self.chance.randrange(len(self._frames))
        who = self._whose[at] if self.chance.random() < 0.9 else self.chance.choice(("stranger", f"@{PEER}", "messi"))
        more = self._steps[at].said[1:] if at < len(self._steps) else []
        frames = [self.spoil(self._frames[at], self._frames), *map(self.spoil, more)]
        if self.chance.random() < 0.03:
            frames = self.chance.choice(([anything(self.chance)], [], [*frames, b"more"], [*frames, b"", b""]))
        decoded = decode_command(frames)
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        self._calls += 1
        if who == OPERATOR:
            return operator._request(f"{self._calls}".encode(), b"".join(frames))
        return Request(Route(f"{self._calls}".encode()), key_at(who), "127.0.0.1", body, data)

    def holds(self) -> None:
        """Chains verify, and what was there before is there."""
        now = entries_of(self.kit)
        for conversation, entries in self._before.items():
            there = now.get(conversation, [])[: len(entries)]
            assert _keys(there) == _keys(entries), f"{conversation} is not what it was"
        self.kit.restart()
        assert {name: _keys(entries) for name, entries in entries_of(self.kit).items()} == {
            name: _keys(entries) for name, entries in now.items()
        }, "it is another after a restart"


def _keys(entries: Sequence[Any]) -> list[tuple[int, str, bytes]]:
    return [(entry.seq, entry.id, entry.chain) for entry in entries]


_OPERATOR_SAYS: Final[dict[str, dict[str, Any]]] = {
    "peers": {},
    "addpeer": {"realm": "barat", "address": "127.0.0.1", "port": 1},
    "registration": {},
    "figures": {},
    "reload": {},
    "users": {},
    "adduser": {"username": "baru", "password": "surabaya", "name": "Baru", "country": "Indonesia"},
    "resetpassword": {"username": "lineker", "password": "surabaya"},
    "disableuser": {"username": "lineker", "disabled": False},
    "adminuser": {"username": "lineker", "admin": True},
}
"""Not what takes away what others go on with: erasing and forgetting have tests of their own."""
OPERATORS: Final = [packed(cmd=f"operator.{cmd}", id=1, **told) for cmd, told in _OPERATOR_SAYS.items()]


def judge(body: Any, answer: Any, effects: Sequence[Any]) -> str:
    """What was answered; raises AssertionError where that is not in the protocol."""
    if isinstance(answer, Refusal):
        assert answer.code is not Code.INTERNAL_ERROR, effects
        assert answer.text
        frame = encode_refusal(None if isinstance(body, Envelope) else body.id, answer)
        assert len(frame) < 2_000, "an error is said in a sentence"
        return str(answer.code)
    if isinstance(body, Envelope):
        assert isinstance(answer, LinkAck | LinkAgain), answer
        return "link.ack" if isinstance(answer, LinkAck) else "link.again"
    assert not isinstance(body, Malformed), f"{body} was done: {answer}"
    assert isinstance(answer, Answer), answer
    assert isinstance(answer, body.answer), answer
    assert len(encode_answer(answer)) < MAX_PAGE + MAX_MESSAGE
    return "OK"


def entries_of(kit: RealmKit) -> dict[str, list[Any]]:
    """All that was ever said there; its chains verify."""
    database = kit.store._connection
    found: dict[str, list[Any]] = {}
    for (name,) in database.execute("SELECT name FROM conversations ORDER BY name").fetchall():
        with kit.store.transaction() as tx:
            found[name] = list(tx.history(ConversationId(name), after=0, limit=100_000, max_bytes=1 << 30).entries)
        before = CHAIN_START
        for entry in found[name]:
            assert follows(before, entry), f"the chain of {name} breaks at {entry.seq}"
            before = entry.chain
    return found


# the link


class LinkVictim(Victim):
    """A realm whose peer says anything to it, and answers anything on its link."""

    LIFE = 500

    def __init__(self, world: Peered, chance: Random, tally: Tally) -> None:
        super().__init__(chance, tally)
        self._world = world
        world.spoil = self.spoil

    def take(self) -> int:
        where = self.chance.choice(["said"] * 6 + ["answered"] * 5 + ["user"] * 2 + ["time"])
        if where in ("said", "answered"):
            told = (said if where == "said" else answered)(self.chance.choice)
        else:
            told = {"way": self.chance.choice((0, 1, 2, 2, 3)) % (4 if where == "user" else 3)}
            told["entry"] = self.chance.randrange(999)
        before = len(self._world.took)
        self._world.do(where, told)
        self.tally.came.update(self._world.took[before:])
        return int(where in ("said", "answered"))

    def holds(self) -> None:
        self._world.holds()


# how each is begun


def codec(stack: ExitStack, folder: Path, chance: Random, tally: Tally) -> Victim:
    """Of the codec there is one."""
    return CodecVictim(chance, tally)


def core(stack: ExitStack, folder: Path, chance: Random, tally: Tally) -> Victim:
    """A new realm."""
    dialogue = Dialogue(folder / "kampus")
    stack.callback(dialogue.close)
    stack.enter_context(timing(tally))
    return CoreVictim(dialogue, chance, tally)


def link(stack: ExitStack, folder: Path, chance: Random, tally: Tally) -> Victim:
    """A new realm, and its peer."""
    world = stack.enter_context(peered())
    stack.enter_context(timing(tally))
    return LinkVictim(world, chance, tally)
