"""Plays dialogues against live realms: several actors speak and hear. Nothing but pyzmq and msgpack is used.

    # a comment
    messi: register messi surabaya Argentina Lionel Messi  a command, in the contract's own text syntax
    messi: history limit=2 henderson                       arguments by name come first
    messi: send henderson pesan {1..50}                    fifty commands, all sent before an answer is read
    messi: chunk upload=$u offset=0 bytes=$part            `bytes` go in a second frame, as they come in an answer
    messi gets: tokenId                                    the answer has that field
    messi gets: Message sent                               … or says that
    messi gets: more=true head>2 name="Gary Lineker"       … or has such fields (=, !=, >; a.b reaches inside)
    messi gets: ERROR user_not_found User tidak ada        … or is that error; a text may end in …
    messi gets messages:                                   … or has that list, item by item
        1 lineker: halo
    messi gets users (username, active):                   … with these fields of each item
        lineker, true
    henderson hears: halo                                  the next push is an entry that says this
    henderson hears read: seq=2 by=messi@kampus            the next push is another event
    henderson hears nothing else                           there is no other push
    messi keeps tokenId as token                           $token is that value from here on
    messi restarts                                         new sockets, the same key
    restart realm · kill realm · start realm               SIGTERM and again · SIGKILL · again

A command that no `gets` follows must be answered OK. Each actor (`messi#phone` is another device) has a key of
its own; after a login it is subscribed and has had its `welcome`. Entries that anybody is told of must agree
with each other and follow in the chain. At the end nobody may have heard more than was said. With several
realms, `bob@pusat` is on the one named pusat, who has no `@` on the first; `kill realm pusat` names one too.
"""

import difflib
from functools import partial
from types import TracebackType
from typing import Any, Protocol

import msgpack
import zmq

from tests.wire.player_actor import LOGINS, Actor
from tests.wire.player_language import Map, Step, command, expand, parse
from tests.wire.player_matching import match_answer, match_event, match_items, short, text_of
from tests.wire.stranger import follows

HOST = "127.0.0.1"
CONTEXT_LINES = 6


class Realm(Protocol):
    """What the player needs of a realm's process."""

    name: str
    door: int

    def start(self) -> Any: ...
    def stop(self) -> int: ...
    def kill(self) -> None: ...


class DialogueError(AssertionError):
    """It did not go as the dialogue says; the message is the difference."""


