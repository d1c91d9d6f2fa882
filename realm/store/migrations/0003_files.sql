-- Files: what is being uploaded, what is held, and which entries name it.

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
