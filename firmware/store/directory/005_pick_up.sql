-- Groups whose members may take each other's ringing calls; an extension is in one at the most.
CREATE TABLE pick_up (
    name TEXT PRIMARY KEY,
    entity TEXT NOT NULL REFERENCES entity (id),
    barge_in INTEGER NOT NULL CHECK (barge_in IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE pick_up_member (
    extension TEXT PRIMARY KEY,
    pick_up TEXT NOT NULL REFERENCES pick_up (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
