"""iCalendar (RFC 5545) to entries: a program, and the function that it runs.

``python -m firmware.calendars.reading NOW``: a calendar on standard input, its entries of the next `AHEAD` as JSON on
standard output. It is a process of its own with little memory, little time and no files, as what it reads is whatever
somebody's address gave, and recurrences can be written that take longer than there is. It says nothing of what stands
in the calendar but by its answer; how it fails is its exit code.

icalendar parses, with the names of Windows' zones and calendars' own VTIMEZONE; recurring-ical-events spreads out what
recurs, each UID by itself, so that one that cannot be read takes no other along.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from callcontrol.plan.agenda import AHEAD, Entry, Passed, Shown
from firmware.calendars.answer import BODY_MAX, Exit, to_answer

__all__ = ["BrokenCalendar", "NotCalendar", "main", "read"]

EVENTS_MAX = 20_000
OCCURRENCES_MAX = 5_000
"""Entries within the time that is looked at."""
TEXT_MAX = 300
UID_MAX = 200
MEMORY_BYTES = 512 << 20
"""Of addresses, of which Python with its libraries takes some 60 MB."""
CPU_S = 20
"""4 MB of ordinary entries take 2 s of one core here."""
NICE = 10

_SITE = ZoneInfo("Europe/Stockholm")
_WITHIN_A_DAY = ("SECONDLY", "MINUTELY", "HOURLY")
_BY_TIME = ("BYHOUR", "BYMINUTE", "BYSECOND")
_STATUS = {
    "FREE": Shown.FREE,
    "WORKINGELSEWHERE": Shown.FREE,
    "TENTATIVE": Shown.TENTATIVE,
    "BUSY": Shown.BUSY,
    "OOF": Shown.AWAY,
    "OUTOFOFFICE": Shown.AWAY,
}
_FREE_BUSY = {"FREE": Shown.FREE, "BUSY-TENTATIVE": Shown.TENTATIVE, "BUSY-UNAVAILABLE": Shown.AWAY}


class NotCalendar(Exception):
    """What was read is something else; often a page where one signs in."""


class BrokenCalendar(Exception):
    """It begins as a calendar does, and cannot be read."""


def main() -> int:
    _within_bounds()
    try:
        entries, passed = read(sys.stdin.buffer.read(BODY_MAX + 1), datetime.fromisoformat(sys.argv[1]))
        sys.stdout.write(to_answer(entries, passed))
        sys.stdout.flush()
    except NotCalendar:
        return Exit.NOT_CALENDAR
    except BrokenCalendar:
        return Exit.BROKEN
    except (MemoryError, RecursionError):
        return Exit.TOO_HEAVY
    return Exit.READ


def read(body: bytes, now: datetime) -> tuple[list[Entry], Counter[Passed]]:
    """The entries that are in force from `now` until `AHEAD` of it, by their start; and how many say nothing already
    here, by why. Raises NotCalendar, BrokenCalendar."""
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if len(body) > BODY_MAX or not text[:15].upper() == b"BEGIN:VCALENDAR":
        raise NotCalendar
    try:
        calendars = icalendar.Calendar.from_ical(text, multiple=True)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # of a library, and of any bytes
        raise BrokenCalendar from error
    passed: Counter[Passed] = Counter()
    found: list[Entry] = []
    for calendar in calendars:
        for entry in _entries(calendar, now, passed):
            found.append(entry)
            if len(found) >= OCCURRENCES_MAX:
                passed[Passed.TOO_MANY] += 1
                return _by_start(found), passed
    return _by_start(found), passed


def _by_start(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda one: (one.start.isoformat(), one.uid))


def _entries(calendar: Any, now: datetime, passed: Counter[Passed]) -> Iterator[Entry]:
    series: dict[str, list[Any]] = {}
    for number, event in enumerate(calendar.walk("VEVENT")):
        if number >= EVENTS_MAX:
            passed[Passed.TOO_MANY] += 1
            break
        series.setdefault(str(event.get("UID", "")) or f"#{number}", []).append(event)
    # A day more on both sides: dates begin and end at other moments in other zones.
    span = now - timedelta(days=1), now + AHEAD + timedelta(days=1)
    floating = _zone(str(calendar.get("X-WR-TIMEZONE", "")))
    for uid, events in series.items():
        alone = icalendar.Calendar()
        alone.subcomponents = events
        try:
            if any(_within_a_day(event) for event in events):
                passed[Passed.TOO_OFTEN] += 1
                continue
            for event in recurring_ical_events.of(alone).between(*span):
                yield _entry(uid, event, floating)
        except (MemoryError, RecursionError):
            raise
        except Exception:  # of two libraries, and of any bytes; what it is stands nowhere
            passed[Passed.UNREADABLE] += 1
    for number, told in enumerate(calendar.walk("VFREEBUSY")):
        yield from _busy(number, told, span, passed)


def _within_a_day(event: Any) -> bool:
    """Whether it recurs more than once a day: nobody's absence does, and nobody could count it."""
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        parts = {str(name).upper(): value for name, value in rule.items()}
        if any(str(frequency).upper() in _WITHIN_A_DAY for frequency in parts.get("FREQ", ())):
            return True
        if any(len(parts.get(name, ())) > 1 for name in _BY_TIME):
            return True
    return False


