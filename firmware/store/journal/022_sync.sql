-- Numbers of the outbox come from here, as what the platform has backed up is cleared away. `machine`: whose disk this was when the
-- epoch began; `stamp`: the last one that was given or met (firmware/sync/stamp.py).
ALTER TABLE epoch ADD COLUMN number INTEGER NOT NULL DEFAULT 0 CHECK (number >= 0);
ALTER TABLE epoch ADD COLUMN machine TEXT NOT NULL DEFAULT '';
ALTER TABLE epoch ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
UPDATE epoch SET number = (SELECT coalesce(max(number), 0) FROM outbox WHERE outbox.epoch = epoch.epoch);

-- `held`: the hub has said that it holds this. NULL stamp: from before there were any.
ALTER TABLE outbox ADD COLUMN stamp TEXT;
ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));
CREATE INDEX outbox_kind ON outbox (kind) WHERE held = 0;

-- Blocks and lifts, none of which is ever changed: a lift names the blocks that it had seen, so that one that is set meanwhile, or
-- elsewhere, holds (E5).
CREATE TABLE block_set (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    since TEXT NOT NULL,
    set_by TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX block_set_extension ON block_set (extension);
CREATE TABLE lift (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    at TEXT NOT NULL,
    seen TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lifted (
    block TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO block_set SELECT lower(hex(randomblob(12))), extension, since, set_by, why FROM block;
DROP TABLE block;
-- Who is blocked: the first of those of their blocks that nobody has lifted.
CREATE VIEW block AS
SELECT extension, min(since) AS since, set_by, why FROM block_set WHERE id NOT IN (SELECT block FROM lifted) GROUP BY extension;

-- By which stamp an item stands that goes both ways, and whose it is; and, of what was set here and is not in the feed yet, by which row
-- of the outbox, and in which answer of the hub (`acknowledged`) that was first said to be held.
CREATE TABLE stamped (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    stamp TEXT NOT NULL,
    by TEXT NOT NULL,
    epoch TEXT,
    number INTEGER,
    acknowledged INTEGER,
    PRIMARY KEY (kind, id),
    CHECK ((epoch IS NULL) = (number IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX stamped_pending ON stamped (epoch, number) WHERE number IS NOT NULL;

-- What was set here, and is not what stands: kept until somebody has looked, or brought it back.
CREATE TABLE overruled (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    row TEXT,
    stamp TEXT NOT NULL,
    over_row TEXT,
    over_stamp TEXT NOT NULL,
    over_by TEXT NOT NULL,
    undone_at TEXT,
    undone_by TEXT
) STRICT;

-- What came from the hub, newest last, for whoever keeps answers in memory: of whom.
CREATE TABLE taken_in (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL
) STRICT;

-- One row, once the unit has a hub: since when records are told, and how many answers of the hub were taken.
CREATE TABLE uplink (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since TEXT NOT NULL,
    answers INTEGER NOT NULL DEFAULT 0,
    queued_record INTEGER NOT NULL DEFAULT 0
) STRICT;
