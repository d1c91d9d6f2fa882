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
INSERT INTO "accounts" VALUES(1,'messi','Lionel Messi','Argentina','$argon2id$v=19$m=64,t=1,p=1$tNa5/vmTMPIvx9r4wENjZQ$Hima90TUzsePpY+ScVzk02CUsGjn8xCLD/cKmSg20og',0,1795680294714,1795680354714,'messi
lionel messi',1);
INSERT INTO "accounts" VALUES(2,'henderson','Jordan Henderson','Inggris','$argon2id$v=19$m=64,t=1,p=1$2lfnmCfSY+702rPLdbjXDA$Xxwq40OjmXhHGBUmXOEoLr4oHkcQDFRy2pnjNxmP48Q',0,1795680294719,1795680354719,'henderson
jordan henderson',1);
INSERT INTO "accounts" VALUES(3,'lineker','Gary Lineker','Inggris','$argon2id$v=19$m=64,t=1,p=1$6qNTDyWHJsoKFfC/7eIGXQ$SPTGlqkRyaYgzIpB/dRFpvcW9+GYET0WdAyT7lDlqO4',0,1795680294725,1795680354725,'lineker
gary lineker',3);
CREATE TABLE conversations (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    first  INTEGER NOT NULL DEFAULT 1,   -- the lowest number that retention has left
    head   INTEGER NOT NULL DEFAULT 0,   -- the highest number
    chain  BLOB    NOT NULL,             -- at head
    latest INTEGER NOT NULL              -- grows with every last entry: ms << 12, and then by one
) STRICT;
INSERT INTO "conversations" VALUES(1,'private/henderson@kampus,messi@kampus',1,6,X'E384942BE69A9F7C045C65E81042FD3F1D53359AF69A974DB5A193992836C45F',7355106487214080);
INSERT INTO "conversations" VALUES(2,'group/new@kampus',1,1,X'0606A725EBCC7CF01C9438B9D2881CE53F15B80FE6DB17DAABF497400645F02A',7355106487234560);
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
INSERT INTO "entries" VALUES(4294967297,'01M8BE5NT8XZ3BXRWPX6WCEKPQ','messi@kampus','Lionel Messi',1795680294728,'text',X'5DBBA96E355EA5ECAE0292A02E5D7926',X'7A191B3B73888B3185DE8A584161C07D33870079362B9FBCE79572EC410A594E','halo 1');
INSERT INTO "entries" VALUES(4294967298,'01M8BE5NT90NC2AW959VJ048W2','messi@kampus','Lionel Messi',1795680294729,'text',X'DDB45B485A6BE050D2131C8E75B454D3',X'3CE2F7748088548E8F6B1D7879DF5D26C5319515F2DE03EC533A14F5FED5DE41','halo 2');
INSERT INTO "entries" VALUES(4294967299,'01M8BE5NT9D9A53SPT0XTFHC0G','messi@kampus','Lionel Messi',1795680294729,'text',X'224BF7881DB05A1511D65EA24AFBAA22',X'027A11AEEC5C6970A3172E554B501372FBC52466B43715EEAB7F27A7903B0EF4','halo 3');
INSERT INTO "entries" VALUES(4294967300,'01M8BE5NT9RY5Y59K1HQFXZT49','messi@kampus','Lionel Messi',1795680294729,'text',X'9CAA24E86AFADC7F7D322A1F6445CA5D',X'DEA4516D5DDDF4FF5FD2EDF9F6AC6B0D3D7D7726484B10750DEC3B6A1C9965A8','halo 4');
INSERT INTO "entries" VALUES(4294967301,'01M8BE5NT946YRW7Q3ZWPC17FZ','messi@kampus','Lionel Messi',1795680294729,'text',X'7CEBDBF670CCD7E2A614F4C770B6B5C0',X'DA235BF1419B1474994C7B8A902C9697EF50B8773A2293C6D578F838DCB96767','halo 5');
INSERT INTO "entries" VALUES(4294967302,'01M8BE5NTAXSV3FGGVETXDK6HQ','henderson@kampus','Jordan Henderson',1795680294730,'text',X'C0FC3CEDCF2E111D46E85DD73C6CA37F',X'E384942BE69A9F7C045C65E81042FD3F1D53359AF69A974DB5A193992836C45F','halo juga');
INSERT INTO "entries" VALUES(8589934593,'01M8BE5NTFMH0FY11G5X09V6EG','messi@kampus','Lionel Messi',1795680294735,'text',X'D960538B6C2A7055B4B423F12052E6BE',X'0606A725EBCC7CF01C9438B9D2881CE53F15B80FE6DB17DAABF497400645F02A','halo semua');
CREATE TABLE groups (
    name            TEXT    PRIMARY KEY,
    title           TEXT    NOT NULL,      -- the name as its creator typed it
    conversation_id INTEGER NOT NULL UNIQUE REFERENCES conversations (id),
    admin           INTEGER REFERENCES accounts (id),   -- null while nobody is in it
    members         INTEGER NOT NULL DEFAULT 0,
    joins           INTEGER NOT NULL DEFAULT 0          -- how often somebody has joined
) STRICT, WITHOUT ROWID;
INSERT INTO "groups" VALUES('new','New',2,1,2,3);
CREATE TABLE known_keys (      -- keys that have logged an account in before
    account INTEGER NOT NULL REFERENCES accounts (id),
    key     TEXT    NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "known_keys" VALUES(1,'>bo9.Yc!b}gqfA)+Hvc/w9&-<D{^}%p0h(=2QfpP',1795680294714);
INSERT INTO "known_keys" VALUES(2,'@&D80:<JiC/zv+4F[h8}w0n/2wC$$+xk:p]w&3d.',1795680294719);
INSERT INTO "known_keys" VALUES(3,']-pFxWW&=8W^+D<.q>w*@JYPt(850h0e@*m6k@sz',1795680294725);
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
INSERT INTO "realm" VALUES(1,'kampus',7301056492848546548);
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,   -- ascending, so the lowest of an account is its oldest
    account    INTEGER NOT NULL REFERENCES accounts (id),
    key        TEXT    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    topic      BLOB    NOT NULL UNIQUE,
    used_at    INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;
INSERT INTO "sessions" VALUES(1,1,'>bo9.Yc!b}gqfA)+Hvc/w9&-<D{^}%p0h(=2QfpP',X'F20B74CF81C3D39E1C290F8BC1CD01BE3D603FFD9F9C178F8580824FBD9D6E81',X'9CEB9FA412AD37E5D802038EA578DF5C',1795680294714);
INSERT INTO "sessions" VALUES(2,2,'@&D80:<JiC/zv+4F[h8}w0n/2wC$$+xk:p]w&3d.',X'0F73F3BEB0149800F2AC89A92BFAE6C640E9BC16E064E42199A9FE3B709580D4',X'5EF95339B7034AF7F234E67A4466B863',1795680294719);
INSERT INTO "sessions" VALUES(3,3,']-pFxWW&=8W^+D<.q>w*@JYPt(850h0e@*m6k@sz',X'FBFCC8AB1976E616A2ED9E3A2108605FEF56A629F48241353C87CFC4542D17AE',X'065EA430165C4EFEB831A7D45494448B',1795680294725);
CREATE TABLE used_invites (    -- until they expire: after that nobody asks
    nonce   BLOB    PRIMARY KEY,         -- each lets in once
    account INTEGER NOT NULL REFERENCES accounts (id),
    used_at INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "used_invites" VALUES(X'00112233445566778899AABBCCDDEEFF',3,1795679000000,1796283800000);
CREATE INDEX participants_of ON participants (conversation_id, account);
CREATE INDEX used_invites_by_expiry ON used_invites (expires);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',3);
COMMIT;
PRAGMA user_version = 2;
