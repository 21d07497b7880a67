-- Phones that whoever has them has locked, with their PIN: calls from them reach what is always open, and inside. What ended is told in
-- the outbox.
CREATE TABLE lock (
    extension TEXT PRIMARY KEY,
    since TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
