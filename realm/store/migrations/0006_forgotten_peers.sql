-- A peer can be forgotten; its name and key are then free.

CREATE TABLE kept_peers (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    address      TEXT    NOT NULL,              -- of its front door
    port         INTEGER NOT NULL,
    added_at     INTEGER NOT NULL,
    epoch        INTEGER NOT NULL DEFAULT 1,    -- of what is sent to it; grows when a restore is noticed
    last         INTEGER NOT NULL DEFAULT 0,    -- the last number given
    hash         BLOB    NOT NULL,              -- the running hash there
    acked        INTEGER NOT NULL DEFAULT 0,    -- it has taken everything up to this number
    acked_hash   BLOB    NOT NULL,
    queued       INTEGER NOT NULL DEFAULT 0,    -- rows of the outbox that it has neither taken nor refused
    in_epoch     INTEGER NOT NULL DEFAULT 0,    -- how far what came from it was taken
    in_last      INTEGER NOT NULL DEFAULT 0,
    in_hash      BLOB    NOT NULL,
    restored_at  INTEGER,                       -- when it was noticed last that either side is an older one
    renumbering  INTEGER NOT NULL DEFAULT 0,    -- 1 where there may be rows of the outbox still to be numbered
    forgotten_at INTEGER                        -- since then it is no peer; its number is never another's
) STRICT;
INSERT INTO kept_peers
    SELECT id, name, key, address, port, added_at, epoch, last, hash, acked, acked_hash, queued, in_epoch, in_last, in_hash,
        restored_at, renumbering, NULL
    FROM peers;
DROP TABLE peers;
ALTER TABLE kept_peers RENAME TO peers;
CREATE UNIQUE INDEX peers_by_name ON peers (name) WHERE forgotten_at IS NULL;
CREATE UNIQUE INDEX peers_by_key ON peers (key) WHERE forgotten_at IS NULL;
