"""Several realms joined without sockets: real cores and stores, frames through the codec, a clock that the test turns.

Frames are carried at once, in order, unless the test has said what is to become of them (`hold`, `lose`, `double`).
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from realm.core import Core
from realm.effects import Connect, Disconnect, Effect, Note, Reply, ToPeer
from realm.inputs import FromPeer, Input, JobDone, LinkDown, LinkUp, Stopping, Tick
from realm.jobs import (
    Agreed,
    CardRead,
    DialFailed,
    DialJob,
    ProveIntroduction,
    ReadCard,
)
from realm.request import Request, Route
from realm.settings import PeerRules, Settings
from realm.store.database import FILE
from realm.store.rows import Outgoing, Sending
from realm.store.sqlite import SqliteStore
from realm.turn import Turns
from schemas import commands
from schemas.answers import Answer, UploadOpened
from schemas.codec import Malformed, decode_command, decode_from_peer, encode_answer, encode_command, encode_refusal
from schemas.commands import Command
from schemas.entries import Entry
from schemas.errors import Refusal
from schemas.events import Delivered, EntryPushed, Event
from schemas.federation import Envelope, Introduced, LinkCommand, Mark, Prove, Proved, hash_of
from schemas.names import Address, Name
from tests.rules.files_kit import sha
from tests.rules.kit import INVITE_KEY, NOW, RealmKit, SeededIds, key_of

DAY = 86_400_000
HOUR = 3_600_000
PORT = 8889
Map = dict[str, Any]


def key_of_realm(name: str) -> str:
    return f"key-of-realm-{name}".ljust(40, "-")


def ulid(number: int) -> str:
    return f"01J{number:023d}"


class Ids(SeededIds):
    """Ids of one realm, never those of another."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._number = number

    def ulid(self, now: int) -> str:
        return f"0{self._number}{super().ulid(now)[2:]}"


class Frame(NamedTuple):
    """Something on its way between two realms."""

    source: str
    target: str
    what: str
    """The command, or `link.ack`, `link.again`, `answer`."""
    frames: list[bytes]
    asked: ToPeer
    """What was said on the link; of an answer, what it answers."""
    route: bytes
    life: int
    """Of the one who has asked."""

    @property
    def body(self) -> Map:
        told = msgspec.msgpack.decode(self.frames[0], strict=False)
        assert isinstance(told, dict)
        return told


