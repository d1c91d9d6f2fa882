"""Looks at what a realm has stored: its database, every chain, and the files of its users."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from realm.amounts import counted, shown_size
from realm.keeping.archive import BLOCK
from realm.keeping.findings import Finding, ok, problem, warning
from realm.keeping.reading import Tell
from realm.store.chains import check_chains
from realm.store.database import NOT_HOME, migrations
from realm.store.folder import THUMB, blob_name
from realm.store.looking import TOLD, Looking

SENT_AGAIN: Final = "have it sent by somebody who had it elsewhere: of others the realm wants no bytes twice"
IF_MORE: Final = "a realm that starts here goes on without them: keep a copy, and restore a backup if that has more"
SAID_AGAIN: Final = (
    "it is refused to who asks for it, and the rest goes on: have it said anew, or restore the last good backup, which"
    " loses what was said here since"
)
FROM_BACKUP: Final = "stop the realm, keep a copy of the folder, and restore the last good backup"


def look_at_database(looking: Looking, *, quick: bool) -> list[Finding]:
    """Whether SQLite finds the file well, rows name what is there, and what schema it has."""
    found = [
        problem("database", f"the database is damaged ({line.strip()})", FROM_BACKUP)
        for line in looking.damage(quick=quick)
    ]
    found += [problem("database", line, FROM_BACKUP) for line in looking.dangling()]
    if lost := looking.lost():
        said = f"{lost:,} transactions are behind a damaged place of {looking.path.name}-wal, and lost"
        found.append(problem("database", said, IF_MORE))
    if size := looking.long_log():
        said = f"its write-ahead log holds {shown_size(size)} that could not be copied home"
        found.append(warning("database", said, NOT_HOME))
    newest = len(migrations())
    if looking.version < newest:
        said = (
            f"the database has schema {looking.version}, and this program makes it {newest} when a realm starts on it"
        )
        found.append(warning("database", said, "make a backup first"))
    how = "is whole, looked at quickly" if quick else "is whole"
    return found or [ok("database", f"it {how}, and has the newest schema ({newest})")]


def look_at_entries(looking: Looking, tell: Tell) -> list[Finding]:
    """Whether all that was said is as it was said."""
    entries = looking.entries()
    chains = check_chains(looking, lambda done: tell("checking entries", done, entries))
    if chains.broken:
        return [problem("entries", f"in {one}", SAID_AGAIN) for one in chains.broken]
    told = f"{counted(chains.entries, 'entry', 'entries')} in {counted(chains.conversations, 'conversation')}"
    return [ok("entries", f"{told}: every chain holds")]


def look_at_files(folder: Path, looking: Looking, tell: Tell, *, full: bool) -> list[Finding]:
    """Whether the files of users are there, of the right size, and with `full` every byte; and what else lies there."""
    found, files, size = list[Finding](), 0, 0
    of = looking.blob_bytes()
    more = 0
    for blob in looking.blobs():
        why = _wrong(folder / blob_name(blob.digest), blob.digest if full else b"", blob.size)
        files, size = files + 1, size + blob.size
        tell("checking files", size, of)
        if why and looking.is_blob(blob.digest):  # else it was removed meanwhile
            if len(found) < TOLD:
                advice = f"put {blob_name(blob.digest)} back from a backup, or {SENT_AGAIN}"
                found.append(problem("files", f"the bytes of a file {why}", advice))
            else:
                more += 1
    if more:
        found.append(problem("files", f"the bytes of {more:,} more are missing or damaged", "as above"))
    if not found:
        how = "every byte of them as it was sent" if full else "each of its size (--full reads every byte)"
        told = counted(files, "file")
        found.append(ok("files", f"{told} with {shown_size(size)}, {how}" if files else "there are none"))
    return found + _strays(folder, looking)


def _wrong(path: Path, digest: bytes, size: int) -> str:
    """What is wrong with a blob; nothing where it is well. With a digest, every byte is read."""
    try:
        if path.stat().st_size != size:
            return f"are {path.stat().st_size:,} and not {size:,}"
        if digest and _digest(path) != digest:
            return "are not those that were sent"
    except FileNotFoundError:
        return "are not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""


def _digest(path: Path) -> bytes:
    sha = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while data := file.read(BLOCK):
            sha.update(data)
    return sha.digest()


def _strays(folder: Path, looking: Looking) -> list[Finding]:
    """Files that nobody names, which only take room. What is left of uploads a realm removes itself when it starts."""
    count = size = 0
    first = ""
    for path in _unnamed(folder, looking):
        try:
            size += path.stat().st_size
        except FileNotFoundError:  # it was just going
            continue
        count, first = count + 1, first or str(path)
    if not count:
        return []
    said = f"{counted(count, 'file')} of {shown_size(size)} that nothing names only take room, such as {first}"
    return [warning("files", said, "remove them when you have a backup, or leave them")]


def _unnamed(folder: Path, looking: Looking) -> Iterator[Path]:
    for path in (folder / "blobs").glob("*/*"):
        digest = _digest_named(path)
        if digest is None or not _is_known(looking, digest):
            yield path


def _is_known(looking: Looking, digest: bytes) -> bool:
    """Asked twice, for an upload may become a blob between the two questions."""
    return looking.is_blob(digest) or looking.is_awaited(digest) or looking.is_blob(digest)


def _digest_named(path: Path) -> bytes | None:
    """The digest that a path has for a name, itself or as a thumbnail of it."""
    try:
        digest = bytes.fromhex(path.name.removesuffix(THUMB))
    except ValueError:
        return None
    return digest if path.as_posix().removesuffix(THUMB).endswith(f"/{blob_name(digest)}") else None
