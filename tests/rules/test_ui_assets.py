"""The page's files: our part is put in once, large ones are compressed once, and sent so to who takes it."""

import asyncio
import gzip
import json
import os
import shutil
from pathlib import Path

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from client.ui import assets
from client.ui.assets import KEPT_S, LARGE, Packed, PageError, pack, web_folder, write_page

INDEX = "<html><head>\n<!-- fletAppConfig -->\n</head></html>"
FONTS: list[dict[str, object]] = [
    {"family": family, "fonts": []} for family in ("MaterialIcons", "packages/flutter_math_fork/KaTeX_Main")
]
LARGE_FILES = ("main.dart.js", "canvaskit/canvaskit.wasm", "assets/font.otf", "canvaskit/canvaskit.js.symbols")


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page as Flet's is, in a folder of its own."""
    folder = tmp_path / "web"
    for number, name in enumerate((*LARGE_FILES, "picture.png")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) + b"some text " * (LARGE // 10))
    (folder / "small.js").write_bytes(b"a" * (LARGE - 1))
    (folder / "version.json").write_text("{}")
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "FontManifest.json").write_text(json.dumps(FONTS))
    monkeypatch.setattr(assets, "web_folder", lambda: folder)
    return folder


def test_our_part_is_put_into_flets_page_once(tmp_path: Path) -> None:
    write_page(tmp_path)
    own = Path(assets.__file__).with_name("page")
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    script, head = ((own / name).read_text(encoding="utf-8") for name in ("page.js", "head.html"))
    before = (web_folder() / "index.html").read_text(encoding="utf-8")
    assert index.count(script) == index.count(head) == 1
    assert index.index(head) < index.index(script) < index.index("flutter_bootstrap.js")
    assert len(before.splitlines()) < len(index.splitlines())
    assert "baganDesktop = true" not in index
    assert (tmp_path / "bagan.svg").read_bytes() == (own / "bagan.svg").read_bytes()


def test_a_page_of_the_desktop_says_so(tmp_path: Path, web: Path) -> None:
    write_page(tmp_path, desktop=True)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.count("DESKTOP = true;") == 1
    assert index.index("DESKTOP = true;") < index.index("DESKTOP && ")
    write_page(tmp_path)
    assert "DESKTOP = false;" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_page_loads_no_fonts_for_formulas(tmp_path: Path, web: Path) -> None:
    write_page(tmp_path)
    assert json.loads((tmp_path / "assets" / "FontManifest.json").read_text()) == FONTS[:1]


@pytest.mark.parametrize("fonts", ["", "{", "[{}]", "5"])
def test_another_list_of_fonts_is_noticed(tmp_path: Path, web: Path, fonts: str) -> None:
    (web / "assets" / "FontManifest.json").write_text(fonts)
    with pytest.raises(PageError, match="another list of fonts"):
        write_page(tmp_path)


@pytest.mark.parametrize("index", ["<html></html>", INDEX + INDEX, ""])
def test_another_page_is_noticed(tmp_path: Path, web: Path, index: str) -> None:
    (web / "index.html").write_text(index)
    with pytest.raises(PageError, match="another index"):
        write_page(tmp_path)
    assert not (tmp_path / "index.html").exists()


def test_a_page_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(PageError, match="not installed"):
        web_folder()


# compressed


