"""What waits for another realm, as the mirror shows it: pushes tell it and may be lost, `history` mends it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from client.errors import AnswerError
from client.mirror import Mirror
from client.reflect import reflect
from schemas import answers, commands, events
from schemas.answers import Answer
from schemas.commands import Command, Filing, Repeatable
from schemas.entries import CHAIN_START, Entry, File, bounce_body, link, text_body
from schemas.errors import Code
from schemas.names import Address, ConversationId, Name
from schemas.ulid import ulid

ME, BOB = "messi@kampus", "bob@pusat"
TALK = ConversationId(f"private/{BOB},{ME}")
TO_GROUP = ConversationId(f"sent/{ME},new@pusat")
ENOUGH = 200
SALT = bytes(16)


class Realm:
    """Keeps conversations of one user with another realm as a realm does, and answers the mirror."""

    def __init__(self, **options: Any) -> None:
        self.kept: dict[ConversationId, list[Entry]] = {TALK: []}
        self.mirror = Mirror(ME, **options)
        self.asked: list[commands.History] = []
        self.page = 100
        self.first = 1
        self.mirror.heard(events.Welcome(epoch=7, total=0))
        self.settle()

    def say(self, sender: str = ME, talk: ConversationId = TALK, *, queued: bool = False, **bounce: str) -> Entry:
        """Store an entry; nobody is told."""
        entries = self.kept.setdefault(talk, [])
        seq, before = len(entries) + 1, entries[-1].chain if entries else CHAIN_START
        entry_id, text = ulid(seq, bytes(10)), bounce.get("message", f"text {seq}")
        body = bounce_body(SALT, bounce["re"], bounce["code"], text) if bounce else text_body(SALT, text)
        kind = "bounce" if bounce else "text"
        entry = Entry(
            conversation=talk, seq=seq, id=entry_id, sender=sender, name=sender, sent_at=seq,
            kind="bounce" if bounce else "text", chain=link(before, talk, seq, entry_id, sender, seq, kind, body),
            salt=SALT, message=text, re=bounce.get("re", UNSET), code=bounce.get("code", UNSET), queued=queued,
        )  # fmt: skip
        entries.append(entry)
        return entry

    def deliver(self, seq: int, talk: ConversationId = TALK) -> events.Delivered:
        """The other realm takes it; the push that tells so."""
        self.kept[talk][seq - 1] = structs.replace(self.kept[talk][seq - 1], queued=False)
        return events.Delivered(conversation=talk, seq=seq)

    def answer(self, command: Command) -> Answer | AnswerError:
        if isinstance(command, commands.Sync):
            heads: dict[str, int | None] = {name: len(entries) for name, entries in self.kept.items() if entries}
            return answers.Synced(id=1, epoch=7, total=sum(map(len, self.kept.values())), heads=heads, more=False)
        assert isinstance(command, commands.History)
        self.asked.append(command)
        entries = self.kept[command.conversation][self.first - 1 :]
        limit = min(command.limit, self.page)
        if command.after is not UNSET:
            after = command.after
            entries = [entry for entry in entries if entry.seq > after][:limit]
        else:
            before = 1 << 60 if command.before is UNSET else command.before
            entries = [entry for entry in entries if entry.seq < before][-limit:]
        head = len(self.kept[command.conversation])
        return answers.History(id=1, entries=entries, first=self.first, head=head, seen=0, more=False)

    def settle(self) -> None:
        """Answer all that the mirror asks."""
        begun = len(self.asked)
        while questions := self.mirror.take_questions():
            assert len(self.asked) - begun < ENOUGH
            for question in questions:
                self.mirror.answered(question, self.answer(question.command))
        assert self.mirror.idle

    def beat(self) -> list[commands.History]:
        """A heartbeat; what the mirror asked of conversations because of it."""
        begun = len(self.asked)
        self.mirror.beat()
        self.settle()
        return self.asked[begun:]

    def push(self, entry: Entry) -> Entry:
        self.mirror.heard(events.EntryPushed(entry=entry))
        self.settle()
        return entry

    def shown(self, talk: ConversationId = TALK) -> list[Entry]:
        return self.mirror.shown[talk].entries

    def waiting(self) -> list[int]:
        return [entry.seq for entry in self.shown() if entry.queued]


@pytest.fixture
def realm() -> Realm:
    return Realm()


def test_delivered_clears_what_is_shown_and_only_that(realm: Realm) -> None:
    for _ in range(3):
        realm.push(realm.say(queued=True))
    assert realm.waiting() == [1, 2, 3]
    realm.mirror.heard(realm.deliver(2))
    assert realm.waiting() == [1, 3]
    assert realm.shown() == realm.kept[TALK]
    for seq in (0, 4, 1 << 40):
        realm.mirror.heard(events.Delivered(conversation=TALK, seq=seq))
    realm.mirror.heard(events.Delivered(conversation="private/a@b,messi@kampus", seq=1))
    assert realm.waiting() == [1, 3]
    assert realm.mirror.idle


def test_what_a_push_has_lost_the_next_heartbeat_asks(realm: Realm) -> None:
    for number in range(10):
        realm.push(realm.say(queued=number == 6))
    assert realm.waiting() == [7]
    realm.deliver(7)
    (question,) = realm.beat()
    assert (question.after, question.limit) == (6, 1)
    assert realm.shown() == realm.kept[TALK]
    assert realm.waiting() == []
    assert realm.beat() == []


def test_where_nothing_waits_nothing_is_asked(realm: Realm) -> None:
    realm.push(realm.say())
    assert realm.beat() == []


def test_delivered_may_come_before_its_entry(realm: Realm) -> None:
    """And before a page that was told when it still waited."""
    realm.push(realm.say())
    late = realm.say(queued=True)
    delivered = realm.deliver(2)
    realm.mirror.heard(delivered)
    realm.push(late)
    assert realm.shown() == realm.kept[TALK]
    third = realm.say(queued=True)
    realm.mirror.beat()
    (sync,) = realm.mirror.take_questions()
    realm.mirror.answered(sync, realm.answer(sync.command))
    (full,) = realm.mirror.take_questions()
    realm.mirror.answered(full, realm.answer(full.command))
    (question,) = realm.mirror.take_questions()
    page = realm.answer(question.command)
    realm.mirror.heard(realm.deliver(third.seq))
    realm.mirror.answered(question, page)
    assert realm.shown() == realm.kept[TALK]
    assert realm.waiting() == []


def test_the_same_entry_that_waits_no_more_is_no_forgery(realm: Realm) -> None:
    entry = realm.push(realm.say(queued=True))
    asked = len(realm.asked)
    realm.push(structs.replace(entry, queued=False))
    realm.mirror.heard(realm.deliver(1))
    realm.push(entry)
    assert realm.waiting() == []
    assert len(realm.asked) == asked


def test_a_page_of_another_chain_is_one(realm: Realm) -> None:
    realm.push(realm.say(queued=True))
    realm.mirror.beat()
    questions = realm.mirror.take_questions()
    realm.kept[TALK] = []
    realm.say(BOB)
    for question in questions:
        realm.mirror.answered(question, realm.answer(question.command))
    realm.settle()
    assert realm.shown() == realm.kept[TALK]


def test_what_is_said_while_it_is_asked_does_no_harm(realm: Realm) -> None:
    for _ in range(3):
        realm.push(realm.say(queued=True))
    realm.deliver(1)
    realm.mirror.beat()
    questions = realm.mirror.take_questions()
    told = [realm.answer(question.command) for question in questions]
    asked = len(realm.asked)
    for _ in range(3):
        realm.mirror.heard(events.EntryPushed(entry=realm.say(BOB)))
    for question, answer in zip(questions, told, strict=True):
        realm.mirror.answered(question, answer)
    assert realm.shown() == realm.kept[TALK]
    assert not any(question.after is UNSET for question in realm.asked[asked:])
    assert realm.waiting() == [2, 3]


def test_a_long_queue_is_asked_the_oldest_first_and_a_page_a_heartbeat(realm: Realm) -> None:
    for _ in range(250):
        realm.mirror.heard(events.EntryPushed(entry=realm.say(queued=True)))
    realm.settle()
    rounds = [[(question.after, question.limit) for question in realm.beat()] for _ in range(4)]
    assert rounds == [[(0, 100)], [(100, 100)], [(200, 50)], [(0, 100)]]
    for seq in range(1, 241):
        realm.deliver(seq)
    assert [question.after for question in realm.beat()] == [100, 200]  # some went, so others may have gone too
    assert [question.after for question in realm.beat()] == [0, 240]
    assert realm.shown() == realm.kept[TALK]
    assert [(question.after, question.limit) for question in realm.beat()] == [(240, 10)]


def test_pages_may_be_cut_short(realm: Realm) -> None:
    realm.page = 3
    for _ in range(8):
        realm.mirror.heard(events.EntryPushed(entry=realm.say(queued=True)))
    realm.settle()
    for seq in range(1, 9):
        realm.deliver(seq)
    assert [question.after for question in realm.beat()] == [0, 3, 6]
    assert realm.waiting() == []


def test_what_retention_has_removed_is_not_asked_for_ever(realm: Realm) -> None:
    for _ in range(3):
        realm.push(realm.say(queued=True))
    realm.first = 3
    assert len(realm.beat()) == 1
    assert [question.after for question in realm.beat()] == [2]
    realm.deliver(3)
    realm.beat()
    assert realm.beat() == []
    assert realm.mirror.idle


def test_a_question_that_failed_waits_for_the_next_heartbeat(realm: Realm) -> None:
    realm.push(realm.say(queued=True))
    realm.deliver(1)
    realm.mirror.beat()
    for question in realm.mirror.take_questions():
        realm.mirror.answered(question, AnswerError.of(Code.RATE_LIMITED, "too fast"))
    assert realm.mirror.take_questions() == []
    realm.beat()
    assert realm.waiting() == []


def test_what_nobody_looks_at_is_not_asked() -> None:
    realm = Realm(looks=False)
    realm.push(realm.say(queued=True))
    assert realm.beat() == []
    realm.mirror.look_at(TALK)
    realm.settle()
    assert realm.waiting() == [1]
    realm.deliver(1)
    realm.mirror.look_away(TALK)
    assert realm.beat() == []
    realm.mirror.look_at(TALK)
    realm.settle()
    assert realm.waiting() == []


def test_what_is_let_go_is_not_asked() -> None:
    realm = Realm(keep=5)
    for _ in range(20):
        realm.push(realm.say(queued=True))
    assert realm.waiting()[0] > 10
    (question,) = realm.beat()
    assert question.after == realm.waiting()[0] - 1


Make = Callable[[], Repeatable]
INTO: list[tuple[ConversationId, Make]] = [
    (TALK, lambda: commands.Send(id=1, to=Address(BOB), message="text 1", entry=ulid(1, bytes(10)))),
    (
        TALK,
        lambda: commands.SendPrivateRealm(
            id=1, realm=Name("pusat"), to=Name("bob"), message="text 1", entry=ulid(1, bytes(10))
        ),
    ),
    (
        TO_GROUP,
        lambda: commands.SendGroupRealm(
            id=1, realm=Name("pusat"), group=Name("new"), message="text 1", entry=ulid(1, bytes(10))
        ),
    ),
    (
        TALK,
        lambda: commands.SendFileRealm(id=1, realm=Name("pusat"), to=Name("bob"), file="F1", entry=ulid(1, bytes(10))),
    ),
    (
        TO_GROUP,
        lambda: commands.SendGroupFileRealm(
            id=1, realm=Name("pusat"), group=Name("new"), file="F1", entry=ulid(1, bytes(10))
        ),
    ),
]


@pytest.mark.parametrize(("talk", "make"), INTO)
def test_an_own_send_is_shown_as_the_realm_has_it(talk: ConversationId, make: Make) -> None:
    realm, command = Realm(), make()
    realm.mirror.sending(str(command.entry))
    entry = realm.say(talk=talk, queued=True)
    file = File(id="F1", name="a", size=1, media_type="x", digest=bytes(32))
    sent = answers.Sent(
        id=1, message="sent", conversation=talk, seq=1, entry=entry.id, name=entry.name, sent_at=1, salt=SALT,
        chain=entry.chain, queued=True, file_info=file if isinstance(command, Filing) else UNSET,
    )  # fmt: skip
    reflect(realm.mirror, command, sent)
    if isinstance(command, Filing):
        assert realm.mirror.shown[talk].head == 1
        return
    realm.settle()
    assert realm.shown(talk) == [entry]
    assert realm.mirror.take_news() == []
    realm.mirror.heard(realm.deliver(1, talk))
    reflect(realm.mirror, command, sent)  # asked again, it has the first answer
    assert realm.shown(talk) == realm.kept[talk]


def test_what_another_device_sends_to_a_group_elsewhere_is_news_from_its_beginning(realm: Realm) -> None:
    realm.say(talk=TO_GROUP, queued=True)
    second = realm.say(talk=TO_GROUP, queued=True)
    realm.push(second)
    assert realm.mirror.take_news() == realm.kept[TO_GROUP]


def test_what_was_sent_to_a_group_elsewhere_while_nothing_was_heard_is_news(realm: Realm) -> None:
    realm.say(talk=TO_GROUP)
    realm.beat()
    assert realm.mirror.take_news() == realm.kept[TO_GROUP]


def test_what_bounced_waits_no_longer(realm: Realm) -> None:
    first, other = realm.say(queued=True), realm.say(queued=True)
    for entry in (first, other):
        realm.mirror.heard(events.EntryPushed(entry=entry))
    realm.settle()
    bounce = realm.say("bob@pusat", re=first.id, code="user_not_found", message="User tidak ada")
    realm.mirror.heard(events.EntryPushed(entry=bounce))
    assert [entry.queued for entry in realm.mirror.shown[TALK].entries] == [False, True, False]


def test_a_bounce_is_news_and_its_message_is_found(realm: Realm) -> None:
    mine = realm.push(realm.say(queued=True))
    realm.mirror.take_news()
    realm.deliver(1)
    refusal = realm.push(realm.say(BOB, re=mine.id, code="user_not_found", message="User tidak ada"))
    assert realm.mirror.take_news() == [refusal]
    assert realm.mirror.find(TALK, mine.id) == structs.replace(mine, queued=False)
    assert realm.mirror.find(TALK, refusal.id) is None  # that is no message of this user
    assert realm.mirror.find(TO_GROUP, mine.id) is None
    realm.beat()
    assert realm.shown() == realm.kept[TALK]


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["queue", "say", "hear", "deliver", "beat", "forge", "late", "answer"]),
        st.integers(0, 7),
        st.booleans(),
    ),
    max_size=60,
)


@given(DEEDS, st.integers(1, 4))
def test_whatever_is_lost_or_late_after_some_heartbeats_it_shows_what_history_tells(
    deeds: list[tuple[str, int, bool]], size: int
) -> None:
    realm, held = Realm(), list[tuple[Any, Answer | AnswerError]]()
    realm.page = size
    pushes: list[Any] = []
    for deed, number, told in deeds:
        entries = realm.kept[TALK]
        push: events.EntryPushed | events.Delivered | None = None
        waiting = [entry.seq for entry in entries if entry.queued]
        if deed == "queue":
            push = events.EntryPushed(entry=realm.say(queued=True))
        elif deed in ("say", "hear"):
            push = events.EntryPushed(entry=realm.say(BOB if deed == "hear" else ME))
        elif deed == "deliver" and waiting:
            push = realm.deliver(waiting[number % len(waiting)])
        elif deed == "beat":
            realm.mirror.beat()
        elif deed == "forge" and entries:
            entry = entries[number % len(entries)]
            realm.mirror.heard(events.EntryPushed(entry=structs.replace(entry, message="forged", chain=bytes(32))))
        elif deed == "late" and pushes:
            realm.mirror.heard(pushes[number % len(pushes)])
        elif deed == "answer":
            for question, answer in held:
                realm.mirror.answered(question, answer)
            held = [(question, realm.answer(question.command)) for question in realm.mirror.take_questions()]
        if push is not None:
            pushes.append(push)
            if told:
                realm.mirror.heard(push)
    for question, answer in held:
        realm.mirror.answered(question, answer)
    for _ in range(3 + len(realm.kept[TALK])):
        realm.mirror.beat()
        realm.settle()
    entries = realm.kept[TALK]
    if entries and not realm.mirror.shown[TALK].untrusted:
        assert realm.shown() == entries[realm.mirror.shown[TALK].low - 1 :]
