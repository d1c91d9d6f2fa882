"""Which realms the settings let be peers."""

from realm.settings import Settings
from realm.store.rows import Peer


def may_be_peer(settings: Settings, name: str, key: str) -> bool:
    """Whether a realm of that name and key may be one. Names are compared in lower case."""
    rules = settings.peers
    denied = {typed.lower() for typed in rules.denied}
    if settings.federation == "off" or name in denied or key in rules.denied:
        return False
    return settings.federation == "open" or name in {typed.lower() for typed in rules.listed}


def is_allowed(settings: Settings, peer: Peer) -> bool:
    """Whether a peer may still be spoken to."""
    return may_be_peer(settings, peer.name, peer.key)
