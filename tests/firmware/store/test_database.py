"""A database file is opened whole, brought to today's schema in one step each, or refused untouched."""

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from firmware.store.database import NewerSchema, StoreError, connect, migrations, transact

FIRST = "CREATE TABLE one (a TEXT) STRICT;\nINSERT INTO one VALUES ('semi;colon'); -- a remark\n"
SECOND = "ALTER TABLE one ADD COLUMN b INTEGER;\nCREATE TABLE two (c TEXT) STRICT;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "001_one.sql").write_text(FIRST)
    return folder


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_made_for_its_owner_alone_and_as_safe_as_sqlite_can(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    before = os.umask(0)
    try:
        connection = connect(path, "", folder)
    finally:
        os.umask(before)
    transact(connection, lambda: connection.execute("INSERT INTO one VALUES ('x')"))
    for name in ("a.db", "a.db-wal", "a.db-shm"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    path.touch(0o644)
    connect(path, "", folder).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_old_schema_is_migrated_and_keeps_its_rows(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    connect(path, "", folder).close()
    (folder / "002_two.sql").write_text(SECOND)
    connection = connect(path, "", folder)
    assert connection.execute("SELECT a, b FROM one").fetchall() == [("semi;colon", None)]
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    connection.close()


def test_a_migration_that_fails_in_the_middle_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    connect(path, "", folder).close()
    (folder / "002_two.sql").write_text(SECOND + "INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError, match="nowhere"):
        connect(path, "", folder)
    (folder / "002_two.sql").unlink()
    connection = connect(path, "", folder)
    assert columns(connection, "one") == ["a"]
    assert columns(connection, "two") == []
    connection.close()


def test_a_newer_schema_is_refused_and_not_touched(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 7")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match=r"schema 7; this one knows 1\).*move the file away"):
        connect(path, "", folder)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.db", "schema"]


@pytest.mark.parametrize("content", [b"no database at all\n" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_what_is_no_database_is_refused(tmp_path: Path, folder: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.db: .*move the file away"):
        connect(path, "", folder)
    assert path.read_bytes() == content


def test_a_damaged_page_is_found(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.db"
    connection = connect(path, "", folder)
    rows = [("x" * 500,)] * 500
    transact(connection, lambda: connection.executemany("INSERT INTO one VALUES (?)", rows))
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.db: .*(damaged|malformed)"):
        connect(path, "", folder)


@pytest.mark.parametrize("name", ["a folder", "missing/a.db", "link"])
def test_what_cannot_be_opened_is_said(tmp_path: Path, folder: Path, name: str) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be opened"):
        connect(tmp_path / name, "", folder)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("names", [["002_b.sql"], ["001_a.sql", "003_c.sql"], ["001_a.sql", "001_b.sql"], []])
def test_scripts_are_numbered_without_gap(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text(FIRST)
    with pytest.raises(AssertionError, match="numbered"):
        migrations(tmp_path)


def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    connection = connect(tmp_path / "a.db", "", folder)

    def work() -> None:
        connection.execute("DELETE FROM one")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transact(connection, work)
    assert connection.execute("SELECT count(*) FROM one").fetchone()[0] == 1
    connection.close()


def test_a_writer_waits_for_another(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.store.database.BUSY_WAIT_MS", 1)
    holder = connect(tmp_path / "a.db", "", folder)
    connection = connect(tmp_path / "a.db", "", folder)
    holder.execute("BEGIN IMMEDIATE")
    released = threading.Event()

    def sleep(seconds: float) -> None:
        if not released.is_set():
            released.set()
            holder.execute("COMMIT")

    monkeypatch.setattr("firmware.store.database.time.sleep", sleep)
    transact(connection, lambda: connection.execute("INSERT INTO one VALUES ('y')"))
    assert released.is_set()
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        transact(connection, lambda: None)
    holder.close()
    connection.close()


def _open_and_write(path: Path, folder: Path, count: int) -> None:
    connection = connect(path, "", folder)
    for _ in range(count):
        transact(connection, lambda: connection.execute("INSERT INTO one (a) VALUES ('y')"))
    connection.close()


def test_processes_open_and_write_at_once(tmp_path: Path, folder: Path) -> None:
    (folder / "002_two.sql").write_text(SECOND)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_open_and_write, args=(tmp_path / "a.db", folder, 20)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    connection = connect(tmp_path / "a.db", "", folder)
    assert connection.execute("SELECT count(*) FROM one").fetchone()[0] == 81
    connection.close()


def test_a_second_connection_of_one_process_takes_no_lock_from_the_first(tmp_path: Path) -> None:
    """Else another process that closes the file last takes the log away under both."""
    path = tmp_path / "journal.db"
    first = connect(path, "journal")
    second = connect(path, "journal")
    script = f"import sqlite3; db = sqlite3.connect({str(path)!r}); db.execute('SELECT 1 FROM record'); db.close()"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)

    assert path.with_name("journal.db-wal").exists()
    first.close()
    second.close()
