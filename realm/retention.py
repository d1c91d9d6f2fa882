"""How long what was said is kept, by kind of conversation: what is older is removed, the oldest first.

Each sweep begins a round through all conversations, in slices: each is a part of a turn of its own. How far a round has
come is not remembered over a restart; the next one begins anew. Files that no entry names any more go as those that
were never sent.
"""

from typing import Final

from realm.context import Ctx
from realm.due import FAR
from realm.gates import DAY_MS
from schemas import names
from schemas.names import ConversationId

LOOKED_AT: Final = 100
"""So many conversations are looked at in one slice,"""
CHANGED: Final = 200
"""and so many entries removed: a few ms."""
PAUSE_MS: Final = 20
"""Between two slices."""


def begin(ctx: Ctx) -> None:
    """Begin a round, unless everything is kept for ever, or one is under way."""
    rules = ctx.settings.retention
    if ctx.rules.retain_due == FAR and (rules.private_days or rules.group_days or rules.realm_days):
        ctx.rules.retain_due, ctx.rules.retained = ctx.now, 0


def go_on(ctx: Ctx) -> None:
    """Do the next slice of the round."""
    found = ctx.tx.kept(ctx.rules.retained, LOOKED_AT)
    room = CHANGED
    for one in found:
        days = _days(ctx, one.conversation)
        if days and one.first <= one.head:
            removed, more = ctx.tx.expire(one, int(ctx.now - days * DAY_MS), ctx.now, room)
            room -= removed
            if more or not room:  # this one comes again
                break
        ctx.rules.retained = one.number
    ctx.rules.retain_due = ctx.now + PAUSE_MS if found else FAR


def _days(ctx: Ctx, conversation: ConversationId) -> float:
    """For how many days what is said there is kept; 0 is for ever."""
    rules = ctx.settings.retention
    if names.crosses(conversation):
        return rules.realm_days
    return rules.group_days if conversation.startswith("group/") else rules.private_days
