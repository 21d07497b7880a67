from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.trunk.smsalarms import END, START, STARTS_A_DAY, Alarms, Outage, due, outage_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALARMS = Alarms(after=timedelta(minutes=1), minutes=(30, 120), pause=timedelta(minutes=10))


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Incident:
    id: int
    began_at: datetime
    ended_at: datetime | None
    cause: str = "line"


@pytest.mark.parametrize(
    ("incidents", "outage"),
    [
        ([], None),
        ([Incident(3, at(0), None)], Outage(3, at(0), None, "line")),
        ([Incident(4, at(9), None, "platform"), Incident(3, at(0), at(5))], Outage(3, at(0), None, "platform")),
        ([Incident(4, at(9), at(12)), Incident(3, at(0), at(5))], Outage(3, at(0), at(12), "line")),
        ([Incident(4, at(15), None), Incident(3, at(0), at(5))], Outage(4, at(15), None, "line")),  # a pause between
        ([Incident(4, at(6), None), Incident(3, at(0), None)], Outage(4, at(6), None, "line")),  # whose end nobody saw
    ],
)
def test_what_one_outage_is(incidents: list[Incident], outage: Outage | None) -> None:
    assert outage_of(incidents, ALARMS.pause) == outage


def test_a_day_in_the_life_of_an_alarm() -> None:
    told: dict[str, datetime] = {}
    seen = []
    for minute in range(200):
        outage = Outage(1, NOON, at(150) if minute >= 150 else None, "line")
        if (step := due(outage, told, 0, ALARMS, at(minute))) is not None:
            told[step] = at(minute)
            seen.append((minute, step))
    assert seen == [(1, START), (30, "30"), (120, "120"), (160, END)]


@pytest.mark.parametrize(
    ("ended", "told", "starts", "now", "step"),
    [
        (None, {}, 0, 0.5, None),  # too short
        (3, {}, 0, 30, None),  # over before anybody was told
        (None, {}, STARTS_A_DAY, 5, None),  # a line that comes and goes all day
        (None, {}, 0, 45, START),  # nobody could be told before: 30 is not made up for
        (None, {START: 45}, 0, 46, None),
        (None, {START: 1}, 0, 300, "120"),  # the process was away: of what was missed the last
        (None, {START: 1, "120": 300}, 0, 301, None),
        (50, {START: 1}, 0, 55, None),  # perhaps it comes back
        (50, {START: 1}, STARTS_A_DAY, 60, END),  # who was told of the beginning is told of the end
        (50, {START: 1, END: 60}, 0, 600, None),
    ],
)
def test_what_is_told(ended: float | None, told: dict[str, float], starts: int, now: float, step: str | None) -> None:
    outage = Outage(1, NOON, None if ended is None else at(ended), "line")
    assert due(outage, {name: at(minute) for name, minute in told.items()}, starts, ALARMS, at(now)) == step
