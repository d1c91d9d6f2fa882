-- A number on a link belongs to an epoch: after a restore rows are numbered anew, a few at a time.

ALTER TABLE peers ADD COLUMN renumbering INTEGER NOT NULL DEFAULT 0;

CREATE TABLE numbered_outbox (   -- what users of this realm send to other realms
    place      INTEGER PRIMARY KEY,    -- in the order in which it was said
    peer       INTEGER NOT NULL REFERENCES peers (id),
    epoch      INTEGER NOT NULL,       -- that of the peer in which n was given: after a restore n counts no more
    n          INTEGER,                -- null while its file is not there yet, and once it is refused
    hash       BLOB,                   -- the running hash at n
    id         TEXT    NOT NULL,       -- the entry's
    account    INTEGER NOT NULL REFERENCES accounts (id),
    display    TEXT    NOT NULL,
    sent_at    INTEGER NOT NULL,
    to_group   INTEGER NOT NULL,       -- whether `recipient` is a group
    recipient  TEXT    NOT NULL,
    message    TEXT,
    file       TEXT    REFERENCES files (id),
    copied     INTEGER NOT NULL DEFAULT 0,   -- whether the sender's own entry is stored
    settled_at INTEGER,                -- when the peer took it, or refused it
    result     TEXT    NOT NULL DEFAULT '',  -- the code with which it was refused
    UNIQUE (id, account)
) STRICT;
INSERT INTO numbered_outbox
    SELECT o.place, o.peer, p.epoch, o.n, o.hash, o.id, o.account, o.display, o.sent_at, o.to_group, o.recipient, o.message,
        o.file, o.copied, o.settled_at, o.result
    FROM outbox o JOIN peers p ON p.id = o.peer ORDER BY o.place;
DROP TABLE outbox;
ALTER TABLE numbered_outbox RENAME TO outbox;
CREATE UNIQUE INDEX outbox_by_number ON outbox (peer, epoch, n) WHERE n IS NOT NULL;
CREATE INDEX outbox_to_number ON outbox (peer, place) WHERE file IS NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_to_carry ON outbox (peer, place) WHERE file IS NOT NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_files ON outbox (file) WHERE file IS NOT NULL;