class Asked:
    """A command of a user, and the answer to it when there is one."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    @property
    def answer(self) -> Any:
        assert len(self.answers) == 1, self.answers
        return self.answers[0]

    @property
    def open(self) -> bool:
        """Whether there is no answer yet."""
        return not self.answers


@dataclass
class Connection:
    """What a link is to its owner: to whom it goes, and by what the other side knows it."""

    target: str
    route: bytes
    up: bool = False


@dataclass
class Rule:
    """What becomes of some frames: how many more of them, and how."""

    what: str
    fate: str
    left: int
    source: str | None
    also: Callable[[Frame], bool] = field(default=lambda _frame: True)

    def meets(self, frame: Frame) -> bool:
        return (
            self.left > 0
            and self.what in ("*", frame.what)
            and self.source in (None, frame.source)
            and self.also(frame)
        )


class Network:
    """Who is where, what is on its way, and the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.nodes: dict[str, Node] = {}
        self.liars: dict[str, Liar] = {}
        self.seen: list[Frame] = []
        """Everything that was handed over, whatever became of it."""
        self.held: list[Frame] = []
        self.rules: list[Rule] = []
        self.unreachable: set[frozenset[str]] = set()
        self._queue: list[Frame] = []
        self._routes = 0

    # who there is

    def realm(self, name: str, settings: Settings | None = None) -> "Node":
        self.nodes[name] = Node(self, name, len(self.nodes) + 1, settings)
        return self.nodes[name]

    def liar(self, name: str) -> "Liar":
        self.liars[name] = Liar(self, name)
        return self.liars[name]

    def reaches(self, one: str, other: str) -> bool:
        node = self.nodes.get(other)
        there = other in self.liars or (node is not None and node.running)
        return there and frozenset({one, other}) not in self.unreachable

    def new_route(self) -> bytes:
        self._routes += 1
        return self._routes.to_bytes(5, "big")

    # what becomes of frames

    def hold(self, what: str, times: int = 1_000_000, source: str | None = None) -> None:
        self.rules.append(Rule(what, "hold", times, source))

    def lose(self, what: str, times: int = 1_000_000, source: str | None = None) -> None:
        self.rules.append(Rule(what, "lose", times, source))

    def double(self, what: str, times: int = 1_000_000, source: str | None = None) -> None:
        self.rules.append(Rule(what, "double", times, source))

    def heal(self) -> None:
        """From now on all frames arrive; those that are held stay so."""
        self.rules.clear()

    def release(self) -> None:
        """What was held arrives now."""
        self.rules.clear()
        held, self.held = self.held, []
        for frame in held:
            self._arrive(frame)
        self.flow()

    def told(self, what: str, source: str | None = None) -> list[Map]:
        """What was said so far, of one kind."""
        return [one.body for one in self.seen if one.what == what and source in (None, one.source)]

    def forget(self) -> None:
        self.seen.clear()

    def cut(self, one: str, other: str, *, told: bool = True) -> None:
        """Nothing gets from the one to the other; `told`: both hear that the connection is lost."""
        self.unreachable.add(frozenset({one, other}))
        if told:
            self._tell(one, other, up=False)

    def join(self, one: str, other: str) -> None:
        """They reach each other again, and their connections are made anew."""
        self.unreachable.discard(frozenset({one, other}))
        self._tell(one, other, up=True)

    def reroute(self, one: str, other: str) -> None:
        """A reconnect that nobody tells: from now on the other realm sees another connection."""
        for connection in self.nodes[one].links.values():
            if connection.target == other:
                connection.route = self.new_route()

    def _tell(self, one: str, other: str, *, up: bool) -> None:
        for owner, target in ((one, other), (other, one)):
            node = self.nodes.get(owner)
            if node is not None and node.running:
                node.lines_to(target, up=up)
        self.flow()

    # time

    def send(self, frame: Frame) -> None:
        self.seen.append(frame)
        for rule in self.rules:
            if rule.meets(frame):
                rule.left -= 1
                if rule.fate == "hold":
                    self.held.append(frame)
                elif rule.fate == "double":
                    self._queue += [frame, frame]
                return
        self._queue.append(frame)

    def flow(self) -> None:
        """Carry what is on its way, and do the jobs, until nothing is left to do."""
        for _ in range(20_000):
            if self._queue:
                self._arrive(self._queue.pop(0))
            elif not any(node.work() for node in self.nodes.values() if node.running):
                return
        raise AssertionError(f"they never stop talking: {[one.what for one in self.seen[-20:]]}")

    def run(self, ms: int, step: int | None = None) -> None:
        """Let the time pass, with a tick whenever one is due."""
        end = self.now + ms
        self.flow()
        while True:
            due = min((one.wakes() for one in self.nodes.values() if one.running), default=end)
            self.now = min(end, max(due, self.now + (step or 1)))
            self.tick()
            if self.now >= end:
                return

    def skip(self, ms: int) -> None:
        """The time is another, at once."""
        self.now += ms
        self.tick()

    def tick(self) -> None:
        for node in self.nodes.values():
            if node.running and node.wakes() <= self.now:
                node.turn(Tick())
        self.flow()

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()

    def _arrive(self, frame: Frame) -> None:
        if not self.reaches(frame.source, frame.target):
            return
        if frame.target in self.liars:
            self.liars[frame.target].hear(frame)
        elif frame.what in ANSWERS:
            node = self.nodes[frame.target]
            read = decode_from_peer(frame.frames[0])
            if read is not None and frame.life == node.life:
                node.turn(FromPeer(frame.asked.peer, read, frame.asked.bulk))
        else:
            asker = frame.source
            self.nodes[frame.target].receive(
                key_of_realm(asker),
                frame.frames,
                (b"b" if frame.asked.bulk else b"") + frame.route,
                lambda reply: self.answered(frame, reply),
            )

    def answered(self, asked: Frame, reply: Reply) -> None:
        """An answer goes back over the link on which it was asked."""
        answer = reply.answer
        if isinstance(answer, Refusal):
            raw = encode_refusal(reply.request.call, answer)
        else:
            raw = encode_answer(answer)
        what = msgspec.msgpack.decode(raw).get("cmd", "answer")
        self.send(Frame(asked.target, asked.source, what, [raw], asked.asked, asked.route, asked.life))


ANSWERS = ("answer", "link.ack", "link.again")


class Backup(NamedTuple):
    """A realm's folder at some time."""

    database: bytes
    uploads: dict[str, bytes]
    blobs: dict[bytes, bytes]


