"""Faults that are put in on purpose: the simulation must catch each, or it proves nothing.

Each test says which history caught its fault.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import client.shown
from broker.blobs import Blobs
from client.mirror import Mirror
from client.shown import News
from realm import files, uploads
from realm.context import Ctx
from realm.core import Core, Decision
from realm.effects import Reply
from realm.inputs import Input
from realm.jobs import Gone, Held, RemoveBlob, Trouble, WriteChunk
from realm.memory import UploadState
from realm.store import database
from realm.store.entries import EntryRows
from realm.store.erasing import ErasingRows
from realm.store.files import FileRows
from realm.store.groups import GroupRows
from realm.store.interface import Tx
from realm.store.rows import Draft, StoredFile
from schemas.entries import Entry
from schemas.names import ConversationId, Name
from tests.simulation.disk import Disk
from tests.simulation.planting import caught_by
from tests.simulation.realm_node import MortalCore, RealmNode
from tests.simulation.runner import run_histories

AT_MOST = 100


def caught(*words: str, first: int = 0) -> None:
    caught_by(run_histories, AT_MOST, words, first)


def test_without_a_planted_fault_nothing_is_caught() -> None:
    run_histories(range(3))


def test_an_answer_before_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    node: list[RealmNode] = []
    start = RealmNode._start

    def started(self: RealmNode) -> None:
        node[:] = [self]
        start(self)

    def decide(self: MortalCore, tx: Tx, now: int, inputs: Sequence[Input]) -> Decision:
        decision = Core.decide(self, tx, now, inputs)
        node[0]._act([effect for effect in decision.effects if isinstance(effect, Reply)])
        self.perhaps_die()
        return Decision([effect for effect in decision.effects if not isinstance(effect, Reply)], decision.changes)

    monkeypatch.setattr(RealmNode, "_start", started)
    monkeypatch.setattr(MortalCore, "decide", decide)
    caught("was answered OK as", "does not come to rest", first=14)


def test_a_number_that_is_taken_outside_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, int] = {}
    append = EntryRows.append

    def counting(self: EntryRows, to: ConversationId, draft: Draft) -> Entry:
        head = self._head(to)
        assert head is not None
        counter = str(self._execute("PRAGMA database_list").fetchone()[2]) + to
        head.seq = max(head.seq, taken.get(counter, 0))
        entry = append(self, to, draft)
        taken[counter] = max(head.seq, entry.seq)
        return entry

    monkeypatch.setattr(EntryRows, "append", counting)
    caught("does not follow", "is not what was said")


def test_a_repeated_send_that_is_stored_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = [script.replace("UNIQUE (id, sender)", "CHECK (true)") for script in database.migrations()]
    monkeypatch.setattr(database, "migrations", lambda: scripts)
    monkeypatch.setattr(EntryRows, "sent", lambda _self, _sender, _entry: None)
    caught("was answered in two ways")


def test_a_push_to_one_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = GroupRows.leave_group

    def leave_but_stay(self: GroupRows, name: Name, account: int) -> None:
        remembered = dict(self._members)
        leave(self, name, account)
        self._members.update(remembered)

    monkeypatch.setattr(GroupRows, "leave_group", leave_but_stay)
    caught("but is not in it")


def test_a_client_that_skips_the_chain_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.shown, "follows", lambda _before, _entry: True)
    caught("was told of")


def test_a_client_that_tells_only_what_it_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    """It mends what it shows, but says nothing of entries whose push was lost."""
    pushed: set[str] = set()
    said, tell = Mirror.said, News.tell

    def noting(self: Mirror, entry: Entry) -> None:
        pushed.add(entry.id)
        said(self, entry)

    def tell_pushed(self: News, entry: Entry) -> None:
        if entry.id in pushed:
            tell(self, entry)

    monkeypatch.setattr(Mirror, "said", noting)
    monkeypatch.setattr(News, "tell", tell_pushed)
    caught("was never told of")


def test_a_blob_that_is_seen_before_it_is_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Blobs, "_flush_upload", lambda _self, _upload: None)
    caught("was given other bytes")


def test_a_chunk_that_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The realm does not remember what is on its way to disk, and the disk does not look where a chunk belongs."""
    change = msgspec.structs.replace

    def forgetful(state: UploadState, **changes: Any) -> UploadState:
        changes.pop("taken", None)
        return change(state, **changes, taken=changes.get("held", state.held) or 0)

    write = Blobs._write

    def anywhere(self: Blobs, job: WriteChunk) -> Held | Trouble:
        held = write(self, job)
        return write(self, change(job, offset=held.offset)) if isinstance(held, Trouble) else held

    monkeypatch.setattr(uploads, "_changed", forgetful)
    monkeypatch.setattr(Blobs, "_write", anywhere)
    caught("an honest upload was refused")


def test_a_file_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileRows, "may_see", lambda _self, _account, _file: True)
    caught("may not see it")


def test_a_file_for_who_knows_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    def anybodys(self: FileRows, _account: int, digest: bytes, _scan: int) -> StoredFile | None:
        return self._one_file("WHERE b.digest = ? LIMIT 1", (digest,))

    monkeypatch.setattr(FileRows, "held_by", anybodys)
    caught("was given a file for its digest")


def test_a_blob_that_returns_and_is_removed_nevertheless(monkeypatch: pytest.MonkeyPatch) -> None:
    add = FileRows.add_file

    def add_and_remove(self: FileRows, file: StoredFile, now: int) -> StoredFile:
        unwanted = file.digest in {one.digest for one in self.removals(1_000)}
        added = add(self, file, now)
        if unwanted:
            self._write("INSERT INTO removals (digest) VALUES (?)", (file.digest,))
        return added

    monkeypatch.setattr(FileRows, "add_file", add_and_remove)
    caught("is removed from disk, and a row names it")


def test_a_blob_that_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(_self: Blobs, _job: RemoveBlob) -> Gone:
        return Gone()

    monkeypatch.setattr(Blobs, "_remove", leave)
    caught("blobs that no row names")


def test_a_row_that_is_written_before_the_name_of_its_blob_is_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    flush = Disk._flush

    def flush_files(self: Disk, path: Path) -> None:
        if path.is_file():
            flush(self, path)

    monkeypatch.setattr(Disk, "_flush", flush_files)
    caught("not on disk")


def test_a_sweep_that_removes_what_comes_back_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def sweep(ctx: Ctx) -> None:
        before = ctx.now - ctx.settings.files.unsent_hours * uploads.HOUR_MS
        uploads.expire(ctx)
        ctx.tx.drop_unsent(int(before), 1_000)
        for removal in ctx.tx.removals(1_000):
            ctx.run(RemoveBlob(removal.digest, removal.asked))

    monkeypatch.setattr(files, "sweep", sweep)
    caught("is removed from disk, and a row names it", first=47)


def test_an_erasing_that_forgets_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def skips(self: ErasingRows, account: int, sender: str, scan: int, limit: int) -> bool:
        self._write("UPDATE erasures SET entry = 'Z' WHERE account = ?", (account,))
        return erase_said_by(self, account, sender, scan, limit)

    erase_said_by = ErasingRows.erase_said_by
    monkeypatch.setattr(ErasingRows, "erase_said_by", skips)
    caught("was erased, and here is")


def test_an_erasing_that_leaves_bytes_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileRows, "_detach", lambda _self, _place: None)
    caught("more is kept than entries name")
