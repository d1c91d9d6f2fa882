"""A dialogue with a realm's core, frame by frame: as it is recorded, and as it is played to a later core."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
import msgspec

from realm.effects import Reply
from realm.inputs import Subscribed, Tick
from realm.request import Request, Route
from schemas.codec import Malformed, decode_command, encode_answer, encode_event, encode_refusal
from schemas.errors import Refusal
from schemas.names import Name
from tests.rules.kit import RealmKit, key_of

Map = dict[str, Any]

PEER: Final = Name("pusat")
PEER_KEY: Final = "key-of-pusat".ljust(40, "-")
PATIENCE_MS: Final = 3_000
"""After so long a realm answers, whatever its peers do."""
LATER: Final = {"a_later_version": {"says": ["more", 1, None]}}
"""What a later version may say besides: unknown keys are ignored."""

OPAQUE: Final = frozenset(
    {"tokenId", "topic", "epoch", "salt", "chain", "upload", "next", "incident", "retry_after"}
    | {"last_contact", "down_since", "next_try"}
)
"""What is another value each time; that it is there, and of which type, is what counts."""


class Step(NamedTuple):
    """Who says what, what is answered, and which events are pushed meanwhile.

    Where nothing is said, somebody has subscribed; where nobody says it, it is a frame that does not come up here.
    """

    who: str
    said: list[bytes]
    answered: list[bytes]
    pushed: list[bytes]

    @property
    def body(self) -> Map:
        return dict(msgpack.unpackb(self.said[0], strict_map_key=False))

    @property
    def answer(self) -> Map:
        return dict(msgpack.unpackb(self.answered[0], strict_map_key=False))


class Dialogue:
    """People, and another realm (`@pusat`), who speak to a realm called kampus."""

    def __init__(self, folder: Path) -> None:
        self.kit = RealmKit(folder)
        with self.kit.store.transaction() as tx:
            tx.add_peer(PEER, PEER_KEY, "10.0.0.1", 8889, now=1)
        self.kit.restart()
        self.calls = 0

    def close(self) -> None:
        self.kit.close()

    def say(self, who: str, *frames: bytes) -> Step:
        """Say these frames, and wait for the answer."""
        key = key_at(who)
        decoded = decode_command(list(frames))
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        self.calls += 1
        before = len(self.kit.published)
        asked = Request(Route(b"\0" + key.encode()[:4]), key, "127.0.0.1", body, data)
        replies = self.kit.turn(asked) + self.kit.do_jobs()
        if not replies:
            self.kit.now += PATIENCE_MS
            replies = self.kit.turn(Tick()) + self.kit.do_jobs()
        [reply] = replies
        pushed = [encode_event(event) for _, event in self.kit.published[before:]]
        return Step(who, list(frames), _frames(reply), pushed)

    def listen(self, who: str, topic: bytes) -> Step:
        """Subscribe; nothing is answered, and something is pushed."""
        before = len(self.kit.published)
        self.kit.turn(Subscribed(key_at(who), topic))
        return Step(who, [], [], [encode_event(event) for _, event in self.kit.published[before:]])


def key_at(who: str) -> str:
    """The key that somebody speaks with; `messi#phone` is another device."""
    return PEER_KEY if who.startswith("@") else key_of(who)


def _frames(reply: Reply) -> list[bytes]:
    answer = reply.answer
    frame = encode_refusal(reply.request.call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
    return [frame] if reply.data is None else [frame, reply.data]


def write(path: Path, steps: list[Step]) -> None:
    """One step a line: frames as hex."""
    rows = [
        {
            "who": one.who,
            **{name: [frame.hex() for frame in getattr(one, name)] for name in ("said", "answered", "pushed")},
        }
        for one in steps
    ]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def read(path: Path) -> list[Step]:
    return [
        Step(row["who"], *([bytes.fromhex(frame) for frame in row[name]] for name in ("said", "answered", "pushed")))
        for row in json.loads(path.read_text())
    ]


def replay(path: Path, folder: Path, *, later: bool) -> Iterator[tuple[Step, Step]]:
    """What was recorded, and what is answered now, step by step; `later`: as a later version would say it."""
    values: dict[bytes, bytes] = {}
    with closing(Dialogue(folder)) as dialogue:
        for recorded in read(path):
            if not recorded.who:
                now = recorded
            elif not recorded.said:
                old = next(iter(_topics(path, recorded.who)))
                now = dialogue.listen(recorded.who, values.get(old, old))
            else:
                frames = [_filled(frame, values) for frame in recorded.said]
                if later:
                    frames[0] = msgpack.packb(with_more(msgpack.unpackb(frames[0], strict_map_key=False)))
                now = dialogue.say(recorded.who, *frames)
                _learn(recorded.answer, now.answer, values)
            yield recorded, now


def with_more(told: Any) -> Any:
    """The same with unknown keys in it: in the map itself, and in those of its fields that have fields of their own."""
    if isinstance(told, list):
        return [with_more(one) for one in told]
    if not isinstance(told, dict):
        return told
    by_name = {"cursors", "heads", "active", "results"}
    return {key: value if key in by_name else with_more(value) for key, value in told.items()} | LATER


def same(recorded: Any, now: Any, name: str = "", inside: str = "") -> bool:
    """Whether an answer says all that the recorded one said; it may say more."""
    if isinstance(recorded, dict):
        if not isinstance(now, dict):
            return False
        keys = {"id", "status", "code"} if recorded.get("status") == "ERROR" else recorded.keys()
        return all(key in now and same(recorded[key], now[key], key, name) for key in keys)
    if isinstance(recorded, list):
        return (
            isinstance(now, list)
            and len(now) == len(recorded)
            and all(same(one, other, name, inside) for one, other in zip(recorded, now, strict=True))
        )
    return type(recorded) is type(now) if is_opaque(name, inside) else bool(recorded == now)


def is_opaque(name: str, inside: str) -> bool:
    """A value that is another each time; so are the ids of files."""
    return name in OPAQUE or name == "file" or (name == "id" and inside in ("file", "file_info"))


def _topics(path: Path, who: str) -> Iterator[bytes]:
    yield from (one.answer["topic"] for one in read(path) if one.said and one.who == who and "topic" in one.answer)


def _filled(frame: bytes, values: dict[bytes, bytes]) -> bytes:
    """The recorded frame with the values of today in the place of those of then, which are as long."""
    for old, new in values.items():
        frame = frame.replace(old, new)
    return frame


def _learn(recorded: Map, now: Map, values: dict[bytes, bytes]) -> None:
    for name in ("tokenId", "topic", "upload", "file"):
        old, new = (one.get(name, b"") for one in (recorded, now))
        old, new = (one.encode() if isinstance(one, str) else one for one in (old, new))
        if isinstance(old, bytes) and old != new:
            assert len(old) == len(new), f"{name} is of another length, which the frames after it cannot take"
            values[old] = new


def shown(frame: bytes) -> Any:
    return msgspec.msgpack.decode(frame, strict=False)
