"""What somebody is told of, once and then ever more seldom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callcontrol.plan.notices import AGAIN_MOST, FORGOTTEN, Notice, due, key_of
from callcontrol.plan.steps import Note

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)
EMPTY = Note(rule="B3", to="anna", words="department_empty", fill=(("unit", "Bygg"), ("day", "2026-03-03")))


def told_over(words: str, times: int) -> list[timedelta]:
    """When it was told, of a thing that is met every half hour."""
    note = Note(rule="F2", to="operations", words=words, fill=(("extension", "1001"),))
    known: Notice | None = None
    now = NOON
    found: list[timedelta] = []
    while len(found) < times:
        if due(known, now):
            found.append(now - NOON)
            known = Notice(note=note, first_at=NOON, last_at=now, told_at=now, told=len(found))
        assert known is not None
        known = Notice(note=note, first_at=NOON, last_at=now, told_at=known.told_at, told=known.told)
        now += timedelta(minutes=30)
    return found


def test_ever_more_seldom() -> None:
    assert told_over("guard_calls", 5) == [timedelta(hours=hours) for hours in (0, 1, 3, 7, 15)]
    days = [told.days for told in told_over("department_empty", 9)]
    assert days == [0, 1, 3, 7, 15, 31, 59, 87, 115]
    assert days[-1] - days[-2] == AGAIN_MOST.days


def test_what_was_long_gone_is_new() -> None:
    known = Notice(note=EMPTY, first_at=NOON, last_at=NOON, told_at=NOON, told=50)
    assert not due(known, NOON + FORGOTTEN)
    assert due(known, NOON + FORGOTTEN + timedelta(seconds=1))


def test_the_next_day_is_no_other_thing_and_another_unit_is() -> None:
    tomorrow = Note(rule="B3", to="anna", words="department_empty", fill=(("unit", "Bygg"), ("day", "2026-03-04")))
    other = Note(rule="B3", to="anna", words="department_empty", fill=(("unit", "Skola"), ("day", "2026-03-03")))
    assert key_of(EMPTY) == key_of(tomorrow) != key_of(other)
