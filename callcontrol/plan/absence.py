"""The referral calculus: who is away, why, and when they are back (C1, C4, C8).

A **referral** is one whole interval, with its reason, its return and who answers instead; it is never changed, only
followed by another with an id of its own. An **opening** is somebody's "I am back": it names the referrals that it had
seen, and ends those and no others. From both, in any order and from any source, `timeline` makes what is so:

- Referrals that overlap or touch are one **interval** with a common end (SAMSA §4.4: a meeting into lunch ends at
  13). What is said meanwhile is the reason that governs *now*; the return is the common end.
- Of several at once the one set by a hand governs (code, page, app, SMS, operator, manager, platform), before those
  that come by themselves (calendar, import); then the one that was set last, by its stamp where it has one; then the
  greater id, so that every unit agrees. So a manager's word for somebody ill governs over that person's own calendar.
- Until further notice is an interval without end.
- An **open** referral (`;` in the calendar) is information only: the phone rings, and it never closes anything.
- A referral may recur: `every` is a schedule's text ("fre 13:00-17:00"), within its bounds. Each time is an occurrence
  with an id of its own, ``ID@2026-11-27``, so that an opening can end this Friday's alone.

Moments given in are aware. Within an interval they are UTC; those of `Absent` are Europe/Stockholm's, for people.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from callcontrol.plan.schedule import STOCKHOLM, Schedule, ScheduleError, local_moment

__all__ = [
    "AHEAD",
    "Absent",
    "Interval",
    "Opening",
    "Part",
    "Referral",
    "Source",
    "information_at",
    "state_at",
    "timeline",
]

AHEAD = timedelta(days=14)
"""How far ahead recurring referrals are spread out, unless more is asked for."""
RECURRING_DAYS_MAX = 800
"""The longest that one referral may recur; a recurring meeting without end is refused, as peers ignore it."""
YEARS = range(1990, 2200)
"""What lies beyond is a mistake, or another system's word for "until further notice", which here is None."""
_FOREVER = datetime.max.replace(tzinfo=UTC)


