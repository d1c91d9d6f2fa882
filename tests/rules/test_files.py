"""Who may upload, send and download what, without sockets and on a disk that is a dictionary."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realm import files, uploads
from realm.inputs import JobDone, Tick
from realm.jobs import FinishUpload, RemoveBlob, WriteChunk
from realm.request import Request
from realm.settings import Files, Settings
from realm.store.rows import BLOCK, charged
from schemas import commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.limits import MAX_CHUNK, MAX_IN_FLIGHT
from schemas.names import Address, Name
from tests.rules.blobs_in_memory import PICTURE
from tests.rules.kit import RealmKit, key_of, ok, refused, request

HOUR_MS = 3_600_000
B = BLOCK
"""What every content fills at least, and whole ones of."""
TEXT = b"halo, selamat malam"
PEOPLE = ("messi", "henderson", "lineker")


class Filing:
    """Three people and their tokens."""

    def __init__(self, kit: RealmKit) -> None:
        self.kit = kit
        self.tokens = {name: kit.register(name).tokenId for name in PEOPLE}

    def ask(self, who: str, kind: Any, data: bytes = b"", **fields: Any) -> Answer | Refusal:
        return self.kit.ask(key_of(who), self.command(who, kind, **fields), data=data)

    def command(self, who: str, kind: Any, **fields: Any) -> Any:
        return kind(id=7, tokenId=self.tokens[who], **fields)

    def upload(self, who: str, content: bytes, name: str = "a.txt", digest: bytes | None = None) -> Answer | Refusal:
        digest = digest or hashlib.sha256(content).digest()
        return self.ask(who, commands.Upload, digest=digest, size=len(content), name=name)

    def chunk(self, who: str, upload: str, offset: int, data: bytes) -> Answer | Refusal:
        return self.ask(who, commands.Chunk, data, upload=upload, offset=offset)

    def file(self, who: str, content: bytes, name: str = "a.txt") -> str:
        """The id of a file that was uploaded."""
        opened = ok(self.upload(who, content, name))
        if opened.file:
            return str(opened.file)
        return str(ok(self.chunk(who, opened.upload, opened.offset, content[opened.offset :])).file)

    def send(self, who: str, to: str, file: str, **fields: Any) -> Answer | Refusal:
        return self.ask(who, commands.SendFile, to=Address(to), file=file, **fields)

    def download(self, who: str, file: str, **fields: Any) -> tuple[object, bytes | None]:
        told = {"offset": 0, "size": MAX_CHUNK, **fields}
        reply = self.kit.exchange(key_of(who), self.command(who, commands.Download, file=file, **told))
        return reply.answer, reply.data

    def sees(self, who: str, file: str) -> bool:
        answer, data = self.download(who, file)
        assert data is not None or refused(answer, Code.FILE_NOT_FOUND)
        return data is not None


def settings(**files: int) -> Settings:
    return Settings(files=Files(**files))


@pytest.fixture
def kit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RealmKit]:
    kit = RealmKit(tmp_path / "realm", getattr(request, "param", None))
    yield kit
    kit.close()


@pytest.fixture
def filing(kit: RealmKit) -> Filing:
    return Filing(kit)


# uploading


def test_an_upload_comes_in_chunks_and_is_a_file_at_the_end(filing: Filing) -> None:
    opened = ok(filing.upload("messi", TEXT))
    assert (opened.offset, opened.chunk) == (0, MAX_CHUNK)
    assert not opened.file
    part = ok(filing.chunk("messi", opened.upload, 0, TEXT[:5]))
    assert (part.offset, bool(part.file)) == (5, False)
    whole = ok(filing.chunk("messi", opened.upload, 5, TEXT[5:]))
    assert (whole.offset, bool(whole.file)) == (len(TEXT), True)
    answer, data = filing.download("messi", whole.file)
    assert (data, ok(answer).size) == (TEXT, len(TEXT))
    assert not filing.kit.disk.uploads, "what was held of the upload is discarded"


def test_a_file_of_no_bytes_ends_without_a_chunk(filing: Filing) -> None:
    opened = ok(filing.upload("messi", b""))
    assert opened.file
    answer, data = filing.download("messi", opened.file)
    assert (data, ok(answer).size) == (b"", 0)


def test_an_upload_is_taken_up_where_it_was(filing: Filing) -> None:
    first = ok(filing.upload("messi", TEXT))
    filing.chunk("messi", first.upload, 0, TEXT[:5])
    again = ok(filing.upload("messi", TEXT, "b.txt"))
    assert (again.upload, again.offset) == (first.upload, 5)
    filing.kit.restart()
    assert refused(filing.chunk("messi", first.upload, 5, TEXT[5:]), Code.BAD_REQUEST), "nobody has looked at the disk"
    later = ok(filing.upload("messi", TEXT, "b.txt"))
    assert (later.upload, later.offset) == (first.upload, 5)
    whole = ok(filing.chunk("messi", later.upload, 5, TEXT[5:]))
    sent = ok(filing.send("messi", "henderson", whole.file))
    assert sent.file_info.name == "b.txt"


def test_what_is_held_already_changes_nothing(filing: Filing) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    for _ in range(2):
        assert ok(filing.chunk("messi", upload, 0, TEXT[:5])).offset == 5
    assert ok(filing.chunk("messi", upload, 3, TEXT[3:9])).offset == 5
    file = ok(filing.chunk("messi", upload, 5, TEXT[5:])).file
    repeated = ok(filing.chunk("messi", upload, 5, TEXT[5:]))
    assert (repeated.offset, repeated.file) == (len(TEXT), file), "a doubled end has the same answer"
    assert filing.kit.disk.blobs == {hashlib.sha256(TEXT).digest(): TEXT}


@pytest.mark.parametrize(
    ("offset", "data", "code"),
    [
        (1, b"x", Code.BAD_REQUEST),
        (0, b"", Code.BAD_REQUEST),
        (0, TEXT + b"x", Code.BAD_REQUEST),
        (0, bytes(MAX_CHUNK + 1), Code.TOO_LARGE),
    ],
    ids=["beyond", "empty", "more than was said", "too large"],
)
def test_a_chunk_that_does_not_fit(filing: Filing, offset: int, data: bytes, code: Code) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    assert refused(filing.chunk("messi", upload, offset, data), code)
    assert ok(filing.chunk("messi", upload, 0, TEXT)).file, "the upload goes on"


def test_an_upload_with_another_digest_is_gone(filing: Filing) -> None:
    opened = ok(filing.upload("messi", TEXT, digest=bytes(32)))
    assert refused(filing.chunk("messi", opened.upload, 0, TEXT), Code.BAD_REQUEST)
    assert refused(filing.chunk("messi", opened.upload, 0, TEXT), Code.FILE_NOT_FOUND)
    assert not filing.kit.disk.uploads
    assert not filing.kit.disk.blobs
    again = ok(filing.upload("messi", TEXT, digest=bytes(32)))
    assert (again.upload != opened.upload, again.offset) == (True, 0)


def test_another_size_under_the_same_digest_begins_anew(filing: Filing) -> None:
    first = ok(filing.upload("messi", TEXT))
    filing.chunk("messi", first.upload, 0, TEXT[:5])
    digest = hashlib.sha256(TEXT).digest()
    other = ok(filing.upload("messi", TEXT[:7], digest=digest))
    assert (other.upload != first.upload, other.offset) == (True, 0)


def test_a_chunk_is_for_ones_own_upload(filing: Filing) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    assert refused(filing.chunk("henderson", upload, 0, TEXT), Code.FILE_NOT_FOUND)
    file = ok(filing.chunk("messi", upload, 0, TEXT)).file
    assert refused(filing.chunk("henderson", file, 0, TEXT), Code.FILE_NOT_FOUND)


def test_only_so_many_chunks_are_on_their_way(filing: Filing) -> None:
    content = bytes(MAX_CHUNK * (MAX_IN_FLIGHT + 2))
    upload = ok(filing.upload("messi", content)).upload
    asked = [
        request(
            key_of("messi"),
            filing.command("messi", commands.Chunk, upload=upload, offset=number * MAX_CHUNK),
            data=bytes(MAX_CHUNK),
        )
        for number in range(MAX_IN_FLIGHT + 1)
    ]
    replies = filing.kit.turn(*asked)
    assert [reply.answer.code for reply in replies if isinstance(reply.answer, Refusal)] == [Code.RATE_LIMITED]
    assert [ok(reply.answer).offset for reply in filing.kit.do_jobs()] == [
        MAX_CHUNK * number for number in range(1, MAX_IN_FLIGHT + 1)
    ]


def test_only_so_many_downloads_are_on_their_way(filing: Filing) -> None:
    file = filing.file("messi", TEXT)
    asked = filing.command("messi", commands.Download, file=file, offset=0, size=1)
    replies = filing.kit.turn(*[request(key_of("messi"), asked) for _ in range(MAX_IN_FLIGHT + 1)])
    assert [reply.answer.code for reply in replies if isinstance(reply.answer, Refusal)] == [Code.RATE_LIMITED]
    assert [reply.data for reply in filing.kit.do_jobs()] == [b"h"] * MAX_IN_FLIGHT
    assert filing.sees("messi", file)


def test_all_together_have_only_so_much_on_its_way(filing: Filing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, however many upload or read at once; what is done makes room."""
    monkeypatch.setattr(uploads, "MOVING", 38)
    monkeypatch.setattr(files, "READS", 3)
    known = filing.file("lineker", b"known")

    def asked(who: str, upload: str, at: int) -> Request:
        command = filing.command(who, commands.Chunk, upload=upload, offset=at)
        return request(key_of(who), command, data=TEXT[at : at + 10])

    mine, theirs = (ok(filing.upload(who, who.encode() + TEXT)).upload for who in ("messi", "henderson"))
    turn = [asked("messi", mine, 0), asked("henderson", theirs, 0), asked("messi", mine, 10)]
    assert filing.kit.turn(*turn) == []
    assert filing.kit.turn(asked("henderson", theirs, 10)) == [], "38 are the most, and 29 are on their way"
    over = filing.kit.turn(
        request(key_of("messi"), filing.command("messi", commands.Chunk, upload=mine, offset=19), data=b"x")
    )
    assert [reply.answer.code for reply in over if isinstance(reply.answer, Refusal)] == [Code.RATE_LIMITED]
    filing.kit.do_jobs()
    assert ok(filing.chunk("messi", mine, 19, b"x")).offset == 20
    reads = [request(key_of("lineker"), filing.command("lineker", commands.Download, file=known, offset=0, size=1))]
    replies = filing.kit.turn(*reads * 4)
    assert [reply.answer.code for reply in replies if isinstance(reply.answer, Refusal)] == [Code.RATE_LIMITED]
    assert len(filing.kit.do_jobs()) == 3
    assert filing.sees("lineker", known)


