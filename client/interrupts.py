"""Ctrl-C that stops one thing, and not the program."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from client.errors import StoppedError

T = TypeVar("T")


async def stoppable(work: Coroutine[Any, Any, T]) -> T:
    """Do it; the first Ctrl-C meanwhile cancels it, any other does nothing. Raises StoppedError if it has ended so.

    For the main thread, where signals come.
    """
    loop = asyncio.get_running_loop()
    doing = loop.create_task(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = doing.cancel()

    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        return await doing
    except asyncio.CancelledError as error:
        if not stopped:
            raise
        raise StoppedError("stopped; what has been carried is kept, and the same again goes on from there") from error
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)  # the loop would put another one there than it has found
