"""Other realms, and what came from them, as rows of SQLite."""

import itertools
import sqlite3
from typing import Final, TypeVar

import msgspec

from realm.store.rows import Peer, Sending
from realm.store.writing import Writing
from schemas.federation import HASH_START, Mark
from schemas.names import Address, Name

M = TypeVar("M", Sending, Mark)
_PEER: Final = "id, name, key, address, port, forgotten_at"
_SENDING: Final = "epoch, last, hash, acked, acked_hash, queued, restored_at, renumbering"


class PeerRows(Writing):
    """The part of `Tx` about other realms. The marks of all of them are remembered: each envelope needs them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._sending: dict[int, Sending] = {}
        self._received: dict[int, Mark] = {}
        self._late_marks: set[int] = set()
        """The peers of which a mark is still to be written: once for all that a turn sends and takes."""
        self._before: dict[int, tuple[Sending | None, Mark | None]] = {}
        """How the marks stood that the present attempt has changed."""
        self._late_answers: dict[tuple[int, str, str], tuple[str, int]] = {}
        """First answers that are still to be written; those from number `_own_answers` on are the present attempt's."""
        self._own_answers = 0

    def enter(self) -> None:
        """See `Writing.enter`."""
        super().enter()
        self._before.clear()
        self._own_answers = len(self._late_answers)

    def leave(self, *, undo: bool) -> None:
        """See `Writing.leave`; marks of earlier attempts stay late."""
        if not undo:
            super().leave(undo=False)
            return
        late = {peer: self._before.get(peer, self._marks(peer)) for peer in self._late_marks}
        answers = dict(itertools.islice(self._late_answers.items(), self._own_answers))
        super().leave(undo=True)
        self._late_answers = answers
        for peer, (sending, received) in late.items():
            _put(self._sending, peer, sending)
            _put(self._received, peer, received)
        self._late_marks |= late.keys()

    def commit(self) -> None:
        """See `Writing.commit`."""
        self._write_marks()
        self._write_answers()
        super().commit()

    def _write_marks(self) -> None:
        """Write the marks that are late."""
        for peer in self._late_marks:
            sending, received = self._marks(peer)
            if sending is not None:
                self._execute(
                    "UPDATE peers SET epoch = ?, last = ?, hash = ?, acked = ?, acked_hash = ?, queued = ?,"
                    " restored_at = ?, renumbering = ? WHERE id = ?",
                    (*msgspec.structs.astuple(sending), peer),
                )
            if received is not None:
                self._execute(
                    "UPDATE peers SET in_epoch = ?, in_last = ?, in_hash = ? WHERE id = ?",
                    (*msgspec.structs.astuple(received), peer),
                )
        self._late_marks.clear()

    def _write_answers(self) -> None:
        """Write the first answers that are late."""
        if not self._late_answers:
            return
        rows = [(*place, *answer) for place, answer in self._late_answers.items()]
        self._connection.executemany("INSERT INTO taken (peer, id, sender, code, at) VALUES (?, ?, ?, ?, ?)", rows)
        self._late_answers.clear()

    def _marks(self, peer: int) -> tuple[Sending | None, Mark | None]:
        return self._sending.get(peer), self._received.get(peer)

    def _change_marks(self, peer: int) -> None:
        """To be called before a mark is changed."""
        self._must_be_writable()
        if self._attempting and peer not in self._before:
            self._before[peer] = self._marks(peer)
        self._late_marks.add(peer)

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

    def forget_peer(self, peer: int, now: int) -> None:
        """See `Tx.forget_peer`."""
        self._write("UPDATE peers SET forgotten_at = ? WHERE id = ?", (now, peer))

    def received_mark(self, peer: int) -> Mark:
        """See `Tx.received_mark`."""
        found = self._received.get(peer)
        if found is None:
            row = self._execute("SELECT in_epoch, in_last, in_hash FROM peers WHERE id = ?", (peer,)).fetchone()
            found = self._received[peer] = Mark(*row)
        return found

    def set_received(self, peer: int, mark: Mark) -> None:
        """See `Tx.set_received`."""
        self._change_marks(peer)
        self._received[peer] = mark

    def first_answer(self, peer: int, sender: Address, entry: str) -> str | None:
        """See `Tx.first_answer`."""
        late = self._late_answers.get((peer, entry, sender))
        if late is not None:
            return late[0]
        row = self._execute(
            "SELECT code FROM taken WHERE peer = ? AND id = ? AND sender = ?", (peer, entry, sender)
        ).fetchone()
        return None if row is None else str(row[0])

    def keep_answer(self, peer: int, sender: Address, entry: str, code: str, now: int) -> None:
        """See `Tx.keep_answer`."""
        self._must_be_writable()
        self._late_answers[peer, entry, sender] = code, now

    def forget_answers(self, before: int, limit: int) -> int:
        """See `Tx.forget_answers`."""
        # What is late is too young to be forgotten.
        return self._write(
            "DELETE FROM taken WHERE (peer, id, sender) IN"
            " (SELECT peer, id, sender FROM taken WHERE at < ? ORDER BY at LIMIT ?)",
            (before, limit),
        ).rowcount

    def sending(self, peer: int) -> Sending:
        """See `Tx.sending`."""
        found = self._sending.get(peer)
        if found is None:
            row = self._execute(f"SELECT {_SENDING} FROM peers WHERE id = ?", (peer,)).fetchone()
            found = self._sending[peer] = Sending(*row)
        return found

    def _set_sending(self, peer: int, now: Sending) -> None:
        self._change_marks(peer)
        self._sending[peer] = now

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._sending.clear()
        self._received.clear()
        self._late_marks.clear()
        self._before.clear()
        self._late_answers.clear()


def _put(marks: dict[int, M], peer: int, mark: M | None) -> None:
    if mark is None:
        marks.pop(peer, None)
    else:
        marks[peer] = mark