def test_a_full_disk_is_said_and_mended(filing: Filing) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    ok(filing.chunk("messi", upload, 0, TEXT[:5]))
    filing.kit.disk.full = True
    assert refused(filing.chunk("messi", upload, 5, TEXT[5:]), Code.UNAVAILABLE)
    filing.kit.disk.full = False
    again = ok(filing.upload("messi", TEXT))
    assert (again.upload, again.offset) == (upload, 5)
    assert ok(filing.chunk("messi", upload, 5, TEXT[5:])).file


def test_the_last_chunk_doubled_is_answered_with_the_file(filing: Filing) -> None:
    """Also while that is being finished: nobody is left with all bytes and no file."""
    kit = filing.kit
    upload = ok(filing.upload("messi", TEXT)).upload
    last = request(key_of("messi"), filing.command("messi", commands.Chunk, upload=upload, offset=0), data=TEXT)
    kit.turn(last)
    kit.turn(JobDone(kit.jobs[0], kit.do(kit.jobs.pop(0)), 1))
    assert kit.turn(last) == []
    assert {ok(reply.answer).file for reply in kit.do_jobs()} == {upload}


def test_chunks_behind_one_that_failed_say_where_to_go_on(filing: Filing) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    asked = [
        request(
            key_of("messi"), filing.command("messi", commands.Chunk, upload=upload, offset=at), data=TEXT[at : at + 5]
        )
        for at in (0, 5, 10)
    ]
    filing.kit.turn(*asked)
    filing.kit.disk.full = True
    full = filing.kit.turn(JobDone(filing.kit.jobs[0], filing.kit.do(filing.kit.jobs.pop(0)), 1))
    filing.kit.disk.full = False
    assert refused(full[0].answer, Code.UNAVAILABLE)
    assert all(refused(reply.answer, Code.BAD_REQUEST) for reply in filing.kit.do_jobs())
    assert ok(filing.upload("messi", TEXT)).offset == 0
    assert ok(filing.chunk("messi", upload, 0, TEXT)).file


