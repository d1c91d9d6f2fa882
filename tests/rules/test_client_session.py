"""The sans-IO session: ids, matching, errors, who is logged in."""

import re
from itertools import count
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import BY_CODE, AnswerError, ProtocolError, SessionNotFoundError, WrongPasswordError
from client.session import SAFE_TO_REPEAT, Call, Login, Session, SessionEnded
from schemas import answers, events
from schemas.commands import COMMANDS, Auth, Inbox, Info, Logout, Resume, Send, SendGroupRealm, name_of
from schemas.errors import FIXED_TEXTS, Code
from schemas.names import ULID_PATTERN, Address, Name
from schemas.ulid import ulid
from tests.rules.client_kit import LOGIN, OPENED

TOPIC = LOGIN.topic


def pack(**content: Any) -> list[bytes]:
    frame: bytes = msgpack.packb(content)
    return [frame]


def unpack(call: Call) -> dict[str, Any]:
    told: dict[str, Any] = msgpack.unpackb(call.frames[0])
    return told


@pytest.fixture
def session() -> Session:
    entries = count()
    return Session(lambda: ulid(next(entries), bytes(10)))


def log_in(session: Session) -> None:
    session.adopt(LOGIN)


def auth() -> Auth:
    return Auth(id=0, username=Name("messi"), password="surabaya")


def send() -> Send:
    return Send(id=0, to=Address("henderson"), message="halo")


def test_a_command_gets_an_id_of_its_own_the_token_and_an_entry(session: Session) -> None:
    log_in(session)
    first, second = session.ask(send()), session.ask(send())
    assert unpack(first) == {
        "cmd": "send", "id": 1, "tokenId": "T1", "to": "henderson", "message": "halo",
        "entry": "00000000000000000000000000",
    }  # fmt: skip
    assert unpack(second)["id"] == 2
    assert unpack(second)["entry"] != unpack(first)["entry"]
    assert "tokenId" not in unpack(session.ask(Info(id=0)))


def test_a_send_to_another_realm_is_repeatable_too(session: Session) -> None:
    log_in(session)
    group = SendGroupRealm(id=0, realm=Name("Pusat"), group=Name("New"), message="halo")
    call = session.ask(group)
    assert unpack(call) == {
        "cmd": "sendgrouprealm", "id": 1, "tokenId": "T1", "realm": "pusat", "group": "new", "message": "halo",
        "entry": "00000000000000000000000000",
    }  # fmt: skip
    assert call.repeatable
    kept = {
        "message": "Message sent", "conversation": "sent/messi@kampus,new@pusat", "seq": 1, "entry": "0" * 26,
        "name": "Lionel Messi", "sent_at": 1, "salt": bytes(16), "chain": bytes(32),
    }  # fmt: skip
    settled = session.answered(pack(id=call.id, status="OK", queued=True, **kept))
    assert settled is not None
    assert isinstance(settled.outcome, answers.Sent)
    assert settled.outcome.queued is True


def test_that_something_was_delivered_is_an_event(session: Session) -> None:
    log_in(session)
    delivered = msgpack.packb({"event": "delivered", "conversation": "private/bob@pusat,messi@kampus", "seq": 3})
    assert session.heard([TOPIC, delivered]) == [events.Delivered(conversation="private/bob@pusat,messi@kampus", seq=3)]


def test_file_bytes_are_a_second_frame(session: Session) -> None:
    call = session.ask(Info(id=0), b"bytes")
    assert call.frames[1] == b"bytes"


def test_answers_come_in_any_order_and_find_their_calls(session: Session) -> None:
    calls = [session.ask(Info(id=0)) for _ in range(3)]
    for call in reversed(calls):
        settled = session.answered(pack(id=call.id, status="OK", message=[f"for-{call.id}"]))
        assert settled is not None
        assert settled.call is call
        assert settled.outcome == answers.ActiveUsers(id=call.id, message=[f"for-{call.id}"])
    assert session.answered(pack(id=1, status="OK", message=[])) is None
    assert session.strays == 1


def test_what_nobody_waits_for_any_more_is_a_stray(session: Session) -> None:
    call = session.ask(Info(id=0))
    session.forget(call)
    assert session.answered(pack(id=call.id, status="OK", message=[])) is None
    assert session.strays == 1


@pytest.mark.parametrize("code", Code)
def test_every_code_has_its_exception(session: Session, code: Code) -> None:
    call = session.ask(Info(id=0))
    text = FIXED_TEXTS.get(code, "why it was not done")
    settled = session.answered(pack(id=call.id, status="ERROR", code=code.value, message=text, retry_after=300))
    assert settled is not None
    error = settled.outcome
    assert isinstance(error, AnswerError)
    assert type(error) is BY_CODE[code]
    assert (error.kind, str(error), error.retry_after) == (code, text, 300)


def test_a_code_of_a_newer_realm_is_a_plain_answer_error(session: Session) -> None:
    call = session.ask(Info(id=0))
    settled = session.answered(pack(id=call.id, status="ERROR", code="moon_full", message="m", colour=3))
    assert settled is not None
    assert type(settled.outcome) is AnswerError
    assert settled.outcome.retry_after is None


