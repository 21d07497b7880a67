"""Bindings kept over a power cut: whole, fresh enough to ring, and never in the way of a start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from firmware.bindings import keep_bindings, restore_bindings

SCHEMA = "CREATE TABLE location (id INTEGER PRIMARY KEY, ruid TEXT UNIQUE, username TEXT, expires REAL)"
REGISTER_S = 60


def bindings(file: Path, *names: str, schema: str = SCHEMA) -> Path:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(schema)
        db.executemany("INSERT INTO location VALUES (?, ?, ?, 2460000.5)", [(n, f"r{n}", n) for n in names])
        db.commit()
    return file


def restored(kept: Path) -> list[tuple[str, float]]:
    """Username and seconds left."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(SCHEMA)
        restore_bindings(db, kept, REGISTER_S)
        return db.execute("SELECT username, (expires - julianday('now')) * 86400 FROM location").fetchall()


def test_a_power_cut_forgets_no_phone(tmp_path: Path) -> None:
    kept = tmp_path / "kept.db"
    keep_bindings(bindings(tmp_path / "running.db", "1001", "1002"), kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    names, left = zip(*restored(kept), strict=True)
    assert names == ("1001", "1002")
    assert all(REGISTER_S - 5 < seconds <= REGISTER_S + 1 for seconds in left)


def test_what_is_kept_is_the_last_whole_copy(tmp_path: Path) -> None:
    kept, running = tmp_path / "kept.db", bindings(tmp_path / "running.db", "1001")
    keep_bindings(running, kept)
    with pytest.raises(sqlite3.Error):
        keep_bindings(tmp_path / "gone.db", kept)
    kept.with_suffix(".part").write_bytes(b"cut")
    assert [name for name, _ in restored(kept)] == ["1001"]
    keep_bindings(running, kept)
    assert [name for name, _ in restored(kept)] == ["1001"]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\0" * 4000])
def test_what_cannot_be_read_is_no_hindrance(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "kept.db"
    kept.write_bytes(content)
    assert restored(kept) == []
    assert restored(tmp_path / "none.db") == []


def test_another_kamailios_form_is_left_out(tmp_path: Path) -> None:
    schema = SCHEMA.replace("username", "user")
    assert restored(bindings(tmp_path / "kept.db", "1001", schema=schema)) == []
