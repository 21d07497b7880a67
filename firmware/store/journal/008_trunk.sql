-- A call may have gone by a modem.
CREATE TABLE record_new (
    id INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL,
    from_tag TEXT NOT NULL,
    to_tag TEXT NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    began_at TEXT NOT NULL,
    answered_at TEXT,
    ended_at TEXT,
    way TEXT NOT NULL CHECK (way IN ('local', 'platform', 'gateway', 'modem', 'none')),
    outcome TEXT NOT NULL CHECK (outcome IN (
        'answered', 'busy', 'no_answer', 'unknown_number', 'not_registered', 'cancelled', 'refused', 'failed'
    )),
    sip_code INTEGER NOT NULL,
    emergency INTEGER NOT NULL CHECK (emergency IN (0, 1)),
    time_certain INTEGER NOT NULL CHECK (time_certain IN (0, 1)),
    UNIQUE (call_id, from_tag)
) STRICT;

INSERT INTO record_new SELECT * FROM record;
DROP TABLE record;
ALTER TABLE record_new RENAME TO record;
CREATE INDEX record_to_tag ON record (call_id, to_tag);
CREATE INDEX record_began_at ON record (began_at);
CREATE INDEX record_up ON record (began_at) WHERE outcome = 'answered' AND ended_at IS NULL;

-- What happened to a call to 112 by modem, or to one that came back of it: each step with its time (callcontrol/trunk/steps.py). Kept 30 days.
-- `call` is the Call-ID of its record; `modem` is empty before one is chosen.
CREATE TABLE emergency_step (
    id INTEGER PRIMARY KEY,
    call TEXT NOT NULL,
    at TEXT NOT NULL,
    step TEXT NOT NULL,
    modem TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX emergency_step_at ON emergency_step (at);

-- Ordinary calls by a modem in one day (local time), of which it may have so many minutes.
CREATE TABLE modem_day (
    modem TEXT NOT NULL,
    day TEXT NOT NULL,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    PRIMARY KEY (modem, day)
) STRICT, WITHOUT ROWID;

-- What was last tried of a way out, for its readiness card: of this SIM (a hash of its IMSI) in this modem with this operator. Another of any
-- of them is another way out, of which nothing is proved.
CREATE TABLE proof (
    sim TEXT NOT NULL,
    modem TEXT NOT NULL,
    model TEXT NOT NULL,
    operator TEXT NOT NULL,
    what TEXT NOT NULL,
    at TEXT NOT NULL,
    good INTEGER NOT NULL CHECK (good IN (0, 1)),
    detail TEXT NOT NULL,
    PRIMARY KEY (sim, modem, model, operator, what)
) STRICT, WITHOUT ROWID;

-- The strength of a modem's signal in one hour (UTC), dBm. Kept 30 days.
CREATE TABLE signal (
    modem TEXT NOT NULL,
    hour TEXT NOT NULL,
    least INTEGER NOT NULL,
    most INTEGER NOT NULL,
    PRIMARY KEY (modem, hour)
) STRICT, WITHOUT ROWID;
