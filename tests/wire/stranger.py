"""A whole client, to copy: pyzmq, msgpack and the protocol page are all that it knows.

`python stranger.py HOST:PORT USER PASSWORD` shows what is said to USER; a line `TO message…` is sent.
"""

import hashlib
import json
import secrets
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgpack
import zmq

Map = dict[str, Any]
CONTENT = {"file": ("name", "size", "media_type", "digest"), "bounce": ("re", "code", "message")}


def follows(chain: bytes, entry: Map) -> bool:
    """Whether `entry` comes right after the one that has this `chain`."""
    part, keys = entry.get("file", entry), CONTENT.get(entry["kind"])
    content = msgpack.packb([part.get(key) for key in keys]) if keys else entry.get("message", "").encode()
    body = entry.get("body") or hashlib.blake2b(entry["salt"] + content, digest_size=32).digest()
    told = [*(entry[key] for key in ("conversation", "seq", "id", "from", "sent_at", "kind")), body]
    return hashlib.blake2b(chain + msgpack.packb(told), digest_size=32).digest() == bytes(entry["chain"])


def new_ulid() -> str:
    """48 bits of milliseconds and 80 random ones in 26 characters. It makes a send repeatable."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(125, -1, -5))


class Client:
    """One user on one device, who keeps `keys` (a CURVE key pair) and `pins` (the keys of realms)."""

    def __init__(self, address: str, keys: list[str], pins: dict[str, str]) -> None:
        self.host, _, port = address.rpartition(":")
        self.keys, self.card = keys, Map(door=port)
        with self.connect(zmq.REQ, "door") as door:
            door.send(msgpack.packb({"cmd": "identity", "id": 0}))
            self.card = msgpack.unpackb(door.recv())
        realm, key = self.card["realm"], self.card["key"]
        for place, now in {address: f"{realm} {key}", realm: key}.items():
            if pins.setdefault(place, now) != now:
                raise ValueError(f"{place} is not what it was: its key has changed")
        self.commands, self.push = self.connect(zmq.DEALER, "commands"), self.connect(zmq.SUB, "push")
        self.calls, self.epoch, self.session = 0, -1, Map()
        self.last: dict[str, tuple[int, bytes]] = defaultdict(lambda: (0, bytes(32)))  # seq and chain shown

    def connect(self, kind: int, port: str) -> "zmq.Socket[bytes]":
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        socket.linger, socket.rcvtimeo = 0, 10_000
        if "key" in self.card:  # the front door alone is in the clear
            socket.curve_serverkey = self.card["key"].encode()
            socket.curve_publickey, socket.curve_secretkey = (half.encode() for half in self.keys)
        socket.connect(f"tcp://{self.host}:{self.card[port]}")
        return socket

    def ask(self, cmd: str, **arguments: object) -> Map:
        """The answer to one command. Answers may come in any order: the id tells which is ours."""
        self.calls += 1
        for _ in range(2):
            self.commands.send(msgpack.packb({"cmd": cmd, "id": self.calls, **self.session, **arguments}))
            while self.commands.poll(10_000):
                answer = dict(msgpack.unpackb(self.commands.recv()))
                if answer["id"] == self.calls and answer["status"] == "OK":
                    return answer
                if answer["id"] == self.calls:
                    raise RuntimeError(answer["code"], answer["message"])  # for programs, for people
            self.commands.close()  # no answer in 10 s: open a new socket and ask again
            self.commands = self.connect(zmq.DEALER, "commands")
        raise TimeoutError(f"no answer to {cmd}")

    def open(self, cmd: str, **arguments: str) -> None:
        """`auth`, `register`, or `resume` with a kept `tokenId`; then listen to the session's topic."""
        answer = self.ask(cmd, **arguments)
        self.session = {"tokenId": answer["tokenId"]}
        self.push.close()
        self.push = self.connect(zmq.SUB, "push")
        self.push.subscribe(answer["topic"])
        if not self.push.poll(2_000):  # no welcome: a fresh socket, and subscribe again
            self.open("resume")

    def hear(self) -> None:
        """Wait for the next event, and fetch what it shows to be missing."""
        event = msgpack.unpackb(self.push.recv_multipart()[1])
        if event["event"] == "welcome":  # a new connection: anything may have been missed
            self.heartbeat()
        elif event["event"] == "entry":
            self.keep(event["entry"])

    def heartbeat(self) -> None:
        """Once in 20 s: stay active, and see by the heads whether push has dropped a last entry."""
        page: Map = {"more": True}
        while page["more"]:
            page = self.ask("sync", cursors={}, **({"after": page["next"]} if "next" in page else {}))
            if page["epoch"] != self.epoch:  # the realm was restored from a backup: begin anew
                self.epoch = page["epoch"]
                self.last.clear()
            for conversation, head in page["heads"].items():
                self.repair(conversation, head)

    def keep(self, entry: Map) -> None:
        seq, chain = self.last[entry["conversation"]]
        if entry["seq"] > seq + 1:
            self.repair(entry["conversation"], entry["seq"])  # a gap
        elif entry["seq"] == seq + 1:
            if chain and not follows(chain, entry):
                raise ValueError(f"the chain of {entry['conversation']} breaks at {entry['seq']}")
            self.last[entry["conversation"]] = entry["seq"], entry["chain"]
            said = entry["file"]["name"] if "file" in entry else entry.get("message", "(erased)")
            print(f"{entry['from']}: {said}", flush=True)

    def repair(self, conversation: str, head: int) -> None:
        while (seq := self.last[conversation][0]) < head:
            page = self.ask("history", conversation=conversation, after=seq)
            if page["first"] > seq + 1:  # retention has removed what the next one would be checked against
                self.last[conversation] = page["first"] - 1, b""
            for entry in page["entries"]:
                self.keep(entry)


if __name__ == "__main__":
    kept, due = Path.home() / ".stranger.json", 0.0
    kept.touch(0o600)
    fresh = json.dumps({"pins": {}, "keys": [half.decode() for half in zmq.curve_keypair()]})
    state = json.loads(kept.read_text() or fresh)
    client = Client(sys.argv[1], **state)
    kept.write_text(json.dumps(state))
    client.open("auth", username=sys.argv[2], password=sys.argv[3])
    with open(0, "rb", buffering=0) as typed:
        while True:
            readable, _, closed = zmq.select([client.push, 0], [], [0], 20)
            if client.push in readable:
                client.hear()
            if 0 in readable + closed:
                to, space, message = typed.readline().decode().strip().partition(" ")
                if not to:
                    break
                try:
                    client.ask("send", to=to, message=message, entry=new_ulid())
                except RuntimeError as refused:
                    print(*refused.args, flush=True)
            if time.monotonic() > due:
                client.heartbeat()
                due = time.monotonic() + 20
