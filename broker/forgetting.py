"""What `forget` does: a realm is a peer no more, whether its own realm runs or not; and what is told of that."""

from collections.abc import Sequence

from broker.reaching import OperatorError, Reached, RefusedError
from realm.store.interface import Store
from schemas.errors import Code
from schemas.names import Name
from schemas.operator import ForgetPeer, PeerForgotten, PeersSeen

PAGE = 1_000


def forget_running(reached: Reached, seen: PeersSeen, realm: Name) -> str:
    """Have the realm that runs forget a peer; what is to be told. Raises OperatorError where it is none."""
    try:
        queued = reached.ask(ForgetPeer(id=0, realm=realm), PeerForgotten).queued
    except RefusedError as error:
        if error.code != Code.REALM_NOT_FOUND:
            raise
        raise OperatorError(_unknown(realm, seen.realm, [peer.realm for peer in seen.peers])) from None
    return _told(realm, seen.realm, f"{_messages(queued)} to the senders now" if queued else "nothing waited for it")


def forget_in_folder(store: Store, realm: Name, now: int) -> str:
    """The same in the folder of a realm that does not run: what waits is given back when it does."""
    with store.transaction() as tx:
        names: list[str] = []
        last = 0
        while peers := tx.peers(last, PAGE):
            last = peers[-1].id
            for peer in (one for one in peers if one.forgotten_at is None):
                names.append(peer.name)
                if peer.name == realm:
                    tx.forget_peer(peer.id, now)
                    queued = tx.sending(peer.id).queued
                    when = f"to the senders when {store.realm} runs next"
                    waited = f"{_messages(queued)} {when}" if queued else "nothing waited for it"
                    return _told(realm, store.realm, waited)
    raise OperatorError(_unknown(realm, store.realm, names))


def _told(realm: Name, own: str, waited: str) -> str:
    return (
        f"{realm} is no peer of {own} any more; {waited}\n"
        f"What came from {realm} stays. The name is free: whoever has it next speaks in the same conversations.\n"
        f"{realm} is not told, and may be added again by either side: name it in `peers.denied` of the settings if it "
        "must not be"
    )


def _messages(queued: int) -> str:
    return (
        f"{queued:,} messages that waited for it go back" if queued != 1 else "1 message that waited for it goes back"
    )


def _unknown(realm: Name, own: str, names: Sequence[str]) -> str:
    known = f"its peers are {', '.join(sorted(names))}" if names else "it has none"
    return f"{own} has no peer that is called {realm}: {known}"