def test_a_realm_that_stops_before_the_rows_finishes_again(filing: Filing) -> None:
    """The blob was on disk, and nothing said so yet."""
    kit = filing.kit
    upload = ok(filing.upload("messi", TEXT)).upload
    kit.turn(request(key_of("messi"), filing.command("messi", commands.Chunk, upload=upload, offset=0), data=TEXT))
    while not isinstance(kit.jobs[0], FinishUpload):
        kit.turn(JobDone(kit.jobs[0], kit.do(kit.jobs.pop(0)), 1))
    kit.do(kit.jobs.pop(0))
    assert kit.disk.blobs
    kit.restart()
    assert ok(filing.upload("messi", TEXT)).file == upload


def test_a_doubled_upload_command_at_the_end_is_answered_with_the_file(filing: Filing) -> None:
    """Both see that all is held, and both have it finished."""
    kit = filing.kit
    upload = ok(filing.upload("messi", TEXT)).upload
    told = {"digest": hashlib.sha256(TEXT).digest(), "size": len(TEXT), "name": "a.txt"}
    kit.turn(request(key_of("messi"), filing.command("messi", commands.Chunk, upload=upload, offset=0), data=TEXT))
    kit.turn(*[request(key_of("messi"), filing.command("messi", commands.Upload, **told)) for _ in range(2)])
    assert {ok(reply.answer).file for reply in kit.do_jobs()} == {upload}
    assert not kit.jobs