def _zone(name: str) -> ZoneInfo | None:
    """In which moments without a zone are meant. Not given on to x-wr-timezone, which takes every zone that has no name
    for its kind of time (TZNAME), as Outlook's, for none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # no such zone, or no such file
        return None


def _entry(uid: str, event: Any, floating: ZoneInfo | None) -> Entry:
    start, end = event.start, event.end
    if str(event.get("X-MICROSOFT-CDO-ALLDAYEVENT", "")).upper() == "TRUE" and isinstance(start, datetime):
        start, end = _day(start), _day(end)  # Exchange writes some of whole days as midnights, in UTC too
    shown = Shown.FREE if str(event.get("TRANSP", "")).upper() == "TRANSPARENT" else Shown.BUSY
    status = str(event.get("STATUS", "")).upper()
    if status == "TENTATIVE":
        shown = Shown.TENTATIVE
    return Entry(
        uid=uid[:UID_MAX],
        start=_utc(start, floating),
        end=_utc(end, floating),
        text=str(event.get("SUMMARY", ""))[:TEXT_MAX],
        shown=_STATUS.get(str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper(), shown),
        cancelled=status == "CANCELLED",
        private=str(event.get("CLASS", "")).upper() in ("PRIVATE", "CONFIDENTIAL"),
    )


def _busy(number: int, told: Any, span: tuple[datetime, datetime], passed: Counter[Passed]) -> Iterator[Entry]:
    periods = told.get("FREEBUSY", [])
    for period in periods if isinstance(periods, list) else [periods]:
        try:
            kind = str(period.params.get("FBTYPE", "BUSY")).upper()
            start, end = _utc(period.start), _utc(period.end)
            if isinstance(start, datetime) and isinstance(end, datetime) and start < span[1] and end > span[0]:
                yield Entry(uid=f"busy{number}", start=start, end=end, shown=_FREE_BUSY.get(kind, Shown.BUSY))
        except (ValueError, TypeError, AttributeError, OverflowError):
            passed[Passed.UNREADABLE] += 1


def _day(moment: datetime | date) -> date:
    if not isinstance(moment, datetime):
        return moment
    return (moment.astimezone(_SITE) if moment.tzinfo else moment).date()


def _utc(moment: datetime | date, floating: ZoneInfo | None = None) -> datetime | date:
    if not isinstance(moment, datetime):
        return moment
    there = moment if moment.tzinfo else moment.replace(tzinfo=floating)
    return there.astimezone(UTC) if there.tzinfo else there


def _within_bounds() -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
