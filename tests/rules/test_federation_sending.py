"""Messages to other realms: what is answered when, what is stored, and who hears of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from realm.inputs import Stopping
from schemas import commands
from schemas.commands import Command
from schemas.entries import CHAIN_START, Entry, follows
from schemas.errors import Code
from schemas.events import EntryPushed
from schemas.names import Address, Name
from tests.rules.federation_kit import DAY, Map, Pair, User, make_pair, network_in, peer_rules, ulid
from tests.rules.kit import ok, refused

SENT = "sent/messi@kampus,new@pusat"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with network_in(tmp_path) as network:
        yield make_pair(network)


def no_entry_at(*users: User) -> None:
    for user in users:
        assert user.entries() == []


# taken at once


def test_a_message_that_is_taken_is_answered_then(pair: Pair) -> None:
    answer = ok(pair.messi.send("bob@pusat", "halo", entry=1).answer)
    assert (answer.message, answer.queued, answer.seq, answer.entry) == ("Message sent", False, 1, ulid(1))
    assert answer.conversation == pair.talk
    (own,) = pair.messi.history(pair.talk)
    assert (own.id, own.sender, own.name, own.message, own.kind) == (ulid(1), "messi@kampus", "Messi", "halo", "text")
    assert (own.sent_at, own.salt, own.chain) == (answer.sent_at, answer.salt, answer.chain)
    assert not own.queued
    assert follows(CHAIN_START, own)
    (came,) = pair.bob.history(pair.talk)
    assert (came.id, came.sender, came.name, came.message) == (ulid(1), "messi@kampus", "Messi", "halo")
    assert came.sent_at == own.sent_at
    assert follows(CHAIN_START, came)


def test_who_hears_of_it(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    ok(pair.messi.send("bob@pusat", entry=1).answer)
    assert [one.id for one in phone.entries()] == [ulid(1)]
    assert [one.id for one in pair.bob.entries()] == [ulid(1)]
    no_entry_at(pair.messi, pair.henderson, pair.lina)
    assert pair.messi.delivered() == phone.delivered() == []


def test_without_a_ulid_the_realm_draws_one(pair: Pair) -> None:
    first, second = (ok(pair.messi.send("bob@pusat", "halo").answer) for _ in range(2))
    assert first.entry != second.entry
    assert [one.id for one in pair.bob.history(pair.talk)] == [first.entry, second.entry]


def test_send_and_sendprivaterealm_are_the_same(pair: Pair) -> None:
    first = ok(pair.messi.send("bob@pusat", "halo", entry=1).answer)
    second = ok(
        pair.messi.get(commands.SendPrivateRealm, realm=Name("pusat"), to=Name("bob"), message="halo", entry=ulid(1))
    )
    assert (first.seq, first.chain, first.queued) == (second.seq, second.chain, second.queued)
    assert pair.bob.texts(pair.talk) == ["halo"]


def test_both_directions_meet_in_one_conversation_of_each_realm(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", "halo").answer)
    ok(pair.bob.send("messi@kampus", "halo juga").answer)
    for user in (pair.messi, pair.bob):
        assert user.texts(pair.talk) == ["halo", "halo juga"]


def test_names_are_folded(pair: Pair) -> None:
    ok(pair.messi.ask(commands.Send, to=Address("BOB@Pusat"), message="halo").answer)
    assert pair.bob.texts(pair.talk) == ["halo"]


def test_the_own_realm_is_local_in_send_and_not_found_in_the_realm_commands(pair: Pair) -> None:
    ok(pair.messi.send("henderson@kampus", "halo").answer)
    assert pair.henderson.texts("private/henderson@kampus,messi@kampus") == ["halo"]
    said: tuple[tuple[type[Command], Map], ...] = (
        (commands.SendPrivateRealm, {"to": Name("henderson"), "message": "halo"}),
        (commands.SendGroupRealm, {"group": Name("new"), "message": "halo"}),
        (commands.SendFileRealm, {"to": Name("henderson"), "file": "x"}),
        (commands.SendGroupFileRealm, {"group": Name("new"), "file": "x"}),
        (commands.GetRealmInbox, {}),
    )
    for command, arguments in said:
        for realm in ("kampus", "nowhere"):
            assert refused(pair.messi.get(command, realm=Name(realm), **arguments), Code.REALM_NOT_FOUND)
    assert refused(pair.messi.send("bob@nowhere").answer, Code.REALM_NOT_FOUND)
    assert pair.kampus.count("outbox") == 0


def test_a_refusal_within_the_wait_is_the_answer_and_nothing_is_kept(pair: Pair) -> None:
    asked = pair.messi.send("nobody@pusat", entry=1)
    assert refused(asked.answer, Code.USER_NOT_FOUND)
    assert asked.answer.text == "User tidak ada"
    assert refused(
        pair.messi.get(commands.SendGroupRealm, realm=Name("pusat"), group=Name("none"), message="x"),
        Code.GROUP_NOT_FOUND,
    )
    assert pair.messi.get(commands.Conversations).conversations == []
    no_entry_at(pair.messi.elsewhere(), pair.bob)
    assert pair.kampus.ends("pusat").queued == 0


def test_a_refusal_is_final_for_its_entry(pair: Pair) -> None:
    assert refused(pair.messi.send("rina@pusat", entry=1).answer, Code.USER_NOT_FOUND)
    rina = pair.pusat.user("rina")
    envelopes = len(pair.network.told("link.envelope"))
    assert refused(pair.messi.send("rina@pusat", entry=1).answer, Code.USER_NOT_FOUND)
    assert len(pair.network.told("link.envelope")) == envelopes
    ok(pair.messi.send("rina@pusat", entry=2).answer)
    assert rina.texts("private/messi@kampus,rina@pusat") == ["halo"]


# queued


def test_after_two_seconds_it_is_queued(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat", entry=1)
    pair.network.run(1_999)
    assert asked.open
    assert pair.messi.history(pair.talk) == []
    pair.network.run(1)
    answer = ok(asked.answer)
    assert (answer.queued, answer.seq) == (True, 1)
    (own,) = pair.messi.history(pair.talk)
    assert own.queued
    assert [(one.id, one.queued) for one in phone.entries()] == [(ulid(1), True)]
    no_entry_at(pair.messi, pair.bob)


def test_when_a_queued_one_arrives_all_devices_of_the_sender_hear_it(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat", entry=1)
    pair.network.run(2_000)
    pair.network.release()
    assert ok(asked.answer).queued
    assert pair.messi.delivered() == phone.delivered() == [1]
    (own,) = pair.messi.history(pair.talk)
    assert not own.queued
    assert own.chain == asked.answer.chain
    assert [one.id for one in pair.bob.entries()] == [ulid(1)]
    assert pair.henderson.pushed() == []


def test_a_peer_known_to_be_down_is_not_waited_for(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    phone = pair.messi.elsewhere()
    assert ok(pair.messi.send("bob@pusat", entry=1).answer).queued
    assert [one.id for one in phone.entries()] == [ulid(1)]
    no_entry_at(pair.messi)
    pair.network.join("kampus", "pusat")
    pair.network.run(2_000)
    assert pair.bob.texts(pair.talk) == ["halo"]
    assert pair.messi.delivered() == [1]


def test_who_waits_when_the_link_is_lost_waits_no_longer(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat")
    pair.network.run(500)
    assert asked.open
    pair.network.cut("kampus", "pusat")
    pair.network.run(1)
    assert ok(asked.answer).queued


def test_the_order_of_what_is_queued_is_kept(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    for number in range(200):
        ok(pair.messi.send("bob@pusat", str(number)).answer)
    pair.network.join("kampus", "pusat")
    pair.network.run(3_000)
    assert [entry.message for entry in pair.bob.entries()] == [str(number) for number in range(200)]


def test_a_full_queue_stores_nothing(tmp_path: Path) -> None:
    with network_in(tmp_path) as network:
        pair = make_pair(network, kampus=peer_rules(queue=3))
        network.cut("kampus", "pusat")
        for number in range(3):
            ok(pair.messi.send("bob@pusat", entry=number).answer)
        full = pair.messi.send("bob@pusat", entry=3).answer
        assert refused(full, Code.QUEUE_FULL)
        assert "3 messages" in full.text
        assert (pair.kampus.count("outbox"), len(pair.messi.history(pair.talk))) == (3, 3)
        assert ok(pair.messi.send("bob@pusat", entry=2).answer).seq == 3, "a repeat needs no room"
        network.join("kampus", "pusat")
        network.run(2_000)
        assert ok(pair.messi.send("bob@pusat", entry=3).answer).queued is False
        assert pair.kampus.ends("pusat").queued == 0


# repeats


def test_a_repeat_joins_the_wait(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.ack")
    first = pair.messi.send("bob@pusat", entry=1)
    pair.network.run(500)
    again, other = pair.messi.send("bob@pusat", entry=1), phone.send("bob@pusat", entry=1)
    assert first.open
    pair.network.release()
    seen = {(ok(asked.answer).seq, asked.answer.chain, asked.answer.queued) for asked in (first, again, other)}
    assert len(seen) == 1
    assert first.answer.id != again.answer.id
    assert pair.bob.texts(pair.talk) == ["halo"]
    no_entry_at(pair.messi, phone)


def test_the_wait_of_a_repeat_ends_with_the_first(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    first = pair.messi.send("bob@pusat", entry=1)
    pair.network.run(1_500)
    again = pair.messi.send("bob@pusat", entry=1)
    pair.network.run(500)
    assert (ok(first.answer).queued, ok(again.answer).queued) == (True, True)


def test_repeats_within_a_refused_wait_all_hear_it(pair: Pair) -> None:
    pair.network.hold("link.ack")
    asked = [pair.messi.send("nobody@pusat", entry=1) for _ in range(3)]
    pair.network.release()
    assert all(refused(one.answer, Code.USER_NOT_FOUND) for one in asked)


def test_two_sessions_asking_in_one_turn(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.envelope")
    one, other = pair.messi.send("bob@pusat", entry=1), phone.send("bob@pusat", entry=1)
    third = pair.messi.send("bob@pusat", "lain", entry=1)
    assert refused(third.answer, Code.BAD_REQUEST)
    pair.network.run(2_000)
    assert ok(one.answer).seq == ok(other.answer).seq == 1
    assert len(pair.messi.history(pair.talk)) == 1


@pytest.mark.parametrize("when", ["waiting", "queued", "taken", "refused"])
def test_other_arguments_under_a_known_entry_are_a_bad_request(pair: Pair, when: str) -> None:
    pair.pusat.user("rina")
    to = "nobody@pusat" if when == "refused" else "bob@pusat"
    if when in ("waiting", "queued"):
        pair.network.hold("link.envelope")
    first = pair.messi.send(to, entry=1)
    if when == "queued":
        pair.network.run(2_000)
    assert first.open == (when == "waiting")
    for again in (
        pair.messi.send(to, "lain", entry=1),
        pair.messi.send("rina@pusat", entry=1),
        pair.messi.ask(commands.SendGroupRealm, realm=Name("pusat"), group=Name("bob"), message="halo", entry=ulid(1)),
    ):
        assert refused(again.answer, Code.BAD_REQUEST)
    assert pair.kampus.count("outbox") == 1


def test_a_repeat_after_a_restart_gets_the_first_answer(pair: Pair) -> None:
    first = ok(pair.messi.send("bob@pusat", entry=1).answer)
    pair.kampus.crash()
    again = ok(pair.messi.send("bob@pusat", entry=1).answer)
    assert (again.seq, again.chain, again.queued) == (first.seq, first.chain, False)
    assert pair.bob.texts(pair.talk) == ["halo"]


def test_two_users_may_use_the_same_entry(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", entry=1).answer)
    ok(pair.henderson.send("bob@pusat", entry=1).answer)
    ok(pair.bob.send("messi@kampus", entry=1).answer)
    assert len(pair.bob.inbox()) == 2
    assert len(pair.messi.inbox()) == 1


def test_an_entry_used_in_the_own_realm_is_not_used_again(pair: Pair) -> None:
    ok(pair.messi.send("henderson", entry=1).answer)
    assert refused(pair.messi.send("bob@pusat", entry=1).answer, Code.BAD_REQUEST)
    assert pair.kampus.count("outbox") == 0


# bounces


def bounce(pair: Pair, to: str = "nobody@pusat") -> Entry:
    """A message that is refused when it was queued already; what its sender has of that."""
    pair.network.hold("link.envelope")
    asked = pair.messi.send(to, entry=1)
    pair.network.run(2_000)
    assert ok(asked.answer).queued
    pair.network.release()
    own, came = pair.messi.history(f"private/messi@kampus,{to}")
    assert own.id == ulid(1)
    return came


def test_a_later_refusal_is_an_entry(pair: Pair) -> None:
    came = bounce(pair)
    assert came.kind == "bounce"
    assert came.sender == came.name == "nobody@pusat"
    assert (came.re, came.code, came.message) == (ulid(1), "user_not_found", "User tidak ada")
    assert came.id != ulid(1)
    own = pair.messi.history("private/messi@kampus,nobody@pusat")[0]
    assert not own.queued
    assert follows(own.chain, came)


def test_who_hears_of_a_bounce(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    came = bounce(pair)
    assert [one.kind for one in pair.messi.entries()] == ["bounce"]
    assert [one.kind for one in phone.entries()] == ["text", "bounce"]
    assert phone.entries()[-1] == came
    no_entry_at(pair.henderson, pair.bob)
    assert pair.messi.delivered() == phone.delivered() == []


def test_a_bounce_counts_as_received(pair: Pair) -> None:
    came = bounce(pair)
    (row,) = pair.messi.get(commands.Conversations).conversations
    assert (row.unread, row.head) == (1, 2)
    assert pair.messi.inbox() == [came]
    assert pair.messi.inbox("pusat") == [came]
    assert pair.messi.inbox("pusat") == pair.messi.inbox() == []
    assert pair.henderson.inbox("pusat") == []


def test_a_bounce_of_a_group_message_is_in_its_sent_conversation(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    asked = pair.messi.ask(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="halo")
    pair.network.run(2_000)
    pair.network.release()
    assert ok(asked.answer).conversation == SENT
    own, came = pair.messi.history(SENT)
    assert came.sender == came.name == "new@pusat"
    assert (came.re, came.code) == (own.id, "group_not_found")
    assert pair.messi.inbox("pusat") == [came]


def test_what_bounced_is_not_sent_again(pair: Pair) -> None:
    bounce(pair)
    pair.network.forget()
    pair.kampus.crash()
    pair.network.run(60_000)
    assert pair.network.told("link.envelope") == []
    assert len(pair.messi.history("private/messi@kampus,nobody@pusat")) == 2


# groups


def test_a_group_of_another_realm(pair: Pair) -> None:
    ok(pair.bob.get(commands.AddGroup, group="New"))
    ok(pair.lina.get(commands.JoinGroup, group=Name("new")))
    phone = pair.messi.elsewhere()
    send = pair.messi.ask(
        commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="halo", entry=ulid(1)
    )
    answer = ok(send.answer)
    assert (answer.conversation, answer.queued, answer.seq) == (SENT, False, 1)
    for member in (pair.bob, pair.lina):
        (came,) = member.entries()
        assert (came.conversation, came.sender, came.message) == ("group/new@pusat", "messi@kampus", "halo")
    assert [one.conversation for one in phone.entries()] == [SENT]
    assert pair.messi.texts(SENT) == ["halo"]
    assert refused(pair.henderson.get(commands.History, conversation=SENT), Code.FORBIDDEN)
    assert pair.henderson.inbox() == []


def test_a_member_of_no_group_may_write_to_one_elsewhere_but_not_read_it(pair: Pair) -> None:
    ok(pair.bob.get(commands.AddGroup, group="new"))
    ok(pair.messi.get(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="halo"))
    answer = pair.messi.get(commands.History, conversation="group/new@pusat")
    assert refused(answer, Code.GROUP_NOT_FOUND) or refused(answer, Code.FORBIDDEN)


def test_an_empty_group_takes_messages_too(pair: Pair) -> None:
    ok(pair.bob.get(commands.AddGroup, group="new"))
    ok(pair.bob.get(commands.LeaveGroup, group=Name("new")))
    ok(pair.messi.get(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="halo"))
    ok(pair.lina.get(commands.JoinGroup, group=Name("new")))
    assert pair.lina.texts("group/new@pusat") == ["halo"]
    assert pair.lina.inbox() == pair.lina.inbox("kampus") == []


def test_groups_of_the_same_name_in_both_realms_are_two(pair: Pair) -> None:
    ok(pair.messi.get(commands.AddGroup, group="new"))
    ok(pair.bob.get(commands.AddGroup, group="new"))
    ok(pair.messi.get(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="ke sana"))
    ok(pair.messi.get(commands.SendGroup, group=Name("new"), message="di sini"))
    assert pair.bob.texts("group/new@pusat") == ["ke sana"]
    assert pair.messi.texts("group/new@kampus") == ["di sini"]


def test_conversations_across_realms_are_listed_like_others(pair: Pair) -> None:
    ok(pair.bob.get(commands.AddGroup, group="new"))
    ok(pair.messi.send("bob@pusat", "1").answer)
    pair.network.now += 5
    ok(pair.messi.get(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="2"))
    pair.network.now += 5
    ok(pair.bob.send("messi@kampus", "3").answer)
    rows = ok(pair.messi.get(commands.Conversations)).conversations
    assert [(row.conversation, row.title, row.head, row.unread) for row in rows] == [
        (pair.talk, "bob@pusat", 2, 1),
        (SENT, "new@pusat", 1, 0),
    ]
    ok(pair.messi.get(commands.Read, conversation=SENT, seq=1))
    synced = ok(pair.messi.get(commands.Sync, cursors={}))
    assert synced.heads == {pair.talk: 2, SENT: 1}
    assert synced.total == 3
    watched = ok(pair.messi.get(commands.Sync, watch=[Address("bob@pusat")]))
    assert watched.active == {"bob@pusat": False}


def test_read_marks_do_not_cross(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", "1").answer)
    ok(pair.bob.get(commands.Read, conversation=pair.talk, seq=1))
    assert ok(pair.messi.get(commands.History, conversation=pair.talk)).seen == 0
    assert [type(event).__name__ for event in pair.messi.pushed()] == []


# getrealminbox


def say(pair: Pair, *texts: str) -> None:
    for text in texts:
        ok(pair.bob.send("messi@kampus", text).answer)


def test_what_came_from_a_realm_comes_once_in_each_inbox(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", "own").answer)
    ok(pair.henderson.send("messi", "local").answer)
    say(pair, "1", "2")
    assert [one.message for one in pair.messi.inbox("pusat")] == ["1", "2"]
    assert pair.messi.inbox("pusat") == []
    assert sorted(str(one.message) for one in pair.messi.inbox()) == ["1", "2", "local"]
    assert pair.messi.inbox() == []
    say(pair, "3")
    assert [one.message for one in pair.messi.inbox()] == ["3"]
    assert [one.message for one in pair.messi.inbox("pusat")] == ["3"]


def test_the_cursors_do_not_move_each_other(pair: Pair) -> None:
    say(pair, "1", "2")
    ok(pair.messi.get(commands.Read, conversation=pair.talk, seq=2))
    (row,) = pair.messi.get(commands.Conversations).conversations
    assert (row.read, row.unread) == (2, 0)
    assert len(pair.messi.inbox("pusat")) == 2
    (row,) = pair.messi.get(commands.Conversations).conversations
    assert row.read == 2
    assert len(pair.messi.inbox()) == 2


def test_a_page_of_getrealminbox_goes_on_by_itself(pair: Pair) -> None:
    say(pair, *"12345")
    ok(pair.lina.send("messi@kampus", "6").answer)
    seen: list[str] = []
    for more in (True, True, False):
        answer = ok(pair.messi.get(commands.GetRealmInbox, realm=Name("pusat"), limit=2))
        assert answer.more == more
        seen += [str(one.message) for one in answer.messages]
    assert seen == list("123456")
    assert ok(pair.messi.get(commands.GetRealmInbox, realm=Name("pusat"), limit=2)).messages == []


def test_a_page_of_getrealminbox_is_bounded_in_bytes(pair: Pair) -> None:
    say(pair, *(str(number) * 60_000 for number in range(7)))
    sizes = []
    while True:
        answer = ok(pair.messi.get(commands.GetRealmInbox, realm=Name("pusat")))
        sizes.append(len(answer.messages))
        if not answer.more:
            break
    assert sizes == [4, 3]


def test_in_a_group_it_begins_at_joining_and_never_goes_back(pair: Pair) -> None:
    ok(pair.messi.get(commands.AddGroup, group="new"))

    def to_group(text: str) -> None:
        ok(pair.bob.get(commands.SendGroupRealm, realm=Name("kampus"), group=Name("new"), message=text))

    to_group("1")
    ok(pair.henderson.get(commands.JoinGroup, group=Name("new")))
    to_group("2")
    assert [one.message for one in pair.henderson.inbox("pusat")] == ["2"]
    assert [one.message for one in pair.messi.inbox("pusat")] == ["1", "2"]
    to_group("3")
    ok(pair.henderson.get(commands.LeaveGroup, group=Name("new")))
    assert pair.henderson.inbox("pusat") == []
    to_group("4")
    ok(pair.henderson.get(commands.JoinGroup, group=Name("new")))
    to_group("5")
    assert [one.message for one in pair.henderson.inbox("pusat")] == ["5"]


def test_each_realm_has_its_own(tmp_path: Path) -> None:
    with network_in(tmp_path) as network:
        pair = make_pair(network)
        third = network.realm("desa")
        ani = third.user("ani")
        ok(ani.add_realm("kampus").answer)
        network.run(2_000)
        ok(pair.messi.get(commands.AddGroup, group="new"))
        ok(ani.get(commands.SendGroupRealm, realm=Name("kampus"), group=Name("new"), message="desa"))
        ok(pair.bob.get(commands.SendGroupRealm, realm=Name("kampus"), group=Name("new"), message="pusat"))
        ok(pair.messi.get(commands.SendGroup, group=Name("new"), message="kampus"))
        assert [one.message for one in pair.messi.inbox("desa")] == ["desa"]
        assert [one.message for one in pair.messi.inbox("pusat")] == ["pusat"]


# the end of a realm


def test_on_sigterm_who_waits_is_answered(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    asked = [pair.messi.send("bob@pusat", entry=number) for number in range(3)]
    pair.kampus.turn(Stopping())
    assert [(ok(one.answer).queued, one.answer.seq) for one in asked] == [(True, 1), (True, 2), (True, 3)]
    pair.network.held.clear()
    pair.network.heal()
    pair.kampus.crash()
    pair.network.run(3_000)
    assert len(pair.bob.inbox()) == 3
    assert [one.queued for one in pair.messi.history(pair.talk)] == [False] * 3


def test_after_a_crash_what_waited_is_queued_and_stored(pair: Pair) -> None:
    pair.network.lose("link.envelope")
    asked = pair.messi.send("bob@pusat", entry=1)
    pair.kampus.end()
    assert asked.open
    pair.network.heal()
    pair.kampus.start()
    (own,) = pair.messi.history(pair.talk)
    assert (own.id, own.queued) == (ulid(1), True)
    again = ok(pair.messi.send("bob@pusat", entry=1).answer)
    assert (again.queued, again.seq) == (True, 1)
    pair.kampus.crash()
    pair.network.run(3_000)
    assert pair.bob.texts(pair.talk) == ["halo"]
    assert pair.messi.delivered() == [1]


def test_what_was_taken_while_this_realm_was_down_is_delivered_once(pair: Pair) -> None:
    pair.network.lose("link.ack")
    pair.messi.send("bob@pusat", entry=1)
    assert pair.bob.texts(pair.talk) == ["halo"]
    pair.network.heal()
    pair.kampus.crash()
    pair.network.run(3_000)
    assert pair.bob.texts(pair.talk) == ["halo"]
    assert pair.messi.delivered() == [1]
    assert pair.kampus.ends("pusat").queued == 0


def test_logging_out_while_waiting_does_not_lose_the_answer(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.ack")
    asked = pair.messi.send("bob@pusat", entry=1)
    ok(pair.messi.get(commands.Logout))
    pair.network.release()
    assert ok(asked.answer).queued is False
    assert [one.id for one in phone.entries()] == [ulid(1)]


def test_a_clock_set_back_does_not_stall_who_waits(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat")
    pair.kampus.clock = -DAY
    pair.network.run(2_000)
    assert ok(asked.answer).queued


# what is kept


def test_outbox_rows_are_kept_until_a_week_after_they_were_taken(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", entry=1).answer)
    pair.network.skip(6 * DAY)
    assert pair.kampus.outgoing("messi", ulid(1)) is not None
    pair.network.skip(2 * DAY)
    assert pair.kampus.outgoing("messi", ulid(1)) is None
    assert pair.messi.texts(pair.talk) == ["halo"]


def test_what_was_not_acknowledged_is_kept_for_ever(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    ok(pair.messi.send("bob@pusat", entry=1).answer)
    pair.network.skip(90 * DAY)
    assert pair.kampus.outgoing("messi", ulid(1)) is not None
    pair.network.join("kampus", "pusat")
    pair.network.run(100_000)
    assert pair.pusat.count("entries") == 1


def test_answers_are_remembered_for_a_month(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", entry=1).answer)
    assert refused(pair.messi.send("nobody@pusat", entry=2).answer, Code.USER_NOT_FOUND)
    pair.network.skip(29 * DAY)
    assert pair.pusat.count("taken") == 2
    pair.network.skip(2 * DAY)
    assert pair.pusat.count("taken") == 0


def test_the_sender_is_told_of_what_is_queued_in_realms(pair: Pair) -> None:
    (row,) = ok(pair.messi.get(commands.Realms)).realms
    assert (row.realm, row.address, row.connected, row.queued) == ("pusat", "pusat", True, 0)
    pair.network.cut("kampus", "pusat")
    ok(pair.messi.send("bob@pusat").answer)
    (row,) = ok(pair.messi.get(commands.Realms)).realms
    assert (row.connected, row.queued) == (False, 1)
    assert row.down_since == pair.kampus.now
    assert pair.kampus.now <= row.next_try <= pair.kampus.now + 1_000


def test_the_queue_is_counted_right_through_all_that(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    for number in range(5):
        ok(pair.messi.send("bob@pusat" if number % 2 else "nobody@pusat", entry=number).answer)
        assert pair.kampus.ends("pusat").queued == number + 1
    pair.kampus.crash()
    assert pair.kampus.ends("pusat").queued == 5
    pair.network.join("kampus", "pusat")
    pair.network.run(3_000)
    assert pair.kampus.ends("pusat").queued == 0
    assert [event.entry.kind for event in pair.messi.pushed() if isinstance(event, EntryPushed)] == ["bounce"] * 3
