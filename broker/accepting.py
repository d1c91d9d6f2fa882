"""What `accept` does: have the realm add another as a peer, and see that each speaks to the other."""

import time
from collections.abc import Callable
from typing import Final

from broker.lookups import printable
from broker.patience import tries
from broker.reaching import DIALLED_S, OperatorError, Reached, RefusedError
from schemas.answers import Said
from schemas.errors import Code
from schemas.invites import RealmInvitation
from schemas.keys import fingerprint
from schemas.names import Name
from schemas.operator import AddPeer, Peers, PeerSeen, PeersSeen

BOTH_WAYS_S: Final = 15.0
"""Each side tries after a second, and after some more should one try fail."""
LOOK_S: Final = 0.2

_UNNUMBERED: Final = 0
Say = Callable[[str], object]


def accept(reached: Reached, own_key: str, invitation: RealmInvitation, say: Say) -> str:
    """Make the realm that invites a peer, and wait until each has answered the other. Returns what is to be told then.

    `say` is given lines about what is done meanwhile. Raises OperatorError with what went wrong and what to do.
    """
    began = time.monotonic()
    seen = reached.ask(Peers(id=_UNNUMBERED), PeersSeen)
    _check(seen, own_key, invitation)
    known = _find(seen, invitation.realm)
    if known is not None:
        say(f"{known.realm} is a peer already: seeing how the two get on")
    else:
        say(f"{seen.realm} asks {invitation.realm} at {invitation.place}, key {fingerprint(invitation.key)}")
        _add(reached, seen.home, invitation)
        _check(reached.ask(Peers(id=_UNNUMBERED), PeersSeen), own_key, invitation)
        say(f"added: it has this key, and has found {seen.realm} at the address it was told")
    _wait(reached, invitation.realm, say)
    return (
        f"{seen.realm} and {invitation.realm} speak with each other: each has greeted the other and was answered, "
        f"within {time.monotonic() - began:.1f} s"
    )


def _check(seen: PeersSeen, own_key: str, invitation: RealmInvitation) -> None:
    """Whether it can be a peer at all, as far as this side knows. Raises OperatorError."""
    if invitation.key == own_key:
        raise OperatorError(f"this is {seen.realm}'s own invitation: it is for the operator of the other realm")
    if invitation.realm == seen.realm:
        raise OperatorError(
            f"the other realm is called {seen.realm} too, and users could not tell the two apart: "
            "one of them has to begin anew with another name"
        )
    known = _find(seen, invitation.realm)
    if known is not None and known.key != invitation.key:
        raise OperatorError(
            f"{known.realm} is a peer already, and its key is {fingerprint(known.key)}, not "
            f"{fingerprint(invitation.key)} as it says here: a name stays with the key with which it came"
        )


def _add(reached: Reached, home: str, invitation: RealmInvitation) -> None:
    try:
        reached.ask(
            AddPeer(
                id=_UNNUMBERED,
                realm=Name(invitation.realm),
                address=invitation.host,
                port=invitation.port,
                key=invitation.key,
            ),
            Said,
            DIALLED_S,
        )
    except RefusedError as error:
        if error.code == Code.REALM_EXISTS:  # somebody was faster by a moment, perhaps with another key
            return
        raise OperatorError(f"{error}\n{_what_to_do(str(error), home, invitation.realm)}") from None


def _what_to_do(why: str, home: str, realm: str) -> str:
    if f"{realm} says:" in why:
        return (
            f"{realm} was told that this realm is at {home}: if others reach it elsewhere, "
            f"run it with --advertise HOST:PORT; the rest is for the operator of {realm}"
        )
    if "the realm there" in why or "this key is known" in why:
        return f"this string is old, or somebody else answers there: ask the operator of {realm} for a new one"
    if "settings" in why or "does not speak" in why:
        return "see `federation` and `[peers]` in the settings (--config) with which this realm runs"
    return "see that it runs, and that its front door can be reached from this machine; then say this again"


def _wait(reached: Reached, realm: str, say: Say) -> None:
    told: set[str] = set()
    for _ in tries(BOTH_WAYS_S, LOOK_S):
        seen = reached.ask(Peers(id=_UNNUMBERED), PeersSeen)
        peer = _find(seen, realm)
        if peer is None:
            raise OperatorError(f"{realm} is a peer no more: somebody has said `forget` meanwhile")
        missing = _missing(peer, seen.realm)
        if not missing:
            return
        if missing not in told:
            told.add(missing)
            say(f"waiting until {missing}")
        why = _given_up(seen, peer)
    raise OperatorError(why)


def _missing(peer: PeerSeen, own: str) -> str:
    """What has not happened yet of a word each way, empty where nothing is missing."""
    awaited = [] if peer.answers else [f"{peer.realm} answers {own}"]
    if not peer.speaks:
        awaited.append(f"{peer.realm} greets {own}")
    return " and ".join(awaited)


def _given_up(seen: PeersSeen, peer: PeerSeen) -> str:
    if peer.answers:
        why = f"{peer.realm} answers, but has not greeted {seen.realm} at {seen.home}: its log says what it meets there"
    else:
        why = f"{peer.realm} does not answer ({printable(peer.error) or 'nothing came yet'})"
    return (
        f"{why}\n{peer.realm} is a peer all the same, and both go on trying: messages wait meanwhile, and "
        "`python -m realm peers` shows how it fares"
    )


def _find(seen: PeersSeen, realm: str) -> PeerSeen | None:
    return next((peer for peer in seen.peers if peer.realm == realm), None)
