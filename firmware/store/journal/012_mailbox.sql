-- What was done with a message by whom it is for. `heard_at`: listened to; `kept_at`: is to be kept; `discarded_at`: no more in the mailbox,
-- until the archive's table has it deleted (E4). Each change has its row in outbox.
ALTER TABLE message ADD COLUMN heard_at TEXT;
ALTER TABLE message ADD COLUMN kept_at TEXT;
ALTER TABLE message ADD COLUMN discarded_at TEXT;

CREATE INDEX message_extension ON message (extension, left_at);

-- What somebody says to who comes to their mailbox, in their own voice: the sound is greetings/ID.wav under state_dir, on the disk before its
-- row. A temporary one lies over the personal one until `until`, or until it is taken away.
CREATE TABLE greeting (
    extension TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('personal', 'temporary')),
    id TEXT NOT NULL UNIQUE,
    length_ms INTEGER NOT NULL CHECK (length_ms > 0),
    until TEXT CHECK (until IS NULL OR kind = 'temporary'),
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (extension, kind)
) STRICT, WITHOUT ROWID;

-- How a mailbox is to be; one that is not here takes messages, and mails what the site does.
CREATE TABLE mailbox (
    extension TEXT PRIMARY KEY,
    takes_messages INTEGER NOT NULL CHECK (takes_messages IN (0, 1)),
    mail TEXT NOT NULL CHECK (mail IN ('site', 'no', 'notice', 'sound')),
    set_at TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