class Stage:
    """The actors and what they remember. Close it at the end."""

    def __init__(self, realm: Realm, *others: Realm) -> None:
        self.realm = realm
        self.realms = {one.name: one for one in (realm, *others)}
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.actors: dict[str, Actor] = {}
        self.values: Map = {}
        self.entries: dict[tuple[str, str, int], Map] = {}
        self.faults: list[str] = []
        self.cards: dict[str, Map] = {}

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for actor in self.actors.values():
            actor.close()
        self.context.destroy(linger=0)

    def play(self, dialogue: str, **values: Any) -> None:
        """Play it; `values` are its first `$variables`. Raises DialogueError where it goes otherwise."""
        __tracebackhide__ = True
        self.values.update(values)
        steps = parse(dialogue)
        past: list[str] = []
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            happened = self.happens(step, following)
            if happened != step.lines:
                raise DialogueError(_difference(past, step.lines, happened))
            past += step.lines
        if rest := self.unheard():
            raise DialogueError(_difference(past, [], rest))

    def actor(self, name: str) -> Actor:
        """The actor of that name, who enters with the first mention."""
        if name not in self.actors:
            realm = name.partition("@")[2].partition("#")[0] or self.realm.name
            if realm not in self.cards:
                self.cards[realm] = read_card(self.context, f"tcp://{HOST}:{self.realms[realm].door}")
            self.actors[name] = Actor(self.context, self.cards[realm], HOST, name)
            self.actors[name].checked = partial(self.check, realm)
        return self.actors[name]

    def happens(self, step: Step, following: Step | None) -> list[str]:
        """Do what a step says, and say what happened, in its words where it is as expected."""
        if not step.actor:
            return self._realm(step)
        actor = self.actor(step.actor)
        play = {"says": self._says, "gets": self._gets, "hears": self._hears, "keeps": self._keeps}
        happened = play.get(step.verb, self._restarts)(actor, step)
        answered = following is not None and (following.actor, following.verb) == (step.actor, "gets")
        if step.verb == "says" and not answered and _refused(actor.answer):
            happened.append(f"{step.actor} gets: {text_of(actor.answer or {})}")
        happened += self.faults
        self.faults.clear()
        return happened

    def _says(self, actor: Actor, step: Step) -> list[str]:
        commands = [command(text, actor.user, self.values) for text in expand(step.rest)]
        answers = actor.ask(commands)
        happened = [step.line]
        happened += [f"{step.actor} gets: {text_of(answer)}" for answer in answers[:-1] if _refused(answer)]
        if actor.answer is None:
            happened.append(f"{step.actor} gets: (no answer in time to {len(commands) - len(answers)})")
        elif commands[-1].get("cmd") in LOGINS and not _refused(actor.answer) and not actor.listen():
            happened.append(f"{step.actor} hears: (no welcome in time)")
        return happened

    def _gets(self, actor: Actor, step: Step) -> list[str]:
        if actor.answer is None:
            return [f"{step.actor} gets: (nothing)"]
        if not step.what:
            told = match_answer(step.rest, actor.answer, actor.user, self.values)
            return [step.line if told == step.rest else f"{step.actor} gets: {told}"]
        rows = match_items(step.what, step.rows, actor.answer, actor.user, self.values)
        return [step.line] + [f"    {row}" for row in rows]

    def _hears(self, actor: Actor, step: Step) -> list[str]:
        if step.what == "nothing else":
            if actor.in_doubt:
                raise ValueError(f"say first that {step.actor} hears welcome: the realm has restarted")
            return [step.line, *self._unheard(actor)]
        happened: list[str] = []
        for line, expected in zip(step.lines, expand(step.rest), strict=True):
            event = actor.hear()
            if event is None:
                return [*happened, f"{step.actor} hears: (nothing in time)"]
            kind, told = match_event(step.what, expected, event, actor.user, self.values)
            happened.append(line if (kind, told) == (step.what, expected) else _heard(step.actor, kind, told))
        return happened

    def _keeps(self, actor: Actor, step: Step) -> list[str]:
        path, _, name = step.what.partition(" as ")
        self.values[name or path] = (actor.answer or {})[path]
        return [step.line]

    def _restarts(self, actor: Actor, step: Step) -> list[str]:
        actor.close()
        actor.open()
        actor.token, actor.topic = "", None
        return [step.line]

    def _realm(self, step: Step) -> list[str]:
        realm = self.realms[step.what or self.realm.name]
        if step.verb == "kill":
            realm.kill()
        elif step.verb == "restart" and (code := realm.stop()):
            return [step.line, f"the realm ends with {code}"]
        if step.verb != "kill":
            realm.start()
        for actor in self.actors.values():
            if actor.realm == realm.name:
                actor.in_doubt = actor.topic is not None
        return [step.line]

    def unheard(self) -> list[str]:
        """What anybody has heard that the dialogue does not speak of."""
        return [line for actor in self.actors.values() for line in self._unheard(actor)]

    def _unheard(self, actor: Actor) -> list[str]:
        proven = actor.topic is None or actor.marked()
        actor.here_already()
        rest = [event for event in actor.heard if not (actor.in_doubt and event["event"] == "welcome")]
        actor.heard.clear()
        lines = [_heard(actor.name, *match_event("", "", event, actor.user, {})) for event in rest]
        return lines if proven else [*lines, f"{actor.name} hears: (no welcome in time)"]

    def check(self, realm: str, entry: Map) -> None:
        """In a realm every entry is told alike to everybody until it is erased, and follows the one before it."""
        conversation, seq = entry["conversation"], entry["seq"]
        known = self.entries.setdefault((realm, conversation, seq), entry)
        if entry.get("erased") and known["chain"] == entry["chain"]:
            known = self.entries[realm, conversation, seq] = entry
        if known != entry:
            self.faults.append(f"two entries are number {seq} of {conversation}: {known} and {entry}")
        before = self.entries.get((realm, conversation, seq - 1))
        chain = before["chain"] if before else bytes(32)
        if (before or seq == 1) and not follows(chain, entry):
            self.faults.append(f"entry {seq} of {conversation} does not follow in the chain")


def read_card(context: "zmq.Context[zmq.Socket[bytes]]", door: str) -> Map:
    """The identity card at a front door; raises zmq.Again where none comes in 10 s."""
    with context.socket(zmq.REQ) as socket:
        socket.linger, socket.rcvtimeo = 0, 10_000
        socket.connect(door)
        socket.send(msgpack.packb({"cmd": "identity", "id": 1}))
        return dict(msgpack.unpackb(socket.recv()))


def play(realm: Realm, dialogue: str, **values: Any) -> None:
    """Play one dialogue with actors of its own."""
    __tracebackhide__ = True
    with Stage(realm) as stage:
        stage.play(dialogue, **values)


def _refused(answer: Map | None) -> bool:
    return answer is not None and answer["status"] != "OK"


def _heard(name: str, kind: str, told: str) -> str:
    return f"{name} hears{' ' + kind if kind else ''}: {told}"


def _difference(past: list[str], expected: list[str], happened: list[str]) -> str:
    """What went before, then what the dialogue says (-) against what happened (+)."""
    before = [f"  {short(line)}" for line in past[-CONTEXT_LINES:]]
    everything = len(expected) + len(happened)
    lines = [*difflib.unified_diff(expected, happened, n=everything, lineterm="")][3:]
    after = [f"{line[0]} {short(line[1:])}" for line in lines]
    return "\n".join(["it did not go as the dialogue says", *before, *after])
