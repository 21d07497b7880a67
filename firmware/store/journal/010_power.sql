-- Power, once a minute: 48 hours are kept.
CREATE TABLE power_minute (
    at TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    mains TEXT NOT NULL CHECK (mains IN ('on', 'lost', 'unknown')),
    volts REAL,
    watts REAL,
    charge_percent REAL,
    minutes REAL,
    likely REAL
) STRICT, WITHOUT ROWID;

-- What happened, and why: a state, a load shed or back, a halt, a source that is not believed. The newest 2,000 are kept.
CREATE TABLE power_event (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- A time without mains. `time_certain` 0: it began before the unit knew what time it was.
CREATE TABLE power_outage (
    id INTEGER PRIMARY KEY,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    time_certain INTEGER NOT NULL CHECK (time_certain IN (0, 1))
) STRICT;

-- What is shed now, and what is to be written to have it back (JSON).
CREATE TABLE power_shed (
    name TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the discharges of a battery have taught (JSON, firmware/power/battery.py).
CREATE TABLE power_battery (
    name TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    learnt TEXT NOT NULL
) STRICT, WITHOUT ROWID;
