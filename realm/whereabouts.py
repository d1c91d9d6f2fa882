"""Where a realm that runs listens: for its operator, who wants to see whether it is reached there."""

from realm.context import Ctx
from schemas import operator
from schemas.answers import Answer
from schemas.errors import Code, Refusal


def where(ctx: Ctx, command: operator.Where) -> Answer | Refusal:
    """Tell it."""
    listening = ctx.rules.listening
    if listening is None:
        return Refusal(Code.UNAVAILABLE, "no realm runs here: start it first")
    return operator.Whereabouts(id=command.id, **listening._asdict())
