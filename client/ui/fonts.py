"""Fonts for what Flet's web engine cannot draw by itself, cut on demand from fonts that are installed.

The engine knows Google's fallback fonts by path and what each can draw; both lists are packed into Flet's
`main.dart.js`. With `no_cdn=True` it asks its own server for those paths, and draws boxes where it gets none. So each
is answered with a font of ours that has the same characters. The engine goes by content, not by name: TrueType and
OpenType bytes are fine under a name that ends in `.woff2`.
"""

import asyncio
import hashlib
import importlib.util
import io
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from fastapi import APIRouter, HTTPException
from fontTools import subset, ttLib
from fontTools.fontBuilder import FontBuilder
from fontTools.merge import Merger
from fontTools.pens import cu2quPen, recordingPen, transformPen, ttGlyphPen
from fontTools.varLib.instancer import instantiateVariableFont
from starlette.responses import Response

from client.errors import ClientError

URL_PREFIX: Final = "/assets/fonts/"
SYSTEM_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
_FORMAT: Final = "1"  # of what is made and cached: count up when that changes
_MAX_AGE_S: Final = 30 * 86_400
_DIGEST_BYTES: Final = 32
_UNITS_PER_EM: Final = 1000
_RISE: Final = (1069, -293)  # ascent and descent, as in Noto Sans
_UNICODE_END: Final = 0x110000
_EMOJI: Final = "notocoloremoji"
# What joins emoji into one picture is in the engine's list for some paths only, but serves in each: the joiner, the
# sign for "in colour", key caps, and skin tones. Letters of flags are not: they would bring all flags along.
_JOINING: Final = frozenset({0x200D, 0xFE0F, 0x20E3, *map(ord, "#*0123456789"), *range(0x1F3FB, 0x1F400)})
_CJK: Final = {"sc": "ZHS ", "tc": "ZHT ", "hk": "ZHH ", "jp": "JAN ", "kr": "KOR "}  # what follows "notosans"
# The engine takes these also for letters that other fonts share, so one source is never enough.
_SYMBOLS: Final = frozenset({"notosanssymbols", "notosanssymbols2", "notosansmath", "notomusic"})
_ALSO: Final = {"notosans": "notosansdevanagari"}  # the engine expects Devanagari of the first, and asks no other
_LEFT_OUT: Final = frozenset({"kern", "vert", "vrt2"})  # kerning is most of some fonts, and of the time they take
_KATEX: Final = "web/assets/packages/flutter_math_fork/lib/katex_fonts/fonts"
_SETS: Final = re.compile(r'"([0-9a-z,]{20000,})"')
_RANGES: Final = re.compile(r'"([0-9a-zA-Z]{20000,})"')
_NAMES: Final = re.compile(r'\("Noto [^"]+","(noto[a-z0-9]+/v\d+/[\w.-]+)"\)')

log = logging.getLogger(__name__)


class EngineError(ClientError):
    """Flet's engine is missing, or is not the one whose lists can be read."""

    kind = "engine"


def read_engine(script: str) -> dict[str, frozenset[int]]:
    """The code points that the engine expects of each path, from the text of `main.dart.js`; raises EngineError."""
    paths, sets, ranges = _NAMES.findall(script), _SETS.findall(script), _RANGES.findall(script)
    if not paths or len(set(paths)) != len(paths) or len(sets) != 1 or len(ranges) != 1:
        raise EngineError("Flet's web engine lists its fallback fonts in another way than Flet 1.0.5: install that")
    members = [tuple(_members(packed)) for packed in sets[0].split(",")]
    points: list[set[int]] = [set() for _ in paths]
    end = 0
    try:
        for size, which in _spans(ranges[0]):
            start, end = end, min(end + size, _UNICODE_END + 1)
            for font in members[which]:
                points[font].update(range(start, end))
    except IndexError as error:
        raise EngineError("Flet's web engine names fallback fonts that it does not list: install Flet 1.0.5") from error
    if end != _UNICODE_END:
        raise EngineError("Flet's web engine does not list each character once: install Flet 1.0.5")
    return dict(zip(paths, map(frozenset, points), strict=True))


def _members(packed: str) -> Iterator[int]:
    """The fonts of a set: each number, whose last digit is a letter, is how many fonts are skipped."""
    font = -1
    for tens, letter in re.findall(r"(\d*)([a-z])", packed):
        font += int(tens or 0) * 26 + ord(letter) - ord("a") + 1
        yield font


def _spans(packed: str) -> Iterator[tuple[int, int]]:
    """How many characters, and which font set they have: a small letter ends the first, a capital the second."""
    for size_tens, size, tens, letter in re.findall(r"(?:(\d*)([a-z]))?(\d*)([A-Z])", packed):
        which = int(tens or 0) * 26 + ord(letter) - ord("A")
        yield int(size_tens or 0) * 26 + ord(size) - ord("a") + 2 if size else 1, which


