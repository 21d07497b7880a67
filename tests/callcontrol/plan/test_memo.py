"""When a message is followed up."""

from datetime import datetime

import pytest

from callcontrol.plan.memo import Happened, State, contact_by, following, reminded_at
from callcontrol.plan.schedule import STOCKHOLM, Schedule

HOURS = Schedule.parse("mån-tor 07:30-16:30; fre 07:30-12:00, 13:00-15:00; kortdag 08:00-12:00")


@pytest.mark.parametrize(
    ("taken", "reminded", "by"),
    [
        ("2026-11-23 09:00", "2026-11-25 07:30", "2026-11-25 16:30"),  # Monday: Wednesday
        ("2026-11-23 23:59", "2026-11-25 07:30", "2026-11-25 16:30"),
        ("2026-11-25 09:00", "2026-11-27 07:30", "2026-11-27 15:00"),  # Friday ends sooner
        ("2026-11-26 09:00", "2026-11-30 07:30", "2026-11-30 16:30"),  # over a weekend
        ("2026-11-28 09:00", "2026-12-01 07:30", "2026-12-01 16:30"),  # on a Saturday: Monday and Tuesday
        ("2026-12-22 09:00", "2026-12-28 07:30", "2026-12-28 16:30"),  # Christmas
        ("2026-04-01 09:00", "2026-04-07 07:30", "2026-04-07 16:30"),  # Easter
        ("2026-04-28 09:00", "2026-04-30 08:00", "2026-04-30 12:00"),  # a short day
        ("2026-03-27 09:00", "2026-03-31 07:30", "2026-03-31 16:30"),  # the clock goes forward between
    ],
)
def test_two_working_days(taken: str, reminded: str, by: str) -> None:
    at, first, last = (datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM) for text in (taken, reminded, by))
    assert reminded_at(at, HOURS) == first
    assert contact_by(at, HOURS) == last


def test_a_site_without_hours_has_office_hours() -> None:
    taken = datetime(2026, 11, 23, 9, tzinfo=STOCKHOLM)
    assert contact_by(taken, Schedule()) == datetime(2026, 11, 25, 16, 30, tzinfo=STOCKHOLM)
    assert reminded_at(taken, Schedule()) == datetime(2026, 11, 25, 8, tzinfo=STOCKHOLM)


def test_nothing_goes_back() -> None:
    order = list(State)
    for state in State:
        for happened in Happened:
            after = following(state, happened)
            assert after is None or order.index(after) > order.index(state)
    assert all(following(state, Happened.HANDLED) is State.HANDLED for state in order[:-1])
