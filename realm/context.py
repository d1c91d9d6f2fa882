"""What a handler has in its hands: the transaction, the time, who asks, and ways to tell others."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final, Literal

from realm.due import Slices, when
from realm.effects import Effect, Note, Publish, Reply, RunJob
from realm.ids import Ids
from realm.incident import Damage
from realm.jobs import Job
from realm.limits import Buckets, Failures, Trusted
from realm.memory import JobBegan, Memory, View
from realm.request import Request, Route
from realm.session import Session
from realm.settings import Settings
from realm.store.interface import Tx
from realm.store.rows import Peer
from schemas.events import Event
from schemas.federation import LinkAck
from schemas.limits import ACTIVE_MS
from schemas.names import Address, Name, full

BYTES_A_UNIT: Final = 8_192
"""How much of an answer, or of a message, costs one unit, on top of what its command costs."""
MEMBERS_A_UNIT: Final = 100
"""For how many members of groups a command may do something for one unit: push to them, or look who they are."""
PUSHES_A_UNIT: Final = 8
"""To how many sessions one unit of what a peer may take of a turn pushes: those take as long as a message itself."""


class Rules:
    """What outlives a turn: who the realm is, its settings, and what it remembers of callers.

    What it remembers is never truth: a turn that is decided twice (full disk) may count a caller twice.
    """

    def __init__(self, realm: Name, epoch: int, key: str, settings: Settings, ids: Ids, invite_key: bytes) -> None:
        limits = settings.limits
        self.key = key
        """This realm's own CURVE key, Z85."""
        self.home = ""
        """Where others reach its front door, HOST:PORT; empty until it is open."""
        self.realm = realm
        self.epoch = epoch
        self.settings = settings
        self.ids = ids
        self.invite_key = invite_key
        """See `realm.invites.derive_key`."""
        self.trusted = Trusted(settings.trusted_clients)
        self.logins = Buckets(limits.logins_per_minute / 60, limits.login_burst)
        self.strangers = Buckets(limits.address_per_second, limits.address_burst)
        self.peer_uploads = Buckets(50, 500)
        """By peer: each begins a job."""
        self.failures = Failures(limits)
        self.erasing = Slices()
        """Of accounts; the rows know how far they are."""
        self.retaining = Slices()
        """Of a round through all conversations that removes what is old,"""
        self.retained = 0
        """and up to which conversation it has come."""
        self.notes = Buckets(1 / 60, 1)
        """By address and by user, so that nobody can fill the log."""
        self.damage = Damage()

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        limits = settings.limits
        self.settings = settings
        self.trusted = Trusted(settings.trusted_clients)
        self.logins.change(limits.logins_per_minute / 60, limits.login_burst)
        self.strangers.change(limits.address_per_second, limits.address_burst)
        self.failures.limits = limits


class Ctx:
    """One turn as its handlers see it; `request` and `session` are those of the command under way."""

    def __init__(self, rules: Rules, memory: Memory, tx: Tx, now: int) -> None:
        self.rules = rules
        self.realm = rules.realm
        self.settings = rules.settings
        self.ids = rules.ids
        self.view = View(memory)
        self.tx = tx
        self.now = now
        self.effects: list[Effect] = []
        self.notes: list[Note] = []
        self.touched: dict[Session, None] = {}
        """The sessions that did something in this turn, in order."""
        self.pumping: set[int] = set()
        """The peers to which there is something to send at the end of the turn."""
        self.carrying: set[int] = set()
        """The peers to which there may be a file to carry, to be seen at the end of the turn."""
        self.taken: defaultdict[int, float] = defaultdict(float)
        """The units that each peer has had of this turn: see `PeerRules.units_a_turn`."""
        self._acks: dict[Route, tuple[int, LinkAck]] = {}
        """The latest acknowledgement, and its place in `effects`, by connection."""
        self.request: Request
        self.peer: Peer
        """Who speaks, where a gate has found that it is a peer."""
        self._speaker: Session | None = None
        self._memory = memory
        self._active: list[Name] | None = None

    def begin(self, request: Request | None) -> None:
        """Turn to another input; nobody speaks until a gate has found the session."""
        self._speaker = None
        if request is not None:
            self.request = request

    @property
    def session(self) -> Session:
        """The session in which the command is said."""
        assert self._speaker is not None, "a gate has found it"
        return self._speaker

    @session.setter
    def session(self, found: Session) -> None:
        self._speaker = found

    @property
    def speaker(self) -> Session | None:
        """The session in which the command is said, where a gate has found one."""
        return self._speaker

    @property
    def owner(self) -> int:
        """Whose the files are that are uploaded: the session's account, or minus the peer that speaks."""
        return -self.peer.id if self._speaker is None else self._speaker.account

    def address(self, name: Name) -> Address:
        """The full address of a user or group of this realm."""
        return full(name, self.realm)

    def push(self, accounts: Iterable[int], event: Event, but: Collection[Session] = ()) -> int:
        """Tell all sessions of these accounts but those named, and the one that speaks, if any; how many these are."""
        own = self._speaker
        topics = [
            session.topic
            for account in accounts
            for session in self.view.sessions_of(account)
            if session is not own and session not in but
        ]
        if topics:
            self.effects.append(Publish(topics, event))
        return len(topics)

    def charge(self, units: float) -> None:
        """Let the session pay for what a command came to, on top of what it costs anyway."""
        self.session.allowance.charge(units)

    def run(self, job: Job) -> None:
        """Begin slow work; its result is an input of a later turn."""
        self.view.change(JobBegan(job))
        self.effects.append(RunJob(job))

    def acknowledge(self, request: Request, ack: LinkAck) -> None:
        """Answer an envelope, together with those that came just before it on the same connection."""
        place, before = self._acks.get(request.route, (len(self.effects), None))
        if before is not None and (before.epoch, before.upto) == (ack.epoch, ack.after):
            results = {**before.results, **ack.results}
            ack = LinkAck(epoch=ack.epoch, after=before.after, upto=ack.upto, results=results)
            self.effects[place] = Reply(request, ack)
        else:
            place = len(self.effects)
            self.effects.append(Reply(request, ack))
        self._acks[request.route] = place, ack

    def note(self, level: Literal["info", "warning", "error"], event: str, **fields: Any) -> None:
        """Write a line to the log, whatever becomes of the command."""
        self.notes.append(Note(level, event, fields))

    def is_active(self, name: Name) -> bool:
        """Whether a user of this realm is active now."""
        return self._lasts(self._memory.active.get(name, 0))

    def _lasts(self, until: int) -> bool:
        """Whether somebody is active who was so until then; no longer than ever meant, as the clock may be set back."""
        return when(until, self.now, ACTIVE_MS) > self.now

    def active_names(self) -> list[Name]:
        """Who is active now, sorted; looked up once a turn."""
        if self._active is None:
            self._active = sorted(name for name, until in self._memory.active.items() if self._lasts(until))
        return self._active

    def touch(self, session: Session) -> int:
        """The user of this session has just done something; return until when that counts as active."""
        self.touched[session] = None
        if not self.is_active(session.name):
            self._active = None
        until = self._memory.active[session.name] = self.now + ACTIVE_MS
        return until

    def set_inactive(self, session: Session) -> None:
        """The user's last session has ended."""
        self._memory.active.pop(session.name, None)
        self._active = None
