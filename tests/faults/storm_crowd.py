"""A crowd of clients that do the same thing at once, each with a key, a session and two connections of its own.

They come in pairs who talk to each other, so that what everybody must have got is plain: a conversation holds what
both said and nothing else, and its head when a listener was welcomed says which of it must come by push.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import zmq

from schemas import names
from tests.bench.people import REALM, User
from tests.bench.wire import connect, subscribe
from tests.faults.storm_kit import Site, crowd_of
from tests.wire.dialling import Map, packed, unpacked
from tests.wire.stranger import new_ulid

PATIENCE_MS: Final = 60_000
"""Longer than a storm lasts."""
WELCOME_MS: Final = 2_000
"""Without a welcome for so long, subscribe again."""


class Client:
    """One of them."""

    def __init__(self, here: "Crowd", user: User, other: User) -> None:
        self.user, self.other = user, other
        self.conversation = names.private(names.full(user.name, REALM), names.full(other.name, REALM))
        self.said: dict[str, int] = {}
        """What was said and answered OK: its number, by its id."""
        self.held: dict[int, str] = {}
        """Entries that came by push or in a page, or were answered: their ids, by number."""
        self.pushed: Counter[str] = Counter()
        self.known = 0
        """The conversation's head when the listener was welcomed: what comes after it must be pushed."""
        self._here = here
        self._calls = 0
        self._under_way: dict[int, str] = {}
        """What was said and not answered, by the call."""
        self._waiting: set[int] = set()
        """Other calls without an answer."""
        self._answers: list[Map] = []

    def open(self) -> None:
        """Connect, resume and subscribe, waiting for nothing. What was said and not answered is said again."""
        site, keys = self._here.site, self.user.keys
        self.pushed.clear()
        self._commands = connect(self._here.context, zmq.DEALER, site.realm.commands, site.server, keys)
        self._waiting.clear()
        self.ask("resume")
        again, self._under_way = self._under_way, {}
        for entry in again.values():
            self._send(entry)
        self._push = subscribe(self._here.context, site.realm.push, site.server, keys, [self.user.topic])

    def close(self) -> None:
        """End both connections."""
        self._commands.close()
        self._push.close()

    def say(self, times: int = 1) -> None:
        """Say something to the other, waiting for nothing."""
        for _ in range(times):
            self._send(new_ulid())

    def ask(self, cmd: str, **arguments: object) -> None:
        """Any other command, waiting for nothing."""
        self._waiting.add(self._post(cmd, arguments))

    def answers(self) -> list[Map]:
        """Wait until all is answered; the answers to what was asked."""
        while self._under_way or self._waiting:
            self.answered()
        answers, self._answers = self._answers, []
        return answers

    def answered(self) -> None:
        """Wait for one answer."""
        assert self._commands.poll(PATIENCE_MS), f"no answer to {self.user.name}"
        self._take()

    def read(self) -> int:
        """Take the answers that are here; how many."""
        count = 0
        with suppress(zmq.Again):
            while True:
                self._take(zmq.NOBLOCK)
                count += 1
        return count

    def welcomed(self) -> None:
        """Wait for the welcome, and subscribe again as often as that does not come."""
        for _ in range(PATIENCE_MS // WELCOME_MS):
            if self._push.poll(WELCOME_MS):
                event = self._event()
                assert event["event"] == "welcome", event
                self.known = event["total"]
                return
            self._push.unsubscribe(self.user.topic)
            self._push.subscribe(self.user.topic)
        raise AssertionError(f"no welcome for {self.user.name}")

    def hear_until(self, entry: str) -> None:
        """Take what is pushed, until this comes."""
        while not self.pushed[entry]:
            assert self._push.poll(PATIENCE_MS), f"{self.user.name} hears nothing"
            self._event()

    @property
    def unanswered(self) -> int:
        """How much of what was said has no answer."""
        return len(self._under_way)

    @property
    def last(self) -> str:
        """What was said last."""
        return max(self.said, key=lambda entry: self.said[entry])

    @property
    def cursor(self) -> int:
        """So far nothing is missing."""
        seq = 0
        while seq + 1 in self.held:
            seq += 1
        return seq

    def keep(self, entries: Sequence[Map]) -> None:
        """These came in a page."""
        for entry in entries:
            assert self.held.setdefault(entry["seq"], entry["id"]) == entry["id"]

    def _send(self, entry: str) -> None:
        arguments = {"to": self.other.name, "message": "x" * 100, "entry": entry}
        self._under_way[self._post("send", arguments)] = entry

    def _post(self, cmd: str, arguments: dict[str, Any]) -> int:
        self._calls += 1
        self._commands.send(packed(cmd=cmd, id=self._calls, tokenId=self.user.token, **arguments))
        return self._calls

    def _take(self, flags: int = 0) -> None:
        answer = unpacked(self._commands.recv(flags))
        assert answer["status"] == "OK", answer
        entry = self._under_way.pop(answer["id"], None)
        if entry is None:
            self._waiting.remove(answer["id"])
            self._answers.append(answer)
        else:
            assert self.said.setdefault(entry, answer["seq"]) == answer["seq"]
            assert self.held.setdefault(answer["seq"], entry) == entry

    def _event(self) -> Map:
        event = unpacked(self._push.recv_multipart()[1])
        if event["event"] == "entry":
            self.pushed[event["entry"]["id"]] += 1
            self.keep([event["entry"]])
        return event


class Crowd:
    """All of them, in this process; to be used as a context manager."""

    def __init__(self, site: Site, users: Sequence[User] | None = None) -> None:
        self.site = site
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.clients = [Client(self, *pair) for pair in crowd_of(site.crowd if users is None else users)]
        self.context.set(zmq.MAX_SOCKETS, 5 * len(self.clients) + 100)  # those that are closed count for a while
        self.by_name = {client.user.name: client for client in self.clients}

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.destroy(linger=0)

    def arrive(self, messages: int) -> None:
        """All connect, resume, subscribe and say so much, nobody waiting for anything."""
        for client in self.clients:
            client.open()
            client.say(messages)

    def served(self) -> None:
        """Wait until everybody is answered and listens."""
        for client in self.clients:
            client.answers()
        for client in self.clients:
            client.welcomed()

    def catch_up(self) -> None:
        """Ask what is the newest, and fetch what is missing of it; nobody waits for another."""
        for client in self.clients:
            client.ask("sync", cursors={client.conversation: client.cursor})
        behind: dict[Client, int] = {}
        for client in self.clients:
            [synced] = client.answers()
            assert not synced["more"]
            if client.conversation in synced["heads"]:
                behind[client] = client.cursor
        for client, entries in self._read(behind).items():
            client.keep(entries)

    def talk(self) -> None:
        """Everybody says something more, and hears all that was pushed up to what the other says now."""
        for client in self.clients:
            client.say()
        for client in self.clients:
            client.answers()
        for client in self.clients:
            client.hear_until(self._other(client).last)

    def check(self) -> None:
        """All that was said is in its conversation once, where its answer said, and was pushed once or known before."""
        for client, entries in self._read(dict.fromkeys(self.clients, 0)).items():
            other = self._other(client)
            assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
            assert {entry["id"]: entry["seq"] for entry in entries} == client.said | other.said, "not what was said"
            assert client.pushed == {entry: 1 for entry, seq in other.said.items() if seq > client.known}, "pushes"

    def _read(self, after: dict[Client, int]) -> dict[Client, list[Map]]:
        """What each one's conversation has after a number; nobody waits for another."""
        found: dict[Client, list[Map]] = {client: [] for client in after}
        while after:
            for client, seq in after.items():
                client.ask("history", conversation=client.conversation, after=seq)
            pages = {client: client.answers()[0] for client in after}
            for client, page in pages.items():
                found[client] += page["entries"]
            after = {client: found[client][-1]["seq"] for client, page in pages.items() if page["more"]}
        return found

    def _other(self, client: Client) -> Client:
        return self.by_name[client.other.name]
