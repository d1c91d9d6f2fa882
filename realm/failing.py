"""What somebody is told whose command has failed, and what the log is."""

from typing import Any

from realm.context import Ctx
from realm.incident import about, trace
from realm.inputs import Due, Input
from realm.store.interface import DamagedError, StoreFullError
from schemas.errors import Code, Refusal


def refusal(ctx: Ctx, item: Input | Due, error: Exception) -> Refusal:
    """Say that an input failed; the log has the rest under an incident, unless the disk is full, which it has."""
    if isinstance(error, StoreFullError):
        return Refusal(Code.UNAVAILABLE, "the realm cannot store anything now, its disk is full: try again later")
    user = "" if ctx.speaker is None else ctx.speaker.name
    if isinstance(error, DamagedError):
        incident = damaged(ctx, user, error, about(item))
        said = f"what is stored is damaged; the realm's log has it as {incident}"
        return Refusal(Code.INTERNAL_ERROR, said, incident=incident)
    incident = ctx.ids.incident()
    ctx.note("error", "internal error", incident=incident, user=user, **about(item), at=trace(error))
    return Refusal(Code.INTERNAL_ERROR, f"this failed; the realm's log has it as {incident}", incident=incident)


def damaged(ctx: Ctx, user: str, error: DamagedError, told: dict[str, Any]) -> str:
    """The incident under which the log has it: one for all who are told the same within the hour, by user."""
    who = user or f"{told['input']} {told.get('peer', '')}"
    known = ctx.rules.damage
    incident = known.known(who, str(error), ctx.now)
    if incident is None:
        incident = ctx.ids.incident()
        known.told(who, str(error), ctx.now, incident)
        ctx.note("error", "database damaged", incident=incident, user=user, why=str(error), **told)
    return incident
