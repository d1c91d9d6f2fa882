"""Wrong numbers and sizes of frames, bytes that are not ZeroMQ's, and anything at random.

After each case two users who were there before still talk, live, and notice nothing.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import msgpack
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.attacker import Outside, Person, Witness, only_answer, refusal, served
from tests.wire.dialling import Map, packed, received, unpacked
from tests.wire.zmtp import COMMAND, ConnectionEndedError, RawPeer, command, frame, greeting, header, ready

MOST_BYTES = 1_000_000
"""Of a frame on the commands port."""

PIPELINED = 500
CODES = {
    "bad_request",
    "unknown_command",
    "forbidden",
    "session_not_found",
    "user_not_found",
    "no_active_user",
}
"""What may come out of random frames."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with served(tmp_path_factory.mktemp("bad-framing")) as sockets:
        yield sockets


@pytest.fixture(scope="module")
def witness(here: Outside) -> Witness:
    return Witness(here)


@pytest.fixture(scope="module")
def person(here: Outside) -> Person:
    """Somebody logged in, through whose connection the bad input comes."""
    return here.person("messi")


@pytest.fixture(autouse=True)
def nobody_else_notices(witness: Witness) -> Iterator[None]:
    yield
    witness.notices_nothing()


INFO = packed(cmd="info", id=1)
NUMBERS_OF_FRAMES = {
    "an empty one": [b""],
    "two empty ones": [b"", b""],
    "three empty ones": [b"", b"", b""],
    "bytes for a command that takes none": [INFO, b"bytes"],
    "an empty one behind": [INFO, b""],
    "three": [INFO, b"", b""],
    "three commands": [INFO, INFO, INFO],
    "a hundred": [INFO] * 100,
    "a hundred empty ones": [b""] * 100,
}


@pytest.mark.parametrize("frames", NUMBERS_OF_FRAMES.values(), ids=NUMBERS_OF_FRAMES.keys())
def test_a_wrong_number_of_frames_is_a_bad_request(person: Person, frames: list[bytes]) -> None:
    answer = only_answer(person.caller, *frames)
    assert refusal(answer) == "bad_request"
    assert answer["id"] in {1, None}


def padded(size: int) -> bytes:
    """`info` number 3 in a frame of `size` bytes."""
    bare = len(packed(cmd="info", id=3, pad=b"x" * 70_000)) - 70_000
    return packed(cmd="info", id=3, pad=b"x" * (size - bare))


def test_a_frame_at_the_limit_is_taken(person: Person) -> None:
    assert only_answer(person.caller, padded(MOST_BYTES))["status"] == "OK"


def test_a_frame_over_the_limit_is_too_large(person: Person) -> None:
    for frames in ([padded(MOST_BYTES + 1)], [INFO, bytes(MOST_BYTES + 1)]):
        answer = only_answer(person.caller, *frames)
        assert refusal(answer) == "too_large"
        assert answer["id"] in {1, 3, None}


def test_a_frame_far_over_the_limit_costs_its_sender_the_connection(here: Outside, person: Person) -> None:
    """It is never read, so it is not answered; the same socket connects again, and is served."""
    dialled = here.dial(zmq.DEALER, here.realm.commands, person.keys)
    dialled.socket.send(padded(5 * MOST_BYTES))
    dialled.wait(zmq.EVENT_DISCONNECTED)
    dialled.socket.send(packed(cmd="info", id=8))
    assert unpacked(received(dialled.socket)[-1])["id"] == 8
    dialled.close()


@pytest.mark.parametrize("asked", [INFO, b"\xc1", b"", packed(cmd="inbox", id=1)], ids=["info", "bad", "empty", "no"])
def test_a_req_socket_gets_its_delimiter_back(here: Outside, person: Person, asked: bytes) -> None:
    """libzmq's REQ drops an answer without it."""
    req = here.dial(zmq.REQ, here.realm.commands, person.keys)
    for _ in range(3):
        req.socket.send(asked)
        assert "status" in unpacked(*received(req.socket))
    req.close()
    person.caller.socket.send_multipart([b"", asked])
    delimiter, answer = received(person.caller.socket)
    assert delimiter == b""
    assert "status" in unpacked(answer)


