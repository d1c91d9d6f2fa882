"""Other realms in a window: how their links fare in words, when that is asked, and the form that adds one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import UNSET, structs

from client.errors import ClientError, NoAnswerError
from client.model.desk import Desk
from client.model.places import Home, NewRealm, Peer, Place, Realms, Room
from client.ui.complaint import refusal
from client.ui.link_text import link_text
from client.ui.pages import crossing, realms
from client.ui.pages.new_realm import Form, submit
from client.ui.peers import ASK_S, MAIL, SETTLE_S, Peers
from client.ui.words import ENGLISH, INDONESIAN
from schemas import answers, commands
from schemas.answers import RealmSeen
from schemas.names import ConversationId, Name
from tests.rules import virtual_time
from tests.rules.virtual_time import now

ZONE = timezone(timedelta(hours=7))
NOW = datetime(2026, 11, 26, 14, 10, tzinfo=ZONE)
DOWN = int(datetime(2026, 11, 26, 14, 5, tzinfo=ZONE).timestamp() * 1000)
TALK = ConversationId("private/bob@pusat,messi@kampus")
HERE = ConversationId("private/henderson@kampus,messi@kampus")


def realm(*, connected: bool = False, down: int | None = None, due: float | None = None, queued: int = 0) -> RealmSeen:
    """`due`: in so many seconds it is tried again."""
    return RealmSeen(
        realm="pusat", address="127.0.0.1", port=8889, key="k" * 40, connected=connected, queued=queued,
        last_contact=None, down_since=UNSET if down is None else down,
        next_try=UNSET if due is None else int((NOW.timestamp() + due) * 1000),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "english", "indonesian"),
    [
        (realm(connected=True), "answers", "menjawab"),
        (realm(), "not heard yet", "belum terdengar"),
        (structs.replace(realm(), excluded=True), ENGLISH.excluded, INDONESIAN.excluded),
        (realm(down=DOWN), "unreachable since 14:05", "tidak terjangkau sejak 14:05"),
        (
            realm(down=DOWN, due=20),
            "unreachable since 14:05, next try in 20 s",
            "tidak terjangkau sejak 14:05, dicoba lagi dalam 20 dtk",
        ),
        (
            realm(down=DOWN, due=31),
            "unreachable since 14:05, next try in 40 s",
            "tidak terjangkau sejak 14:05, dicoba lagi dalam 40 dtk",
        ),
        (
            realm(down=DOWN, due=9),
            "unreachable since 14:05, next try in 9 s",
            "tidak terjangkau sejak 14:05, dicoba lagi dalam 9 dtk",
        ),
        (
            realm(down=DOWN, due=150),
            "unreachable since 14:05, next try in 2 min",
            "tidak terjangkau sejak 14:05, dicoba lagi dalam 2 mnt",
        ),
        (
            realm(down=DOWN, due=-5),
            "unreachable since 14:05, next try now",
            "tidak terjangkau sejak 14:05, dicoba lagi sekarang",
        ),
        (
            realm(down=DOWN - 86_400_000),
            "unreachable since Yesterday 14:05",
            "tidak terjangkau sejak Kemarin 14:05",
        ),
    ],
)
def test_how_a_link_fares_in_words(seen: RealmSeen, english: str, indonesian: str) -> None:
    assert link_text(ENGLISH, seen, NOW) == english
    assert link_text(INDONESIAN, seen, NOW) == indonesian


def test_a_realm_of_which_nothing_else_is_seen_is_not_drawn_anew() -> None:
    later = structs.replace(realm(down=DOWN, due=20, queued=1), last_contact=DOWN)
    assert realms.as_drawn(later) == realms.as_drawn(realm(down=DOWN + 5, due=10, queued=1))
    assert realms.as_drawn(later) != realms.as_drawn(realm(down=DOWN, due=20, queued=2))
    texts = {link_text(ENGLISH, realm(down=DOWN, due=due), NOW) for due in range(11, 61)}
    assert len(texts) == 5


def test_a_time_that_no_clock_shows_is_told_too() -> None:
    assert link_text(ENGLISH, realm(down=10**18, due=10**9), NOW).startswith("unreachable since ")


def test_why_a_message_was_refused_is_told_in_the_language_of_the_person() -> None:
    for words in (ENGLISH, INDONESIAN):
        assert refusal(words, "user_not_found") == "User tidak ada"
        assert refusal(words, "group_not_found") == "Group tidak ditemukan"
    assert refusal(ENGLISH, "too_large") == ENGLISH.too_large
    assert refusal(INDONESIAN, "forbidden") == INDONESIAN.forbidden
    assert refusal(ENGLISH, "of_a_later_version") == ENGLISH.refused


# when it is asked


class Asked:
    """Answers how realms fare, and notes when it was asked."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.rows: list[RealmSeen] = [realm(connected=True)]
        self.silent = False
        self.changes = 0
        self.peers = Peers(self._answer, self._changed, UTC)
        self.desk = cast("Desk", self)
        self.user = "messi@kampus"
        self.crossings = 0

    async def _answer(self, _: commands.Realms) -> answers.Realms:
        self.times.append(now())
        if self.silent:
            raise NoAnswerError("no answer")
        return answers.Realms(id=1, realms=self.rows)

    def _changed(self) -> None:
        self.changes += 1

    def see(self, place: Place, *, in_view: bool = True) -> bool:
        return self.peers.refresh(self.desk, place, ENGLISH, in_view=in_view)


