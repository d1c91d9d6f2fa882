"""What waits for other realms, as rows of SQLite. `enqueue` and `number` are the only source of link numbers."""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from realm.store.files import FileRows
from realm.store.peers import PeerRows
from realm.store.rows import Outgoing, Post
from schemas.federation import HASH_START, Carried, Envelope, hash_of
from schemas.names import Address, Name

_ROW: Final = (
    "o.place, o.n, o.hash, o.copied, o.settled_at, o.result,"
    " o.peer, o.id, o.account, o.display, o.sent_at, o.to_group, o.recipient, o.message, o.file"
)
_ROWS: Final = f"SELECT {_ROW} FROM outbox o"
_changed = msgspec.structs.replace


class OutboxRows(FileRows, PeerRows):
    """The part of `Tx` about what is on its way to other realms."""

    def enqueue(self, post: Post) -> Outgoing:
        """See `Tx.enqueue`."""
        sending = self.sending(post.peer)
        self._set_sending(post.peer, _changed(sending, queued=sending.queued + 1))
        place = self._write(
            "INSERT INTO outbox (peer, id, account, display, sent_at, to_group, recipient, message, file)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING place",
            (
                post.peer,
                post.id,
                post.account,
                post.display,
                post.sent_at,
                post.to_group,
                post.recipient,
                None if post.message is UNSET else post.message,
                None if post.file is UNSET else post.file,
            ),
        ).fetchone()[0]
        row = Outgoing(place, None, b"", post, copied=False, settled=False, result="")
        return row if post.message is UNSET else self.number(row)

    def number(self, row: Outgoing) -> Outgoing:
        """See `Tx.number`."""
        sending = self.sending(row.post.peer)
        n = sending.last + 1
        digest = hash_of(sending.hash, self._unsealed(row, sending.epoch, n))
        self._write("UPDATE outbox SET n = ?, hash = ? WHERE place = ?", (n, digest, row.place))
        self._set_sending(row.post.peer, _changed(sending, last=n, hash=digest))
        return _changed(row, n=n, hash=digest)

    def envelope(self, row: Outgoing) -> Envelope:
        """See `Tx.envelope`."""
        assert row.n is not None
        return _changed(self._unsealed(row, self.sending(row.post.peer).epoch, row.n), hash=row.hash)

    def outgoing(self, account: int, entry: str) -> Outgoing | None:
        """See `Tx.outgoing`."""
        row = self._execute(f"{_ROWS} WHERE o.id = ? AND o.account = ?", (entry, account)).fetchone()
        return None if row is None else _outgoing(row)

    def numbered(self, peer: int, after: int, upto: int) -> list[Outgoing]:
        """See `Tx.numbered`."""
        rows = self._execute(f"{_ROWS} WHERE o.peer = ? AND o.n > ? AND o.n <= ? ORDER BY o.n", (peer, after, upto))
        return [_outgoing(row) for row in rows.fetchall()]

    def uncopied(self, limit: int) -> list[Outgoing]:
        """See `Tx.uncopied`."""
        rows = self._execute(f"{_ROWS} WHERE o.copied = 0 AND o.settled_at IS NULL ORDER BY o.place LIMIT ?", (limit,))
        return [_outgoing(row) for row in rows.fetchall()]

    def unnumbered(self, peer: int, limit: int) -> list[Outgoing]:
        """See `Tx.unnumbered`."""
        rows = self._execute(
            f"{_ROWS} WHERE o.peer = ? AND o.file IS NOT NULL AND o.n IS NULL AND o.result = ''"
            " ORDER BY o.place LIMIT ?",
            (peer, limit),
        )
        return [_outgoing(row) for row in rows.fetchall()]

    def oldest_queued(self, peer: int) -> int | None:
        """See `Tx.oldest_queued`."""
        row = self._execute(
            "SELECT sent_at FROM outbox WHERE peer = ? AND settled_at IS NULL ORDER BY place LIMIT 1", (peer,)
        ).fetchone()
        return None if row is None else int(row[0])

    def take_back_number(self, row: Outgoing) -> None:
        """See `Tx.take_back_number`."""
        self._write("UPDATE outbox SET n = NULL WHERE place = ?", (row.place,))

    def set_copied(self, row: Outgoing) -> None:
        """See `Tx.set_copied`."""
        self._write("UPDATE outbox SET copied = 1 WHERE place = ?", (row.place,))

    def settle(self, row: Outgoing, code: str, now: int) -> None:
        """See `Tx.settle`."""
        self._write(
            "UPDATE outbox SET settled_at = coalesce(settled_at, ?), result = ?, n = iif(? = '', n, NULL)"
            " WHERE place = ?",
            (now, code, code, row.place),
        )
        if not row.settled:
            sending = self.sending(row.post.peer)
            self._set_sending(row.post.peer, _changed(sending, queued=sending.queued - 1))

    def acknowledge(self, peer: int, upto: int) -> None:
        """See `Tx.acknowledge`."""
        sending = self.sending(peer)
        digest = self.hash_at(peer, upto)
        assert digest is not None
        self._set_sending(peer, _changed(sending, acked=upto, acked_hash=digest))

    def hash_at(self, peer: int, n: int) -> bytes | None:
        """See `Tx.hash_at`."""
        sending = self.sending(peer)
        if n in (sending.acked, sending.last):
            return sending.acked_hash if n == sending.acked else sending.hash
        row = self._execute("SELECT hash FROM outbox WHERE peer = ? AND n = ?", (peer, n)).fetchone()
        return None if row is None else bytes(row[0])

    def renumber(self, peer: int, epoch: int, now: int) -> None:
        """See `Tx.renumber`."""
        rows = self.numbered(peer, 0, 1 << 62)
        self._write("UPDATE outbox SET n = NULL WHERE peer = ?", (peer,))
        fresh = _changed(
            self.sending(peer),
            epoch=epoch,
            last=0,
            hash=HASH_START,
            acked=0,
            acked_hash=HASH_START,
            restored_at=now,
        )
        self._set_sending(peer, fresh)
        for row in rows:
            if row.post.file is UNSET:  # a file has to be brought again, or seen to be there
                self.number(row)

    def forget_settled(self, before: int, limit: int) -> None:
        """See `Tx.forget_settled`."""
        self._write(
            "DELETE FROM outbox WHERE place IN (SELECT o.place FROM outbox o JOIN peers p ON p.id = o.peer"
            " WHERE o.settled_at < ? AND coalesce(o.n, 0) <= p.acked ORDER BY o.settled_at LIMIT ?)",
            (before, limit),
        )

    def _is_queued(self, sender: str, entry: str) -> bool:
        """Whether an entry is one that a peer has neither taken nor refused yet."""
        row = self._execute(
            "SELECT 1 FROM outbox o JOIN accounts a ON a.id = o.account WHERE o.id = ? AND o.settled_at IS NULL"
            " AND a.name || '@' || (SELECT name FROM realm) = ?",
            (entry, sender),
        ).fetchone()
        return row is not None

    def _unsealed(self, row: Outgoing, epoch: int, n: int) -> Envelope:
        """A row as an envelope whose hash is still to be put in."""
        post = row.post
        address = self._execute(
            "SELECT name || '@' || (SELECT name FROM realm) FROM accounts WHERE id = ?", (post.account,)
        ).fetchone()[0]
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
            sender=Address(address),
            name=post.display,
            to=UNSET if post.to_group else post.recipient,
            group=post.recipient if post.to_group else UNSET,
            sent_at=post.sent_at,
            message=post.message,
            file=carried,
        )


def _outgoing(row: Any) -> Outgoing:
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
