"""One question to another realm, on a connection of its own, from any thread."""

import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final, TypeVar

import zmq

from broker import monitoring, outgoing
from broker.connections import CLEAR, SEALED, Kind
from broker.holding import Holding
from broker.keyfiles import KeyPair
from broker.lookups import place
from broker.sockets import NOBLOCK, Context, Socket

T = TypeVar("T")
OTHERS: Final = 16
"""Frames that are no answer to what was asked, before the one who sends them is given up."""

_WATCHED: Final = monitoring.REFUSED | zmq.EVENT_CLOSED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECTED


class CallError(Exception):
    """There is no answer; the message is a sentence for the operator."""


class UnansweredError(CallError):
    """Nobody was there, so that the next address of the same host may be tried."""


class Stop:
    """Ends the waiting of all calls, from any thread. `close` it when they have ended."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()

    def __call__(self) -> None:
        """End them, and all that begin later. Twice is harmless."""
        os.write(self._writer, b"!")  # it is never read: whoever polls finds it

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.reader)
        os.close(self._writer)


class Calls:
    """Asks at addresses; who asks has looked them up."""

    def __init__(self, context: Context, keys: KeyPair, stop: Stop, holding: Holding) -> None:
        self._context = context
        self._keys = keys
        self._stop = stop
        self._holding = holding

    def ask_door(self, address: str, port: int, question: bytes, largest: int, until: float) -> bytes:
        """The answer, of one frame, at a front door; `until` is a time by `time.monotonic`. Raises CallError."""
        opened = self._opened(address, largest, None, "")
        refusal = f"what is at {place(address, port)} is not the front door of a realm"
        return self._ask(opened, CLEAR, address, port, question, until, refusal, _first)

    def ask(
        self,
        address: str,
        port: int,
        server_key: str,
        question: bytes,
        largest: int,
        until: float,
        answered: Callable[[bytes], T | None],
    ) -> T:
        """The first answer of which `answered` makes something, at the commands of a realm. Raises CallError."""
        opened = self._opened(address, largest, self._keys, server_key)
        refusal = f"the realm at {place(address, port)} has another key, or lets nobody in now"
        return self._ask(opened, SEALED, address, port, question, until, refusal, answered)

    def _opened(self, address: str, largest: int, keys: KeyPair | None, server_key: str) -> Socket:
        try:
            return outgoing.open_call(self._context, address, largest, keys, server_key)
        except zmq.ZMQError as error:
            raise CallError(f"no socket can be had ({error.strerror})") from None

    def _ask(
        self,
        opened: Socket,
        kind: Kind,
        address: str,
        port: int,
        question: bytes,
        until: float,
        refusal: str,
        answered: Callable[[bytes], T | None],
    ) -> T:
        with closing(opened), _Reports(opened) as reports:
            outgoing.connect(opened, address, port)
            with suppress(zmq.Again):  # it has failed already: the reports say why
                opened.send(question, NOBLOCK)
            for _ in range(OTHERS):
                self._wait(opened, kind, reports, place(address, port), until, refusal)
                frames = self._holding.receive(opened)
                answer = answered(frames[0].bytes) if len(frames) == 1 else None
                if answer is not None:
                    return answer
        raise CallError(f"{place(address, port)} answers what it was not asked")

    def _wait(self, opened: Socket, kind: Kind, reports: Socket, where: str, until: float, refusal: str) -> None:
        """Return when something can be received."""
        began = time.monotonic()
        poller = zmq.Poller()
        for source in (opened, reports, self._stop.reader):
            poller.register(source, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(max(0, round((until - time.monotonic()) * 1000))))
            if opened in ready:
                return
            if self._stop.reader in ready:
                raise CallError("the realm stops")
            if reports in ready:
                report = monitoring.next_report(reports)
                if report.event != zmq.EVENT_CONNECTED:
                    raise UnansweredError(_why(report.event, where, refusal))
                self._holding.connections.began(report, kind)
            if time.monotonic() >= until:
                raise UnansweredError(f"{where} did not answer within {until - began:.1f} s")


class _Reports:
    """What libzmq reports of a socket, in a `with`."""

    def __init__(self, watched: Socket) -> None:
        self._watched = watched
        self._reports = monitoring.watch(watched, _WATCHED)

    def __enter__(self) -> Socket:
        return self._reports

    def __exit__(self, *_: object) -> None:
        monitoring.unwatch(self._watched, self._reports)


def _first(frame: bytes) -> bytes:
    return frame


def _why(event: int, where: str, refusal: str) -> str:
    if event & monitoring.REFUSED:
        return refusal
    if event & zmq.EVENT_CLOSED:
        return f"nothing answers at {where}"
    return f"{where} hung up without an answer that could be taken"
