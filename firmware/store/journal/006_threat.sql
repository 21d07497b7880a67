-- A call that was marked as a threat, by whoever sat at `extension`; made when it is marked, with its row in outbox. `call_id` is that of the
-- record of this phone's half, `other_call_id` of the other's. Where it was recorded the sound is threats/ID.wav under state_dir; it has its
-- length when it is at its end.
CREATE TABLE threat (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    other TEXT NOT NULL,
    call_id TEXT NOT NULL,
    other_call_id TEXT NOT NULL,
    marked_at TEXT NOT NULL,
    recorded INTEGER NOT NULL CHECK (recorded IN (0, 1)),
    length_ms INTEGER CHECK (length_ms > 0)
) STRICT, WITHOUT ROWID;
