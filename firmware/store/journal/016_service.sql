-- What the key of a reception has set over its hours; who is not here goes by them. Each change has its row in outbox, made in the
-- same transaction, as have those of the other table.
CREATE TABLE service_key (
    entity TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'lunch', 'night')),
    set_at TEXT NOT NULL,
    until TEXT,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A department that is referred whole for a time (B3). Never changed but to be ended.
CREATE TABLE department_referral (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    reason TEXT NOT NULL,
    start TEXT NOT NULL,
    until TEXT,
    emergency_number TEXT,
    information TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX department_referral_set_at ON department_referral (set_at) WHERE ended_at IS NULL;