class Node(RealmKit):
    """A realm of the network: its users say commands, whose answers may come later."""

    def __init__(self, network: Network, name: str, number: int, settings: Settings | None) -> None:
        self.network = network
        self.name = Name(name)
        self.key = key_of_realm(name)
        self.tokens: dict[str, str] = {}
        """By key."""
        self.topics: dict[bytes, str] = {}
        self.links: dict[int, Connection] = {}
        self.life = 0
        self.running = False
        self.strict = True
        """Whether an internal error ends the test."""
        self.clock = 0
        """How far its clock is off, ms."""
        self.pages: int | None = None
        """How large its database may become, where its disk is full."""
        self._asking: dict[bytes, Callable[[Reply], None]] = {}
        self._inputs: list[Input] = []
        super().__init__(network.folder / name, settings)
        self.ids = Ids(number)
        self.core.rules.ids = self.ids

    # life

    @property
    def now(self) -> int:
        return self.network.now + self.clock

    @now.setter
    def now(self, _value: int) -> None: ...

    def start(self) -> None:
        self.store = SqliteStore(self.folder, self.name, self.ids.epoch)
        self.store._connection.execute("PRAGMA synchronous = OFF")
        if self.pages is not None:
            self.fill_disk()
        self.core = Core(self.store, self.settings, self.ids, self.now, INVITE_KEY, self.key)
        self.turns = Turns(self.core, self.store)
        self.disk.uploads = {one: held for one, held in self.disk.uploads.items() if one in self.core.memory.uploads}
        self.life += 1
        self.running = True

    def come_back(self) -> None:
        """Start again, and let others reach it."""
        self.start()
        for other in self.network.nodes.values():
            if other is not self and other.running:
                other.lines_to(self.name, up=True)
        self.network.tick()

    def end(self) -> None:
        """End here and now, as by a kill; those connected hear that they are not any more."""
        self.store.close()
        self.running = False
        self.jobs.clear()
        self._inputs.clear()
        self._asking.clear()
        self.links.clear()
        for other in self.network.nodes.values():
            if other is not self and other.running:
                other.lines_to(self.name, up=False)
        self.network.flow()

    def stop(self) -> None:
        """End in good order."""
        self.turn(Stopping())
        self.end()

    def crash(self) -> None:
        """Killed, and started again."""
        self.end()
        self.come_back()

    def close(self) -> None:
        self.store.close()
        self.running = False

    def backup(self) -> Backup:
        with sqlite3.connect(":memory:") as copy:
            self.store._connection.backup(copy)
            content = copy.serialize()
        copy.close()
        return Backup(content, dict(self.disk.uploads), dict(self.disk.blobs))

    def restore(self, backup: Backup, settings: Settings | None = None) -> None:
        """Put an older backup in the place of what there is, and start."""
        self.end()
        for file in self.folder.glob(f"{FILE}*"):
            file.unlink()
        (self.folder / FILE).write_bytes(backup.database)
        self.disk.uploads, self.disk.blobs = dict(backup.uploads), dict(backup.blobs)
        if settings is not None:
            self.settings = settings
        self.come_back()

    def fill_disk(self) -> None:
        connection = self.store._connection
        connection.execute("VACUUM")
        self.pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
        connection.execute(f"PRAGMA max_page_count = {self.pages}")

    def make_room(self) -> None:
        self.pages = None
        self.store._connection.execute("PRAGMA max_page_count = 1000000")

    # turns

    def wakes(self) -> int:
        return self.core.wake_at(self.now) - self.clock

    def turn(self, *inputs: Input) -> list[Reply]:
        before = len(self.effects)
        replies = super().turn(*inputs)
        for effect in self.effects[before:]:
            self._do(effect)
        return replies

    def _do(self, effect: Effect) -> None:
        match effect:
            case Reply(request):
                told = self._asking.get(request.route.peer)
                if told is not None:
                    told(effect)
            case ToPeer():
                self._to_peer(effect)
            case Connect(peer, _, host):
                known = self.links.get(peer)
                if known is None or known.target != host or not known.up:
                    self.links[peer] = known = Connection(host, self.network.new_route())
                    self._inputs.append(self._line(peer, known))
            case Disconnect(peer):
                self.links.pop(peer, None)
            case Note("error", "internal error", fields) if self.strict:
                raise AssertionError(fields)

    def _line(self, peer: int, connection: Connection) -> Input:
        connection.up = self.network.reaches(self.name, connection.target)
        return LinkUp(peer) if connection.up else LinkDown(peer, "nothing answers")

    def lines_to(self, target: str, *, up: bool) -> None:
        """The connections to a realm are lost, or made again."""
        for peer, connection in self.links.items():
            if connection.target == target and connection.up != up:
                connection.up, connection.route = up, self.network.new_route()
                self._inputs.append(LinkUp(peer) if up else LinkDown(peer, "connection lost"))

    def _to_peer(self, effect: ToPeer) -> None:
        connection = self.links.get(effect.peer)
        if connection is None or not connection.up:
            return
        frames = [encode_command(effect.frame)] if effect.data is None else [encode_command(effect.frame), effect.data]
        what = str(effect.frame.__struct_config__.tag)
        self.network.send(Frame(self.name, connection.target, what, frames, effect, connection.route, self.life))

    def receive(
        self, key: str, frames: list[bytes], route: bytes, told: Callable[[Reply], None], address: str = "127.0.0.1"
    ) -> None:
        """A frame comes to the commands port."""
        decoded = decode_command(frames)
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        self._asking[route] = told
        self.turn(Request(Route(route), key, address, body, data))

    def work(self) -> bool:
        """Take in what connections have to tell, and do one job; whether there was anything."""
        if self._inputs:
            inputs, self._inputs = self._inputs, []
            self.turn(*inputs)
            return True
        if not self.jobs:
            return False
        job = self.jobs.pop(0)
        if isinstance(job, DialJob):
            self._dial(job)
        else:
            self.turn(JobDone(job, self.do(job), 1))
        return True

    def _dial(self, job: DialJob) -> None:
        if not self.network.reaches(self.name, job.host):
            self.turn(JobDone(job, DialFailed("no answer"), 1))
            return
        target: Node | Liar = self.network.nodes.get(job.host) or self.network.liars[job.host]
        card = target.card
        if isinstance(job, ReadCard):
            self.turn(JobDone(job, card, 1))
        elif isinstance(target, Liar):
            self.turn(JobDone(job, Agreed(0), 1))
        elif isinstance(job, ProveIntroduction) and (card.realm, card.key) != (job.realm, job.key):
            self.turn(JobDone(job, DialFailed("another realm, or one with another key"), 1))
        else:
            asks: LinkCommand = Introduced(id=1, realm=self.name, address=self.name, port=PORT)
            if isinstance(job, ProveIntroduction):
                asks = Prove(id=1, nonce=job.nonce)

            def told(reply: Reply) -> None:
                good = isinstance(reply.answer, Answer)
                if isinstance(job, ProveIntroduction) and isinstance(reply.answer, Proved):
                    good = reply.answer.nonce == job.nonce
                why = reply.answer.text if isinstance(reply.answer, Refusal) else "no"
                self._inputs.append(JobDone(job, Agreed(0) if good else DialFailed(why), 1))

            target.receive(self.key, [encode_command(asks)], self.network.new_route(), told)

    @property
    def card(self) -> CardRead:
        return CardRead(self.name, 1, self.key, 1)

    # users

    def user(self, name: str) -> "User":
        """A new user, logged in."""
        session = self.register(name)
        return User(self, name, key_of(name), session.tokenId, session.topic)

    def register(self, name: str, key: str | None = None, password: str = "surabaya") -> Any:
        command = commands.Register(id=1, username=Name(name), password=password, country="ID", name=name.title())
        return self.say(key or key_of(name), command).answer

    def say(self, key: str, body: Command, data: bytes | None = None) -> Asked:
        """Say a command; its answer may come later."""
        asked = self.begin(key, body, data)
        self.network.flow()
        return asked

    def begin(self, key: str, body: Command, data: bytes | None = None) -> Asked:
        """The same, and nothing else happens yet: jobs wait, and frames."""
        asked = Asked()
        frames = [encode_command(body)] if data is None else [encode_command(body), data]
        self.receive(key, frames, self.network.new_route(), lambda reply: asked.answers.append(reply.answer))
        return asked

    def ends(self, peer: str) -> Sending:
        """How far what is sent to a peer has come."""
        with self.store.transaction() as tx:
            return tx.sending(self.peer(peer))

    def taken(self, peer: str) -> Mark:
        """How far what a peer sends was taken."""
        with self.store.transaction() as tx:
            return tx.received_mark(self.peer(peer))

    def peer(self, name: str) -> int:
        found = self.core.memory.peers.by_name(name)
        assert found is not None, name
        return found.id

    def outgoing(self, user: str, entry: str) -> Outgoing | None:
        with self.store.transaction() as tx:
            account = tx.account(Name(user))
            assert account is not None
            return tx.outgoing(account.id, entry)

    def count(self, table: str) -> int:
        return int(self.store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def link(self, peer: str) -> Any:
        return self.core.memory.peers.link(self.peer(peer))

    def notes(self, event: str) -> list[Note]:
        return [effect for effect in self.effects if isinstance(effect, Note) and effect.event == event]


@dataclass
class User:
    """Somebody logged in, who hears what is pushed."""

    node: Node
    name: str
    key: str
    token: str
    topic: bytes
    _calls: int = 1

    def elsewhere(self) -> "User":
        """The same user on another device."""
        key = f"other-{self.name}".ljust(40, "-")
        answer = self.node.say(key, commands.Auth(id=1, username=Name(self.name), password="surabaya")).answer
        return User(self.node, self.name, key, answer.tokenId, answer.topic)

    def ask(self, command: type[Command], data: bytes | None = None, **arguments: Any) -> Asked:
        """Say a command; its answer may come later."""
        self._calls += 1
        body = command(id=self._calls, tokenId=self.token, **arguments)  # type: ignore[call-arg]
        return self.node.say(self.key, body, data)

    def get(self, command: type[Command], data: bytes | None = None, **arguments: Any) -> Any:
        """The answer, which must come at once."""
        return self.ask(command, data, **arguments).answer

    def send(self, to: str, message: str = "halo", entry: int | None = None) -> Asked:
        """`bob@pusat`, by `send`."""
        more: Map = {} if entry is None else {"entry": ulid(entry)}
        return self.ask(commands.Send, to=Address(to), message=message, **more)

    def send_file(self, to: str, file: str, entry: int | None = None) -> Asked:
        more: Map = {} if entry is None else {"entry": ulid(entry)}
        return self.ask(commands.SendFile, to=Address(to), file=file, **more)

    def upload(self, content: bytes, name: str = "foto.png") -> str:
        """The id of a file with that content."""
        opened = self.get(commands.Upload, digest=sha(content), size=len(content), name=name)
        assert isinstance(opened, UploadOpened), opened
        if opened.file is not msgspec.UNSET:
            return str(opened.file)
        taken = self.get(commands.Chunk, data=content, upload=opened.upload, offset=0)
        return str(taken.file)

    def begin_to_add(self, realm: str, address: str) -> Asked:
        """Say `addrealm`, of which nothing happens yet."""
        command = commands.AddRealm(id=1, tokenId=self.token, realm=Name(realm), address=address, port=PORT)
        return self.node.begin(self.key, command)

    def add_realm(self, realm: str, **changes: Any) -> Asked:
        return self.ask(commands.AddRealm, **{"realm": Name(realm), "address": realm, "port": PORT, **changes})

    def history(self, conversation: str) -> list[Entry]:
        answer = self.get(commands.History, conversation=conversation, after=0)
        return [] if isinstance(answer, Refusal) else list(answer.entries)

    def texts(self, conversation: str) -> list[str]:
        return [str(one.message) for one in self.history(conversation)]

    def inbox(self, realm: str | None = None) -> list[Entry]:
        """What `inbox` gives, or `getrealminbox` of a realm."""
        if realm is None:
            return list(self.get(commands.Inbox).messages)
        return list(self.get(commands.GetRealmInbox, realm=Name(realm)).messages)

    def pushed(self) -> list[Event]:
        return [event for topic, event in self.node.published if topic == self.topic]

    def entries(self) -> list[Entry]:
        return [event.entry for event in self.pushed() if isinstance(event, EntryPushed)]

    def delivered(self) -> list[int]:
        return [event.seq for event in self.pushed() if isinstance(event, Delivered)]


class Liar:
    """A realm that is whatever the test makes of it: it answers as told, and says what it wants."""

    def __init__(self, network: Network, name: str) -> None:
        self.network = network
        self.name = name
        self.key = key_of_realm(name)
        self.asked: list[Map] = []
        self.answer: Callable[[Map], list[Map]] = lambda _asked: []
        self.route = network.new_route()
        self._calls = 0

    @property
    def card(self) -> CardRead:
        return CardRead(self.name, 1, self.key, 1)

    def hear(self, frame: Frame) -> None:
        """Something comes on the link of a realm to this one."""
        self.asked.append(frame.body)
        for told in self.answer(frame.body):
            raw = msgspec.msgpack.encode(told)
            what = told.get("cmd", "answer")
            what = what if what in ANSWERS else "answer"
            self.network.send(Frame(self.name, frame.source, what, [raw], frame.asked, frame.route, frame.life))

    def say(self, to: Node, told: Map, data: bytes | None = None, route: bytes | None = None) -> Any:
        """Say something on the commands port of a realm; the answer as a map, None where there is none yet."""
        frames = [msgspec.msgpack.encode(told)] if data is None else [msgspec.msgpack.encode(told), data]
        return self.say_frames(to, frames, route)

    def say_frames(self, to: Node, frames: list[bytes], route: bytes | None = None) -> Any:
        """The same of frames, which may be anything."""
        came: list[Map] = []

        def answered(reply: Reply) -> None:
            answer = reply.answer
            call = reply.request.call
            raw = encode_refusal(call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
            came.append(msgspec.msgpack.decode(raw, strict=False))

        to.receive(self.key, frames, route or self.route, answered)
        self.network.flow()
        assert len(came) < 2, came
        return came[0] if came else None

    def hello(self, to: Node, epoch: int = 1, following: int = 1) -> Map:
        self._calls += 1
        told = {"cmd": "link.hello", "id": self._calls, "realm": self.name, "version": 1, "features": []}
        return self.say(to, {**told, "epoch": epoch, "next": following})  # type: ignore[no-any-return]

    def greeting(self, asked: Map, n: int = 0, epoch: int | None = None, digest: bytes = bytes(32)) -> list[Map]:
        """The answer of an honest realm to a hello."""
        received = {"epoch": asked["epoch"] if epoch is None else epoch, "n": n, "hash": digest}
        told = {"id": asked["id"], "status": "OK", "realm": self.name, "version": 1, "features": []}
        return [{**told, "received": received}]

    def honest(self, asked: Map) -> list[Map]:
        """Takes whatever comes in order, and forgets nothing but what it was given."""
        if asked["cmd"] == "link.hello":
            done = [one for one in self.asked if one["cmd"] == "link.envelope" and one["epoch"] == asked["epoch"]]
            last = max(done, key=lambda one: one["n"], default=None)
            return self.greeting(asked, last["n"], digest=last["hash"]) if last else self.greeting(asked)
        if asked["cmd"] == "link.envelope":
            n = asked["n"]
            return [{"cmd": "link.ack", "epoch": asked["epoch"], "after": n - 1, "upto": n, "results": {}}]
        return []


def seal(before: bytes, told: Map) -> Map:
    """An envelope with its hash."""
    bare = msgspec.convert({**told, "hash": bytes(32)}, Envelope)
    return {**told, "hash": hash_of(before, bare)}


def envelope(n: int, entry: int, before: bytes = bytes(32), **changes: Any) -> Map:
    """A text of bob@pusat to messi, as envelope number n."""
    told = {
        "cmd": "link.envelope",
        "epoch": 1,
        "n": n,
        "id": ulid(entry),
        "kind": "text",
        "from": "bob@pusat",
        "name": "Bob",
        "to": "messi",
        "sent_at": NOW,
        "message": f"halo {entry}",
    }
    if "sender" in changes:
        changes["from"] = changes.pop("sender")
    told.update(changes)
    return seal(before, {name: value for name, value in told.items() if value is not None})


@contextmanager
def network_in(folder: Path) -> Iterator[Network]:
    made = Network(folder)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Pair:
    """Two realms that know each other, with two users each."""

    network: Network
    kampus: Node
    pusat: Node
    messi: User
    henderson: User
    bob: User
    lina: User

    @property
    def talk(self) -> str:
        return "private/bob@pusat,messi@kampus"


def make_pair(network: Network, kampus: Settings | None = None, pusat: Settings | None = None) -> Pair:
    one, other = network.realm("kampus", kampus), network.realm("pusat", pusat)
    pair = Pair(network, one, other, one.user("messi"), one.user("henderson"), other.user("bob"), other.user("lina"))
    answer = pair.messi.add_realm("pusat").answer
    assert isinstance(answer, Answer), answer
    network.run(2_000)
    network.forget()
    return pair


def peer_rules(**changes: Any) -> Settings:
    return Settings(peers=PeerRules(**changes))