# having and knowing


def test_who_has_the_bytes_uploads_none(filing: Filing) -> None:
    file = filing.file("messi", TEXT, "first.txt")
    again = ok(filing.upload("messi", TEXT, "first.txt"))
    assert again.file == file, "not sent yet: the same"
    other = ok(filing.upload("messi", TEXT, "second.txt"))
    assert (other.file != file, other.offset) == (True, len(TEXT))
    assert ok(filing.send("messi", "henderson", other.file)).file_info.name == "second.txt"
    received = ok(filing.upload("henderson", TEXT, "third.txt"))
    assert received.file, "who has received it has it"
    assert len(filing.kit.disk.blobs) == 1


def test_to_know_a_digest_is_not_to_have_the_file(filing: Filing) -> None:
    filing.file("messi", TEXT)
    opened = ok(filing.upload("lineker", TEXT))
    assert (opened.file or None, opened.offset) == (None, 0)
    assert ok(filing.chunk("lineker", opened.upload, 0, TEXT)).file
    assert len(filing.kit.disk.blobs) == 1, "it is stored once"


def test_a_digest_with_another_size_is_another_file(filing: Filing) -> None:
    filing.file("messi", TEXT)
    opened = ok(filing.upload("messi", TEXT + b"x", digest=hashlib.sha256(TEXT).digest()))
    assert not opened.file


# sending


def test_a_file_is_sent_as_an_entry(filing: Filing) -> None:
    file = filing.file("messi", TEXT, "laporan 🎉.txt")
    sent = ok(filing.send("messi", "henderson", file))
    assert sent.message == "File sent"
    told = sent.file_info
    assert (told.id, told.name, told.size, told.media_type) == (file, "laporan 🎉.txt", len(TEXT), "text/plain")
    assert told.digest == hashlib.sha256(TEXT).digest()
    [entry] = ok(filing.ask("henderson", commands.Inbox)).messages
    assert (entry.kind, entry.file, entry.chain) == ("file", told, sent.chain)


def test_a_repeated_send_of_a_file_has_no_second_effect(filing: Filing) -> None:
    entry = "01J0000000000000000000000A"
    file, other = filing.file("messi", TEXT), filing.file("messi", b"other")
    first = ok(filing.send("messi", "henderson", file, entry=entry))
    again = ok(filing.send("messi", "henderson", file, entry=entry))
    assert (again.seq, again.chain, again.file_info) == (first.seq, first.chain, first.file_info)
    assert refused(filing.send("messi", "henderson", other, entry=entry), Code.BAD_REQUEST)
    assert refused(
        filing.ask("messi", commands.Send, to=Address("henderson"), message="a.txt", entry=entry), Code.BAD_REQUEST
    )