def packed_files(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        f"{file.relative_to(folder)}": (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_large_files_are_compressed_and_nothing_else(tmp_path: Path, web: Path) -> None:
    folder = pack(tmp_path / "cache")
    assert set(packed_files(folder)) == {f"{name}.gz" for name in LARGE_FILES}
    for name in LARGE_FILES:
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == (web / name).read_bytes()


def test_it_is_done_once(tmp_path: Path, web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pack(tmp_path)
    before = packed_files(folder)

    def compress(*_: object, **__: object) -> bytes:
        raise AssertionError("compressed again")

    monkeypatch.setattr("gzip.compress", compress)
    assert pack(tmp_path) == folder
    assert packed_files(folder) == before


def test_another_version_is_compressed_anew(tmp_path: Path, web: Path) -> None:
    before = pack(tmp_path)
    (web / "version.json").write_text('{"version": "another"}')
    (web / "main.dart.js").write_bytes(b"new" * LARGE)
    after = pack(tmp_path)
    assert after != before
    assert gzip.decompress((after / "main.dart.js.gz").read_bytes()) == b"new" * LARGE


def test_another_version_keeps_its_folder_for_a_while_after_its_start(tmp_path: Path, web: Path) -> None:
    """It may run, or be about to: two versions on one machine took each other's folders away."""
    before = pack(tmp_path)
    (web / "version.json").write_text('{"version": "another"}')
    after = pack(tmp_path)
    assert packed_files(before)
    began = after.stat().st_mtime - KEPT_S
    os.utime(before, (began - 60, began - 60))
    assert pack(tmp_path) == after
    assert not before.exists()


def test_a_cache_that_was_emptied_costs_only_the_compression(tmp_path: Path, web: Path) -> None:
    app = Packed(StaticFiles(directory=web), pack(tmp_path))
    shutil.rmtree(pack(tmp_path))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bagan") as client:
            return await client.get("/main.dart.js", headers=TAKES)

    assert asyncio.run(ask()).content == (web / "main.dart.js").read_bytes()


def test_what_was_interrupted_is_taken_up(tmp_path: Path, web: Path) -> None:
    folder = pack(tmp_path)
    made = folder / "main.dart.js.gz"
    made.rename(folder / "main.dart.js.draft")
    assert pack(tmp_path) == folder
    assert gzip.decompress(made.read_bytes()) == (web / "main.dart.js").read_bytes()


def asking(web: Path, cache: Path, *requests: tuple[str, str, dict[str, str]]) -> list[httpx.Response]:
    """The answers to requests (method, path, headers)."""
    app = Packed(StaticFiles(directory=web), pack(cache))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bagan") as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in requests]

    return asyncio.run(ask())


TAKES = {"accept-encoding": "br, gzip, deflate"}
TAKES_NOT = {"accept-encoding": "br"}


@pytest.mark.parametrize(
    ("name", "kind"),
    list(
        zip(LARGE_FILES, ["text/javascript", "application/wasm", "font/otf", "application/octet-stream"], strict=True)
    ),
)
def test_who_takes_it_is_sent_it_compressed(tmp_path: Path, web: Path, name: str, kind: str) -> None:
    (answer,) = asking(web, tmp_path, ("GET", f"/{name}", TAKES))
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert answer.headers["content-type"].partition(";")[0] in (kind, kind.replace("text/", "application/"))
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == (web / name).read_bytes()  # httpx decompresses
    assert int(answer.headers["content-length"]) < LARGE / 10


@pytest.mark.parametrize(
    ("path", "headers"),
    [("main.dart.js", TAKES_NOT), ("small.js", TAKES), ("picture.png", TAKES), ("version.json", TAKES)],
)
def test_all_else_is_sent_as_it_is(tmp_path: Path, web: Path, path: str, headers: dict[str, str]) -> None:
    (answer,) = asking(web, tmp_path, ("GET", f"/{path}", headers))
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert answer.content == (web / path).read_bytes()


def test_what_the_browser_has_is_not_sent_again(tmp_path: Path, web: Path) -> None:
    (first,) = asking(web, tmp_path, ("GET", "/main.dart.js", TAKES))
    has = {"if-none-match": first.headers["etag"]}
    same, plain, head = asking(
        web,
        tmp_path,
        ("GET", "/main.dart.js", TAKES | has),
        ("GET", "/main.dart.js", TAKES_NOT | has),
        ("HEAD", "/main.dart.js", TAKES),
    )
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert plain.status_code == 200, "the two forms have one ETag"
    assert (head.status_code, head.headers["content-encoding"]) == (200, "gzip")


def test_other_methods_and_paths_pass(tmp_path: Path, web: Path) -> None:
    """What stands behind answers them, here with errors that are raised."""
    for method, path, status in (
        ("POST", "/main.dart.js", 405),
        ("GET", "/none.js", 404),
        ("GET", "/main.dart.js.gz", 404),
    ):
        with pytest.raises(HTTPException) as caught:
            asking(web, tmp_path, (method, path, TAKES))
        assert caught.value.status_code == status


def test_who_refuses_gzip_is_not_sent_it(tmp_path: Path, web: Path) -> None:
    (answer,) = asking(web, tmp_path, ("GET", "/main.dart.js", {"accept-encoding": "gzip;q=0"}))
    assert "content-encoding" not in answer.headers
