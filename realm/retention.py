"""How long what was said is kept, by kind of conversation: what is older is removed, the oldest first.

Each sweep begins a round through all conversations, in slices: each is a part of a turn of its own. How far a round has
come is not remembered over a restart; the next one begins anew. Files that no entry names any more go as those that
were never sent.
"""

from typing import Final

from realm.context import Ctx
from realm.due import FAR, PAUSE_MS
from realm.gates import DAY_MS
from schemas import names
from schemas.names import ConversationId

LOOKED_AT: Final = 100
"""So many conversations are looked at in one slice,"""
CHANGED: Final = 200
"""and so many entries removed: a few ms."""


def begin(ctx: Ctx) -> None:
    """Begin a round, unless everything is kept for ever, or one is under way."""
    rules, slices = ctx.settings.retention, ctx.rules.retaining
    if slices.due == FAR and (rules.private_days or rules.group_days or rules.realm_days):
        slices.due, ctx.rules.retained = ctx.now, 0
        slices.left.clear()


def go_on(ctx: Ctx) -> None:
    """Do the next slice of the round."""
    slices, upto = ctx.rules.retaining, ctx.rules.retained
    slices.at = 0
    found = ctx.tx.kept(upto, LOOKED_AT)
    room = CHANGED
    for one in found:
        days = _days(ctx, one.conversation)
        if days and one.first <= one.head and one.number not in slices.left:
            slices.at = one.number
            removed, more = ctx.tx.expire(one, int(ctx.now - days * DAY_MS), ctx.now, room)
            room -= removed
            if more or not room:  # this one comes again
                break
        upto = one.number
    ctx.rules.retained = upto  # not before: where one fails, nothing of the slice was done
    slices.due = ctx.now + PAUSE_MS if found else FAR


def _days(ctx: Ctx, conversation: ConversationId) -> float:
    """For how many days what is said there is kept; 0 is for ever."""
    rules = ctx.settings.retention
    if names.crosses(conversation):
        return rules.realm_days
    return rules.group_days if conversation.startswith("group/") else rules.private_days
