"""A CURVE client by hand (RFC 26), which may say in INITIATE what libzmq would never let a client say.

The box functions are those of the libsodium that libzmq itself uses.
"""

import ctypes
import ctypes.util
import functools
import os
import struct
from pathlib import Path

import zmq
from zmq.utils import z85

from tests.wire.dialling import Keys
from tests.wire.zmtp import MORE, ConnectionEndedError, RawPeer, command, frame, greeting, properties

KEY_BYTES = 32
MAC_BYTES = 16
COMMAND_INSIDE = 2
"""Marks what is no part of a message, such as a heartbeat."""

BUNDLED = ("pyzmq.libs/libsodium*", "zmq/.dylibs/libsodium*")
"""Where a wheel of pyzmq keeps it, beside its package."""


@functools.cache
def sodium() -> ctypes.CDLL:
    """libsodium; raise RuntimeError where there is none, for then nothing would be tested."""
    beside = Path(zmq.__file__).parent.parent
    found = [str(path) for pattern in BUNDLED for path in sorted(beside.glob(pattern))]
    name = found[0] if found else ctypes.util.find_library("sodium")
    if name is None:
        raise RuntimeError("libsodium is neither in pyzmq's wheel nor installed")
    library = ctypes.CDLL(name)
    assert library.sodium_init() >= 0
    return library


def new_pair() -> tuple[bytes, bytes]:
    """A public and a secret key, as bytes."""
    public, secret = zmq.curve_keypair()
    return z85.decode(public), z85.decode(secret)


def sealed(text: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    """`text` in a box for the owner of `public`."""
    box = ctypes.create_string_buffer(len(text) + MAC_BYTES)
    size = ctypes.c_ulonglong(len(text))
    assert sodium().crypto_box_easy(box, text, size, nonce, public, secret) == 0
    return box.raw


def opened(box: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    """What is in a box from the owner of `public`."""
    text = ctypes.create_string_buffer(len(box) - MAC_BYTES)
    size = ctypes.c_ulonglong(len(box))
    assert sodium().crypto_box_open_easy(text, box, size, nonce, public, secret) == 0
    return text.raw


class CurvePeer(RawPeer):
    """One connection that has shaken hands by CURVE with its own key; use it in a `with`."""

    def __init__(self, port: int, server_key: bytes, keys: Keys, told: dict[bytes, bytes] | None) -> None:
        """Shake hands, with `told` as the properties in INITIATE; without, stop at the WELCOME. The keys are in Z85."""
        super().__init__(port)
        self._nonce = 0
        self._server = z85.decode(server_key)
        self._keys = z85.decode(keys.public), z85.decode(keys.secret)
        self._public, self._secret = new_pair()
        self._session = b""
        try:
            self._shake_hands(told)
        except BaseException:
            self.close()
            raise

    def say(self, body: bytes) -> None:
        """Send a message of one frame."""
        self.write(self.part(body, 0))

    def part(self, body: bytes, flags: int = MORE) -> bytes:
        """A part of a message as it goes over the wire."""
        short, nonce = self._next_nonce(b"CurveZMQMESSAGEC")
        box = sealed(bytes([flags]) + body, nonce, self._session, self._secret)
        return frame(b"\x07MESSAGE" + short + box)  # in ZMTP's framing this is no command

    def ping(self) -> bytes:
        """A heartbeat that wants an answer, as it goes over the wire."""
        return self.part(b"\x04PING" + bytes(2), COMMAND_INSIDE)

    def hear(self) -> list[bytes]:
        """The frames of the next message."""
        frames: list[bytes] = []
        more = MORE
        while more:
            body = self._named(b"MESSAGE")
            text = opened(body[8:], b"CurveZMQMESSAGES" + body[:8], self._session, self._secret)
            if not text[0] & COMMAND_INSIDE:
                frames.append(text[1:])
                more = text[0] & MORE
        return frames

    def _shake_hands(self, told: dict[bytes, bytes] | None) -> None:
        self.write(greeting(b"CURVE"))
        self.read(64)
        short, nonce = self._next_nonce(b"CurveZMQHELLO---")
        box = sealed(bytes(64), nonce, self._server, self._secret)
        self.write(command(b"HELLO", b"\x01\x00" + bytes(72) + self._public + short + box))
        welcome = self._named(b"WELCOME")
        inside = opened(welcome[16:], b"WELCOME-" + welcome[:16], self._server, self._secret)
        self._session, cookie = inside[:KEY_BYTES], inside[KEY_BYTES:]
        if told is None:
            return
        short, nonce = self._next_nonce(b"CurveZMQINITIATE")
        box = sealed(self._vouched() + properties(told), nonce, self._session, self._secret)
        self.write(command(b"INITIATE", cookie + short + box))
        self._named(b"READY")

    def _vouched(self) -> bytes:
        """The long-term key, and its word for the key of this connection."""
        public, secret = self._keys
        salt = os.urandom(16)
        return public + salt + sealed(self._public + self._server, b"VOUCH---" + salt, self._session, secret)

    def _named(self, name: bytes) -> bytes:
        """What stands behind `name` in the next frame, which must have it."""
        start = bytes([len(name)]) + name
        _, body = self.read_frame()
        if not body.startswith(start):
            raise ConnectionEndedError(body[:40])
        return body[len(start) :]

    def _next_nonce(self, prefix: bytes) -> tuple[bytes, bytes]:
        """The next short nonce, and the whole one."""
        self._nonce += 1
        short = struct.pack(">Q", self._nonce)
        return short, prefix + short
