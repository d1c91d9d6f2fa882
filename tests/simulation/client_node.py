"""One device of one user in a simulated world: the client library's cores, driven at random."""

import hashlib
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import UNSET

from client.errors import (
    BadRequestError,
    ClientError,
    NoAnswerError,
    NoSuchFileError,
    UserExistsError,
    WrongPasswordError,
)
from client.mirror import Mirror, Question
from client.reflect import reflect
from client.session import Call, Session, SessionEnded
from client.transfer import Question as UploadQuestion
from client.transfer import Upload
from schemas import commands
from schemas.answers import Answer, Downloaded, History, Messages, Sent, SessionOpened, UploadOpened
from schemas.commands import Command, name_of
from schemas.entries import Entry
from schemas.events import Welcome
from schemas.names import ConversationId
from tests.rules.kit import REALM, SeededIds
from tests.simulation.network import Fault, Seldom, World
from tests.simulation.realm_node import RealmNode
from tests.simulation.user import User

PATIENCE_MS = 10_000
WELCOME_MS = 2_000
HEARTBEAT_MS = 20_000
LOOK_MS = 500
Then = Callable[[Answer | ClientError], None]


class ClientNode:
    """Logs in, asks, hears, repairs; and does not trust the network."""

    def __init__(self, world: World, realm: RealmNode, user: User, number: int, users: list[User]) -> None:
        self.user = user
        self._all = users
        self._upload: Upload | None = None
        self.mirror = Mirror(f"{user.name}@{REALM}")
        self.news: list[Entry] = []
        self.sent: set[str] = set()
        """Entries that this device has asked for, also such as another had said before: perhaps no news to it."""
        self.left: set[ConversationId] = set()
        """Conversations that it did not show at some time after it had."""
        self.owed: dict[ConversationId, int] = {}
        """Behind which number all of a conversation is owed to it as news; all of a private one that is not here."""
        self.asked = 0
        self._world = world
        self._realm = realm
        self._key = f"{user.name}-{number}".ljust(40, "-")
        ids = SeededIds(world.seed * 1000 + number)
        self._shown: set[ConversationId] = set()
        self._compared = False
        self._session = Session(lambda: f"0{number}{ids.ulid(0)[2:]}")
        self._waiting: dict[int, Then] = {}
        self._sure: set[int] = set()
        """Questions about files that may not be unknown to the realm."""
        self._logging_in = False
        self._welcomed = False
        self._life = realm.life
        self._ended = False
        world.later(LOOK_MS, self._look)
        world.later(HEARTBEAT_MS, self._beat)

    @property
    def logged_in(self) -> bool:
        return self._session.login is not None

    def end(self) -> None:
        """Nobody uses the device any more."""
        self._ended = True

    @property
    def settled(self) -> bool:
        """Whether nothing is under way, and nothing wanted."""
        return self.logged_in and not self._waiting and self.mirror.idle and self._upload is None

    @property
    def shows_all(self) -> bool:
        """Whether it shows every conversation that it knows of from the beginning."""
        return all(shown.low <= shown.first for shown in self.mirror.shown.values())

    # asking

    def ask(self, command: Command, then: Then = lambda _: None, payload: bytes = b"") -> None:
        """Ask the realm, again and again if need be."""
        self._world.count(name_of(type(command)))
        self.asked += 1
        call = self._session.ask(command, payload)
        self.user.saying(call.command)
        if self._may_not_be_unknown(call.command):
            self._sure.add(call.id)
        if isinstance(call.command, commands.Repeatable):
            if isinstance(call.command, commands.Texting):
                self.user.said[str(call.command.entry)] = call.command.message
            self.sent.add(str(call.command.entry))
            self.mirror.sending(str(call.command.entry))
        self._waiting[call.id] = then
        self._say(call)

    def _say(self, call: Call) -> None:
        realm, world = self._realm, self._world

        def answered(frames: list[bytes]) -> None:
            world.carry(lambda: self._answered(frames))

        world.carry(lambda: realm.receive(self._key, call.frames, answered))
        world.later(PATIENCE_MS, lambda: self._remind(call))

    def _remind(self, call: Call) -> None:
        if call.id not in self._waiting:
            return
        if call.repeatable:
            self._say(call)
            return
        self._session.forget(call)
        self._waiting.pop(call.id)(NoAnswerError("no answer"))
        self._pump()

    def _answered(self, frames: list[bytes]) -> None:
        settled = self._session.answered(frames)
        if settled is None:
            return
        if isinstance(settled.call.command, commands.Download) and isinstance(settled.outcome, Downloaded):
            self._check_download(settled.call.command, settled.outcome, settled.payload)
        then = self._waiting.pop(settled.call.id, None)
        outcome = settled.outcome
        if settled.call.id in self._sure and isinstance(outcome, NoSuchFileError):
            self._realm.wrongs.append(f"{self.mirror.user} asked for a file that entries name, and it is gone")
        self._check_rights(outcome)
        reflect(self.mirror, settled.call.command, outcome)
        if isinstance(outcome, Sent):
            self._take_sent(settled.call, outcome)
        if then is not None:
            then(outcome)
        self._pump()

    def _check_rights(self, outcome: Answer | ClientError) -> None:
        """No answer shows what others say to each other."""
        entries: list[Entry] = []
        if isinstance(outcome, History):
            entries = outcome.entries
        elif isinstance(outcome, Messages):
            entries = outcome.messages
        for conversation in {entry.conversation for entry in entries}:
            kind, _, parties = conversation.partition("/")
            if kind == "private" and self.mirror.user not in parties.split(","):
                self._realm.wrongs.append(f"{self.mirror.user} was shown {conversation}, but is not in it")

    def _take_sent(self, call: Call, sent: Sent) -> None:
        first = self.user.told.setdefault(sent.entry, sent)
        if msgspec.structs.replace(first, id=0) != msgspec.structs.replace(sent, id=0):
            self._realm.wrongs.append(f"entry {sent.entry} was answered in two ways")
        if isinstance(call.command, commands.Repeatable) and sent.entry != call.command.entry:
            self._realm.wrongs.append(f"entry {call.command.entry} was answered as {sent.entry}")

    # files

    def upload(self, content: bytes, name: str) -> None:
        """Bring a file to the realm, unless one is under way here, and go on until it is there or given up."""
        if self._upload is None:
            self._upload = Upload(hashlib.sha256(content).digest(), len(content), name)
            self._go_on_uploading(self._upload, content)

    def shown_files(self) -> list[str]:
        """Those that entries name."""
        return [entry.file.id for one in self.mirror.shown.values() for entry in one.entries if entry.file is not UNSET]

    def _may_not_be_unknown(self, command: Command) -> bool:
        """Whether it is about a file that an entry names, and the user has sent that or has it for good."""
        match command:
            case commands.Download(file=file):
                return self.user.has_sent(file) or self._has(file)
            case commands.Filing(file=file):
                return self.user.has_sent(file)
        return False

    def _has(self, file: str) -> bool:
        private = [shown for name, shown in self.mirror.shown.items() if name.startswith("private/")]
        return any(entry.file is not UNSET and entry.file.id == file for one in private for entry in one.entries)

    def _go_on_uploading(self, upload: Upload, content: bytes) -> None:
        for question in upload.take():
            data = content[question.offset : question.offset + question.length]
            if question.offset + question.length == len(content):
                self.user.brought.add(content)
            then = partial(self._uploaded, upload, content, question)
            self.ask(question.command, then, data if isinstance(question.command, commands.Chunk) else b"")
        if not upload.done:
            return
        self._upload = None
        if upload.file is not None:
            self.user.files[upload.file] = content

    def _uploaded(
        self, upload: Upload, content: bytes, question: UploadQuestion, outcome: Answer | ClientError
    ) -> None:
        if isinstance(outcome, BadRequestError) and str(outcome).startswith("digest"):
            self._realm.wrongs.append(f"an honest upload was refused: {outcome}")
        if isinstance(outcome, UploadOpened) and outcome.file is not UNSET:
            self._check_known(content)
        upload.answered(question, outcome)
        if upload.wait:
            self._world.later(upload.wait, lambda: self._go_on_uploading(upload, content))
        else:
            self._go_on_uploading(upload, content)

    def _check_known(self, content: bytes) -> None:
        """Who has neither sent all of these bytes nor may have been shown them is not given them for their digest."""
        same = {file for user in self._all for file, other in user.files.items() if other == content}
        if content in self.user.brought:
            return
        if any(self.user.may_see(file, self._all) for file in same):
            self._world.count(Seldom.KNOWN)
        elif content:
            self._realm.wrongs.append(f"{self.mirror.user} was given a file for its digest")

    def _check_download(self, command: commands.Download, told: Downloaded, payload: bytes) -> None:
        """Bytes are those that were uploaded, and only for who could ever see them."""
        content = next(one.files[command.file] for one in self._all if command.file in one.files)
        if payload:
            self._world.count(Seldom.READ)
        if (told.file_info.id, told.file_info.digest) != (command.file, hashlib.sha256(content).digest()):
            self._realm.wrongs.append(f"{self.mirror.user} asked for {command.file}, and was told of another")
        if payload != content[command.offset : command.offset + command.size]:
            self._realm.wrongs.append(f"{self.mirror.user} was given other bytes of {command.file}")
        if not self.user.may_see(command.file, self._all):
            self._realm.wrongs.append(f"{self.mirror.user} was given {command.file}, but may not see it")

    # logging in

    def log_in(self) -> None:
        """Register, or log in, unless that is under way."""
        if self._logging_in or self.logged_in:
            return
        self._logging_in = True
        name, passwords = self.user.name, self.user.passwords
        if not self.user.registered:
            register = commands.Register(id=0, username=name, password=passwords[0], country="Inggris", name=name)
            self.ask(register, self._logged_in)
        else:
            self.ask(commands.Auth(id=0, username=name, password=passwords[0]), self._logged_in)

    def _logged_in(self, outcome: Answer | ClientError) -> None:
        self._logging_in = False
        if isinstance(outcome, SessionOpened | UserExistsError):
            self.user.registered = True
        if isinstance(outcome, WrongPasswordError):
            self.user.passwords.append(self.user.passwords.pop(0))
        if self.logged_in:
            self._subscribe()
        else:
            self._world.later(self._world.dice.randint(50, 500), self.log_in)

    # push

    def _subscribe(self) -> None:
        login = self._session.login
        if login is None:
            return
        self._welcomed = False
        topic, life = login.topic, self._realm.life

        def hear(frame: bytes) -> None:
            frame = self._perhaps_forged(frame)
            self._world.carry(lambda: self._hear(topic, frame))

        self._world.carry(lambda: self._realm.subscribe(self._key, topic, hear))
        self._world.later(WELCOME_MS, partial(self._welcome_due, topic, life))

    def _welcome_due(self, topic: bytes, life: int) -> None:
        login = self._session.login
        if not self._welcomed and login is not None and login.topic == topic and self._realm.life == life:
            self._subscribe()

    def _hear(self, topic: bytes, frame: bytes) -> None:
        for event in self._session.heard([topic, frame]):
            if isinstance(event, SessionEnded):
                continue
            self._welcomed = self._welcomed or isinstance(event, Welcome)
            self.mirror.heard(event)
        self._pump()

    def _perhaps_forged(self, frame: bytes) -> bytes:
        """Sometimes another text or name than was said, which only the chain can show."""
        event = msgspec.msgpack.decode(frame)
        if event["event"] != "entry" or not self._world.chance(0.01):
            return frame
        self._world.count(Fault.FORGE)
        entry = event["entry"]
        part, field = (entry["file"], "name") if entry["kind"] == "file" else (entry, "message")
        part[field] += "?"
        return msgspec.msgpack.encode(event)

    # as time goes by

    def _pump(self) -> None:
        """Ask what the mirror wants to know, and keep what it has news of."""
        self.news += self.mirror.take_news()
        self.left |= self._shown - self.mirror.shown.keys()
        if self.mirror.compared:
            self._note_owed()
        self._shown = set(self.mirror.shown)
        if self.logged_in:
            for question in self.mirror.take_questions():
                self.ask(question.command, partial(self._question_answered, question))

    def _note_owed(self) -> None:
        """What is said from now on, once all was compared with the realm; in a group, once it was found there."""
        begun = {name for name, shown in self.mirror.shown.items() if shown.told is not None}
        met = {name for name in begun - self.owed.keys() if name.startswith("group/")}
        if not self._realm.running or not (met or not self._compared):
            return
        with self._realm.store.transaction(writable=False) as tx:
            account = tx.account(self.user.name)
            assert account is not None
            heads = {one.conversation: one.head for one in tx.standings_named(account.id, "", 1 << 20)}
        begin = set() if self._compared else {name for name in heads if name.startswith("private/")}
        for name in met | begin:
            self.owed.setdefault(name, heads.get(name, 1 << 32))
        self._compared = True

    def _question_answered(self, question: Question, outcome: Answer | ClientError) -> None:
        self.mirror.answered(question, outcome)

    def _look(self) -> None:
        """Notice that the realm was killed: sockets connect again, and subscribe again."""
        if self._ended:
            return
        self._world.later(LOOK_MS, self._look)
        if not self.logged_in:
            self.log_in()
        elif self._life != self._realm.life and self._realm.running:
            self._life = self._realm.life
            self._subscribe()

    def _beat(self) -> None:
        if self._ended:
            return
        self._world.later(HEARTBEAT_MS, self._beat)
        self.mirror.beat()
        self._pump()
