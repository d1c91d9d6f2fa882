"""The connection, against a realm of bare sockets that does what a test tells it to."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
import zmq.asyncio

from client.connection import Connection
from client.dial import Realm
from client.errors import (
    ClosedError,
    NoAnswerError,
    SessionNotFoundError,
)
from client.keyring import Keyring, new_key_pair
from client.mirror import Mirror
from client.push import Push
from client.session import SessionEnded
from client.syntax import parse
from schemas.answers import Card
from schemas.commands import Resume
from schemas.events import Welcome
from tests.rules.client_kit import LOGIN, OPENED, FakeRealm, run, serving

SHORT = 0.2
"""Patience in seconds, where the test is about its end."""


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path)


@pytest.fixture
def dial(keyring: Keyring) -> Callable[..., Awaitable[Connection]]:
    async def open_to(realm: FakeRealm, **options: Any) -> Connection:
        host, keys = "127.0.0.1", keyring.keys()
        return await Connection.open(host, realm.door_port, keys, keyring.pins, **options)

    return open_to


Dial = Callable[..., Awaitable[Connection]]


def info(command: dict[str, Any], times: int) -> dict[str, Any]:
    return {"message": [command["cmd"], str(times)]}


def test_answers_find_their_questions_in_any_order(dial: Dial) -> None:
    async def test() -> None:
        held: list[dict[str, Any]] = []

        def handle(command: dict[str, Any], times: int) -> dict[str, Any] | None:
            held.append(command)
            return None

        async with serving(handle) as realm, await dial(realm) as connection:
            asked = [asyncio.create_task(connection.ask(parse("info"))) for _ in range(3)]
            while len(held) < 3:  # noqa: ASYNC110 - the fake realm has no bell
                await asyncio.sleep(0.01)
            for route, command in reversed(realm.asked):
                told = {"id": command["id"], "status": "OK", "message": [str(command["id"])]}
                await realm.commands.send_multipart([route, msgpack.packb(told)])
            answers = await asyncio.gather(*asked)
            assert [(answer.id, answer.message) for answer in answers] == [  # type: ignore[attr-defined]
                (1, ["1"]), (2, ["2"]), (3, ["3"]),
            ]  # fmt: skip

    run(test())


def test_a_send_without_an_answer_is_asked_again_on_a_new_socket(dial: Dial) -> None:
    sent = {
        "message": "Message sent", "conversation": "private/a@k,b@k", "seq": 1, "entry": "0" * 26,
        "name": "A", "sent_at": 1, "salt": bytes(16), "chain": bytes(32),
    }  # fmt: skip

    async def test() -> None:
        def handle(_: dict[str, Any], times: int) -> dict[str, Any] | None:
            return None if times == 1 else sent

        async with serving(handle) as realm, await dial(realm, patience=SHORT) as connection:
            answer = await connection.ask(parse("send henderson halo"))
        assert answer.status == "OK"
        (first, asked), (second, again) = realm.asked
        assert first != second
        assert asked == again
        assert asked["entry"]

    run(test())


def test_after_three_times_it_says_so(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: None) as realm, await dial(realm, patience=SHORT) as connection:
            with pytest.raises(NoAnswerError, match=r"no answer to info in 0\.6 s$"):
                await connection.ask(parse("info"))
        assert len({route for route, _ in realm.asked}) == 3

    run(test())


def test_what_dials_another_realm_is_waited_for_as_long_as_that_takes(
    dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.calls.SLOW_S", 0.5)

    async def test() -> None:
        async with serving(lambda *_: None) as realm, await dial(realm, patience=SHORT) as connection:
            with pytest.raises(NoAnswerError, match=r"no answer to addrealm in 0\.5 s;"):
                await connection.ask(parse("addrealm pusat 127.0.0.1 8889"))
        assert len(realm.asked) == 1

    run(test())


def test_what_has_a_second_effect_is_asked_once(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: None) as realm, await dial(realm, patience=SHORT) as connection:
            with pytest.raises(NoAnswerError, match="whether it was done is not known"):
                await connection.ask(parse("passwd surabaya jakarta123"))
            assert len(realm.asked) == 1

    run(test())


def test_what_is_given_up_takes_its_socket_with_it_and_others_ask_again(dial: Dial) -> None:
    """So that what is still in it is not done later, when somebody was told that it was not."""
    gone = asyncio.Event()

    def handle(command: dict[str, Any], times: int) -> dict[str, Any] | None:
        return info(command, times) if command["cmd"] == "info" and gone.is_set() else None

    async def until_gone(realm: FakeRealm, route: bytes) -> None:
        realm.commands.router_mandatory = True
        while True:  # the socket is closed in the background
            try:
                await realm.commands.send_multipart([route, b"too late"])
            except zmq.ZMQError:
                gone.set()
                return
            await asyncio.sleep(0.01)

    async def test() -> None:
        async with serving(handle) as realm, await dial(realm, patience=4 * SHORT) as connection:
            given_up = asyncio.create_task(connection.ask(parse("passwd surabaya jakarta123")))
            while not realm.asked:  # noqa: ASYNC110 - the fake realm has no bell
                await asyncio.sleep(0.01)
            other = asyncio.create_task(connection.ask(parse("info")))
            with pytest.raises(NoAnswerError):
                await given_up
            (first, _), (second, _), *_ = realm.asked
            assert first == second
            await until_gone(realm, first)
            assert (await other).message[0] == "info"  # type: ignore[attr-defined]

    run(test())


def test_an_answer_on_an_old_socket_still_counts(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: None) as realm, await dial(realm, patience=SHORT) as connection:
            asking = asyncio.create_task(connection.ask(parse("info")))
            while len(realm.asked) < 2:  # noqa: ASYNC110 - the fake realm has no bell
                await asyncio.sleep(0.01)
            route, command = realm.asked[0]
            told = {"id": command["id"], "status": "OK", "message": ["late"]}
            await realm.commands.send_multipart([route, msgpack.packb(told)])
            assert (await asking).message == ["late"]  # type: ignore[attr-defined]

    run(test())


def test_closing_ends_what_is_being_asked_and_the_events_and_twice_is_harmless(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: None) as realm:
            connection = await dial(realm)
            asking = asyncio.create_task(connection.ask(parse("info")))
            while not realm.asked:  # noqa: ASYNC110 - the fake realm has no bell
                await asyncio.sleep(0.01)
            await connection.close()
            await connection.close()
            with pytest.raises(ClosedError):
                await asking
            with pytest.raises(ClosedError):
                await connection.ask(parse("info"))
            for _ in range(2):
                assert [event async for event in connection.events()] == []

    run(test())


def test_a_cancelled_question_is_forgotten(dial: Dial) -> None:
    async def test() -> None:
        answer_now = False

        def handle(command: dict[str, Any], times: int) -> dict[str, Any] | None:
            return info(command, times) if answer_now else None

        async with serving(handle) as realm, await dial(realm) as connection:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT):
                    await connection.ask(parse("info"))
            answer_now = True
            assert (await connection.ask(parse("info"))).id == 2

    run(test())


def test_a_session_opens_its_push_and_a_mute_one_is_subscribed_again(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: OPENED) as realm, await dial(realm) as connection:
            realm.mute = 1
            await connection.ask(parse("auth messi surabaya"))
            assert await connection.live(patience=30)
            assert await anext(connection.events()) == Welcome(epoch=7, total=0)
            topic = OPENED["topic"]
            assert realm.subscriptions == [b"\x01" + topic, b"\x00" + topic, b"\x01" + topic]

    run(test())


def test_a_socket_that_stays_mute_is_replaced() -> None:
    async def test() -> None:
        heard = asyncio.Event()

        async def deliver(_: object) -> bool:
            heard.set()
            return True

        async with serving(info) as fake:
            fake.mute = 2
            card = Card(**{key: value for key, value in fake.card.items() if key != "status"})
            with zmq.asyncio.Context() as context:
                push = Push(Realm(context, "127.0.0.1", card, new_key_pair()), b"t" * 16, deliver, welcome_ms=300)
                task = asyncio.create_task(push.run())
                try:
                    await push.live.wait()
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            assert heard.is_set()
            assert not push.live.is_set()
            asked_for = [frame for frame in fake.subscriptions if frame[0] == 1]
            assert len(asked_for) == 3  # twice on the socket that stayed mute, once on the fresh one

    run(test())


def test_without_listening_there_is_no_push(dial: Dial) -> None:
    async def test() -> None:
        async with serving(lambda *_: OPENED) as realm, await dial(realm, listen=False) as connection:
            await connection.ask(parse("auth messi surabaya"))
            assert not await connection.live(patience=SHORT)
            assert realm.subscriptions == []

    run(test())


def test_a_session_that_the_realm_does_not_know_any_more_ends_as_an_event(dial: Dial) -> None:
    gone = {"status": "ERROR", "code": "session_not_found", "message": "Session tidak ditemukan"}

    async def test() -> None:
        async with serving(lambda *_: gone) as realm, await dial(realm) as connection:
            connection.adopt(LOGIN)
            with pytest.raises(SessionNotFoundError):
                await connection.ask(Resume(id=0))
            assert await anext(connection.events()) == SessionEnded("messi@kampus")
            assert connection.login is None

    run(test())


def test_a_shared_context_stays_open(dial: Dial) -> None:
    async def test() -> None:
        with zmq.asyncio.Context() as context:
            async with serving(info) as realm:
                for _ in range(2):
                    async with await dial(realm, context=context) as connection:
                        await connection.ask(parse("info"))
            assert not context.closed

    run(test())


def test_a_connection_whose_task_fails_says_so(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_mirror: Mirror, _event: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Mirror, "heard", fail)

    async def test() -> None:
        async with serving(lambda *_: OPENED) as realm, await dial(realm) as connection:
            await connection.ask(parse("auth messi surabaya"))
            with pytest.raises(ClosedError, match="ZeroDivisionError"):
                async for _ in connection.events():
                    pass
            with pytest.raises(ClosedError, match="ZeroDivisionError"):
                await connection.ask(parse("info"))

    run(test())
