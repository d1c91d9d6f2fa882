"""`upload`, `chunk`, `download`, `sendfile`, `sendgroupfile` — files, as bytes over the wire."""

import hashlib
import io

from PIL import Image

from tests.scenarios.conftest import Play
from tests.wire.player import Stage

TEXT = b"halo, selamat malam\n"
KNOWN = {"digest": hashlib.sha256(TEXT).digest(), "whole": TEXT, "begin": TEXT[:5], "rest": TEXT[5:]}
RED = (220, 20, 20)


def test_a_file_reaches_the_other_side(team: Stage) -> None:
    """Walk-through 5: both sides see name, size and kind; the bytes that arrive are the bytes that left."""
    team.play(
        """
        messi: upload digest=$digest size=20 name="laporan akhir.txt"
        messi gets: upload!=x offset=0 chunk=262144
        messi keeps upload as upload
        messi: chunk upload=$upload offset=0 bytes=$begin
        messi gets: offset=5
        messi: chunk upload=$upload offset=5 bytes=$rest
        messi gets: offset=20 file!=x
        messi keeps file as file
        messi: sendfile henderson $file
        messi gets: File sent
        henderson hears entry: entry.kind=file entry.file.name="laporan akhir.txt" entry.file.size=20
        henderson: inbox
        henderson gets messages (kind, file.name, file.size, file.media_type, from):
            file, laporan akhir.txt, 20, text/plain, messi@kampus
        henderson: download file=$file offset=0 size=262144
        henderson gets: size=20 bytes=$whole
        henderson: download file=$file offset=5 size=3
        henderson gets: size=20 file_info.name="laporan akhir.txt" bytes=$middle
        messi: history henderson
        messi gets entries (seq, kind):
            1, file
        """,
        **KNOWN,
        middle=TEXT[5:8],
    )


def test_a_picture_has_a_thumbnail(team: Stage) -> None:
    """WebP, 512 pixels at most; in parts as the file itself; for who may see the file, and of pictures only."""
    drawn = io.BytesIO()
    Image.new("RGB", (1_000, 500), RED).save(drawn, "PNG")
    picture = drawn.getvalue()
    team.play(
        """
        messi: upload digest=$digest size=$size name=foto.png
        messi keeps upload as upload
        messi: chunk upload=$upload offset=0 bytes=$picture
        messi keeps file as file
        messi: sendfile henderson $file
        henderson hears entry: entry.file.media_type=image/png
        henderson: download file=$file offset=0 size=262144 thumbnail=true
        henderson gets: file_info.name=foto.png
        henderson keeps bytes as thumbnail
        henderson keeps size as thumbnail_size
        lineker: download file=$file offset=0 size=262144 thumbnail=true
        lineker gets: ERROR file_not_found File tidak ditemukan
        """,
        digest=hashlib.sha256(picture).digest(),
        size=len(picture),
        picture=picture,
    )
    thumbnail = team.values["thumbnail"]
    shown = Image.open(io.BytesIO(thumbnail))
    assert (shown.format, shown.size, team.values["thumbnail_size"]) == ("WEBP", (512, 256), len(thumbnail))
    team.play(
        """
        henderson: download file=$file offset=4 size=8 thumbnail=true
        henderson gets: size=$thumbnail_size bytes=$part
        messi: upload digest=$text size=20 name=a.txt
        messi keeps upload as upload
        messi: chunk upload=$upload offset=0 bytes=$whole
        messi: download file=$upload offset=0 size=100 thumbnail=true
        messi gets: ERROR file_not_found File tidak ditemukan
        """,
        part=thumbnail[4:12],
        text=hashlib.sha256(TEXT).digest(),
        whole=TEXT,
    )


def test_a_group_gets_a_file(team: Stage) -> None:
    """`sendgroupfile`: `Group tidak ditemukan` · `User bukan member grup` · `File tidak ditemukan`."""
    team.play(
        """
        messi: addgroup new
        henderson: joingroup new
        messi: upload digest=$digest size=20 name=a.txt
        messi keeps upload as upload
        messi: sendgroupfile nothing $upload
        messi gets: ERROR group_not_found Group tidak ditemukan
        lineker: sendgroupfile new $upload
        lineker gets: ERROR not_member User bukan member grup
        messi: sendgroupfile new $upload
        messi gets: ERROR file_not_found File tidak ditemukan
        messi: chunk upload=$upload offset=0 bytes=$whole
        messi keeps file as file
        messi: sendgroupfile new $file
        messi gets: File sent
        henderson hears entry: entry.conversation=group/new@kampus entry.kind=file
        henderson: download file=$file offset=0 size=100
        henderson gets: bytes=$whole
        lineker: download file=$file offset=0 size=100
        lineker gets: ERROR file_not_found File tidak ditemukan
        stranger: sendgroupfile new $file
        stranger gets: ERROR session_not_found Session tidak ditemukan
        """,
        **KNOWN,
    )


