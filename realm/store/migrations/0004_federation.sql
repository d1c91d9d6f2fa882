-- Other realms: who they are, what waits for them, and what came from them.

CREATE TABLE peers (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    key         TEXT    NOT NULL UNIQUE,
    address     TEXT    NOT NULL,              -- of its front door
    port        INTEGER NOT NULL,
    added_at    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL DEFAULT 1,    -- of what is sent to it; grows when a restore is noticed
    last        INTEGER NOT NULL DEFAULT 0,    -- the last number given
    hash        BLOB    NOT NULL,              -- the running hash there
    acked       INTEGER NOT NULL DEFAULT 0,    -- it has taken everything up to this number
    acked_hash  BLOB    NOT NULL,
    queued      INTEGER NOT NULL DEFAULT 0,    -- rows of the outbox that it has neither taken nor refused
    in_epoch    INTEGER NOT NULL DEFAULT 0,    -- how far what came from it was taken
    in_last     INTEGER NOT NULL DEFAULT 0,
    in_hash     BLOB    NOT NULL,
    restored_at INTEGER                        -- when it was noticed last that either side is an older one
) STRICT;

CREATE TABLE outbox (          -- what users of this realm send to other realms
    place      INTEGER PRIMARY KEY,    -- in the order in which it was said
    peer       INTEGER NOT NULL REFERENCES peers (id),
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

CREATE UNIQUE INDEX outbox_by_number ON outbox (peer, n) WHERE n IS NOT NULL;
CREATE INDEX outbox_to_carry ON outbox (peer, place) WHERE file IS NOT NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_files ON outbox (file) WHERE file IS NOT NULL;

CREATE TABLE taken (           -- what came from a peer, and its first answer
    peer   INTEGER NOT NULL REFERENCES peers (id),
    id     TEXT    NOT NULL,
    sender TEXT    NOT NULL,
    code   TEXT    NOT NULL,           -- empty: it was stored
    at     INTEGER NOT NULL,
    PRIMARY KEY (peer, id, sender)
) STRICT, WITHOUT ROWID;

CREATE INDEX taken_by_time ON taken (at);

CREATE TABLE from_realms (     -- the entries whose sender is of another realm
    realm TEXT    NOT NULL,
    place INTEGER NOT NULL,            -- as in entries
    PRIMARY KEY (realm, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE realm_inboxes (   -- fetched by `getrealminbox` up to this number
    account      INTEGER NOT NULL REFERENCES accounts (id),
    realm        TEXT    NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    PRIMARY KEY (account, realm, conversation)
) STRICT, WITHOUT ROWID;

ALTER TABLE entries ADD COLUMN re TEXT;       -- of a bounce: the entry that was refused
ALTER TABLE entries ADD COLUMN code TEXT;     -- and why
ALTER TABLE participants ADD COLUMN start INTEGER NOT NULL DEFAULT 0;   -- where it began: the head at joining
UPDATE participants SET start = inbox WHERE conversation LIKE 'group/%';

-- An owner may be a peer too, whose number is then negative.
CREATE TABLE owned_files (
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL,           -- an account, or minus a peer
    blob       INTEGER NOT NULL REFERENCES blobs (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0  -- entries that name it
) STRICT, WITHOUT ROWID;
INSERT INTO owned_files SELECT id, owner, blob, name, created_at, uses FROM files;
DROP TABLE files;
ALTER TABLE owned_files RENAME TO files;
CREATE INDEX files_of ON files (blob, owner);
CREATE INDEX files_unsent ON files (owner, created_at) WHERE uses = 0;

CREATE TABLE usage_of (        -- bytes of the blobs that an owner has uploaded, each once
    owner INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO usage_of SELECT account, bytes FROM usage;
DROP TABLE usage;
ALTER TABLE usage_of RENAME TO usage;

CREATE TABLE owned_uploads (   -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    owner   INTEGER NOT NULL,
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (owner, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO owned_uploads SELECT id, account, digest, size, name, used_at FROM uploads;
DROP TABLE uploads;
ALTER TABLE owned_uploads RENAME TO uploads;
