"""The core: inputs in, effects out. The same inputs give the same effects and the same rows.

In a turn the broker calls `decide` inside a transaction, commits it, calls `apply`, and carries out the
effects. Should the commit fail, nothing has happened, and deciding can run again.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from realm import accounts, erasing, failing, figures, files, gates, reloading, retention, users
from realm.context import Ctx, Rules
from realm.effects import Effect, Publish, Reply
from realm.federation import carrying, forgetting, link, peers, settling
from realm.federation.state import Introducing
from realm.ids import Ids
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
from realm.loading import load
from realm.memory import Adopted, Change, JobOver, Memory
from realm.outcome import LATER, Failed, Outcome, Parcel
from realm.request import Request
from realm.settings import Settings
from realm.store.interface import DamagedError, Store, StoreError, StoreFullError, Tx
from realm.table import TABLE
from realm.upkeep import Upkeep
from schemas.answers import Answer
from schemas.codec import Malformed
from schemas.errors import Code, Refusal
from schemas.events import Welcome
from schemas.federation import LinkAck, LinkAgain
from schemas.operator import OperatorCommand

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
        self._upkeep = Upkeep(self.memory, self.rules, now)
        with store.transaction() as tx:
            load(self.memory, self.rules, tx, now)
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
        self._upkeep.save_uses(ctx)
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
        """Whether somebody is logged in with a key: then it may open a push connection."""
        return key in self.memory.by_key

    def whose(self, key: str) -> str:
        """The user who is logged in with a key, the longest of several, or the peer that has it; else nothing."""
        sessions = self.memory.by_key.get(key)
        if sessions:
            return sessions[0].address
        peer = self.memory.peers.by_key(key)
        return peer.name if peer else ""

    def is_busy(self) -> bool:
        """Whether a job is under way that somebody waits for."""
        return self.memory.under_way.awaited > 0

    def wake_at(self, now: int) -> int:
        """When a `Tick` is due at the latest, ms. Ask again now and then: the clock may be set back."""
        return min(self._upkeep.wake_at(now), self.memory.peers.wake_at(now))

    def _adopt(self, settings: Settings) -> None:
        self.rules.adopt(settings)
        self._upkeep.adopt(settings)

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
            self._upkeep.hurry(now)  # it tries that again, and says so

    def _parts(self, ctx: Ctx, item: Input) -> Sequence[Input | Due]:
        """What an input comes to: each part costs no other where it fails."""
        match item:
            case Tick():
                return [*ctx.view.peers.due(ctx.now), *self._upkeep.due(ctx.now)]
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
            outcome = error.refusal if isinstance(error, _RefusedError) else failing.refusal(ctx, item, error)
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
                self._upkeep.sweep(ctx)
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
                self.rules.erasing.failed(ctx.now, why)
            case RetainDue():
                self.rules.retaining.failed(ctx.now, why)

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


def _asked_by(item: Input | Due) -> Request | None:
    """Who waits for what an input leads to, where it is no request itself."""
    return item.job.ask if type(item) is JobDone and not isinstance(item.job, Cleaning | ReadOwn) else None
