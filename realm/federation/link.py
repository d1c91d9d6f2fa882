"""The link to a peer: say hello, send what waits, take acknowledgements, and notice a restore.

What this realm sends to a peer is settled here, on its own link alone; the other direction is the peer's to settle.
A link is RESTING until a try; a try reads the peer's card, where no connection is up, and says hello. The answer tells
how far the peer has come. If that can be, the link is OPEN: envelopes are sent from the last acknowledged number on,
at most `UNACKNOWLEDGED` at once. If it cannot be, one side was put back from an older backup: all that is still held
gets new numbers, in a higher epoch, and the peer knows by its ids what it has already. Each turn in which something can
be sent numbers a few rows more, and what is said meanwhile comes behind them.
"""

from typing import Final

import msgspec
from msgspec import UNSET

from realm.context import Ctx
from realm.due import FAR, when
from realm.effects import Connect, Disconnect, ToPeer
from realm.federation import carrying, settling
from realm.federation.backoff import MOST_MS, pause
from realm.federation.state import UNACKNOWLEDGED, Link, Phase, beyond
from realm.inputs import FromPeer
from realm.jobs import CardRead, DialFailed, ReadCard, Result
from realm.store.rows import Outgoing, Sending
from schemas.errors import Code
from schemas.federation import Hello, LinkAck, LinkAgain, Mark, PeerAnswer
from schemas.limits import PROTOCOL_VERSION

ANSWER_MS: Final = 5_000
"""A hello, or what was sent, without an answer for so long is said again; a second time, and the link is down."""
CALL_MS: Final = 30_000
"""A card that is being read is given up after so long, should its job never end."""
IDLE_MS: Final = 20_000
"""So often an open link says hello, to see whether the peer is still there."""
PAUSE_MS: Final = 1_000
"""The shortest time between two tries, whatever the peer says."""
RESTORE_MS: Final = 60_000
"""At most so often a peer can make all be numbered anew."""
RENUMBERED: Final = 512
"""So many rows of one peer's outbox are numbered anew in one turn."""
BYTES_A_TURN: Final = 512 * 1024
"""About so much of messages is handed to one link in one turn."""

_changed = msgspec.structs.replace


def begin(ctx: Ctx, peer: int) -> None:
    """Let the first try be made soon."""
    _set(ctx, Link(peer, due=ctx.now + PAUSE_MS))


def barred(peer: int) -> Link:
    """The link to a peer that is not spoken to."""
    return Link(peer, Phase.BARRED, due=FAR)


def bar(ctx: Ctx, peer: int) -> None:
    """Speak with the peer no longer: what waits for it waits on, and who waits for it is told so."""
    _set(ctx, barred(peer))
    settling.wait_no_longer(ctx, peer)
    carrying.barred(ctx, peer)
    ctx.effects.append(Disconnect(peer))


def heard(ctx: Ctx, item: FromPeer) -> None:
    """Go on with what the peer answers."""
    link = ctx.view.peers.link(item.peer)
    link = _set(ctx, _changed(link, heard_at=ctx.now))
    match item.frame:
        case PeerAnswer() as answer if link.phase is Phase.GREETING and answer.id == link.hello:
            _greeted(ctx, link, answer)
        case LinkAck() as ack if link.phase is Phase.OPEN:
            _acknowledged(ctx, link, ack)
        case LinkAgain() if link.phase is Phase.OPEN:
            _try_soon(ctx, link)
        case PeerAnswer(id=None, code=code) if link.phase is Phase.OPEN:
            _fail(ctx, link, f"it cannot take what is sent now, and says {code}")


def wake(ctx: Ctx, peer: int) -> None:
    """Something came from the peer: it is there, so no try is put off any longer."""
    link = ctx.view.peers.link(peer)
    if link.heard_at is None or abs(ctx.now - link.heard_at) >= PAUSE_MS:
        link = _set(ctx, _changed(link, heard_at=ctx.now))
    if link.phase is Phase.RESTING:
        _try_soon(ctx, link)


def connected(ctx: Ctx, peer: int) -> None:
    """The connection is up."""
    link = _set(ctx, _changed(ctx.view.peers.link(peer), connected=True))
    if link.phase in (Phase.RESTING, Phase.GREETING):
        _greet(ctx, link)


def lost(ctx: Ctx, peer: int, why: str) -> None:
    """The connection is lost."""
    link = _set(ctx, _changed(ctx.view.peers.link(peer), connected=False))
    if link.phase in (Phase.OPEN, Phase.GREETING):
        _fail(ctx, link, why)


