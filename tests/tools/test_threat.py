"""``rvx threat``: listed and exported, and each look is written down first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcontrol.media.pcm import FRAME_BYTES
from callcontrol.media.recorder import Disk, Recorder, read_recording
from firmware.store.threats import Threat, ThreatRows
from tools.errors import DONE, USAGE

Rvx = Callable[..., tuple[int, str, str]]
WHY = ("--why", "report")
SECOND = 50
LENGTHS: dict[str, int | None] = {"whole": 1000, "begun": None, "gone": 1000}


@pytest.fixture(autouse=True)
def marked(tmp_path: Path) -> None:
    """Four were: one is whole, one begun, the sound of one gone, of one there is none."""
    folder = tmp_path / "state" / "threats"
    folder.mkdir(parents=True)
    disk = Disk()
    with closing(ThreatRows.open(tmp_path / "state" / "journal.db")) as rows:
        for name in (*LENGTHS, "none"):
            threat = Threat(
                id=name, extension="1002", other="1001", call_id="c2", other_call_id="c1",
                marked_at=datetime(2026, 11, 22, 11, tzinfo=UTC), recorded=name != "none", length_ms=LENGTHS.get(name),
            )  # fmt: skip
            rows.mark(threat)
            rows.end(threat)
            if name in ("whole", "begun"):
                recorder = Recorder(folder / f"{name}.wav", disk)
                for _ in range(SECOND):
                    recorder.push(bytes(FRAME_BYTES))
                if name == "whole":
                    recorder.close()
    disk.close()


def looks(tmp_path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as db:
        return db.execute("SELECT kind, subject, field, why FROM look ORDER BY at").fetchall()


def test_listed(rvx: Rvx, tmp_path: Path) -> None:
    status, out, _ = rvx("threat", "list", *WHY)
    assert status == DONE
    assert "whole  2026-11-22 12:00  1002 by 1001  sound kept 1 s\n" in out
    assert out.endswith("4 threats marked\n")
    found = json.loads(rvx("threat", "list", "--json", *WHY)[1])["threats"]
    assert {one["id"]: one["sound"] for one in found} == {
        "whole": "kept", "begun": "begun", "gone": "gone", "none": "none",
    }  # fmt: skip
    assert looks(tmp_path) == [("threat", "*", "row", "report")] * 2


@pytest.mark.parametrize("name", ["whole", "begun"])
def test_exported(name: str, rvx: Rvx, tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    assert rvx("threat", "export", name, str(target), *WHY)[0] == DONE
    assert len(read_recording(target)) == SECOND * FRAME_BYTES
    assert target.stat().st_mode & 0o777 == 0o600
    assert looks(tmp_path) == [("threat", name, "sound", "report")]
    status, _, told = rvx("threat", "export", name, str(target), *WHY)
    assert (status, "RVX-K04" in told) == (USAGE, True), "what is there is not written over"


@pytest.mark.parametrize("name", ["gone", "none", "nobody", "../journal"])
def test_without_sound(name: str, rvx: Rvx, tmp_path: Path) -> None:
    status, _, told = rvx("threat", "export", name, str(tmp_path / "out.wav"), *WHY)
    assert (status, "RVX-M05" in told) == (USAGE, True)
    assert not (tmp_path / "out.wav").exists()
    assert len(looks(tmp_path)) == 1


@pytest.mark.parametrize("why", [(), ("--why", " ")])
def test_nothing_is_shown_without_a_reason(why: tuple[str, ...], rvx: Rvx, tmp_path: Path) -> None:
    status, out, _ = rvx("threat", "list", *why)
    assert (status, out, looks(tmp_path)) == (USAGE, "", [])