def engine_script() -> Path:
    """Where the installed Flet keeps `main.dart.js`; raises EngineError."""
    return _package("flet_web") / "web" / "main.dart.js"


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported: font packages may do anything then."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the package {name} is missing: pip install 'bagan[client]'")
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True)
class Sources:
    """Font files to cut from. Each tuple is in order of preference."""

    emoji: tuple[Path, ...]
    cjk: tuple[Path, ...]
    families: dict[str, Path]  # "notosansarabic" and so on, as in the engine's paths
    symbols: tuple[Path, ...]  # what fills the paths that have no font of their own


def installed(folders: Iterable[str | Path] = SYSTEM_FOLDERS) -> Sources:
    """The fonts of the packages Bagan depends on, with better ones of the system; raises EngineError."""
    system = [file for folder in folders for file in sorted(Path(folder).expanduser().rglob("*.[ot]tf"))]
    packaged = sorted(_package("manimgx_fonts").glob("*.ttf"))
    cjk = tuple(sorted(_package("cvttf_NotoSansCJK_Regular").glob("*.otf")))
    names = [(re.fullmatch(r"(Noto\w+)(-Regular|\[[\w,]+\])?\.[ot]tf", file.name), file) for file in packaged + system]
    families = {name[1].lower(): file for name, file in reversed(names) if name}  # of the same name, the first
    colour = [file for file in system if re.match(r"NotoColorEmoji|Noto-COLRv1", file.name)]
    plain = [file for file in packaged if file.name.startswith("NotoEmoji")]
    symbols = [families[name] for name in ("notosans", "notosanssymbols") if name in families]
    symbols += [*cjk, *(file for file in system if file.name == "DejaVuSans.ttf")]
    symbols += [_package("flet_web") / _KATEX / f"KaTeX_{name}-Regular.ttf" for name in ("Main", "AMS")]
    # Where emoji have colours, those a symbol font lacks are asked of the emoji font next, and get theirs.
    return Sources((*colour, *plain), cjk, families, (*symbols, *(() if colour else plain)))


class Fonts:
    """A font for each path of the engine, made once and then kept in `folder`. Any thread may ask."""

    def __init__(self, folder: Path, sources: Sources | None = None, script: Path | None = None) -> None:
        self._folder = folder
        self._sources = sources
        self._script = script
        self._making = Lock()  # one for all: making is bound by the interpreter, two at once take twice as long
        self._known: tuple[Sources, dict[str, frozenset[int]], str] | None = None

    def get(self, path: str) -> bytes | None:
        """The font, or None where the engine has no such path, or no source has any character of it.

        Blocks: at the first call about half a second, for a font that is not kept yet up to five seconds. Raises
        EngineError where Flet or a font package is missing or is another. A cache that fails is only logged.
        """
        if self._known is None:
            with self._making:
                self._known = self._known or self._look()
        sources, engine, stamp = self._known
        if path not in engine:
            return None
        kept = self._folder / (hashlib.sha256(f"{stamp} {path}".encode()).hexdigest()[:32] + ".font")
        font = _load(kept)
        if font is None:
            with self._making:
                font = _load(kept)  # whoever held the lock may have made it
                if font is None:
                    font = _make(path.partition("/")[0], engine[path], sources) or b""
                    _save(kept, font)
        return font or None

    def _look(self) -> tuple[Sources, dict[str, frozenset[int]], str]:
        """The sources, what the engine expects, and what names the present state of all that in the cache."""
        sources, script = self._sources or installed(), self._script or engine_script()
        try:
            files = (*sources.emoji, *sources.cjk, *sources.families.values(), *sources.symbols, script)
            states = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
            return sources, read_engine(script.read_text("utf-8", errors="replace")), f"{_FORMAT} {states}"
        except OSError as error:
            raise EngineError(f"{error.filename} cannot be read: {error.strerror}") from error


def router(fonts: Fonts) -> APIRouter:
    """The route that answers the engine; it has to stand before Flet's own application is mounted at `/`."""
    routes = APIRouter()
    few = asyncio.Semaphore(2)  # a page may want a dozen fonts at once: leave threads for others

    @routes.get(URL_PREFIX + "{family}/{version}/{name}", include_in_schema=False)
    async def font(family: str, version: str, name: str) -> Response:
        async with few:
            made = await asyncio.to_thread(fonts.get, f"{family}/{version}/{name}")
        if made is None:
            raise HTTPException(404)
        kind = "font/otf" if made.startswith(b"OTTO") else "font/ttf"
        return Response(made, media_type=kind, headers={"Cache-Control": f"public, max-age={_MAX_AGE_S}"})

    return routes


