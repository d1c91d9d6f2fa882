"""What attackers and their victims have in common: CURVE keys, a caller of commands, a listener for pushes.

It knows the protocol page and nothing else; it shares no code with the realm that it talks to.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

from tests.realm_process import FAST_HASHING, NO_LIMITS, RealmProcess, running
from tests.wire.curve import CurvePeer
from tests.wire.dialling import (
    PATIENCE_MS,
    Dialled,
    Keys,
    Map,
    SilenceError,
    Sockets,
    new_keys,
    packed,
    received,
    unpacked,
)
from tests.wire.zmtp import RawPeer, stranger

WELCOME_MS = 500
"""Without a welcome in this time, subscribe again: the protocol says 2 s, and sooner does no harm."""

PASSWORD = "surabaya-1234"
HARD_LIMITS = "trusted_clients = []\n"


class Outside(Sockets):
    """What reaches one realm from outside."""

    def __init__(self, realm: RealmProcess) -> None:
        super().__init__()
        self.realm = realm
        self._marker: Person | None = None
        self.server_key = str(self.card()["key"]).encode()

    def card(self, source: str = "") -> Map:
        """The realm's identity card."""
        door = self.dial(zmq.DEALER, self.realm.door, source=source)
        door.socket.send(packed(cmd="identity", id=1))
        card = unpacked(received(door.socket)[-1])
        door.close()
        return card

    def caller(self, keys: Keys | None = None, **options: Any) -> "Caller":
        """A client of the commands port."""
        dialled = self.dial(zmq.DEALER, self.realm.commands, keys or new_keys(), **options)
        return Caller(dialled.socket, dialled.close)

    def listener(self, keys: Keys, topic: bytes = b"", **options: Any) -> "Listener":
        """A client of the push port that has not yet subscribed; it may still be refused."""
        return Listener(self.dial(zmq.XSUB, self.realm.push, keys, **options), topic)

    def person(self, username: str, **options: Any) -> "Person":
        """A new user, logged in."""
        keys = new_keys()
        return Person(self, username, keys, self.caller(keys, **options))

    @property
    def marker(self) -> "Person":
        """Somebody who sends what marks the end of what is to be heard."""
        if self._marker is None:
            self._marker = self.person("marker")
        return self._marker


@contextmanager
def outside(realm: RealmProcess) -> Iterator[Outside]:
    """Sockets towards `realm`, closed at the end."""
    here = Outside(realm)
    try:
        yield here
    finally:
        here.close()


@contextmanager
def served(folder: Path) -> Iterator[Outside]:
    """What reaches a new realm, which must be well at the end: for a whole module of attacks."""
    realm = RealmProcess(folder, config=FAST_HASHING + NO_LIMITS)
    with running(realm), outside(realm) as here:
        yield here
    assert "internal error" not in realm.log()


class Caller:
    """Sends commands and waits for their answers."""

    def __init__(self, dealer: zmq.Socket[bytes], close: Callable[[], object] | None = None) -> None:
        """`close` ends it with what belongs to it."""
        self.socket, self.close = dealer, close or dealer.close
        self._ids = itertools.count(1)

    def post(self, cmd: str, **arguments: object) -> int:
        """Send a command without waiting, and return its id."""
        call = next(self._ids)
        self.socket.send(packed(cmd=cmd, id=call, **arguments))
        return call

    def ask(self, cmd: str, **arguments: object) -> Map:
        """The answer to one command, whatever it says."""
        call = self.post(cmd, **arguments)
        answer = self.answer()
        assert answer["id"] == call, answer
        return answer

    def done(self, cmd: str, **arguments: object) -> Map:
        """The answer to a command that must work."""
        answer = self.ask(cmd, **arguments)
        assert answer["status"] == "OK", answer
        return answer

    def refused(self, cmd: str, **arguments: object) -> str:
        """The code of a command that must not work."""
        return refusal(self.ask(cmd, **arguments))

    def answer(self) -> Map:
        """The next answer, of one frame."""
        (frame,) = received(self.socket)
        return unpacked(frame)


def refusal(answer: Map) -> str:
    """The code of an error answer that has everything that an error answer must have."""
    assert answer["status"] == "ERROR", answer
    assert isinstance(answer["message"], str), answer
    assert answer["message"], answer
    assert "id" in answer, answer
    return str(answer["code"])


def only_answer(caller: Caller, *frames: bytes) -> Map:
    """The answer to these frames, which is the only one: the next belongs to the next command."""
    caller.socket.send_multipart(frames)
    answer = unpacked(received(caller.socket)[-1])
    caller.ask("info")
    return answer


