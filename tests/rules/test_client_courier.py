"""The courier, against a realm of bare sockets that keeps files in memory."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from client import local, transfer
from client.connection import Connection
from client.courier import Courier
from client.errors import (
    BadRequestError,
    ClosedError,
    LocalFileError,
    NoSuchFileError,
    ProtocolError,
    QuotaExceededError,
    RealmNotFoundError,
    SessionNotFoundError,
    UnavailableError,
    UserNotFoundError,
)
from client.file_lines import NOT_YET
from client.keyring import Keyring
from client.local import part_path
from client.mirror import Mirror
from client.reflect import reflect
from schemas import answers
from schemas.commands import Filing, SendFile, SendFileRealm, SendGroupFileRealm, name_of
from schemas.entries import File
from schemas.events import Welcome
from schemas.limits import MAX_CHUNK
from schemas.names import Address, ConversationId, Name
from tests.rules.client_kit import LOGIN, FakeRealm, run, serving

CONTENT = bytes(range(256)) * 1_024 * 10 + b"end"
SIZE = len(CONTENT)
FOTO = File(id="F1", name="foto.jpg", size=SIZE, media_type="image/jpeg", digest=hashlib.sha256(CONTENT).digest())
SENT = {
    "message": "File sent", "conversation": "private/henderson@kampus,messi@kampus", "seq": 1, "name": "Lionel Messi",
    "sent_at": 1, "salt": bytes(16), "chain": bytes(32),
}  # fmt: skip
MISSING = {"status": "ERROR", "code": "file_not_found", "message": "File tidak ditemukan"}
Told = dict[str, Any]
Trouble = Callable[[Told], Told | None]


def no_trouble(_: Told) -> Told | None:
    return None


class Shelf:
    """What the realm does with files; `trouble` may answer in its place."""

    def __init__(self, trouble: Trouble = no_trouble) -> None:
        self.trouble = trouble
        self.held = b""
        self.size = 0
        self.commands: list[Told] = []

    def handle(self, command: Told, _times: int) -> Told | None:
        self.commands.append(command)
        answer: Callable[[Told], Told] = getattr(self, command["cmd"])
        return self.trouble(command) or answer(command)

    def names(self) -> list[str]:
        return [command["cmd"] for command in self.commands]

    def upload(self, command: Told) -> Told:
        self.size = command["size"]
        return {"upload": "F1", "offset": len(self.held), "chunk": MAX_CHUNK} | self._file()

    def chunk(self, command: Told) -> Told:
        if command["offset"] > len(self.held):
            return {"status": "ERROR", "code": "bad_request", "message": "beyond"}
        if command["offset"] == len(self.held):
            self.held += command["bytes"]
        return {"offset": len(self.held)} | self._file()

    def sendfile(self, command: Told) -> Told:
        if not self._file():
            return MISSING
        info = {"id": "F1", "name": "foto.jpg", "size": self.size, "media_type": "x", "digest": bytes(32)}
        return SENT | {"entry": command["entry"], "file_info": info}

    def sendfilerealm(self, command: Told) -> Told:
        return self.sendfile(command) | {"queued": True}

    sendgroupfilerealm = sendfilerealm

    def download(self, command: Told) -> Told:
        if command["file"] != "F1":
            return MISSING
        offset, size = command["offset"], command["size"]
        content = CONTENT[: MAX_CHUNK + 9] if command.get("thumbnail") else CONTENT
        return {"size": len(content), "file_info": structs.asdict(FOTO), "bytes": content[offset : offset + size]}

    def _file(self) -> Told:
        return {"file": "F1"} if self.size == len(self.held) else {}


def refusal(code: str, **more: Any) -> Told:
    return {"status": "ERROR", "code": code, "message": "no"} | more


@contextlib.asynccontextmanager
async def met(shelf: Shelf, home: Path) -> AsyncIterator[tuple[Courier, Connection, FakeRealm]]:
    """A courier of somebody who is logged in."""
    keyring = Keyring(home)
    async with serving(shelf.handle) as realm:
        connection = await Connection.open(
            "127.0.0.1", realm.door_port, keyring.keys(), keyring.pins, listen=False, patience=30
        )
        async with connection:
            connection.adopt(LOGIN)
            yield Courier(connection), connection, realm


@pytest.fixture
def foto(tmp_path: Path) -> Path:
    path = tmp_path / "foto.jpg"
    path.write_bytes(CONTENT)
    return path


def send_file() -> SendFile:
    return SendFile(id=0, to=Address("henderson"), file=NOT_YET)


# up


def test_a_file_is_sent_on_a_line_of_its_own_and_the_send_on_the_users(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        steps: list[tuple[int, int]] = []
        async with met(shelf, tmp_path) as (courier, _, realm), courier:
            sent = await courier.send(send_file(), foto, progress=lambda done, size: steps.append((done, size)))
        assert sent.message == "File sent"
        assert shelf.held == CONTENT
        assert shelf.names() == ["sendfile", "upload", *["chunk"] * 11, "sendfile"]
        first, last = shelf.commands[0], shelf.commands[-1]
        assert (last["file"], last["entry"]) == ("F1", sent.entry)
        assert first["file"] == NOT_YET
        assert first["entry"] != sent.entry
        assert shelf.commands[1] | {"id": 0} == {
            "cmd": "upload", "id": 0, "tokenId": "T1", "digest": FOTO.digest, "size": SIZE, "name": "foto.jpg",
        }  # fmt: skip
        lines = [route for route, _ in realm.asked]
        assert len(set(lines[:-1])) == 1
        assert lines[-1] != lines[0]
        assert steps == sorted(steps)
        assert (steps[0], steps[-1]) == ((0, SIZE), (SIZE, SIZE))

    run(test())


@pytest.mark.parametrize(
    "command",
    [
        SendFileRealm(id=0, realm=Name("pusat"), to=Name("bob"), file=NOT_YET),
        SendGroupFileRealm(id=0, realm=Name("pusat"), group=Name("new"), file=NOT_YET),
    ],
)
def test_a_file_for_another_realm_goes_to_the_own_one_first(tmp_path: Path, foto: Path, command: Filing) -> None:
    async def test() -> None:
        shelf = Shelf()
        async with met(shelf, tmp_path) as (courier, *_), courier:
            sent = await courier.send(command, foto)
        assert sent.queued is True
        assert shelf.held == CONTENT
        send = name_of(type(command))
        assert shelf.names() == [send, "upload", *["chunk"] * 11, send]
        assert (shelf.commands[-1]["realm"], shelf.commands[-1]["file"]) == ("pusat", "F1")
        shelf = Shelf(lambda told: refusal("realm_not_found") if told["cmd"] == send else None)
        async with met(shelf, tmp_path / "other") as (courier, *_), courier:
            with pytest.raises(RealmNotFoundError):
                await courier.send(command, foto)
        assert shelf.names() == [send]

    run(test())


def test_what_would_be_refused_is_found_out_before_any_byte_is_sent(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        def trouble(command: Told) -> Told | None:
            nobody = refusal("user_not_found", message="User tidak ada")
            return nobody if command["cmd"] == "sendfile" else None

        shelf = Shelf(trouble)
        async with met(shelf, tmp_path) as (courier, *_):
            with pytest.raises(UserNotFoundError, match="User tidak ada"):
                await courier.send(send_file(), foto)
        assert shelf.names() == ["sendfile"]

    run(test())


def test_a_file_that_is_held_is_sent_without_a_byte(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        shelf.held = CONTENT
        async with met(shelf, tmp_path) as (courier, *_):
            await courier.send(send_file(), foto)
        assert shelf.names() == ["sendfile", "upload", "sendfile"]

    run(test())


def test_a_send_whose_answer_did_not_come_is_said_again_with_the_same_file(tmp_path: Path, foto: Path) -> None:
    """Another upload would give it another id, and the realm would take it for something else."""

    async def test() -> None:
        sends = 0

        def trouble(command: Told) -> Told | None:
            nonlocal sends
            sends += command["cmd"] == "sendfile"
            return {"no": "answer that can be read"} if sends == 2 and command["cmd"] == "sendfile" else None

        shelf = Shelf(trouble)
        async with met(shelf, tmp_path) as (courier, *_):
            command = structs.replace(send_file(), entry="0" * 26)
            with pytest.raises(ProtocolError):
                await courier.send(command, foto)
            foto.unlink()  # noqa: ASYNC240 - there is nobody to keep waiting
            assert (await courier.send(command, foto)).entry == "0" * 26
            with pytest.raises(NoSuchFileError):
                await courier.send(command, foto)
        assert shelf.names()[-2:] == ["sendfile", "sendfile"]
        assert shelf.commands[-1] | {"id": 0} == shelf.commands[-2] | {"id": 0}

    run(test())


@pytest.mark.parametrize("code", ["rate_limited", "unavailable"])
def test_what_may_pass_is_asked_again(tmp_path: Path, foto: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Each command once in vain: asking whether it would do, the upload, and the send."""

    async def test() -> None:
        refused: list[tuple[str, bool]] = []

        def trouble(command: Told) -> Told | None:
            turn = command["cmd"], command.get("file") == NOT_YET
            if command["cmd"] == "chunk" or turn in refused:
                return None
            refused.append(turn)
            return refusal(code)

        shelf = Shelf(trouble)
        async with met(shelf, tmp_path) as (courier, *_):
            assert (await courier.send(send_file(), foto)).message == "File sent"
        checks, sends = ["sendfile"] * 2, ["sendfile"] * 2
        assert shelf.names() == [*checks, *["upload"] * 2, *["chunk"] * 11, *sends]
        assert shelf.commands[-2] | {"id": 0} == shelf.commands[-1] | {"id": 0}

    monkeypatch.setattr(transfer, "PAUSE_MS", 1)
    run(test())


