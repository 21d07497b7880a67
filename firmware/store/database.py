"""One SQLite file: opened, checked, brought to today's schema, and written in transactions that wait for their turn."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self, TypeVar

__all__ = ["NewerSchema", "OfJournal", "StoreError", "connect", "from_text", "migrations", "to_text", "transact"]

BUSY_WAIT_MS = 1_000
"""How long SQLite itself waits for another process's transaction, looking again ever less often."""

BACK_OFF_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Pauses between further tries, each lengthened by chance, so that two writers do not meet again and again."""

_MIGRATION = re.compile(r"([0-9]{3})_[a-z0-9_]+\.sql")

T = TypeVar("T")


class StoreError(Exception):
    """The store cannot be used; the text says which file, why, and what to do."""


class NewerSchema(StoreError):
    """The file was written by a newer version of this program."""


def connect(path: Path, schema: str, folder: Traversable | None = None) -> sqlite3.Connection:
    """Open ``path``, made with mode 0600 when absent, checked, and migrated to the newest schema.

    ``schema`` names the folder of numbered SQL files beside this module; ``folder`` is another place for them.
    Raises StoreError when the file is damaged or no database, NewerSchema when it is not ours to touch.
    A connection belongs to the thread that opened it.
    """
    try:
        _make_own(path)
        connection = sqlite3.connect(path, timeout=BUSY_WAIT_MS / 1000, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be opened: {error}") from error
    try:
        _prepare(connection, path, migrations(folder or files("firmware.store") / schema))
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: {error}; move the file away, or restore it from a backup") from error
        raise
    return connection


def _make_own(path: Path) -> None:
    """Nobody else's to read, before the first byte: SQLite gives its -wal and -shm files the mode of the database.

    A file that is there is not opened here: closing it again would take from this process the locks that another of its
    connections has on it (POSIX), and whoever closes theirs next would take the log away under it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise
        path.chmod(0o600)


def migrations(folder: Traversable) -> list[str]:
    """Give the SQL of 001_*.sql, 002_*.sql, … in order; a gap or a double number is a bug of ours."""
    found = sorted((entry for entry in folder.iterdir() if _MIGRATION.fullmatch(entry.name)), key=lambda one: one.name)
    if [entry.name[:3] for entry in found] != [f"{number:03}" for number in range(1, len(found) + 1)] or not found:
        raise AssertionError(f"{folder}: not numbered from 001 without gap: {[entry.name for entry in found]}")
    return [entry.read_text("utf-8") for entry in found]


def transact(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
    """Do ``work`` in one transaction and give its result once that is on the disk; on any exception nothing is done.

    Every write goes through here. The lock is taken first (BEGIN IMMEDIATE), so ``work`` runs once and what it reads
    is not stale. Waits for other processes, at most about eight seconds, then raises sqlite3.OperationalError.
    """
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        result = work()
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise
    return result


def to_text(moment: datetime) -> str:
    """Give an aware time as ISO 8601 in UTC, to the microsecond: text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _patiently(attempt: Callable[[], object]) -> None:
    for pause_s in BACK_OFF_S:
        try:
            attempt()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(pause_s * random.uniform(1, 2))  # noqa: S311  chance, not secrecy
    attempt()


def _prepare(connection: sqlite3.Connection, path: Path, scripts: list[str]) -> None:
    # Before anything is written: a newer file must be left as it is.
    known = _schema(connection, path, len(scripts))
    _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise StoreError(f"{path}: damaged ({finding}); move the file away, or restore it from a backup")
    # Whoever only opens a file of today's schema takes no lock that a writer waits for.
    for number, script in list(enumerate(scripts, start=1))[known:]:
        transact(connection, partial(_migrate, connection, path, number, script, len(scripts)))


def _migrate(connection: sqlite3.Connection, path: Path, number: int, script: str, newest: int) -> None:
    """Bring the schema from ``number - 1`` to ``number``, unless another process has just done it."""
    if _schema(connection, path, newest) >= number:
        return
    for statement in _statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {number}")


def _schema(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    number = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if number > newest:
        raise NewerSchema(
            f"{path}: written by a newer version (schema {number}; this one knows {newest}):"
            " install that version again, or move the file away"
        )
    return number


def _statements(script: str) -> Iterator[str]:
    """Split SQL into statements. ``executescript`` would commit the transaction before it began."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise AssertionError(f"unfinished SQL: {statement.strip()[:80]}")


class OfJournal:
    """A connection to ``journal.db``, of the thread that opened it, for those who read and write there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file; raises StoreError."""
        return cls(connect(path, "journal"))

    def close(self) -> None:
        self._db.close()