class Listener:
    """An XSUB: unlike a SUB it hides nothing that arrives, and sends what it likes."""

    def __init__(self, dialled: Dialled, topic: bytes) -> None:
        self.dialled, self.socket, self.topic = dialled, dialled.socket, topic
        self.heard: list[tuple[bytes, Map]] = []

    def connected(self) -> "Listener":
        self.dialled.wait(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        return self

    def subscribe(self, topic: bytes | None = None) -> None:
        self.socket.send(b"\x01" + (self.topic if topic is None else topic))

    def unsubscribe(self) -> None:
        self.socket.send(b"\x00" + self.topic)

    def welcomed(self) -> "Listener":
        """Wait for the welcome, and subscribe again as often as the protocol tells a client to."""
        welcome_all([self])
        return self

    def hear(self) -> Map:
        """The next event, under whatever topic."""
        topic, event = received(self.socket)
        self.heard.append((topic, unpacked(event)))
        return self.heard[-1][1]

    def hear_until(self, text: str) -> list[str]:
        """The texts of the entries that come, up to and with `text`."""
        texts: list[str] = []
        while text not in texts:
            event = self.hear()
            if event["event"] == "entry":
                texts.append(event["entry"]["message"])
        return texts

    @property
    def topics(self) -> set[bytes]:
        """All topics under which something was heard."""
        return {topic for topic, _ in self.heard}

    def close(self) -> None:
        self.dialled.close()


def welcome_all(listeners: Sequence[Listener]) -> None:
    """Wait until each has heard its welcome; who hears none in time subscribes again."""
    waiting = list(listeners)
    for _ in range(PATIENCE_MS // WELCOME_MS):
        until = time.monotonic() + WELCOME_MS / 1000
        for listener in waiting:
            while listener.socket.poll(max(0, int((until - time.monotonic()) * 1000))):
                if listener.hear()["event"] == "welcome":
                    break
        waiting = [one for one in waiting if not one.heard or one.heard[-1][1]["event"] != "welcome"]
        if not waiting:
            return
        for listener in waiting:
            listener.unsubscribe()
            listener.subscribe()
    raise SilenceError("no welcome")


class Person:
    """A well-behaved user with one key, one caller, and as many listeners as wanted."""

    def __init__(self, here: Outside, username: str, keys: Keys, caller: Caller) -> None:
        self.here, self.username, self.keys, self.caller = here, username, keys, caller
        self._opened(caller.done("register", username=username, password=PASSWORD, name=username, country="Indonesia"))

    def _opened(self, session: Map) -> None:
        self.token, self.topic = str(session["tokenId"]), bytes(session["topic"])

    def log_in(self) -> None:
        """Open a session again, which replaces the one of this key."""
        self._opened(self.caller.done("auth", username=self.username, password=PASSWORD))

    def post(self, cmd: str, **arguments: object) -> int:
        return self.caller.post(cmd, tokenId=self.token, **arguments)

    def ask(self, cmd: str, **arguments: object) -> Map:
        return self.caller.ask(cmd, tokenId=self.token, **arguments)

    def done(self, cmd: str, **arguments: object) -> Map:
        return self.caller.done(cmd, tokenId=self.token, **arguments)

    def send(self, to: str, message: str) -> Map:
        return self.done("send", to=to, message=message)

    def listener(self, **options: Any) -> Listener:
        """A connection to the push port that has not yet subscribed."""
        return self.here.listener(self.keys, self.topic, **options).connected()

    def listening(self) -> Listener:
        """A connection to the push port that hears."""
        listener = self.listener()
        listener.subscribe()
        return listener.welcomed()

    def hears_up_to_now(self, listener: Listener) -> list[str]:
        """What `listener` has heard so far: a third person marks the end, so silence needs no clock."""
        mark = f"mark {os.urandom(8).hex()}"
        self.here.marker.send(self.username, mark)
        return listener.hear_until(mark)[:-1]


class Witness:
    """Two users who were there before the attack, and must notice nothing of it."""

    def __init__(self, here: Outside, **options: Any) -> None:
        """With `options` of the socket on which one speaks."""
        self.speaker, self.hearer = here.person("witness-a", **options), here.person("witness-b")
        self.ears = self.hearer.listening()
        self._said = itertools.count(1)

    def notices_nothing(self) -> None:
        """A message goes through, live and as the only one, and under the right number."""
        number = next(self._said)
        text = f"witness {number}"
        assert self.speaker.send("witness-b", text)["seq"] == number
        assert self.ears.hear_until(text) == [text]
        assert self.ears.topics == {self.hearer.topic}


def at_the_door(here: Outside) -> RawPeer:
    """A stranger there who has shaken hands."""
    return stranger(here.realm.door)


def on_commands(here: Outside) -> CurvePeer:
    """A stranger there with a key."""
    return CurvePeer(here.realm.commands, here.server_key, new_keys(), {b"Socket-Type": b"DEALER"})


def on_push(here: Outside, name: str) -> CurvePeer:
    """A new user of that name there, who hears nothing yet."""
    return CurvePeer(here.realm.push, here.server_key, here.person(name).keys, {b"Socket-Type": b"SUB"})