def test_only_the_uploader_sends_a_file(filing: Filing) -> None:
    file = filing.file("messi", TEXT)
    ok(filing.send("messi", "henderson", file))
    assert refused(filing.send("henderson", "lineker", file), Code.FILE_NOT_FOUND)
    assert refused(filing.send("messi", "henderson", "nothing"), Code.FILE_NOT_FOUND)


def test_the_file_is_looked_at_last(filing: Filing) -> None:
    """So that saying a send before the upload tells whether the rest would do."""
    upload = ok(filing.upload("messi", TEXT)).upload
    assert refused(filing.send("messi", "nobody", upload), Code.USER_NOT_FOUND)
    assert refused(filing.send("messi", "henderson", upload), Code.FILE_NOT_FOUND)
    group = {"group": Name("new"), "file": upload}
    assert refused(filing.ask("messi", commands.SendGroupFile, **group), Code.GROUP_NOT_FOUND)
    ok(filing.ask("henderson", commands.AddGroup, group="new"))
    assert refused(filing.ask("messi", commands.SendGroupFile, **group), Code.NOT_MEMBER)
    ok(filing.ask("messi", commands.JoinGroup, group=Name("new")))
    assert refused(filing.ask("messi", commands.SendGroupFile, **group), Code.FILE_NOT_FOUND)
    assert ok(filing.ask("henderson", commands.Conversations)).conversations[0].head == 0


# downloading


def test_who_sees_an_entry_may_download_its_file(filing: Filing) -> None:
    file = filing.file("messi", TEXT)
    assert [filing.sees(name, file) for name in PEOPLE] == [True, False, False]
    ok(filing.send("messi", "henderson", file))
    assert [filing.sees(name, file) for name in PEOPLE] == [True, True, False]


def test_who_has_left_a_group_sees_its_files_no_more(filing: Filing) -> None:
    ok(filing.ask("messi", commands.AddGroup, group="new"))
    file = filing.file("messi", TEXT)
    ok(filing.ask("messi", commands.SendGroupFile, group=Name("new"), file=file))
    assert not filing.sees("henderson", file)
    ok(filing.ask("henderson", commands.JoinGroup, group=Name("new")))
    assert filing.sees("henderson", file), "a member reads its whole history"
    ok(filing.ask("henderson", commands.LeaveGroup, group=Name("new")))
    assert not filing.sees("henderson", file)
    opened = ok(filing.upload("henderson", TEXT))
    assert not opened.file, "nor does it count as theirs"


def test_a_part_of_a_file(filing: Filing) -> None:
    file = filing.file("messi", TEXT)
    assert filing.download("messi", file, offset=5, size=3)[1] == TEXT[5:8]
    assert filing.download("messi", file, offset=15, size=100)[1] == TEXT[15:]
    assert filing.download("messi", file, offset=len(TEXT), size=1)[1] == b""
    assert refused(filing.download("messi", file, offset=len(TEXT) + 1, size=1)[0], Code.BAD_REQUEST)


def test_thumbnails_that_take_long_keep_no_file_from_anybody(filing: Filing) -> None:
    picture = filing.file("messi", PICTURE)
    ok(filing.send("messi", "henderson", picture))
    wanted = filing.command("messi", commands.Download, file=picture, offset=0, size=1, thumbnail=True)
    replies = filing.kit.turn(*[request(key_of("messi"), wanted) for _ in range(files.THUMBNAILS_OF_ONE + 1)])
    assert [reply.answer.code for reply in replies if isinstance(reply.answer, Refusal)] == [Code.RATE_LIMITED]
    drawn, filing.kit.jobs = filing.kit.jobs, []
    assert filing.sees("messi", picture)
    assert filing.download("henderson", picture, thumbnail=True)[1] == PICTURE
    filing.kit.jobs = drawn
    assert len(filing.kit.do_jobs()) == files.THUMBNAILS_OF_ONE


