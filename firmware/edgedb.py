"""The edge's databases, read beside it without getting in its way.

In WAL mode SQLite keeps an index (`-shm`) beside the file while somebody has it open: whoever opens it first makes it.
Made by root it is closed to the edge's user until SQLite has given it away, and a Kamailio that starts in that moment
finds its tables unreadable and ends. So it is made with the rights of the file's owner from the beginning."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

__all__ = ["opened"]

_libc = ctypes.CDLL(None)


@contextlib.contextmanager
def opened(file: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """`file`, to be read; closed at the end. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=timeout_s)) as db:
        with _rights_of_owner(file):
            db.execute("SELECT 1 FROM sqlite_master").fetchone()  # what SQLite opens, it opens now
        yield db


@contextlib.contextmanager
def _rights_of_owner(file: Path) -> Iterator[None]:
    """This thread alone reaches files as the owner of `file` does (setfsuid(2)); as ever where we are not root."""
    if os.geteuid() != 0 or not file.exists():
        yield
        return
    owner = file.stat()
    try:
        _libc.setfsgid(owner.st_gid)
        _libc.setfsuid(owner.st_uid)
        yield
    finally:
        _libc.setfsuid(0)
        _libc.setfsgid(os.getegid())
