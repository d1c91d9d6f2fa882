"""A command as it came in, and the way back to its caller."""

from typing import Final, NamedTuple

import msgspec

from schemas.codec import Malformed
from schemas.commands import Command
from schemas.federation import Envelope

OPERATOR: Final = "operator"
"""The key of requests that came over the socket in the realm's folder; no CURVE key is so short."""


class Route(NamedTuple):
    """Where an answer goes. Only the broker looks inside."""

    peer: bytes
    delimited: bool = False
    """Whether the caller is a REQ socket, which wants its empty frame back."""
    operator: bool = False
    """Whether it is the operator, over the socket in the realm's folder."""


class Request(msgspec.Struct, frozen=True):
    """A frame on the commands port."""

    route: Route
    key: str
    """The CURVE key of the connection, Z85."""
    address: str
    """The address that it came from."""
    body: Command | Envelope | Malformed
    data: bytes = b""

    @property
    def call(self) -> int | None:
        """The `id` that is echoed; an envelope has none."""
        return None if isinstance(self.body, Envelope) else self.body.id

    def __repr__(self) -> str:
        return f"Request({self.key}, {self.address}, {self.body!r})"
