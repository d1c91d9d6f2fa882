"""One device of one user: a CURVE key, a DEALER for commands and an XSUB for push. Every wait is bounded."""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgpack
import zmq

from tests.wire.player_language import Map

WAIT = 10.0
"""Seconds after which what is waited for has not happened."""
SUBSCRIBE_AGAIN = 2.0
"""Seconds without `welcome` after which protocol.md wants a fresh socket."""
LOGINS = ("auth", "register", "resume")


class Actor:
    """Speaks and hears. `checked` is called with every entry that it is told of."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", card: Map, host: str, name: str) -> None:
        self.context, self.card, self.host, self.name = context, card, host, name
        self.realm = card["realm"]
        self.user = f"{re.split('[#@]', name)[0]}@{self.realm}"
        self.public, self.secret = zmq.curve_keypair()
        self.calls = 0
        self.token = ""
        self.topic: bytes | None = None
        self.answer: Map | None = None
        self.heard: deque[Map] = deque()
        self.in_doubt = False
        """Whether a `welcome` may come without being asked for: the realm has restarted."""
        self.checked: Callable[[Map], None] = lambda _: None
        self.open()

    def open(self) -> None:
        """Sockets of a client that has just been started."""
        self.dealer = self._connect(zmq.DEALER, self.card["commands"])
        self.push: zmq.Socket[bytes] | None = None

    def close(self) -> None:
        """Close both sockets; what was not read is lost."""
        self.dealer.close()
        self._close_push()

    def _close_push(self) -> None:
        if self.push is not None:
            self.push.close()
            self.push = None

    def _connect(self, kind: int, port: int) -> "zmq.Socket[bytes]":
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = socket.sndhwm = 0
        socket.reconnect_ivl = 20
        socket.curve_serverkey = self.card["key"].encode()
        socket.curve_publickey, socket.curve_secretkey = self.public, self.secret
        socket.connect(f"tcp://{self.host}:{port}")
        return socket

    def ask(self, commands: list[Map]) -> list[Map]:
        """Send all, then wait for the answers, in the order of the commands; fewer where some never came."""
        calls = []
        for command in commands:
            self.calls += 1
            calls.append(self.calls)
            own = {"id": self.calls, **({"tokenId": self.token} if self.token else {})}
            told = {name: value for name, value in command.items() if name != "bytes"}
            second = [command["bytes"]] if "bytes" in command else []
            self.dealer.send_multipart([msgpack.packb({**own, **told}), *second])
        answers: dict[Any, Map] = {}
        until = time.monotonic() + WAIT
        while len(answers) < len(calls) and self.dealer.poll(_left(until)):
            frame, *second = self.dealer.recv_multipart()
            answer = dict(msgpack.unpackb(frame))
            if second:
                answer["bytes"] = second[0]
            if answer["id"] not in calls or answer["id"] in answers:
                raise AssertionError(f"{self.name} gets an answer that nobody asked for: {answer}")
            answers[answer["id"]] = answer
        got = [answers[call] for call in calls if call in answers]
        for command, answer in zip(commands, got, strict=False):
            self._notice(command, answer)
        self.answer = got[-1] if len(got) == len(calls) else None
        return got

    def _notice(self, command: Map, answer: Map) -> None:
        """What an answer means for the session, and the entries in it."""
        own = command.get("tokenId", self.token) == self.token
        cmd = command.get("cmd")
        if answer["status"] == "OK" and cmd in LOGINS:
            self.token, self.topic, self.user = answer["tokenId"], answer["topic"], answer["user"]
        ended = answer.get("code") == "session_not_found" or cmd == "logout"
        if own and ended:
            self.topic = None
        for entry in answer.get("messages", []) + answer.get("entries", []):
            self.checked(entry)
        for row in answer.get("conversations", []):
            if "last" in row:
                self.checked(row["last"])
        if own and "chain" in answer:
            said = ("conversation", "seq", "name", "sent_at", "salt", "chain")
            entry = {**{key: answer[key] for key in said}, "id": answer["entry"], "from": self.user}
            if "file" in command:
                self.checked({**entry, "kind": "file", "file": answer["file_info"]})
            else:
                self.checked({**entry, "kind": "text", "message": command["message"]})

    def listen(self) -> bool:
        """Subscribe to the session's topic and wait for `welcome`; other events are kept for `hear`."""
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if self.marked(min(until, time.monotonic() + SUBSCRIBE_AGAIN)):
                return True
            self._close_push()
        return False

    def marked(self, until: float | None = None) -> bool:
        """Ask for a `welcome` and read until it comes, keeping what comes before it for `hear`.

        One connection keeps its order, and a realm publishes what it has answered before it takes in the next
        frame: when this `welcome` is here, everything that was published before is here too.
        """
        if self.topic is None:
            raise ValueError(f"{self.name} has no session, so nothing proves that all was heard")
        if self.push is None:
            self.push = self._connect(zmq.XSUB, self.card["push"])
        self.push.send(b"\x01" + self.topic)
        until = time.monotonic() + WAIT if until is None else until
        while (event := self._receive(until)) is not None:
            if event["event"] == "welcome" and event["topic"] == self.topic:
                return True
            self.heard.append(event)
        return False

    def hear(self) -> Map | None:
        """The next event, or None where none comes in time."""
        event = self.heard.popleft() if self.heard else self._receive(time.monotonic() + WAIT)
        if event is not None and event["event"] == "welcome":
            self.in_doubt = False
        return event

    def here_already(self) -> None:
        """Keep for `hear` what has come, without waiting."""
        while (event := self._receive(0)) is not None:
            self.heard.append(event)

    def _receive(self, until: float) -> Map | None:
        if self.push is None or not self.push.poll(_left(until)):
            return None
        topic, frame = self.push.recv_multipart()
        event = dict(msgpack.unpackb(frame))
        if event["event"] == "entry":
            self.checked(event["entry"])
        event["topic"] = topic
        if topic != self.topic:
            event["event"] += " on an ended topic"
        return event


def _left(until: float) -> int:
    return max(0, int((until - time.monotonic()) * 1_000))
