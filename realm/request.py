"""A command as it came in, and the way back to its caller."""

from typing import NamedTuple

import msgspec

from schemas.codec import Malformed
from schemas.commands import Command


class Route(NamedTuple):
    """Where an answer goes. Only the broker looks inside."""

    peer: bytes
    delimited: bool = False
    """Whether the caller is a REQ socket, which wants its empty frame back."""


class Request(msgspec.Struct, frozen=True):
    """A frame on the commands port."""

    route: Route
    key: str
    """The CURVE key of the connection, Z85."""
    address: str
    """The address that it came from."""
    body: Command | Malformed
    data: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.key}, {self.address}, {self.body!r})"
