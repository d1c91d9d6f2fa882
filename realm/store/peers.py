"""Other realms, and what came from them, as rows of SQLite."""

import sqlite3
from typing import Final

from realm.store.rows import Peer, Sending
from realm.store.writing import Writing
from schemas.federation import HASH_START, Mark
from schemas.names import Address, Name

_PEER: Final = "id, name, key, address, port"
_SENDING: Final = "epoch, last, hash, acked, acked_hash, queued, restored_at"


class PeerRows(Writing):
    """The part of `Tx` about other realms. The marks of all of them are remembered: each envelope needs them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._sending: dict[int, Sending] = {}
        self._received: dict[int, Mark] = {}

    def peers(self, after: int, limit: int) -> list[Peer]:
        """See `Tx.peers`."""
        rows = self._execute(f"SELECT {_PEER} FROM peers WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [Peer(*row) for row in rows]

    def add_peer(self, name: Name, key: str, address: str, port: int, now: int) -> Peer:
        """See `Tx.add_peer`."""
        row = self._write(
            "INSERT INTO peers (name, key, address, port, added_at, hash, acked_hash, in_hash)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_PEER}",
            (name, key, address, port, now, HASH_START, HASH_START, HASH_START),
        ).fetchone()
        return Peer(*row)

    def move_peer(self, peer: int, address: str, port: int) -> None:
        """See `Tx.move_peer`."""
        self._write("UPDATE peers SET address = ?, port = ? WHERE id = ?", (address, port, peer))

    def received_mark(self, peer: int) -> Mark:
        """See `Tx.received_mark`."""
        found = self._received.get(peer)
        if found is None:
            row = self._execute("SELECT in_epoch, in_last, in_hash FROM peers WHERE id = ?", (peer,)).fetchone()
            found = self._received[peer] = Mark(*row)
        return found

    def set_received(self, peer: int, mark: Mark) -> None:
        """See `Tx.set_received`."""
        self._write(
            "UPDATE peers SET in_epoch = ?, in_last = ?, in_hash = ? WHERE id = ?",
            (mark.epoch, mark.n, mark.hash, peer),
        )
        self._received[peer] = mark

    def first_answer(self, peer: int, sender: Address, entry: str) -> str | None:
        """See `Tx.first_answer`."""
        row = self._execute(
            "SELECT code FROM taken WHERE peer = ? AND id = ? AND sender = ?", (peer, entry, sender)
        ).fetchone()
        return None if row is None else str(row[0])

    def keep_answer(self, peer: int, sender: Address, entry: str, code: str, now: int) -> None:
        """See `Tx.keep_answer`."""
        self._write(
            "INSERT INTO taken (peer, id, sender, code, at) VALUES (?, ?, ?, ?, ?)", (peer, entry, sender, code, now)
        )

    def forget_answers(self, before: int, limit: int) -> None:
        """See `Tx.forget_answers`."""
        self._write(
            "DELETE FROM taken WHERE (peer, id, sender) IN"
            " (SELECT peer, id, sender FROM taken WHERE at < ? ORDER BY at LIMIT ?)",
            (before, limit),
        )

    def sending(self, peer: int) -> Sending:
        """See `Tx.sending`."""
        found = self._sending.get(peer)
        if found is None:
            row = self._execute(f"SELECT {_SENDING} FROM peers WHERE id = ?", (peer,)).fetchone()
            found = self._sending[peer] = Sending(*row)
        return found

    def _set_sending(self, peer: int, now: Sending) -> None:
        self._write(
            "UPDATE peers SET epoch = ?, last = ?, hash = ?, acked = ?, acked_hash = ?, queued = ?, restored_at = ?"
            " WHERE id = ?",
            (now.epoch, now.last, now.hash, now.acked, now.acked_hash, now.queued, now.restored_at, peer),
        )
        self._sending[peer] = now

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._sending.clear()
        self._received.clear()
