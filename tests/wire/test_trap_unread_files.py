"""File bytes that nobody reads: what may wait for all together is not for one user to take."""

import hashlib
import os

from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS
from tests.wire.attacker import PASSWORD, Caller, Person, outside
from tests.wire.dialling import Map, new_keys, packed, received, unpacked

CHUNK = 262_144
DEVICES = 19
"""Beside the one that registered: as many as a user may have."""
ASKED = 16
"""Downloads that a device may have without an answer."""
ROUNDS = 10


def with_file(person: Person, content: bytes) -> str:
    """The id of a file that somebody has uploaded."""
    told = {"digest": hashlib.sha256(content).digest(), "size": len(content), "name": "x"}
    upload = person.done("upload", **told)["upload"]
    person.caller.socket.send_multipart(
        [packed(cmd="chunk", id=0, tokenId=person.token, upload=upload, offset=0), content]
    )
    return str(person.caller.answer()["file"])


def ask_for(caller: Caller, token: str, file: str) -> None:
    caller.post("download", tokenId=token, file=file, offset=0, size=CHUNK)


def test_what_one_user_does_not_read_keeps_files_from_nobody_else(start_realm: StartRealm) -> None:
    """Each device counted for itself, and all of them together filled what there is for everybody."""
    realm = start_realm(config=NO_LIMITS)
    with outside(realm) as here:
        greedy, other = here.person("greedy"), here.person("other")
        file, wanted = with_file(greedy, os.urandom(CHUNK)), with_file(other, b"halo")
        devices: list[tuple[Caller, str]] = []
        for _ in range(DEVICES):
            caller = here.caller(new_keys(), rcvhwm=1, rcvbuf=4096)
            devices.append((caller, caller.done("auth", username="greedy", password=PASSWORD)["tokenId"]))
        for _ in range(ROUNDS):
            for caller, token in devices:
                for _ in range(ASKED // 2):
                    ask_for(caller, token, file)
            ask_for(other.caller, other.token, wanted)  # read from disk behind those
            answer: Map = unpacked(received(other.caller.socket)[0])
            assert answer["status"] == "OK", answer
    assert realm.stop() == 0
