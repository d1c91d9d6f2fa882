"""Results kept in a file, by name: the last of each, so that what is run anew takes the place of what was."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

DIGITS: Final = 6
"""Of a figure: more than any clock here can tell."""
_NUMBERS: Final = re.compile(rb"\[\s+(-?[\d.]+(?:e[+-]?\d+)?(?:,\s+-?[\d.]+(?:e[+-]?\d+)?)*)\s+\]")

Result = TypeVar("Result")


def read(path: Path, kind: type[Result]) -> list[Result]:
    """What the file says; nothing where there is none. Raises msgspec.MsgspecError where it is something else."""
    return msgspec.json.decode(path.read_bytes(), type=list[kind]) if path.exists() else []  # type: ignore[valid-type]


def keep(
    path: Path, kind: type[Result], new: Sequence[Result], name_of: Callable[[Result], str], order: Sequence[str]
) -> None:
    """Put these in the place of what the file says under the same names, sorted as `order` is."""
    last = {name_of(one): one for one in [*read(path, kind), *new]}
    ordered = [last[name] for name in [*order, *sorted(last.keys() - set(order))] if name in last]
    written = msgspec.json.encode(_rounded(msgspec.to_builtins(ordered)))
    path.write_bytes(_NUMBERS.sub(_on_a_line, msgspec.json.format(written, indent=1)) + b"\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _on_a_line(found: re.Match[bytes]) -> bytes:
    return b"[" + b" ".join(found[1].split()) + b"]"
