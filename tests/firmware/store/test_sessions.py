"""Who is signed in, for how long, on how many browsers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.store.changes import Changes
from firmware.store.sessions import IDLE, KEPT_IDLE, LONGEST, SIGNED_IN_MAX, SessionRows

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[SessionRows]:
    rows = SessionRows.open(tmp_path / "journal.db")
    yield rows
    rows.close()


@pytest.mark.parametrize(("kept", "idle"), [(False, IDLE), (True, KEPT_IDLE)])
def test_it_ends_when_nobody_is_there(sessions: SessionRows, kept: bool, idle: timedelta) -> None:
    cookie = sessions.begin("1001", kept, NOW)
    row = sessions.of(cookie, NOW + idle)
    assert row is not None
    assert row.extension == "1001"
    assert sessions.of(cookie, NOW + idle + idle) is not None, "it was seen"
    assert sessions.of(cookie, NOW + 3 * idle + SECOND) is None


def test_on_another_browser_it_ends_whoever_is_there(sessions: SessionRows) -> None:
    cookie = sessions.begin("1001", False, NOW)
    at = NOW
    while at <= NOW + LONGEST:
        assert sessions.of(cookie, at) is not None
        at += IDLE
    assert sessions.of(cookie, at) is None


def test_what_a_browser_holds_is_not_in_the_store(sessions: SessionRows, tmp_path: Path) -> None:
    cookie = sessions.begin("1001", True, NOW)
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert cookie.encode() not in held
    assert sessions.of(cookie[:-1], NOW) is None
    assert sessions.of("", NOW) is None


def test_one_is_ended_or_all_of_an_extension(sessions: SessionRows) -> None:
    first, second, other = (sessions.begin(number, True, NOW) for number in ("1001", "1001", "1002"))
    sessions.end(first)
    assert sessions.of(first, NOW) is None
    third = sessions.begin("1001", True, NOW)
    assert sessions.end_all("1001", but=third) == 1
    assert [sessions.of(cookie, NOW) is not None for cookie in (second, third, other)] == [False, True, True]


def test_a_block_ends_them_for_good(sessions: SessionRows, tmp_path: Path) -> None:
    cookie = sessions.begin("1001", True, NOW)
    with closing(Changes.open(tmp_path / "journal.db")) as changes:
        assert changes.block("1001", "eva", "Borttappad", NOW + SECOND)
        assert changes.lift("1001", "eva", NOW + 2 * SECOND)
    assert sessions.of(cookie, NOW + 3 * SECOND) is None, "whoever has the browser has not the telephone back"
    assert sessions.of(sessions.begin("1001", True, NOW + 3 * SECOND), NOW + 3 * SECOND) is not None


def test_nothing_grows(sessions: SessionRows) -> None:
    cookies = [sessions.begin("1001", True, NOW + each * SECOND) for each in range(SIGNED_IN_MAX + 3)]
    there = [sessions.of(cookie, NOW + timedelta(minutes=1)) is not None for cookie in cookies]
    assert there == [False] * 3 + [True] * SIGNED_IN_MAX
