"""Swedish public holidays against years that almanacs have printed, and which days are worked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.holidays import (
    DayKind,
    HolidayRules,
    day_kind,
    day_name,
    easter,
    eves,
    next_working_day,
    public_holidays,
    short_days,
    working_day,
)


@pytest.mark.parametrize(
    "sunday",
    ["1990-04-15", "2000-04-23", "2005-03-27", "2008-03-23", "2011-04-24", "2016-03-27", "2021-04-04", "2024-03-31",
     "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2030-04-21", "2038-04-25", "2285-03-22"],
)  # fmt: skip
def test_easter(sunday: str) -> None:
    assert easter(date.fromisoformat(sunday).year) == date.fromisoformat(sunday)


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2021, "01-01 01-06 04-02 04-04 04-05 05-01 05-13 05-23 06-06 06-26 11-06 12-25 12-26"),
        (2026, "01-01 01-06 04-03 04-05 04-06 05-01 05-14 05-24 06-06 06-20 10-31 12-25 12-26"),
        (2027, "01-01 01-06 03-26 03-28 03-29 05-01 05-06 05-16 06-06 06-26 11-06 12-25 12-26"),
        # Ascension Day on the first of May: one day fewer
        (2008, "01-01 01-06 03-21 03-23 03-24 05-01 05-11 06-06 06-21 11-01 12-25 12-26"),
    ],
)
def test_public_holidays(year: int, days: str) -> None:
    assert [f"{day:%m-%d}" for day in public_holidays(year)] == days.split()


@pytest.mark.parametrize(
    ("day", "kind", "name", "worked"),
    [
        ("2026-11-23", DayKind.WEEKDAY, None, True),
        ("2026-11-22", DayKind.WEEKDAY, None, False),  # a Sunday
        ("2026-11-21", DayKind.WEEKDAY, None, False),
        ("2026-12-24", DayKind.EVE, "julafton", False),
        ("2026-12-25", DayKind.HOLIDAY, "juldagen", False),
        ("2026-12-31", DayKind.EVE, "nyårsafton", False),
        ("2026-06-19", DayKind.EVE, "midsommarafton", False),
        ("2026-06-20", DayKind.HOLIDAY, "midsommardagen", False),
        ("2026-04-02", DayKind.SHORT, "skärtorsdagen", True),
        ("2026-04-04", DayKind.EVE, "påskafton", False),
        ("2026-04-30", DayKind.SHORT, "valborgsmässoafton", True),
        ("2026-05-13", DayKind.SHORT, "dagen före Kristi himmelsfärdsdag", True),
        ("2026-05-14", DayKind.HOLIDAY, "Kristi himmelsfärdsdag", False),
        ("2026-05-15", DayKind.WEEKDAY, None, True),  # a bridge day is worked unless the site says otherwise
        ("2026-05-25", DayKind.WEEKDAY, None, True),  # Whit Monday, until 2004
        ("2026-06-05", DayKind.SHORT, "dagen före nationaldagen", True),
        ("2026-10-30", DayKind.SHORT, "allhelgonaafton", True),
        ("2026-01-05", DayKind.SHORT, "trettondagsafton", True),
    ],
)
def test_a_day(day: str, kind: DayKind, name: str | None, worked: bool) -> None:
    on = date.fromisoformat(day)
    assert (day_kind(on), day_name(on), working_day(on)) == (kind, name, worked)


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-11-20", "2026-11-23"),  # Friday
        ("2026-12-23", "2026-12-28"),  # Christmas
        ("2026-12-30", "2027-01-04"),  # New Year
        ("2026-04-02", "2026-04-07"),  # Easter
        ("2026-05-13", "2026-05-15"),  # Ascension Day: what a peer's system got wrong (facts/consoles.md, Lillehammer)
        ("2026-06-18", "2026-06-22"),  # midsummer
    ],
)
def test_next_working_day(day: str, following: str) -> None:
    assert next_working_day(date.fromisoformat(day)) == date.fromisoformat(following)


def test_a_site_has_rules_of_its_own() -> None:
    bridge, eve, saturday = date(2026, 5, 15), date(2026, 12, 31), date(2026, 11, 21)
    rules = HolidayRules(eves_closed=False, closed=frozenset({bridge}), worked=frozenset({saturday}))
    assert [working_day(day, rules) for day in (bridge, eve, saturday)] == [False, True, True]
    assert next_working_day(date(2026, 5, 13), rules) == date(2026, 5, 18)


def test_a_site_that_never_works_says_so() -> None:
    closed = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(800))
    with pytest.raises(ValueError, match="no working day"):
        next_working_day(date(2026, 1, 1), HolidayRules(closed=closed))


@given(st.integers(2005, 2400))
def test_what_the_law_says_of_the_weekday(year: int) -> None:
    by_name = {name: day for day, name in public_holidays(year).items()}
    assert by_name["påskdagen"].weekday() == 6
    assert by_name["långfredagen"].weekday() == 4
    assert by_name["annandag påsk"].weekday() == 0
    assert by_name["Kristi himmelsfärdsdag"].weekday() == 3
    assert by_name["midsommardagen"].weekday() == 5
    assert date(year, 6, 20) <= by_name["midsommardagen"] <= date(year, 6, 26)
    assert by_name["alla helgons dag"].weekday() == 5
    assert date(year, 10, 31) <= by_name["alla helgons dag"] <= date(year, 11, 6)
    assert date(year, 3, 22) <= easter(year) <= date(year, 4, 25)


@given(st.integers(2005, 2400))
def test_the_kinds_of_a_year_share_no_day(year: int) -> None:
    kinds = [set(public_holidays(year)), set(eves(year)), set(short_days(year))]
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    assert all(day.weekday() < 5 for day in short_days(year))


@given(st.dates(date(2005, 1, 1), date(2400, 1, 1)))
def test_the_next_working_day_is_the_first(day: date) -> None:
    following = next_working_day(day)
    assert working_day(following)
    assert not any(working_day(day + timedelta(days=n)) for n in range(1, (following - day).days))
    assert (following - day).days <= 6
