-- That a unit's reserve plan was read and found right (A9): by whom, and of which plan (SHA-256 of what it said).
CREATE TABLE reserve (
    unit TEXT NOT NULL,
    at TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    PRIMARY KEY (unit, at)
) STRICT, WITHOUT ROWID;
