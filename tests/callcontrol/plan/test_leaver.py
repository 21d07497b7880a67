"""A leaver's list (E5)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from callcontrol.plan.catalogue import catalogue
from callcontrol.plan.leaver import BY_HAND, Leaver, Tick, What, checklist, late

BEGAN = datetime(2026, 11, 2, 8, tzinfo=UTC)
TICK = Tick(BEGAN, "bo")


def leaver(**fields: object) -> Leaver:
    given = {
        "id": "l", "person": "anna", "name": "Anna Öberg", "unit": "u", "extensions": ("1001",), "last_day": None,
        "began_at": BEGAN, "set_by": "bo", **fields,
    }  # fmt: skip
    return Leaver(**given)  # type: ignore[arg-type]


def test_every_thing_is_in_the_list_in_words() -> None:
    assert [entry.what for entry in checklist({}, {})] == list(What)
    assert {str(what) for what in What} == catalogue()["leaver"].keys()


def test_what_is_seen_is_done_when_it_is_no_longer_so_and_the_rest_when_it_is_ticked() -> None:
    entries = {entry.what: entry for entry in checklist({What.PHONE: ("1001",)}, {What.WIPED: TICK, What.ROLE: TICK})}
    assert not entries[What.PHONE].done
    assert entries[What.PHONE].about == ("1001",)
    assert entries[What.FORWARDED].done
    assert (entries[What.WIPED].done, entries[What.WIPED].tick) == (True, TICK)
    assert (entries[What.RETURNED].done, entries[What.RETURNED].by_hand) == (False, True)
    assert entries[What.ROLE].tick is None  # seen, not ticked
    assert all(entry.done is not (entry.what in BY_HAND) for entry in checklist({}, {}))


@pytest.mark.parametrize(
    ("last_day", "today", "told"),
    [
        (date(2026, 11, 20), date(2026, 11, 27), False),
        (date(2026, 11, 20), date(2026, 11, 28), True),
        (None, date(2026, 11, 9), False),
        (None, date(2026, 11, 10), True),
    ],
)
def test_a_list_that_nobody_goes_through_is_told_a_week_after_the_last_day(
    last_day: date | None, today: date, told: bool
) -> None:
    assert late(leaver(last_day=last_day), checklist({}, {}), today) is told
    done = checklist({}, dict.fromkeys(BY_HAND, TICK))
    assert not late(leaver(last_day=last_day), done, today)
    assert not late(leaver(last_day=last_day, ended_at=BEGAN, ended_by="bo"), checklist({}, {}), today)
