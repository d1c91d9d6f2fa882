"""Realms for the demo: processes of their own, in a temporary folder, on free ports. They leave nothing behind."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client.connection import Connection
from client.dial import Address
from client.errors import UnreachableError
from client.keyring import Keyring
from schemas import commands
from schemas.names import Name

NAME: Final = "kampus"
OTHER: Final = "pusat"
MAKER: Final = "messi"
"""Who is in every demo realm, and makes them known to each other."""
PASSWORD: Final = "surabaya"  # noqa: S105 - public, and only for demos
START_S: Final = 30.0
STOP_S: Final = 10.0
_READY: Final = re.compile(rb"front door (\S+):(\d+)")


@dataclass(frozen=True, slots=True)
class DemoRealm:
    """One that runs."""

    name: str
    door: Address
    process: "asyncio.subprocess.Process"


@contextlib.asynccontextmanager
async def demo_realm(folder: Path, name: str = NAME) -> AsyncIterator[DemoRealm]:
    """A realm with the demo accounts; raises UnreachableError where it does not start."""
    log = folder / f"{name}.log"
    where = ("--name", name, "--data", str(folder / name))
    with log.open("wb") as errors:
        accounts = await _realm("demo-data", *where, errors=errors.fileno())
        await _ended(accounts)
        if accounts.returncode:
            raise UnreachableError(f"the demo accounts could not be made: {_last_line(log)}")
        process = await _realm("run", *where, "--port", "0", errors=errors.fileno())
    try:
        yield DemoRealm(name, await _front_door(process, log), process)
    finally:
        await _ended(process, stop=True)


@contextlib.asynccontextmanager
async def demo_realms(folder: Path, *names: str) -> AsyncIterator[list[DemoRealm]]:
    """Some of them, started and ended side by side, which know each other; raises as `demo_realm` does."""
    over = asyncio.Event()
    lives = [_Life(folder, name, over) for name in names]
    try:
        realms = [await life.ready for life in lives]
        await _introduce(folder, realms)
        yield realms
    finally:
        over.set()
        await _all_ended(lives)


class _Life:
    """A realm from its start until it is over."""

    def __init__(self, folder: Path, name: str, over: asyncio.Event) -> None:
        self.ready: asyncio.Future[DemoRealm] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._live(folder, name, over))
        self.task.add_done_callback(self._ended)

    async def _live(self, folder: Path, name: str, over: asyncio.Event) -> None:
        async with demo_realm(folder, name) as realm:
            self.ready.set_result(realm)
            await over.wait()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if self.ready.done():
            return
        if error is not None:
            self.ready.set_exception(error)
            self.ready.exception()  # of two that fail, one is told
        else:
            self.ready.cancel()


async def _all_ended(lives: list[_Life]) -> None:
    """Wait for their ends; what is cut short while it starts, or ends, still ends what it has started."""
    tasks = [life.task for life in lives]
    for life in lives:
        if not life.ready.done():
            life.task.cancel()
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise


async def _introduce(folder: Path, realms: list[DemoRealm]) -> None:
    """Make the others known to the first, which makes it known to them."""
    first, *others = realms
    if not others:
        return
    keyring = Keyring(folder / "introduces")
    connection = await Connection.open(*first.door, keyring.keys(), keyring.pins, listen=False)
    async with connection:
        await connection.ask(commands.Auth(id=0, username=Name(MAKER), password=PASSWORD))
        for realm in others:
            host, port = realm.door
            await connection.ask(commands.AddRealm(id=0, realm=Name(realm.name), address=host, port=port))
        await connection.ask(commands.Logout(id=0))


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
