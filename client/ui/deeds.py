"""What is done in a window: by its person, each thing once at a time, and beside that; who fails is told of."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any

from client.errors import ClientError
from client.ui.draw import Handler, handler

log = logging.getLogger(__name__)


def _deed(work: Callable[[], object]) -> Hashable:
    """What is the same for a function that is made anew with each drawing; None for a lambda."""
    code = None if inspect.ismethod(work) else getattr(work, "__code__", None)
    if code is None:
        return work
    return None if code.co_name == "<lambda>" else code


class Deeds:
    """Those of one window."""

    def __init__(self) -> None:
        self._under_way: set[Hashable] = set()
        """What was pressed and is not done yet."""
        self._tasks: set[asyncio.Task[None]] = set()

    def failed(self, error: ClientError | None) -> None:
        """Something did not work: say so."""
        raise NotImplementedError

    def start_task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Do something beside what the person does; it ends with the window."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, ClientError):
            self.failed(error)
        else:
            log.error("a task of a window failed", exc_info=error)
            self.failed(None)

    def handle(self, work: Callable[[Any], Awaitable[None] | None]) -> Handler:
        """A handler of events of this page, whose failure is told in one sentence."""
        return handler(work, self.failed)

    def press(self, work: Callable[[], Awaitable[None] | None], once: Hashable = None) -> Handler:
        """As `handle`, for what needs nothing of the event. While it is being done it is not begun again.

        So a double click is one, and so is a button beside the Enter of its field, whatever is drawn anew meanwhile.
        Functions are told apart by where they are written. `once` tells apart what one does to different things, such
        as saving files; and a lambda, which is not guarded without it.
        """
        deed = once or _deed(work)

        async def alone(_: object) -> None:
            if deed in self._under_way:
                return
            if deed is not None:
                self._under_way.add(deed)
            try:
                done = work()
                if inspect.isawaitable(done):
                    await done
            finally:
                self._under_way.discard(deed)

        return handler(alone, self.failed)

    def end_tasks(self) -> None:
        """End what was begun beside what the person does."""
        for task in list(self._tasks):
            task.cancel()
