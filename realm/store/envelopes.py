"""Rows of the outbox as what they say, and as the envelopes in which that goes."""

import sqlite3
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from realm.store.files import FileRows
from realm.store.peers import PeerRows
from realm.store.rows import Outgoing, Post, Sending
from schemas.federation import HASH_START, Carried, Envelope, hash_of
from schemas.names import Address, Name

_ROW: Final = (
    "o.place, o.n, o.hash, o.copied, o.settled_at, o.result,"
    " o.peer, o.id, o.account, o.display, o.sent_at, o.to_group, o.recipient, o.message, o.file"
)
OUTGOING: Final = f"SELECT {_ROW} FROM outbox o"


class EnvelopeRows(FileRows, PeerRows):
    """What puts a row into an envelope."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._addresses: dict[int, Address] = {}

    def _sealed(self, row: Outgoing, sending: Sending) -> Envelope:
        """A row as an envelope with the number after the last."""
        envelope = self._unsealed(row, sending.epoch, sending.last + 1)
        msgspec.structs.force_setattr(envelope, "hash", hash_of(sending.hash, envelope))
        return envelope

    def _address_of(self, account: int) -> Address:
        query = "SELECT name || '@' || (SELECT name FROM realm) FROM accounts WHERE id = ?"
        return Address(self._execute(query, (account,)).fetchone()[0])

    def _unsealed(self, row: Outgoing, epoch: int, n: int) -> Envelope:
        """A row as an envelope whose hash is still to be put in."""
        post = row.post
        address = self._addresses.get(post.account)
        if address is None:
            address = self._addresses[post.account] = self._address_of(post.account)
        carried: Carried | UnsetType = UNSET
        if post.file is not UNSET:
            file = self.file(post.file)
            assert file is not None, "a file that the outbox names is kept"
            carried = Carried(name=file.name, size=file.size, media_type=file.media_type, digest=file.digest)
        return Envelope(
            epoch=epoch,
            n=n,
            id=post.id,
            hash=HASH_START,
            kind="text" if post.file is UNSET else "file",
            sender=address,
            name=post.display,
            to=UNSET if post.to_group else post.recipient,
            group=post.recipient if post.to_group else UNSET,
            sent_at=post.sent_at,
            message=post.message,
            file=carried,
        )


def outgoing_of(row: Any) -> Outgoing:
    """The row of the outbox in a row of `OUTGOING`."""
    place, n, digest, copied, settled_at, result, *post = row
    peer, entry, account, display, sent_at, to_group, recipient, message, file = post
    return Outgoing(
        place,
        n,
        digest or b"",
        Post(
            peer,
            entry,
            account,
            display,
            sent_at,
            bool(to_group),
            Name(recipient),
            UNSET if message is None else message,
            UNSET if file is None else file,
        ),
        copied=bool(copied),
        settled=settled_at is not None,
        result=result,
    )
