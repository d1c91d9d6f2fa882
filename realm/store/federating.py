"""The part of `Tx` about other realms: who they are, what came from them, and what goes there."""

from collections.abc import Sequence
from typing import Protocol

from realm.store.rows import Outgoing, Peer, Post, Sending
from schemas.federation import Envelope, Mark
from schemas.names import Address, Name


class FederatingTx(Protocol):
    """See `realm.store.interface`."""

    # who they are, and what came from them

    def peers(self, after: int, limit: int) -> list[Peer]:
        """Peers with a number above `after`, ascending; also those that are forgotten."""
        ...

    def add_peer(self, name: Name, key: str, address: str, port: int, now: int) -> Peer:
        """A new peer. The caller has made sure that its name and key are free."""
        ...

    def move_peer(self, peer: int, address: str, port: int) -> None:
        """Remember where its front door is now."""
        ...

    def forget_peer(self, peer: int, now: int) -> None:
        """It is a peer no more: its name and key are free, and its number stays its own."""
        ...

    def received_mark(self, peer: int) -> Mark:
        """How far what the peer sends was taken."""
        ...

    def set_received(self, peer: int, mark: Mark) -> None:
        """It was taken up to here."""
        ...

    def first_answer(self, peer: int, sender: Address, entry: str) -> str | None:
        """The code with which what that sender has sent was refused, empty where it was stored; None: never seen."""
        ...

    def keep_answer(self, peer: int, sender: Address, entry: str, code: str, now: int) -> None:
        """Remember that. The caller has made sure that it is the first."""
        ...

    def forget_answers(self, before: int, limit: int) -> int:
        """Forget up to `limit` answers from before then; how many it were."""
        ...

    # what goes there

    def sending(self, peer: int) -> Sending:
        """How far what is sent to the peer has come."""
        ...

    def enqueue(self, post: Post) -> Outgoing:
        """A new row of the outbox; a text has its number at once, unless rows before it are still to be renumbered.

        The caller has made sure that the id is new.
        """
        ...

    def number(self, row: Outgoing) -> Outgoing:
        """Give the next number to a row that has none in this epoch.

        With `enqueue` the only source of numbers and running hashes.
        """
        ...

    def envelope(self, row: Outgoing) -> Envelope:
        """What is sent of a row that has its number."""
        ...

    def outgoing(self, account: int, entry: str) -> Outgoing | None:
        """What that account sends, or has sent, to another realm under this ULID."""
        ...

    def numbered(self, peer: int, after: int, upto: int) -> list[Outgoing]:
        """The rows with these numbers that were not refused, ascending."""
        ...

    def unnumbered(self, peer: int, limit: int) -> list[Outgoing]:
        """The oldest rows whose file the peer is not known to hold; after a restore they may be settled already.

        Rows that are still to be renumbered are not among them.
        """
        ...

    def untaken(self, peer: int, limit: int) -> list[Outgoing]:
        """Rows that would still be sent to the peer, or sent to it again; with a result they are so no more."""
        ...

    def take_back_number(self, row: Outgoing) -> None:
        """The peer has answered that it does not hold the file: it has to be brought again."""
        ...

    def uncopied(self) -> list[Outgoing]:
        """The rows of which the sender has no entry yet, and that are not settled, in the order of `place`.

        As many as wait at most; for a start, and not for every turn.
        """
        ...

    def oldest_queued(self, peer: int) -> int | None:
        """When the oldest was said that the peer has neither taken nor refused, ms."""
        ...

    def set_copied(self, row: Outgoing) -> None:
        """The sender's own entry is stored."""
        ...

    def settle(self, rows: Sequence[Outgoing], codes: Sequence[str], now: int) -> None:
        """The peer took these rows (an empty code), or refused them with these codes: then they are not sent again.

        Rows of one peer, in order; between the first and the last that are taken none is unsettled but these.
        Of those that are taken the caller stores the sender's own entry now, where that is not there yet.
        """
        ...

    def acknowledge(self, peer: int, upto: int) -> None:
        """The peer has taken everything up to this number, which was given."""
        ...

    def hash_at(self, peer: int, n: int) -> bytes | None:
        """The running hash at a number, None where it was not given, or is not remembered."""
        ...

    def renumber(self, peer: int, epoch: int, now: int | None) -> None:
        """Begin a new epoch: what is kept, and was not refused, will be numbered from 1 in the old order.

        What has had a number keeps it as one of an earlier epoch until `renumber_on` comes to it. `now` is when a
        restore was noticed; None where it is for another reason.
        """
        ...

    def renumber_on(self, peer: int, limit: int) -> None:
        """Where a new epoch has begun, go on: number up to `limit` texts, and let files be brought again."""
        ...

    def forget_settled(self, before: int, limit: int) -> int:
        """Forget up to `limit` rows that were settled before then and are acknowledged; how many it were."""
        ...
