"""Files that a window of this machine saves, beside all else: how far each is, and a way to end it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from client.courier import Courier
from client.ui.draw import Tick
from schemas.entries import File


@dataclass(eq=False)
class Saved:
    """One that is being saved."""

    file: File
    task: "asyncio.Task[Path]"
    percent: int = 0

    def cancel(self) -> None:
        """Save no more of it; what has come is gone on with if it is saved there again."""
        self.task.cancel()


class Saving:
    """Those of one window; `tick` is for where they are shown."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self.under_way: list[Saved] = []

    async def save(self, courier: Courier, file: File, path: Path) -> Path | None:
        """Where the file is now, None where somebody has ended it; raises what `Courier.download` does."""

        def moved(done: int, size: int) -> None:
            percent = done * 100 // size if size else 100
            if percent != one.percent:
                one.percent = percent
                self._tick.redraw()

        one = Saved(file, asyncio.ensure_future(courier.download(file, path, moved, moved)))
        self.under_way.append(one)
        self._tick.redraw()
        try:
            await asyncio.wait({one.task})
            return None if one.task.cancelled() else one.task.result()
        finally:
            one.task.cancel()
            self.under_way.remove(one)
            self._tick.redraw()
