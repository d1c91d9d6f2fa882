"""Ctrl-C that stops one thing, and not the program."""

import asyncio
import signal

import pytest

from client.errors import StoppedError
from client.interrupts import stoppable
from tests.rules.client_kit import run


def test_what_ends_by_itself_gives_what_it_has_and_leaves_ctrl_c_as_it_was() -> None:
    async def handler() -> object:
        return signal.getsignal(signal.SIGINT)

    async def test() -> None:
        before = signal.getsignal(signal.SIGINT)
        assert await stoppable(handler()) is not before
        assert signal.getsignal(signal.SIGINT) is before

    run(test())


def test_ctrl_c_stops_it_once_and_it_may_tidy_up() -> None:
    async def test() -> None:
        before = signal.getsignal(signal.SIGINT)
        tidied: list[str] = []

        async def work() -> None:
            try:
                signal.raise_signal(signal.SIGINT)
                await asyncio.Event().wait()
            finally:
                signal.raise_signal(signal.SIGINT)
                for _ in range(3):  # the loop sees the signal meanwhile
                    await asyncio.sleep(0)
                tidied.append("all of it")

        with pytest.raises(StoppedError, match="goes on from there"):
            await stoppable(work())
        assert tidied == ["all of it"]
        assert signal.getsignal(signal.SIGINT) is before

    run(test())


def test_an_error_of_its_own_and_being_cancelled_are_told_as_they_are() -> None:
    async def failing() -> None:
        raise ValueError("wrong")

    async def test() -> None:
        with pytest.raises(ValueError, match="wrong"):
            await stoppable(failing())
        waiting = asyncio.create_task(stoppable(asyncio.Event().wait()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(test())
