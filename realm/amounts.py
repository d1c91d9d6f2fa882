"""Counts, sizes and times in words, as the operator's commands say them."""

from typing import Final

_SPANS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_SIZES: Final = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def counted(count: int, thing: str, things: str = "") -> str:
    """`1 entry`, `2,000 entries`; without `things`, an `s` makes them more."""
    return f"1 {thing}" if count == 1 else f"{count:,} {things or thing + 's'}"


def shown_size(size: int) -> str:
    """Bytes, roughly: in the largest unit of which there is one, as the settings count."""
    for unit, name in _SIZES:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return counted(size, "byte")


def shown_span(ms: int) -> str:
    """So long, roughly: in the largest unit of which there is one; nothing is shorter than `0 s`."""
    for unit, name in _SPANS:
        if ms >= unit:
            return f"{ms // unit} {name}"
    return "0 s"
