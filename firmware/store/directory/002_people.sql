-- The municipality as the platform or a kept import file gave it. Ids are theirs. Lists and maps are JSON; hours are text
-- (callcontrol.plan.schedule).
CREATE TABLE municipality (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a municipality has chosen where the policies differ (callcontrol.plan.model.Choices); what is not here is the default.
CREATE TABLE choice (
    municipality TEXT NOT NULL REFERENCES municipality (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (municipality, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE entity (
    id TEXT PRIMARY KEY,
    municipality TEXT NOT NULL REFERENCES municipality (id),
    name TEXT NOT NULL,
    greeting TEXT NOT NULL,
    main_number TEXT,
    reception TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE entity_number (
    number TEXT PRIMARY KEY,
    entity TEXT NOT NULL REFERENCES entity (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE unit (
    id TEXT PRIMARY KEY,
    entity TEXT NOT NULL REFERENCES entity (id),
    parent TEXT,
    name TEXT NOT NULL,
    cost_centre TEXT NOT NULL,
    secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
    identity TEXT CHECK (identity IN ('direct', 'main', 'withheld')),
    telephony_contact TEXT,
    attended_by TEXT,
    unstaffed INTEGER NOT NULL CHECK (unstaffed IN (0, 1)),
    emergency_number TEXT,
    on_call TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    given TEXT NOT NULL,
    family TEXT NOT NULL,
    unit TEXT NOT NULL REFERENCES unit (id),
    title TEXT NOT NULL,
    cost_centre TEXT NOT NULL,
    duties TEXT NOT NULL,
    search_words TEXT NOT NULL,
    location TEXT NOT NULL,
    email TEXT,
    sms TEXT,
    mobile TEXT,
    deputy TEXT,
    phone_hours TEXT,
    protected INTEGER NOT NULL CHECK (protected IN (0, 1)),
    visibility TEXT NOT NULL
) STRICT;

CREATE INDEX person_unit ON person (unit);
CREATE INDEX person_mobile ON person (mobile) WHERE mobile IS NOT NULL;

-- Which categories of numbers a class of reach opens (callcontrol.plan.reach).
CREATE TABLE reach_class (
    name TEXT PRIMARY KEY,
    open TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE extension (
    number TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN (
        'person', 'group', 'hunt', 'attended', 'on_call', 'office', 'reception', 'announcement', 'mobile'
    )),
    unit TEXT NOT NULL REFERENCES unit (id),
    person TEXT REFERENCES person (id),
    reach TEXT NOT NULL,
    identity TEXT NOT NULL CHECK (identity IN ('direct', 'main', 'withheld')),
    direct_number TEXT,
    mobile TEXT,
    mobile_twin TEXT,
    hours TEXT,
    fallback TEXT,
    voicemail INTEGER NOT NULL CHECK (voicemail IN (0, 1)),
    announcement TEXT,
    distribution TEXT CHECK (distribution IN ('all', 'in_turn', 'longest_idle')),
    CHECK ((kind = 'hunt') = (distribution IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX extension_direct_number ON extension (direct_number) WHERE direct_number IS NOT NULL;
CREATE INDEX extension_person ON extension (person) WHERE person IS NOT NULL;
CREATE INDEX extension_mobile ON extension (mobile) WHERE mobile IS NOT NULL;

CREATE TABLE member (
    hunt TEXT NOT NULL REFERENCES extension (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    extension TEXT NOT NULL,
    PRIMARY KEY (hunt, place)
) STRICT, WITHOUT ROWID;

-- The site's reasons for absence (callcontrol.plan.absence.Reason); none for a municipality: the ready table.
CREATE TABLE reason (
    municipality TEXT NOT NULL REFERENCES municipality (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (municipality, key)
) STRICT, WITHOUT ROWID;

-- What somebody may do, and for which part of the organisation; scope is a municipality, entity or unit, or '*'.
CREATE TABLE role (
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    PRIMARY KEY (person, role, scope)
) STRICT, WITHOUT ROWID;

-- One row: when this was loaded, from what, and how many people it had. A much smaller one is questioned.
CREATE TABLE loaded (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    people INTEGER NOT NULL
) STRICT;
