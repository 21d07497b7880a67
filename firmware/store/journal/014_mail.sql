-- Mail, and messages to people. Times are ISO 8601 in UTC. Nothing here is deleted: that is the authority's to decide.

-- A mail to be sent, to one address. `id` says what it is of and to whom, so that one thing is told somebody once. `attachment`: a file under
-- state_dir. `message_id` is the same at every try. What may become of it: firmware.mail.policy. `doubts`: how often it was not known whether it went.
CREATE TABLE mail (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('alarm', 'test', 'notice', 'memo', 'voicemail')),
    priority INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    attachment TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    set_by TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    valid_until TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'perhaps', 'sent', 'failed', 'unknown')),
    due_at TEXT NOT NULL,
    tries INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    why TEXT NOT NULL,
    ended_at TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX mail_state ON mail (state, due_at);
CREATE INDEX mail_queued_at ON mail (queued_at);
CREATE INDEX mail_recipient ON mail (recipient, ended_at);

-- Each time that the server was given one; written before it is asked. `answer`: its code and words.
CREATE TABLE mail_try (
    id INTEGER PRIMARY KEY,
    mail TEXT NOT NULL REFERENCES mail (id),
    began_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('sending', 'taken', 'put_off', 'refused', 'doubtful')),
    answer TEXT NOT NULL
) STRICT;

CREATE INDEX mail_try_mail ON mail_try (mail);
CREATE INDEX mail_try_sending ON mail_try (id) WHERE outcome = 'sending';

-- One row: since when the server cannot be used, and why; no row while it can.
CREATE TABLE mail_server (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since TEXT NOT NULL,
    last_at TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;

-- A message to a person, taken by somebody or left by a caller's choice (B11). What may become of it: callcontrol.plan.memo. Never changed but in
-- its state; `sent_by`: the way by which they were told. What is not known is "".
CREATE TABLE memo (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    caller TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    text TEXT NOT NULL,
    wants TEXT NOT NULL CHECK (wants IN ('call_back', 'calls_again', 'nothing')),
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    call_id TEXT NOT NULL,
    taken_by TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'sent', 'read', 'handled')),
    sent_by TEXT NOT NULL,
    sent_at TEXT,
    read_at TEXT,
    handled_at TEXT,
    handled_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX memo_extension ON memo (extension, taken_at);
CREATE INDEX memo_open ON memo (taken_at) WHERE state <> 'handled';
