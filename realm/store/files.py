"""Files, their blobs and the uploads that are not complete, as rows of SQLite. The bytes are elsewhere."""

from typing import Any, Final

from msgspec import UNSET, UnsetType

from realm.store.rows import BLOCK, Removal, StoredFile, UploadRow, charged
from realm.store.writing import Writing
from schemas.entries import File

_FILE: Final = "f.id, f.owner, f.name, b.size, b.media_type, b.digest"
_FILES: Final = f"SELECT {_FILE} FROM files f JOIN blobs b ON b.id = f.blob"
_UPLOAD: Final = "id, owner, digest, size, name, used_at"
_CHARGED: Final = f"sum(max(1, (size + {BLOCK - 1}) / {BLOCK}) * {BLOCK})"
_SEES: Final = (
    "EXISTS (SELECT 1 FROM attachments t CROSS JOIN participants p"
    " ON p.conversation_id = t.place >> 32 AND p.account = ? WHERE t.file = f.id)"
)


class FileRows(Writing):
    """The part of `Tx` about files."""

    # complete

    def file(self, file: str) -> StoredFile | None:
        """See `Tx.file`."""
        return self._one_file("WHERE f.id = ?", (file,))

    def may_see(self, account: int, file: str) -> bool:
        """See `Tx.may_see`."""
        row = self._read(f"SELECT 1 FROM files f WHERE f.id = ? AND {_SEES}", (file, account)).fetchone()
        return row is not None

    def held_by(self, owner: int, digest: bytes, scan: int) -> StoredFile | None:
        """See `Tx.held_by`."""
        own = self._one_file("WHERE b.digest = ? AND f.owner = ? LIMIT 1", (digest, owner))
        if own is not None:
            return own
        return self._one_file(
            "WHERE f.id IN (SELECT f.id FROM (SELECT f.id FROM files f JOIN blobs b ON b.id = f.blob"
            f" WHERE b.digest = ? ORDER BY f.id DESC LIMIT ?) f WHERE {_SEES} LIMIT 1)",
            (digest, scan, owner),
        )

    def unsent_file(self, owner: int, digest: bytes, name: str) -> StoredFile | None:
        """See `Tx.unsent_file`."""
        return self._one_file(
            "WHERE b.digest = ? AND f.owner = ? AND f.uses = 0 AND f.name = ? LIMIT 1", (digest, owner, name)
        )

    def unsent_files(self, owner: int, limit: int) -> int:
        """See `Tx.unsent_files`."""
        query = "SELECT count(*) FROM (SELECT 1 FROM files WHERE owner = ? AND uses = 0 LIMIT ?)"
        return int(self._read(query, (owner, limit)).fetchone()[0])

    def add_file(self, file: StoredFile, now: int) -> StoredFile:
        """See `Tx.add_file`."""
        blob = self._read("SELECT id, media_type FROM blobs WHERE digest = ?", (file.digest,)).fetchone()
        if blob is None:
            blob = self._write(
                "INSERT INTO blobs (digest, size, media_type) VALUES (?, ?, ?) RETURNING id, media_type",
                (file.digest, file.size, file.media_type),
            ).fetchone()
            self._write("UPDATE held SET bytes = bytes + ?", (charged(file.size),))
        self._write("DELETE FROM removals WHERE digest = ?", (file.digest,))
        if not self._owns(file.owner, blob[0]):
            self._use(file.owner, charged(file.size))
        self._write(
            "INSERT INTO files (id, owner, blob, name, created_at) VALUES (?, ?, ?, ?, ?)",
            (file.id, file.owner, blob[0], file.name, now),
        )
        return StoredFile(file.id, file.owner, file.name, file.size, blob[1], file.digest)

    def drop_unsent(self, before: int, limit: int) -> int:
        """See `Tx.drop_unsent`."""
        return self.drop_files("f.uses = 0 AND f.created_at < ?", (before,), limit)

    def drop_files(self, which: str, values: tuple[Any, ...], limit: int) -> int:
        """Forget up to `limit` of these files, which no entry names and the outbox does not either."""
        stale = self._read(
            "SELECT f.id, f.owner, f.blob, b.size, b.digest FROM files f JOIN blobs b ON b.id = f.blob"
            f" WHERE {which} AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.file = f.id) LIMIT ?",
            (*values, limit),
        ).fetchall()
        for file, owner, blob, size, digest in stale:
            self._write("DELETE FROM files WHERE id = ?", (file,))
            if not self._owns(owner, blob):
                self._use(owner, -charged(size))
            if self._read("SELECT 1 FROM files WHERE blob = ? LIMIT 1", (blob,)).fetchone() is None:
                self._write("DELETE FROM blobs WHERE id = ?", (blob,))
                self._write("UPDATE held SET bytes = bytes - ?", (charged(size),))
                self.add_removal(digest)
        return len(stale)

    def file_usage(self, owner: int) -> int:
        """See `Tx.file_usage`."""
        row = self._read(
            "SELECT coalesce((SELECT bytes FROM usage WHERE owner = ?1), 0)"
            f" + coalesce((SELECT {_CHARGED} FROM uploads WHERE owner = ?1), 0)",
            (owner,),
        ).fetchone()
        return int(row[0])

    def blob_bytes(self) -> int:
        """See `Tx.blob_bytes`."""
        query = f"SELECT (SELECT bytes FROM held) + coalesce((SELECT {_CHARGED} FROM uploads), 0)"
        return int(self._read(query, ()).fetchone()[0])

    # on their way

    def uploads(self, after: str, limit: int) -> list[UploadRow]:
        """See `Tx.uploads`."""
        rows = self._read(f"SELECT {_UPLOAD} FROM uploads WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [UploadRow(*row) for row in rows]

    def upload_of(self, owner: int, digest: bytes) -> UploadRow | None:
        """See `Tx.upload_of`."""
        query = f"SELECT {_UPLOAD} FROM uploads WHERE owner = ? AND digest = ?"
        row = self._read(query, (owner, digest)).fetchone()
        return UploadRow(*row) if row else None

    def open_upload(self, row: UploadRow) -> None:
        """See `Tx.open_upload`."""
        self._write(
            f"INSERT INTO uploads ({_UPLOAD}) VALUES (?, ?, ?, ?, ?, ?)",
            (row.id, row.owner, row.digest, row.size, row.name, row.used_at),
        )

    def use_upload(self, upload: str, name: str, now: int) -> None:
        """See `Tx.use_upload`."""
        self._write("UPDATE uploads SET name = ?, used_at = ? WHERE id = ?", (name, now, upload))

    def end_upload(self, upload: str) -> None:
        """See `Tx.end_upload`."""
        self._write("DELETE FROM uploads WHERE id = ?", (upload,))

    # to be removed

    def add_removal(self, digest: bytes) -> None:
        """See `Tx.add_removal`."""
        if self._read("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone() is None:
            self._write(
                "INSERT INTO removals (digest) VALUES (?) ON CONFLICT DO UPDATE SET asked = asked + 1", (digest,)
            )

    def removals(self, limit: int) -> list[Removal]:
        """See `Tx.removals`."""
        rows = self._read("SELECT digest, asked FROM removals ORDER BY digest LIMIT ?", (limit,))
        return [Removal(*row) for row in rows]

    def forget_removal(self, done: Removal) -> None:
        """See `Tx.forget_removal`."""
        self._write("DELETE FROM removals WHERE digest = ? AND asked = ?", (done.digest, done.asked))

    # what entries name

    def _attach(self, file: str, place: int) -> None:
        """Let an entry name a file."""
        self._write("INSERT INTO attachments (place, file) VALUES (?, ?)", (place, file))
        self._write("UPDATE files SET uses = uses + 1 WHERE id = ?", (file,))

    def _detach(self, place: int) -> None:
        """Let an entry name no file any more."""
        row = self._read("SELECT file FROM attachments WHERE place = ?", (place,)).fetchone()
        if row is not None:
            self._write("DELETE FROM attachments WHERE place = ?", (place,))
            self._write("UPDATE files SET uses = uses - 1 WHERE id = ?", row)

    def _attached(self, place: int) -> File | UnsetType:
        """The file that an entry names."""
        query = "JOIN attachments t ON t.file = f.id WHERE t.place = ?"
        found = self._one_file(query, (place,))
        return UNSET if found is None else found.shown

    def _one_file(self, condition: str, values: tuple[Any, ...]) -> StoredFile | None:
        row = self._read(f"{_FILES} {condition}", values).fetchone()
        return StoredFile(*row) if row else None

    def _owns(self, owner: int, blob: int) -> bool:
        query = "SELECT 1 FROM files WHERE blob = ? AND owner = ? LIMIT 1"
        return self._read(query, (blob, owner)).fetchone() is not None

    def _use(self, owner: int, size: int) -> None:
        self._write(
            "INSERT INTO usage (owner, bytes) VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes",
            (owner, size),
        )
