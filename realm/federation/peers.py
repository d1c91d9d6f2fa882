"""Which realms are peers: `addrealm`, `realms`, and the two sides of an introduction.

A realm is its key. Who adds another reads its card, and introduces itself; the other dials back, to see that whoever
spoke really is at the address that was named. Only then is the peer stored, there first. A name that is known is never
given to another key, nor a key to another name.
"""

from typing import Any, Final

from msgspec import UNSET

from realm.context import Ctx
from realm.effects import Connect
from realm.federation import link
from realm.federation.admission import is_allowed, may_be_peer
from realm.federation.state import Introducing
from realm.gates import within_address_allowance
from realm.jobs import Agreed, CardRead, DialFailed, DialJob, Introduce, ProveIntroduction, ReadCard, Result
from realm.outcome import LATER, Failed, Later, Outcome
from realm.request import OPERATOR
from realm.store.rows import Peer
from schemas import answers, commands, operator
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.federation import Introduced, Prove, Proved
from schemas.names import Name

INTRODUCTIONS: Final = 64
"""How many may be under way in each direction: each is a dial,"""
OF_ADDRESS: Final = 2
"""and so many of those that come from one address."""


def federates(ctx: Ctx, _command: object) -> Refusal | None:
    """A gate: this realm speaks with others."""
    if ctx.settings.federation == "off":
        return Refusal(Code.FORBIDDEN, "this realm does not speak with others")
    return None


def may_add(ctx: Ctx, _command: object) -> Refusal | None:
    """A gate: the user may make other realms known."""
    if ctx.settings.peers.add == "users":
        return None
    account = ctx.tx.account_by_id(ctx.session.account)
    if account is not None and account.admin:
        return None
    return Refusal(Code.FORBIDDEN, "only an admin of this realm may add others: ask its operator")


def is_peer(ctx: Ctx, command: object) -> Refusal | None:
    """A gate: the connection has the key of a peer."""
    peer = ctx.view.peers.by_key(ctx.request.key)
    if peer is None or not is_allowed(ctx.settings, peer):
        return within_address_allowance(ctx, command) or Refusal(
            Code.FORBIDDEN, "this key belongs to no peer of this realm"
        )
    ctx.peer = peer
    link.wake(ctx, peer.id)
    return None


def realms(ctx: Ctx, command: commands.Realms) -> Answer:
    """Tell which realms are known, and how the links to them fare."""
    return answers.Realms(id=command.id, realms=[_seen(ctx, peer) for peer in ctx.view.peers.all()])


def seen_by_operator(ctx: Ctx, command: operator.Peers) -> Answer:
    """Tell the operator how the links to all peers fare, and where others reach this realm."""
    seen = [seen_closely(ctx, peer) for peer in ctx.view.peers.all()]
    return operator.PeersSeen(id=command.id, realm=ctx.realm, home=ctx.rules.home, peers=seen)


def add_realm(ctx: Ctx, command: commands.AddRealm | operator.AddPeer) -> Refusal | Later:
    """Make another realm a peer. Its card is read first."""
    known = ctx.view.peers.by_name(command.realm)
    renews = isinstance(command, operator.AddPeer) and known is not None  # it may have moved, or this one
    if command.realm == ctx.realm or (known is not None and not renews):
        return Refusal(Code.REALM_EXISTS)
    why = _speaks_against(ctx, command.realm, None if command.key is UNSET else command.key)
    if why is None and ctx.view.dials() >= INTRODUCTIONS:
        why = "too many realms are being dialled"
    if why is not None:
        return _unreachable(ctx, command.realm, why)
    ctx.run(ReadCard(ctx.request, None, command.address, command.port))
    return LATER


def introduced(ctx: Ctx, command: Introduced) -> Refusal | Later:
    """A realm says that it wants to be a peer: see whether it is where it says."""
    key = ctx.request.key
    if refused := within_address_allowance(ctx, command):
        return refused
    why = _speaks_against(ctx, command.realm, key)
    if why is None and _too_many(ctx):
        why = "too many realms are being dialled"
    if why is not None:
        _note_refused(ctx, command.realm, why)
        return Refusal(Code.FORBIDDEN, why)
    ctx.run(ProveIntroduction(ctx.request, command.realm, key, command.address, command.port, ctx.ids.nonce()))
    return LATER


def _too_many(ctx: Ctx) -> bool:
    return ctx.view.proofs() >= INTRODUCTIONS or ctx.view.proofs(ctx.request.address) >= OF_ADDRESS


def prove(ctx: Ctx, command: Prove) -> Answer | Refusal:
    """Another realm asks whether it is really this one that introduces itself to it."""
    if not ctx.view.peers.is_introducing(ctx.request.key):
        refused = within_address_allowance(ctx, command)
        return refused or Refusal(Code.FORBIDDEN, "this realm does not introduce itself to you now")
    return Proved(id=command.id, nonce=command.nonce)


def finish(ctx: Ctx, job: DialJob, result: Result) -> Outcome:
    """Go on where another realm was spoken to."""
    match job, result:
        case ReadCard(ask=None), _:
            link.card_read(ctx, job, result)
            return LATER
        case ReadCard(ask=ask), CardRead() if ask is not None:
            return _introduce(ctx, job, result)
        case Introduce(), _:
            return _added(ctx, job, result)
        case ProveIntroduction(), Agreed(commands_port):
            return _proved(ctx, job, commands_port)
    assert isinstance(result, DialFailed), result
    realm = job.realm if isinstance(job, ProveIntroduction) else _wanted(job).realm
    return Failed(_unreachable(ctx, realm, result.why))


