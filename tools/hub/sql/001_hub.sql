-- One row. `generation`: a life of the hub, new at every restore. `position`: the last place in the feed that was given.
-- `floor`: tombstones up to there are gone, so that a cursor below it is not known. `stamp`: the highest that was given
-- or seen (hybrid logical clock). `names`: by which it is reached, JSON, the first one in what it tells people.
CREATE TABLE hub (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation TEXT NOT NULL,
    name TEXT NOT NULL,
    names TEXT NOT NULL,
    made_at TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    floor INTEGER NOT NULL CHECK (floor >= 0),
    stamp TEXT NOT NULL,
    backed_up_at TEXT
) STRICT;

-- `partition` is another one after each change of what the unit is to have. `shrunken`: the number of people that
-- somebody has said is right. `said`: what the unit said of itself in its last session, JSON. `ahead_ms`: its clock,
-- against ours.
CREATE TABLE unit (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    made_at TEXT NOT NULL,
    partition INTEGER NOT NULL,
    revoked_at TEXT,
    shrunken INTEGER,
    seen_at TEXT,
    address TEXT,
    position INTEGER NOT NULL DEFAULT 0,
    ahead_ms INTEGER,
    said TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

-- Whose people it has.
CREATE TABLE unit_scope (
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    municipality TEXT NOT NULL,
    PRIMARY KEY (unit, municipality)
) STRICT, WITHOUT ROWID;

-- Extensions that it serves, of the length of `first`; their credentials and PINs go there and nowhere else.
CREATE TABLE unit_serves (
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    PRIMARY KEY (unit, first),
    CHECK (length(first) = length(last) AND first <= last)
) STRICT, WITHOUT ROWID;

-- One-time codes, as hashes.
CREATE TABLE code (
    hash TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    made_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT, WITHOUT ROWID;

-- Wrong codes, passwords and links.
CREATE TABLE guess (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;

CREATE INDEX guess_at ON guess (what, at);

CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    made_at TEXT NOT NULL,
    not_after TEXT NOT NULL,
    revoked_at TEXT,
    why TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX certificate_unit ON certificate (unit);

-- A life of a unit's journal. `held`: all numbers up to there are here; `last`: the unit's own, as it said. `machine`
-- is a hash of the machine that it began on.
CREATE TABLE life (
    id INTEGER PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    epoch TEXT NOT NULL,
    machine TEXT NOT NULL,
    began_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    held INTEGER NOT NULL DEFAULT 0,
    backed_up INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0,
    session TEXT UNIQUE,
    forked_at TEXT,
    UNIQUE (unit, epoch)
) STRICT;

-- Numbers of a life that are here, or never will be, from and to.
CREATE TABLE span (
    life INTEGER NOT NULL REFERENCES life (id) ON DELETE CASCADE,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL CHECK (high >= low),
    PRIMARY KEY (life, low)
) STRICT, WITHOUT ROWID;

-- Of these, those that the unit has no more and that never came.
CREATE TABLE lost (
    life INTEGER NOT NULL REFERENCES life (id) ON DELETE CASCADE,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL CHECK (high >= low),
    PRIMARY KEY (life, low)
) STRICT, WITHOUT ROWID;

-- A row of a unit's outbox, as it came, in order of its coming. `content` is a hash of what makes two the same.
-- `refused`: why it has no effect.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    life INTEGER NOT NULL REFERENCES life (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    at TEXT NOT NULL,
    stamp TEXT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    content BLOB NOT NULL,
    sound TEXT,
    came_at TEXT NOT NULL,
    refused TEXT,
    UNIQUE (life, number)
) STRICT;

CREATE INDEX entry_refused ON entry (seq) WHERE refused IS NOT NULL;
CREATE INDEX entry_sound ON entry (sound) WHERE sound IS NOT NULL;

-- What is known by a name of its own: of several entries that tell of one thing the last one.
CREATE TABLE known (
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    id TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES entry (seq),
    PRIMARY KEY (kind, unit, id)
) STRICT, WITHOUT ROWID;

-- What the feed tells of. `row`: JSON, NULL where it is no more. `scope`: the municipality whose units have it, '*' all,
-- 'unit:ID' one alone. `extension`: whose it is, where it is an extension's. `served`: goes only to who serves that.
-- `digest`: of the row; `source`, `base`: which source gave it, and the digest of what that gave.
CREATE TABLE item (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    row TEXT,
    stamp TEXT,
    by TEXT,
    position INTEGER NOT NULL,
    scope TEXT NOT NULL,
    extension TEXT,
    served INTEGER NOT NULL CHECK (served IN (0, 1)),
    digest BLOB,
    source TEXT,
    base BLOB,
    at TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE UNIQUE INDEX item_position ON item (position);
CREATE INDEX item_extension ON item (extension) WHERE extension IS NOT NULL;
CREATE INDEX item_source ON item (source, kind) WHERE source IS NOT NULL;

-- What went out of a scope, for those who see that one alone.
CREATE TABLE departed (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- What a later stamp has overruled, until somebody undoes or dismisses that. `stamp`, `by`, `row` are of the loser.
CREATE TABLE overruled (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    row TEXT,
    stamp TEXT NOT NULL,
    by TEXT,
    winner TEXT NOT NULL,
    at TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT,
    UNIQUE (kind, item, stamp)
) STRICT;

-- Fields that units have changed and the hub has taken over; they lie over what a source says until that says otherwise.
-- `base`: what it said then, JSON.
CREATE TABLE taken_over (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    base TEXT NOT NULL,
    stamp TEXT NOT NULL,
    by TEXT NOT NULL,
    set_by TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (kind, id, field)
) STRICT, WITHOUT ROWID;

-- A source of people. `whole` 0: it was changed, and what it says is not told yet. `area_code`: of its numbers.
CREATE TABLE source (
    name TEXT PRIMARY KEY,
    area_code TEXT NOT NULL DEFAULT '',
    whole INTEGER NOT NULL CHECK (whole IN (0, 1)),
    loaded_at TEXT,
    people INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE sound (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    unit TEXT NOT NULL,
    came_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What somebody is to look at: a fork, two units with one identity, a clock, what was refused or lost.
CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    times INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    seen_at TEXT,
    seen_by TEXT,
    UNIQUE (kind, unit, subject)
) STRICT;

CREATE TABLE account (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('admin', 'reader')),
    password TEXT,
    made_at TEXT NOT NULL,
    ended_at TEXT
) STRICT, WITHOUT ROWID;

-- By which somebody gives their account a password, once; as a hash.
CREATE TABLE link (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE login (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    began_at TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what. Never changed.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- Configurations of a unit, signed as they go out.
CREATE TABLE config (
    unit TEXT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version > 0),
    text TEXT NOT NULL,
    signed BLOB NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    PRIMARY KEY (unit, version)
) STRICT, WITHOUT ROWID;
