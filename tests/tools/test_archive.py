"""``rvx archive``: listed, decided, found, exported, deleted; each look is written down first."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.store.messages import Message, MessageRows
from tools.errors import DONE, USAGE

Rvx = Callable[..., tuple[int, str, str]]
WHY = ("--why", "begäran")
OLD = datetime.now(UTC) - timedelta(days=100)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "messages"
    folder.mkdir(parents=True)
    with closing(MessageRows.open(tmp_path / "state" / "journal.db")) as rows:
        for name, extension in (("a", "1001"), ("b", "1002")):
            rows.left(Message(id=name, extension=extension, caller="=1+1", left_at=OLD, length_ms=1000))
            rows._db.execute("UPDATE message SET heard_at = left_at")
            (folder / f"{name}.wav").write_bytes(name.encode())


def looks(tmp_path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as db:
        return db.execute("SELECT kind, subject, field, why FROM look ORDER BY at").fetchall()


def test_listed_and_decided(rvx: Rvx) -> None:
    status, out, _ = rvx("archive", "list")
    assert status == DONE
    assert "all is kept" in out
    assert rvx("archive", "decide", "message", "--days", "90", "--decision", "KS 2026/1")[0] == DONE
    document = json.loads(rvx("archive", "list", "--json")[1])
    assert [one["due"] for one in document["kept"] if one["table"] == "message"] == [2]
    assert document["decided"][0]["decision"] == "KS 2026/1"
    assert "90 dagar / days" in rvx("archive", "list")[1]
    assert "RVX-R01" in rvx("archive", "decide", "sms", "--days", "9", "--decision", "x", "--municipality", "y")[2]
    assert "RVX-R02" in rvx("archive", "decide", "sms", "--days", "9", "--decision", " ")[2]


def test_found_by_extension_and_day(rvx: Rvx, tmp_path: Path) -> None:
    assert rvx("archive", "find", "--extension", "1001", *WHY)[1].endswith("1 found\n")
    assert rvx("archive", "find", "--since", "2099-01-01", *WHY)[1] == "0 found\n"
    assert rvx("archive", "find", "--until", "soon", *WHY)[0] == USAGE
    assert rvx("archive", "find", "--why", " ")[0] == USAGE
    assert looks(tmp_path)[0] == ("archive", "1001", "*", "begäran")


def test_exported_with_checksums_for_its_owner_alone(rvx: Rvx, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert rvx("archive", "export", str(target), "--kind", "message", *WHY)[0] == DONE
    listed = json.loads((target / "manifest.json").read_text("utf-8"))
    assert set(listed["sha256"]) == {"message.csv", "messages-a.wav", "messages-b.wav"}
    for name, known in listed["sha256"].items():
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == known
        assert (target / name).stat().st_mode & 0o777 == 0o600
    with (target / "message.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [(row["id"], row["caller"]) for row in rows] == [("a", "'=1+1"), ("b", "'=1+1")]  # no formula
    assert looks(tmp_path) == [("archive", "*", "message", "begäran")]
    assert "RVX-R03" in rvx("archive", "export", str(target), *WHY)[2]
    assert len(looks(tmp_path)) == 1


def test_deleted_by_decision_alone(rvx: Rvx, tmp_path: Path) -> None:
    assert rvx("archive", "delete")[1] == "0 deleted\n"
    rvx("archive", "decide", "message", "--days", "90", "--decision", "KS 2026/1")
    assert rvx("archive", "delete", "--dry-run")[1].endswith("2 would be deleted\n")
    assert rvx("archive", "delete", "--id", "a")[0] == USAGE
    one = ("archive", "delete", "--kind", "message", "--decision", "KS 2026/7", "--id")
    assert rvx(*one, "a")[1].endswith("1 deleted\n")
    assert "RVX-R04" in rvx(*one, "a")[2]
    assert rvx("archive", "delete", "--kind", "message")[1].endswith("1 deleted\n")
    assert not list((tmp_path / "state" / "messages").iterdir())
    log = json.loads(rvx("archive", "log", "--json")[1])["deletions"]
    assert [(row["decision"], row["items"]) for row in log] == [("KS 2026/1", 1), ("KS 2026/7", 1)]
    assert "KS 2026/7" in rvx("archive", "log")[1]
