"""Thumbnails: what strangers' pictures become, and what they cannot do."""

import errno
import io
import os
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from structlog.testing import capture_logs

from broker import thumbnail
from broker.blobs import Blobs
from broker.thumbnailer import Thumbnailer, ThumbnailError
from realm.jobs import FileResult, Gone, Problem, Thumbnail, Trouble
from tests.rules.files_kit import Uploader

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)
NEAR = 30
ORIENTATION = 0x0112
MISSING = Trouble(Problem.MISSING)
BROKEN = Trouble(Problem.BROKEN)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def halves(width: int = 80, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def near(found: Any, expected: tuple[int, ...]) -> bool:
    return all(abs(one - other) < NEAR for one, other in zip(found, expected, strict=True))


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """A black and white PNG with these pixels, by its header."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", data) + part(b"IEND", b"")


@pytest.fixture
def disk(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


def stored(disk: Blobs, content: bytes) -> Uploader:
    file = Uploader(disk, content)
    file.whole()
    return file


def shown(result: FileResult) -> Image.Image:
    assert isinstance(result, Thumbnail), result
    assert len(result.data) == result.size
    return Image.open(io.BytesIO(result.data), formats=["WEBP"])


def left_in(folder: Path) -> list[str]:
    """What is there beside blobs, with its size."""
    return [f"{path.suffix} {path.stat().st_size}" for path in folder.rglob("*") if path.is_file() and path.suffix]


# Pictures


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_every_format_is_drawn(disk: Blobs, form: str) -> None:
    drawn = shown(stored(disk, encoded(halves(), form)).thumbnail()).convert("RGB")
    assert drawn.size == (80, 40), "it is not made larger"
    assert near(drawn.getpixel((10, 20)), RED)
    assert near(drawn.getpixel((70, 20)), BLUE)


@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 500), (512, 256)), ((300, 1024), (150, 512)), ((3000, 1), (512, 1))]
)
def test_the_longer_side_has_512_pixels_at_most(disk: Blobs, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shown(stored(disk, encoded(halves(*size))).thumbnail()).size == expected


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 120, (120, 120, 120)),
        ("LA", (200, 100), (200, 200, 200, 100)),
        ("P", 0, (0, 0, 0)),
        ("RGBA", (*GREEN, 100), (*GREEN, 100)),
        ("I;16", 30_000, (117, 117, 117)),
    ],
)
def test_every_kind_of_pixel_is_drawn(disk: Blobs, mode: str, colour: Any, expected: tuple[int, ...]) -> None:
    drawn = shown(stored(disk, encoded(Image.new(mode, (20, 20), colour))).thumbnail())
    assert near(drawn.getpixel((10, 10)), expected)


def test_a_transparent_palette_stays_transparent(disk: Blobs) -> None:
    image = Image.new("P", (20, 20), 1)
    image.putpalette([*RED, *BLUE])
    drawn = shown(stored(disk, encoded(image, "GIF", transparency=1)).thumbnail())
    assert drawn.mode == "RGBA"
    assert drawn.getpixel((10, 10))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "red_at"), [(1, (10, 20)), (3, (70, 20)), (6, (20, 10)), (8, (20, 70))])
def test_a_camera_that_was_turned_is_turned_back(
    disk: Blobs, form: str, orientation: int, red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    drawn = shown(stored(disk, encoded(halves(), form, exif=exif)).thumbnail()).convert("RGB")
    assert drawn.size == ((80, 40) if orientation < 5 else (40, 80))
    assert near(drawn.getpixel(red_at), RED)


def test_nothing_but_pixels_is_left(disk: Blobs) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "where it was taken"
    for form in ("JPEG", "PNG", "WEBP"):
        content = encoded(halves(), form, exif=exif, icc_profile=b"a profile", xmp=b"a description")
        result = stored(disk, content).thumbnail()
        assert isinstance(result, Thumbnail)
        assert b"taken" in content
        for secret in (b"taken", b"profile", b"description", b"EXIF", b"XMP", b"ICCP"):
            assert secret not in result.data, form


def test_of_what_moves_the_first_picture_is_drawn(disk: Blobs) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    drawn = shown(stored(disk, content).thumbnail())
    assert not getattr(drawn, "is_animated", False)
    assert near(drawn.convert("RGB").getpixel((10, 10)), RED)


def test_it_is_read_in_parts_and_drawn_once(tmp_path: Path) -> None:
    file = stored(Blobs(tmp_path), encoded(halves(600, 600)))
    whole = file.thumbnail()
    assert isinstance(whole, Thumbnail)
    without = Uploader(Blobs(tmp_path, Thumbnailer(["/nowhere"])), file.content)
    assert without.thumbnail(0, 10) == Thumbnail(whole.data[:10], whole.size)
    assert without.thumbnail(10, 1 << 20) == Thumbnail(whole.data[10:], whole.size)
    assert without.thumbnail(whole.size, 10) == Thumbnail(b"", whole.size)


def test_only_the_realm_can_read_it(tmp_path: Path) -> None:
    stored(Blobs(tmp_path), encoded(halves())).thumbnail()
    (made,) = tmp_path.rglob("*.thumb")
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent != tmp_path / "uploads"


# No pictures


def test_what_is_no_picture_is_not_even_tried(tmp_path: Path) -> None:
    disk = Blobs(tmp_path, Thumbnailer(["/nowhere"]))
    assert stored(disk, b"halo").thumbnail() == MISSING
    assert stored(disk, b"").thumbnail() == MISSING
    assert stored(disk, encoded(halves(), "TIFF")).thumbnail() == MISSING
    assert Uploader(disk, b"unknown").thumbnail() == MISSING
    assert not left_in(tmp_path)


PIXEL_ROWS = zlib.compress(bytes(5_000 * (1 + 8_000 // 8)))
"""8,000 x 5,000 pixels of one bit: as many as are drawn."""
BAD = {
    "truncated PNG": encoded(Image.effect_noise((300, 300), 50))[:-5_000],
    "truncated JPEG": encoded(Image.effect_noise((300, 300), 50), "JPEG")[:-5_000],
    "only a sign": b"\x89PNG\r\n\x1a\n\0",
    "only a GIF's sign": b"GIF89a\0",
    "a JPEG of noise": b"\xff\xd8\xff\xe0" + bytes(range(256)),
    "a bomb": png_of(60_000, 60_000, zlib.compress(bytes(100_000))),
    "one pixel row too many": png_of(8_000, 5_001, PIXEL_ROWS),
    "a header that lies": png_of(2**31 - 1, 2**31 - 1),
    "a BMP of nothing": b"BM" + bytes(60),
    "a picture within another format": b"II*\0" + bytes(10) + encoded(halves()),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_drawn_has_none(tmp_path: Path, name: str) -> None:
    with capture_logs() as lines:
        assert stored(Blobs(tmp_path), BAD[name]).thumbnail() == MISSING
    assert not lines


def test_what_cannot_be_drawn_is_tried_once(tmp_path: Path) -> None:
    file = stored(Blobs(tmp_path), BAD["a bomb"])
    assert file.thumbnail() == MISSING
    assert left_in(tmp_path) == [".thumb 0"]
    assert Uploader(Blobs(tmp_path, Thumbnailer(["/nowhere"])), file.content).thumbnail() == MISSING


def test_as_many_pixels_as_may_be_are_drawn(disk: Blobs) -> None:
    assert shown(stored(disk, png_of(8_000, 5_000, PIXEL_ROWS)).thumbnail()).size == (512, 320)


# The child


def child(code: str) -> list[str]:
    """A command that does this instead of drawing."""
    return [sys.executable, "-c", f"import os, signal, sys\n{code}"]


def drawn_by(tmp_path: Path, code: str, timeout_s: float = 60) -> tuple[FileResult, list[str]]:
    """What comes of a picture where the child does this; what is left of it on disk."""
    result = stored(Blobs(tmp_path, Thumbnailer(child(code), timeout_s)), encoded(halves())).thumbnail()
    return result, left_in(tmp_path)


def test_the_child_gives_up_what_it_does_not_need() -> None:
    code = (
        "import os, resource, signal; from broker import thumbnail; thumbnail.confine(); "
        "print(*(resource.getrlimit(which)[0] for which in"
        " (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)), signal.alarm(0))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    *limits, alarm = map(int, out.split())
    assert limits == [thumbnail.MEMORY, thumbnail.CPU_S, thumbnail.OUTPUT, 0]
    assert 0 < alarm <= thumbnail.WALL_S


def test_the_limits_of_whoever_started_the_realm_stay() -> None:
    code = (
        "import resource; from broker import thumbnail; lowest = 700_000_000; "
        "resource.setrlimit(resource.RLIMIT_AS, (lowest, lowest)); resource.setrlimit(resource.RLIMIT_CPU, (3, 4)); "
        "thumbnail.confine(); print(*resource.getrlimit(resource.RLIMIT_AS), *resource.getrlimit(resource.RLIMIT_CPU))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["700000000", "700000000", "4", "4"]


def test_more_memory_than_there_may_be_is_no_thumbnail(tmp_path: Path) -> None:
    code = "from broker import thumbnail\nthumbnail.draw = lambda _: bytes(2 << 30)\nsys.exit(thumbnail.main())"
    assert drawn_by(tmp_path, code) == (MISSING, [".thumb 0"])


class Children:
    """Stands for `subprocess.Popen`, and remembers whom it started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.popen = subprocess.Popen
        self.started: list[subprocess.Popen[bytes]] = []
        self.one_runs = threading.Event()
        monkeypatch.setattr(subprocess, "Popen", self)

    def __call__(self, *args: Any, **options: Any) -> subprocess.Popen[bytes]:
        self.started.append(self.popen(*args, **options))
        self.one_runs.set()
        return self.started[-1]


def test_a_child_that_hangs_is_killed_and_the_picture_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = Children(monkeypatch)
    with capture_logs() as lines:
        assert drawn_by(tmp_path, "signal.pause()", timeout_s=0.01) == (BROKEN, [])
    assert [line["at"][0] for line in lines] == ["ThumbnailError"]
    assert [started.returncode for started in children.started] == [-signal.SIGKILL]
    monkeypatch.undo()
    shown(Uploader(Blobs(tmp_path), encoded(halves())).thumbnail())


def test_a_realm_that_stops_ends_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children = Children(monkeypatch)
    disk = Blobs(tmp_path, Thumbnailer(child("signal.pause()"), 600))
    file = stored(disk, encoded(halves()))
    results: list[FileResult] = []
    at_work = threading.Thread(target=lambda: results.append(file.thumbnail()))
    at_work.start()
    children.one_runs.wait()
    disk.close()
    at_work.join()
    assert results == [BROKEN]
    assert [started.returncode for started in children.started] == [-signal.SIGKILL]
    disk.close()
    assert file.thumbnail() == BROKEN, "another begins"
    assert len(children.started) == 1
    assert not left_in(tmp_path)


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT", "SIGXCPU"])
def test_a_picture_that_ends_its_decoder_is_tried_once(tmp_path: Path, number: str) -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
        f"os.write(1, b'half'); os.kill(os.getpid(), signal.{number})"
    )
    with capture_logs() as lines:
        assert drawn_by(tmp_path, code) == (MISSING, [".thumb 0"])
    assert [line["signal"] for line in lines] == [number]


