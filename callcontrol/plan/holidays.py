"""Swedish public holidays, by computation, and which days are worked.

Public holidays are those of lag (1989:253) om allmänna helgdagar, as it reads since SFS 2004:1320. The eves are worked
by nobody in a municipality: semesterlagen (1977:480) 7 § counts midsummer's, Christmas and New Year's eve as Sundays,
and Easter eve is a Saturday always. The days before a holiday on which offices close early are those of the municipal
agreement's evening pay from 16 (AB, O-tilläggstid), with Maundy Thursday and Walpurgis night as custom has it; whether
they are short is the site's choice, and `Schedule` says how short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

__all__ = [
    "DayKind",
    "HolidayRules",
    "day_kind",
    "day_name",
    "easter",
    "eves",
    "next_working_day",
    "public_holidays",
    "short_days",
    "working_day",
]

_YEARS_CACHED = 16
_SATURDAY = 5
_SEARCH_DAYS = 366
"""How far ahead a working day is looked for; a site that closes for longer has none."""


class DayKind(StrEnum):
    """What a date is, from the most particular."""

    HOLIDAY = "holiday"  # a public holiday that is not merely a Sunday
    EVE = "eve"
    SHORT = "short"  # before a holiday; offices may close early
    WEEKDAY = "weekday"  # Monday to Sunday, nothing more


@dataclass(frozen=True, slots=True)
class HolidayRules:
    """A site's choice. `closed` are dates of its own on which nobody works (a bridge day), `worked` the opposite."""

    eves_closed: bool = True
    closed: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()


DEFAULT_RULES = HolidayRules()


def easter(year: int) -> date:
    """Easter Sunday, Gregorian (Meeus, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month = (h + weekday - 7 * m + 90) // 25
    day = (h + weekday - 7 * m + 33 * month + 19) % 32
    return date(year, month, day)


@lru_cache(maxsize=_YEARS_CACHED)
def public_holidays(year: int) -> Mapping[date, str]:
    """The holidays of 1 § but for plain Sundays, with their Swedish names, in order."""
    sunday = easter(year)
    days = {
        date(year, 1, 1): "nyårsdagen",
        date(year, 1, 6): "trettondedag jul",
        sunday - timedelta(days=2): "långfredagen",
        sunday: "påskdagen",
        sunday + timedelta(days=1): "annandag påsk",
        date(year, 5, 1): "första maj",
        sunday + timedelta(days=39): "Kristi himmelsfärdsdag",
        sunday + timedelta(days=49): "pingstdagen",
        date(year, 6, 6): "nationaldagen",
        _saturday_from(date(year, 6, 20)): "midsommardagen",
        _saturday_from(date(year, 10, 31)): "alla helgons dag",
        date(year, 12, 25): "juldagen",
        date(year, 12, 26): "annandag jul",
    }
    # Two may fall on one day: Ascension Day on the first of May (2008). The dates are what matters.
    return MappingProxyType(dict(sorted(days.items())))


@lru_cache(maxsize=_YEARS_CACHED)
def eves(year: int) -> Mapping[date, str]:
    """Eves on which nobody works."""
    days = {
        easter(year) - timedelta(days=1): "påskafton",
        _saturday_from(date(year, 6, 20)) - timedelta(days=1): "midsommarafton",
        date(year, 12, 24): "julafton",
        date(year, 12, 31): "nyårsafton",
    }
    return MappingProxyType(dict(sorted(days.items())))


@lru_cache(maxsize=_YEARS_CACHED)
def short_days(year: int) -> Mapping[date, str]:
    """Days before a holiday on which offices may close early; none of them is itself a weekend, a holiday or an eve."""
    sunday = easter(year)
    days = {
        date(year, 1, 5): "trettondagsafton",
        sunday - timedelta(days=3): "skärtorsdagen",
        date(year, 4, 30): "valborgsmässoafton",
        sunday + timedelta(days=38): "dagen före Kristi himmelsfärdsdag",
        date(year, 6, 5): "dagen före nationaldagen",
        _saturday_from(date(year, 10, 31)) - timedelta(days=1): "allhelgonaafton",
        date(year, 12, 23): "dagen före julafton",
    }
    taken = public_holidays(year).keys() | eves(year).keys()
    return MappingProxyType(
        {day: name for day, name in sorted(days.items()) if day.weekday() < _SATURDAY and day not in taken}
    )


def day_kind(day: date) -> DayKind:
    """What a date is."""
    if day in public_holidays(day.year):
        return DayKind.HOLIDAY
    if day in eves(day.year):
        return DayKind.EVE
    return DayKind.SHORT if day in short_days(day.year) else DayKind.WEEKDAY


def day_name(day: date) -> str | None:
    """The Swedish name of a holiday, an eve or a short day; None for any other."""
    year = day.year
    return public_holidays(year).get(day) or eves(year).get(day) or short_days(year).get(day)


def working_day(day: date, rules: HolidayRules = DEFAULT_RULES) -> bool:
    """Whether people work on a date: Monday to Friday, no public holiday, no eve that the site keeps closed."""
    if day in rules.worked:
        return True
    if day in rules.closed or day.weekday() >= _SATURDAY:
        return False
    kind = day_kind(day)
    return kind is not DayKind.HOLIDAY and not (kind is DayKind.EVE and rules.eves_closed)


def next_working_day(day: date, rules: HolidayRules = DEFAULT_RULES) -> date:
    """The first working day after a date. ValueError where a site's rules leave none within a year."""
    for ahead in range(1, _SEARCH_DAYS + 1):
        later = day + timedelta(days=ahead)
        if working_day(later, rules):
            return later
    raise ValueError(f"no working day within a year of {day}")


def _saturday_from(day: date) -> date:
    """The Saturday of the seven days that begin with this one."""
    return day + timedelta(days=(_SATURDAY - day.weekday()) % 7)