class Source(StrEnum):
    """Who or what set a referral (C3)."""

    CODE = "code"
    PAGE = "page"
    APP = "app"
    SMS = "sms"
    OPERATOR = "operator"
    MANAGER = "manager"
    PLATFORM = "platform"
    CALENDAR = "calendar"
    IMPORT = "import"

    @property
    def by_hand(self) -> bool:
        """Whether a person meant just this, just now."""
        return self not in (Source.CALENDAR, Source.IMPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """Somebody is away. Raises ValueError, naming the field, for what cannot be."""

    id: str
    extension: str
    """Whose phone: an extension, or a person's id where the store keeps it by person."""
    reason: str
    """The key of a `Reason`."""
    start: datetime
    until: datetime | None
    """None: until further notice. Not after `start`: never in force."""
    answers_instead: str = ""
    direct: bool = False
    """Calls go to `answers_instead` straight; else it is only shown to the operator."""
    information: str = ""
    open: bool = False
    source: Source
    set_by: str
    set_at: datetime
    stamp: str = ""
    """By which it is ordered among what several places have set; "" where it was set by one alone, at `set_at`."""
    every: str | None = None
    """When it recurs between `start` and `until`: weekdays and times as `Schedule` reads them. None: it is in force
    from start until until."""

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("until", self.until), ("set_at", self.set_at)):
            if moment is not None and (moment.tzinfo is None or moment.year not in YEARS):
                raise ValueError(f"{name}: no time zone, or a year out of reason: {moment}")
        if self.every is not None:
            if self.until is None or (self.until - self.start).days > RECURRING_DAYS_MAX:
                raise ValueError(f"until: must be within {RECURRING_DAYS_MAX} days of start where it recurs")
            _recurrence(self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Somebody is back: at this moment the referrals (or occurrences) `seen` are over."""

    id: str
    extension: str
    at: datetime
    seen: frozenset[str]
    set_by: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"at: no time zone: {self.at}")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of an interval in which one referral governs."""

    start: datetime
    until: datetime | None
    referral: Referral


@dataclass(frozen=True, slots=True)
class Interval:
    """Away without a gap. `parts` follow each other from start to until."""

    start: datetime
    until: datetime | None
    parts: tuple[Part, ...]
    begun: tuple[tuple[datetime, str], ...]
    """Every referral or occurrence in it, those that never govern too: when it begins, and its id; in order."""
    open: bool = False

    def covers(self, moment: datetime) -> bool:
        """The moment of return is not covered."""
        return self.start <= moment < (self.until or _FOREVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What is so at one moment."""

    reason: str
    since: datetime
    back_at: datetime | None
    """None: until further notice."""
    answers_instead: str = ""
    direct: bool = False
    information: str = ""
    source: Source
    set_by: str
    referral: str
    """The id of the one that governs."""
    seen: frozenset[str] = field(default_factory=frozenset)
    """What an opening at this moment has seen: all of the interval that has begun, or begins before midnight. What is
    booked for another day, within somebody's illness perhaps, is not ended by being well again."""


def timeline(
    referrals: Iterable[Referral], openings: Iterable[Opening], now: datetime, *, ahead: timedelta = AHEAD
) -> tuple[Interval, ...]:
    """What one phone's referrals and openings come to, from `now` on: sorted, and no two at the same time.

    Open intervals are what is left of open referrals beside the others. A referral that is given twice counts once; of
    two with one id, the one that was set last.
    """
    at = now.astimezone(UTC)
    pieces = list(_pieces(referrals, openings, at, ahead))
    closed = _intervals(_sweep([p for p in pieces if not p.referral.open]), pieces)
    rest = _beside(_sweep([p for p in pieces if p.referral.open]), closed)
    found = closed + _intervals(rest, pieces, open_=True)
    return tuple(
        interval for interval in sorted(found, key=lambda interval: interval.start) if (interval.until or _FOREVER) > at
    )


def state_at(timeline: Sequence[Interval], moment: datetime) -> Absent | None:
    """Whether somebody is away at a moment; None: the phone rings (open referrals do not count, see below)."""
    return _state(timeline, moment, open_=False)


def information_at(timeline: Sequence[Interval], moment: datetime) -> Absent | None:
    """What an open referral tells at a moment at which the phone rings all the same; None: nothing."""
    return _state(timeline, moment, open_=True)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A referral, or one occurrence of it, as far as no opening has ended it. Never empty."""

    start: datetime
    until: datetime
    id: str
    referral: Referral

    @property
    def rank(self) -> tuple[bool, str, str]:
        """The greatest governs."""
        return self.referral.source.by_hand, _order(self.referral), self.id


def _pieces(
    referrals: Iterable[Referral], openings: Iterable[Opening], now: datetime, ahead: timedelta
) -> Iterator[_Piece]:
    latest: dict[str, Referral] = {}
    for referral in referrals:
        known = latest.get(referral.id)
        if known is None or _later(referral) > _later(known):
            latest[referral.id] = referral
    ended: dict[str, datetime] = {}
    for opening in openings:
        for seen in opening.seen:
            ended[seen] = min(opening.at.astimezone(UTC), ended.get(seen, _FOREVER))
    for referral in latest.values():
        over = ended.get(referral.id, _FOREVER)
        for start, until, occurrence in _occurrences(referral, now, ahead):
            ends = min(until, over, ended.get(occurrence, _FOREVER))
            if start < ends:
                yield _Piece(start, ends, occurrence, referral)


def _order(referral: Referral) -> str:
    """Its stamp, or what a stamp of that moment begins with (hexadecimal ms since 1970)."""
    return referral.stamp or f"{int(referral.set_at.timestamp() * 1000):012x}"


def _later(referral: Referral) -> tuple[datetime, str]:
    return referral.set_at, repr(referral)


def _occurrences(referral: Referral, now: datetime, ahead: timedelta) -> Iterator[tuple[datetime, datetime, str]]:
    start = referral.start.astimezone(UTC)
    until = _FOREVER if referral.until is None else referral.until.astimezone(UTC)
    if referral.every is None:
        yield start, until, referral.id
        return
    weekly = _recurrence(referral.every)
    day = max(start, now - timedelta(days=2)).astimezone(STOCKHOLM).date() - timedelta(days=1)
    last = min(until, now + ahead).astimezone(STOCKHOLM).date()
    while day <= last:
        for number, (begins, ends) in enumerate(weekly.instants(day)):
            occurrence = f"{referral.id}@{day}" + (f".{number}" if number else "")
            yield max(begins, start), min(ends, until), occurrence
        day += timedelta(days=1)


@lru_cache(maxsize=256)
def _recurrence(every: str) -> Schedule:
    """Weekdays and times, holidays like any other day. Raises ValueError."""
    try:
        read = Schedule.parse(every)
    except ScheduleError as refused:
        raise ValueError(f"every: {refused}") from None
    if read.kinds or read.dates or not any(read.weekly):
        raise ValueError(f"every: weekdays and times only: {every!r}")
    return read.every_week()


def _sweep(pieces: Sequence[_Piece]) -> list[tuple[datetime, datetime, _Piece]]:
    """The time that pieces cover, in order, each stretch with the piece that governs it."""
    waiting = sorted(pieces, key=lambda piece: piece.start)
    orders = {
        id(piece): order for order, piece in enumerate(sorted(pieces, key=lambda piece: piece.rank, reverse=True))
    }
    edges = sorted({edge for piece in pieces for edge in (piece.start, piece.until)})
    in_force: list[tuple[int, _Piece]] = []
    covered: list[tuple[datetime, datetime, _Piece]] = []
    begun = 0
    for edge, following in pairwise(edges):
        while begun < len(waiting) and waiting[begun].start <= edge:
            heapq.heappush(in_force, (orders[id(waiting[begun])], waiting[begun]))
            begun += 1
        while in_force and in_force[0][1].until <= edge:
            heapq.heappop(in_force)
        if not in_force:
            continue
        governs = in_force[0][1]
        if covered and covered[-1][1] == edge and covered[-1][2] is governs:
            covered[-1] = (covered[-1][0], following, governs)
        else:
            covered.append((edge, following, governs))
    return covered


def _beside(
    stretches: Sequence[tuple[datetime, datetime, _Piece]], closed: Sequence[Interval]
) -> list[tuple[datetime, datetime, _Piece]]:
    """Stretches less the time of intervals; both in order."""
    left: list[tuple[datetime, datetime, _Piece]] = []
    for start, until, piece in stretches:
        at = start
        for interval in closed:
            ends = interval.until or _FOREVER
            if ends <= at or interval.start >= until:
                continue
            if at < interval.start:
                left.append((at, interval.start, piece))
            at = ends
        if at < until:
            left.append((at, until, piece))
    return left


def _intervals(
    stretches: Sequence[tuple[datetime, datetime, _Piece]], pieces: Sequence[_Piece], *, open_: bool = False
) -> list[Interval]:
    """Stretches without a gap between them, made one."""
    runs: list[list[tuple[datetime, datetime, _Piece]]] = []
    for stretch in stretches:
        if runs and runs[-1][-1][1] == stretch[0]:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    among = sorted((piece.start, piece.until, piece.id) for piece in pieces if piece.referral.open is open_)
    found = []
    for run in runs:
        start, until = run[0][0], run[-1][1]
        found.append(
            Interval(
                start,
                _end(until),
                tuple(Part(begins, _end(ends), piece.referral) for begins, ends, piece in run),
                tuple((begins, name) for begins, ends, name in among if begins < until and start < ends),
                open_,
            )
        )
    return found


def _end(until: datetime) -> datetime | None:
    return None if until == _FOREVER else until


def _state(timeline: Sequence[Interval], moment: datetime, *, open_: bool) -> Absent | None:
    at = moment.astimezone(UTC)
    for interval in timeline:
        if interval.open is open_ and interval.covers(at):
            break
    else:
        return None
    part = next(part for part in reversed(interval.parts) if part.start <= at)
    governs = part.referral
    midnight = local_moment(at.astimezone(STOCKHOLM).date() + timedelta(days=1), time()).astimezone(UTC)
    return Absent(
        reason=governs.reason,
        since=interval.start.astimezone(STOCKHOLM),
        back_at=interval.until.astimezone(STOCKHOLM) if interval.until else None,
        answers_instead=governs.answers_instead,
        direct=governs.direct,
        information=governs.information,
        source=governs.source,
        set_by=governs.set_by,
        referral=governs.id,
        seen=frozenset(name for begins, name in interval.begun if begins < midnight),
    )
