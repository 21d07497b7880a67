-- Night and lunch service of an entity's reception (callcontrol.plan.service); an entity without a row is always open. `on_call` is
-- JSON: name, number and hours of each.
CREATE TABLE service (
    entity TEXT PRIMARY KEY REFERENCES entity (id) ON DELETE CASCADE,
    hours TEXT NOT NULL,
    lunch TEXT,
    night_to TEXT,
    lunch_to TEXT,
    night_text TEXT NOT NULL,
    lunch_text TEXT NOT NULL,
    on_call TEXT NOT NULL
) STRICT, WITHOUT ROWID;
