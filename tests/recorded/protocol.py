"""Records a dialogue in which every command of the protocol is said, as frames.

`python -m tests.recorded.protocol` does so under the next number, when a command, an event or a field has been added to
the dialogue; what was recorded before stays as it is, and is still played.
"""

import hashlib
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import msgspec

from schemas.answers import Card
from schemas.codec import encode_answer, encode_event
from schemas.entries import CHAIN_START
from schemas.events import Delivered
from schemas.federation import Carried, Envelope, Proved, hash_of
from schemas.names import Address, ConversationId, Name
from tests.recorded.dialogue import PEER, PEER_KEY, Dialogue, Map, Step, write

HERE = Path(__file__).parent
TEXT = b"halo, selamat malam\n"
SENT_AT = 1_789_999_999_000


def recorded() -> list[Path]:
    """What there is, oldest first."""
    return sorted(HERE.glob("protocol_*.json"))


def ulid(number: int) -> str:
    return f"01J0000000000000000000{number:04d}"


class Recording:
    """A dialogue that is being recorded."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.steps: list[Step] = []
        self.tokens: dict[str, str] = {}
        self.hash, self.n = CHAIN_START, 0

    def say(self, who: str, cmd: str, data: bytes | None = None, **arguments: Any) -> Map:
        token = {"tokenId": self.tokens[who]} if who in self.tokens else {}
        told = {"cmd": cmd, "id": len(self.steps) + 1, **token, **arguments}
        step = self.dialogue.say(who, msgpack.packb(told), *([] if data is None else [data]))
        self.steps.append(step)
        answer = step.answer
        if "tokenId" in answer:
            self.tokens[who] = answer["tokenId"]
            if cmd == "register" or "#" in who:
                self.steps.append(self.dialogue.listen(who, answer["topic"]))
        return answer

    def envelope(self, **fields: Any) -> None:
        """The next one of the other realm."""
        self.n += 1
        told = {"epoch": 1, "n": self.n, "id": ulid(900 + self.n), "name": "Bob", "sent_at": SENT_AT, **fields}
        named = {**told, "sender": Address(f"bob@{PEER}"), "hash": b""}
        self.hash = hash_of(self.hash, Envelope(**named))
        frame = {**told, "cmd": "link.envelope", "from": f"bob@{PEER}", "hash": self.hash}
        if "file" in frame:
            frame["file"] = {name: getattr(fields["file"], name) for name in fields["file"].__struct_fields__}
        self.steps.append(self.dialogue.say(f"@{PEER}", msgpack.packb(frame)))

    def upload(self, who: str, data: bytes, cmd: str = "upload", **arguments: Any) -> str:
        digest = hashlib.sha256(data).digest()
        opened = self.say(who, cmd, digest=digest, size=len(data), name="laporan.txt", **arguments)
        chunk = cmd.replace("upload", "chunk")
        self.say(who, chunk, data[:5], upload=opened["upload"], offset=0)
        return str(self.say(who, chunk, data[5:], upload=opened["upload"], offset=5)["file"])


def one_realm(said: Recording) -> None:
    for name in ("messi", "henderson", "lineker"):
        said.say(name, "register", username=name, password="surabaya", country="Inggris", name=name.title())
    said.say("messi", "auth", username="messi", password="salah ini")
    said.say("messi", "auth", username="Messi", password="surabaya")
    said.say("messi", "resume")
    said.say("messi", "send", to="henderson", message="halo", entry=ulid(1))
    said.say("messi", "send", to="henderson", message="halo", entry=ulid(1))
    said.say("messi", "send", to="nobody", message="halo")
    said.say("henderson", "send", to="messi@kampus", message="halo juga", entry=ulid(2))
    said.say("messi", "addgroup", group="Kelompok-Bagan")
    said.say("henderson#phone", "auth", username="henderson", password="surabaya")
    for name in ("henderson", "lineker"):
        said.say(name, "joingroup", group="kelompok-bagan")
    said.say("messi", "sendgroup", group="kelompok-bagan", message="halo semua", entry=ulid(3))
    said.say("messi", "removemember", group="kelompok-bagan", username="lineker")
    said.say("henderson", "read", conversation="private/henderson@kampus,messi@kampus", seq=1)
    said.say("henderson", "inbox", limit=50)
    said.say("henderson", "conversations", limit=10)
    said.say("henderson", "history", conversation="private/henderson@kampus,messi@kampus", after=0, limit=2)
    said.say("henderson", "sync", cursors={"group/kelompok-bagan@kampus": 0}, watch=["messi", "bob@pusat"])
    said.say("henderson", "users", find="s", limit=2)
    said.say("henderson", "groups", joined=True)
    said.say("henderson", "members", group="kelompok-bagan")
    said.say("stranger", "info")


def files(said: Recording) -> str:
    file = said.upload("messi", TEXT)
    said.say("messi", "sendfile", to="henderson", file=file, entry=ulid(4))
    said.say("messi", "sendgroupfile", group="kelompok-bagan", file=file, entry=ulid(5))
    said.say("henderson", "download", file=file, offset=5, size=100)
    said.say("henderson", "download", file="nothing", offset=5, size=100, thumbnail=True)
    return file


def realms(said: Recording, file: str) -> None:
    peer = f"@{PEER}"
    said.say(peer, "link.hello", realm=PEER, version=1, features=["something new"], epoch=1, next=1)
    said.envelope(kind="text", to=Name("messi"), message="halo")
    said.envelope(kind="text", to=Name("nobody"), message="halo")
    said.envelope(kind="text", group=Name("kelompok-bagan"), message="halo semua")
    data = b"dari pusat"
    said.upload(peer, data, "link.upload", **{"from": f"bob@{PEER}", "to": "messi"})
    carried = Carried(name="laporan.txt", size=len(data), media_type="text/plain", digest=hashlib.sha256(data).digest())
    said.envelope(kind="file", to=Name("messi"), file=carried)
    said.n += 1
    said.envelope(kind="text", to=Name("messi"), message="one is missing before it")
    said.say(peer, "link.prove", nonce=bytes(16))
    said.say(peer, "link.introduce", realm=PEER, address="10.0.0.1", port=8889)
    said.say("messi", "sendprivaterealm", realm=PEER, to="bob", message="halo", entry=ulid(6))
    said.say("messi", "sendfilerealm", realm=PEER, to="bob", file=file, entry=ulid(7))
    said.say("messi", "sendgrouprealm", realm=PEER, group="new", message="halo", entry=ulid(8))
    said.say("messi", "sendgroupfilerealm", realm=PEER, group="new", file=file, entry=ulid(9))
    said.say("messi", "getrealminbox", realm=PEER, limit=10)
    said.say("messi", "realms")
    said.say("messi", "addrealm", realm="timur", address="10.0.0.2", port=8889)


def farewell(said: Recording) -> None:
    said.say("henderson", "leavegroup", group="kelompok-bagan")
    said.say("messi", "passwd", old="surabaya", new="surabaya2")
    said.say("messi", "logout")
    said.say("messi", "sync")


def beside(said: Recording) -> None:
    """What only comes where two realms speak with each other."""
    delivered = Delivered(conversation=ConversationId(f"private/bob@{PEER},messi@kampus"), seq=3)
    card = Card(realm=PEER, version=1, features=[], key=PEER_KEY, commands=8890, push=8891)
    proved = Proved(id=1, nonce=bytes(range(16)))
    said.steps.append(Step("", [], [msgspec.msgpack.encode(card)], [encode_event(delivered)]))
    said.steps.append(Step("", [], [encode_answer(proved)], []))


def before_farewell(dialogue: Dialogue) -> Recording:
    """All that is said before sessions end."""
    said = Recording(dialogue)
    one_realm(said)
    realms(said, files(said))
    return said


def record(folder: Path) -> list[Step]:
    """All of it."""
    with closing(Dialogue(folder)) as dialogue:
        said = before_farewell(dialogue)
        farewell(said)
        beside(said)
        return said.steps


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        steps = record(Path(folder) / "kampus")
    path = HERE / f"protocol_{len(recorded()) + 1}.json"
    write(path, steps)
    print(f"recorded {len(steps)} steps in {path.name}")


if __name__ == "__main__":
    main()