@pytest.mark.parametrize("change", [{"message": 3}, {"message": ["a", 7]}, {"status": "ERROR"}])
def test_an_answer_of_the_wrong_shape_settles_its_call(session: Session, change: dict[str, Any]) -> None:
    call = session.ask(Info(id=0))
    settled = session.answered(pack(**{"id": call.id, "status": "OK", "message": []} | change))
    assert settled is not None
    assert isinstance(settled.outcome, ProtocolError)


def test_an_answer_may_have_keys_that_this_client_does_not_know(session: Session) -> None:
    call = session.ask(Info(id=0))
    settled = session.answered(pack(id=call.id, status="OK", message=["a"], weather="fair"))
    assert settled is not None
    assert isinstance(settled.outcome, answers.ActiveUsers)


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_no_frames_make_it_raise(frames: list[bytes]) -> None:
    session = Session(lambda: "0" * 26)
    session.adopt(LOGIN)
    session.ask(Info(id=0))
    session.answered(frames)
    session.heard(frames)
    session.heard([TOPIC, *frames])


def login_of(session: Session) -> Login | None:
    return session.login


def test_auth_opens_a_session_and_logout_ends_it(session: Session) -> None:
    call = session.ask(auth())
    session.answered(pack(id=call.id, **OPENED))
    assert login_of(session) == Login(tokenId="T1", user="messi@kampus", name="Lionel Messi", topic=b"t" * 16, epoch=7)
    call = session.ask(Logout(id=0))
    settled = session.answered(pack(id=call.id, status="OK", message="Logout berhasil"))
    assert login_of(session) is None
    assert settled is not None
    assert settled.events == ()


def test_a_failed_login_leaves_the_session_that_was_open(session: Session) -> None:
    log_in(session)
    call = session.ask(auth())
    settled = session.answered(pack(id=call.id, status="ERROR", code="wrong_password", message="Password salah"))
    assert settled is not None
    assert isinstance(settled.outcome, WrongPasswordError)
    assert session.login == LOGIN


def test_resume_makes_a_new_login_of_the_same_session(session: Session) -> None:
    log_in(session)
    call = session.ask(Resume(id=0))
    session.answered(pack(id=call.id, **OPENED))
    assert session.login is not None
    assert session.login is not LOGIN
    assert session.login.tokenId == LOGIN.tokenId


def test_session_not_found_ends_the_session_it_was_said_in_and_no_later_one(session: Session) -> None:
    gone = {"status": "ERROR", "code": "session_not_found", "message": "Session tidak ditemukan"}
    log_in(session)
    early, late = session.ask(Inbox(id=0)), session.ask(Inbox(id=0))
    settled = session.answered(pack(id=early.id, **gone))
    assert settled is not None
    assert isinstance(settled.outcome, SessionNotFoundError)
    assert settled.events == (SessionEnded("messi@kampus"),)
    assert login_of(session) is None
    call = session.ask(auth())
    session.answered(pack(id=call.id, **OPENED | {"tokenId": "T2"}))
    settled = session.answered(pack(id=late.id, **gone))
    assert settled is not None
    assert settled.events == ()
    assert session.login is not None


def test_pushes_of_the_own_topic_become_events(session: Session) -> None:
    log_in(session)
    welcome = msgpack.packb({"event": "welcome", "epoch": 8, "total": 3, "more": "keys"})
    assert session.heard([TOPIC, welcome]) == [events.Welcome(epoch=8, total=3)]
    assert session.login is LOGIN
    for frames in ([b"other topic of 16", welcome], [TOPIC], [TOPIC, b"\xc1"], [TOPIC, welcome, b""]):
        assert session.heard(frames) == []
    newer = msgpack.packb({"event": "weather", "sky": "blue"})
    assert session.heard([TOPIC, newer]) == []
    assert session.strays == 5


def test_what_has_a_second_effect_is_not_asked_twice() -> None:
    once = {name_of(command) for command in COMMANDS if not issubclass(command, SAFE_TO_REPEAT)}
    assert once == {
        "auth", "register", "addgroup", "joingroup", "leavegroup", "removemember", "inbox", "getrealminbox",
        "addrealm", "passwd", "logout",
    }  # fmt: skip


def test_no_token_shows_in_a_repr(session: Session) -> None:
    log_in(session)
    assert "T1" not in repr(session.login)
    assert "T1" not in repr(session.ask(Inbox(id=0)).command)


@pytest.mark.parametrize(
    ("ms", "entropy", "expected"),
    [
        (0, bytes(10), "00000000000000000000000000"),
        (2**48 - 1, b"\xff" * 10, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        (1_469_918_176_385, b"\x00" * 9 + b"\x01", "01ARYZ6S410000000000000001"),
    ],
)
def test_ulids(ms: int, entropy: bytes, expected: str) -> None:
    assert ulid(ms, entropy) == expected
    assert re.match(ULID_PATTERN, expected)


@pytest.mark.parametrize(("ms", "size"), [(-1, 10), (2**48, 10), (0, 9)])
def test_a_ulid_has_its_limits(ms: int, size: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        ulid(ms, bytes(size))
