"""Somebody who sends one file after the other, in chunks, to a user of the same or another realm, through anything."""

import hashlib
import random
from collections.abc import Iterator

import msgpack

from tests.faults.realm_flows import EAR, Map, Talker, history
from tests.wire.player_actor import Actor
from tests.wire.stranger import new_ulid

CHUNK = 32 * 1024
"""Bytes of a chunk: small, so that a kill finds a file in every state."""
AT_ONCE = 4
"""Chunks without an answer."""
LARGEST = 12 * CHUNK


class Given:
    """A file, and how it is sent."""

    def __init__(self, number: int, user: str) -> None:
        self.name = f"{number} of {user}.bin"
        self.digest = hashlib.sha256(self.made()).digest()
        self.entry = new_ulid()

    def made(self) -> bytes:
        """Its bytes, the same each time."""
        dice = random.Random(self.name)
        return dice.randbytes(dice.randrange(1, LARGEST))


class FileFlow(Talker):
    """Uploads what there is to send, says so, and goes on with the next file when that is answered."""

    def __init__(self, actor: Actor, target: str) -> None:
        super().__init__(actor, target)
        self.files: list[Given] = []
        self.answers: dict[int, Map] = {}
        """The answers to `sendfile`, by the number of the file."""
        self.commands = 0
        """All that were sent, and"""
        self.answered = 0
        """how many of them have an answer."""
        self._waiting: dict[int, str] = {}
        """What was asked, by call."""
        self._content = b""
        """Of the file that is being sent."""
        self._offset = 0
        self._upload = ""
        self._file = ""
        self.overtakes = False
        """Whether the other realm may have put a file off, as its disk was full, and taken those behind it first."""
        self._halts = False
        """Something was refused for now."""

    @property
    def in_flight(self) -> int:
        """How many commands are without an answer."""
        return len(self._waiting)

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.files)

    @property
    def rests(self) -> bool:
        return (self.done or self._halts) and not self._waiting

    def more(self, count: int) -> None:
        """Have so many more files to send."""
        start = len(self.files)
        self.files += [Given(number, self.user) for number in range(start, start + count)]

    def say(self, _window: int) -> None:
        """Ask what comes next."""
        if not self.open or self.done or self._halts:
            return
        given = self.files[len(self.answers)]
        if not self._content:
            self._content = given.made()
        if self._file:
            if not self._waiting:
                self._ask("sendfile", to=f"{EAR}@{self.target}", file=self._file, entry=given.entry)
        elif not self._upload:
            if not self._waiting:
                self._ask("upload", digest=given.digest, size=len(self._content), name=given.name)
        else:
            while len(self._waiting) < AT_ONCE and self._offset < len(self._content):
                part = self._content[self._offset : self._offset + CHUNK]
                self._ask("chunk", part, upload=self._upload, offset=self._offset)
                self._offset += len(part)

    def hear(self) -> None:
        """Take the answers that are here: each is OK."""
        while self.actor.dealer.poll(0):
            answer = dict(msgpack.unpackb(self.actor.dealer.recv_multipart()[0]))
            cmd = self._waiting.pop(answer["id"])
            if self._for_now(answer) or (self._halts and _lacks_what_comes_before(cmd, answer)):
                self._halts = True
                continue
            assert answer["status"] == "OK", answer
            self.answered += 1
            self._take(cmd, answer)

    def call_again(self) -> None:
        """On a new connection, go on: an upload where the realm says that it is, a `sendfile` with the same `entry`."""
        super().call_again()
        self._waiting.clear()
        self.again()

    def again(self) -> None:
        """Go on with what was refused for now."""
        self._halts = False
        self._upload = ""

    def check(self, ear: Actor) -> None:
        """Each file is there at both ends, whole, once and in order. Read all that came."""
        given = {one.entry: one for one in self.files}
        for actor in (self.actor, ear):
            entries = history(actor, self.private)
            came = [entry["id"] for entry in entries]
            if actor is ear and self.overtakes:
                came.sort(key=list(given).index)
            assert came == list(given), f"{len(came)} files of {len(given)}, or in another order"
            assert not [entry for entry in entries if entry.get("queued")], "what has arrived is shown as queued"
            for entry in entries:
                one = given[entry["id"]]
                assert (entry["file"]["name"], entry["file"]["digest"]) == (one.name, one.digest)
        for entry in history(ear, self.private):
            assert b"".join(_bytes(ear, entry["file"])) == given[entry["id"]].made(), "a file is not what was sent"
        for number, answer in self.answers.items():
            assert answer["entry"] == self.files[number].entry

    def _ask(self, cmd: str, part: bytes | None = None, **arguments: object) -> None:
        self.commands += 1
        self._waiting[self.commands] = cmd
        frame = msgpack.packb({"cmd": cmd, "id": self.commands, "tokenId": self.actor.token, **arguments})
        self.actor.dealer.send_multipart([frame] if part is None else [frame, part])

    def _take(self, cmd: str, answer: Map) -> None:
        if cmd == "sendfile":
            self.answers[len(self.answers)] = answer
            self._upload, self._file, self._content = "", "", b""
        elif "file" in answer:
            self._file = answer["file"]
        elif cmd == "upload":
            self._upload, self._offset = answer["upload"], answer["offset"]


def _lacks_what_comes_before(cmd: str, answer: Map) -> bool:
    """Whether a chunk is refused as the one before it was."""
    return cmd == "chunk" and answer.get("code") == "bad_request" and answer["message"].startswith("offset:")


def _bytes(actor: Actor, file: Map) -> Iterator[bytes]:
    for offset in range(0, file["size"], CHUNK):
        [answer] = actor.ask([{"cmd": "download", "file": file["id"], "offset": offset, "size": CHUNK}])
        assert answer["status"] == "OK", answer
        yield answer["bytes"]
