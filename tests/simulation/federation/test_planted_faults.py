"""Faults between realms that are put in on purpose: the simulation must catch each, or it proves nothing."""

import sqlite3

import msgspec
import pytest

from realm import erasing
from realm.context import Ctx
from realm.federation import carrying, forgetting, link, outbox, peers, receiving, settling
from realm.federation.state import Link, Peers, Phase, Wait, WaitOver
from realm.inputs import FromPeer
from realm.store import database
from realm.store.accounts import AccountRows
from realm.store.entries import EntryRows
from realm.store.erasing import ErasingRows
from realm.store.outbox import OutboxRows
from realm.store.peers import PeerRows
from realm.store.rows import Erasing, Outgoing, Peer, Post, Sending
from realm.upkeep import FORGOTTEN
from schemas.entries import Entry
from schemas.errors import Code
from schemas.federation import Mark, PeerAnswer
from schemas.names import Name
from tests.simulation.federation.runner import run_histories
from tests.simulation.planting import caught_by

AT_MOST = 60
changed = msgspec.structs.replace


def caught(*words: str, first: int = 0) -> None:
    caught_by(run_histories, AT_MOST, words, first)


def test_without_a_planted_fault_nothing_is_caught() -> None:
    run_histories(range(3))


def test_what_was_sent_is_taken_as_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = link.pump

    def pump_and_believe(ctx: Ctx, peer: int) -> None:
        pump(ctx, peer)
        now, acked = ctx.view.peers.link(peer), ctx.tx.sending(peer).acked
        if now.phase is Phase.OPEN and now.sent > acked and ctx.tx.writable:
            sent = now.sent
            rows = ctx.tx.numbered(peer, acked, sent)
            ctx.tx.acknowledge(peer, sent)
            fresh = [row for row in rows if not row.settled]
            settling.settle(ctx, fresh, [""] * len(fresh))

    monkeypatch.setattr(link, "pump", pump_and_believe)
    caught("is there (1, 0, 0)", "not settled")


def test_a_number_that_is_taken_outside_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[tuple[sqlite3.Connection, int], int] = {}
    number = OutboxRows.number

    def counting(self: OutboxRows, row: Outgoing) -> Outgoing:
        sending = self.sending(row.post.peer)
        counter = self._connection, row.post.peer
        self._sending[row.post.peer] = changed(sending, last=max(sending.last, taken.get(counter, 0)))
        numbered = number(self, row)
        taken[counter] = numbered.n or 0
        return numbered

    monkeypatch.setattr(OutboxRows, "number", counting)
    caught("not settled")


def test_what_comes_twice_is_stored_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what other realms send, nothing is remembered."""
    sent = EntryRows.sent

    def sent_here(self: EntryRows, sender: str, entry: str) -> Entry | None:
        own = self._execute("SELECT name FROM realm").fetchone()[0]
        return sent(self, sender, entry) if sender.endswith(f"@{own}") else None

    scripts = [script.replace("UNIQUE (id, sender)", "CHECK (true)") for script in database.migrations()]
    monkeypatch.setattr(database, "migrations", lambda: scripts)
    monkeypatch.setattr(EntryRows, "sent", sent_here)
    monkeypatch.setattr(PeerRows, "first_answer", lambda _self, _peer, _sender, _entry: None)
    monkeypatch.setattr(PeerRows, "keep_answer", lambda *_: None)
    caught("0) times", "is there (1, ", "not settled", "refused it (forbidden)")


def test_a_hello_that_is_taken_as_an_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on sending behind what the peer says to have, and not behind what that has acknowledged."""
    compare = link._compare

    def compare_and_skip(ctx: Ctx, now: Link, mark: Mark) -> None:
        compare(ctx, now, mark)
        opened = ctx.view.peers.link(now.peer)
        if opened.phase is Phase.OPEN:
            ctx.view.change(changed(opened, sent=mark.n))

    monkeypatch.setattr(link, "_compare", compare_and_skip)
    caught("not settled")


def test_a_restore_that_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def agrees(_ctx: Ctx, _peer: int, _sending: Sending, _mark: Mark) -> bool:
        return True

    monkeypatch.setattr(link, "_agrees", agrees)
    caught("is there (1, 0, 0)", "not settled", "refused it (forbidden)")


def test_a_restore_without_a_new_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    renumber = OutboxRows.renumber

    def renumber_in_place(self: OutboxRows, peer: int, _epoch: int, now: int) -> None:
        renumber(self, peer, self.sending(peer).epoch, now)

    monkeypatch.setattr(OutboxRows, "renumber", renumber_in_place)
    caught("not settled", "is there (1, 0, 0)", "UNIQUE constraint failed: outbox.peer")


def test_a_name_that_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    store = peers._store

    def store_anybody(ctx: Ctx, name: Name, key: str, host: str, port: int, commands_port: int) -> None:
        known = ctx.view.peers.by_name(name)
        if known is not None and known.key != key:
            assert isinstance(ctx.tx, PeerRows)
            ctx.tx._write("UPDATE peers SET key = ? WHERE id = ?", (key, known.id))
            ctx.view.change(Peer(known.id, name, key, host, port))
        else:
            store(ctx, name, key, host, port, commands_port)

    monkeypatch.setattr(peers, "_store", store_anybody)
    monkeypatch.setattr(peers, "_speaks_against", lambda *_: None)
    caught("takes key-of-impostor", "not settled")