@pytest.mark.parametrize(
    "code", ["os.kill(os.getpid(), signal.SIGTERM)", "os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(1)"]
)
def test_an_end_that_is_not_the_pictures_fault_says_nothing_of_it(tmp_path: Path, code: str) -> None:
    assert drawn_by(tmp_path, f"os.write(1, b'half'); {code}") == (BROKEN, [])


def test_where_no_child_can_be_started_it_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(ThumbnailError, match="no child can be started"):
        Thumbnailer(["/nowhere"]).make(tmp_path / "picture", tmp_path / "into")


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(Blobs(tmp_path), encoded(halves()))

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Thumbnailer, "make", full)
    assert file.thumbnail() == Trouble(Problem.DISK_FULL)
    assert not left_in(tmp_path)


def test_the_child_has_none_of_the_realms_descriptors(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - that is how it is called
        code = f"os.fstat({secret.fileno()})"
        assert drawn_by(tmp_path, code) == (BROKEN, [])


# Removal at the same time


class Meanwhile(Thumbnailer):
    """Something happens while the child draws."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def make(self, picture: Path, into: Path) -> bool:
        made = super().make(picture, into)
        self._happens()
        return made


def test_a_thumbnail_is_removed_with_its_file(tmp_path: Path) -> None:
    file = stored(Blobs(tmp_path), encoded(halves()))
    shown(file.thumbnail())
    assert file.remove() == Gone()
    assert file.thumbnail() == MISSING
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_that_is_removed_while_it_is_drawn_leaves_no_thumbnail(tmp_path: Path) -> None:
    removed: list[FileResult] = []
    disk = Blobs(tmp_path, Meanwhile(lambda: removed.append(file.remove())))
    file = stored(disk, encoded(halves()))
    assert file.thumbnail() == MISSING
    assert removed == [Gone()]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_that_comes_again_while_it_is_drawn_has_its_thumbnail(tmp_path: Path) -> None:
    disk = Blobs(tmp_path, Meanwhile(lambda: (file.remove(), file.whole())))
    file = stored(disk, encoded(halves()))
    shown(file.thumbnail())


def test_half_a_thumbnail_of_a_killed_realm_is_swept_at_the_next_start(tmp_path: Path) -> None:
    unfinished = Uploader(Blobs(tmp_path), b"halo")
    unfinished.open()
    (tmp_path / "uploads" / "ab.thumb").write_bytes(b"half")
    Blobs(tmp_path).keep_only({unfinished.upload})
    assert [path.name for path in (tmp_path / "uploads").iterdir()] == [unfinished.upload]
