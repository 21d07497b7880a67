-- Itemised extracts that were made of somebody's calls (F3): who asked, why, and who made it. Written before it is shown.
CREATE TABLE extract (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    extension TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    why TEXT NOT NULL,
    made_by TEXT NOT NULL,
    whole INTEGER NOT NULL CHECK (whole IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX extract_extension ON extract (extension, at);
