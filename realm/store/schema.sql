-- The newest schema, as the migrations make it. A test keeps the two the same.

CREATE TABLE realm (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT    NOT NULL,
    epoch INTEGER NOT NULL      -- drawn anew at every restore: clients compare it for equality
) STRICT;

CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    display       TEXT    NOT NULL,
    country       TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    admin         INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    active_until  INTEGER NOT NULL DEFAULT 0,
    search        TEXT    NOT NULL,            -- name and display, case-folded
    left_total    INTEGER NOT NULL DEFAULT 0   -- what joining and leaving groups adds to the total of `sync`
, disabled_at INTEGER, erased_at INTEGER, active_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE known_keys (      -- keys that have logged an account in before
    account INTEGER NOT NULL REFERENCES accounts (id),
    key     TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,   -- ascending, so the lowest of an account is its oldest
    account    INTEGER NOT NULL REFERENCES accounts (id),
    key        TEXT    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    topic      BLOB    NOT NULL UNIQUE,
    used_at    INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;

CREATE TABLE used_invites (    -- until they expire: after that nobody asks
    nonce   BLOB    PRIMARY KEY,         -- each lets in once
    account INTEGER NOT NULL REFERENCES accounts (id),
    used_at INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_invites_by_expiry ON used_invites (expires);

CREATE TABLE conversations (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    first  INTEGER NOT NULL DEFAULT 1,   -- the lowest number that retention has left
    head   INTEGER NOT NULL DEFAULT 0,   -- the highest number
    chain  BLOB    NOT NULL,             -- at head
    latest INTEGER NOT NULL              -- grows with every last entry: ms << 12, and then by one
) STRICT;

CREATE TABLE participants (
    account         INTEGER NOT NULL REFERENCES accounts (id),
    conversation    TEXT    NOT NULL,     -- its name: `sync` and `inbox` go in the order of names
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    inbox           INTEGER NOT NULL,     -- fetched by `inbox` up to this number
    read            INTEGER NOT NULL,     -- the read mark
    joined          INTEGER NOT NULL, start INTEGER NOT NULL DEFAULT 0,     -- who has the lowest has been in it longest
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;

CREATE INDEX participants_of ON participants (conversation_id, account);

CREATE TABLE groups (
    name            TEXT    PRIMARY KEY,
    title           TEXT    NOT NULL,      -- the name as its creator typed it
    conversation_id INTEGER NOT NULL UNIQUE REFERENCES conversations (id),
    admin           INTEGER REFERENCES accounts (id),   -- null while nobody is in it
    members         INTEGER NOT NULL DEFAULT 0,
    joins           INTEGER NOT NULL DEFAULT 0          -- how often somebody has joined
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    place   INTEGER PRIMARY KEY,    -- conversation << 32 | number: a conversation lies together, in order
    id      TEXT    NOT NULL,       -- the sender's ULID
    sender  TEXT    NOT NULL,       -- name@realm
    display TEXT    NOT NULL,       -- how the sender was called then
    sent_at INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    salt    BLOB,
    chain   BLOB    NOT NULL,
    message TEXT, re TEXT, code TEXT, body BLOB, stored_at INTEGER,
    UNIQUE (id, sender)             -- a repeated send finds its first; by time, so that new ones lie together
) STRICT;

CREATE TABLE blobs (           -- bytes on disk, once however often they are sent
    id         INTEGER PRIMARY KEY,
    digest     BLOB    NOT NULL UNIQUE,    -- SHA-256
    size       INTEGER NOT NULL,
    media_type TEXT    NOT NULL
) STRICT;

CREATE TABLE "files" (
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL,           -- an account, or minus a peer
    blob       INTEGER NOT NULL REFERENCES blobs (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0  -- entries that name it
) STRICT, WITHOUT ROWID;

CREATE INDEX files_of ON files (blob, owner);

CREATE INDEX files_unsent ON files (owner, created_at) WHERE uses = 0;

CREATE TABLE attachments (     -- which entry names which file
    place INTEGER PRIMARY KEY,             -- as in entries
    file  TEXT    NOT NULL REFERENCES files (id)
) STRICT;

CREATE INDEX attachments_of ON attachments (file, place);

CREATE TABLE "uploads" (   -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    owner   INTEGER NOT NULL,
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (owner, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE removals (        -- blobs that are to be removed from disk
    digest BLOB    PRIMARY KEY,
    asked  INTEGER NOT NULL DEFAULT 1      -- how often: what is removed now may be there again meanwhile
) STRICT, WITHOUT ROWID;

CREATE TABLE "usage" (        -- bytes of the blobs that an owner has uploaded, each once
    owner INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE held (            -- bytes of all blobs
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE "peers" (
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

CREATE UNIQUE INDEX peers_by_name ON peers (name) WHERE forgotten_at IS NULL;

CREATE UNIQUE INDEX peers_by_key ON peers (key) WHERE forgotten_at IS NULL;

CREATE TABLE "outbox" (        -- what users of this realm send to other realms
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

CREATE UNIQUE INDEX outbox_by_number ON outbox (peer, epoch, n) WHERE n IS NOT NULL;

CREATE INDEX outbox_to_number ON outbox (peer, place) WHERE file IS NULL AND n IS NULL AND result = '';

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

CREATE TABLE erasures (        -- accounts that are being erased or were, and how far that has come
    account  INTEGER PRIMARY KEY REFERENCES accounts (id),
    asked_at INTEGER NOT NULL,
    step     TEXT    NOT NULL,
    place    INTEGER NOT NULL DEFAULT 0,     -- of the outbox, or of the entries of one conversation
    entry    TEXT    NOT NULL DEFAULT '',    -- and of all entries, by id
    sender   TEXT    NOT NULL DEFAULT '',    -- and sender
    entries  INTEGER NOT NULL DEFAULT 0,     -- how many were erased
    files    INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO held (only, bytes) VALUES (1, 0);
