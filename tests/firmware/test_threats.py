"""A threat that was marked: its row and news at once, its sound to the end, mended where that was cut."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Call
from callcontrol.media.pcm import FRAME_BYTES
from callcontrol.media.recorder import read_recording
from firmware.paths import Paths
from firmware.store.threats import Threat, ThreatRows
from firmware.threats import Threats

SPEECH = b"\x10\x27" * (FRAME_BYTES // 2)
SECOND = 50


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def call(*, kept: bool) -> Call:
    def side(number: str) -> Any:
        return SimpleNamespace(number=number, session=SimpleNamespace(request=SimpleNamespace(call_id=f"c{number}")))

    return cast(Call, SimpleNamespace(sides=[side("1001"), side("1002")], kept=kept))


def rows(paths: Paths) -> tuple[Threat, ...]:
    with closing(ThreatRows.open(paths.journal)) as found:
        return found.all()


def told(paths: Paths) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(paths.journal)) as db:
        rows = db.execute("SELECT body FROM outbox WHERE kind = 'threat' ORDER BY number").fetchall()
    return [json.loads(body) for (body,) in rows]


def recorded(paths: Paths, frames: int, *, ends: bool) -> None:
    def keep(sink: Callable[[bytes], object], closed: Callable[[], object]) -> bool:
        for _ in range(frames):
            sink(SPEECH)
        if ends:
            closed()
        return True

    threats = Threats(paths)
    threats.recovered.result()
    threats.mark(call(kept=True), "1002", keep).result()
    assert [one["length_ms"] for one in told(paths)][:1] == [None]  # before the call is over
    threats.close()


def test_marked_and_recorded(paths: Paths) -> None:
    recorded(paths, 2 * SECOND, ends=True)
    (threat,) = rows(paths)
    assert (threat.extension, threat.other, threat.call_id, threat.other_call_id) == ("1002", "1001", "c1002", "c1001")
    assert (threat.recorded, threat.length_ms) == (True, 2000)
    file = paths.threats / f"{threat.id}.wav"
    assert len(read_recording(file)) == 2 * SECOND * FRAME_BYTES
    assert (file.stat().st_mode & 0o777, paths.threats.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one["length_ms"] for one in told(paths)] == [None, 2000]


def test_what_was_cut_is_mended_once(paths: Paths) -> None:
    recorded(paths, 2 * SECOND, ends=False)
    for _ in range(2):
        Threats(paths).close()
    (threat,) = rows(paths)
    assert threat.length_ms == 2000
    assert len(told(paths)) == 2


def test_without_sound_it_is_marked_all_the_same(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(sink: Callable[[bytes], object], closed: Callable[[], object]) -> bool:
        raise AssertionError("no sound is asked for")

    threats = Threats(paths)
    threats.recovered.result()
    threats.mark(call(kept=False), "1001", keep).result()
    for limit, value in (
        ("recordings.FREE_LEAST_BYTES", 1 << 62),
        ("threats.BYTES_MAX", 0),
        ("threats.THREATS_MAX", 0),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"firmware.{limit}", value)
            threats.mark(call(kept=True), "1002", keep).result()
    threats.close()
    assert [(threat.extension, threat.recorded) for threat in rows(paths)] == [("1001", False), *[("1002", False)] * 3]
    assert len(told(paths)) == 4
