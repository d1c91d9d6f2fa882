"""People of one realm who talk while its disk fails, and what must hold of what they were answered."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import msgpack
import zmq

from tests.faults.ending import Ending
from tests.faults.faulty_disk import FaultyRealm
from tests.faults.realm_flows import history
from tests.wire.player import read_card
from tests.wire.player_actor import Actor
from tests.wire.stranger import new_ulid

Map = dict[str, Any]

NAMES: Final = ("messi", "henderson", "lineker", "pele")
GROUP: Final = "new"
FULL: Final = {
    "the realm cannot store anything now, its disk is full: try again later",
    "the realm cannot serve files now, its disk is full: try again later",
}
"""What those are told who want to write then."""
BROKEN: Final = {"the realm cannot serve files now, its log says why: try again later"}
"""What those are told whose files fail."""
FILE_EVERY: Final = 25
GROUP_EVERY: Final = 3
EVERYTHING: Final = 1 << 30
PATIENCE: Final = 60.0


class Talker:
    """One user: what was sent, what was answered, and what is on its way."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.sent: dict[str, Map] = {}
        """By entry."""
        self.answers: dict[str, Map] = {}
        """Those that were OK."""
        self.files: dict[bytes, bytes] = {}
        """The content of what was uploaded, by digest."""
        self.unfinished: set[bytes] = set()
        """Those of which nobody has said yet that they are whole."""
        self.flying: dict[int, Map] = {}
        self.refused: Counter[str] = Counter()
        self._calls = 1_000_000
        self._begin()

    def say(self, count: int) -> None:
        """Send so many commands: private messages, messages to the group, and files."""
        others = [name for name in NAMES if name != self.actor.name]
        for number in range(len(self.sent), len(self.sent) + count):
            told: Map = {"message": f"{number} from {self.actor.name}", "entry": new_ulid()}
            if number % FILE_EVERY == 0:
                self._upload(f"{self.actor.name} {number}\n".encode() * 3_000)
            if number % GROUP_EVERY == 0:
                self._send({"cmd": "sendgroup", "group": GROUP, **told})
            else:
                self._send({"cmd": "send", "to": others[number % len(others)], **told})

    def say_again(self) -> None:
        """All that has no OK yet, in order."""
        for digest in sorted(self.unfinished):
            self._upload(self.files[digest])
        for entry, command in self.sent.items():
            if entry not in self.answers:
                self._send(command)

    def hear(self) -> int:
        """Take the answers that are here; how many were OK."""
        heard = 0
        while self.actor.dealer.poll(0):
            answer = dict(msgpack.unpackb(self.actor.dealer.recv_multipart()[0]))
            command = self.flying.pop(answer["id"])
            if answer["status"] == "OK":
                heard += 1
                self._ok(command, answer)
            else:
                self._refused(answer)
        return heard

    def hear_the_end(self) -> None:
        """Take all that the realm had sent: nothing comes after the connection's end. Then begin a new one."""
        self._ending.wait()
        self.hear()
        self.close()
        self.flying.clear()
        self.actor.open()
        self._begin()

    def close(self) -> None:
        self._ending.close()
        self.actor.close()

    def _begin(self) -> None:
        self._ending = Ending(self.actor.dealer, zmq.EVENT_DISCONNECTED)  # it dials before the realm is there

    def _send(self, command: Map, data: bytes | None = None, **about: Any) -> None:
        if "entry" in command:
            self.sent[command["entry"]] = command
        self._calls += 1
        self.flying[self._calls] = {**command, **about}
        frame = msgpack.packb({**command, "id": self._calls, "tokenId": self.actor.token})
        self.actor.dealer.send_multipart([frame] if data is None else [frame, data])

    def _upload(self, content: bytes) -> None:
        digest = hashlib.sha256(content).digest()
        self.files[digest] = content
        self.unfinished.add(digest)
        self._send({"cmd": "upload", "digest": digest, "size": len(content), "name": "laporan.txt"})

    def _ok(self, command: Map, answer: Map) -> None:
        if command["cmd"] == "upload" and "file" not in answer:
            rest = self.files[command["digest"]][answer["offset"] : answer["offset"] + answer["chunk"]]
            place = {"upload": answer["upload"], "offset": answer["offset"]}
            self._send({"cmd": "chunk", **place}, rest, digest=command["digest"])
        elif "file" in answer and "entry" not in command:
            self.unfinished.discard(command["digest"])
            told = {"file": answer["file"], "entry": new_ulid()}
            self._send({"cmd": "sendfile", "to": next(name for name in NAMES if name != self.actor.name), **told})
        elif "entry" in command:
            first = self.answers.setdefault(command["entry"], answer)
            assert {**first, "id": 0} == {**answer, "id": 0}, "the same send is answered in two ways"

    def _refused(self, answer: Map) -> None:
        code = answer["code"]
        assert code == "unavailable", answer
        self.refused[answer["message"]] += 1


