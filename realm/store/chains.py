"""Whether what was said is still what was said: every conversation's numbers and chain, in bounded memory."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from realm.store.entries import NUMBER, NUMBER_BITS
from realm.store.interface import StoreError
from realm.store.looking import TOLD, UNREADABLE, Looking
from schemas.entries import CHAIN_START, File, bounce_body, file_body, link, text_body

TELL_EVERY: Final = 10_000
"""Entries, after which it is told how many they were."""

_LAST: Final = (1 << 31) - 1
_ENTRY: Final = ("place", "id", "sender", "sent_at", "kind", "salt", "chain", "message", "re", "code", "body")
_FILE: Final = (
    "SELECT f.name, b.size, b.media_type, b.digest FROM attachments t JOIN files f ON f.id = t.file"
    " JOIN blobs b ON b.id = f.blob WHERE t.place = ?"
)


class Broken(NamedTuple):
    """Where a conversation is not what it was."""

    conversation: str
    seq: int
    why: str

    def __str__(self) -> str:
        return f"{self.conversation}: {self.why}"


class Chains(NamedTuple):
    """What was found; of what is broken at most `TOLD`, one a conversation."""

    conversations: int
    entries: int
    broken: list[Broken]


class _Conversation(NamedTuple):
    id: int
    name: str
    first: int
    head: int
    chain: bytes


def check_chains(looking: Looking, told: Callable[[int], object] = lambda _: None) -> Chains:
    """Look at every entry, each conversation as it is at one moment; `told` is given how many were looked at.

    Of entries that were erased the chain holds all the same. What retention has removed is not missed; the first that
    it has left is taken as it is. Raises StoreError where the file cannot be read at all.
    """
    return _Check(looking, told).run()


class _Check:
    def __init__(self, looking: Looking, told: Callable[[int], object]) -> None:
        self._looking = looking
        self._told = told
        have = looking.columns("entries")
        columns = ", ".join(column if column in have else "NULL" for column in _ENTRY)
        self._entries = f"SELECT {columns} FROM entries WHERE place > ? AND place < ? ORDER BY place"
        self._has_files = looking.has("attachments")
        self._conversations = self._seen = 0
        self._broken: list[Broken] = []

    def run(self) -> Chains:
        after = 0
        while (found := self._next(after)) is not None:
            if len(self._broken) < TOLD and (broken := self._look(after, found)):
                self._broken.append(broken)
            self._conversations += 1
            after = found.id
        if stray := self._stray(after, _LAST):
            self._broken.append(stray)
        self._told(self._seen)
        return Chains(self._conversations, self._seen, self._broken)

    def _next(self, after: int) -> _Conversation | None:
        query = "SELECT id, name, first, head, chain FROM conversations WHERE id > ? ORDER BY id LIMIT 1"
        with self._looking.translated():
            row = self._looking.connection.execute(query, (after,)).fetchone()
        return None if row is None else _Conversation(*row)

    def _look(self, after: int, found: _Conversation) -> Broken | None:
        """What is wrong with a conversation, or before it; entries and head are of the same moment."""
        seen = self._seen
        try:
            with self._looking.frozen():
                now = self._next(found.id - 1)
                if now is None or now.id != found.id:
                    return None
                return self._stray(after, found.id) or self._follow(now)
        except (
            StoreError,
            TypeError,
            AttributeError,
            *UNREADABLE,
        ) as error:  # a damaged row is not what every row is
            at = found.first + self._seen - seen
            return Broken(found.name, at, f"entry {at} cannot be read ({error})")

    def _follow(self, of: _Conversation) -> Broken | None:
        chain, due = CHAIN_START if of.first == 1 else None, of.first
        for place, entry, sender, sent_at, kind, salt, stored, *content in self._rows(of.id):
            seq = place & NUMBER
            if seq > of.head:
                return Broken(of.name, seq, f"entry {seq} is there, and the last one should be {of.head}")
            if seq != due:
                why = f"entry {due} is missing" if seq > due else f"entry {seq} should have been removed"
                return Broken(of.name, min(seq, due), why)
            body = self._body(place, salt, kind, *content)
            if chain is not None and link(chain, of.name, seq, entry, sender, sent_at, kind, body) != stored:
                return Broken(of.name, seq, f"entry {seq} does not follow from those before it: it was changed")
            chain, due = stored, seq + 1
            self._count()
        if due != of.head + 1:
            return Broken(of.name, due, f"entry {due} is missing, and all after it up to {of.head}")
        if chain is not None and chain != of.chain:
            return Broken(of.name, of.head, f"entry {of.head} is not what it was when it was the last")
        return None

    def _rows(self, conversation: int) -> Iterator[tuple[Any, ...]]:
        between = (conversation << NUMBER_BITS, conversation + 1 << NUMBER_BITS)
        yield from self._looking.connection.execute(self._entries, between)

    def _body(self, place: int, salt: bytes | None, kind: str, *content: Any) -> bytes:
        """The digest of an entry's content; of one that lacks it, one that fits nothing."""
        message, re, code, stand_in = content
        if salt is None:
            return bytes(stand_in or b"")
        if kind == "text" and message is not None:
            return text_body(salt, message)
        if kind == "file" and self._has_files:
            row = self._looking.connection.execute(_FILE, (place,)).fetchone()
            return (
                b""
                if row is None
                else file_body(salt, File(id="", name=row[0], size=row[1], media_type=row[2], digest=row[3]))
            )
        if kind == "bounce" and None not in (message, re, code):
            return bounce_body(salt, re, code, message)
        return b""

    def _count(self) -> None:
        self._seen += 1
        if self._seen % TELL_EVERY == 0:
            self._told(self._seen)

    def _stray(self, after: int, before: int) -> Broken | None:
        """An entry of a conversation that there is not, between two that there are."""
        query = "SELECT place FROM entries WHERE place >= ? AND place < ? LIMIT 1"
        with self._looking.translated():
            row = self._looking.connection.execute(query, (after + 1 << NUMBER_BITS, before << NUMBER_BITS)).fetchone()
        if row is None:
            return None
        why = f"entry {row[0] & NUMBER} is of a conversation that there is not"
        return Broken(f"conversation {row[0] >> NUMBER_BITS}", row[0] & NUMBER, why)