def look(ctx: Ctx, peer: int) -> None:
    """Do what is due."""
    link = ctx.view.peers.link(peer)
    match link.phase:
        case Phase.RESTING:
            _try(ctx, link)
        case Phase.CALLING:
            _fail(ctx, link, "its front door was asked in vain")
        case Phase.GREETING:
            _fail(ctx, _changed(link, connected=False), f"no answer within {ANSWER_MS / 1000:.0f} s")
        case Phase.OPEN:
            _greet(ctx, link)


def numbered_anew(ctx: Ctx, peer: int) -> None:
    """Begin a new epoch, as something with a number was withdrawn; what the peer has already, it knows by its id."""
    ctx.tx.renumber(peer, 1 + ctx.tx.sending(peer).epoch, None)
    ctx.note("info", "numbered anew", peer=ctx.view.peers.peer(peer).name, why="messages were withdrawn")
    link = ctx.view.peers.link(peer)
    if link.phase in (Phase.OPEN, Phase.GREETING):
        _greet(ctx, link)


def broken(ctx: Ctx, peer: int) -> None:
    """What was due has failed, for a reason that the log has: not at once again."""
    _set(ctx, _changed(ctx.view.peers.link(peer), phase=Phase.RESTING, due=ctx.now + MOST_MS))


def card_read(ctx: Ctx, job: ReadCard, result: Result) -> None:
    """The front door of a peer has answered, or not."""
    assert job.peer is not None
    peer = ctx.view.peers.peer(job.peer)
    if peer.forgotten_at is not None:
        return
    link = _set(ctx, _changed(ctx.view.peers.link(job.peer), asking=False))
    if link.phase not in (Phase.CALLING, Phase.RESTING):  # in the meantime it was reached by itself
        return
    match result:
        case CardRead(realm, _, key, commands):
            if (realm, key) != (peer.name, peer.key):
                _fail(ctx, link, f"another realm, {realm}, answers at {job.host}:{job.port}, or one with another key")
                return
            ctx.effects.append(Connect(peer.id, peer.key, job.host, commands))
            _greet(ctx, link)
        case DialFailed(why):
            _fail(ctx, link, why)


def pump(ctx: Ctx, peer: int) -> None:
    """Send what waits, as far as the window goes."""
    link = ctx.view.peers.link(peer)
    if link.phase is not Phase.OPEN:
        return
    if ctx.tx.sending(peer).renumbering and ctx.tx.writable:
        ctx.tx.renumber_on(peer, RENUMBERED)
        ctx.carrying.add(peer)
    sending = ctx.tx.sending(peer)
    upto = min(sending.last, sending.acked + UNACKNOWLEDGED)
    if link.sent >= upto:
        return
    room = BYTES_A_TURN
    for row in ctx.tx.numbered(peer, link.sent, upto):
        ctx.effects.append(ToPeer(peer, ctx.tx.envelope(row)))
        upto = row.n or upto
        room -= 0 if row.post.message is UNSET else len(row.post.message)
        if room <= 0:  # its acknowledgement brings the rest
            break
    # What was sent before is due when it was: else who is silent would never be noticed while there is more to send.
    due = link.due if link.sent > sending.acked else ctx.now + ANSWER_MS
    _set(ctx, _changed(link, sent=upto, due=due))


def _greeted(ctx: Ctx, link: Link, answer: PeerAnswer) -> None:
    peer, mark = ctx.view.peers.peer(link.peer), answer.received
    if answer.status != "OK":
        _fail(ctx, link, f"it says {answer.code or 'nothing that we know'}")
    elif answer.realm != peer.name or mark is UNSET or beyond(mark.epoch, ctx.tx.sending(peer.id).epoch, ctx.now):
        _fail(ctx, link, "it answers what no honest peer does")
    else:
        _compare(ctx, link, mark)


