"""A folder from before there were other realms is opened with all that was in it; so is one with an older outbox."""

import sqlite3
from pathlib import Path

from realm.store.database import FILE, migrations
from realm.store.sqlite import SqliteStore
from schemas import names
from schemas.entries import CHAIN_START
from schemas.federation import HASH_START
from schemas.names import Address, Name

GROUP = names.group(Address("new@kampus"))


def old_folder(folder: Path) -> None:
    """Two users and a group with a file in it, an upload under way, as of schema 3."""
    with sqlite3.connect(folder / FILE, isolation_level=None) as database:
        for script in migrations()[:3]:
            database.executescript(script)
        database.executescript(
            f"""
            INSERT INTO realm (only, name, epoch) VALUES (1, 'kampus', 7);
            INSERT INTO accounts (id, name, display, country, password_hash, created_at, search)
                VALUES (1, 'a', 'A', 'X', 'h', 1, 'a'), (2, 'b', 'B', 'X', 'h', 1, 'b');
            INSERT INTO conversations (id, name, head, chain, latest)
                VALUES (1, '{GROUP}', 5, x'{CHAIN_START.hex()}', 1), (2, 'private/a@kampus,b@kampus', 0, x'00', 1);
            INSERT INTO groups (name, title, conversation_id, admin, members, joins) VALUES ('new', 'New', 1, 1, 2, 2);
            INSERT INTO participants (account, conversation, conversation_id, inbox, read, joined)
                VALUES (1, '{GROUP}', 1, 5, 2, 1), (2, '{GROUP}', 1, 4, 4, 2),
                       (1, 'private/a@kampus,b@kampus', 2, 3, 3, 0);
            INSERT INTO entries (place, id, sender, display, sent_at, kind, salt, chain)
                VALUES ({(1 << 32) + 5}, 'e', 'a@kampus', 'A', 1, 'file', x'00', x'00');
            INSERT INTO blobs (id, digest, size, media_type) VALUES (1, x'01', 7, 'image/png');
            INSERT INTO files (id, owner, blob, name, created_at, uses) VALUES ('f', 1, 1, 'foto.png', 1, 1),
                ('g', 1, 1, 'unsent.png', 1, 0);
            INSERT INTO attachments (place, file) VALUES ({(1 << 32) + 5}, 'f');
            INSERT INTO uploads (id, account, digest, size, name, used_at) VALUES ('u', 2, x'02', 9, 'x', 1);
            INSERT INTO usage (account, bytes) VALUES (1, 4096);
            UPDATE held SET bytes = 4096;
            PRAGMA user_version = 3;
            """
        )
    database.close()


def test_all_that_was_there_is_there(tmp_path: Path) -> None:
    old_folder(tmp_path)
    store = SqliteStore(tmp_path, Name("kampus"), lambda: 1)
    assert store.epoch == 7
    assert store._connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with store.transaction() as tx:
        found = tx.file("f")
        assert found is not None
        assert (found.owner, found.name, found.size) == (1, "foto.png", 7)
        assert tx.may_see(2, "f")
        assert tx.file_usage(1) == 4096
        assert tx.file_usage(2) == 4096
        upload = tx.upload_of(2, b"\x02")
        assert upload is not None
        assert upload.id == "u"
        assert tx.drop_unsent(10, 10) == 1
        entry = tx.sent("a@kampus", "e")
        assert entry is not None
        assert (entry.conversation, entry.seq, entry.queued) == (GROUP, 5, False)
        assert tx.peers(0, 9) == []
    starts = store._connection.execute(
        "SELECT account, start FROM participants ORDER BY account, conversation"
    ).fetchall()
    assert starts == [(1, 5), (1, 0), (2, 4)], "in a group from where its inbox was, elsewhere from the beginning"
    store.close()


def test_a_file_of_it_can_be_sent_to_another_realm(tmp_path: Path) -> None:
    from realm.store.rows import Post

    old_folder(tmp_path)
    store = SqliteStore(tmp_path, Name("kampus"), lambda: 1)
    with store.transaction() as tx:
        to = tx.add_peer(Name("pusat"), "x" * 40, "10.0.0.1", 1, now=1)
        row = tx.enqueue(Post(to.id, "1", 1, "A", 5, to_group=False, recipient=Name("bob"), file="g"))
        assert tx.envelope(tx.number(row)).kind == "file"
        assert tx.drop_unsent(10, 10) == 0
    store.close()


def test_what_waited_for_another_realm_still_has_its_number(tmp_path: Path) -> None:
    """A folder of schema 4, in the third epoch of what it sends: a row that is taken, one that waits, and a file."""
    old_folder(tmp_path)
    with sqlite3.connect(tmp_path / FILE, isolation_level=None) as database:
        database.executescript(
            f"""
            {migrations()[3]}
            INSERT INTO peers
                (id, name, key, address, port, added_at, epoch, last, hash, acked, acked_hash, queued, in_hash)
                VALUES
                (3, 'pusat', 'k', 'x', 1, 1, 3, 2, x'{b"2".hex()}', 1, x'{b"1".hex()}', 2, x'{HASH_START.hex()}');
            INSERT INTO outbox
                (place, peer, n, hash, id, account, display, sent_at, to_group, recipient, message, settled_at)
                VALUES (1, 3, 1, x'{b"1".hex()}', '1', 1, 'A', 1, 0, 'bob', 'one', 5),
                       (2, 3, 2, x'{b"2".hex()}', '2', 1, 'A', 1, 0, 'bob', 'two', NULL);
            INSERT INTO outbox (place, peer, id, account, display, sent_at, to_group, recipient, file)
                VALUES (3, 3, '3', 1, 'A', 1, 0, 'bob', 'g');
            PRAGMA user_version = 4;
            """
        )
    database.close()
    store = SqliteStore(tmp_path, Name("kampus"), lambda: 1)
    assert store._connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with store.transaction() as tx:
        assert [(row.post.id, row.n) for row in tx.numbered(3, 0, 9)] == [("1", 1), ("2", 2)]
        assert tx.hash_at(3, 1) == b"1"
        assert [row.post.id for row in tx.unnumbered(3, 9)] == ["3"]
        assert not tx.sending(3).renumbering
        assert (tx.sending(3).epoch, tx.sending(3).queued) == (3, 2)
    store.close()
