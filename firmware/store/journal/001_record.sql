-- One call. Times are ISO 8601 in UTC, all of one length, so that text order is time order.
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL,
    from_tag TEXT NOT NULL,
    to_tag TEXT NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    began_at TEXT NOT NULL,
    answered_at TEXT,
    ended_at TEXT,
    way TEXT NOT NULL CHECK (way IN ('local', 'platform', 'gateway', 'none')),
    outcome TEXT NOT NULL CHECK (outcome IN (
        'answered', 'busy', 'no_answer', 'unknown_number', 'not_registered', 'cancelled', 'refused', 'failed'
    )),
    sip_code INTEGER NOT NULL,
    emergency INTEGER NOT NULL CHECK (emergency IN (0, 1)),
    time_certain INTEGER NOT NULL CHECK (time_certain IN (0, 1)),
    UNIQUE (call_id, from_tag)
) STRICT;

CREATE INDEX record_to_tag ON record (call_id, to_tag);
CREATE INDEX record_began_at ON record (began_at);

-- How far each of the edge's files is folded into record. One inode is one file, whatever its name.
CREATE TABLE fold (
    file TEXT PRIMARY KEY,
    inode INTEGER NOT NULL,
    offset INTEGER NOT NULL CHECK (offset >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    cause TEXT NOT NULL,
    mode TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