def test_every_frame_gets_exactly_one_answer(person: Person) -> None:
    """In whatever order: so many commands in, so many answers out, and no more."""
    kinds: tuple[Map, ...] = (
        {"cmd": "info"},
        {"cmd": "no such command"},
        {"cmd": "inbox", "tokenId": person.token},
        {"cmd": "inbox"},
        {"cmd": "send", "tokenId": person.token, "to": "messi"},
        {"cmd": "send", "tokenId": person.token, "to": "messi", "message": "halo"},
        {"cmd": "auth", "username": "messi", "password": "wrong password"},
    )
    asked = [{"id": number, **kinds[number % len(kinds)]} for number in range(1_000, 1_000 + PIPELINED)]
    for fields in asked:
        person.caller.socket.send(packed(**fields))
    answered = [person.caller.answer()["id"] for _ in asked]
    assert sorted(answered) == [fields["id"] for fields in asked]
    person.done("inbox")
    person.done("inbox")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner),
    max_leaves=8,
)
names = st.sampled_from(["cmd", "id", "tokenId", "username", "password", "to", "message", "conversation", "limit"])
commands = st.sampled_from(["auth", "send", "inbox", "info", "sync", "history", "resume", "chunk", "link.hello"])
maps = st.builds(
    lambda fields, cmd: {**fields, "cmd": cmd}, st.dictionaries(names, values), commands | st.text(max_size=8)
)
frames_at_random = st.binary(max_size=300) | (maps | values).map(
    lambda value: bytes(msgpack.packb(value, unicode_errors="surrogatepass"))
)


@settings(max_examples=60, database=None)
@given(st.lists(st.lists(frames_at_random, min_size=1, max_size=3), min_size=1, max_size=20))
def test_random_frames_get_one_documented_answer_each(person: Person, asked: list[list[bytes]]) -> None:
    for frames in asked:
        person.caller.socket.send_multipart(frames)
    for _ in asked:
        answer = unpacked(received(person.caller.socket)[-1])
        assert answer["status"] == "OK" or refusal(answer) in CODES
    person.done("inbox")


GARBAGE = {
    "nothing": b"",
    "HTTP": b"GET / HTTP/1.1\r\nHost: kampus\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(193),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(100_000),
    "ones": b"\xff" * 100_000,
    "half a greeting": greeting()[:31],
    "another mechanism": greeting(b"GSSAPI"),
    "no mechanism": greeting(b""),
    "a version to come": greeting(b"CURVE", version=b"\x09\x09"),
    "READY without CURVE": greeting() + ready(),
    "READY in CURVE": greeting(b"CURVE") + ready(),
    "a frame before the handshake": greeting(b"CURVE") + frame(INFO),
    "an empty HELLO": greeting(b"CURVE") + command(b"HELLO"),
    "a HELLO of zeros": greeting(b"CURVE") + command(b"HELLO", b"\x01\x00" + bytes(192)),
    "INITIATE first": greeting(b"CURVE") + command(b"INITIATE", bytes(500)),
    "a command without name": greeting(b"CURVE") + frame(b"", COMMAND),
    "a name longer than its command": greeting(b"CURVE") + frame(b"\xffREADY", COMMAND),
    "a promise of 4 GiB": greeting(b"CURVE") + header(2**32, COMMAND) + b"\x05HELLO",
    "a promise of 8 EiB": greeting() + header(2**63 - 1, COMMAND) + b"\x05READY",
    "a property longer than its command": greeting() + command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffDEALER"),
    "READY of another kind": greeting() + ready(b"PUB"),
    "READY of an unknown kind": greeting() + ready(b"\0" * 200),
    "random": os.urandom(5_000),
    "random after the greeting": greeting(b"CURVE") + os.urandom(5_000),
}


@pytest.mark.parametrize("port", ["door", "commands", "push"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_bytes_that_are_not_zeromqs_harm_nobody(here: Outside, witness: Witness, garbage: bytes, port: str) -> None:
    before = here.realm.resident_bytes()
    with ExitStack() as stack:
        for _ in range(10):
            peer = stack.enter_context(RawPeer(getattr(here.realm, port)))
            with suppress(ConnectionEndedError):
                peer.write(garbage)
        witness.notices_nothing()
        assert here.card()["status"] == "OK"
    assert here.realm.resident_bytes() - before < 64 * MOST_BYTES
