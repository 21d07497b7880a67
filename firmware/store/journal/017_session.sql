-- Who is signed in at the pages, by the SHA-256 of what their browser holds. `kept`: on a device of their own.
CREATE TABLE session (
    hash TEXT PRIMARY KEY CHECK (length(hash) = 64),
    extension TEXT NOT NULL,
    began_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    kept INTEGER NOT NULL CHECK (kept IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX session_extension ON session (extension, seen_at);

-- A PIN that was changed here lies over the one of directory.db; as argon2id makes it (RFC 9106).
CREATE TABLE pin_change (
    extension TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Guesses of PINs that were not right, or whose judgement was cut; of an hour. `caller`: "" for all who show nothing.
CREATE TABLE pin_guess (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    caller TEXT NOT NULL,
    extension TEXT NOT NULL
) STRICT;

CREATE INDEX pin_guess_at ON pin_guess (at);
