"""A client of a realm that lies: what a real core answers and pushes, changed on its way, for library and window."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any, Final

from client.errors import ClientError, NoAnswerError
from client.harmless import is_harmful
from client.mirror import Mirror, Question
from client.model.desk import Desk, Wish, mirror_of_a_window
from client.model.glance import glances
from client.model.reading import blocks
from client.model.room import rows
from client.present import answer_text, error_text, event_text
from client.reflect import reflect
from client.session import Session, SessionEnded, Settled
from client.ui.complaint import complaint
from client.ui.words import INDONESIAN
from realm.request import Request, Route
from schemas import commands
from schemas.answers import Answer, Downloaded, UploadOpened
from schemas.codec import Malformed, decode_command, encode_answer, encode_event, encode_refusal
from schemas.commands import Command
from schemas.errors import Refusal
from schemas.events import Welcome
from schemas.names import Address, ConversationId, Name
from tests.hostile.mutation import lied
from tests.hostile.victim import Tally, Victim
from tests.recorded.dialogue import Dialogue
from tests.recorded.protocol import before_farewell
from tests.rules.kit import RealmKit, key_of

LYING: Final = 0.7
SENTENCE: Final = 2_000
"""Characters of an error at most."""
CONVERSATION: Final = ConversationId("private/henderson@kampus,messi@kampus")


class ClientVictim(Victim):
    """Messi's program, as `Connection` and `Chat` drive it; nothing that it is told may make it raise."""

    LIFE = 600

    def __init__(self, dialogue: Dialogue, chance: Random, tally: Tally) -> None:
        super().__init__(chance, tally)
        self._kit: RealmKit = dialogue.kit
        said = before_farewell(dialogue)
        self._pushes = [frame for step in said.steps for frame in step.pushed]
        self._frames = self._pushes + [frame for step in said.steps for frame in step.answered]
        self._key = key_of("messi")
        self._entries = 0
        self._session = Session(self._new_entry)
        self.login()

    def _new_entry(self) -> str:
        self._entries += 1
        return f"01K{self._entries:023d}"

    def spoil(self, frame: bytes, others: Sequence[bytes] = ()) -> bytes:
        """Mostly what can be read: a realm that lies says what is well-formed."""
        return lied(frame, self.chance) if self.chance.random() < LYING else super().spoil(frame, others)

    def login(self) -> None:
        """Begin anew, with an answer that is whatever it is; where that cannot be, with the right one."""
        log_in = commands.Auth(id=0, username=Name("messi"), password="surabaya")
        self._ask(log_in)
        while self._session.login is None:
            self._ask(log_in, honest=True)
        user = self._session.login.user
        self._mirrors = [mirror_of_a_window(user), Mirror(user, keep=1_000)]
        self._desk = Desk(self._mirrors[0], "Lionel Messi")

    def take(self) -> int:
        chance, before = self.chance, self.tally.frames
        self._kit.now += 1_000
        what = chance.choice((self._push, self._push, self._say, self._look, self._beat, self._repair, self._repair))
        what()
        del self._kit.effects[:], self._kit.published[:]
        if self._session.login is None:
            self.login()
        return max(1, self.tally.frames - before)

    # what comes

    def _ask(self, command: Command, payload: bytes = b"", *, honest: bool = False) -> Answer | ClientError:
        """What the program learns of the answer of a realm."""
        call = self._session.ask(command, payload)
        decoded = decode_command(list(call.frames))
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        request = Request(Route(b"\0messi"), self._key, "127.0.0.1", body, data)
        replies = self._kit.turn(request) + self._kit.do_jobs()
        for reply in replies:
            answer = reply.answer
            frame = encode_refusal(call.id, answer) if isinstance(answer, Refusal) else encode_answer(answer)
            frames = [frame] if reply.data is None else [frame, reply.data]
            if not honest:
                frames = [self.spoil(one, self._frames) for one in frames]
            with self.timed("an answer is read"):
                settled = self._session.answered(frames)
            if settled is not None and settled.call is call:
                self.tally.came["answers taken"] += 1
                self._settled(settled)
                return settled.outcome
            self.tally.came["answers to nothing"] += 1
        self._session.forget(call)
        return NoAnswerError("no answer")

    def _settled(self, settled: Settled) -> None:
        if isinstance(settled.outcome, ClientError):
            self._see_sentence(settled.outcome)
        elif not isinstance(settled.outcome, UploadOpened | Downloaded):  # of which a person sees no more than a file
            answer_text(settled.outcome, self._session.login)
        for mirror in getattr(self, "_mirrors", ()):
            reflect(mirror, settled.call.command, settled.outcome)

    def _see_sentence(self, error: ClientError) -> None:
        """What a person is told is one sentence that is no wall of text."""
        self.tally.came[type(error).__name__] += 1
        for told in (str(error), error_text(error), complaint(INDONESIAN, error)):
            assert told, repr(error)
            assert len(told) < SENTENCE, f"{len(told)} characters: {told[:200]}"
            assert told is str(error) or not any(map(is_harmful, told)), repr(told[:200])

    def _push(self) -> None:
        assert self._session.login is not None
        topic = self._session.login.topic
        frames = [topic, self.spoil(self.chance.choice(self._pushes), self._frames)]
        if self.chance.random() < 0.03:
            frames = self.chance.choice(([topic], [], [*frames, b""], [b"another topic", frames[1]]))
        if self.chance.random() < 0.05:
            frames = [topic, encode_event(Welcome(epoch=self.chance.choice((7, 8, -1)), total=0))]
        with self.timed("a push is read"):
            events = self._session.heard(frames)
        self.tally.came["pushes taken" if events else "pushes that say nothing"] += 1
        for event in events:
            event_text(event, self._session.login)
            if not isinstance(event, SessionEnded):
                for mirror in self._mirrors:
                    mirror.heard(event)
                self._desk.heard(event)
        self._changed()

    # what a program does

    def _say(self) -> None:
        """Something that a person does."""
        entry = self._new_entry()
        said: list[Command] = [
            commands.Send(
                id=0, to=Address(self.chance.choice(("henderson", "bob@pusat"))), message="halo", entry=entry
            ),
            commands.SendGroup(id=0, group=Name("kelompok-bagan"), message="halo", entry=entry),
            commands.JoinGroup(id=0, group=Name("new")),
            commands.LeaveGroup(id=0, group=Name("new")),
            commands.Users(id=0),
            commands.Groups(id=0),
            commands.Realms(id=0),
            commands.Inbox(id=0),
            commands.Resume(id=0),
            commands.Upload(id=0, digest=bytes(32), size=9, name="x"),
            commands.Download(id=0, file="x", offset=0, size=9),
        ]
        self._ask(self.chance.choice(said))
        self._changed()

    def _look(self) -> None:
        """Open a room, scroll in it, close it."""
        known = [*self._desk.overview.rows, *self._mirrors[0].shown, CONVERSATION]
        desk = self._desk
        self.chance.choice(
            (lambda: desk.open(self.chance.choice(known)), desk.hold, desk.follow, desk.older, desk.newer, desk.close)
        )()
        self._mirrors[1].want_older(self.chance.choice(known))
        self._changed()

    def _beat(self) -> None:
        for mirror in self._mirrors:
            mirror.beat()
        self._changed()

    def _repair(self) -> None:
        """Ask what the mirrors and the desk want to know, once round."""
        for mirror in self._mirrors:
            for question in mirror.take_questions():
                self._answer(mirror, question)
            mirror.take_news()
        wishes = self._desk.take_wishes()
        for _ in range(5):
            wishes = [more for wish in wishes for more in self._wish(wish)]
        self._changed()

    def _answer(self, mirror: Mirror, question: Question) -> None:
        mirror.answered(question, self._ask(question.command))
        mirror.go_on()

    def _wish(self, wish: Wish) -> list[Wish]:
        return self._desk.answered(wish, self._ask(wish.command))

    def _changed(self) -> None:
        """As a window does: see what has changed, and draw it."""
        with self.timed("it is drawn"):
            self._draw()

    def _draw(self) -> None:
        desk = self._desk
        desk.changed()
        glances(desk, {"henderson@kampus"}, UTC, 100)
        seen = 0 if desk.shown is None else desk.shown.seen
        drawn: list[Any] = rows(desk.entries, desk.outgoing, user=desk.user, name=desk.name, seen=seen, zone=UTC)
        blocks(drawn)

    def holds(self) -> None:
        """It keeps no more of a conversation than it may."""
        for mirror in self._mirrors:
            for shown in mirror.shown.values():
                assert len(shown.entries) <= 2_000


def client(stack: ExitStack, folder: Path, chance: Random, tally: Tally) -> Victim:
    """A new realm, and somebody's program."""
    dialogue = Dialogue(folder / "kampus")
    stack.callback(dialogue.close)
    return ClientVictim(dialogue, chance, tally)
