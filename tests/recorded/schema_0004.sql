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
INSERT INTO "accounts" VALUES(1,'messi','Lionel Messi','Argentina','$argon2id$v=19$m=64,t=1,p=1$euFLp9qdMn7csLgDZMQvfg$GcY66b1g2bhLEh195qOfrzFnvlGtTx6v7xwCYe85dxA',0,1795680289044,1795680349044,'messi
lionel messi',1);
INSERT INTO "accounts" VALUES(2,'henderson','Jordan Henderson','Inggris','$argon2id$v=19$m=64,t=1,p=1$H+5Zhokj0tV/yeXbqrQKBA$76Jk2v6knX5j/a0biiRuclxxmdRrPSVoxzV6154k2oI',0,1795680289094,1795680349094,'henderson
jordan henderson',1);
INSERT INTO "accounts" VALUES(3,'lineker','Gary Lineker','Inggris','$argon2id$v=19$m=64,t=1,p=1$nvVRUasBWcXq99F+aan4vg$2ZzieMYdZqlfPKbUccGOnBBY56xRbQ2MTHBy8F5pCrw',0,1795680289117,1795680349117,'lineker
gary lineker',3);
CREATE TABLE attachments (     -- which entry names which file
    place INTEGER PRIMARY KEY,             -- as in entries
    file  TEXT    NOT NULL REFERENCES files (id)
) STRICT;
INSERT INTO "attachments" VALUES(4294967303,'01M8BE5GBX4VT9MWFVJCN20TRQ');
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
INSERT INTO "conversations" VALUES(1,'private/henderson@kampus,messi@kampus',1,7,X'D3FC1952F6306A06E2AE55779E8AE0A68262D22772321CAB5BE0BBE7B80E3742',7355106464444416);
INSERT INTO "conversations" VALUES(2,'group/new@kampus',1,1,X'A9ED4B487A003B37AC23AFCB3C2CA9EDE48C2C0652CD569928C2606FBE795817',7355106464346112);
INSERT INTO "conversations" VALUES(3,'private/bob@pusat,messi@kampus',1,3,X'3ECCB8CF1D47445745875735732040A8C0251F20C59527D7E6979F9E6C5FE851',7355106464739328);
CREATE TABLE entries (
    place   INTEGER PRIMARY KEY,    -- conversation << 32 | number: a conversation lies together, in order
    id      TEXT    NOT NULL,       -- the sender's ULID
    sender  TEXT    NOT NULL,       -- name@realm
    display TEXT    NOT NULL,       -- how the sender was called then
    sent_at INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    salt    BLOB,
    chain   BLOB    NOT NULL,
    message TEXT, re TEXT, code TEXT,
    UNIQUE (id, sender)             -- a repeated send finds its first; by time, so that new ones lie together
) STRICT;
INSERT INTO "entries" VALUES(4294967297,'01M8BE5GB97WMTA8M1TSEPGW4V','messi@kampus','Lionel Messi',1795680289129,'text',X'D3938BE34794ACD3244AAB0FBC8C0FA2',X'CEDEF0E2377AA8B5722A9240000B58575870965F1CE13942A8C44BFFAF48BBFE','halo 1',NULL,NULL);
INSERT INTO "entries" VALUES(4294967298,'01M8BE5GB93NP5BMM453H4MD3T','messi@kampus','Lionel Messi',1795680289129,'text',X'448AFA0FB4351C3BC9AB2D749BEF8494',X'676CD39E64D3FBCBFEAEFF38C8CC3C55608BDC1605F6E7345C1FEA9C317E3DBA','halo 2',NULL,NULL);
INSERT INTO "entries" VALUES(4294967299,'01M8BE5GB92KCY237P1VG54220','messi@kampus','Lionel Messi',1795680289129,'text',X'F9900E7185C00A4F4E4AF9B9F4D86AD5',X'A6E15D05437795AEA74D597C15CDA14A4DFE9E6A458004E5C83097500830F136','halo 3',NULL,NULL);
INSERT INTO "entries" VALUES(4294967300,'01M8BE5GB9G5Z1MPBT143CT9WQ','messi@kampus','Lionel Messi',1795680289129,'text',X'FDCD8364B734E65AC58A23F6EE87106C',X'127D0C3739B731A7D6A2D6DADE02DA3C082099F91AA8F382894C775E0FF8D85B','halo 4',NULL,NULL);
INSERT INTO "entries" VALUES(4294967301,'01M8BE5GB9HYFS70K8FRKSKBBP','messi@kampus','Lionel Messi',1795680289129,'text',X'94508B77E55B03C5DEC52AED30E8DE1B',X'96584710C4378B24856BC32EFE56A6046A6885FF131A7AAE5C23EFD5A95F74C7','halo 5',NULL,NULL);
INSERT INTO "entries" VALUES(4294967302,'01M8BE5GBBMK441NXXQ5BR7APQ','henderson@kampus','Jordan Henderson',1795680289131,'text',X'A3A4238C87DBC077973F7630746CAC96',X'DC034FC35818B659C3444DAD1B1BDD4E6CE3DC203E79733CE17FC19239513EDF','halo juga',NULL,NULL);
INSERT INTO "entries" VALUES(4294967303,'01M8BE5GCK55GGQ8P3EBK1BH3P','messi@kampus','Lionel Messi',1795680289171,'file',X'98B8B6BB295E73B3B7515F1FF243BD62',X'D3FC1952F6306A06E2AE55779E8AE0A68262D22772321CAB5BE0BBE7B80E3742',NULL,NULL,NULL);
INSERT INTO "entries" VALUES(8589934593,'01M8BE5GBV8CDVAGX9J00ZJF3D','messi@kampus','Lionel Messi',1795680289147,'text',X'4D285720958E0D85EA2C60E3CEDFC530',X'A9ED4B487A003B37AC23AFCB3C2CA9EDE48C2C0652CD569928C2606FBE795817','halo semua',NULL,NULL);
INSERT INTO "entries" VALUES(12884901889,'01M8BE5GDZX0535EGJ834TH4EW','messi@kampus','Lionel Messi',1795680289215,'text',X'06107A8ED87B34AE0E23AB70BD723C7E',X'6D3ADE7A4671C1E370C1BF7B94A22F5EEA9E07588B1F19A50A3F604E6B7E8808','halo bob',NULL,NULL);
INSERT INTO "entries" VALUES(12884901890,'01M8BE5GE9YCBSMC8WY0DVKED8','bob@pusat','Bob',1795680289225,'text',X'558F2855272158C1E2D1AB0AF5075F8F',X'6DA5A4332FB9E7890D7265AFEA7578558647B474BA8667741DB0A51E799800D0','halo messi',NULL,NULL);
INSERT INTO "entries" VALUES(12884901891,'01M8BE5GEV0MFS7D1FRY1Q7FCM','messi@kampus','Lionel Messi',1795680289243,'text',X'E16F5CD55FEC80DD494CFCDC11C03662',X'3ECCB8CF1D47445745875735732040A8C0251F20C59527D7E6979F9E6C5FE851','queued',NULL,NULL);
CREATE TABLE "files" (
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL,           -- an account, or minus a peer
    blob       INTEGER NOT NULL REFERENCES blobs (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0  -- entries that name it
) STRICT, WITHOUT ROWID;
INSERT INTO "files" VALUES('01M8BE5GBX4VT9MWFVJCN20TRQ',1,1,'laporan.txt',1795680289166,1);
CREATE TABLE from_realms (     -- the entries whose sender is of another realm
    realm TEXT    NOT NULL,
    place INTEGER NOT NULL,            -- as in entries
    PRIMARY KEY (realm, place)
) STRICT, WITHOUT ROWID;
INSERT INTO "from_realms" VALUES('pusat',12884901890);
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
INSERT INTO "known_keys" VALUES(1,'s%(2YQP.hM9&lz-.ZW?CSn{PCcUI@lcc[ouLjx5b',1795680289044);
INSERT INTO "known_keys" VALUES(2,'zS.SU<@$R}jpn{-Ah]Vx!1rzaaSDjpzmy>yuBeQ3',1795680289094);
INSERT INTO "known_keys" VALUES(3,'iKCa6jSKZsZDZaV^1G?Q8jsiE@BZlG0dvwK0H{#J',1795680289117);
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
INSERT INTO "outbox" VALUES(1,1,1,X'4A731E8484A4D6E15CB92D708CA734131FA121E830A8FC6445F1C2C6CA9C3930','01M8BE5GDZX0535EGJ834TH4EW',1,'Lionel Messi',1795680289215,0,'bob','halo bob',NULL,1,1795680289223,'');
INSERT INTO "outbox" VALUES(2,1,2,X'8AA18CD215B42C51BBF16227F3C59D21F769CBC6EB6C08A8D929B5DBBED832AD','01M8BE5GEV0MFS7D1FRY1Q7FCM',1,'Lionel Messi',1795680289243,0,'bob','queued',NULL,1,NULL,'');
CREATE TABLE participants (
    account         INTEGER NOT NULL REFERENCES accounts (id),
    conversation    TEXT    NOT NULL,     -- its name: `sync` and `inbox` go in the order of names
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    inbox           INTEGER NOT NULL,     -- fetched by `inbox` up to this number
    read            INTEGER NOT NULL,     -- the read mark
    joined          INTEGER NOT NULL, start INTEGER NOT NULL DEFAULT 0,     -- who has the lowest has been in it longest
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;
INSERT INTO "participants" VALUES(1,'group/new@kampus',2,0,0,1,0);
INSERT INTO "participants" VALUES(1,'private/bob@pusat,messi@kampus',3,0,0,0,0);
INSERT INTO "participants" VALUES(1,'private/henderson@kampus,messi@kampus',1,0,6,0,0);
INSERT INTO "participants" VALUES(2,'group/new@kampus',2,0,0,2,0);
INSERT INTO "participants" VALUES(2,'private/henderson@kampus,messi@kampus',1,6,0,0,0);
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
INSERT INTO "peers" VALUES(1,'pusat','BRw?(tZV01=9pgA[Yy@B0tnT[mtn=df$HQN{kGbe','127.0.0.1',20181,1795680289200,1,2,X'8AA18CD215B42C51BBF16227F3C59D21F769CBC6EB6C08A8D929B5DBBED832AD',1,X'4A731E8484A4D6E15CB92D708CA734131FA121E830A8FC6445F1C2C6CA9C3930',1,1,1,X'88828325F7BD51B47DE13F102307C962E2ACE1BE1A091286D53F6F10B2C0B8A4',NULL);
CREATE TABLE realm (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT    NOT NULL,
    epoch INTEGER NOT NULL      -- drawn anew at every restore: clients compare it for equality
) STRICT;
INSERT INTO "realm" VALUES(1,'kampus',3469973142419497380);
CREATE TABLE realm_inboxes (   -- fetched by `getrealminbox` up to this number
    account      INTEGER NOT NULL REFERENCES accounts (id),
    realm        TEXT    NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    PRIMARY KEY (account, realm, conversation)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "sessions" VALUES(1,1,'s%(2YQP.hM9&lz-.ZW?CSn{PCcUI@lcc[ouLjx5b',X'3EEF23C3CDB2C3D299D77967833D148571DF48E6F852368582539BB23496020E',X'780E5EEFB1E7900740F5D32977CF1A57',1795680289044);
INSERT INTO "sessions" VALUES(2,2,'zS.SU<@$R}jpn{-Ah]Vx!1rzaaSDjpzmy>yuBeQ3',X'6FF4295484F9EA0687EFC6F0CDC2DD27E047F49663DDE2F4C910B6D7E96F1F00',X'2D66A66AB10C9501F7AAEFAB76D68687',1795680289094);
INSERT INTO "sessions" VALUES(3,3,'iKCa6jSKZsZDZaV^1G?Q8jsiE@BZlG0dvwK0H{#J',X'78EA2A89688027A9EBE7CD11AAA8A354052A86A0599AA1BDF6C207796B2F9B45',X'0D2D6785C49199160335D64ACE024AAC',1795680289117);
CREATE TABLE taken (           -- what came from a peer, and its first answer
    peer   INTEGER NOT NULL REFERENCES peers (id),
    id     TEXT    NOT NULL,
    sender TEXT    NOT NULL,
    code   TEXT    NOT NULL,           -- empty: it was stored
    at     INTEGER NOT NULL,
    PRIMARY KEY (peer, id, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO "taken" VALUES(1,'01M8BE5GE9YCBSMC8WY0DVKED8','bob@pusat','',1795680289226);
CREATE TABLE "uploads" (   -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    owner   INTEGER NOT NULL,
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (owner, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO "uploads" VALUES('01M8BE5GCMSFF1ZHRJFW9PVEM5',2,X'F05ED8B422895F4AA00D4B5E07C170CA40C2885DA689FA986722115BC6B7BCD6',22,'besar.bin',1795680289172);
CREATE TABLE "usage" (        -- bytes of the blobs that an owner has uploaded, each once
    owner INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
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
CREATE INDEX attachments_of ON attachments (file, place);
CREATE UNIQUE INDEX outbox_by_number ON outbox (peer, n) WHERE n IS NOT NULL;
CREATE INDEX outbox_to_carry ON outbox (peer, place) WHERE file IS NOT NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_files ON outbox (file) WHERE file IS NOT NULL;
CREATE INDEX taken_by_time ON taken (at);
CREATE INDEX files_of ON files (blob, owner);
CREATE INDEX files_unsent ON files (owner, created_at) WHERE uses = 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',3);
COMMIT;
PRAGMA user_version = 4;
