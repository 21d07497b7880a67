"""What the entries of somebody's calendar mean for their phone (C3), as Trio's calendar link has taught it to people.

- Letters and a sign stand first in an entry's text. ``SAM:`` closes the phone for its time, ``SAM;`` leaves it open and
  only tells. The letters are those of the site's reasons, in whatever case.
- Such an entry counts whether or not it is shown as busy (Outlook shows one of a whole day as free), a cancelled or a
  private one never. An entry without letters says nothing, but where the municipality wants it (`calendar_busy`): what
  is shown as busy or away closes the phone then; what is free, tentative or private does not.
- An entry of whole days ends when work begins on the first worked day after them.
- The text after the sign is nobody's business, but where the municipality wants it shown (`calendar_text`); then as far
  as the first full stop.

What says nothing is counted by why, so that a page can tell somebody what was understood and what was not.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from callcontrol.plan.absence import YEARS
from callcontrol.plan.reasons import OFFICE_HOURS, Reason, ReasonTable, default_until
from callcontrol.plan.schedule import Schedule, local_moment

__all__ = ["AHEAD", "ENTRIES_MAX", "INFORMATION_MAX", "Agenda", "Entry", "Meant", "Passed", "Shown", "understand"]

AHEAD = timedelta(days=31)
"""How far ahead a calendar is read; what lies beyond is met when its time comes nearer."""
ENTRIES_MAX = 300
"""Entries of one calendar that say something; the nearest count."""
INFORMATION_MAX = 80
UNKNOWN_MAX = 5
"""Letters that are no reason's, told to whoever wrote them."""
_WORKED_WITHIN_DAYS = 31

_LETTERS = re.compile(r"([^\W\d_]{2,6}) ?([:;])\s*(.*)", re.DOTALL)


class Shown(StrEnum):
    """How an entry shows its time."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    AWAY = "away"  # Outlook's "out of office"; RFC 5545's BUSY-UNAVAILABLE


class Passed(StrEnum):
    """Why an entry says nothing."""

    CANCELLED = "cancelled"
    PRIVATE = "private"
    NO_LETTERS = "no_letters"
    UNKNOWN_LETTERS = "unknown_letters"
    NO_LENGTH = "no_length"
    UNREADABLE = "unreadable"
    TOO_OFTEN = "too_often"  # repeats within a day
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a calendar, or one time of one that recurs. `start` and `end` are both dates (whole days, the end
    not among them) or both moments; one without a zone is the site's own time."""

    uid: str
    start: datetime | date
    end: datetime | date
    text: str = ""
    shown: Shown = Shown.BUSY
    cancelled: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What an entry comes to. `key` is of all that it says and of the entry that says it."""

    key: str
    start: datetime
    until: datetime
    reason: str
    open: bool
    information: str = ""


@dataclass(frozen=True, slots=True)
class Agenda:
    """`unknown`: letters that are no reason's here, as they were written."""

    meant: tuple[Meant, ...]
    passed: Mapping[Passed, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def understand(
    entries: Iterable[Entry],
    reasons: ReasonTable,
    now: datetime,
    *,
    hours: Schedule = OFFICE_HOURS,
    busy: bool = False,
    text: bool = False,
) -> Agenda:
    """What a calendar says from `now` on, in order; `busy` and `text`: what the municipality wants of entries without
    letters, and of the text after them."""
    found: dict[str, Meant] = {}
    passed: Counter[Passed] = Counter()
    unknown: dict[str, None] = {}
    for entry in entries:
        said = _meaning(entry, reasons, busy=busy)
        if isinstance(said, Passed):
            passed[said] += 1
            continue
        reason, open_, rest = said
        if reason is None:
            passed[Passed.UNKNOWN_LETTERS] += 1
            unknown[rest] = None
            continue
        moments = _moments(entry, hours)
        if isinstance(moments, Passed):
            passed[moments] += 1
        elif moments[1] > now and moments[0] < now + AHEAD:
            meant = _meant(entry, *moments, reason, open_=open_, information=_information(rest) if text else "")
            found[meant.key] = meant
    ordered = sorted(found.values(), key=lambda one: (one.start, one.until, one.key))
    if len(ordered) > ENTRIES_MAX:
        passed[Passed.TOO_MANY] += len(ordered) - ENTRIES_MAX
    return Agenda(tuple(ordered[:ENTRIES_MAX]), passed, tuple(unknown)[:UNKNOWN_MAX])


def _meaning(entry: Entry, reasons: ReasonTable, *, busy: bool) -> Passed | tuple[Reason | None, bool, str]:
    """The reason, whether the phone stays open, and the rest of the text; no reason: the letters, which are
    nobody's."""
    if entry.cancelled:
        return Passed.CANCELLED
    text = unicodedata.normalize("NFC", entry.text).strip()
    lettered = _LETTERS.match(text)
    if entry.private:
        return Passed.PRIVATE if lettered or busy else Passed.NO_LETTERS
    if lettered and (reason := reasons.by_letters(lettered[1])) is not None:
        return reason, lettered[2] == ";", lettered[3]
    if busy and entry.shown in (Shown.BUSY, Shown.AWAY):
        reason = reasons.by_key("meeting" if entry.shown is Shown.BUSY else "not_available") or reasons.by_key("other")
        return (reason, False, "") if reason else Passed.NO_LETTERS
    if lettered and lettered[1].isupper():
        return None, False, f"{lettered[1]}{lettered[2]}"
    return Passed.NO_LETTERS


def _moments(entry: Entry, hours: Schedule) -> Passed | tuple[datetime, datetime]:
    try:
        start, until = _moment(entry.start), _moment(entry.end)
        if start.year not in YEARS or until.year not in YEARS:
            return Passed.UNREADABLE
        if not isinstance(entry.end, datetime) and until > start:
            until = _back(entry.end, hours)
    except (ValueError, OverflowError):
        return Passed.UNREADABLE
    return (start, until) if start < until else Passed.NO_LENGTH


def _moment(moment: datetime | date) -> datetime:
    if not isinstance(moment, datetime):
        return local_moment(moment, time()).astimezone(UTC)
    return (moment if moment.tzinfo else local_moment(moment.date(), moment.time())).astimezone(UTC)


def _back(day: date, hours: Schedule) -> datetime:
    """When work begins on this day, or on the next one that is worked."""
    days = (day + timedelta(days=ahead) for ahead in range(_WORKED_WITHIN_DAYS))
    worked = next((then for then in days if hours.hours(then)), day)
    back = default_until(_ANY, local_moment(worked, time()), hours, worked)
    return (back or local_moment(worked, time())).astimezone(UTC)


_ANY = Reason(key="any", sv="", en="")


def _information(rest: str) -> str:
    """As far as the first full stop, on one line."""
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in rest.partition(".")[0]).split())
    return shown[:INFORMATION_MAX]


def _meant(entry: Entry, start: datetime, until: datetime, reason: Reason, *, open_: bool, information: str) -> Meant:
    said = (entry.uid, start.isoformat(), until.isoformat(), reason.key, str(open_), information)
    key = hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Meant(key=key, start=start, until=until, reason=reason.key, open=open_, information=information)
