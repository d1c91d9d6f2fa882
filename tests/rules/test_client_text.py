"""What a terminal and a program are shown: harmless, readable, letter for letter."""

import json
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from client.errands import Saved
from client.errors import NoAnswerError, error_of
from client.harmless import indented, is_harmful, visible
from client.output import JsonOutput, TextOutput, to_json
from client.present import answer_text, entry_text, error_text, event_text, link_text, size_text, when
from client.session import SessionEnded
from schemas import answers, events
from schemas.answers import ErrorAnswer
from schemas.entries import Entry, File
from schemas.names import ConversationId
from tests.rules.client_kit import LOGIN

NOON = int(datetime(2026, 1, 2, 12, 30).astimezone().timestamp() * 1000)
PRIVATE = "private/henderson@kampus,messi@kampus"


def entry(**changes: Any) -> Entry:
    told: dict[str, Any] = {
        "conversation": ConversationId(PRIVATE), "seq": 3, "id": "0" * 26, "sender": "henderson@kampus",
        "name": "Jordan Henderson", "sent_at": NOON, "kind": "text", "chain": bytes(32), "message": "halo",
    }  # fmt: skip
    return Entry(**told | changes)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("halo, selamat malam", "halo, selamat malam"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\x08c\x7f\x00", r"a\x0db\x08c\x7f\x00"),
        ("gnp.\u202eexe", r"gnp.\u202eexe"),
        ("\u2066hidden\u2069", r"\u2066hidden\u2069"),
        ("line\u2028line", r"line\u2028line"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_could_harm_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["ü 漢", "👩\u200d🚒", "\u0645\u06cc\u200c\u062e", "🏴\U000e0067\U000e007f"])
def test_what_writing_needs_stays(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    assert not any(map(is_harmful, visible(text)))
    assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in indented(text, 4))


def test_a_message_cannot_forge_a_line_of_its_own() -> None:
    shown = entry_text(entry(message="halo\n#4 12:31 messi: I owe you\r\n\x1b[2Kmore\rx\ttab"), LOGIN)
    first, *rest = shown.split("\n")
    assert first == "#3 2026-01-02 12:30 henderson: halo"
    assert rest == ["    #4 12:31 messi: I owe you", r"    \x1b[2Kmore\x0dx    tab"]


def test_times_of_today_go_without_the_date() -> None:
    noon = datetime.fromtimestamp(NOON / 1000).astimezone()
    assert when(NOON, noon) == "12:30"
    assert when(NOON, noon + timedelta(days=1)) == "2026-01-02 12:30"
    assert when(2**62) == "?"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "henderson: halo"),
        ({"sender": "bob@pusat"}, "bob@pusat: halo"),
        ({"sender": "b\x1b@kampus"}, r"b\x1b: halo"),
        ({"conversation": "group/new@kampus"}, "[group new] henderson: halo"),
        (
            {"conversation": "sent/messi@kampus,new@pusat", "sender": "messi@kampus", "queued": True},
            "[group new@pusat] messi: halo (queued)",
        ),
        ({"conversation": "group/new@kampus", "sender": "bob@pusat"}, "[group new] bob@pusat: halo"),
        ({"queued": True}, "henderson: halo (queued)"),
        ({"erased": True}, "henderson: (erased)"),
        (
            {"kind": "file", "file": File(id="f", name="a\x1b.png", size=70_000, media_type="x", digest=b"")},
            r"henderson: file a\x1b.png, 70 kB (save f)",
        ),
    ],
)
def test_entries(changes: dict[str, Any], shown: str) -> None:
    assert entry_text(entry(**changes), LOGIN) == f"#3 2026-01-02 12:30 {shown}"


MINE = "01J0000000000000000000000A"


def bounce(**changes: Any) -> Entry:
    told = {
        "conversation": "private/bob@pusat,messi@kampus", "seq": 4, "sender": "bob@pusat", "kind": "bounce",
        "re": MINE, "code": "user_not_found", "message": "User tidak ada",
    }  # fmt: skip
    return entry(**told | changes)