def looking(test: Callable[[Asked], Awaitable[None]]) -> None:
    async def run() -> None:
        asked = Asked()
        task = asyncio.create_task(asked.peers.run())
        try:
            await test(asked)
            assert not task.done(), "it has ended"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(run())


@pytest.mark.parametrize("place", [Realms(), Peer(Name("pusat")), Room(TALK)])
def test_it_is_asked_while_somebody_looks_and_no_longer(place: Place) -> None:
    async def test(asked: Asked) -> None:
        asked.see(Home())
        await asyncio.sleep(60)
        assert not asked.times
        asked.see(place)
        await asyncio.sleep(1)
        assert len(asked.times) == 1
        await asyncio.sleep(4 * ASK_S)
        assert len(asked.times) == 5
        asked.see(place, in_view=False)
        await asyncio.sleep(2 * ASK_S)
        known = len(asked.times)
        await asyncio.sleep(60)
        assert len(asked.times) == known <= 6
        asked.see(place)
        await asyncio.sleep(1)
        assert len(asked.times) == known + 1, "who looks again sees it at once"

    looking(test)


def test_a_room_of_this_realm_asks_nothing() -> None:
    async def test(asked: Asked) -> None:
        asked.see(Room(HERE))
        asked.crossings += 1
        asked.see(Room(HERE))
        await asyncio.sleep(60)
        assert not asked.times

    looking(test)


def test_what_is_heard_of_other_realms_is_asked_about_soon_and_once() -> None:
    async def test(asked: Asked) -> None:
        asked.see(Realms())
        await asyncio.sleep(1)
        for _ in range(5):
            asked.crossings += 1
            asked.see(Realms())
            await asyncio.sleep(SETTLE_S / 10)
        await asyncio.sleep(SETTLE_S)
        assert len(asked.times) == 2

    looking(test)


def test_what_changes_is_drawn_and_nothing_else() -> None:
    async def test(asked: Asked) -> None:
        assert asked.see(Realms()), "nothing is known yet"
        await asyncio.sleep(1)
        assert asked.see(Realms())
        assert asked.peers.links == {"pusat": "answers"}
        assert not asked.see(Realms())
        assert asked.peers.queued(ENGLISH, "pusat") == "queued for pusat", "it is on its way"
        asked.rows = [realm(down=DOWN, queued=1)]
        await asyncio.sleep(ASK_S)
        assert asked.see(Realms())
        told = asked.peers.links["pusat"]
        assert told.startswith("unreachable since ")
        assert asked.peers.queued(ENGLISH, "pusat") == f"queued for pusat: {told}"
        assert asked.peers.queued(ENGLISH, "utara") == "queued for utara", "nothing is known of that one"
        asked.rows = [realm(down=DOWN, queued=2)]
        await asyncio.sleep(ASK_S)
        assert asked.see(Realms()), "more waits"
        before = asked.changes
        await asyncio.sleep(2)
        assert asked.changes > before, "seconds are counted down"

    looking(test)


