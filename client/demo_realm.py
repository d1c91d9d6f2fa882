"""A realm for the demo: a process of its own, in a temporary folder, on free ports. It leaves nothing behind."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from client.dial import Address
from client.errors import UnreachableError

NAME: Final = "kampus"
START_S: Final = 30.0
STOP_S: Final = 10.0
_READY: Final = re.compile(rb"front door (\S+):(\d+)")


@contextlib.asynccontextmanager
async def demo_realm(folder: Path) -> AsyncIterator[tuple[Address, "asyncio.subprocess.Process"]]:
    """A realm with the demo accounts, and its front door; raises UnreachableError where it does not start."""
    log = folder / "realm.log"
    where = ("--name", NAME, "--data", str(folder / "data"))
    with log.open("wb") as errors:
        accounts = await _realm("demo-data", *where, errors=errors.fileno())
        await _ended(accounts)
        if accounts.returncode:
            raise UnreachableError(f"the demo accounts could not be made: {_last_line(log)}")
        process = await _realm("run", *where, "--port", "0", errors=errors.fileno())
    try:
        yield await _front_door(process, log), process
    finally:
        await _ended(process, stop=True)


async def _realm(*arguments: str, errors: int) -> "asyncio.subprocess.Process":
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "realm",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # Ctrl-C is for the demo, which then ends the realm in good order
    )


async def _front_door(process: "asyncio.subprocess.Process", log: Path) -> Address:
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            async for line in process.stdout:
                if found := _READY.search(line):
                    return Address(found[1].decode(), int(found[2]))
    raise UnreachableError(f"the realm did not start: {_last_line(log)}")


async def _ended(process: "asyncio.subprocess.Process", *, stop: bool = False) -> None:
    """Wait for the end of a process; it does not outlive this call."""
    try:
        if stop and process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await process.wait()
        elif not stop:
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it does not say why")


def own_python() -> str:
    """This interpreter, as somebody in this folder would call it."""
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        return os.fspath(python.relative_to(Path.cwd()))
    return os.fspath(python)
