-- What an operator does with accounts: disabling and erasing them; and what is kept for how long.

ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;                    -- since when it cannot log in
ALTER TABLE accounts ADD COLUMN erased_at INTEGER;                      -- since when only its name is left
ALTER TABLE accounts ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;   -- when it was active last, roughly
UPDATE accounts SET active_at = max(
    created_at,
    coalesce((SELECT max(used_at) FROM sessions s WHERE s.account = accounts.id), 0),
    coalesce((SELECT max(used_at) FROM known_keys k WHERE k.account = accounts.id), 0)
);

ALTER TABLE entries ADD COLUMN body BLOB;           -- of an erased one: the digest of what it said
ALTER TABLE entries ADD COLUMN stored_at INTEGER;   -- where that is not sent_at

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
