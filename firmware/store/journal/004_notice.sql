-- What somebody is to be told of (B3, C5, F2), once and then ever more seldom while it lasts; each telling has its row in outbox,
-- made in the same transaction. `key` is what it is, of whom, to whom.
CREATE TABLE notice (
    key TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    recipient TEXT NOT NULL,
    words TEXT NOT NULL,
    fill TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    told_at TEXT NOT NULL,
    told INTEGER NOT NULL CHECK (told > 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_told_at ON notice (told_at);