def _compare(ctx: Ctx, link: Link, mark: Mark) -> None:
    """Open the link, if what the peer has taken can be what was sent to it."""
    sending = ctx.tx.sending(link.peer)
    if mark.epoch == sending.epoch and _agrees(ctx, link.peer, sending, mark):
        _set(
            ctx,
            _changed(
                link,
                phase=Phase.OPEN,
                sent=sending.acked,
                due=ctx.now + IDLE_MS,
                down_since=None,
                error="",
                greeted=True,
            ),
        )
        if sending.acked == sending.last:  # else an acknowledgement says that it works
            _set(ctx, _changed(ctx.view.peers.link(link.peer), failures=0))
        ctx.pumping.add(link.peer)
        carrying.reopened(ctx, link.peer)
    elif mark.epoch < sending.epoch and link.failures < 2:  # an answer to what was said before
        _greet(ctx, _changed(link, failures=link.failures + 1))
    elif sending.restored_at is not None and abs(ctx.now - sending.restored_at) < RESTORE_MS:
        _fail(ctx, link, "it says to have received what was not sent, again")
    else:
        epoch = 1 + max(mark.epoch, sending.epoch)
        ctx.tx.renumber(link.peer, epoch, ctx.now)
        ctx.note("warning", "restore noticed", peer=ctx.view.peers.peer(link.peer).name, sending=True, epoch=epoch)
        _greet(ctx, link)


def _agrees(ctx: Ctx, peer: int, sending: Sending, mark: Mark) -> bool:
    if not sending.acked <= mark.n <= sending.last:
        return False
    return ctx.tx.hash_at(peer, mark.n) == mark.hash


def _acknowledged(ctx: Ctx, link: Link, ack: LinkAck) -> None:
    sending = ctx.tx.sending(link.peer)
    if ack.epoch != sending.epoch or not ack.after <= sending.acked < ack.upto <= link.sent:
        return
    rows = ctx.tx.numbered(link.peer, sending.acked, ack.upto)
    ctx.tx.acknowledge(link.peer, ack.upto)
    fresh: list[Outgoing] = []
    codes: list[str] = []
    for row in rows:
        code = ack.results.get(row.n or 0, "")
        if code == Code.FILE_NOT_FOUND and row.post.file is not UNSET:
            ctx.tx.take_back_number(row)  # not the last word: it is brought again
            carrying.lacking(ctx, link.peer, row.place)
        elif not row.settled:
            fresh.append(row)
            codes.append(code)
            if row.post.file is not UNSET:
                carrying.taken(ctx, link.peer)
    settling.settle(ctx, fresh, codes)
    due = ctx.now + (ANSWER_MS if ack.upto < link.sent else IDLE_MS)
    _set(ctx, _changed(link, failures=0, due=due))
    ctx.pumping.add(link.peer)


def _try_soon(ctx: Ctx, link: Link) -> None:
    """Try now, or a little later where the last try was just now."""
    at = link.tried_at + PAUSE_MS
    if when(at, ctx.now, PAUSE_MS) <= ctx.now:
        _try(ctx, link)
    elif link.phase is not Phase.RESTING or link.due > at:
        _set(ctx, _changed(link, phase=Phase.RESTING, due=at))


def _try(ctx: Ctx, link: Link) -> None:
    if link.connected:
        _greet(ctx, link)
        return
    peer = ctx.view.peers.peer(link.peer)
    _set(ctx, _changed(link, phase=Phase.CALLING, asking=True, tried_at=ctx.now, due=ctx.now + CALL_MS))
    if not link.asking:
        ctx.run(ReadCard(None, peer.id, peer.address, peer.port))


def _greet(ctx: Ctx, link: Link) -> None:
    sending = ctx.tx.sending(link.peer)
    hello = max(link.hello + 1, ctx.now)  # above those of before a restart
    _set(
        ctx,
        _changed(link, phase=Phase.GREETING, hello=hello, tried_at=ctx.now, due=ctx.now + ANSWER_MS),
    )
    frame = Hello(
        id=hello,
        realm=ctx.realm,
        version=PROTOCOL_VERSION,
        features=[],
        epoch=sending.epoch,
        next=sending.last + 1,
    )
    ctx.effects.append(ToPeer(link.peer, frame))


def _fail(ctx: Ctx, link: Link, why: str) -> None:
    """The link is down until the next try; who waits for the peer waits no longer."""
    if link.down_since is None:
        ctx.note("warning", "peer out of reach", peer=ctx.view.peers.peer(link.peer).name, why=why)
    _set(
        ctx,
        _changed(
            link,
            phase=Phase.RESTING,
            due=ctx.now + pause(ctx.ids, link.failures),
            failures=link.failures + 1,
            down_since=ctx.now if link.down_since is None else link.down_since,
            greeted=False,
            error=why,
        ),
    )
    settling.wait_no_longer(ctx, link.peer)
    carrying.lost(ctx, link.peer)


def _set(ctx: Ctx, link: Link) -> Link:
    ctx.view.change(link)
    return link
