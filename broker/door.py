"""The front door: shows the identity card to whoever asks, in the clear, and does nothing else."""

from collections.abc import Callable

import msgspec
import zmq

from broker.culprits import Culprits
from broker.holding import Holding
from broker.sockets import Sent, Socket
from broker.zap import Caller
from realm.limits import Buckets, Trusted
from realm.settings import Settings
from schemas.answers import Card
from schemas.codec import encode_refusal
from schemas.errors import Code, Refusal

_AT_ONCE = 64


class Door:
    """The ROUTER in the clear."""

    def __init__(
        self,
        router: Socket,
        card: Card,
        settings: Settings,
        culprits: Culprits,
        now: Callable[[], int],
        holding: Holding,
    ) -> None:
        self.socket = router
        self.dropped = 0
        self._card = msgspec.msgpack.encode(card)
        self._culprits = culprits
        self._now = now
        self._holding = holding
        self._trusted = Trusted(settings.trusted_clients)
        self._asked = Buckets(settings.limits.door_per_second, settings.limits.door_burst)

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._trusted = Trusted(settings.trusted_clients)
        self._asked.change(settings.limits.door_per_second, settings.limits.door_burst)

    def serve(self) -> None:
        """Answer those who ask now, but not so many that others wait."""
        for _ in range(_AT_ONCE):
            try:
                frames = self._holding.receive(self.socket, routed=True)
            except zmq.Again:
                return
            if not frames:
                return
            self._answer(frames)

    def _answer(self, frames: list[zmq.Frame]) -> None:
        caller = Caller.of(frames[-1])
        if caller is None:
            self.dropped += 1
            return
        shown = [self._shown(caller.address)]
        if len(frames) > 2 and not frames[1].bytes:
            shown.insert(0, b"")
        self._holding.meet(self.socket, frames[-1])
        if self._holding.send(self.socket, self._holding.latest, shown, frames[0].bytes) is not Sent.SENT:
            self.dropped += 1

    def _shown(self, address: str) -> bytes:
        wait = 0 if address in self._trusted else self._asked.take(address, self._now())
        if not wait:
            return self._card
        self._culprits.name("front door limited", address, address=address)
        return encode_refusal(None, Refusal(Code.RATE_LIMITED, "too many requests: try later", retry_after=wait))
