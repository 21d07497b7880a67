-- What is decided here of people and their extensions. Each row's change has its row in outbox, made in the same transaction.

-- A whole interval: reason and return belong together. Never changed but to be closed; a new one is a new row.
CREATE TABLE referral (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    reason TEXT NOT NULL,
    start TEXT NOT NULL,
    until TEXT,
    answers_instead TEXT NOT NULL,
    direct INTEGER NOT NULL CHECK (direct IN (0, 1)),
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    information TEXT NOT NULL,
    source TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL,
    every TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX referral_extension ON referral (extension, until);

-- A manual opening ends what it had seen: the ids, as JSON.
CREATE TABLE opening (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    at TEXT NOT NULL,
    seen TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX opening_extension ON opening (extension);

CREATE TABLE forwarding (
    extension TEXT NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN (
        'always', 'busy', 'no_answer', 'not_reachable', 'follow_me', 'do_not_disturb'
    )),
    target TEXT,
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (extension, condition),
    CHECK ((condition = 'do_not_disturb') = (target IS NULL))
) STRICT, WITHOUT ROWID;

-- Holds until it is lifted, from whichever side (E5).
CREATE TABLE block (
    extension TEXT PRIMARY KEY,
    since TEXT NOT NULL,
    set_by TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is out of a hunt group; who is not here is in.
CREATE TABLE signed_out (
    hunt TEXT NOT NULL,
    extension TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (hunt, extension)
) STRICT, WITHOUT ROWID;

-- A field of a person, unit or extension that was changed here; lies over directory.db until the platform has it.
CREATE TABLE change (
    kind TEXT NOT NULL CHECK (kind IN ('person', 'unit', 'extension')),
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (kind, id, field)
) STRICT, WITHOUT ROWID;

-- Every look at what is secret (requirements.md, D4): who, at whose what, and why.
CREATE TABLE look (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    viewer TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    field TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;

-- One row: this life of the unit, new at every reflash or restore.
CREATE TABLE epoch (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    began_at TEXT NOT NULL
) STRICT;

-- What the platform has to hear, in order and without gap, by (epoch, number).
CREATE TABLE outbox (
    epoch TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (epoch, number)
) STRICT, WITHOUT ROWID;