def mine(**changes: Any) -> Entry:
    return entry(**{"conversation": "private/bob@pusat,messi@kampus", "id": MINE, "sender": "messi@kampus"} | changes)


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (None, f"your message {MINE}"),
        (mine(message="halo\n  bob\x1b"), r"your message #3: halo bob\x1b"),
        (mine(message="halo bob, " * 10), "your message #3: halo bob, halo bob, halo bob, halo bob,…"),
        (mine(message=UNSET, erased=True), "your message #3"),
        (
            mine(message=UNSET, kind="file", file=File(id="f", name="a\x1b.png", size=7, media_type="x", digest=b"")),
            r"your message #3: file a\x1b.png",
        ),
    ],
)
def test_a_bounce_says_why_and_which_message_it_was(known: Entry | None, shown: str) -> None:
    asked = []

    def find(conversation: ConversationId, about: str) -> Entry | None:
        asked.append((conversation, about))
        return known

    expected = f"» #4 2026-01-02 12:30 bob@pusat: not delivered: User tidak ada ({shown})"
    assert event_text(events.EntryPushed(entry=bounce()), LOGIN, find) == expected
    assert asked == [("private/bob@pusat,messi@kampus", MINE)]


def test_a_bounce_of_a_group_is_shown_where_it_was_sent() -> None:
    told = bounce(conversation="sent/messi@kampus,new@pusat", sender="new@pusat", message="Group tidak ditemukan")
    assert entry_text(told, LOGIN) == (
        f"#4 2026-01-02 12:30 [group new@pusat] new@pusat: not delivered: Group tidak ditemukan (your message {MINE})"
    )
    assert "not delivered: user_not_found (" in entry_text(bounce(message=UNSET), LOGIN)


def test_a_page_of_history_knows_its_own_messages() -> None:
    others = mine(id="01J0000000000000000000000B", sender="bob@pusat", message="other")
    page = answers.History(
        id=1, entries=[mine(), others, bounce(), bounce(re=others.id)], first=1, head=4, seen=0, more=False
    )
    *_, known, foreign = answer_text(page, LOGIN).split("\n")
    assert known.endswith("(your message #3: halo)")
    assert foreign.endswith(f"(your message {others.id})")


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({}, ""),
        ({"queued": False}, ""),
        ({"queued": True}, "\n(queued: the message waits for pusat)"),
        ({"queued": True, "conversation": "sent/messi@kampus,new@pusat"}, "\n(queued: the message waits for pusat)"),
        (
            {"queued": True, "file_info": File(id="f", name="a", size=1, media_type="x", digest=b"")},
            "\n(queued: the file waits for pusat)",
        ),
    ],
)
def test_what_waits_for_another_realm_says_so_below_the_text_of_the_contract(
    changes: dict[str, Any], hint: str
) -> None:
    told: dict[str, Any] = {
        "id": 1, "message": "Message sent", "conversation": "private/bob@pusat,messi@kampus", "seq": 1,
        "entry": MINE, "name": "Lionel Messi", "sent_at": NOON, "salt": bytes(16), "chain": bytes(32),
    }  # fmt: skip
    assert answer_text(answers.Sent(**told | changes), LOGIN) == "Message sent" + hint


def realm_seen(**changes: Any) -> answers.RealmSeen:
    told: dict[str, Any] = {
        "realm": "pusat", "address": "10.0.0.7", "port": 8889, "key": "k", "connected": False, "queued": 0,
        "last_contact": None,
    }  # fmt: skip
    return answers.RealmSeen(**told | changes)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"connected": True, "last_contact": NOON}, "answers now"),
        ({"excluded": True, "queued": 1}, "excluded by this realm's settings, queued 1"),
        ({"connected": True, "queued": 3, "next_try": NOON}, "answers now, queued 3"),
        ({}, "not reached yet"),
        ({"last_contact": NOON}, "not heard since 2026-01-02 12:30"),
        (
            {"last_contact": NOON - 9, "down_since": NOON, "next_try": NOON + 19_600, "queued": 3},
            "unreachable since 2026-01-02 12:30, next try in 20 s, queued 3",
        ),
        ({"next_try": NOON - 5_000}, "not reached yet, next try now"),
        ({"next_try": NOON + 600_000}, "not reached yet, next try in 10 min"),
        ({"next_try": NOON + 7_200_000}, "not reached yet, next try in 2 h"),
    ],
)
def test_how_a_link_fares(changes: dict[str, Any], shown: str) -> None:
    assert link_text(realm_seen(**changes), NOON) == shown


