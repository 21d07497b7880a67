"""When something is open: a weekly schedule with holidays and exceptions, as a municipality writes it.

::

    mån-fre 08:00-12:00, 13:00-16:30; lör stängt; helgdag stängt; kortdag 08:00-12:00;
    2026-06-15..2026-08-15 mån-fre 08:00-15:00; 2026-12-23 stängt

Parts are divided by `;`. A part is *which days* and *when*: weekdays (`mån tis ons tor fre lör sön`, single, listed,
or `mån-fre`), `helgdag` (a public holiday), `afton` (an eve that nobody works), `kortdag` (before a holiday), a date,
or two dates with `..` between and perhaps weekdays. When: spans `HH:MM-HH:MM`, `stängt`, `dygnet runt`, or
`som vanligt` (as on that weekday). A span that ends before it begins passes midnight, and belongs to the day on which
it begins. English (`mon-fri`, `closed`, `holiday` …) is read too.

What is most particular holds: a date before two dates, the later part before the earlier one, then helgdag, afton,
kortdag, weekday. What is not said: weekdays are closed, holidays and eves are closed, a short day is as its weekday.

Times are Europe/Stockholm's. In the night when clocks go forward, a time that does not exist is taken as the clock
stood before (02:30 is 03:30 summer time); when they go back, a span begins at the first of two equal times and ends at
the last.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callcontrol.plan.holidays import DayKind, HolidayRules, day_kind

__all__ = ["STOCKHOLM", "DateRule", "Hours", "Schedule", "ScheduleError", "Span", "local_moment"]

STOCKHOLM = ZoneInfo("Europe/Stockholm")
TEXT_MAX = 4_096
"""Letters of a schedule as text."""
RULES_MAX = 200
SPANS_MAX = 12
"""Of one day."""
HORIZON_DAYS = 400
"""How far ahead an opening or a closing is looked for: over a year, for what is open on one date in it."""
_MINUTES = 24 * 60

DAYS = ("mån", "tis", "ons", "tor", "fre", "lör", "sön")
_ENGLISH = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = {name: n % 7 for n, name in enumerate((*DAYS, *_ENGLISH))}
_KINDS = {
    "helgdag": DayKind.HOLIDAY,
    "holiday": DayKind.HOLIDAY,
    "afton": DayKind.EVE,
    "eve": DayKind.EVE,
    "kortdag": DayKind.SHORT,
    "shortday": DayKind.SHORT,
}
_KIND_WORDS = {DayKind.HOLIDAY: "helgdag", DayKind.EVE: "afton", DayKind.SHORT: "kortdag"}
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))? ?- ?(\d{1,2})(?:[:.](\d{2}))?", re.ASCII)
_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?", re.ASCII)
_CLOSED, _ALL_DAY, _USUAL = ("stängt", "closed"), ("dygnet runt", "always"), ("som vanligt", "as usual")


class ScheduleError(ValueError):
    """The text of a schedule cannot be read; `part` is the part at fault, `why` what is wrong with it."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"{why}: {part!r}")
        self.part, self.why = part, why


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes after midnight, from `begins` until `ends`; over 1440 it goes on into the next day."""

    begins: int
    ends: int

    def __post_init__(self) -> None:
        if not (0 <= self.begins < _MINUTES and self.begins < self.ends <= self.begins + _MINUTES):
            raise ValueError(f"span: {self.begins}-{self.ends}")

    def __str__(self) -> str:
        ends = self.ends if self.ends <= _MINUTES else self.ends - _MINUTES
        return f"{self.begins // 60:02}:{self.begins % 60:02}-{ends // 60:02}:{ends % 60:02}"


Hours = tuple[Span, ...]
"""A day's spans, in order, none touching another. () is closed."""


