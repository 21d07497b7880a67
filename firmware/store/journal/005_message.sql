-- What a caller has left: the sound is messages/ID.wav under state_dir. The row is made when a recording begins; it has its length, and its row
-- in outbox, by one transaction, once the sound is on the disk. `call_id` is that of the call's record; what is not known is "".
CREATE TABLE message (
    id TEXT PRIMARY KEY,
    extension TEXT NOT NULL,
    caller TEXT NOT NULL,
    call_id TEXT NOT NULL,
    why TEXT NOT NULL,
    left_at TEXT NOT NULL,
    length_ms INTEGER CHECK (length_ms > 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_call ON message (call_id);