def test_what_does_not_pass_is_asked_again_only_so_often(
    tmp_path: Path, foto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        shelf = Shelf(lambda _: refusal("unavailable"))
        async with met(shelf, tmp_path) as (courier, *_):
            for work in (courier.send(send_file(), foto), courier.look_up("F1"), courier.thumbnail("F1")):
                shelf.commands.clear()
                with pytest.raises(UnavailableError):
                    await work
                assert len(shelf.commands) == transfer.HALTS + 1

    monkeypatch.setattr(transfer, "PAUSE_MS", 1)
    run(test())


def test_a_missing_file_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        async with met(shelf, tmp_path) as (courier, *_):
            for path in (tmp_path / "missing.jpg", tmp_path):
                with pytest.raises(NoSuchFileError, match=r"^File tidak ditemukan$"):
                    await courier.send(send_file(), path)
        assert shelf.commands == []

    run(test())


def test_an_upload_goes_on_after_refusals_and_gives_up_at_a_lasting_one(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        chunks = 0

        def trouble(command: Told) -> Told | None:
            nonlocal chunks
            chunks += command["cmd"] == "chunk"
            if command["cmd"] == "chunk" and chunks in (3, 7):
                return refusal("rate_limited", retry_after=1)
            return refusal("quota_exceeded") if chunks >= limit else None

        limit = 1_000
        shelf = Shelf(trouble)
        async with met(shelf, tmp_path) as (courier, *_):
            assert await courier.upload(foto, "other/name.jpg") == "F1"
            assert shelf.held == CONTENT
            assert shelf.commands[0]["name"] == "name.jpg"
            limit = 0
            with pytest.raises(QuotaExceededError):
                await courier.upload(foto)

    run(test())


def test_an_upload_that_is_cancelled_leaves_nothing_running_and_can_be_gone_on_with(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        begun = asyncio.Event()

        def progress(done: int, _: int) -> None:
            if done:
                begun.set()

        async with met(shelf, tmp_path) as (courier, *_):
            uploading = asyncio.create_task(courier.upload(foto, progress=progress))
            await begun.wait()
            uploading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await uploading
            assert await courier.upload(foto) == "F1"
        assert shelf.held == CONTENT

    run(test())


def test_a_file_that_changes_while_it_is_sent_is_told(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        def trouble(command: Told) -> Told | None:
            if command["cmd"] == "upload":
                foto.write_bytes(b"short")
            return None

        async with met(Shelf(trouble), tmp_path) as (courier, *_):
            with pytest.raises(LocalFileError, match="has become shorter"):
                await courier.upload(foto)

    run(test())


# down


def test_a_file_is_saved_under_its_name_and_again_under_the_next_free_one(tmp_path: Path) -> None:
    async def test() -> None:
        folder = tmp_path / "downloads"
        folder.mkdir()
        steps: list[int] = []
        async with met(Shelf(), tmp_path) as (courier, *_):
            for name in ("foto.jpg", "foto (2).jpg"):
                path = await courier.download(FOTO, folder, lambda done, _: steps.append(done))
                assert path == folder / name
                assert path.read_bytes() == CONTENT
        assert len(list(folder.iterdir())) == 2
        assert steps[0] == 0
        assert steps[-1] == SIZE

    run(test())


@pytest.mark.parametrize(
    ("begun", "asked"),
    [(CONTENT[: 3 * MAX_CHUNK], 8), (b"wrong" * MAX_CHUNK, 6 + 11), (CONTENT + b"more", 11), (CONTENT, 0)],
)
def test_a_download_goes_on_with_what_is_there(tmp_path: Path, begun: bytes, asked: int) -> None:
    """What is damaged shows at the end, and all of it is fetched."""

    async def test() -> None:
        shelf = Shelf()
        part = part_path(tmp_path / "saved.jpg", FOTO.digest)
        part.write_bytes(begun)
        async with met(shelf, tmp_path) as (courier, *_):
            path = await courier.download(FOTO, tmp_path / "saved.jpg")
        assert path.read_bytes() == CONTENT
        assert len(shelf.commands) == asked
        assert not part.exists()

    run(test())


def test_a_download_that_is_cancelled_keeps_what_has_come(tmp_path: Path) -> None:
    async def test() -> None:
        begun = asyncio.Event()

        def progress(done: int, _: int) -> None:
            if done:
                begun.set()

        async with met(Shelf(), tmp_path) as (courier, *_):
            downloading = asyncio.create_task(courier.download(FOTO, tmp_path / "saved.jpg", progress))
            await begun.wait()
            downloading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await downloading
        held = part_path(tmp_path / "saved.jpg", FOTO.digest).read_bytes()
        assert held
        assert CONTENT.startswith(held)
        assert not (tmp_path / "saved.jpg").exists()

    run(test())


def test_what_is_not_the_file_that_was_announced_is_not_kept(tmp_path: Path) -> None:
    async def test() -> None:
        false = File(id="F1", name="foto.jpg", size=SIZE, media_type="x", digest=bytes(32))
        async with met(Shelf(), tmp_path) as (courier, *_):
            with pytest.raises(ProtocolError, match="not the file that was announced"):
                await courier.download(false, tmp_path / "saved.jpg")

    run(test())
    assert not [*tmp_path.glob("saved*"), *tmp_path.glob(f".*{local.PART}")]


def test_a_file_that_nobody_shows_leaves_nothing_here(tmp_path: Path) -> None:
    async def test() -> None:
        other = File(id="F9", name="foto.jpg", size=SIZE, media_type="x", digest=bytes(32))
        async with met(Shelf(), tmp_path) as (courier, *_):
            with pytest.raises(NoSuchFileError):
                await courier.download(other, tmp_path / "saved.jpg")
            with pytest.raises(NoSuchFileError):
                await courier.look_up("F9")

    run(test())
    assert not [*tmp_path.glob("saved*"), *tmp_path.glob(f".*{local.PART}")]


def test_for_a_slow_reader_only_a_window_is_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        async with met(shelf, tmp_path) as (courier, connection, _):
            async with contextlib.aclosing(courier.chunks(FOTO, offset=5)) as parts:
                first = await anext(parts)
                assert first == CONTENT[5 : 5 + MAX_CHUNK]
                await connection.ask(send_file())  # the realm has answered all that came before it
                assert shelf.names().count("download") <= 8
                rest = [part async for part in parts]
            assert first + b"".join(rest) == CONTENT[5:]

    run(test())


def test_a_thumbnail_may_take_more_than_one_part_and_some_patience(tmp_path: Path) -> None:
    async def test() -> None:
        asked = 0

        def trouble(_: Told) -> Told | None:
            nonlocal asked
            asked += 1
            return refusal("rate_limited", retry_after=1) if asked < 3 else None

        async with met(Shelf(trouble), tmp_path) as (courier, *_):
            assert await courier.thumbnail("F1") == CONTENT[: MAX_CHUNK + 9]
            with pytest.raises(NoSuchFileError):
                await courier.thumbnail("F2")

    run(test())


@pytest.mark.parametrize("answer", [{"size": 1 << 40, "bytes": b"x"}, {"size": 5}])
def test_what_is_no_thumbnail_is_refused(tmp_path: Path, answer: Told) -> None:
    async def test() -> None:
        async with met(Shelf(lambda _: answer | {"file_info": structs.asdict(FOTO)}), tmp_path) as (courier, *_):
            with pytest.raises(ProtocolError, match="no thumbnail"):
                await courier.thumbnail("F1")

    run(test())


def test_a_file_is_looked_up_by_its_id_alone(tmp_path: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        async with met(shelf, tmp_path) as (courier, *_):
            assert await courier.look_up("F1") == FOTO
        assert len(shelf.commands) == 1

    run(test())


@pytest.mark.parametrize("other", [{"id": "F2"}, {"size": SIZE + 1}])
def test_what_a_realm_says_of_another_file_is_not_taken(tmp_path: Path, other: Told) -> None:
    async def test() -> None:
        answer = {"size": SIZE, "file_info": structs.asdict(FOTO) | other, "bytes": b"x"}
        async with met(Shelf(lambda _: answer), tmp_path) as (courier, *_):
            with pytest.raises(ProtocolError, match="another file"):
                await courier.look_up("F1")

    run(test())


def test_what_is_read_before_anything_is_carried_is_told(
    tmp_path: Path, foto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        steps: list[tuple[str, int]] = []

        def told(what: str) -> Callable[[int, int], None]:
            return lambda done, _: steps.append((what, done))

        hashed = [("read", 0), ("read", 1_000_000), ("read", 2_000_000)]
        async with met(Shelf(lambda command: asked(command, steps)), tmp_path) as (courier, *_):
            await courier.upload(foto, progress=told("carried"), reading=told("read"))
            assert steps[:4] == [*hashed, ("upload", 0)]
            steps.clear()
            part_path(tmp_path / "saved.jpg", FOTO.digest).write_bytes(CONTENT)
            await courier.download(FOTO, tmp_path / "saved.jpg", told("carried"), told("read"))
        assert steps == [*hashed, ("carried", SIZE)]

    def asked(command: Told, steps: list[tuple[str, int]]) -> None:
        steps.append((command["cmd"], 0))

    monkeypatch.setattr(local, "BLOCK", 1_000_000)
    run(test())


# lines


def test_it_speaks_in_the_session_that_is_open_when_it_begins(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        shelf = Shelf()
        async with met(shelf, tmp_path) as (courier, connection, realm):
            await courier.upload(foto)
            connection.adopt(structs.replace(LOGIN, tokenId="T2"))
            await courier.upload(foto)
        first, second = realm.asked[0], realm.asked[-1]
        assert (first[1]["tokenId"], second[1]["tokenId"]) == ("T1", "T2")
        assert first[0] != second[0]

    run(test())


def test_a_line_beside_ends_with_the_connection_and_the_courier_with_its_lines(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        async with met(Shelf(), tmp_path) as (courier, connection, _):
            await courier.upload(foto)
            beside = connection.beside()
            await courier.close()
            await courier.close()
            with pytest.raises(ClosedError):
                await courier.upload(foto)
            closed = [beside.is_closed]
            await connection.close()
            closed.append(beside.is_closed)
            assert closed == [False, True]
            with pytest.raises(ClosedError):
                connection.beside()

    run(test())


def test_without_a_session_the_realm_says_so(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        def trouble(command: Told) -> Told | None:
            return None if "tokenId" in command else refusal("session_not_found")

        async with met(Shelf(trouble), tmp_path) as (courier, connection, _):
            connection.adopt(None)
            with pytest.raises(SessionNotFoundError):
                await courier.send(send_file(), foto)

    run(test())


def test_what_a_realm_finds_wrong_with_a_name_is_told_at_once(tmp_path: Path, foto: Path) -> None:
    async def test() -> None:
        shelf = Shelf(lambda _: refusal("bad_request"))
        async with met(shelf, tmp_path) as (courier, *_):
            with pytest.raises(BadRequestError):
                await courier.upload(foto)
        assert len(shelf.commands) == 1

    run(test())


def test_the_mirror_is_told_of_a_file_that_this_device_has_sent() -> None:
    mirror = Mirror("messi@kampus")
    mirror.heard(Welcome(epoch=1, total=0))
    told: dict[str, Any] = SENT | {"entry": "0" * 26, "file_info": FOTO}
    reflect(mirror, send_file(), answers.Sent(id=1, **told))
    shown = mirror.shown[ConversationId(str(SENT["conversation"]))]
    assert shown.head == 1
