"""Grants subscriptions on the XPUB, one at a time, and publishes.

`SUBSCRIBE` on a manual XPUB goes to the pipe of the last frame received, so a subscription is decided
before the next one is received. And after a frame that is empty or starts with neither 0 nor 1, that pipe
may be another than the frame's: then nothing is granted until the socket is empty. Who was refused for that
subscribes again, having heard no `welcome`.
"""

from collections.abc import Callable
from typing import Final

import zmq

from broker.connections import LISTENING, Connection
from broker.culprits import Culprits
from broker.excess import SPARED
from broker.holding import Holding
from broker.sockets import Sent, Socket, send_now
from broker.zap import Caller
from realm.core import Core
from realm.inputs import Misbehaved, Subscribed
from realm.limits import Buckets

SUBSCRIBE, UNSUBSCRIBE = 1, 0
REFUSED_AT_MOST: Final = 64
"""Different topics that are refused to a key before it loses its sessions and its connection."""
KEYS_COUNTED: Final = 1_000
GRANTED: Final = 128
"""Topics that one connection may come to hear, of sessions of its key: libzmq keeps those that have ended, too."""
FORGOTTEN_BEYOND: Final = 64
"""Topics, and twice those that were heard when last looked: then those are forgotten that nobody hears any more."""
FRAMES_PER_SECOND: Final = 20
FRAMES_AT_ONCE: Final = 400
"""What a key may say on push: a client says one thing for each session, and again after a silence."""


