"""The files of the page: Flet's own, with our script in its index, and compressed once instead of for each visitor."""

import contextlib
import gzip
import importlib.util
import json
import mimetypes
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from client.errors import ClientError
from client.ui.spool import AT_ONCE
from client.ui.words import LANGUAGES

LARGE: Final = 100_000
"""Bytes from which on a file is compressed ahead."""
KEPT_S: Final = 7 * 86_400
"""For so long after its last start another version's folder is kept: it may be running, or starting just now."""
_BEFORE: Final = "<!-- fletAppConfig -->"
_FONTS: Final = "assets/FontManifest.json"
_FORMULAS: Final = "packages/flutter_math_fork/"
"""Fonts for formulas, which nobody writes here: 20 files that each page would fetch before it shows anything."""
_OWN: Final = Path(__file__).with_name("page")
_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
_PACKED: Final = (".js", ".mjs", ".wasm", ".otf", ".ttf", ".json", ".symbols", ".frag")


class PageError(ClientError):
    """Flet's page is missing, or is not the one that is known here."""

    kind = "page"


def web_folder() -> Path:
    """Where Flet's page is installed; raises PageError."""
    found = importlib.util.find_spec("flet_web")
    folder = Path(found.origin).with_name("web") if found is not None and found.origin else None
    if folder is None or not (folder / "index.html").is_file():
        raise PageError("Flet's web page is not installed: run make install")
    return folder


def write_page(folder: Path, *, desktop: bool = False) -> None:
    """Put into `folder` what is ours of the page: it stands before Flet's files of the same name. Raises PageError.

    On a `desktop` the page takes its tab's secret from its address.
    """
    index = (web_folder() / "index.html").read_text(encoding="utf-8")
    if index.count(_BEFORE) != 1:
        raise PageError("this Flet has another index.html than version 1.0.5: run make install")
    script = (_OWN / "page.js").read_text(encoding="utf-8")
    lost = {code: words.offline for code, words in LANGUAGES.items()}
    drop = {code: words.drop_here for code, words in LANGUAGES.items()}
    refused = {code: words.files_refused for code, words in LANGUAGES.items()}
    told = (
        f"const LOST = {json.dumps(lost)}, DROP = {json.dumps(drop)}, REFUSED = {json.dumps(refused)};\n"
        f"const AT_ONCE = {AT_ONCE}, DESKTOP = {json.dumps(desktop)};\n"
    )
    head = (_OWN / "head.html").read_text(encoding="utf-8")
    index = index.replace(_BEFORE, f"{head}<script>\n{told}{script}</script>\n  {_BEFORE}")
    (folder / "index.html").write_text(index, encoding="utf-8")
    (folder / "bagan.svg").write_bytes((_OWN / "bagan.svg").read_bytes())
    _write_fonts(folder / _FONTS)


def _write_fonts(file: Path) -> None:
    """Which fonts the page loads as it begins."""
    try:
        fonts = json.loads((web_folder() / _FONTS).read_text(encoding="utf-8"))
        needed = [font for font in fonts if not font["family"].startswith(_FORMULAS)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PageError("this Flet has another list of fonts than version 1.0.5: run make install") from error
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(needed), encoding="utf-8")


def pack(cache: Path) -> Path:
    """Compress the large files of Flet's page into a folder of `cache`, unless that was done before; the folder."""
    source = web_folder()
    version = (source / "version.json").stat()
    packed = cache / f"page-{version.st_mtime_ns}-{version.st_size}"
    packed.mkdir(parents=True, exist_ok=True)
    os.utime(packed)
    for file in source.rglob("*"):
        if file.suffix in _PACKED and file.is_file() and file.stat().st_size >= LARGE:
            made = packed / f"{file.relative_to(source)}.gz"
            if not made.exists():
                made.parent.mkdir(parents=True, exist_ok=True)
                content = gzip.compress(file.read_bytes(), compresslevel=9, mtime=0)
                with tempfile.NamedTemporaryFile(dir=made.parent, delete=False) as draft:
                    draft.write(content)
                Path(draft.name).replace(made)
    for old in cache.glob("page-*"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if old != packed and old.stat().st_mtime < time.time() - KEPT_S:
                shutil.rmtree(old, ignore_errors=True)
    return packed


class Packed:
    """ASGI middleware: answers with a compressed file where there is one and the browser takes it."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        self._folder = folder
        self._files = _Compressed(directory=folder)
        self._names = {f"/{file.relative_to(folder)}".removesuffix(".gz") for file in folder.rglob("*.gz")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        takes = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] in self._names
        if (
            takes
            and _GZIP.search(Headers(scope=scope).get("accept-encoding", ""))
            and (self._folder / f"{scope['path'][1:]}.gz").is_file()  # a cache may be emptied at any time
        ):
            await self._files(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Compressed(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(f"{path}.gz", scope)
        kind, _ = mimetypes.guess_type(path)
        response.headers["Content-Type"] = kind or "application/octet-stream"
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return response