def test_realms_are_lines_of_a_table() -> None:
    realms = [realm_seen(connected=True), realm_seen(realm="utara", address="utara.example\x1b", queued=1)]
    assert answer_text(answers.Realms(id=1, realms=realms), LOGIN) == (
        "pusat        10.0.0.7:8889          answers now\n"
        r"utara        utara.example\x1b:8889 not reached yet, queued 1"
    )
    assert answer_text(answers.Realms(id=1, realms=[]), LOGIN) == "(no other realms)"


def test_more_of_an_inbox_is_asked_for_as_the_first_of_it() -> None:
    page = answers.Messages(id=1, messages=[entry(sender="bob@pusat")], more=True)
    assert answer_text(page, LOGIN).split("\n") == ["#3 2026-01-02 12:30 bob@pusat: halo", "(more: ask again)"]


def test_that_something_was_delivered_is_told_at_a_prompt_and_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    delivered = events.Delivered(conversation="private/bob@pusat,messi@kampus", seq=3)
    TextOutput().event(delivered, LOGIN)
    assert capsys.readouterr().out == ""
    TextOutput(at_prompt=True).event(delivered, LOGIN)
    assert capsys.readouterr().out == "» delivered #3 to bob@pusat\n"
    JsonOutput().event(delivered, LOGIN)
    assert json.loads(capsys.readouterr().out)["event"] == "delivered"
    to_group = events.Delivered(conversation="sent/messi@kampus,new@pusat", seq=3)
    assert event_text(to_group, LOGIN) == "» delivered #3 to group new@pusat"


def test_the_texts_of_the_contract_stay_as_they_are() -> None:
    assert answer_text(answers.Said(id=1, message="Logout berhasil"), LOGIN) == "Logout berhasil"
    opened = answers.SessionOpened(
        id=1, tokenId="T9", user="a@b", name="A", country="B", admin=False, topic=b"", epoch=1
    )
    assert answer_text(opened, None) == "T9"
    assert answer_text(answers.ActiveUsers(id=1, message=["henderson", "messi"]), None) == "henderson\nmessi"
    assert answer_text(answers.Done(id=1), LOGIN) == "OK"
    assert answer_text(answers.Messages(id=1, messages=[], more=False), LOGIN) == "(nothing new)"
    no_user = error_of(ErrorAnswer(id=1, code="user_not_found", message="User tidak ada"))
    assert error_text(no_user) == "User tidak ada"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (70_000, "70 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (1_300_001, "1.3 MB"), (1 << 30, "1.1 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)  # fmt: skip
def test_sizes(size: int, shown: str) -> None:
    assert size_text(size) == shown


def test_where_a_file_was_saved() -> None:
    saved = Saved(id=None, file="F1", path="a\x1b b.png", size=70_000)
    assert answer_text(saved, LOGIN) == r"saved a\x1b b.png (70 kB)"


def test_other_errors_say_their_code_and_what_helps() -> None:
    slow = error_of(ErrorAnswer(id=1, code="rate_limited", message="too many logins", retry_after=2500))
    assert error_text(slow) == "rate_limited: too many logins (again in 2.5 s)"
    failed = error_of(ErrorAnswer(id=1, code="internal_error", message="sorry", incident="I7"))
    assert error_text(failed) == "internal_error: sorry (incident I7)"