class Push:
    """The XPUB and what it was told."""

    def __init__(
        self,
        xpub: Socket,
        core: Core,
        culprits: Culprits,
        now: Callable[[], int],
        holding: Holding,
    ) -> None:
        self.socket = xpub
        self.dropped = 0
        """Frames that were no subscription, or came from nobody."""
        self.unread = 0
        """How often a subscriber was found not to read: events for it are dropped from then on, until it does."""
        self.sent = 0
        """Events published, once for each session."""
        self._core = core
        self._culprits = culprits
        self._now = now
        self._holding = holding
        self._paces = Buckets(FRAMES_PER_SECOND, FRAMES_AT_ONCE)
        self._shifted = False
        self._refused: dict[str, set[bytes]] = {}
        self._hearing: dict[bytes, list[Connection]] = {}
        """By topic. Some are there no more."""
        self._look_at = FORGOTTEN_BEYOND

    def gather(self, at_most: int) -> list[Subscribed | Misbehaved]:
        """Take subscriptions in, and grant those that may be."""
        heard: list[Subscribed | Misbehaved] = []
        for _ in range(at_most):
            try:
                frame = self._holding.receive_frame(self.socket)
            except zmq.Again:
                self._shifted = False
                break
            caller = Caller.of(frame)
            self._meet(frame, caller)
            said = self._take(frame, caller)
            if said is not None:
                heard.append(said)
        return heard

    def publish(self, topics: list[bytes], event: bytes) -> None:
        """Send an event to whoever was granted one of the topics. A subscriber who does not read loses it.

        Of those that it loses until it has read, libzmq tells of the first alone.
        """
        self.sent += len(topics)
        size = LISTENING.on_wire((topics[0], event)) if topics else 0  # all topics are as long
        for topic in topics:
            hearing = self._hearing.get(topic, ())
            for connection in hearing:
                self._holding.give(connection, size)
            if send_now(self.socket, topic, event) is not Sent.SENT:
                for connection in hearing:
                    connection.account.take_back(size)
                self._lose(topic, event, size)

    def _lose(self, topic: bytes, event: bytes, size: int) -> None:
        """Send to those who have room. Of several connections that hear a topic, the one that reads least ends."""
        unread = self._holding.connections.unread
        waits = [(waiting, one) for one in self._hearing.get(topic, ()) if (waiting := unread(one)) is not None]
        waits.sort(key=lambda of: of[0])
        those = [one for _, one in waits]
        if len(those) > 1:
            self._holding.cut_deaf(those.pop())
            self._hearing[topic] = those
        else:
            those = []
        for connection in those:
            self._holding.give(connection, size)
        self.socket.setsockopt(zmq.XPUB_NODROP, 0)
        send_now(self.socket, topic, event)
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)
        self.unread += 1
        user = self._core.who_hears(topic)
        self._culprits.name("pushes not read", user, user=user)

    def _meet(self, frame: zmq.Frame, caller: Caller | None) -> None:
        self._holding.meet(self.socket, frame)
        connection = self._holding.latest
        if connection and caller and connection.kind.strange and (who := self._core.whose(caller.key)):
            connection.trust(who, LISTENING)
            connection.account.is_lossy = True

    def _grant(self, topic: bytes) -> None:
        """Have the latest connection hear a topic."""
        self.socket.setsockopt(zmq.SUBSCRIBE, topic)
        connection = self._holding.latest
        if connection is None:
            return
        hearing = self._hearing.get(topic, [])
        connection.granted += connection not in hearing
        if connection.granted > GRANTED:
            self._holding.cut_latest()  # whoever is honest dials again, and says what it wants to hear now
            return
        those = [connection, *filter(self._is_another, hearing)]
        for one in those[SPARED:]:  # all of them hear each event, and everybody waits for that
            self._holding.cut_swarming(one)
            self._culprits.name("too many listeners", one.who, user=one.who)
        self._hearing[topic] = those[:SPARED]
        if len(self._hearing) > self._look_at:
            self._forget()

    def _forget(self) -> None:
        """Forget the topics of sessions that have ended, and those that nobody hears any more."""
        for topic, those in list(self._hearing.items()):
            if not self._core.who_hears(topic) or not any(map(self._holding.connections.has, those)):
                del self._hearing[topic]
        self._look_at = FORGOTTEN_BEYOND + 2 * len(self._hearing)

    def _is_another(self, connection: Connection) -> bool:
        return connection is not self._holding.latest and self._holding.connections.has(connection)

    def _take(self, frame: zmq.Frame, caller: Caller | None) -> Subscribed | Misbehaved | None:
        said = frame.bytes
        if not said or said[0] not in (SUBSCRIBE, UNSUBSCRIBE):
            self._shifted = True
            return self._end(caller, "not a subscription")
        if caller and self._paces.take(caller.key, self._now()):
            self.dropped += 1
            self._holding.cut_latest()
            return None
        topic = said[1:]
        if said[0] == UNSUBSCRIBE:
            # libzmq says this itself, without a sender, for a connection that has gone; its topics went too.
            if caller and not self._shifted:
                self.socket.setsockopt(zmq.UNSUBSCRIBE, topic)
                if topic in self._hearing:
                    self._hearing[topic] = list(filter(self._is_another, self._hearing[topic]))
            return None
        if caller is None or self._shifted or not self._core.may_hear(caller.key, topic):
            self.dropped += 1
            return self._refuse(caller, topic) if caller else None
        self._grant(topic)
        return Subscribed(caller.key, topic)

    def _refuse(self, caller: Caller, topic: bytes) -> Misbehaved | None:
        """Count the different topics that a key may not hear: libzmq keeps them, so there must be an end."""
        key = caller.key
        if key not in self._refused and len(self._refused) >= KEYS_COUNTED:
            self._refused.clear()
        refused = self._refused.setdefault(key, set())
        refused.add(topic)
        if len(refused) < REFUSED_AT_MOST:
            return None
        del self._refused[key]
        return self._end(caller, "too many subscriptions refused")

    def _end(self, caller: Caller | None, why: str) -> Misbehaved | None:
        """Cut a connection that does what no honest client does."""
        self.dropped += 1
        if caller is None:
            return None
        self._holding.cut_latest()
        return Misbehaved(caller.key, why) if self._core.has_session(caller.key) else None
