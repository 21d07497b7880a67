-- Looks of discharges that are not over: what a process, or a machine, that ends in one leaves for the next. `boot`: of
-- the kernel whose monotonic clock `at_s` is. `said`: the rest of the look (JSON, firmware/power/interrupted.py).
CREATE TABLE power_look (
    name TEXT NOT NULL,
    boot TEXT NOT NULL,
    at_s REAL NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (name, boot, at_s)
) STRICT, WITHOUT ROWID;

-- What each battery was learnt to hold, Wh at its power of reference, at each discharge that taught it.
CREATE TABLE power_capacity (
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    wh REAL NOT NULL CHECK (wh > 0),
    PRIMARY KEY (name, at)
) STRICT, WITHOUT ROWID;