class People:
    """All of them. To be closed."""

    def __init__(self, realm: FaultyRealm) -> None:
        self.realm = realm
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        card = read_card(self.context, f"tcp://127.0.0.1:{realm.door}")
        self.talkers = [Talker(self._person(card, name)) for name in NAMES]
        self.talkers[0].actor.ask([{"cmd": "addgroup", "group": GROUP}])
        for talker in self.talkers[1:]:
            talker.actor.ask([{"cmd": "joingroup", "group": GROUP}])
        self._epoch = self._ask_epoch()

    def say(self, each: int) -> None:
        """All at once."""
        for talker in self.talkers:
            talker.say(each)

    def talk(self, rounds: int) -> None:
        """A little at a time, so that there are many turns, until the realm hangs or has ended, or so many times."""
        for _ in range(rounds):
            self.say(4)
            self.hear(8)
            if self.realm.hangs or not self.realm.running:
                return

    def say_again(self) -> None:
        """What has no OK yet."""
        for talker in self.talkers:
            talker.say_again()

    def hear(self, enough: int) -> int:
        """Until so many were OK, or nothing is on its way, or the realm hangs or has ended; how many were OK."""
        poller, heard, give_up = zmq.Poller(), 0, monotonic() + PATIENCE
        for talker in self.talkers:
            poller.register(talker.actor.dealer, zmq.POLLIN)
        while heard < enough and self.flying() and self.realm.running and not self.realm.hangs:
            assert monotonic() < give_up, f"{sum(len(one.flying) for one in self.talkers)} are not answered"
            poller.poll(100)
            heard += sum(talker.hear() for talker in self.talkers)
        return heard

    def hear_all(self) -> None:
        """Until everything is answered."""
        self.hear(EVERYTHING)
        assert self.realm.running, self.realm.log()

    def flying(self) -> int:
        """How much is not answered."""
        return sum(len(talker.flying) for talker in self.talkers)

    def hear_the_end(self) -> None:
        """What the realm had answered before it ended."""
        for talker in self.talkers:
            talker.hear_the_end()

    def refused(self) -> Counter[str]:
        """How often somebody was refused, by what was said."""
        return sum((talker.refused for talker in self.talkers), Counter())

    def answered(self) -> int:
        """How many sends were OK."""
        return sum(len(talker.answers) for talker in self.talkers)

    def check(self) -> None:
        """Each OK is there once, where its answer said; nothing is there that was not sent; files are whole.

        And nobody is told that the realm was put back: what is torn at the end of its log is no loss.
        """
        assert "write-ahead log damaged" not in self.realm.log()
        assert self._ask_epoch() == self._epoch
        found: defaultdict[str, dict[str, Map]] = defaultdict(dict)
        for talker in self.talkers:
            for conversation in self._conversations(talker):
                found[conversation] |= {entry["id"]: entry for entry in history(talker.actor, conversation)}
        for talker in self.talkers:
            for entry, answer in talker.answers.items():
                kept = found[answer["conversation"]].get(entry)
                assert kept is not None, f"{answer['conversation']} lost {answer['seq']}, which was answered OK"
                assert (kept["seq"], kept["chain"]) == (answer["seq"], answer["chain"])
                assert kept.get("message") == talker.sent[entry].get("message")
                if kept["kind"] == "file":
                    self._check_file(talker, kept["file"])
        sent = {entry for talker in self.talkers for entry in talker.sent}
        assert {entry for kept in found.values() for entry in kept} <= sent, "there is what nobody has sent"

    def close(self) -> None:
        for talker in self.talkers:
            talker.close()
        self.context.destroy(linger=0)

    def _person(self, card: Map, name: str) -> Actor:
        actor = Actor(self.context, card, "127.0.0.1", name)
        account = {"username": name, "password": "surabaya", "country": "Inggris", "name": name.title()}
        [answer] = actor.ask([{"cmd": "register", **account}])
        assert answer["status"] == "OK", answer
        return actor

    def _ask_epoch(self) -> int:
        [answer] = self.talkers[0].actor.ask([{"cmd": "sync"}])
        return int(answer["epoch"])

    def _conversations(self, talker: Talker) -> list[str]:
        [answer] = talker.actor.ask([{"cmd": "conversations"}])
        return [row["conversation"] for row in answer["conversations"]]

    def _check_file(self, talker: Talker, file: Map) -> None:
        [answer] = talker.actor.ask([{"cmd": "download", "file": file["id"], "offset": 0, "size": file["size"]}])
        assert answer.get("bytes") == talker.files[bytes(file["digest"])], (answer.get("code"), file)


@contextmanager
def people_of(realm: FaultyRealm) -> Iterator[People]:
    """They come, and go with the block."""
    people = People(realm)
    try:
        yield people
    finally:
        people.close()
