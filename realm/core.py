"""The core: inputs in, effects out. The same inputs give the same effects and the same rows.

In a turn the broker calls `decide` inside a transaction, commits it, calls `apply`, and carries out the
effects. Should the commit fail, nothing has happened, and deciding can run again.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from realm import accounts, erasing, figures, files, gates, reloading, retention, uploads, users
from realm.context import Ctx, Rules
from realm.effects import Effect, Publish, Reply
from realm.federation import carrying, forgetting, link, peers, settling
from realm.federation.admission import is_allowed
from realm.federation.state import Introducing, Link, when
from realm.ids import Ids
from realm.incident import about, trace
from realm.inputs import (
    CarryDue,
    CarryingDue,
    Due,
    EraseDue,
    FromPeer,
    Hangup,
    Input,
    JobDone,
    LinkDown,
    LinkDue,
    LinkUp,
    Misbehaved,
    PumpDue,
    RecoverDue,
    RetainDue,
    Stopping,
    Subscribed,
    SweepDue,
    Tick,
    WaitDue,
)
from realm.jobs import (
    CheckPassword,
    Cleaning,
    CountUp,
    DialJob,
    HashPassword,
    Introduce,
    Job,
    ReadOwn,
    ReadSettings,
    Result,
)
from realm.memory import Adopted, Change, JobOver, Memory, Started
from realm.outcome import LATER, Failed, Outcome, Parcel
from realm.request import Request
from realm.session import Session
from realm.settings import Settings
from realm.store.interface import DamagedError, Store, StoreError, StoreFullError, Tx
from realm.table import TABLE
from schemas.answers import Answer
from schemas.codec import Malformed
from schemas.errors import Code, Refusal
from schemas.events import Welcome
from schemas.federation import LinkAck, LinkAgain
from schemas.limits import ACTIVE_MS, HEARTBEAT_MS
from schemas.operator import OperatorCommand

SWEEP_MS: Final = 600_000
"""The longest between two sweeps; files that are kept for a shorter time are looked after as often as that."""
FORGOTTEN: Final = 5_000
"""So many old rows of each kind about other realms go in one turn."""
SAVE_USE_MS: Final = 3_600_000
INVITES_KEPT_MS: Final = 30 * gates.DAY_MS
"""A used invite is remembered for so long after it has expired: a clock that was wrong brings none to life again."""
_PAGE: Final = 1_000
_ROWS: Final = {command: (row.all_gates(), row.handle) for command, row in TABLE.items()}


class Decision(msgspec.Struct, frozen=True):
    """What a turn comes to: what is to be done, and how memory changes."""

    effects: list[Effect]
    changes: list[Change]


class _RefusedError(Exception):
    """Carries a refusal out of an attempt, so that nothing of it is stored."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class Core:
    """A realm without its sockets."""

    def __init__(self, store: Store, settings: Settings, ids: Ids, now: int, invite_key: bytes, key: str = "") -> None:
        """Read from the store who is logged in.

        `invite_key` is what `realm.invites.derive_key` made, and `key` the realm's own CURVE key (Z85).
        """
        self.memory = Memory()
        self.rules = Rules(store.realm, store.epoch, key, settings, ids, invite_key)
        self._sweep_ms = _sweep_ms(settings)
        self._next_sweep = now + self._sweep_ms
        self._saved_active: dict[int, int] = {}
        """What the rows say of who is active, by account: they are written at most every half heartbeat."""
        with store.transaction() as tx:
            self._load(tx, now)
        self._recover(store, now)

    def decide(self, tx: Tx, now: int, inputs: Sequence[Input]) -> Decision:
        """Handle the inputs in order, each in an attempt of its own.

        Raises StoreError, and StoreFullError while `tx` is writable: then decide again with one that is not.
        """
        ctx = Ctx(self.rules, self.memory, tx, now)
        for item in inputs:
            for part in self._parts(ctx, item):
                self._decide_one(ctx, part)
        for peer in sorted(ctx.pumping):
            self._decide_one(ctx, PumpDue(peer))
        for peer in sorted(ctx.carrying):
            self._decide_one(ctx, CarryDue(peer))
        self._save_uses(ctx)
        return Decision(ctx.effects + list(ctx.notes), ctx.view.changes)

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes of a turn that is committed. It cannot fail."""
        for change in changes:
            if type(change) is Adopted:
                self._adopt(change.settings)
            else:
                self.memory.apply(change)

    def may_hear(self, key: str, topic: bytes) -> bool:
        """Whether a connection with this key may subscribe to this topic."""
        session = self.memory.by_topic.get(topic)
        return session is not None and session.key == key

    def who_hears(self, topic: bytes) -> str:
        """The user whose session has this topic, empty where there is none."""
        session = self.memory.by_topic.get(topic)
        return session.name if session else ""

    def has_session(self, key: str) -> bool:
        """Whether a key may open a push connection."""
        return key in self.memory.keys

    def is_busy(self) -> bool:
        """Whether a job is under way that somebody waits for."""
        return self.memory.under_way.awaited > 0

    def wake_at(self, now: int) -> int:
        """When a `Tick` is due at the latest, ms. Ask again now and then: the clock may be set back."""
        own = min(when(due, now, longest) for due, longest, _ in self._upkeep())
        return min(own, self.memory.peers.wake_at(now))

    def _upkeep(self) -> tuple[tuple[int, int, Due], ...]:
        """What is to be done now and then: when it is due, how far that may be away at most, and what."""
        return (
            (self._next_sweep, self._sweep_ms, RecoverDue()),
            (self._next_sweep, self._sweep_ms, SweepDue()),
            (self.rules.erase_due, SWEEP_MS, EraseDue()),
            (self.rules.retain_due, SWEEP_MS, RetainDue()),
        )

    def _adopt(self, settings: Settings) -> None:
        self.rules.adopt(settings)
        self._sweep_ms = _sweep_ms(settings)

    def _load(self, tx: Tx, now: int) -> None:
        burst = self.rules.settings.limits.session_burst
        last = 0
        while rows := tx.sessions(last, _PAGE):
            for row in rows:
                self.memory.apply(Started(Session(row, self.rules.realm, burst, now)))
            last = rows[-1].id
        last = 0
        while active := tx.active_accounts(now, last, _PAGE):
            self.memory.active.update((one.name, one.until) for one in active if one.until <= now + ACTIVE_MS)
            last = active[-1].account
        for state in uploads.unfinished(tx):
            self.memory.apply(state)
        self._load_peers(tx, now)
        if tx.erasing(1):
            self.rules.erase_due = now

    def _load_peers(self, tx: Tx, now: int) -> None:
        last = 0
        while peers := tx.peers(last, _PAGE):
            for peer in peers:
                self.memory.apply(peer)
                if peer.forgotten_at is not None or is_allowed(self.rules.settings, peer):
                    self.memory.apply(Link(peer.id, due=now))
                else:
                    self.memory.apply(link.barred(peer.id))
            last = peers[-1].id

    def _recover(self, store: Store, now: int) -> None:
        """Store the entries of what waited for peers; on a full disk as soon as there is room."""
        try:
            with store.transaction() as tx:
                settling.recover(Ctx(self.rules, self.memory, tx, now))
        except StoreFullError:
            with store.transaction(writable=False) as tx:
                ctx = Ctx(self.rules, self.memory, tx, now)
                settling.await_room(ctx)
            self.apply(ctx.view.changes)
        except DamagedError:
            self._next_sweep = now  # it tries that again, and says so

    def _parts(self, ctx: Ctx, item: Input) -> Sequence[Input | Due]:
        """What an input comes to: each part costs no other where it fails."""
        match item:
            case Tick():
                own = [part for due, longest, part in self._upkeep() if when(due, ctx.now, longest) <= ctx.now]
                return [*ctx.view.peers.due(ctx.now), *own]
            case Stopping():
                return [WaitDue(wait.account, wait.entry) for wait in ctx.view.peers.waits()]
        return (item,)

    def _decide_one(self, ctx: Ctx, item: Input | Due) -> None:
        if type(item) is JobDone:
            ctx.view.change(JobOver(item.job, item.took))
            if isinstance(item.job, Introduce):
                ctx.view.change(Introducing(item.job.card.key, -1))
        changes, effects = len(ctx.view.changes), len(ctx.effects)
        request = item if type(item) is Request else _asked_by(item)
        ctx.begin(request)
        outcome: Outcome
        try:
            with ctx.tx.attempt():
                outcome = self._handle(ctx, item)
                if type(outcome) is Refusal:
                    raise _RefusedError(outcome)
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, StoreFullError) and ctx.tx.writable:
                raise
            ctx.view.rewind(changes)
            del ctx.effects[effects:]
            outcome = self._refusal(ctx, item, error)
            self._give_up(ctx, item, outcome)
        if request is None:
            return
        match outcome:
            case Parcel(answer, data):
                ctx.effects.append(Reply(request, answer, data))
            case Failed(refusal):
                ctx.effects.append(Reply(request, refusal))
            case LinkAck():
                ctx.acknowledge(request, outcome)
            case Answer() | Refusal() | LinkAgain():
                ctx.effects.append(Reply(request, outcome))

    def _handle(self, ctx: Ctx, item: Input | Due) -> Outcome:
        match item:
            case Request():
                return self._command(ctx, item)
            case JobDone(job, result):
                return self._job_done(ctx, job, result)
            case Subscribed(key, topic):
                if self.may_hear(key, topic):
                    total = ctx.tx.total(self.memory.by_topic[topic].account)
                    ctx.effects.append(Publish([topic], Welcome(epoch=self.rules.epoch, total=total)))
            case Misbehaved(key, what):
                ended = [one for one in self.memory.by_token.values() if one.key == key and ctx.view.is_live(one)]
                for session in ended:
                    accounts.end_session(ctx, session)
                if ended:  # the log is not filled by who has nothing to lose
                    ctx.note("warning", what, key=key)
            case FromPeer(peer) | LinkUp(peer) | LinkDown(peer) if ctx.view.peers.peer(peer).forgotten_at is not None:
                pass  # it was said before
            case FromPeer(bulk=bulk):
                (carrying if bulk else link).heard(ctx, item)
            case LinkUp(peer):
                link.connected(ctx, peer)
            case LinkDown(peer, why):
                link.lost(ctx, peer, why)
            case WaitDue(account, entry):
                settling.end_wait(ctx, account, entry)
            case LinkDue(peer) if ctx.view.peers.peer(peer).forgotten_at is not None:
                forgetting.go_on(ctx, peer)
            case LinkDue(peer):
                link.look(ctx, peer)
            case CarryingDue(peer):
                carrying.look(ctx, peer)
            case PumpDue(peer):
                link.pump(ctx, peer)
            case CarryDue(peer):
                carrying.begin(ctx, peer)
            case RecoverDue():
                settling.recover(ctx)
            case SweepDue():
                self._sweep(ctx)
            case EraseDue():
                erasing.go_on(ctx)
            case RetainDue():
                retention.go_on(ctx)
            case Hangup():
                ctx.run(ReadSettings(None))
        return LATER

    def _give_up(self, ctx: Ctx, item: Input | Due, why: Refusal) -> None:
        """What was due and has failed must not be due at once again."""
        match item:
            case WaitDue(account, entry):
                settling.give_up(ctx, account, entry, why)
            case LinkDue(peer) | PumpDue(peer):
                link.broken(ctx, peer)
            case CarryingDue(peer) | CarryDue(peer):
                carrying.broken(ctx, peer)
            case EraseDue():
                self.rules.erase_due = ctx.now + SWEEP_MS
            case RetainDue():
                self.rules.retain_due = ctx.now + SWEEP_MS

    def _job_done(self, ctx: Ctx, job: Job, result: Result) -> Outcome:
        if isinstance(job, DialJob):
            return peers.finish(ctx, job, result)
        if isinstance(job, CountUp):
            return figures.finish(ctx, job, result)
        if isinstance(job, ReadSettings):
            return reloading.finish(ctx, job, result)
        if isinstance(job, ReadOwn):
            carrying.read(ctx, job, result)
            return LATER
        if not isinstance(job, HashPassword | CheckPassword):
            return files.finish(ctx, job, result)
        if result is None:
            return Refusal(Code.UNAVAILABLE, "the realm is short of memory: try again later")
        if isinstance(job.ask.body, OperatorCommand):
            return users.finish(ctx, job, str(result))
        return accounts.finish(ctx, job, result)

    def _command(self, ctx: Ctx, request: Request) -> Outcome:
        body = request.body
        if type(body) is Malformed:
            refused = peers.is_peer(ctx, body) if body.link else gates.within_address_allowance(ctx, body)
            return refused or body.refusal
        passes, handle = _ROWS[type(body)]  # type: ignore[index]
        for gate in passes:
            refused = gate(ctx, body)
            if refused is not None:
                return refused
        return handle(ctx, body)

    def _refusal(self, ctx: Ctx, item: Input | Due, error: Exception) -> Refusal:
        if isinstance(error, _RefusedError):
            return error.refusal
        if isinstance(error, StoreFullError):
            return Refusal(Code.UNAVAILABLE, "the realm cannot store anything now, its disk is full: try again later")
        user = "" if ctx.speaker is None else ctx.speaker.name
        if isinstance(error, DamagedError):
            incident = self._damaged(ctx, user, error, about(item))
            said = f"what is stored is damaged; the realm's log has it as {incident}"
            return Refusal(Code.INTERNAL_ERROR, said, incident=incident)
        incident = self.rules.ids.incident()
        ctx.note("error", "internal error", incident=incident, user=user, **about(item), at=trace(error))
        return Refusal(Code.INTERNAL_ERROR, f"this failed; the realm's log has it as {incident}", incident=incident)

    def _damaged(self, ctx: Ctx, user: str, error: DamagedError, told: dict[str, Any]) -> str:
        """The incident under which the log has it: one for all who are told the same within the hour, by user."""
        who = user or f"{told['input']} {told.get('peer', '')}"
        incident = self.rules.damage.known(who, str(error), ctx.now)
        if incident is None:
            incident = self.rules.ids.incident()
            self.rules.damage.told(who, str(error), ctx.now, incident)
            ctx.note("error", "database damaged", incident=incident, user=user, why=str(error), **told)
        return incident

    def _save_uses(self, ctx: Ctx) -> None:
        """Write down, now and then, that sessions are used and their users active."""
        if not ctx.touched:
            return
        try:
            with ctx.tx.attempt():
                for session in ctx.touched:
                    if not ctx.view.is_live(session):
                        continue
                    until = ctx.now + ACTIVE_MS
                    if not until - HEARTBEAT_MS // 2 <= self._saved_active.get(session.account, 0) <= until:
                        ctx.tx.set_active(session.account, until)
                        self._saved_active[session.account] = until
                    if abs(ctx.now - session.saved_at) > SAVE_USE_MS:
                        ctx.tx.use_session(session.id, ctx.now)
                        session.saved_at = ctx.now
        except StoreFullError:
            if ctx.tx.writable:
                raise
            # On a full disk it is not worth an error: it only dates what is shown after a restart.
        except DamagedError as error:
            self._damaged(ctx, "", error, {"input": "uses of sessions"})

    def _sweep(self, ctx: Ctx) -> None:
        """End sessions that were idle for too long, and forget who is not active now, and invites that have expired."""
        self._next_sweep = ctx.now + self._sweep_ms
        idle = ctx.settings.limits.session_idle_days * gates.DAY_MS
        for session in [one for one in self.memory.by_token.values() if ctx.now - one.saved_at > idle]:
            accounts.end_session(ctx, session)
        active = self.memory.active
        self._saved_active = {one: until for one, until in self._saved_active.items() if until > ctx.now}
        for name in [name for name in active if not ctx.is_active(name)]:
            del active[name]
        ctx.tx.forget_invites(ctx.now - INVITES_KEPT_MS, _PAGE)
        rules = ctx.settings.peers
        forgotten = max(
            ctx.tx.forget_settled(int(ctx.now - rules.keep_days * gates.DAY_MS), FORGOTTEN),
            ctx.tx.forget_answers(int(ctx.now - rules.remember_days * gates.DAY_MS), FORGOTTEN),
        )
        if forgotten == FORGOTTEN:  # there is more
            self._next_sweep = ctx.now + 1_000
        files.sweep(ctx)
        retention.begin(ctx)


def _sweep_ms(settings: Settings) -> int:
    """How often to tidy up."""
    hours = min(settings.files.unfinished_hours, settings.files.unsent_hours)
    return min(SWEEP_MS, max(1_000, int(hours * uploads.HOUR_MS)))


def _asked_by(item: Input | Due) -> Request | None:
    """Who waits for what an input leads to, where it is no request itself."""
    return item.job.ask if type(item) is JobDone and not isinstance(item.job, Cleaning | ReadOwn) else None