def test_an_answer_that_does_not_come_leaves_what_was_known() -> None:
    async def test(asked: Asked) -> None:
        asked.silent = True
        asked.see(Realms())
        await asyncio.sleep(1)
        assert asked.peers.rows is None
        assert isinstance(asked.peers.problem, NoAnswerError)
        asked.silent = False
        await asyncio.sleep(ASK_S)
        assert not asked.peers.problem
        asked.silent = True
        await asyncio.sleep(ASK_S)
        assert asked.peers.rows == asked.rows

    looking(test)


def test_what_was_fetched_is_kept_until_it_is_fetched_again() -> None:
    peers = Asked().peers
    first, second = cast("Any", object()), cast("Any", object())
    peers.fetched("pusat", answers.Messages(id=1, messages=[first], more=True), after=False)
    peers.fetched("pusat", answers.Messages(id=1, messages=[second], more=False), after=True)
    assert (peers.mail["pusat"], peers.more) == ([first, second], set())
    peers.fetched("pusat", answers.Messages(id=1, messages=[], more=False), after=False)
    assert peers.mail["pusat"] == []


def test_of_what_was_fetched_no_more_is_kept_than_a_page_can_bear() -> None:
    peers, came = Asked().peers, [cast("Any", number) for number in range(MAIL + 100)]
    for begin in range(0, len(came), 100):
        peers.fetched("pusat", answers.Messages(id=1, messages=came[begin : begin + 100], more=True), after=begin > 0)
    assert peers.mail["pusat"] == came[100:]


def test_a_realm_of_which_nothing_was_put_in_words_yet_can_be_drawn_and_one_that_is_gone_says_so() -> None:
    peers = Asked().peers
    assert peers.link("pusat") == "", "nothing is known"
    peers.rows = [realm(connected=True)]
    assert peers.link("pusat") == "", "it has just been heard of"
    assert peers.link("utara") == "Realm tidak ditemukan"


@pytest.mark.parametrize(
    ("conversation", "title", "told"),
    [
        (TALK, "bob@pusat", "pusat: answers"),
        (TALK, "Ana (ana@pusat)          (bob@pusat)", "bob@pusat: answers"),
        (ConversationId("private/bob@utara,messi@kampus"), "bob@utara", "utara: Realm tidak ditemukan"),
        (ConversationId("sent/messi@kampus,new@pusat"), "new@pusat", "pusat: answers"),
        (HERE, "Henderson", ""),
    ],
)
def test_below_the_title_of_a_room_stands_whose_it_is(conversation: ConversationId, title: str, told: str) -> None:
    asked = Asked()
    asked.peers.rows = asked.rows
    asked.see(Realms())
    window = cast("Any", SimpleNamespace(desk=asked.desk, peers=asked.peers))
    assert crossing.link(window, conversation, title) == told


# the form


class Adding:
    """A window in which somebody adds a realm; the realm answers once it is told to."""

    def __init__(self) -> None:
        self.words = ENGLISH
        self.place: Place = NewRealm()
        self.desk, self.peers = object(), Asked().peers
        self.is_logged_in = True
        self.chat = self
        self.told = list[object]()
        self.answer: asyncio.Future[answers.Said] = asyncio.get_running_loop().create_future()

    async def ask(self, _: commands.AddRealm) -> answers.Said:
        return await self.answer

    def say(self, notice: str) -> None:
        self.told.append(notice)

    async def go(self, place: Place, notice: str) -> None:
        self.place = place
        self.told.append((place, notice))


ADDED = answers.Said(id=1, message="Realm added")


