-- As argon2id makes it (callcontrol/plan/pins.py). PINs from before cannot be made so, and are given anew.
DROP TABLE pin;

CREATE TABLE pin (
    extension TEXT PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;
