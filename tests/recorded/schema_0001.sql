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
INSERT INTO "accounts" VALUES(1,'messi','Lionel Messi','Argentina','$argon2id$v=19$m=64,t=1,p=1$9GVrKtb4IUpx+s1tAPa+hQ$mi/aBUSezbNMxMNVxl79PNG8quPsOpFIqtZ0+NutsfE',0,1795680291968,1795680351968,'messi
lionel messi',1);
INSERT INTO "accounts" VALUES(2,'henderson','Jordan Henderson','Inggris','$argon2id$v=19$m=64,t=1,p=1$yT6vaepvjOSK4EA9PVloMA$LuLA91IsBiygwzbfSM11cfokEusttvCmJFQrPQp+goY',0,1795680291975,1795680351975,'henderson
jordan henderson',1);
INSERT INTO "accounts" VALUES(3,'lineker','Gary Lineker','Inggris','$argon2id$v=19$m=64,t=1,p=1$SiCIjLiOwP+KvYLdP5QTZg$+HH/VXTyZvzah3Pt9IrEu/tT7XoxMUNNqe24nEfwK00',0,1795680291981,1795680351981,'lineker
gary lineker',3);
CREATE TABLE conversations (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    first  INTEGER NOT NULL DEFAULT 1,   -- the lowest number that retention has left
    head   INTEGER NOT NULL DEFAULT 0,   -- the highest number
    chain  BLOB    NOT NULL,             -- at head
    latest INTEGER NOT NULL              -- grows with every last entry: ms << 12, and then by one
) STRICT;
INSERT INTO "conversations" VALUES(1,'private/henderson@kampus,messi@kampus',1,6,X'0782822B4C43722D0D22CE6650DE61E52646A68CDE9ADCE478782EACC8BC374B',7355106475978752);
INSERT INTO "conversations" VALUES(2,'group/new@kampus',1,1,X'E50614EC2A73995422E77CFF3A35346A87B189BB3BB546807A218A5F96ED47AB',7355106475999232);
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
INSERT INTO "entries" VALUES(4294967297,'01M8BE5K4GBQVZAR3KWANB6977','messi@kampus','Lionel Messi',1795680291984,'text',X'DE1912EACCB46DACDF0974A865768F5B',X'AE3D8B415F0FEB8948C0B0713A45DF642153326EDF239D63C4E421102A678820','halo 1');
INSERT INTO "entries" VALUES(4294967298,'01M8BE5K4JVDW959SZ5NMYYVPV','messi@kampus','Lionel Messi',1795680291986,'text',X'E398F16E434127F33B74348FF3DD6DA8',X'DB8F2D1E0A9E0CC22F1465F292C9FF73B395E2A8A39CFD42952586B58A87276E','halo 2');
INSERT INTO "entries" VALUES(4294967299,'01M8BE5K4JYM2NPXXCAA3XZ5CV','messi@kampus','Lionel Messi',1795680291986,'text',X'66ABA4BE14311DCD24855430AFCF7F69',X'E70C7A484EAD95297A33D1DFDD7AD35498EB6D298AF59613B320943C09395605','halo 3');
INSERT INTO "entries" VALUES(4294967300,'01M8BE5K4J7Z5VREMVNX97HEKT','messi@kampus','Lionel Messi',1795680291986,'text',X'A261544635E6C42ED566147C8429D27C',X'8279736FE0C51EC14FEB3A29E9168748249CF51134C777A84FE28ADF3575DB92','halo 4');
INSERT INTO "entries" VALUES(4294967301,'01M8BE5K4J8CRFCRW8E46480DY','messi@kampus','Lionel Messi',1795680291986,'text',X'25A133AF7B19A87255CB82009F5A99F1',X'D50D185B0F0207006C3A9B03C9F62EAE8161614E7A6DD009FAF3BC6A090CCB4C','halo 5');
INSERT INTO "entries" VALUES(4294967302,'01M8BE5K4K878TTSCTM82F95K3','henderson@kampus','Jordan Henderson',1795680291987,'text',X'1C01A308BF3AFEFCE46BDFB281031E8B',X'0782822B4C43722D0D22CE6650DE61E52646A68CDE9ADCE478782EACC8BC374B','halo juga');
INSERT INTO "entries" VALUES(8589934593,'01M8BE5K4RH4RYJ8JBC50X9SFQ','messi@kampus','Lionel Messi',1795680291992,'text',X'B3662123423DFF6FF366BFB9B4200537',X'E50614EC2A73995422E77CFF3A35346A87B189BB3BB546807A218A5F96ED47AB','halo semua');
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
INSERT INTO "known_keys" VALUES(1,'3EKy7C*-}#9O*A7QAXiV!47-xIp2f)X0x)i<*.#)',1795680291968);
INSERT INTO "known_keys" VALUES(2,']pa#.{!fo:0y0q4e/=7ztL):8VBpl79Jy!}r:R{?',1795680291975);
INSERT INTO "known_keys" VALUES(3,'&eJZNe)D$yiI]LTpMxlZ6w@PS=VHt5l%0#70F8Iq',1795680291981);
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
INSERT INTO "realm" VALUES(1,'kampus',5442968729679722322);
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,   -- ascending, so the lowest of an account is its oldest
    account    INTEGER NOT NULL REFERENCES accounts (id),
    key        TEXT    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    topic      BLOB    NOT NULL UNIQUE,
    used_at    INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;
INSERT INTO "sessions" VALUES(1,1,'3EKy7C*-}#9O*A7QAXiV!47-xIp2f)X0x)i<*.#)',X'E1B08CD9EA6540D7391A3384F107D2ECB773C88BB444B3B9B7827C907A2E0F9D',X'9379001D0B8F4DDBDAC79BD1568DC03A',1795680291968);
INSERT INTO "sessions" VALUES(2,2,']pa#.{!fo:0y0q4e/=7ztL):8VBpl79Jy!}r:R{?',X'2E35C7771F8638D79A990A54A2D3BE1238945CD781CF33639B056B68FAA460DB',X'6B39BF69C19073271979CE096901966D',1795680291975);
INSERT INTO "sessions" VALUES(3,3,'&eJZNe)D$yiI]LTpMxlZ6w@PS=VHt5l%0#70F8Iq',X'B24C7CF1D0960A3C23ED6F06D810690ECF02543054105AB906901D86F213F2C5',X'CF9DF7F977B7B31EA50C75C1A9672936',1795680291981);
CREATE INDEX participants_of ON participants (conversation_id, account);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sessions',3);
COMMIT;
PRAGMA user_version = 1;
