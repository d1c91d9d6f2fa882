"""A `sync` that goes through all conversations of a user, page by page."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Comparison:
    """A `sync` that is wanted or under way, page by page."""

    wanted: bool = False
    asking: bool = False
    again: bool = False
    """Whether something happened since it began that it may not tell of."""
    after: str = ""
    heads: int = 0
    totals: set[int] = field(default_factory=set)

    def add(self, total: int, heads: int) -> None:
        """Count a page in."""
        self.totals.add(total)
        self.heads += heads

    @property
    def offset(self) -> int | None:
        """What the total has beyond the heads; None where it changed from page to page."""
        return self.totals.pop() - self.heads if len(self.totals) == 1 else None
