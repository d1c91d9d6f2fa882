"""What one user has in a realm's database, as `Tx` reads it, at one moment."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from realm.store.database import migrations
from realm.store.envelopes import OUTGOING, outgoing_of
from realm.store.interface import StoreError
from realm.store.looking import Looking
from realm.store.rows import Group, Post, Standing, StoredFile, UserRow
from realm.store.sqlite import SqliteTx
from schemas.entries import Entry
from schemas.names import ConversationId, Name

_PAGE: Final = 500
_PAGE_BYTES: Final = 1 << 20


class Snapshot:
    """What one user has here. Everything is read page by page, so that memory does not grow with it."""

    def __init__(self, looking: Looking) -> None:
        self._execute = looking.connection.execute
        self._tx = SqliteTx(looking.connection)
        self._tx.writable = False
        self.realm = Name(looking.realm()[0])

    def user(self, name: Name) -> UserRow | None:
        """The account with that name, also where it was erased."""
        return self._tx.user_row(name)

    def peer(self, number: int) -> Name:
        """The name of a peer."""
        return Name(self._execute("SELECT name FROM peers WHERE id = ?", (number,)).fetchone()[0])

    def sessions(self, account: int) -> list[tuple[str, int]]:
        """The key and the last use, ms, of each session."""
        return self._execute("SELECT key, used_at FROM sessions WHERE account = ? ORDER BY id", (account,)).fetchall()

    def known_keys(self, account: int) -> list[tuple[str, int]]:
        """The keys that have logged it in, and when they did last, ms."""
        query = "SELECT key, used_at FROM known_keys WHERE account = ? ORDER BY used_at"
        return self._execute(query, (account,)).fetchall()

    def groups(self, account: int) -> Iterator[Group]:
        """The groups that it is in, by name."""
        after: str | None = ""
        while after is not None:
            found, after = self._tx.groups(after, _PAGE, "", _PAGE, account)
            yield from found

    def standings(self, account: int) -> Iterator[Standing]:
        """Its conversations, by name."""
        after = ""
        while page := self._tx.standings_named(account, after, _PAGE):
            yield from page
            after = page[-1].conversation

    def entries(self, of: ConversationId) -> Iterator[Entry]:
        """All that was said there."""
        after = 0
        while page := self._tx.history(of, after=after, limit=_PAGE, max_bytes=_PAGE_BYTES).entries:
            yield from page
            after = page[-1].seq

    def elsewhere(self, account: int, sender: str) -> Iterator[Entry]:
        """What that sender has said in conversations that the account takes part in no more."""
        # Through the index alone, which has no bodies: there is none by sender.
        ids = self._execute("SELECT id FROM entries WHERE sender = ? ORDER BY id", (sender,))
        taking_part = {one.conversation for one in self.standings(account)}
        for (entry,) in ids:
            found = self._tx.sent(sender, entry)
            if found is not None and found.conversation not in taking_part:
                yield found

    def files(self, account: int) -> Iterator[tuple[StoredFile, int]]:
        """What it has uploaded, and when, ms."""
        after = ""
        query = "SELECT id, created_at FROM files WHERE owner = ? AND id > ? ORDER BY id LIMIT ?"
        while page := self._execute(query, (account, after, _PAGE)).fetchall():
            for file, created_at in page:
                found = self._tx.file(file)
                assert found is not None
                yield found, created_at
            after = page[-1][0]

    def waiting(self, account: int) -> Iterator[Post]:
        """What it has sent to other realms that they have not taken yet."""
        rows = self._execute(f"{OUTGOING} WHERE o.account = ? AND o.settled_at IS NULL ORDER BY o.place", (account,))
        for row in rows:
            yield outgoing_of(row).post


@contextmanager
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """The database in a folder as it is now. Raises StoreError where it cannot be read, with what to do."""
    with closing(Looking(folder)) as looking, looking.frozen(), looking.translated():
        newest = len(migrations())
        if looking.version < newest:
            raise StoreError(
                f"{looking.path} was written by an older Bagan (schema {looking.version}, this one needs {newest}): "
                "run the realm with this one first"
            )
        yield Snapshot(looking)
