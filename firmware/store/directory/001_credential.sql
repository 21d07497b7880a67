-- Who may register in survival, by which of the four credential modes. A learnt binding (4) has no secret.
CREATE TABLE credential (
    extension TEXT PRIMARY KEY,
    mode INTEGER NOT NULL CHECK (mode BETWEEN 1 AND 4),
    ha1_md5 TEXT CHECK (length(ha1_md5) = 32),
    ha1_sha256 TEXT CHECK (length(ha1_sha256) = 64),
    realm TEXT NOT NULL,
    user TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    CHECK ((mode = 4) = (ha1_md5 IS NULL AND ha1_sha256 IS NULL))
) STRICT, WITHOUT ROWID;