def test_an_envelope_that_comes_before_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is numbered at once, and what the peer says of a file that it does not hold is taken for its last word."""
    enqueue = OutboxRows.enqueue

    def enqueue_and_number(self: OutboxRows, post: object) -> Outgoing:
        row = enqueue(self, post)  # type: ignore[arg-type]
        return self.number(row) if row.n is None else row

    def forget(self: OutboxRows, row: Outgoing) -> None:
        self.settle([row], ["file_not_found"], 0)

    monkeypatch.setattr(OutboxRows, "enqueue", enqueue_and_number)
    monkeypatch.setattr(OutboxRows, "take_back_number", forget)
    caught("is there (1, 0, 0)", "was forgotten before its time")


def test_an_own_entry_that_overtakes_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said while others waited for a link that was just lost, it was stored first."""
    monkeypatch.setattr(Peers, "is_awaited", lambda _self, _peer: False)
    caught("and its sender", first=12)


def test_a_row_that_is_forgotten_as_soon_as_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    forget = OutboxRows.forget_settled

    def forget_all(self: OutboxRows, _before: int, limit: int) -> int:
        return forget(self, 1 << 62, limit)

    monkeypatch.setattr(OutboxRows, "forget_settled", forget_all)
    caught("before its time", "is there (1, 0, 0)", "keeps", "in two ways")


def test_a_row_that_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    forget = OutboxRows.forget_settled

    def sweep_nothing(self: OutboxRows, before: int, limit: int) -> int:
        return 0 if limit == FORGOTTEN else forget(self, before, limit)

    monkeypatch.setattr(OutboxRows, "forget_settled", sweep_nothing)
    caught("rows that were to be forgotten")


def test_an_error_that_is_taken_as_an_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the peer cannot take what is sent now, it is taken for what it has refused."""
    heard = link.heard

    def heard_and_given_up(ctx: Ctx, item: FromPeer) -> None:
        now, sending = ctx.view.peers.link(item.peer), ctx.tx.sending(item.peer)
        cannot = isinstance(item.frame, PeerAnswer) and item.frame.id is None
        if cannot and now.phase is Phase.OPEN and sending.acked < now.sent:
            rows = [row for row in ctx.tx.numbered(item.peer, sending.acked, now.sent) if not row.settled]
            ctx.tx.acknowledge(item.peer, now.sent)
            settling.settle(ctx, rows, [""] * len(rows))
        heard(ctx, item)

    monkeypatch.setattr(link, "heard", heard_and_given_up)
    caught("is there (1, 0, 0)", "not settled")


def test_a_hung_peer_that_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is without an answer is never said again while the connection is up."""
    look = link.look

    def wait(ctx: Ctx, peer: int) -> None:
        now = ctx.view.peers.link(peer)
        if now.connected and now.phase in (Phase.OPEN, Phase.GREETING):
            ctx.view.change(changed(now, due=ctx.now + 10_000))
        else:
            look(ctx, peer)

    monkeypatch.setattr(link, "look", wait)
    caught("not settled")


def test_a_refusal_that_is_forgotten_and_taken_for_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused, and heard of only after the answer was forgotten."""
    monkeypatch.setattr(receiving, "_forgotten", lambda _ctx, _came: "")
    caught("cannot be, and is there (1, 0, 0)", "is there (1, 0, 0)")


def test_an_own_entry_that_finds_no_room_and_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk it was given up, and what was said later was stored first."""

    def give_up(ctx: Ctx, wait: Wait) -> None:
        if not wait.begins:
            ctx.view.change(WaitOver(wait.account, wait.entry, wait.peer))

    monkeypatch.setattr(settling, "_await_room", give_up)
    caught("and its sender", first=79)


def test_what_waited_for_a_forgotten_realm_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def rest(ctx: Ctx, peer: int) -> None:
        ctx.view.change(Link(peer))

    monkeypatch.setattr(forgetting, "go_on", rest)
    caught("has not given back all", "not settled")


def test_what_waited_for_a_forgotten_realm_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for an answer never has one, or nothing tells that what was queued will not come."""
    give_back = settling.give_back

    def give_back_silently(ctx: Ctx, rows: list[Outgoing]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settling, "_tell", lambda *_: None)
            give_back(ctx, rows)

    monkeypatch.setattr(settling, "give_back", give_back_silently)
    caught("is there (1, 0, 0)", "not settled")


def test_a_file_that_is_refused_for_good_by_who_has_forgotten_its_realm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "FINAL", carrying.FINAL | {Code.FORBIDDEN})
    caught("refused it (forbidden)", "is there (1, 0, 1)", first=44)


def test_a_realm_that_is_a_peer_again_and_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_number(_ctx: Ctx, post: Post) -> tuple[int, bool, Name]:
        return post.peer, post.to_group, post.recipient

    monkeypatch.setattr(outbox, "_where", by_number)
    caught("you have already sent something else", first=13)


def test_what_waits_is_sent_for_who_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    def skip(ctx: Ctx, now: Erasing) -> bool:
        ctx.tx.erase_next(now.account, "memberships")
        return True

    monkeypatch.setattr(erasing, "_outbox", skip)
    caught("still has of", "not erased")


def test_what_was_withdrawn_leaves_a_gap_of_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "numbered_anew", lambda *_: None)
    caught("not settled", first=24)


def test_what_was_said_by_who_is_erased_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ErasingRows, "erase_said_by", lambda *_: False)
    caught("not erased", "still has of", first=16)


def test_what_others_said_is_erased_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation goes as a whole though somebody else here takes part."""
    part_of = ErasingRows.part_of

    def alone(self: ErasingRows, account: int) -> object:
        part = part_of(self, account)
        return part and (part[0], False)

    monkeypatch.setattr(ErasingRows, "part_of", alone)
    caught("erased", first=24)


def test_a_disabled_user_who_may_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    set_disabled = AccountRows.set_disabled

    def end_sessions_only(self: AccountRows, account: int, since: int | None) -> None:
        set_disabled(self, account, None)

    monkeypatch.setattr(AccountRows, "set_disabled", end_sessions_only)
    caught("is disabled, and has logged in")
