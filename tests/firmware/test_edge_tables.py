"""A file of the edge's tables that an older version made gets what it lacks, and nothing more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from firmware.edge import TABLES, _make_missing

SCRIPT = """
CREATE TABLE htable (key_name VARCHAR(64));
INSERT INTO version (table_name) values ('htable');
"""


def test_what_is_missing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "tables.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(
            "CREATE TABLE version (table_name); CREATE TABLE st (key_name); INSERT INTO st VALUES ('mode')"
        )

    _make_missing(file, SCRIPT)
    _make_missing(file, SCRIPT)

    with closing(sqlite3.connect(file)) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        assert names == {"version", *TABLES}
        assert db.execute("SELECT key_name FROM st").fetchall() == [("mode",)]


def test_a_file_that_cannot_be_read_is_left(tmp_path: Path) -> None:
    file = tmp_path / "tables.db"
    file.write_bytes(b"no database" * 100)

    _make_missing(file, SCRIPT)

    assert file.read_bytes() == b"no database" * 100
