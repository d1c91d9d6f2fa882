"""A realm of bare sockets for the client's tests, and what it answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgpack
import zmq
import zmq.asyncio

from client.keyring import new_key_pair
from client.session import Login

LOGIN = Login(tokenId="T1", user="messi@kampus", name="Lionel Messi", topic=b"t" * 16, epoch=7)

OPENED: dict[str, Any] = {
    "status": "OK",
    "tokenId": "T1",
    "user": "messi@kampus",
    "name": "Lionel Messi",
    "country": "Argentina",
    "admin": False,
    "topic": b"t" * 16,
    "epoch": 7,
}

WELCOME = msgpack.packb({"event": "welcome", "epoch": 7, "total": 0})

Handle = Callable[[dict[str, Any], int], dict[str, Any] | None]


class FakeRealm:
    """A front door, and behind it what `handle` says: it is given the command and how often it was asked.

    File bytes are under `bytes`, both ways.
    """

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.keys = new_key_pair()
        self.context = zmq.asyncio.Context()
        self.asked: list[tuple[bytes, dict[str, Any]]] = []
        self.subscriptions: list[bytes] = []
        self.mute = 0
        """How many subscriptions get no welcome."""
        self.door, self.door_port = self._bind(zmq.ROUTER)
        self.commands, self.commands_port = self._bind(zmq.ROUTER, curve=True)
        self.push, self.push_port = self._bind(zmq.XPUB, curve=True)
        self.card: dict[str, Any] = {
            "status": "OK", "realm": "kampus", "version": 1, "features": [], "key": self.keys.public,
            "commands": self.commands_port, "push": self.push_port,
        }  # fmt: skip

    def _bind(self, kind: int, *, curve: bool = False) -> tuple[zmq.asyncio.Socket, int]:
        socket = self.context.socket(kind)
        socket.linger = 0
        if curve:
            socket.curve_server = True
            socket.curve_secretkey = self.keys.secret.encode()
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        return socket, socket.bind_to_random_port("tcp://127.0.0.1")

    async def serve_door(self) -> None:
        while True:
            *route, _ = await self.door.recv_multipart()
            await self.door.send_multipart([*route, msgpack.packb(self.card)])

    async def serve_commands(self) -> None:
        while True:
            route, frame, *more = await self.commands.recv_multipart()
            command = msgpack.unpackb(frame)
            if more:
                command["bytes"] = more[0]
            self.asked.append((route, command))
            times = sum(asked["id"] == command["id"] for _, asked in self.asked)
            answer = self.handle(command, times)
            if answer is not None:
                told = {"id": command["id"], "status": "OK"} | answer
                payload = [told.pop("bytes")] if "bytes" in told else []
                await self.commands.send_multipart([route, msgpack.packb(told), *payload])

    async def serve_push(self) -> None:
        while True:
            frame = await self.push.recv()
            self.subscriptions.append(frame)
            if frame[:1] == b"\x01" and self.mute:
                self.mute -= 1
            elif frame[:1] == b"\x01":
                await self.push.send_multipart([frame[1:], WELCOME])


@contextlib.asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[FakeRealm]:
    realm = FakeRealm(handle)
    tasks = [asyncio.create_task(work) for work in (realm.serve_door(), realm.serve_commands(), realm.serve_push())]
    try:
        yield realm
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for socket in (realm.door, realm.commands, realm.push):
            socket.close()
        realm.context.term()
        assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test, and find out that it has left no task behind."""

    async def checked() -> None:
        await test
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.run(checked())