def _introduce(ctx: Ctx, job: ReadCard, card: CardRead) -> Outcome:
    """The card is read: introduce this realm, if it is the one that was meant."""
    command = _wanted(job)
    why = _speaks_against(ctx, command.realm, card.key)
    if card.realm != command.realm:
        why = f"the realm there is {card.realm}"
    elif command.key is not UNSET and command.key != card.key:
        why = f"the realm there has another key, {card.key}"
    if why is not None:
        return Failed(_unreachable(ctx, command.realm, why))
    assert job.ask is not None
    ctx.view.change(Introducing(card.key, 1))
    ctx.run(Introduce(job.ask, card, job.host, job.port))
    return LATER


def _added(ctx: Ctx, job: Introduce, result: Result) -> Outcome:
    command = _wanted(job)
    if isinstance(result, DialFailed):
        return Failed(_unreachable(ctx, command.realm, result.why))
    if why := _speaks_against(ctx, command.realm, job.card.key):  # what has changed meanwhile
        return Failed(_unreachable(ctx, command.realm, why))
    _store(ctx, command.realm, job.card.key, job.host, job.port, job.card.commands)
    return answers.Said(id=command.id, message="Realm added")


def _proved(ctx: Ctx, job: ProveIntroduction, commands_port: int) -> Outcome:
    if why := _speaks_against(ctx, job.realm, job.key):
        return Failed(Refusal(Code.FORBIDDEN, why))
    _store(ctx, job.realm, job.key, job.host, job.port, commands_port)
    return answers.Done(id=job.ask.call)


def _store(ctx: Ctx, name: Name, key: str, host: str, port: int, commands_port: int) -> None:
    """Keep the peer, or where it is now; and have the link go there."""
    known = ctx.view.peers.by_key(key)
    if known is None:
        peer = ctx.tx.add_peer(name, key, host, port, ctx.now)
        link.begin(ctx, peer.id)
    else:
        peer = Peer(known.id, known.name, known.key, host, port)
        ctx.tx.move_peer(peer.id, host, port)
    ctx.view.change(peer)
    ctx.effects.append(Connect(peer.id, key, host, commands_port))
    ctx.note("info", "peer known", peer=name, address=host, port=port)


def _speaks_against(ctx: Ctx, name: str, key: str | None) -> str | None:
    """Why a realm of that name and key cannot be a peer."""
    by_name, by_key = ctx.view.peers.by_name(name), None if key is None else ctx.view.peers.by_key(key)
    if name == ctx.realm:
        return "it has this realm's own name"
    if key is not None and key == ctx.rules.key:
        return "it has this realm's own key"
    if by_name is not None and key is not None and by_name.key != key:
        return f"the realm {name} is known with another key"
    if by_key is not None and by_key.name != name:
        return f"this key is known as that of the realm {by_key.name}"
    if not may_be_peer(ctx.settings, name, key or ""):
        return "the settings of this realm do not allow it"
    allowed = [peer for peer in ctx.view.peers.all() if is_allowed(ctx.settings, peer)]
    if by_name is None and len(allowed) >= ctx.settings.peers.most:
        return "this realm has as many peers as its settings allow"
    return None


def _unreachable(ctx: Ctx, realm: str, why: str) -> Refusal:
    """What a user is told; why is for the log, and the operator."""
    _note_refused(ctx, realm, why)
    told = f"the realm {realm} cannot be added: {why}" if ctx.request.key == OPERATOR else ""
    return Refusal(Code.REALM_UNREACHABLE, told)


def _note_refused(ctx: Ctx, realm: str, why: str) -> None:
    if not ctx.rules.notes.take(f"realm {ctx.request.address}", ctx.now):
        ctx.note("warning", "realm not added", realm=realm, why=why)


def _wanted(job: ReadCard | Introduce) -> commands.AddRealm | operator.AddPeer:
    assert job.ask is not None
    command: Any = job.ask.body
    assert isinstance(command, commands.AddRealm | operator.AddPeer)
    return command


def _seen(ctx: Ctx, peer: Peer) -> answers.RealmSeen:
    now, sending = ctx.view.peers.link(peer.id), ctx.tx.sending(peer.id)
    down = now.down_since is not None
    return answers.RealmSeen(
        realm=peer.name,
        address=peer.address,
        port=peer.port,
        key=peer.key,
        connected=now.answers,
        queued=sending.queued,
        last_contact=now.heard_at,
        down_since=now.down_since if now.down_since is not None else UNSET,
        next_try=now.due if down else UNSET,
        excluded=UNSET if is_allowed(ctx.settings, peer) else True,
    )


def seen_closely(ctx: Ctx, peer: Peer) -> operator.PeerSeen:
    """A peer as its operator sees it."""
    now, sending = ctx.view.peers.link(peer.id), ctx.tx.sending(peer.id)
    allowed = is_allowed(ctx.settings, peer)
    return operator.PeerSeen(
        realm=peer.name,
        address=peer.address,
        port=peer.port,
        key=peer.key,
        answers=now.answers,
        speaks=allowed and ctx.view.peers.greeter(peer.id) is not None,
        queued=sending.queued,
        oldest=ctx.tx.oldest_queued(peer.id),
        heard_at=now.heard_at,
        down_since=now.down_since,
        next_try=now.due if now.down_since is not None else None,
        error=now.error,
        allowed=allowed,
        restored_at=sending.restored_at,
    )
