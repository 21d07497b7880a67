-- By what one of ours is led out from outside (callcontrol/trunk/pins.py); of extensions that are in the directory or will be.
CREATE TABLE pin (
    extension TEXT PRIMARY KEY,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
