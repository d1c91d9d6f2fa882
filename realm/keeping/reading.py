"""Reads a backup: every digest, and the database as a realm would have it. For who made it, and who puts it back."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from realm.keeping import archive
from realm.keeping.archive import Manifest, Member, Part
from realm.keeping.whole import KeepingError
from realm.store.chains import check_chains
from realm.store.copying import Held, bring_up
from realm.store.database import FILE as DATABASE
from realm.store.folder import KEY, blob_name
from realm.store.looking import TOLD, Looking

_OWN: Final = 0o600


Tell = Callable[[str, int, int], object]
"""Is told of a step how much is done of how much; the numbers are of whatever it counts."""


def tell_nobody(_step: str, _done: int, _of: int) -> None:
    """Where nobody looks on."""


class Unpacked(NamedTuple):
    """What a backup has turned out to be: each of its members is what its manifest, or its name, says."""

    manifest: Manifest
    held: Held
    """The blobs in it. To be closed."""


@contextmanager
def unpacked(file: BinaryIO, into: Path, tell: Tell, *, with_blobs: bool) -> Iterator[Unpacked]:
    """A backup whose members were written to the folder `into` (flushed), the blobs too where they are wanted.

    Raises KeepingError where anything is not as it must be, and OSError where the folder cannot be written.
    """
    size = os.fstat(file.fileno()).st_size
    held = Held()
    members: dict[str, Member] = {}
    manifest: Manifest | None = None
    blob_bytes = blobs = 0
    try:
        for part in archive.parts(file):
            if manifest is not None:
                raise KeepingError("this is no backup of a realm: something follows its manifest")
            if part.name == archive.MANIFEST:
                manifest = archive.read_manifest(part.read())
            elif part.digest is not None:
                if not held.add(part.digest) or _take(part, into if with_blobs else None) != part.digest:
                    raise KeepingError(
                        f"the backup is damaged: {part.name} in it is not what it was, or is there twice"
                    )
                blobs, blob_bytes = blobs + 1, blob_bytes + part.size
            elif part.name in members:
                raise KeepingError(f"the backup is damaged: {part.name} is in it twice")
            else:
                members[part.name] = Member(part.size, (_take(part, into) or b"").hex())
            tell("reading it back", file.tell(), size)
        if manifest is None:
            raise KeepingError("the backup is cut short: it has no manifest")
        _compare(manifest, members, blobs, blob_bytes)
        yield Unpacked(manifest, held)
    finally:
        held.close()


def _compare(manifest: Manifest, members: dict[str, Member], blobs: int, blob_bytes: int) -> None:
    for name in sorted({*manifest.members, *members, DATABASE, KEY}):
        if name not in members or manifest.members.get(name) != members[name]:
            raise KeepingError(f"the backup is damaged: {name} in it is missing, or not what the manifest says")
    if (blobs, blob_bytes) != (manifest.blobs, manifest.blob_bytes):
        raise KeepingError("the backup is damaged: there are more or fewer files in it than its manifest says")


def _take(part: Part, into: Path | None) -> bytes:
    """Read a member; its SHA-256. With `into` it is written there, flushed."""
    sha = hashlib.sha256()
    if into is None:
        while data := part.read():
            sha.update(data)
        return sha.digest()
    path = into / part.name
    for above in reversed(Path(part.name).parents[:-1]):
        (into / above).mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWN)
    with os.fdopen(descriptor, "wb") as file:
        while data := part.read():
            sha.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return sha.digest()


def complaints(folder: Path, found: Unpacked, tell: Tell) -> list[str]:
    """What is wrong with the realm in a backup whose database was unpacked to `folder`, a sentence each.

    The database is brought to the newest schema on the way. Raises StoreError where that cannot be.
    """
    manifest = found.manifest
    looking = Looking(folder)
    try:
        if (looking.version, *looking.realm()) != (manifest.schema, manifest.realm, manifest.epoch):
            raise KeepingError("the backup is damaged: its database is not the one that its manifest speaks of")
    finally:
        looking.close()
    bring_up(folder)
    looking = Looking(folder)
    try:
        wrong = [f"the database is damaged: {line}" for line in looking.damage(quick=False)]
        wrong += [f"the database is damaged: {line}" for line in looking.dangling()]
        entries = looking.entries()
        wrong += [
            str(one) for one in check_chains(looking, lambda done: tell("checking entries", done, entries)).broken
        ]
        return wrong + list(missing(looking, lambda digest: digest in found.held))
    finally:
        looking.close()


def missing(looking: Looking, is_there: Callable[[bytes], bool]) -> Iterator[str]:
    """The blobs that a database names and that are not there, a sentence each, and the rest in one."""
    more = 0
    for number, digest in enumerate(blob.digest for blob in looking.blobs() if not is_there(blob.digest)):
        if number < TOLD:
            yield f"the bytes of a file are missing: {blob_name(digest)}"
        else:
            more += 1
    if more:
        yield f"the bytes of {more:,} more are missing"
