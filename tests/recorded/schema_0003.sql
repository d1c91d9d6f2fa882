BEGIN TRANSACTION;
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
INSERT INTO "accounts" VALUES(1,'messi','Lionel Messi','Argentina','$argon2id$v=19$m=64,t=1,p=1$opdwGi5aYcpkyBgx/tSaaQ$d5CT4YKp+nVWtE+eRcW1Y4ml1mydHWWum3MRyed34/w',0,1795680297270,1795680357270,'messi
lionel messi',1);
INSERT INTO "accounts" VALUES(2,'henderson','Jordan Henderson','Inggris','$argon2id$v=19$m=64,t=1,p=1$r+T+y69B4H+ru5IW/543VA$D39OQEb7sFlJb6RmKMjkmF2YcPVArmkQ8mnBhLjfDCA',0,1795680297315,1795680357315,'henderson
jordan henderson',1);
INSERT INTO "accounts" VALUES(3,'lineker','Gary Lineker','Inggris','$argon2id$v=19$m=64,t=1,p=1$W07ERXhydEoR4vn6dthFcQ$554LnauSVM5+nsPh1ScQGl/tNtaDePytkPsVIL3koIc',0,1795680297337,1795680357337,'lineker
gary lineker',3);
CREATE TABLE attachments (     -- which entry names which file
    place INTEGER PRIMARY KEY,             -- as in entries
    file  TEXT    NOT NULL REFERENCES files (id)
) STRICT;
INSERT INTO "attachments" VALUES(4294967303,'01M8BE5RDTWJGS5SMXDSKXQ25S');
CREATE TABLE blobs (           -- bytes on disk, once however often they are sent
    id         INTEGER PRIMARY KEY,
    digest     BLOB    NOT NULL UNIQUE,    -- SHA-256
    size       INTEGER NOT NULL,
    media_type TEXT    NOT NULL
) STRICT;
INSERT INTO "blobs" VALUES(1,X'81A82C27FEFD5A1864CDFC128E0E922C928432EA2FE6E2F0CF14520F9F937EBF',20,'text/plain');
CREATE TABLE conversations (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    first  INTEGER NOT NULL DEFAULT 1,   -- the lowest number that retention has left
    head   INTEGER NOT NULL DEFAULT 0,   -- the highest number
    chain  BLOB    NOT NULL,             -- at head
    latest INTEGER NOT NULL              -- grows with every last entry: ms << 12, and then by one
) STRICT;
INSERT INTO "conversations" VALUES(1,'private/henderson@kampus,messi@kampus',1,7,X'7926F75796A3EE5BD3D93DBF65A35DD1978F99512B9C90C8967EDA95EBC0FF35',7355106498420736);
INSERT INTO "conversations" VALUES(2,'group/new@kampus',1,1,X'8F6386A2CBE2A899B0FD598349F3D6463EE322AE868C1E66A122D3AADAAEB8ED',7355106498138112);
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
INSERT INTO "entries" VALUES(4294967297,'01M8BE5RD0GFYBMEKMFYZWBGEH','messi@kampus','Lionel Messi',1795680297376,'text',X'80AEB127EB94677E4A6F38E859A77ABD',X'A5D7C8EA610D8AD970A7E2BE1166B12315726F99F4AF29DC9F096C93588C93D4','halo 1');
INSERT INTO "entries" VALUES(4294967298,'01M8BE5RD113FHP7399RVF6AZP','messi@kampus','Lionel Messi',1795680297377,'text',X'5C11B4865438A68B16E18990103837F1',X'E373E03C12D8C1717D4BEDE35289A78062D256F3D7B6533DBC674D0605C83984','halo 2');
INSERT INTO "entries" VALUES(4294967299,'01M8BE5RD190P8XY0B96SVMCTR','messi@kampus','Lionel Messi',1795680297377,'text',X'108C69EDA505B9E3B988877E8D71F97F',X'BB4D349B85E9E7FCC8A1159C21870CE388BBD2E032D2B993B43BC543269F678B','halo 3');
INSERT INTO "entries" VALUES(4294967300,'01M8BE5RD1VGCKAVTANVHR6HPX','messi@kampus','Lionel Messi',1795680297377,'text',X'D567B14F645F835C89300D4AEBE803B3',X'6817D100353F7E61BD5063F16C84DB26AE12F0A3E79DF58F6E55B1304077CB46','halo 4');
INSERT INTO "entries" VALUES(4294967301,'01M8BE5RD145RMHRAWQK0HNS37','messi@kampus','Lionel Messi',1795680297377,'text',X'B9E89F93EF039A709875BCD857B5B34A',X'52F02E6D8C218C822B5546E5C97CEF873A13E70252C0667E6EB6ABF2D0E4994D','halo 5');
INSERT INTO "entries" VALUES(4294967302,'01M8BE5RD3VVHZHDMWYDNGZV9S','henderson@kampus','Jordan Henderson',1795680297379,'text',X'89E9384653B15990A09C109F0C06BD1D',X'0B412E2E2BCBACC26150DAA5118DC95899E6685B07961398C0633B41BBF5F549','halo juga');
INSERT INTO "entries" VALUES(4294967303,'01M8BE5RFT5GN0C171EWPD0N7X','messi@kampus','Lionel Messi',1795680297466,'file',X'E419A92730E16D1C00765028A01E0DF1',X'7926F75796A3EE5BD3D93DBF65A35DD1978F99512B9C90C8967EDA95EBC0FF35',NULL);
INSERT INTO "entries" VALUES(8589934593,'01M8BE5RDNK0BAVWZ7KYWHFJ01','messi@kampus','Lionel Messi',1795680297397,'text',X'9D9452E010B3A9EFCF12B5F508B2F821',X'8F6386A2CBE2A899B0FD598349F3D6463EE322AE868C1E66A122D3AADAAEB8ED','halo semua');
CREATE TABLE files (           -- each is one upload of one user
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL REFERENCES accounts (id),
    blob       INTEGER NOT NULL REFERENCES blobs (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0  -- entries that name it
) STRICT, WITHOUT ROWID;
INSERT INTO "files" VALUES('01M8BE5RDTWJGS5SMXDSKXQ25S',1,1,'laporan.txt',1795680297445,1);
CREATE TABLE groups (
    name            TEXT    PRIMARY KEY,
    title           TEXT    NOT NULL,      -- the name as its creator typed it
    conversation_id INTEGER NOT NULL UNIQUE REFERENCES conversations (id),
    admin           INTEGER REFERENCES accounts (id),   -- null while nobody is in it
    members         INTEGER NOT NULL DEFAULT 0,
    joins           INTEGER NOT NULL DEFAULT 0          -- how often somebody has joined
) STRICT, WITHOUT ROWID;
INSERT INTO "groups" VALUES('new','New',2,1,2,3);
CREATE TABLE held (            -- bytes of all blobs
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO "held" VALUES(1,4096);
CREATE TABLE known_keys (      -- keys that have logged an account in before
    account INTEGER NOT NULL REFERENCES accounts (id),
    key     TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "known_keys" VALUES(1,'1>(FSo&#ZQebgfLBw/+mFr.bA.(=rV/Ai+H=%VkS',1795680297270);
INSERT INTO "known_keys" VALUES(2,'v=QYwe1wYI*q90zy&k..D1&TC.lP3+>(C!-PEPpL',1795680297315);
INSERT INTO "known_keys" VALUES(3,'3)MCG9lg/>Sy(>uGs7HaK}2.Xsli^%?>Ug{55y+o',1795680297337);
CREATE TABLE participants (
    account         INTEGER NOT NULL REFERENCES accounts (id),
    conversation    TEXT    NOT NULL,     -- its name: `sync` and `inbox` go in the order of names
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    inbox           INTEGER NOT NULL,     -- fetched by `inbox` up to this number
    read            INTEGER NOT NULL,     -- the read mark
    joined          INTEGER NOT NULL,     -- who has the lowest has been in it longest
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;
INSERT INTO "participants" VALUES(1,'group/new@kampus',2,0,0,1);
INSERT INTO "participants" VALUES(1,'private/henderson@kampus,messi@kampus',1,0,6,0);
INSERT INTO "participants" VALUES(2,'group/new@kampus',2,0,0,2);
INSERT INTO "participants" VALUES(2,'private/henderson@kampus,messi@kampus',1,6,0,0);
CREATE TABLE realm (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT    NOT NULL,
    epoch INTEGER NOT NULL      -- drawn anew at every restore: clients compare it for equality
) STRICT;
INSERT INTO "realm" VALUES(1,'kampus',4871582984696716301);
CREATE TABLE removals (        -- blobs that are to be removed from disk
    digest BLOB    PRIMARY KEY,
    asked  INTEGER NOT NULL DEFAULT 1      -- how often: what is removed now may be there again meanwhile
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
INSERT INTO "sessions" VALUES(1,1,'1>(FSo&#ZQebgfLBw/+mFr.bA.(=rV/Ai+H=%VkS',X'5AF79E91AEB17448507BC481FFD61C093308CE4DD62EEA5860E5F874E59785FD',X'E4C15673ADE29CF42D81478B813EEC86',1795680297270);
INSERT INTO "sessions" VALUES(2,2,'v=QYwe1wYI*q90zy&k..D1&TC.lP3+>(C!-PEPpL',X'158B08ED820021ACFAE17B355FF0E15E73ABDBED689163B9714A2973A359E98E',X'9D0748BA48358823A7AEA6B82CBF8230',1795680297315);
INSERT INTO "sessions" VALUES(3,3,'3)MCG9lg/>Sy(>uGs7HaK}2.Xsli^%?>Ug{55y+o',X'48F4FB5CD2E9C145BFBF146C176E8500046E3E76994364448823439956A4C0CD',X'56663556DD3DCBB9DC71B3362E3F10EF',1795680297337);
CREATE TABLE uploads (         -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (account, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO "uploads" VALUES('01M8BE5RG3R801XVHGF22T800H',2,X'F05ED8B422895F4AA00D4B5E07C170CA40C2885DA689FA986722115BC6B7BCD6',22,'besar.bin',1795680297475);
CREATE TABLE usage (           -- bytes of the blobs that a user has uploaded, each once
    account INTEGER PRIMARY KEY REFERENCES accounts (id),
    bytes   INTEGER NOT NULL
) STRICT;
INSERT INTO "usage" VALUES(1,4096);
CREATE TABLE used_invites (    -- until they expire: after that nobody asks
    nonce   BLOB    PRIMARY KEY,         -- each lets in once
    account INTEGER NOT NULL REFERENCES accounts (id),
    used_at INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_of ON participants (conversation_id, account);
CREATE INDEX used_invites_by_expiry ON used_invites (expires);
CREATE INDEX files_of ON files (blob, owner);
CREATE INDEX files_unsent ON files (owner, created_at) WHERE uses = 0;
CREATE INDEX attachments_of ON attachments (file, place);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',3);
COMMIT;
PRAGMA user_version = 3;