def adding(meanwhile: Callable[[Adding], None], outcome: answers.Said | ClientError) -> list[object]:
    """What somebody is told who adds a realm, and does something before there is an answer."""

    async def run() -> list[object]:
        window, one = Adding(), form()
        task = asyncio.create_task(submit(cast("Any", window), one))
        await asyncio.sleep(0)
        busy = [one.busy]
        meanwhile(window)
        if isinstance(outcome, ClientError):
            window.answer.set_exception(outcome)
        else:
            window.answer.set_result(outcome)
        await task
        assert [*busy, one.busy] == [True, False]
        return [*window.told, one.trouble]

    return asyncio.run(run())


def go_home(window: Adding) -> None:
    window.place = Home()


def begin_anew(window: Adding) -> None:
    window.place = NewRealm()


def log_out(window: Adding) -> None:
    window.is_logged_in = False


def somebody_else(window: Adding) -> None:
    window.desk = object()


@pytest.mark.parametrize(
    ("meanwhile", "added", "failed"),
    [
        (lambda _: None, [(Realms(), "Realm added"), ""], [ENGLISH.no_answer]),
        (go_home, ["pusat: Realm added", ""], [f"pusat: {ENGLISH.no_answer}", ENGLISH.no_answer]),
        (begin_anew, ["pusat: Realm added", ""], [f"pusat: {ENGLISH.no_answer}", ENGLISH.no_answer]),
        (log_out, [""], [ENGLISH.no_answer]),
        (somebody_else, [""], [ENGLISH.no_answer]),
    ],
)
def test_who_does_something_else_while_a_realm_is_asked_is_left_there_and_told(
    meanwhile: Callable[[Adding], None], added: list[object], failed: list[object]
) -> None:
    assert adding(meanwhile, ADDED) == added
    assert adding(meanwhile, NoAnswerError("no answer")) == failed


def form(**typed: str) -> Form:
    return Form(**{"realm": "pusat", "address": "chat.example.org", "port": "8889", **typed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    [
        {}, {"realm": " Pusat ", "address": " 127.0.0.1 ", "port": " 1 "}, {"address": "::1"}, {"address": "[::1]"},
        {"key": "k" * 40},
    ],
)  # fmt: skip
def test_a_form_that_is_filled_in_is_a_command(typed: dict[str, str]) -> None:
    one = form(**typed)
    assert one.amiss(ENGLISH) == ""
    command = one.command()
    assert (command.realm, command.port) == ("pusat", int(typed.get("port", "8889")))
    assert command.address == typed.get("address", "chat.example.org").strip(" []")
    assert command.key == (typed.get("key") or UNSET)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"realm": " "}, "Please fill in: Realm"),
        ({"address": ""}, "Please fill in: Address"),
        ({"port": ""}, "Please fill in: Port"),
        ({"realm": "two words"}, f"Realm: {ENGLISH.name_hint}"),
        ({"realm": "a" * 33}, f"Realm: {ENGLISH.name_hint}"),
        ({"address": "http://x"}, f"Address: {ENGLISH.address_hint}"),
        ({"address": "x.example:8889"}, f"Address: {ENGLISH.address_hint}"),
        ({"address": "[::1]:8889"}, f"Address: {ENGLISH.address_hint}"),
        ({"address": "a" * 254}, f"Address: {ENGLISH.address_hint}"),
        ({"port": "0"}, f"Port: {ENGLISH.port_hint}"),
        ({"port": "65536"}, f"Port: {ENGLISH.port_hint}"),
        ({"port": "٣"}, f"Port: {ENGLISH.port_hint}"),
        ({"port": "-1"}, f"Port: {ENGLISH.port_hint}"),
        ({"key": "short"}, f"{ENGLISH.realm_key}: {ENGLISH.realm_key_hint}"),
    ],
)
def test_a_form_says_what_is_amiss(typed: dict[str, str], told: str) -> None:
    assert form(**typed).amiss(ENGLISH) == told


def test_where_nobody_looks_nothing_is_drawn() -> None:
    asked = Asked()
    asked.peers.rows = asked.rows
    assert not asked.see(Home())
    assert not asked.see(Realms(), in_view=False)
    assert asked.see(Realms())