@dataclass(frozen=True, slots=True)
class DateRule:
    """From `first` to `last`, both included, on these weekdays (0 is Monday; all where none is named)."""

    first: date
    last: date
    hours: Hours | None  # None: as on that weekday, though it is a holiday
    weekdays: frozenset[int] = frozenset(range(7))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last and day.weekday() in self.weekdays

    def __str__(self) -> str:
        dates = f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"
        days = "" if len(self.weekdays) == 7 else f" {_days_text(self.weekdays)}"
        return f"{dates}{days} {_hours_text(self.hours)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Opening hours. Immutable; all moments taken and given are aware, those given in Europe/Stockholm."""

    weekly: tuple[Hours, ...] = ((),) * 7
    """By weekday, Monday first."""
    kinds: tuple[tuple[DayKind, Hours | None], ...] = ()
    """Of holidays, eves and short days; None is as on that weekday. What is not named: see the module."""
    dates: tuple[DateRule, ...] = ()
    rules: HolidayRules = field(default_factory=HolidayRules)
    """The site's; dates that it keeps closed are as holidays, and its eves are eves only where they are closed."""

    @classmethod
    def parse(cls, text: str, rules: HolidayRules | None = None) -> Schedule:
        """Read the text form. Raises ScheduleError, which names the part."""
        if len(text) > TEXT_MAX:
            raise ScheduleError(text[:20] + "…", f"längre än {TEXT_MAX} tecken / longer than {TEXT_MAX} letters")
        parts = [" ".join(part.split()) for part in re.split(r"[;\n]", text)]
        parts = [part for part in parts if part]
        if not parts:
            raise ScheduleError(text, "tomt schema / empty schedule")
        if len(parts) > RULES_MAX:
            raise ScheduleError(parts[RULES_MAX], f"fler än {RULES_MAX} delar / more than {RULES_MAX} parts")
        weekly: dict[int, Hours] = {}
        kinds: dict[DayKind, Hours | None] = {}
        dates: list[DateRule] = []
        for part in parts:
            _read_part(part, weekly, kinds, dates)
        return cls(
            weekly=tuple(weekly.get(day, ()) for day in range(7)),
            kinds=tuple(sorted(kinds.items())),
            dates=tuple(dates),
            rules=rules or HolidayRules(),
        )

    def __str__(self) -> str:
        """The text form, such that reading it gives the same schedule."""
        groups: dict[Hours, list[int]] = {}
        for day, hours in enumerate(self.weekly):
            if hours:
                groups.setdefault(hours, []).append(day)
        parts = [f"{_days_text(frozenset(days))} {_hours_text(hours)}" for hours, days in groups.items()]
        parts += [f"{_KIND_WORDS[kind]} {_hours_text(hours)}" for kind, hours in self.kinds]
        parts += [str(rule) for rule in self.dates]
        return "; ".join(parts or [f"mån-sön {_CLOSED[0]}"])

    def hours(self, day: date) -> Hours:
        """The spans that begin on a date."""
        usual = self.weekly[day.weekday()]
        for one_day in (True, False):
            for rule in reversed(self.dates):
                if (rule.first == rule.last) is one_day and day in rule:
                    return usual if rule.hours is None else rule.hours
        if day in self.rules.worked:
            return usual
        kind = DayKind.HOLIDAY if day in self.rules.closed else day_kind(day)
        if kind is DayKind.WEEKDAY or (kind is DayKind.EVE and not self.rules.eves_closed):
            return usual
        said = dict(self.kinds)
        if kind in said:
            chosen = said[kind]
            return usual if chosen is None else chosen
        return usual if kind is DayKind.SHORT else ()

    def instants(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The spans that begin on a date, in UTC. One that the clock swallowed whole is left out."""
        for span in self.hours(day):
            begins = _instant(day, span.begins, last=False)
            ends = _instant(day, span.ends, last=True)
            if begins < ends:
                yield begins, ends

    def every_week(self) -> Schedule:
        """The weekdays alone: holidays are like any other day."""
        return Schedule(weekly=self.weekly, kinds=tuple((kind, None) for kind in _KIND_WORDS))

    def open_at(self, moment: datetime) -> bool:
        """Whether it is open; the moment at which it closes is closed."""
        at = moment.astimezone(UTC)
        today = _local_date(at)
        return any(begins <= at < ends for day in _days(today, -1, 0) for begins, ends in self.instants(day))

    def next_open(self, moment: datetime) -> datetime | None:
        """The first moment from this one on at which it is open: itself if it is. None: not within a year."""
        at = moment.astimezone(UTC)
        for day in _days(_local_date(at), -1, HORIZON_DAYS):
            for begins, ends in self.instants(day):
                if at < ends:
                    return max(at, begins).astimezone(STOCKHOLM)
        return None

    def next_close(self, moment: datetime) -> datetime | None:
        """The first moment from this one on at which it is closed: itself if it is. None: not within a year."""
        at = moment.astimezone(UTC)
        for day in _days(_local_date(at), -1, HORIZON_DAYS):
            for begins, ends in self.instants(day):
                if at < begins:
                    return at.astimezone(STOCKHOLM)
                at = max(at, ends)
            if day > _local_date(at):
                return at.astimezone(STOCKHOLM)
        return None


def local_moment(day: date, at: time, *, last: bool = False) -> datetime:
    """A civil time in Europe/Stockholm. Of two equal times the first, or the `last`; see the module for the gap."""
    return _instant(day, at.hour * 60 + at.minute, last=last).astimezone(STOCKHOLM)


def _instant(day: date, minutes: int, *, last: bool) -> datetime:
    on = day + timedelta(days=minutes // _MINUTES)
    clock = time(minutes % _MINUTES // 60, minutes % 60)
    civil = datetime.combine(on, clock, STOCKHOLM)
    exact = civil.replace(fold=1).astimezone(UTC) if last else civil.astimezone(UTC)
    # fold=1 of a time in the gap is earlier than fold=0 of it: the clock as it stood before is what is meant.
    return max(exact, civil.astimezone(UTC)) if last else exact


def _local_date(moment: datetime) -> date:
    return moment.astimezone(STOCKHOLM).date()


def _days(day: date, first: int, last: int) -> Iterator[date]:
    return (day + timedelta(days=n) for n in range(first, last + 1))


def _read_part(part: str, weekly: dict[int, Hours], kinds: dict[DayKind, Hours | None], dates: list[DateRule]) -> None:
    words = unicodedata.normalize("NFC", part).lower().replace("\u2013", "-")
    found = _DATES.match(words)
    if found:
        days_text, hours = _split(part, words[found.end() :])
        first, last = _date(part, found[1]), _date(part, found[2] or found[1])
        if last < first:
            raise ScheduleError(part, "slutar innan det börjar / ends before it begins")
        dates.append(DateRule(first, last, hours, _weekdays(part, days_text) or frozenset(range(7))))
        return
    days_text, hours = _split(part, words)
    kind = _KINDS.get(days_text)
    if kind is not None:
        if kind in kinds:
            raise ScheduleError(part, "sagt två gånger / said twice")
        kinds[kind] = hours
        return
    days = _weekdays(part, days_text)
    if not days:
        raise ScheduleError(part, "inga dagar / no days")
    if hours is None:
        raise ScheduleError(part, "en veckodag kan inte vara som vanligt / a weekday cannot be as usual")
    if days & weekly.keys():
        raise ScheduleError(part, "sagt två gånger / said twice")
    weekly.update(dict.fromkeys(days, hours))


def _split(part: str, words: str) -> tuple[str, Hours | None]:
    """Which days, and when."""
    for closed in _CLOSED:
        if words.endswith(closed):
            return words.removesuffix(closed).strip(" ,"), ()
    for all_day in _ALL_DAY:
        if words.endswith(all_day):
            return words.removesuffix(all_day).strip(" ,"), (Span(0, _MINUTES),)
    for usual in _USUAL:
        if words.endswith(usual):
            return words.removesuffix(usual).strip(" ,"), None
    first = _SPAN.search(words)
    if first is None:
        raise ScheduleError(part, "ingen tid / no time")
    spans = []
    for text in words[first.start() :].split(","):
        span = _SPAN.fullmatch(text.strip())
        if span is None:
            raise ScheduleError(part, f"ingen tid / no time ({text.strip()})")
        spans.append(_span(part, *(int(number or 0) for number in span.groups())))
    return words[: first.start()].strip(" ,"), _in_order(part, spans)


def _span(part: str, hour: int, minute: int, until_hour: int, until_minute: int) -> Span:
    begins, ends = hour * 60 + minute, until_hour * 60 + until_minute
    if minute > 59 or until_minute > 59 or begins >= _MINUTES or ends > _MINUTES or begins == ends:
        raise ScheduleError(part, "en tid som inte finns / no such time")
    return Span(begins, ends if ends > begins else ends + _MINUTES)


def _in_order(part: str, spans: list[Span]) -> Hours:
    """Sorted, and those that touch made one; two that overlap are a mistake."""
    if len(spans) > SPANS_MAX:
        raise ScheduleError(part, f"fler än {SPANS_MAX} tider / more than {SPANS_MAX} spans")
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.begins < joined[-1].ends:
            raise ScheduleError(part, "tider som överlappar / spans that overlap")
        if joined and span.begins == joined[-1].ends and span.ends <= joined[-1].begins + _MINUTES:
            joined[-1] = Span(joined[-1].begins, span.ends)
        else:
            joined.append(span)
    return tuple(joined)


def _weekdays(part: str, text: str) -> frozenset[int]:
    days: set[int] = set()
    for word in re.split(r"[ ,+]+", re.sub(r" ?- ?", "-", text)):
        if not word:
            continue
        first, _, last = word.partition("-")
        if first not in _WEEKDAY or (last or first) not in _WEEKDAY:
            raise ScheduleError(part, f"ingen dag / no day ({word})")
        at, until = _WEEKDAY[first], _WEEKDAY[last or first]
        days.update(day % 7 for day in range(at, until + 1 if until >= at else until + 8))
    return frozenset(days)


def _date(part: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScheduleError(part, f"inget datum / no date ({text})") from None


def _days_text(days: frozenset[int]) -> str:
    """ "mån-fre, sön": runs of three and more are drawn together."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[day] for day in run) for run in runs
    )


def _hours_text(hours: Hours | None) -> str:
    if hours is None:
        return _USUAL[0]
    if hours == (Span(0, _MINUTES),):
        return _ALL_DAY[0]
    return ", ".join(map(str, hours)) or _CLOSED[0]
