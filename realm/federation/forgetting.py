"""Forgetting a peer: nothing is sent to it or taken from it any more, and what waits for it goes back to its senders.

A long outbox is given back a few rows a turn. How far that has come the rows tell, so that a restart just goes on.
"""

from typing import Final

import msgspec

from realm.context import Ctx
from realm.due import FAR
from realm.effects import Disconnect
from realm.federation import carrying, settling
from realm.federation.state import Link
from schemas import operator
from schemas.answers import Answer
from schemas.errors import Code, Refusal

AT_ONCE: Final = 256
"""So many rows are given back in one turn."""


def forget(ctx: Ctx, command: operator.ForgetPeer) -> Answer | Refusal:
    """The operator wants a peer to be one no more. Its name and key are free at once."""
    peer = ctx.view.peers.by_name(command.realm)
    if peer is None:
        return Refusal(Code.REALM_NOT_FOUND)
    queued = ctx.tx.sending(peer.id).queued
    ctx.tx.forget_peer(peer.id, ctx.now)
    ctx.view.change(msgspec.structs.replace(peer, forgotten_at=ctx.now))
    ctx.view.change(Link(peer.id, due=ctx.now))
    carrying.barred(ctx, peer.id)
    ctx.effects.append(Disconnect(peer.id))
    ctx.note("warning", "peer forgotten", peer=peer.name, queued=queued)
    return operator.PeerForgotten(id=command.id, queued=queued)


def go_on(ctx: Ctx, peer: int) -> None:
    """Give back what comes next; who waits for an answer has it now."""
    rows = ctx.tx.untaken(peer, AT_ONCE)
    settling.give_back(ctx, rows)
    ctx.view.change(Link(peer, due=ctx.now if len(rows) == AT_ONCE else FAR))
