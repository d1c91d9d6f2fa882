"""Somebody who has taken the address of a realm, and says to be it."""

from realm.request import Route
from schemas.codec import decode_command, encode_command
from schemas.federation import Introduced, Prove, Proved
from schemas.names import Name
from tests.simulation.federation.node import PORT, Answered, RealmNode


class Impostor:
    """Says to be a realm that is known, with a key of its own; and proves whatever it is asked."""

    running = reachable = True
    life = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = f"key-of-impostor-{name}".ljust(40, "-")

    def introduce_to(self, victim: RealmNode) -> None:
        """Say that it wants to be a peer."""
        frame = encode_command(Introduced(id=1, realm=Name(self.name), address=self.name, port=PORT))
        victim._receive(self.key, Route(b"imp00"), [frame], lambda _answer: None)

    def _receive(self, _key: str, _route: Route, frames: list[bytes], answered: Answered) -> None:
        decoded = decode_command(frames)
        if isinstance(decoded, tuple) and isinstance(decoded[0], Prove):
            answered(Proved(id=decoded[0].id, nonce=decoded[0].nonce))