@pytest.mark.parametrize("character", ["a", "\x00", "\u202e", "\U000e0001"])
def test_an_error_is_a_sentence_also_where_what_it_says_is_written_out(character: str) -> None:
    much = character * 1_000
    for code in (much, "user_not_found"):
        told = error_text(error_of(ErrorAnswer(id=1, code=code, message=much, incident=much, retry_after=1 << 60)))
        assert len(told) < 2_000


def test_a_long_error_is_told_as_far_as_it_is_a_sentence() -> None:
    for length, told in [(500, "a" * 500), (501, "a" * 500 + "…")]:
        assert error_text(error_of(ErrorAnswer(id=1, code="user_not_found", message="a" * length))) == told


def test_lists() -> None:
    users = answers.Users(
        id=1,
        users=[answers.UserSeen(username="messi", name="L\x1bM", country="Argentina", active=True)],
        more=True,
        next="messi",
    )
    assert answer_text(users, LOGIN) == "messi        L\\x1bM, Argentina (active)\n(more: after messi)"
    heads = answers.Conversations(
        id=1,
        conversations=[
            answers.ConversationHead(
                conversation=PRIVATE, title="h", first=1, head=3, read=1, seen=0, unread=2, last=entry()
            ),
            answers.ConversationHead(
                conversation="group/new@kampus", title="new", first=1, head=0, read=0, seen=0, unread=0
            ),
        ],
        more=False,
    )
    assert answer_text(heads, LOGIN) == (
        "henderson: 2 unread; #3 2026-01-02 12:30 henderson: halo\ngroup new: 0 unread; nothing said yet"
    )


def test_events() -> None:
    assert event_text(events.Welcome(epoch=1, total=2), LOGIN) == ""
    assert event_text(events.EntryPushed(entry=entry()), LOGIN) == "» #3 2026-01-02 12:30 henderson: halo"
    read = events.Read(conversation=PRIVATE, seq=3, by="henderson@kampus")
    assert event_text(read, LOGIN) == "» henderson has read up to #3"
    assert event_text(SessionEnded("messi@kampus"), None) == "» the session has ended: log in again"
    joined = events.Joined(conversation="group/new@kampus")
    assert event_text(joined, LOGIN) == "» joined group new"


@given(st.text())
def test_json_is_one_harmless_line_and_says_the_same(text: str) -> None:
    line = to_json({"message": text})
    assert json.loads(line) == {"message": text}
    assert not any(is_harmful(character) for character in line)


def test_json_tells_answers_from_events(capsys: pytest.CaptureFixture[str]) -> None:
    output = JsonOutput()
    output.answer("info", answers.ActiveUsers(id=1, message=["a"]), None)
    output.error("auth", error_of(ErrorAnswer(id=2, code="wrong_password", message="Password salah")))
    output.error("inbox", NoAnswerError("no answer"))
    output.event(events.EntryPushed(entry=entry(chain=b"\x00\xff")), LOGIN)
    output.event(SessionEnded("messi@kampus"), None)
    output.note("for people")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[:3] == [
        {"cmd": "info", "id": 1, "status": "OK", "message": ["a"]},
        {"cmd": "auth", "id": 2, "status": "ERROR", "code": "wrong_password", "message": "Password salah"},
        {"cmd": "inbox", "id": None, "status": "ERROR", "code": "no_answer", "message": "no answer"},
    ]
    assert told[3]["event"] == "entry"
    assert told[3]["entry"]["from"] == "henderson@kampus"
    assert told[3]["entry"]["chain"] == "AP8="
    assert told[4] == {"event": "session_ended", "user": "messi@kampus"}


def test_text_puts_failures_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output = TextOutput()
    output.error("auth", error_of(ErrorAnswer(id=2, code="wrong_password", message="Password salah")))
    output.error("inbox", NoAnswerError("no answer to inbox"))
    told = capsys.readouterr()
    assert told.out == "Password salah\n"
    assert told.err == "bagan: no answer to inbox\n"
