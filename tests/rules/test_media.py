"""What a file is by its content."""

import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from broker.media import ARCHIVE, HEAD, TEXT, UNKNOWN, media_type


def picture(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 2), (200, 10, 10)).save(out, form)
    return out.getvalue()


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("PDF", "application/pdf"),
    ],
)
def test_what_pillow_writes(form: str, expected: str) -> None:
    assert media_type(picture(form)) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\nonly ASCII so far\n", "application/pdf"),
        (b"{\\rtf1 halo}", "application/rtf"),
        (b"ID3\x03\0\0\0\0\0\x21" + bytes(90), "audio/mpeg"),
        (b"OggS\0\x02" + bytes(40), "application/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "video/mp4"),
        (b"\x1f\x8b\x08" + bytes(20), "application/gzip"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000" + bytes(247), "application/x-tar"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "application/x-7z-compressed"),
        (archive("a.txt"), "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), "application/zip"),
        (ARCHIVE, "application/zip"),
        (bytes(100), UNKNOWN),
        (b"\x7fELF" + bytes(60), UNKNOWN),
        (b"MZ\x90\0" + bytes(60), "application/vnd.microsoft.portable-executable"),
        (b"\x01\0", UNKNOWN),
        (b"\xff\xfe" + "halo".encode("utf-16-le"), UNKNOWN),
    ],
)
def test_what_is_known(head: bytes, expected: str) -> None:
    assert media_type(head) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "halo, selamat malam\n",
        "\ufeffdengan BOM\r\n\tdan tab\f",
        "\x1b[31mmerah\x1b[0m",
        "😀 BMW is a car",
        "BMW is a car",
        "GIF89a is a format",
        "import os\n",
        "From: a@b\nSubject: x\n",
        '{"a": 1}',
        "<!DOCTYPE html><script>alert(1)</script>",
        "<html><body>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "<?xml version='1.0'?>",
    ],
)
def test_text_is_text_whatever_it_says(text: str) -> None:
    """So that no browser runs it."""
    assert media_type(text.encode()) == TEXT


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_character_may_be_cut_off_at_the_end(cut: int) -> None:
    head = ("x" * (HEAD - cut) + "😀").encode()[:HEAD]
    assert media_type(head) == TEXT


@pytest.mark.parametrize("control", [b"\0", b"\x07", b"\x7f", b"\x80", b"\xff"])
def test_what_holds_other_bytes_is_no_text(control: bytes) -> None:
    assert media_type(b"halo " + control + b" halo") == UNKNOWN


@pytest.mark.parametrize("page", ["<!DOCTYPE html><p>", "<html>", "<svg xmlns=''>", "<?xml version='1.0'?>"])
def test_a_page_with_other_bytes_is_no_page(page: str) -> None:
    """So that no browser runs it."""
    assert media_type(f"{page}<script>alert(1)</script>\0".encode()) == UNKNOWN


def test_the_end_of_a_file_says_nothing() -> None:
    noise = b"\x90" + random.Random(1).randbytes(3_000)
    assert media_type(noise) == UNKNOWN
    for end in (picture("PNG"), b"TRUEVISION-XFILE.\0", b"</svg>"):
        assert media_type(noise + end) == UNKNOWN


@given(st.binary(max_size=600) | st.text(max_size=200).map(str.encode))
def test_anything_is_something(head: bytes) -> None:
    kind, _, sub = media_type(head).partition("/")
    assert kind.isalpha()
    assert sub
    assert sub.isascii()
