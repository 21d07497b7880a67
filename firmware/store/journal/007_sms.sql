-- Short messages. Times are ISO 8601 in UTC, as in record. Nothing here is deleted: that is the authority's to decide.

-- One to be sent. `id` says what it is of and to whom, so that one thing is told somebody once. `reply_to`: the extension to whose
-- person answers go. `concatenation`: the reference that its parts have in common.
CREATE TABLE sms (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('alarm', 'receipt', 'notice', 'message', 'test')),
    priority INTEGER NOT NULL,
    number TEXT NOT NULL,
    text TEXT NOT NULL,
    reply_to TEXT,
    set_by TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    valid_until TEXT NOT NULL,
    concatenation INTEGER NOT NULL CHECK (concatenation BETWEEN 0 AND 255),
    ore INTEGER NOT NULL,
    ended_at TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sms_number ON sms (number, queued_at);
CREATE INDEX sms_queued_at ON sms (queued_at);

-- Its parts; what may become of each: callcontrol.trunk.smsqueue. `doubts`: how often it was not known whether it went.
CREATE TABLE sms_part (
    sms TEXT NOT NULL REFERENCES sms (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 255),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'perhaps', 'sent', 'delivered', 'failed', 'unknown')),
    due_at TEXT NOT NULL,
    tries INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (sms, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sms_part_state ON sms_part (state);

-- Each time that a modem was given one, in order; written before the modem is asked. `reference` is TP-MR.
CREATE TABLE sms_try (
    id INTEGER PRIMARY KEY,
    sms TEXT NOT NULL,
    part INTEGER NOT NULL,
    modem TEXT NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('sending', 'taken', 'put_off', 'refused', 'doubtful', 'not_taken')),
    reference INTEGER,
    code INTEGER,
    FOREIGN KEY (sms, part) REFERENCES sms_part (sms, number)
) STRICT;

CREATE INDEX sms_try_part ON sms_try (sms, part);
CREATE INDEX sms_try_modem ON sms_try (modem, id);
CREATE INDEX sms_try_reference ON sms_try (modem, reference, id);
CREATE INDEX sms_try_outcome ON sms_try (outcome, modem);

-- Status reports, each once however often it comes; `part` is empty until it is known of which message it is.
CREATE TABLE sms_report (
    id INTEGER PRIMARY KEY,
    modem TEXT NOT NULL,
    reference INTEGER NOT NULL,
    number TEXT NOT NULL,
    centre_at TEXT NOT NULL,
    status INTEGER NOT NULL,
    fate TEXT NOT NULL,
    came_at TEXT NOT NULL,
    sms TEXT,
    part INTEGER,
    UNIQUE (modem, reference, number, centre_at, status)
) STRICT;

CREATE INDEX sms_report_open ON sms_report (came_at) WHERE sms IS NULL;

-- What came, as it came, before the modem forgets it; one that the centre sends twice is one. `whole`: the text that it is part of.
CREATE TABLE sms_pdu (
    id INTEGER PRIMARY KEY,
    modem TEXT NOT NULL,
    pdu BLOB NOT NULL UNIQUE,
    came_at TEXT NOT NULL,
    whole TEXT
) STRICT;

CREATE INDEX sms_pdu_open ON sms_pdu (id) WHERE whole IS NULL;

-- A text that came. `what`: command, reply, unclear, stranger, unread; `extension`: whose it is, or to whose person it is an answer.
CREATE TABLE sms_came (
    id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    came_at TEXT NOT NULL,
    what TEXT NOT NULL,
    extension TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sms_came_at ON sms_came (came_at);
