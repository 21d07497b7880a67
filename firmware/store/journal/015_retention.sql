-- How long the archive authority of a municipality has decided that a kind of thing is kept (E4). What has no row here, and what has no
-- `days`, is kept until something is decided. `by_owner`: whom it is to may delete it as soon as it is of no more use.
CREATE TABLE retention (
    municipality TEXT NOT NULL,
    kind TEXT NOT NULL,
    days INTEGER CHECK (days > 0),
    by_owner INTEGER NOT NULL CHECK (by_owner IN (0, 1)),
    decision TEXT NOT NULL CHECK (decision <> ''),
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (municipality, kind)
) STRICT, WITHOUT ROWID;

-- What was deleted, by which decision: never what it said, nor whose it was. Written with the deletion, by one transaction.
CREATE TABLE deletion (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    municipality TEXT NOT NULL,
    decision TEXT NOT NULL,
    items INTEGER NOT NULL CHECK (items > 0),
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    deleted_by TEXT NOT NULL
) STRICT;
