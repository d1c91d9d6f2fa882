"""Where a realm's random values come from: handed in, so that a simulation can replay them."""

from typing import Protocol


class Ids(Protocol):
    """Fresh values that nobody can guess."""

    def token(self) -> str:
        """A session's token, 256 bits."""
        ...

    def topic(self) -> bytes:
        """A session's topic, 16 bytes."""
        ...

    def salt(self) -> bytes:
        """The salt of an entry, 16 bytes."""
        ...

    def ulid(self, now: int) -> str:
        """The id of an entry that its sender gave none."""
        ...

    def incident(self) -> str:
        """The number under which a caller's `internal_error` is found in the log."""
        ...

    def epoch(self) -> int:
        """A random 63-bit number."""
        ...

    def nonce(self) -> bytes:
        """16 bytes, to be sent back as a proof."""
        ...

    def fraction(self) -> float:
        """From 0 to below 1, so that not all try again at the same time. Need not be hard to guess."""
        ...