def test_a_thumbnail_is_of_pictures(filing: Filing) -> None:
    text, picture = filing.file("messi", TEXT), filing.file("messi", PICTURE)
    assert refused(filing.download("messi", text, thumbnail=True)[0], Code.FILE_NOT_FOUND)
    assert filing.download("messi", picture, thumbnail=True)[1] == PICTURE
    assert refused(filing.download("henderson", picture, thumbnail=True)[0], Code.FILE_NOT_FOUND)


# limits


@pytest.mark.parametrize("kit", [settings(max_bytes=10)], indirect=True)
def test_a_file_that_is_too_large(filing: Filing) -> None:
    assert refused(filing.upload("messi", bytes(11)), Code.TOO_LARGE)
    assert filing.file("messi", bytes(10))


@pytest.mark.parametrize("kit", [settings(user_bytes=3 * B)], indirect=True)
def test_a_user_has_a_quota(filing: Filing) -> None:
    filing.file("messi", bytes(2 * B))
    ok(filing.upload("messi", bytes(2 * B), "the same bytes count once.txt"))
    over = filing.upload("messi", b"b" * (B + 1))
    assert refused(over, Code.QUOTA_EXCEEDED)
    assert "4,096 are left" in ok_text(over)
    ok(filing.upload("messi", b"b"))
    assert refused(filing.upload("messi", b"c"), Code.QUOTA_EXCEEDED), "what is under way counts"
    assert filing.file("henderson", bytes(2 * B)), "others have their own"


@pytest.mark.parametrize("kit", [settings(realm_bytes=5 * B)], indirect=True)
def test_a_realm_has_a_quota(filing: Filing) -> None:
    filing.file("messi", bytes(2 * B))
    filing.file("henderson", bytes(2 * B))
    assert refused(filing.upload("henderson", b"b" * (3 * B + 1)), Code.QUOTA_EXCEEDED)
    assert filing.file("henderson", b"b" * 3 * B), "what two have uploaded is held once"
    assert refused(filing.upload("lineker", b"c"), Code.QUOTA_EXCEEDED)


@pytest.mark.parametrize("kit", [settings(uploads_per_user=2, user_bytes=5 * B)], indirect=True)
def test_an_idle_upload_makes_room_for_another(filing: Filing) -> None:
    first = ok(filing.upload("messi", b"a" * B)).upload
    ok(filing.upload("messi", b"b" * B))
    assert refused(filing.upload("messi", b"c" * B), Code.QUOTA_EXCEEDED)
    filing.kit.now += 60_001
    ok(filing.upload("messi", b"c" * B))
    assert refused(filing.chunk("messi", first, 0, b"a" * B), Code.FILE_NOT_FOUND), "the oldest has gone"
    filing.kit.now += 60_001
    ok(filing.upload("messi", b"d" * 5 * B))


@pytest.mark.parametrize("kit", [settings(uploads=2)], indirect=True)
def test_a_realm_takes_only_so_many_uploads_at_once(filing: Filing) -> None:
    ok(filing.upload("messi", b"a"))
    ok(filing.upload("henderson", b"b"))
    assert refused(filing.upload("lineker", b"c"), Code.QUOTA_EXCEEDED)
    filing.kit.now += 60_001
    assert filing.file("lineker", b"c"), "who has left one alone makes room for others too"


@pytest.mark.parametrize("kit", [settings(realm_bytes=2 * B)], indirect=True)
def test_to_announce_a_file_and_never_send_it_keeps_nobody_out(filing: Filing) -> None:
    ok(filing.upload("messi", bytes(2 * B)))
    assert refused(filing.upload("henderson", b"b"), Code.QUOTA_EXCEEDED)
    filing.kit.now += 60_001
    assert filing.file("henderson", b"b")


@pytest.mark.parametrize("kit", [settings(user_bytes=3 * B)], indirect=True)
def test_what_was_received_counts_once_it_is_ones_own(filing: Filing) -> None:
    for content in (b"a" * 2 * B, b"b" * 2 * B):
        sender = "messi" if content[0] == ord("a") else "lineker"
        ok(filing.send(sender, "henderson", filing.file(sender, content)))
    assert ok(filing.upload("henderson", b"a" * 2 * B, "a.txt")).file
    assert ok(filing.upload("henderson", b"a" * 2 * B, "again.txt")).file, "the same bytes count once"
    assert refused(filing.upload("henderson", b"b" * 2 * B, "b.txt"), Code.QUOTA_EXCEEDED)


