-- Those who leave (E5): their list is open until it is ended. `unit` and `extensions` are as they were when it began.
CREATE TABLE leaver (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    extensions TEXT NOT NULL,
    last_day TEXT,
    began_at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    blocked_at TEXT,
    ended_at TEXT,
    ended_by TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX leaver_person ON leaver (person) WHERE ended_at IS NULL;

-- What nobody sees but who has done it.
CREATE TABLE leaver_tick (
    leaver TEXT NOT NULL REFERENCES leaver (id) ON DELETE CASCADE,
    item TEXT NOT NULL CHECK (item IN ('returned', 'wiped', 'told')),
    at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (leaver, item)
) STRICT, WITHOUT ROWID;

-- What somebody has reported as out of order (F4), also in an outage. It stays until somebody answers it.
CREATE TABLE fault_report (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    extension TEXT,
    reporter TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('code', 'page', 'command')),
    what TEXT NOT NULL CHECK (what IN ('no_calls', 'sound', 'outside', 'phone', 'other')),
    text TEXT NOT NULL,
    mode TEXT NOT NULL,
    incident INTEGER,
    answered_at TEXT,
    answered_by TEXT,
    answer TEXT,
    CHECK ((answered_at IS NULL) = (answered_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX fault_report_at ON fault_report (at);
