-- How far the hub's feed was followed. `epoch`: of the journal.db that was there (what came both ways is in that file); `kinds`: those that
-- this program knew. `people`: as many as there were when that was last found right; `gone`: people whose removal is held, as they are too
-- many, until somebody allows it.
CREATE TABLE feed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    hub TEXT NOT NULL,
    cursor TEXT,
    epoch TEXT NOT NULL,
    kinds TEXT NOT NULL,
    people INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    allowed INTEGER NOT NULL CHECK (allowed IN (0, 1)),
    whole_at TEXT,
    heard_at TEXT NOT NULL
) STRICT;

-- What the hub said and could not be taken in yet: `row` NULL is a removal. Tried again with all that comes after.
CREATE TABLE aside (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    row TEXT,
    why TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
