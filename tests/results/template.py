"""Pages with parts that are filled in: `<!-- name -->`, or `<!-- name arguments -->`, alone or within a line."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

Part = Callable[[str], str]
"""Given the arguments, what stands in the place."""
_PLACE: Final = re.compile(r"<!-- (?P<name>[\w-]+)(?: (?P<arguments>[^>]*?))? -->")
_BLANKS: Final = re.compile(r"\n{3,}")


def drawn_from(name: str) -> str:
    """What a page says to those who would change it by hand."""
    return f"<!-- Drawn by `make figures` from docs/results/{name}.json; its prose is in tests/results. -->\n"


def fill(page: str, parts: Mapping[str, Part]) -> str:
    """The page with all its parts. Raises KeyError where it names one that there is not."""
    filled = _PLACE.sub(lambda found: parts[found["name"]](found["arguments"] or ""), page)
    return _BLANKS.sub("\n\n", filled).strip() + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown. What would end a cell or a line does not."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")
