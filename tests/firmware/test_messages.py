"""The message place: what is kept, what is no message, and what the next start makes of what was cut."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
from array import array
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.leaving import LONGEST_S, SILENCE_S, Leaving
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, RATE_HZ, SILENCE
from callcontrol.media.recorder import HEADER_BYTES, Disk, Recorder, read_recording
from firmware import messages, recordings
from firmware.messages import Kept, Messages
from firmware.paths import Paths
from firmware.store.messages import Message, MessageRows

SPEECH = array("h", (int(8000 * math.sin(2 * math.pi * 400 * n / RATE_HZ)) for n in range(FRAME_SAMPLES))).tobytes()
SECOND = round(1 / FRAME_S)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def within(paths: Paths, work: Callable[[Messages], Awaitable[None]]) -> None:
    """One life of the process: it ends in good order."""

    async def life() -> None:
        place = Messages(paths)
        try:
            await asyncio.wrap_future(place.recovered)
            await work(place)
        finally:
            place.close()

    asyncio.run(life())


def rows(paths: Paths) -> list[Message]:
    opened = MessageRows.open(paths.journal)
    try:
        return list(opened.all().values())
    finally:
        opened.close()


def told(paths: Paths) -> list[str]:
    """What the platform is to hear."""
    with closing(sqlite3.connect(paths.journal)) as db:
        return [str(body) for (body,) in db.execute("SELECT body FROM outbox WHERE kind = 'message'")]


def cut(paths: Paths, name: str, frames: int) -> Path:
    """A file as a kill leaves it: its header says that nothing is there."""
    paths.messages.mkdir(exist_ok=True)
    disk = Disk()
    recorder = Recorder(paths.messages / f"{name}.wav", disk)
    for _ in range(frames):
        recorder.push(SPEECH)
    disk.close()
    return recorder.path


def begun(paths: Paths, name: str) -> None:
    opened = MessageRows.open(paths.journal)
    opened.begin(Message(id=name, extension="1002", caller="1001", call_id="c", why="busy", left_at=NOW))
    opened.close()


async def nothing(_: Messages) -> None:
    pass


def test_what_was_said_is_kept_and_told_of_once(paths: Paths) -> None:
    async def leave(place: Messages) -> None:
        assert place.room
        recording = place.begin("1002", "1001", "c@x", "busy")
        assert not any(recording.push(SPEECH) for _ in range(2 * SECOND))
        assert await asyncio.wrap_future(recording.finish()) is Kept.YES
        assert await asyncio.wrap_future(recording.finish()) is Kept.YES

    within(paths, leave)
    (message,) = rows(paths)
    assert (message.extension, message.caller, message.call_id, message.why) == ("1002", "1001", "c@x", "busy")
    assert message.length_ms == 2000
    file = paths.messages / f"{message.id}.wav"
    assert len(read_recording(file)) == len(SPEECH) * 2 * SECOND
    assert (file.stat().st_mode & 0o777, paths.messages.stat().st_mode & 0o777) == (0o600, 0o700)
    within(paths, nothing)
    assert (rows(paths), len(told(paths))) == ([message], 1)


def test_nobody_fills_it_for_the_others(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one mailbox, nor one caller; who shows no number is bounded by the mailbox."""
    monkeypatch.setattr(messages, "HELD_MAX", 3)
    monkeypatch.setattr(messages, "LEFT_MAX", 2)
    monkeypatch.setattr(messages, "LOOK_EVERY_S", 0.0)
    now = datetime.now(UTC)
    with closing(MessageRows.open(paths.journal)) as store:
        for number, (extension, caller) in enumerate([("1002", ""), ("1002", ""), ("1002", "1001"), ("1003", "1001")]):
            store.left(Message(id=f"m{number}", extension=extension, caller=caller, left_at=now, length_ms=1))
        for number in range(2):  # by a clock that was wrong
            ahead = now + timedelta(days=3_650)
            store.left(Message(id=f"a{number}", extension="1005", caller="1004", left_at=ahead, length_ms=1))

    async def look(place: Messages) -> None:
        seen = {(whom, by): place.takes(whom, by) for whom in ("1002", "1003") for by in ("", "1001", "1004")}
        assert seen == {
            ("1002", ""): False, ("1002", "1001"): False, ("1002", "1004"): False,
            ("1003", ""): True, ("1003", "1001"): False, ("1003", "1004"): True,
        }  # fmt: skip

    within(paths, look)


def test_what_the_end_of_the_process_meets_is_kept(paths: Paths) -> None:
    async def leave(place: Messages) -> None:
        recording = place.begin("1002", "", "c", "busy")
        for _ in range(SECOND):
            recording.push(SPEECH)
        recording.finish()

    within(paths, leave)
    assert [message.length_ms for message in rows(paths)] == [1000]


@pytest.mark.parametrize("frames", [[], [SPEECH] * 5, [SILENCE] * SECOND])
def test_nothing_said_leaves_nothing(frames: list[bytes], paths: Paths) -> None:
    async def leave(place: Messages) -> None:
        recording = place.begin("1002", "1001", "c", "busy")
        for frame in frames:
            recording.push(frame)
        assert await asyncio.wrap_future(recording.finish()) is Kept.NO_MESSAGE

    within(paths, leave)
    assert (rows(paths), told(paths), list(paths.messages.iterdir())) == ([], [], [])


def test_the_next_start_mends_what_was_cut_once(paths: Paths) -> None:
    begun(paths, "cut")
    begun(paths, "unheard")
    begun(paths, "short")
    whole = [cut(paths, "cut", 2 * SECOND), cut(paths, "orphan", SECOND)]
    cut(paths, "short", 5)
    (paths.messages / "notes.wav").write_bytes(b"no recording of ours")
    for _ in range(2):
        within(paths, nothing)
        found = {message.id: message for message in rows(paths)}
        assert {name: message.length_ms for name, message in found.items()} == {"cut": 2000, "orphan": 1000}
        assert (found["cut"].caller, found["orphan"].caller) == ("1001", "")
        assert len(told(paths)) == 2
    for file in whole:
        assert int.from_bytes(file.read_bytes()[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    assert not (paths.messages / "short.wav").exists()
    assert (paths.messages / "notes.wav").exists()


def test_a_full_disk_is_not_offered_and_a_failing_one_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave(place: Messages) -> None:
        recording = place.begin("1002", "1001", "c", "busy")
        for _ in range(2 * SECOND):
            recording.push(SPEECH)
        assert await asyncio.wrap_future(recording.finish()) is Kept.LOST

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        within(paths, leave)

    async def asks(place: Messages) -> None:
        assert not place.room

    for limit in ("MESSAGES_MAX", "BYTES_MAX"):
        with monkeypatch.context() as patch:
            patch.setattr(messages, limit, 0)
            within(paths, asks)
    with monkeypatch.context() as patch:
        patch.setattr(recordings, "FREE_LEAST_BYTES", 1 << 60)
        within(paths, asks)


def _until_over(frames: Iterator[bytes]) -> tuple[float, bool]:
    leaving = Leaving()
    count = next(number for number, frame in enumerate(frames, 1) if leaving.heard(frame))
    return round(count * FRAME_S, 2), leaving.is_message


def test_silence_and_the_longest_time_end_it() -> None:
    def sound(frames: int) -> Iterator[bytes]:
        yield from (SPEECH for _ in range(frames))
        while True:
            yield SILENCE

    assert _until_over(sound(SECOND)) == (1 + SILENCE_S, True)
    assert _until_over(sound(0)) == (SILENCE_S, False)
    assert _until_over(sound(1 << 20)) == (LONGEST_S, True)
