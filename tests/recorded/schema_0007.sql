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
, disabled_at INTEGER, erased_at INTEGER, active_at INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "accounts" VALUES(1,'messi','Lionel Messi','Argentina','$argon2id$v=19$m=64,t=1,p=1$1hdqUwHn5U4/uzIwpXZSlA$OQZ1tW+V2bT2FdpZpPy4BsA1/sRjBWacTHM4zMUzN+4',0,1795684491038,1795684551038,'messi
lionel messi',1,NULL,NULL,1795684491038);
INSERT INTO "accounts" VALUES(2,'henderson','Jordan Henderson','Inggris','$argon2id$v=19$m=64,t=1,p=1$qQvpQGE5gSZBv9KEkIo+TA$A8cQ05pdg1SEE7Y5N8Jj59YZzHBIacggZPtUJP06hvo',0,1795684491043,1795684551043,'henderson
jordan henderson',1,NULL,NULL,1795684491043);
INSERT INTO "accounts" VALUES(3,'lineker','Gary Lineker','Inggris','$argon2id$v=19$m=64,t=1,p=1$qiJsGQsbTnzsoZ/LJHg3iA$IsZGjSlK027n4xn/7FqvkoGk62guoPdeqjPGPhQh5IU',0,1795684491047,1795684551047,'lineker
gary lineker',3,NULL,NULL,1795684491047);
CREATE TABLE attachments (     -- which entry names which file
    place INTEGER PRIMARY KEY,             -- as in entries
    file  TEXT    NOT NULL REFERENCES files (id)
) STRICT;
INSERT INTO "attachments" VALUES(4294967303,'01M8BJ5QSH8S7GXSXCMXVN1431');
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
INSERT INTO "conversations" VALUES(1,'private/henderson@kampus,messi@kampus',1,7,X'D6429BF0A9DC379482D4F4347150FE652FB229AC91FBC1E75233B1319D84750E',7355123675430912);
INSERT INTO "conversations" VALUES(2,'group/new@kampus',1,1,X'33F25CE8100CBAE8C5EDB616A0ADEAEF41F2CB0909631FDFA848CCF88C24D6EF',7355123675361280);
INSERT INTO "conversations" VALUES(3,'private/bob@pusat,messi@kampus',1,3,X'EC55F33DF7778CAFA1D15E1A29013D594C2101330251F533DCD0F79D87744ADF',7355123675688960);
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
INSERT INTO "entries" VALUES(4294967297,'01M8BJ5QS9A1VZV6CN0BZFSA5C','messi@kampus','Lionel Messi',1795684491049,'text',X'FDE0BAA94257D2C9548F2AFEC1244893',X'15328DAEC31551BECFC351810E202E49011E7EB32EEC4708FB792BB212DC1D6F','halo 1',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967298,'01M8BJ5QS9WMRMCZS1NBBZZAES','messi@kampus','Lionel Messi',1795684491049,'text',X'7A1E9C7CD7B174844F7A2BA419DD6634',X'1FF67A681E9B74C421D0714F3798E7AB872FA4984775FF8548C427A3A31DBF2D','halo 2',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967299,'01M8BJ5QS9CDQAW0J0GKP3XA3F','messi@kampus','Lionel Messi',1795684491049,'text',X'70D88CA95B2FBB2BF5753A6F284FE2F7',X'18D408F42951193818FAC5A871EE40348751C95D8B6D49887E5C2128539B4A56','halo 3',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967300,'01M8BJ5QS9RBVJB43C36V564T6','messi@kampus','Lionel Messi',1795684491049,'text',X'71B86A06D80B7245CF1BD3C6685D8506',X'29B07CE46D246B6964CF8AED68BE8696DF1AB26139C01D363B4D7AF62FEEB120','halo 4',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967301,'01M8BJ5QS9ZK8XYEDY2B0B9BAV','messi@kampus','Lionel Messi',1795684491049,'text',X'4A6711D16653A4F5469B29F91060CC4A',X'E12AD971205DA74BDE01828A3295F163F366C1F3802C8AC1403BACE2352444E0','halo 5',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967302,'01M8BJ5QSBAHX95ECWZD0MDDG3','henderson@kampus','Jordan Henderson',1795684491051,'text',X'FBBD3433D7CA5B36404AB254A03ADE19',X'D79253C20E198C09FDA49D545D15E12100D3682EC97CE747279F05456003FEEC','halo juga',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4294967303,'01M8BJ5QT0X9ZPVYBJ39299ZFM','messi@kampus','Lionel Messi',1795684491072,'file',X'E2880342F5A6DFF362134322D3C7A0D2',X'D6429BF0A9DC379482D4F4347150FE652FB229AC91FBC1E75233B1319D84750E',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(8589934593,'01M8BJ5QSFXKCX7C3RTQZQAPPD','messi@kampus','Lionel Messi',1795684491055,'text',X'77B32B1BAE7D8573FC65E76E0C59FBF3',X'33F25CE8100CBAE8C5EDB616A0ADEAEF41F2CB0909631FDFA848CCF88C24D6EF','halo semua',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(12884901889,'01M8BJ5QVFR6DGSB19NJG4JHX8','messi@kampus','Lionel Messi',1795684491119,'text',X'9660CEC9BF1996E587F6AD42F82FFDC8',X'475A1B1189B719E49A8FF6530FCD4544EDF901E4A490595577D5A4291A1FD3BE','halo bob',NULL,NULL,NULL,1795684491121);
INSERT INTO "entries" VALUES(12884901890,'01M8BJ5QVK7X4GG68Q4E14K8PH','bob@pusat','Bob',1795684491123,'text',X'EC78FB3C8DA57ADF77E3E68ED2923737',X'F7F6449E4E66FB305A5C695FEEA0D7A8E9019CAD873D35FC7FBCACBE3F2D6C10','halo messi',NULL,NULL,NULL,1795684491123);
INSERT INTO "entries" VALUES(12884901891,'01M8BJ5QVZBAYNPG8AKV0C9XQ5','messi@kampus','Lionel Messi',1795684491135,'text',X'62D8DFD6DA6C9315F0E8707020AD462C',X'EC55F33DF7778CAFA1D15E1A29013D594C2101330251F533DCD0F79D87744ADF','queued',NULL,NULL,NULL,1795684491135);
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
CREATE TABLE "files" (
    id         TEXT    PRIMARY KEY,        -- that of its upload
    owner      INTEGER NOT NULL,           -- an account, or minus a peer
    blob       INTEGER NOT NULL REFERENCES blobs (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0  -- entries that name it
) STRICT, WITHOUT ROWID;
INSERT INTO "files" VALUES('01M8BJ5QSH8S7GXSXCMXVN1431',1,1,'laporan.txt',1795684491071,1);
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
INSERT INTO "known_keys" VALUES(1,'dZXYc0:AR}F%gRgeF*dlXd$HxSpXV$d=-vHbnxe#',1795684491038);
INSERT INTO "known_keys" VALUES(2,'9>XuXQ8PI!@7%a:M8*RGr}4}=kuuP1hHy-GZYfw$',1795684491043);
INSERT INTO "known_keys" VALUES(3,'HxdEV2h:qVvwt-xo.7QSiLv?eep8x*DtzeUBU@zr',1795684491047);
CREATE TABLE "outbox" (   -- what users of this realm send to other realms
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
INSERT INTO "outbox" VALUES(1,1,1,1,X'B646A0B8B9E21FB0FC0522EE6E0163778E620CF9F8F7050C463B79FA5AD9C9BB','01M8BJ5QVFR6DGSB19NJG4JHX8',1,'Lionel Messi',1795684491119,0,'bob','halo bob',NULL,1,1795684491121,'');
INSERT INTO "outbox" VALUES(2,1,1,2,X'589FD37FA2BE105B19E2F8906AF069AC136AF1730145A418BCA84B377E4986FF','01M8BJ5QVZBAYNPG8AKV0C9XQ5',1,'Lionel Messi',1795684491135,0,'bob','queued',NULL,1,NULL,'');
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
INSERT INTO "peers" VALUES(1,'pusat','o}{sNBhB6bp9<j4dQ-R=]p<B3iiR2PwMJg=<nLA-','127.0.0.1',12810,1795684491108,1,2,X'589FD37FA2BE105B19E2F8906AF069AC136AF1730145A418BCA84B377E4986FF',1,X'B646A0B8B9E21FB0FC0522EE6E0163778E620CF9F8F7050C463B79FA5AD9C9BB',1,1,1,X'E7C8FB77AC3004FA05E7E87E40DB54ECE16C8792A92B6F10844B36D81203FC88',NULL,0,NULL);
CREATE TABLE realm (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT    NOT NULL,
    epoch INTEGER NOT NULL      -- drawn anew at every restore: clients compare it for equality
) STRICT;
INSERT INTO "realm" VALUES(1,'kampus',9210548083773709963);
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
INSERT INTO "sessions" VALUES(1,1,'dZXYc0:AR}F%gRgeF*dlXd$HxSpXV$d=-vHbnxe#',X'A00F1D4ADE9BE2009211702333D8420683A0FBDDC69FACBA93BA98B453A4B0E3',X'FAD9E8E2DE20F11772AA4AAD3736BC7C',1795684491038);
INSERT INTO "sessions" VALUES(2,2,'9>XuXQ8PI!@7%a:M8*RGr}4}=kuuP1hHy-GZYfw$',X'297C559784D0FBE5E38862AF7B5D94C3365E05E76F8552C647F36D02CB386D80',X'159D895348FF1220CBF73ABAFA0B60E9',1795684491043);
INSERT INTO "sessions" VALUES(3,3,'HxdEV2h:qVvwt-xo.7QSiLv?eep8x*DtzeUBU@zr',X'095015A01A11D5D3F8FFC98451C7CDCB8EBAFAE73802C199209D3DF26286BC89',X'D322B723958937EDACE5A9789580B176',1795684491047);
CREATE TABLE taken (           -- what came from a peer, and its first answer
    peer   INTEGER NOT NULL REFERENCES peers (id),
    id     TEXT    NOT NULL,
    sender TEXT    NOT NULL,
    code   TEXT    NOT NULL,           -- empty: it was stored
    at     INTEGER NOT NULL,
    PRIMARY KEY (peer, id, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO "taken" VALUES(1,'01M8BJ5QVK7X4GG68Q4E14K8PH','bob@pusat','',1795684491123);
CREATE TABLE "uploads" (   -- unfinished; how much is held is seen on disk
    id      TEXT    PRIMARY KEY,
    owner   INTEGER NOT NULL,
    digest  BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    UNIQUE (owner, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO "uploads" VALUES('01M8BJ5QT1SJWZ7F3S4H3JS0D4',2,X'F05ED8B422895F4AA00D4B5E07C170CA40C2885DA689FA986722115BC6B7BCD6',22,'besar.bin',1795684491073);
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
CREATE INDEX taken_by_time ON taken (at);
CREATE INDEX files_of ON files (blob, owner);
CREATE INDEX files_unsent ON files (owner, created_at) WHERE uses = 0;
CREATE UNIQUE INDEX outbox_by_number ON outbox (peer, epoch, n) WHERE n IS NOT NULL;
CREATE INDEX outbox_to_number ON outbox (peer, place) WHERE file IS NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_to_carry ON outbox (peer, place) WHERE file IS NOT NULL AND n IS NULL AND result = '';
CREATE INDEX outbox_files ON outbox (file) WHERE file IS NOT NULL;
CREATE UNIQUE INDEX peers_by_name ON peers (name) WHERE forgotten_at IS NULL;
CREATE UNIQUE INDEX peers_by_key ON peers (key) WHERE forgotten_at IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',3);
COMMIT;
PRAGMA user_version = 7;
