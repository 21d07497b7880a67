"""The edge's bindings over a power cut. Kamailio keeps them in memory and a file also in memory (`Paths.run`),
as it writes each anew at each refresh; a copy is made now and then where it outlives the machine."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from firmware import edgedb

__all__ = ["keep_bindings", "restore_bindings", "written"]

TABLE = "location"
DAY_S = 86_400
TIMEOUT_S = 1.0


def keep_bindings(bindings: Path, kept: Path) -> None:
    """Copies the file of a running edge, whole or not at all. Raises sqlite3.Error, OSError."""
    part = kept.with_suffix(".part")
    part.unlink(missing_ok=True)
    with (
        edgedb.opened(bindings, TIMEOUT_S) as source,
        closing(sqlite3.connect(part)) as target,
    ):
        part.chmod(0o600)
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(kept)


def restore_bindings(db: sqlite3.Connection, kept: Path, register_s: int) -> None:
    """Puts what was kept into a new file of this Kamailio's own form; what cannot be read is left out, as phones tell
    it again.

    Each binding is given one period of registration from now: a phone that lives refreshes within it, and of one that
    does not nothing is lost.
    """
    if not kept.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True, timeout=TIMEOUT_S)) as old:
            columns = [str(row[1]) for row in old.execute(f"PRAGMA table_info({TABLE})")]
            rows = old.execute(f"SELECT * FROM {TABLE}").fetchall()  # noqa: S608  ours
        if columns == [str(row[1]) for row in db.execute(f"PRAGMA table_info({TABLE})")]:
            places = ", ".join("?" * len(columns))
            db.executemany(f"INSERT OR IGNORE INTO {TABLE} VALUES ({places})", rows)  # noqa: S608
            # usrloc's expiry is a Julian day; a clock that was wrong does not count.
            db.execute(f"UPDATE {TABLE} SET expires = julianday('now') + ?", (register_s / DAY_S,))  # noqa: S608
    except sqlite3.Error:
        db.rollback()


def written(file: Path) -> tuple[int, ...]:
    """What changes when SQLite writes to a file: sizes and times, of its log, too."""
    found: list[int] = []
    for part in (file, file.with_name(f"{file.name}-wal")):
        with suppress(FileNotFoundError):
            known = part.stat()
            found += (known.st_size, known.st_mtime_ns)
    return tuple(found)
