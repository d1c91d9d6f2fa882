"""On which lines of a TOML text its keys are: `tomllib` does not say.

The text has been read by that already, so it is valid; here only keys, brackets, quotes and comments count.
"""

import re
from collections.abc import Generator, Iterator
from typing import Final

Path = tuple[str | int, ...]
"""Tables and a key; behind a key, the place of an item in its list, from 0."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(
    r"""[ \t]*(?:(?P<bare>[A-Za-z0-9_-]+)|"(?P<basic>(?:\\.|[^"\\])*)"|'(?P<literal>[^']*)')[ \t]*"""
)
_TEXT: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|'[^'\n]*'|\#[^\n]*''', re.DOTALL
)
_OPENS, _CLOSES = "[{", "]}"


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every table, key and item of a list; the first one, where a table has several.

    Keys inside of `{…}` are on the line of the key before it.
    """
    return {path: text.count("\n", 0, at) + 1 for path, at in reversed(list(_places(text)))}


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of a path, or of what is nearest above it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Where each begins."""
    table: Path = ()
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            began = at
            at += 1 + text.startswith("[[", at)
            table, at = _key(text, at)
            yield from _each(table, 0, began)
            at = text.find("\n", at) % (len(text) + 1)
        else:
            key, after = _key(text, at)
            yield from _each((*table, *key), len(table), at)
            at = yield from _value(text, after + 1, (*table, *key))
        at = _skip(text, at)


def _each(path: Path, known: int, at: int) -> Iterator[tuple[Path, int]]:
    """A dotted key names every table on its way."""
    for length in range(known + 1, len(path) + 1):
        yield path[:length], at


def _key(text: str, at: int) -> tuple[Path, int]:
    """A key, dotted or not, and where it ends."""
    parts: list[str] = []
    while found := _KEY.match(text, at):
        parts.append(next(part for part in found.group("bare", "basic", "literal") if part is not None))
        at = found.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(parts), at


def _value(text: str, at: int, path: Path) -> Generator[tuple[Path, int], None, int]:
    """Go over a value; where it is a list, tell where its items begin. Returns where the value ends."""
    depth = item = 0
    is_list = awaited = False
    while at < len(text) and (depth or text[at] not in "\n#"):
        found = _TEXT.match(text, at)
        one = text[at]
        if awaited and depth == 1 and not one.isspace() and one not in "#,]":
            yield (*path, item), at
            awaited = False
        if found:
            at = found.end()
            continue
        if one in _OPENS:
            is_list = is_list or (not depth and one == "[")
            awaited = awaited or (not depth and is_list)
            depth += 1
        elif one in _CLOSES:
            depth -= 1
        elif one == "," and depth == 1 and is_list:
            item += 1
            awaited = True
        at += 1
    return at


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