def test_an_upload_that_goes_on_is_not_old(filing: Filing) -> None:
    """Also over a restart: its row takes note of its chunks, now and then."""
    upload = ok(filing.upload("messi", TEXT)).upload
    filing.kit.now += 23 * HOUR_MS
    ok(filing.chunk("messi", upload, 0, TEXT[:5]))
    filing.kit.restart()
    filing.kit.now += 2 * HOUR_MS
    filing.kit.turn(Tick())
    assert ok(filing.upload("messi", TEXT)).offset == 5


# what nobody wants any more


def test_an_upload_that_nobody_finishes_is_given_up(filing: Filing) -> None:
    opened = ok(filing.upload("messi", TEXT))
    ok(filing.chunk("messi", opened.upload, 0, TEXT[:5]))
    filing.kit.now += 24 * HOUR_MS
    filing.kit.turn(Tick())
    filing.kit.do_jobs()
    assert not filing.kit.disk.uploads
    filing.tokens["messi"] = ok(filing.kit.log_in("messi", key_of("messi"))).tokenId
    assert refused(filing.chunk("messi", opened.upload, 5, TEXT[5:]), Code.FILE_NOT_FOUND)


def test_a_file_that_is_not_sent_is_swept_with_its_bytes(filing: Filing) -> None:
    kept, swept = filing.file("messi", TEXT), filing.file("messi", b"not sent")
    ok(filing.send("messi", "henderson", kept))
    filing.kit.now += 25 * HOUR_MS
    filing.kit.turn(Tick())
    filing.kit.do_jobs()
    assert filing.kit.disk.blobs == {hashlib.sha256(TEXT).digest(): TEXT}
    assert filing.sees("henderson", kept)
    assert not filing.sees("messi", swept)
    with filing.kit.store.transaction() as tx:
        assert tx.removals(10) == []
        assert tx.blob_bytes() == charged(len(TEXT))


def test_bytes_that_several_have_stay_while_one_has_them(filing: Filing) -> None:
    mine = filing.file("messi", TEXT)
    ok(filing.send("messi", "lineker", mine))
    filing.file("henderson", TEXT)
    filing.kit.now += 25 * HOUR_MS
    filing.kit.turn(Tick())
    filing.kit.do_jobs()
    assert filing.sees("lineker", mine)


def test_what_is_to_be_removed_waits_for_an_upload_of_the_same(filing: Filing) -> None:
    """A removal that is late must not take what has just come back."""
    kit = filing.kit
    filing.file("messi", TEXT)
    upload = ok(filing.upload("henderson", TEXT)).upload
    kit.now += 25 * HOUR_MS
    kit.turn(
        request(key_of("henderson"), filing.command("henderson", commands.Chunk, upload=upload, offset=0), data=TEXT)
    )
    kit.turn(Tick())
    assert not any(isinstance(job, RemoveBlob) for job in kit.jobs)
    kit.do_jobs()
    assert kit.disk.blobs
    kit.now += HOUR_MS
    kit.turn(Tick())
    assert kit.do_jobs() == []
    assert kit.disk.blobs


def test_a_removal_that_was_not_done_is_done_after_a_restart(filing: Filing) -> None:
    kit = filing.kit
    filing.file("messi", TEXT)
    kit.now += 25 * HOUR_MS
    kit.turn(Tick())
    assert [type(job) for job in kit.jobs] == [RemoveBlob]
    kit.jobs.clear()
    kit.restart()
    kit.now += HOUR_MS
    kit.turn(Tick())
    kit.do_jobs()
    assert not kit.disk.blobs


def test_a_job_tells_the_log_nothing_of_what_it_carries(filing: Filing) -> None:
    upload = ok(filing.upload("messi", TEXT)).upload
    command = filing.command("messi", commands.Chunk, upload=upload, offset=0)
    filing.kit.turn(request(key_of("messi"), command, data=TEXT))
    [job] = filing.kit.jobs
    assert isinstance(job, WriteChunk)
    assert "halo" not in repr(job)


def ok_text(answer: Answer | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.text
