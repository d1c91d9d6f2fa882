"""All data of one user as a zip file: JSON for programs, text for people, and the bytes of the user's own files."""

import json
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec
from msgspec import UNSET

from broker.reaching import OperatorError
from realm.store.rows import Post, StoredFile, UserRow
from realm.store.snapshot import Snapshot
from schemas.entries import Entry
from schemas.names import full

COPIED: Final = 1 << 20
LONGEST_NAME: Final = 100
"""Characters of a file's name that are kept; its id is before it."""
_README: Final = """\
All data of {address} that the realm {realm} holds, as of {now} UTC.

profile.json            the account, its sessions and keys, and its groups
conversations/*.txt     what was said in each conversation, to be read
conversations/*.jsonl   the same for programs: a line for each entry
elsewhere.jsonl         what {user} said in groups that {user} has left
waiting.jsonl           what waits for other realms
files.jsonl             the files that {user} has uploaded
files/                  and their bytes

{entries:,} entries in {conversations:,} conversations, {files:,} files{missing}.
Passwords and session tokens are not in it: the realm has none, only hashes. What other realms hold is theirs to give.
"""


class Archive:
    """Writes the archive of one user. First what the database says, then the bytes, which need it no longer."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._found: Snapshot
        self._user: UserRow
        self._address = ""
        self._now = time.localtime()[:6]
        self.entries = self.conversations = 0
        self.missing: list[str] = []
        """The files of which the bytes are not there any more."""
        self.files: list[StoredFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._close()
        else:
            self._zip.fp = None  # else it would be ended some time, in a file that is closed

    def write_rows(self, found: Snapshot, user: UserRow) -> None:
        """All that the database says of a user."""
        self._found, self._user, self._address = found, user, full(user.name, found.realm)
        self._lines("profile.json", [json.dumps(self._profile(), indent=2, ensure_ascii=False)])
        for standing in self._found.standings(self._user.id):
            self.conversations += 1
            name = f"conversations/{standing.conversation.replace('/', '-')}"
            said = self._found.entries
            self._lines(f"{name}.jsonl", (_json(told(entry)) for entry in said(standing.conversation)))
            self._lines(f"{name}.txt", self._counted(map(readable, said(standing.conversation))))
        left = self._found.elsewhere(self._user.id, self._address)
        self._lines("elsewhere.jsonl", (_json({"conversation": one.conversation, **told(one)}) for one in left))
        self._lines("waiting.jsonl", (_json(self._waits(post)) for post in self._found.waiting(self._user.id)))
        self._lines("files.jsonl", self._files())

    def write_files(self, path_of: Callable[[bytes], Path]) -> None:
        """The bytes of the files: `path_of` their digest. The realm may remove one meanwhile, which is then missing."""
        for file in self.files:
            try:
                source = path_of(file.digest).open("rb")
            except FileNotFoundError:
                self.missing.append(file.id)
                continue
            except OSError as error:
                raise OperatorError(f"the file {path_of(file.digest)} cannot be read ({error.strerror})") from error
            with source, self._open(_place_of(file), zipfile.ZIP_STORED) as into:
                while data := source.read(COPIED):
                    into.write(data)

    def _close(self) -> None:
        """Say what is in it, and end it."""
        missing = f"; not there any more: {', '.join(self.missing)}" if self.missing else ""
        text = _README.format(
            address=self._address,
            realm=self._found.realm,
            user=self._user.name,
            now=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            entries=self.entries,
            conversations=self.conversations,
            files=len(self.files),
            missing=missing,
        )
        self._lines("README.txt", [text.rstrip("\n")])
        self._zip.close()

    def _profile(self) -> dict[str, Any]:
        user, found = self._user, self._found
        return {
            "user": self._address,
            "name": user.display,
            "country": user.country,
            "admin": user.admin,
            "made_at": _iso(user.created_at),
            "active_at": _iso(user.active_at),
            "disabled_at": None if user.disabled_at is None else _iso(user.disabled_at),
            "sessions": [{"key": key, "used_at": _iso(at)} for key, at in found.sessions(user.id)],
            "known_keys": [{"key": key, "logged_in_at": _iso(at)} for key, at in found.known_keys(user.id)],
            "groups": [
                {"group": group.name, "title": group.title, "admin": group.admin == user.id}
                for group in found.groups(user.id)
            ],
            "conversations": [
                {"conversation": one.conversation, "read_up_to": one.read, "fetched_up_to": one.inbox}
                for one in found.standings(user.id)
            ],
        }

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.entries += 1
            yield line

    def _waits(self, post: Post) -> dict[str, Any]:
        kind = "group" if post.to_group else "user"
        said = {"message": post.message} if post.message is not UNSET else {"file": post.file}
        to = f"{post.recipient}@{self._found.peer(post.peer)}"
        return {"id": post.id, kind: to, "sent_at": _iso(post.sent_at), **said}

    def _files(self) -> Iterator[str]:
        for file, created_at in self._found.files(self._user.id):
            self.files.append(file)
            row = {"uploaded_at": _iso(created_at), "in": _place_of(file)}
            yield _json({**_file(file.id, file.name, file.size, file.media_type, file.digest), **row})

    def _lines(self, name: str, lines: Iterable[str]) -> None:
        with self._open(name, zipfile.ZIP_DEFLATED) as into:
            for line in lines:
                into.write(f"{line}\n".encode())

    def _open(self, name: str, how: int) -> IO[bytes]:
        info = zipfile.ZipInfo(name, self._now)
        info.compress_type = how
        info.external_attr = 0o600 << 16
        return self._zip.open(info, "w", force_zip64=True)


def told(entry: Entry) -> dict[str, Any]:
    """An entry for programs."""
    row: dict[str, Any] = {
        "seq": entry.seq,
        "id": entry.id,
        "from": entry.sender,
        "name": entry.name,
        "sent_at": _iso(entry.sent_at),
        "kind": entry.kind,
    }
    if entry.erased:
        return {**row, "erased": True}
    if entry.file is not UNSET:
        file = entry.file
        row["file"] = _file(file.id, file.name, file.size, file.media_type, file.digest)
    for name in ("message", "re", "code"):
        if (value := getattr(entry, name)) is not UNSET:
            row[name] = value
    return {**row, "waits": True} if entry.queued else row


def readable(entry: Entry) -> str:
    """An entry for people: more than one line where its message has more, those indented."""
    at = datetime.fromtimestamp(entry.sent_at / 1000, UTC)
    if entry.erased:
        said = "(erased)"
    elif entry.file is not UNSET:
        said = f"[file {entry.file.name}, {entry.file.size:,} bytes, {entry.file.id}]"
    elif entry.kind == "bounce":
        said = f"[came back, {entry.code}: {entry.message}]"
    else:
        said = str(entry.message)
    lines = [_shown(line) for line in said.split("\n")]
    who = entry.sender if entry.name in ("", entry.sender) else f"{_shown(entry.name)} ({entry.sender})"
    return f"{at:%Y-%m-%d %H:%M:%S}  {who}: " + "\n    ".join(lines)


def _shown(line: str) -> str:
    """A line of others so that it can do nothing to a terminal, nor turn what stands around it."""
    return "".join(one if one.isprintable() else "\ufffd" for one in line)


def _place_of(file: StoredFile) -> str:
    safe = "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in file.name)
    return f"files/{file.id}-{safe[-LONGEST_NAME:]}"


def _file(file: str, name: str, size: int, media_type: str, digest: bytes) -> dict[str, Any]:
    return {"id": file, "name": name, "size": size, "media_type": media_type, "sha256": digest.hex()}


def _iso(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def _json(row: dict[str, Any]) -> str:
    return msgspec.json.encode(row).decode()
