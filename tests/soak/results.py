"""The last outcome of each part, kept in a file."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.soak.part import Outcome


def read(path: Path) -> list[Outcome]:
    """What the file says; nothing where there is none. Raises msgspec.DecodeError where it is something else."""
    return msgspec.json.decode(path.read_bytes(), type=list[Outcome]) if path.exists() else []


def keep(path: Path, outcomes: Sequence[Outcome], order: Sequence[str]) -> None:
    """Put these in the place of what the file says of the same parts, sorted as `order` is."""
    kept = {one.part: one for one in [*read(path), *outcomes]}
    ordered = sorted(kept.values(), key=lambda one: order.index(one.part) if one.part in order else len(order))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
