"""Opens a realm's sockets, with every limit and guard that libzmq needs.

libzmq never seeds `rand()`, from which it draws the routing ids that it gives to peers. A stranger who
announces the next one as its own trips an assertion and ends the process, before any authentication. So
`make_context` seeds it, before the first socket.

It also stops reading a connection for which as many messages wait as `rcvhwm` says, and trips another where that
connection is reset then and a PING has come or a heartbeat falls due (libzmq 4.3.5, issue 4364). So no socket on the
network has such a bound: `holding.py` has one, in bytes.

And it goes through all timers of its thread to end one of them (`poller_base_t::cancel_timer`), as whatever comes after
a PING of its own does: with thousands of clients who came at once that is tenths of a second, every time, in which
nobody is served. So who listens says no PING: the system asks whether the other side is there. Links say them.
Whoever dials may have a timer there nevertheless, by a PING that says how soon the next will come, and end it by the
next. Thousands who do that keep the thread busy: so the front door, where nobody needs a key, has a thread of
its own, and little is read there of one connection at once.
"""

import ctypes
import os
import resource
import socket
from enum import Enum, auto
from typing import Any, Final

import zmq

from broker import zap
from broker.keyfiles import KeyPair
from schemas.limits import MAX_FRAME

MAX_SOCKETS: Final = 16_384
IO_THREADS: Final = 2
"""Of libzmq, for input and output."""
AT_DOOR: Final = 0b10
"""Which of them is for the front door: a mask, as `ZMQ_AFFINITY` wants it."""
INSIDE: Final = 0b01
"""Which is for all else."""
BACKLOG: Final = 2_048
HANDSHAKE_MS: Final = 10_000
KEEPALIVE_S: Final = 15
"""Seconds without a word after which the system asks whether the other side is there, and between two questions."""
KEEPALIVES: Final = 3
"""Questions without an answer that end a connection; on Linux `UNREAD_MS` does instead."""
LINGER_MS: Final = 1_000
SMALL_FRAME: Final = 512
"""The largest frame on the front door, and on push, where refused topics stay stored. (256 breaks CURVE.)"""
HEADROOM: Final = 64_000
"""Frames slightly over the limit still reach us, to be answered with `too_large`."""

NO_BOUND: Final = 0
"""Of messages that wait to be taken in."""
NOBLOCK: Final = int(zmq.NOBLOCK)
MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
"""As plain numbers: putting two of pyzmq's flags together takes longer than a send."""

UNREAD_MS: Final = 60_000
"""A peer whose system has taken nothing more for so long is cut, and what waited for it is given up."""
UNREAD_ANSWERS: Final = 1_024
"""Answers that wait for one connection: twice a turn, since all of a turn may be one caller's."""
UNREAD_CARDS: Final = 256
CARDS_ASKED: Final = 1 << 10
"""Bytes that the system is asked to keep there of what was not read yet: libzmq reads on before it turns to others."""
CARDS_SENT: Final = 16 << 10
"""Bytes that the system is asked to keep of what is sent there and not acknowledged: else 4 MiB for a stranger."""
UNREAD_PUSHES: Final = 256
"""Events that wait for one connection; each may be as large as a message. What is dropped, `history` has."""

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]


class Sent(Enum):
    """What became of a message."""

    SENT = auto()
    FULL = auto()
    """The peer has not read what was sent before."""
    GONE = auto()


class BindError(Exception):
    """A port cannot be had; the message says which and why."""


def make_context() -> Context:
    """A context whose routing ids nobody can predict, and room for many connections."""
    ctypes.CDLL(None).srand(int.from_bytes(os.urandom(4), "little"))
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context: Context = zmq.Context(io_threads=IO_THREADS)
    context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
    return context


def open_commands(context: Context, keys: KeyPair, host: str, port: int) -> Socket:
    """The ROUTER for commands. It never waits for a peer: what a peer does not read is dropped."""
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = True
    router.maxmsgsize = MAX_FRAME + HEADROOM
    router.sndhwm = UNREAD_ANSWERS
    return _bind(router, zap.COMMANDS, keys, host, port)


def open_push(context: Context, keys: KeyPair, host: str, port: int) -> Socket:
    """The XPUB for events. Subscriptions are granted one by one (`broker.push`)."""
    xpub = context.socket(zmq.XPUB)
    xpub.set(zmq.XPUB_MANUAL, 1)
    xpub.set(zmq.XPUB_NODROP, 1)  # so that it says whom it would lose an event for
    xpub.maxmsgsize = SMALL_FRAME
    xpub.sndhwm = UNREAD_PUSHES
    return _bind(xpub, zap.PUSH, keys, host, port)


def open_door(context: Context, host: str, port: int) -> Socket:
    """The ROUTER in the clear that shows the identity card."""
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = True
    router.maxmsgsize = SMALL_FRAME
    router.sndhwm = UNREAD_CARDS
    router.rcvbuf = CARDS_ASKED
    router.sndbuf = CARDS_SENT
    return _bind(router, zap.DOOR, None, host, port)


def send_now(to: Socket, *parts: bytes) -> Sent:
    """Send without waiting.

    Frame by frame, which takes a third of the time of pyzmq's own loop over them. libzmq refuses a message at its
    first frame or not at all. It learns only now and then that a peer has read (looking at the events makes it),
    so one that does read may seem to be full: only the second refusal counts.
    """
    first, *more = parts
    flags = MORE if more else NOBLOCK
    for again in (True, False):
        try:
            to.send(first, flags)
        except zmq.Again:
            if again:
                to.getsockopt(zmq.EVENTS)
        except zmq.ZMQError:
            return Sent.GONE
        else:
            if more:
                for part in more[:-1]:
                    to.send(part, MORE)
                to.send(more[-1], NOBLOCK)
            return Sent.SENT
    return Sent.FULL


def port_of(bound: Socket) -> int:
    """The port that a bound socket has got."""
    return int(bound.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])


def _bind(new: Socket, domain: bytes, keys: KeyPair | None, host: str, port: int) -> Socket:
    new.affinity = AT_DOOR if domain == zap.DOOR else INSIDE
    new.zap_domain = domain
    new.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
    new.linger = LINGER_MS
    new.rcvhwm = NO_BOUND
    new.backlog = BACKLOG
    new.handshake_ivl = HANDSHAKE_MS
    new.tcp_keepalive = 1
    new.tcp_keepalive_idle = new.tcp_keepalive_intvl = KEEPALIVE_S
    new.tcp_keepalive_cnt = KEEPALIVES
    new.set(zmq.TCP_MAXRT, UNREAD_MS)
    if keys is not None:
        new.curve_server = True
        new.curve_publickey = keys.public
        new.curve_secretkey = keys.secret
    try:
        address = _resolve(host)
        new.ipv6 = ":" in address
        new.bind(f"tcp://[{address}]:{port or '*'}" if new.ipv6 else f"tcp://{address}:{port or '*'}")
    except (zmq.ZMQError, OSError, UnicodeError) as error:
        new.close(linger=0)
        reason = getattr(error, "strerror", None) or "no such host"
        raise BindError(f"{host}:{port} cannot be listened on ({reason}): choose another --host or port") from None
    return new


def _resolve(host: str) -> str:
    found: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
