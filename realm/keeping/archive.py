"""The file that a backup is: a tar of regular files, with names out of a short list, and a manifest at its end.

`realm.db`, `realm.key`, settings files (`*.toml`), and `blobs/XX/DIGEST`, whose name is its SHA-256. What comes in is
hostile until it is read: of every header nothing counts but a name that is on the list, and a size. Links, devices,
folders, sparse files and extended headers are refused, so memory has a bound and nothing is written elsewhere.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol

import msgspec

from realm.keeping.whole import KeepingError
from realm.store.database import FILE as DATABASE
from realm.store.folder import KEY

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
BLOCK: Final = 1 << 20
"""What is read at once."""

_RECORD: Final = tarfile.BLOCKSIZE
_SMALL: Final = {MANIFEST: 1 << 20, KEY: 4_096}
_SETTINGS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.toml\Z")
_SETTINGS_BYTES: Final = 1 << 20
_BLOB: Final = re.compile(r"blobs/([0-9a-f]{2})/(\1[0-9a-f]{62})\Z")


class Member(msgspec.Struct, frozen=True):
    """A file in a backup that is no blob."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. A later program may add to it."""

    format: int
    realm: str
    schema: int
    epoch: int
    made_at: int
    """In ms since 1970 UTC."""
    members: dict[str, Member]
    """All but the blobs, each of which has its SHA-256 for a name."""
    blobs: int
    blob_bytes: int


class Source(Protocol):
    """What a member is copied from."""

    def read(self, most: int, /) -> bytes:
        """At most so many bytes; nothing at the end."""
        ...


class Part:
    """One member of a backup that is being read; `read` gives its bytes, once."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self.name, self.size = name, size
        self._file, self.left = file, size

    @property
    def digest(self) -> bytes | None:
        """The digest that it must have; None of what is no blob."""
        found = _BLOB.match(self.name)
        return bytes.fromhex(found[2]) if found else None

    def read(self, most: int = BLOCK) -> bytes:
        """Some more; nothing at the end. Raises KeepingError where the file ends before."""
        data = self._file.read(min(most, self.left))
        if not data and self.left:
            raise KeepingError("the backup is cut short: it ends in the middle of a file")
        self.left -= len(data)
        return data


class Writer:
    """Writes a backup to a file that is open for reading and writing."""

    def __init__(self, file: BinaryIO, now: int) -> None:
        """`now` is in seconds, for those who list the file."""
        self._file = file
        self._now = now

    def add(self, name: str, size: int, source: Source) -> bytes:
        """Write a member; its SHA-256.

        Raises EOFError where the source is shorter or longer than that. `take_back` then undoes what was written.
        """
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o600, self._now
        self._file.write(header.tobuf(tarfile.GNU_FORMAT))  # which has numbers of any size, and needs no other headers
        sha, left = hashlib.sha256(), size
        while data := source.read(min(BLOCK, left + 1)):
            if len(data) > left:
                break
            sha.update(data)
            self._file.write(data)
            left -= len(data)
        if left or data:
            raise EOFError(name)
        self._file.write(bytes(-size % _RECORD))
        return sha.digest()

    def place(self) -> int:
        """Where the next member begins."""
        return self._file.tell()

    def take_back(self, place: int) -> None:
        """Forget all members from there on."""
        self._file.seek(place)
        self._file.truncate()

    def end(self) -> None:
        """No member follows."""
        self._file.write(bytes(2 * _RECORD))
        self._file.flush()


def parts(file: BinaryIO) -> Iterator[Part]:
    """The members of a backup, one after the other; what of one was not read is passed over.

    Raises KeepingError where the file is no backup, or would have something done that a backup does not need.
    """
    while (header := _header(file)) is not None:
        part = Part(file, header.name, header.size)
        yield part
        while part.left:
            part.read()
        if len(file.read(-header.size % _RECORD)) != -header.size % _RECORD:
            raise KeepingError("the backup is cut short: it ends in the middle of a file")


def _header(file: BinaryIO) -> tarfile.TarInfo | None:
    """The next one; None at the end."""
    record = file.read(_RECORD)
    if record == bytes(_RECORD):
        return None
    try:
        header = tarfile.TarInfo.frombuf(record, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
        raise KeepingError("this is no backup of a realm, or it is damaged or cut short") from error
    if header.type != tarfile.REGTYPE or header.linkname:
        raise KeepingError(f"this is no backup of a realm: {header.name[:100]!r} in it is no plain file")
    if not 0 <= header.size <= _largest(header.name):
        raise KeepingError(f"this is no backup of a realm: it has no place for {header.name[:100]!r} in it")
    return header


def _largest(name: str) -> int:
    """How large a member of that name may be; -1 where there may be none."""
    if name == DATABASE or _BLOB.match(name):
        return 1 << 62  # the file itself is no larger
    if _SETTINGS.match(name):
        return _SETTINGS_BYTES
    return _SMALL.get(name, -1)


def is_settings(name: str) -> bool:
    """Whether a file of this name in a realm's folder goes into its backup."""
    return _SETTINGS.match(name) is not None


def read_manifest(text: bytes) -> Manifest:
    """Raises KeepingError where it is none that this program understands."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeepingError(f"this is no backup of a realm: its manifest is none ({error})") from error
    if manifest.format != FORMAT:
        raise KeepingError(f"the backup has format {manifest.format}, this program knows {FORMAT}: use a newer Bagan")
    return manifest
