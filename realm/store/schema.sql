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
) STRICT;

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
    joined          INTEGER NOT NULL,     -- who has the lowest has been in it longest
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
    message TEXT,
    UNIQUE (id, sender)             -- a repeated send finds its first; by time, so that new ones lie together
) STRICT;

CREATE TABLE used_invites (    -- until they expire: after that nobody asks
    nonce   BLOB    PRIMARY KEY,         -- each lets in once
    account INTEGER NOT NULL REFERENCES accounts (id),
    used_at INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_invites_by_expiry ON used_invites (expires);

CREATE TABLE blobs (           -- bytes on disk, once however often they are sent
    id         INTEGER PRIMARY KEY,
    digest     BLOB    NOT NULL UNIQUE,    -- SHA-256
    size       INTEGER NOT NULL,
    media_type TEXT    NOT NULL
) STRICT;

CREATE TABLE files (           -- each is one upload of one user
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL REFERENCES accounts (id),
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

CREATE TABLE uploads (         -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (account, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE removals (        -- blobs that are to be removed from disk
    digest BLOB    PRIMARY KEY,
    asked  INTEGER NOT NULL DEFAULT 1      -- how often: what is removed now may be there again meanwhile
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (           -- bytes of the blobs that a user has uploaded, each once
    account INTEGER PRIMARY KEY REFERENCES accounts (id),
    bytes   INTEGER NOT NULL
) STRICT;

CREATE TABLE held (            -- bytes of all blobs
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO held (only, bytes) VALUES (1, 0);
