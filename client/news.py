"""What was said since somebody began to listen."""

from typing import Final

from schemas.entries import Entry

OWN: Final = 1_000
"""The latest entries of this device that are remembered until they are in their places."""


class News:
    """What was said since this began: by others, or by the user's other devices."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._own: dict[str, None] = {}

    def own(self, entry: str) -> None:
        """This device says that, and will see it in its place: it is no news to it."""
        if len(self._own) >= OWN:
            del self._own[next(iter(self._own))]
        self._own[entry] = None

    def disown(self, entry: str) -> None:
        """It was refused."""
        self._own.pop(entry, None)

    def tell(self, entry: Entry) -> None:
        """An entry is in its place, for the first time."""
        if entry.id in self._own:
            del self._own[entry.id]
        else:
            self.entries.append(entry)
