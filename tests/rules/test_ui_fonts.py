"""Fonts for Flet's engine: what it expects is read out of it, and made from installed fonts."""

import asyncio
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fontTools.ttLib import TTFont

from client.ui import fonts
from client.ui.fonts import EngineError, Fonts, Sources, engine_script, installed, read_engine, router

Fresh = Callable[[Path], Fonts]


@pytest.fixture(scope="module")
def script() -> str:
    return engine_script().read_text("utf-8", errors="replace")


@pytest.fixture(scope="module")
def engine(script: str) -> dict[str, frozenset[int]]:
    return read_engine(script)


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Without the system's fonts: tests are to be the same everywhere."""
    return installed(folders=())


@pytest.fixture(scope="module")
def lists(script: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's lists alone: of 10 MB, the rest takes most of the time."""
    file = tmp_path_factory.mktemp("engine") / "main.dart.js"
    patterns = (fonts._NAMES, fonts._SETS, fonts._RANGES)
    file.write_text("\n".join(found[0] for pattern in patterns for found in pattern.finditer(script)))
    return file


@pytest.fixture
def fresh(sources: Sources, lists: Path) -> Fresh:
    """What makes fonts and keeps them in a folder, and has seen none yet."""
    return lambda folder: Fonts(folder, sources, lists)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The families that were made, and not taken from the cache."""
    families: list[str] = []
    make = fonts._make

    def counting(family: str, points: frozenset[int], sources: Sources) -> bytes | None:
        families.append(family)
        return make(family, points, sources)

    monkeypatch.setattr(fonts, "_make", counting)
    return families


def path_of(engine: dict[str, frozenset[int]], family: str, character: str) -> str:
    """The family's path that has the character: there is one, or the test is wrong."""
    [path] = [path for path, has in engine.items() if path.startswith(f"{family}/") and ord(character) in has]
    return path


def glyphs(font: bytes | None) -> tuple[set[int], int]:
    """The characters of a font, and how many glyphs it has."""
    assert font is not None
    with TTFont(io.BytesIO(font)) as opened:
        return set(opened.getBestCmap()), len(opened.getGlyphOrder())


def test_lists_of_the_engine(engine: dict[str, frozenset[int]]) -> None:
    """Flet is pinned: another version may pack its lists in another way, or name other fonts."""
    assert len(engine) == 724
    assert sum(map(len, engine.values())) == 153_343
    assert path_of(engine, "notosanskr", "안").endswith(".118.woff2")
    assert path_of(engine, "notocoloremoji", "😀").endswith(".9.woff2")
    assert ord("ع") in engine[path_of(engine, "notosansarabic", "م")]
    assert ord("好") not in engine[path_of(engine, "notosansarabic", "م")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('("Noto Sans Yi",', '("Nota Sans Yi",'),  # a font fewer than the sets name
        ('("Noto ', '("Nato '),
        ('",5g,5h,', '",5g;5h,'),
        ('"1eA75Z', '"1eA75Z-'),
        ('"1eA75Z', '"1fA75Z'),  # a character more than there are
        ('"1eA75Z', '"1eA99999Z'),  # a set that is not there
        ('"1eA75Z', '"9999999999eA75Z'),
    ],
)
def test_another_engine_is_noticed(script: str, old: str, new: str) -> None:
    assert old in script
    with pytest.raises(EngineError, match=r"Flet 1\.0\.5"):
        read_engine(script.replace(old, new))


def test_an_engine_that_is_missing(tmp_path: Path, sources: Sources) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        Fonts(tmp_path, sources, tmp_path / "main.dart.js").get("notosans/v1/a.woff2")


@pytest.mark.parametrize(
    ("family", "character"),
    [("notosanskr", "안"), ("notosansjp", "か"), ("notosanshebrew", "ש"), ("notosansgeorgian", "ქ")],
)
def test_a_font_has_its_characters_and_little_else(
    tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], family: str, character: str
) -> None:
    path = path_of(engine, family, character)
    has, count = glyphs(fresh(tmp_path).get(path))
    assert ord(character) in has
    assert has <= engine[path]
    assert count < 4 * len(has)  # shapes of the same characters


def test_emoji_are_joined(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]]) -> None:
    """Family, flag, skin tone, key cap: each is one glyph only if all its parts are in one font with the rule."""
    path = path_of(engine, "notocoloremoji", "👧")
    font = fresh(tmp_path).get(path)
    has, count = glyphs(font)
    assert has - engine[path] <= set(map(ord, "#*0123456789\ufe0f\u20e3\u200d🏻🏼🏽🏾🏿"))
    assert set(map(ord, "👩👧1\u200d\ufe0f\u20e3🏽")) <= has
    assert count > len(has) + 20  # what they are joined to
    flags, count = glyphs(fresh(tmp_path).get(path_of(engine, "notocoloremoji", "🇮")))
    assert set(map(ord, "🇮🇩")) <= flags
    assert count > 250


def test_arabic_keeps_its_shapes(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]]) -> None:
    font = fresh(tmp_path).get(path_of(engine, "notosansarabic", "ع"))
    assert font is not None
    with TTFont(io.BytesIO(font)) as opened:
        features = {record.FeatureTag for record in opened["GSUB"].table.FeatureList.FeatureRecord}
        assert "fvar" not in opened
    assert {"init", "medi", "fina", "rlig"} <= features


