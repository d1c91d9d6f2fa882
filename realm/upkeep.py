"""What a realm does now and then without being asked: it tidies up, and writes down who was there."""

from typing import Final

from realm import accounts, files, gates, retention, uploads
from realm.context import Ctx, Rules
from realm.due import SWEEP_MS, when
from realm.failing import damaged
from realm.inputs import Due, EraseDue, RecoverDue, RetainDue, SweepDue
from realm.memory import Memory
from realm.settings import Settings
from realm.store.interface import DamagedError, StoreFullError
from schemas.limits import ACTIVE_MS, HEARTBEAT_MS

FORGOTTEN: Final = 5_000
"""So many old rows of each kind about other realms go in one turn."""
SAVE_USE_MS: Final = 3_600_000
INVITES_KEPT_MS: Final = 30 * gates.DAY_MS
"""A used invite is remembered for so long after it has expired: a clock that was wrong brings none to life again."""
_FORGET: Final = 1_000


class Upkeep:
    """When something is to be done, and what of it is done. Nothing here is truth: a turn may be decided twice."""

    def __init__(self, memory: Memory, rules: Rules, now: int) -> None:
        self._memory = memory
        self._rules = rules
        self._sweep_ms = _sweep_ms(rules.settings)
        self._next_sweep = now + self._sweep_ms
        self._saved_active: dict[int, int] = {}
        """What the rows say of who is active, by account: they are written at most every half heartbeat."""

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._sweep_ms = _sweep_ms(settings)

    def hurry(self, now: int) -> None:
        """Let the next sweep be now: the last, or the start, has left something to do."""
        self._next_sweep = now

    def wake_at(self, now: int) -> int:
        """When the next is due, ms."""
        return min(when(due, now, longest) for due, longest, _ in self._tasks())

    def due(self, now: int) -> list[Due]:
        """What is due now."""
        return [task for due, longest, task in self._tasks() if when(due, now, longest) <= now]

    def _tasks(self) -> tuple[tuple[int, int, Due], ...]:
        """When each is due, how far that may be away at most, and what it is."""
        return (
            (self._next_sweep, self._sweep_ms, RecoverDue()),
            (self._next_sweep, self._sweep_ms, SweepDue()),
            (self._rules.erasing.due, SWEEP_MS, EraseDue()),
            (self._rules.retaining.due, SWEEP_MS, RetainDue()),
        )

    def sweep(self, ctx: Ctx) -> None:
        """End sessions that were idle for too long, and forget who is not active now, and invites that have expired."""
        self._next_sweep = ctx.now + self._sweep_ms
        idle = ctx.settings.limits.session_idle_days * gates.DAY_MS
        for session in [one for one in self._memory.by_token.values() if ctx.now - one.saved_at > idle]:
            accounts.end_session(ctx, session)
        active = self._memory.active
        self._saved_active = {one: until for one, until in self._saved_active.items() if until > ctx.now}
        for name in [name for name in active if not ctx.is_active(name)]:
            del active[name]
        ctx.tx.forget_invites(ctx.now - INVITES_KEPT_MS, _FORGET)
        rules = ctx.settings.peers
        forgotten = max(
            ctx.tx.forget_settled(int(ctx.now - rules.keep_days * gates.DAY_MS), FORGOTTEN),
            ctx.tx.forget_answers(int(ctx.now - rules.remember_days * gates.DAY_MS), FORGOTTEN),
        )
        if forgotten == FORGOTTEN:  # there is more
            self._next_sweep = ctx.now + 1_000
        files.sweep(ctx)
        retention.begin(ctx)

    def save_uses(self, ctx: Ctx) -> None:
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
            damaged(ctx, "", error, {"input": "uses of sessions"})


def _sweep_ms(settings: Settings) -> int:
    """How often to tidy up."""
    hours = min(settings.files.unfinished_hours, settings.files.unsent_hours)
    return min(SWEEP_MS, max(1_000, int(hours * uploads.HOUR_MS)))
