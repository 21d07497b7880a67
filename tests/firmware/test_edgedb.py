"""Reading the edge's databases disturbs neither the edge, which has no rights but its own, nor what it writes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware import edgedb

TIMES = 300
NOBODY = 65534
EDGE = f"""
import contextlib, sqlite3, sys
for _ in range({TIMES}):
    with contextlib.closing(sqlite3.connect(sys.argv[1], timeout=20)) as db:
        db.execute("INSERT INTO t VALUES (1)")
        db.commit()
"""


@pytest.fixture
def database() -> Iterator[Path]:
    """In WAL mode, of another user's where we are root; in a folder that this user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="rvx-edgedb-"))
    file = folder / "tables.db"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a)")
        db.commit()
    if os.geteuid() == 0:
        for path in (folder, file):
            os.chown(path, NOBODY, NOBODY)
    yield file
    shutil.rmtree(folder)


def test_whoever_opens_and_closes_it_meanwhile_is_not_disturbed(database: Path) -> None:
    rights = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    words = [*rights, "/usr/bin/python3" if rights else sys.executable, "-c", EDGE, str(database)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as edge:
        while edge.poll() is None:
            with edgedb.opened(database, 20) as db:
                db.execute("SELECT count(*) FROM t").fetchone()
        assert edge.stderr is not None
        assert (edge.returncode, edge.stderr.read()) == (0, "")
    with edgedb.opened(database, 20) as db:
        assert db.execute("SELECT count(*) FROM t").fetchone() == (TIMES,)


def test_our_own_rights_are_ours_again(database: Path) -> None:
    with edgedb.opened(database, 1), pytest.raises(sqlite3.OperationalError), edgedb.opened(database / "not", 1):
        pass
    own = database.with_name("own")
    own.touch()
    assert own.stat().st_uid == os.geteuid()
    assert own.stat().st_gid == os.getegid()


def test_it_is_only_read(database: Path) -> None:
    with edgedb.opened(database, 1) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("INSERT INTO t VALUES (1)")
