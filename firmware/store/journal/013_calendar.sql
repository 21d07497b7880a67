-- The calendar that an extension's absences are read from. `url` is a secret: who has it reads somebody's calendar. `id` is new with
-- each address, so that what was read from the one before is never taken for it. `told`: what else was met there, as JSON.
CREATE TABLE calendar (
    extension TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL,
    next_at TEXT NOT NULL,
    tried_at TEXT,
    read_at TEXT,
    whole_at TEXT,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    digest TEXT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    fault TEXT NOT NULL,
    told TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX calendar_next_at ON calendar (next_at);

-- Which referral stands for what a calendar says; `key` is of all that it says, so that a changed entry is another.
CREATE TABLE calendar_entry (
    extension TEXT NOT NULL REFERENCES calendar (extension),
    key TEXT NOT NULL,
    referral TEXT NOT NULL UNIQUE,
    PRIMARY KEY (extension, key)
) STRICT, WITHOUT ROWID;
