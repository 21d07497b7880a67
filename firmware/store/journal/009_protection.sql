-- Protected telephony (A13): a phone that is to go on working without mains, as a unit has ordered it. What ended is told in the outbox.
-- `port`: of the switch, "GROUP.PORT", empty where not known. `minutes`: for how long it was promised; 0: nothing was.
CREATE TABLE protection (
    extension TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    applicant TEXT NOT NULL,
    cost_centre TEXT NOT NULL,
    port TEXT NOT NULL,
    minutes INTEGER NOT NULL CHECK (minutes >= 0),
    ordered_at TEXT NOT NULL,
    set_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