def _make(family: str, points: frozenset[int], sources: Sources) -> bytes | None:
    """A font with what the best sources for this family have of the points."""
    language = _CJK.get(family.removeprefix("notosans"), "")
    own = [sources.families[name] for name in (family, _ALSO.get(family, "")) if name in sources.families]
    if family == _EMOJI or language:
        files, extra = (sources.cjk, frozenset[int]()) if language else (sources.emoji, _JOINING)
        return next((cut for file in files if (cut := _cut(file, points, extra, language))), None)
    if not own or family in _SYMBOLS:
        return _patch((*own, *sources.symbols), points)
    parts = [io.BytesIO(part) for file in own if (part := _cut(file, points))]
    return _bytes(Merger().merge(parts)) if len(parts) > 1 else parts[0].getvalue() if parts else None


def _cut(file: Path, points: frozenset[int], extra: Iterable[int] = (), language: str = "") -> bytes | None:
    """The file without other characters; what shapes and joins those that stay, stays too. None where none would."""
    options = subset.Options(hinting=False, notdef_outline=True, recalc_timestamp=False)
    options.name_IDs += [13, 14]  # the licence wants to go along
    options.layout_features = sorted({*options.layout_features} - _LEFT_OUT - ({"locl"} if language else set()))
    with subset.load_font(str(file), options) as font:
        if points.isdisjoint(font.getBestCmap()):
            return None
        if language:
            _localise(font, language)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=points.union(extra))
        cutter.subset(font)
        if "fvar" in font:  # the engine draws the default of a variable font, and need not fetch the others
            instantiateVariableFont(font, {axis.axisTag: None for axis in font["fvar"].axes}, inplace=True)
        return _bytes(font)


def _localise(font: Any, language: str) -> None:
    """Map characters to the shapes that are usual where this OpenType language is written, as no text says it."""
    table = font["GSUB"].table
    scripts = [record.Script for record in table.ScriptList.ScriptRecord if record.ScriptTag == "hani"]
    systems = [record.LangSys for script in scripts for record in script.LangSysRecord if record.LangSysTag == language]
    features = [table.FeatureList.FeatureRecord[index] for system in systems for index in system.FeatureIndex]
    lookups = {n for feature in features if feature.FeatureTag == "locl" for n in feature.Feature.LookupListIndex}
    parts = [part.cmap for part in font["cmap"].tables if part.isUnicode() and part.format != 14]
    for step in (step for n in sorted(lookups) for step in table.LookupList.Lookup[n].SubTable):
        shapes = getattr(getattr(step, "ExtSubTable", step), "mapping", {})
        for characters in parts:
            characters.update({point: shapes[name] for point, name in characters.items() if name in shapes})


def _patch(files: Iterable[Path], points: frozenset[int]) -> bytes | None:
    """A font of single glyphs, each from the first file that has it: good for symbols, which need no shaping."""
    glyphs: dict[str, Any] = {".notdef": ttGlyphPen.TTGlyphPen(None).glyph()}
    widths = {".notdef": _UNITS_PER_EM // 2}
    names, notices = dict[int, str](), list[str]()
    for file in files:
        with ttLib.TTFont(file, lazy=True) as font:
            scale, outlines, has = _UNITS_PER_EM / font["head"].unitsPerEm, font.getGlyphSet(), font.getBestCmap()
            for point in sorted(points & has.keys() - names.keys()):
                outline, drawing = outlines[has[point]], recordingPen.DecomposingRecordingPen(outlines)
                outline.draw(drawing)
                quadratic = cu2quPen.Cu2QuPen(pen := ttGlyphPen.TTGlyphPen(None), 1.0, reverse_direction="CFF " in font)
                drawing.replay(transformPen.TransformPen(quadratic, (scale, 0, 0, scale, 0, 0)))
                name = names[point] = f"u{point:04X}"
                glyphs[name], widths[name] = pen.glyph(), round(outline.width * scale)
            notices.append(font["name"].getDebugName(0) or file.name)
    if not names:
        return None
    builder = FontBuilder(_UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)  # knows their bounds from here on
    builder.setupHorizontalMetrics({name: (width, getattr(glyphs[name], "xMin", 0)) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=_RISE[0], descent=_RISE[1])
    builder.setupNameTable({"familyName": "Bagan Symbols", "styleName": "Regular", "copyright": "; ".join(notices)})
    builder.setupOS2(sTypoAscender=_RISE[0], sTypoDescender=_RISE[1], usWinAscent=_RISE[0], usWinDescent=-_RISE[1])
    builder.setupPost(keepGlyphNames=False)
    return _bytes(builder.font)


def _bytes(font: Any) -> bytes:
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def _load(file: Path) -> bytes | None:
    """What was kept: empty for "no font"; None where there is nothing, or something damaged."""
    try:
        content = file.read_bytes()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("font cache %s cannot be read: %s", file, error.strerror)
        return None
    font = content[_DIGEST_BYTES:]
    return font if hashlib.sha256(font).digest() == content[:_DIGEST_BYTES] else None


def _save(file: Path, font: bytes) -> None:
    """Keep it as a whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            draft = Path(folder) / file.name
            draft.write_bytes(hashlib.sha256(font).digest() + font)
            draft.replace(file)
    except OSError as error:
        log.warning("font cache %s cannot be written: %s", file, error.strerror)