def test_symbols_come_from_many_fonts(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]]) -> None:
    """The engine asks nobody else for a mark that is missing, nor for a letter that it wants of a symbol font."""
    has, count = glyphs(fresh(tmp_path).get(path_of(engine, "notosanssymbols2", "✓")))
    assert set(map(ord, "✓★■♥☎✉👍")) <= has
    assert count == len(has) + 1
    has, _ = glyphs(fresh(tmp_path).get(path_of(engine, "notosanssymbols", "→")))
    assert set(map(ord, "→①Ü")) <= has


def test_devanagari_is_expected_of_noto_sans(
    tmp_path: Path, sources: Sources, engine: dict[str, frozenset[int]]
) -> None:
    has, _ = glyphs(Fonts(tmp_path, sources).get(path_of(engine, "notosans", "ह")))
    assert set(map(ord, "हिन्दीЖẠ")) <= has


def test_a_character_looks_as_in_its_language(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]]) -> None:
    def outline(family: str) -> object:
        font = fresh(tmp_path).get(path_of(engine, family, "骨"))
        with TTFont(io.BytesIO(font or b"")) as opened:
            top = opened["CFF "].cff.topDictIndex[0]
            drawing = top.CharStrings[opened.getBestCmap()[ord("骨")]]
            drawing.decompile()
            return drawing.program

    assert outline("notosanssc") != outline("notosansjp")


def test_a_font_is_made_once(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], made: list[str]) -> None:
    path = path_of(engine, "notosansgeorgian", "ქ")
    first = fresh(tmp_path / "new" / "folder").get(path)
    assert first
    assert fresh(tmp_path / "new" / "folder").get(path) == first
    assert made == ["notosansgeorgian"]


def test_that_no_source_has_any_is_kept_as_well(
    tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], made: list[str]
) -> None:
    path = path_of(engine, "notocoloremoji", "🫩")
    assert fresh(tmp_path).get(path) is None
    assert fresh(tmp_path).get(path) is None
    assert made == ["notocoloremoji"]


@pytest.mark.parametrize("damage", [b"", b"damaged", None])
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], made: list[str], damage: bytes | None
) -> None:
    path = path_of(engine, "notosanshebrew", "ש")
    first = fresh(tmp_path).get(path)
    [kept] = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-1] if damage is None else damage)
    assert fresh(tmp_path).get(path) == first
    assert fresh(tmp_path).get(path) == first
    assert len(made) == 2


def test_an_updated_source_is_noticed(
    tmp_path: Path, engine: dict[str, frozenset[int]], sources: Sources, lists: Path, made: list[str]
) -> None:
    own = tmp_path / "own.ttf"
    own.write_bytes(sources.families["notosanshebrew"].read_bytes())
    mine = Sources((), (), {"notosanshebrew": own}, ())
    path = path_of(engine, "notosanshebrew", "ש")
    Fonts(tmp_path / "cache", mine, lists).get(path)
    own.write_bytes(sources.families["notosansgeorgian"].read_bytes())
    Fonts(tmp_path / "cache", mine, lists).get(path)
    assert len(made) == 2


def test_a_cache_that_cannot_be_written(
    tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert fresh(tmp_path / "file").get(path_of(engine, "notosanshebrew", "ש"))
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize(
    "path", ["", "roboto.woff2", "notosans/v1/none.woff2", "../main.dart.js", "notosans/../a", "/"]
)
def test_other_paths_have_no_font(tmp_path: Path, fresh: Fresh, made: list[str], path: str) -> None:
    assert fresh(tmp_path).get(path) is None
    assert not made
    assert list(tmp_path.iterdir()) == []


def test_requests_at_once_make_it_once(
    tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]], made: list[str]
) -> None:
    path = path_of(engine, "notosansgeorgian", "ქ")
    asked, start = fresh(tmp_path), threading.Barrier(8)

    def ask(_: int) -> bytes | None:
        start.wait()
        return asked.get(path)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))
    assert len(answers) == 1
    assert made == ["notosansgeorgian"]


def test_the_route(tmp_path: Path, fresh: Fresh, engine: dict[str, frozenset[int]]) -> None:
    app = FastAPI()
    app.include_router(router(fresh(tmp_path)))

    async def ask(*paths: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bagan") as client:
            return await asyncio.gather(*(client.get(f"/assets/fonts/{path}") for path in paths))

    hebrew, korean, *others = asyncio.run(
        ask(
            path_of(engine, "notosanshebrew", "ש"),
            path_of(engine, "notosanskr", "안"),
            "notosans/v1/none.woff2",
            "roboto.woff2",
            "..%2F..%2Fetc/v1/passwd",
        )
    )
    assert (hebrew.status_code, hebrew.headers["content-type"]) == (200, "font/ttf")
    assert (korean.status_code, korean.headers["content-type"]) == (200, "font/otf")
    assert "max-age=2592000" in hebrew.headers["cache-control"]
    assert ord("ש") in glyphs(hebrew.content)[0]
    assert [other.status_code for other in others] == [404, 404, 404]