def test_errors_of_sendfile(team: Stage) -> None:
    """`sendfile`: `File tidak ditemukan` · `User tidak ada` · `Session tidak ditemukan`."""
    team.play(
        """
        messi: upload digest=$digest size=20 name=a.txt
        messi keeps upload as upload
        messi: sendfile nobody $upload
        messi gets: ERROR user_not_found User tidak ada
        messi: sendfile henderson $upload
        messi gets: ERROR file_not_found File tidak ditemukan
        messi: sendfile henderson nothing
        messi gets: ERROR file_not_found File tidak ditemukan
        messi: chunk upload=$upload offset=0 bytes=$whole
        messi keeps file as file
        henderson: sendfile lineker $file
        henderson gets: ERROR file_not_found File tidak ditemukan
        stranger: sendfile henderson $file
        stranger gets: ERROR session_not_found Session tidak ditemukan
        stranger: upload digest=$digest size=20 name=a.txt
        stranger gets: ERROR session_not_found Session tidak ditemukan
        stranger: chunk upload=$upload offset=0 bytes=$whole
        stranger gets: ERROR session_not_found Session tidak ditemukan
        stranger: download file=$file offset=0 size=1
        stranger gets: ERROR session_not_found Session tidak ditemukan
        """,
        **KNOWN,
    )


def test_an_upload_goes_on_after_a_restart(team: Stage) -> None:
    """Resume after a kill of the realm, with what was on disk; a cut connection changes nothing either."""
    team.play(
        """
        messi: resume
        messi keeps tokenId as token
        messi: upload digest=$digest size=20 name=a.txt
        messi keeps upload as upload
        messi: chunk upload=$upload offset=0 bytes=$begin
        kill realm
        start realm
        messi: chunk upload=$upload offset=5 bytes=$rest
        messi gets: ERROR bad_request offset…
        messi: upload digest=$digest size=20 name=a.txt
        messi gets: upload=$upload offset=5
        messi restarts
        messi: resume tokenId=$token
        messi: chunk upload=$upload offset=5 bytes=$rest
        messi gets: offset=20 file!=x
        messi keeps file as file
        restart realm
        messi: download file=$file offset=0 size=100
        messi gets: bytes=$whole
        """,
        **KNOWN,
    )


def test_chunks_that_do_not_fit(team: Stage) -> None:
    """Doubled: the present offset. Beyond, too many, empty, a wrong digest: `bad_request`. Too large: its limit."""
    team.play(
        """
        messi: upload digest=$digest size=20 name=a.txt
        messi keeps upload as upload
        messi: chunk upload=$upload offset=5 bytes=$rest
        messi gets: ERROR bad_request offset…
        messi: chunk upload=$upload offset=0
        messi gets: ERROR bad_request…
        messi: chunk upload=$upload offset=0 bytes=$large
        messi gets: ERROR too_large…
        messi: chunk upload=$upload offset=0 bytes=$more
        messi gets: ERROR bad_request…
        messi: chunk upload=$upload offset=0 bytes=$begin
        messi gets: offset=5
        messi: chunk upload=$upload offset=0 bytes=$begin
        messi gets: offset=5
        messi: chunk upload=nothing offset=0 bytes=$begin
        messi gets: ERROR file_not_found File tidak ditemukan
        henderson: chunk upload=$upload offset=5 bytes=$rest
        henderson gets: ERROR file_not_found File tidak ditemukan
        messi: chunk upload=$upload offset=5 bytes=$wrong
        messi gets: ERROR bad_request digest…
        messi: chunk upload=$upload offset=5 bytes=$rest
        messi gets: ERROR file_not_found File tidak ditemukan
        messi: send bytes=$begin henderson halo
        messi gets: ERROR bad_request send takes no second frame
        """,
        **KNOWN,
        large=bytes(262_145),
        more=TEXT + b"x",
        wrong=TEXT[5:].upper(),
    )


def test_names_are_shown_and_never_paths(team: Stage) -> None:
    """File names: spaces, emoji, `../`, 255 bytes; no control characters."""
    team.play(
        """
        messi: upload digest=$empty size=0 name="../../etc/passwd"
        messi gets: offset=0 file!=x
        messi keeps file as file
        messi: sendfile messi $file
        messi: history messi
        messi gets entries (file.name, file.size):
            ../../etc/passwd, 0
        messi: upload digest=$empty size=0 name=$long
        messi gets: file!=x
        messi: upload digest=$empty size=0 name=$over
        messi gets: ERROR bad_request name…
        messi: upload digest=$empty size=0 name=$lines
        messi gets: ERROR bad_request name…
        messi: upload digest=$empty size=0 name=""
        messi gets: ERROR bad_request name…
        messi: upload digest=$empty size=1 name=a.txt
        messi gets: upload!=x offset=0
        """,
        empty=hashlib.sha256(b"").digest(),
        long="🎉" * 63 + "abc",
        over="🎉" * 64,
        lines="a\nb",
    )


def test_limits(play: Play) -> None:
    """Each refused before bytes are taken."""
    team = play(
        """
        messi: register messi surabaya Argentina Lionel Messi
        messi: upload digest=$digest size=8193 name=a.txt
        messi gets: ERROR too_large…
        messi: upload digest=$digest size=20 name=a.txt
        messi keeps upload as upload
        messi: upload digest=$other size=8192 name=b.txt
        messi gets: ERROR quota_exceeded you have 8,192 bytes for files, of which 4,096 are left
        messi: upload digest=$other size=4096 name=b.txt
        messi gets: offset=0
        messi: upload digest=$third size=0 name=c.txt
        messi gets: ERROR quota_exceeded…
        messi: chunk upload=$upload offset=0 bytes=$whole
        messi gets: file!=x
        """,
        config="files = {max_bytes = 8192, user_bytes = 8192, uploads_per_user = 2}\n",
        **KNOWN,
        other=bytes(32),
        third=hashlib.sha256(b"").digest(),
    )
    team.play("""
        henderson: register henderson surabaya Inggris Jordan Henderson
        henderson: download file=x offset=0 size=300000
        henderson gets: ERROR bad_request size…
    """)
