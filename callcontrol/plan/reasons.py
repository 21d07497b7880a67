"""Why somebody is away: the site's table of reasons, when one comes back from each, and what is odd about a return.

The digits of the referral codes (``*23*1*1430#``) mean what each site decides, so the reasons are a table. Two come
ready: `MX_ONE`, as a Swedish university has it, with its default returns; and `SWEDISH`, the words that a Swedish
company phone offers, with lunch. A reason that is nobody's business has a public word: who is ill is "frånvarande" to a
caller.

A site's own reasons lie over the ready ones, or stand alone (`table_of`). Working hours and public holidays are a
`Schedule`; `OFFICE_HOURS` where nothing else is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from callcontrol.plan.holidays import next_working_day
from callcontrol.plan.schedule import STOCKHOLM, Schedule, local_moment

__all__ = [
    "MX_ONE",
    "OFFICE_HOURS",
    "READY",
    "SWEDISH",
    "Doubt",
    "DoubtKind",
    "Needs",
    "Reason",
    "ReasonTable",
    "Return",
    "ReturnKind",
    "default_until",
    "given_of",
    "question",
    "table_of",
]

OFFICE_HOURS = Schedule.parse("mån-fre 08:00-17:00")
DAY_BEGINS = time(8)
LUNCH_ENDS = time(13)
_SEARCH_DAYS = 366


class ReturnKind(StrEnum):
    """When somebody is back who gave no time."""

    AFTER = "after"  # so many minutes
    NEXT_DAY = "next_day"  # the next working day, at a time
    AT = "at"  # today at a time; when that is past, after so many minutes
    CANCELLED = "cancelled"  # not before they say so
    ASKED = "asked"  # it is asked for; where nobody can be asked, the next working day


class Needs(StrEnum):
    """What a reason asks for."""

    NOTHING = "nothing"
    TIME = "time"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Return:
    """The default return."""

    kind: ReturnKind
    at: time | None = DAY_BEGINS
    """None: when that day's work begins."""
    minutes: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row of a site's table. `sv` and `en` are for colleagues; others are told `public`, where it is set."""

    key: str
    digit: str = ""
    letters: str = ""
    """Of a calendar entry: ``SAM:`` closes the phone, ``SAM;`` leaves it open."""
    sv: str
    en: str
    public: tuple[str, str] | None = None
    """Swedish and English."""
    returns: Return = Return(ReturnKind.NEXT_DAY)
    needs: Needs = Needs.NOTHING
    longest: timedelta | None = None
    """What lasts longer is questioned: lunch at four."""

    def word(self, *, public: bool, english: bool = False) -> str:
        """What is said or shown."""
        return (self.public if public and self.public else (self.sv, self.en))[english]


@dataclass(frozen=True, slots=True)
class ReasonTable:
    """A site's reasons. ValueError where two have the same key, digit or letters."""

    reasons: tuple[Reason, ...]
    _by_key: dict[str, Reason] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("key", "digit", "letters"):
            counted = Counter(value for reason in self.reasons if (value := getattr(reason, name).upper()))
            twice = [value for value, times in counted.items() if times > 1]
            if twice:
                raise ValueError(f"{name}: twice in the table: {', '.join(twice)}")
        object.__setattr__(self, "_by_key", {reason.key: reason for reason in self.reasons})

    def __iter__(self) -> Iterator[Reason]:
        return iter(self.reasons)

    def by_key(self, key: str) -> Reason | None:
        return self._by_key.get(key)

    def by_digit(self, digit: str) -> Reason | None:
        return next((reason for reason in self.reasons if digit and reason.digit == digit), None)

    def by_letters(self, letters: str) -> Reason | None:
        """Whatever their case."""
        return next((reason for reason in self.reasons if letters and reason.letters == letters.upper()), None)


def table_of(own: Iterable[Reason], ready: ReasonTable | None) -> ReasonTable:
    """A site's own reasons, and of the ready ones those of other keys, without a digit or letters that are taken.

    ValueError where two of its own have the same key, digit or letters.
    """
    table = ReasonTable(tuple(own))
    digits, letters = {reason.digit for reason in table}, {reason.letters.upper() for reason in table}
    rest = (
        replace(
            reason,
            digit="" if reason.digit in digits else reason.digit,
            letters="" if reason.letters.upper() in letters else reason.letters,
        )
        for reason in ready or ()
        if table.by_key(reason.key) is None
    )
    return ReasonTable((*table, *rest))


_CANCELLED = Return(ReturnKind.CANCELLED)
_DAY = timedelta(hours=10)
_AWAY = ("Frånvarande", "Away")
_OFF = ("Ledig", "Off work")

MX_ONE = ReasonTable(
    (
        Reason(key="back_at", digit="0", sv="Åter klockan", en="Back at", needs=Needs.TIME, longest=_DAY,
               returns=Return(ReturnKind.AFTER, minutes=30)),
        Reason(key="meeting", digit="1", letters="SAM", sv="Sammanträde", en="Meeting", needs=Needs.TIME, longest=_DAY),
        Reason(key="course", digit="2", sv="Kurs", en="Course", needs=Needs.TIME),
        Reason(key="not_available", digit="3", sv="Ej anträffbar", en="Not available", needs=Needs.TIME, longest=_DAY),
        Reason(key="business_trip", digit="4", letters="TJÄ", sv="Tjänsteresa", en="Travelling on business",
               needs=Needs.DATE),
        Reason(key="part_time", digit="5", sv="Deltid", en="Part-time", needs=Needs.DATE, public=_OFF),
        Reason(key="vacation", digit="6", sv="Semester", en="Vacation", needs=Needs.DATE),
        Reason(key="leave", digit="7", sv="Tjänstledig", en="On leave", needs=Needs.DATE, public=_OFF),
        Reason(key="back_on", digit="8", sv="Åter den", en="Back on", needs=Needs.DATE),
        Reason(key="sick", digit="9", sv="Sjuk", en="Sick", returns=_CANCELLED, public=_AWAY),
    )
)  # fmt: skip
"""Digits and defaults: uu.se, Codes for referral and forwarding an extension (facts/consoles.md, GOLD): 0 is 30
minutes; 1 to 8 are until 08:00 on the next working day; 9 until cancelled."""

SWEDISH = ReasonTable(
    (
        Reason(key="lunch", letters="LUN", sv="Lunch", en="Lunch", needs=Needs.TIME, longest=timedelta(hours=2),
               returns=Return(ReturnKind.AT, LUNCH_ENDS)),
        Reason(key="working_from_home", letters="HEM", sv="Arbetar hemma", en="Working from home", needs=Needs.TIME),
        Reason(key="at_customer", letters="KUN", sv="Arbetar hos kund", en="Working at a customer's", needs=Needs.TIME),
        Reason(key="part_time", letters="DEL", sv="Deltidsledig", en="Part-time leave", needs=Needs.DATE, public=_OFF),
        Reason(key="parental_leave", letters="FÖR", sv="Föräldraledig", en="Parental leave", needs=Needs.DATE,
               public=_OFF),
        Reason(key="gone_for_the_day", letters="GFD", sv="Gått för dagen", en="Gone for the day"),
        Reason(key="time_off", letters="KOM", sv="Kompledig", en="Time off", needs=Needs.DATE, public=_OFF),
        Reason(key="customer_visit", letters="BES", sv="Kundbesök", en="Visiting a customer", needs=Needs.TIME,
               longest=_DAY),
        Reason(key="meeting", letters="SAM", sv="Möte", en="Meeting", needs=Needs.TIME, longest=_DAY,
               returns=Return(ReturnKind.AFTER, minutes=60)),
        Reason(key="vacation", letters="SEM", sv="Semester", en="Vacation", needs=Needs.DATE),
        Reason(key="sick", letters="SJU", sv="Sjuk", en="Sick", returns=_CANCELLED, public=_AWAY),
        Reason(key="business_trip", letters="TJÄ", sv="Tjänsteresa", en="Business trip", needs=Needs.DATE),
        Reason(key="leave", letters="LED", sv="Tjänstledig", en="On leave", needs=Needs.DATE, public=_OFF),
        Reason(key="care_of_child", letters="VAB", sv="Vård av barn", en="Care of a child", public=_AWAY),
        Reason(key="other", letters="ÖVR", sv="Övrigt", en="Other", needs=Needs.TIME, public=_AWAY),
    )
)  # fmt: skip
"""The fourteen words of a Swedish company phone (facts/consoles.md), and lunch; SAM and TJÄ are SAMSA's letters."""


def _digit_of(key: str) -> str:
    known = MX_ONE.by_key(key)
    return known.digit if known else ""


READY = ReasonTable(
    (
        *(replace(reason, digit=_digit_of(reason.key)) for reason in SWEDISH),
        *(reason for reason in MX_ONE if SWEDISH.by_key(reason.key) is None),
    )
)
"""What a site has that says nothing else: the Swedish words, with the digits of MX-ONE and what those mean beside them,
so that a code can be dialled anywhere."""


def default_until(
    reason: Reason, start: datetime, hours: Schedule = OFFICE_HOURS, given: time | date | None = None
) -> datetime | None:
    """When somebody is back who leaves at `start`; None: when they say so.

    A time given is today's, or the next working day's when it is past; a date given is when that day's work begins.
    With nothing given it is the reason's default. (facts/consoles.md, GOLD.)
    """
    left = start.astimezone(STOCKHOLM)
    today = left.date()
    if isinstance(given, datetime):
        raise TypeError("a time or a date, not both")
    if isinstance(given, time):
        return _at_or_next_day(left, given, hours)
    if given is not None:
        return _work_begins(given, hours, DAY_BEGINS)
    rule = reason.returns
    match rule.kind:
        case ReturnKind.CANCELLED:
            return None
        case ReturnKind.NEXT_DAY | ReturnKind.ASKED:
            day = _next_worked(today, hours)
            return local_moment(day, rule.at) if rule.at else _work_begins(day, hours, DAY_BEGINS)
        case ReturnKind.AT if rule.at and local_moment(today, rule.at).astimezone(UTC) > start.astimezone(UTC):
            return local_moment(today, rule.at)
    return (start.astimezone(UTC) + timedelta(minutes=rule.minutes)).astimezone(STOCKHOLM)


def given_of(digits: str, reason: Reason, start: datetime, *, day_first: bool = False) -> time | date:
    """The four digits of a code: HHMM, or MMDD (DDMM where `day_first`), by what the reason needs.

    A date that is past is next year's. ValueError for what is neither.
    """
    if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"four digits: {digits!r}")
    first, second = int(digits[:2]), int(digits[2:])
    if reason.needs is not Needs.DATE:
        return time(first, second)
    today = start.astimezone(STOCKHOLM).date()
    month, day = (second, first) if day_first else (first, second)
    for year in range(today.year, today.year + 9):  # the 29th of February may be eight years away
        try:
            then = date(year, month, day)
        except ValueError:
            continue
        if then >= today:
            return then
    raise ValueError(f"no such date: {digits!r}")


class DoubtKind(StrEnum):
    """What is odd about a return."""

    BEFORE_START = "before_start"
    PAST = "past"
    NO_END = "no_end"  # a reason that ends by itself, without an end
    STALE = "stale"  # lunch, and it is four o'clock; or no end, and a usual one is past
    NOT_WORKED = "not_worked"  # back on a day on which nobody works
    AFTER_HOURS = "after_hours"  # "after 17 tomorrow"
    TOO_LONG = "too_long"
    NOT_GIVEN = "not_given"  # the reason asks for a return, and none was said


@dataclass(frozen=True, slots=True)
class Doubt:
    """A return to ask about before it is taken, or shown as doubtful. `instead` is what may have been meant."""

    kind: DoubtKind
    instead: datetime | None = None


def question(
    reason: Reason, start: datetime, until: datetime | None, now: datetime, hours: Schedule = OFFICE_HOURS
) -> Doubt | None:
    """What is impossible or odd about a return, the worst first; None: nothing. It is asked, never refused.

    The default return of a reason is not in doubt, however long; an end that has passed is not stale but past.
    """
    begins, at = start.astimezone(UTC), now.astimezone(UTC)
    usual = default_until(reason, start, hours)
    ahead = usual if usual is not None and usual.astimezone(UTC) > at else None
    forgotten = reason.longest is not None and at - begins > reason.longest
    if until is None:
        if usual is None:
            return None
        return Doubt(DoubtKind.STALE) if forgotten or ahead is None else Doubt(DoubtKind.NO_END, ahead)
    ends = until.astimezone(UTC)
    if ends <= begins:
        return Doubt(DoubtKind.BEFORE_START, ahead)
    if ends <= at:
        return Doubt(DoubtKind.PAST, ahead)
    if usual is not None and ends == usual.astimezone(UTC):
        return None
    if forgotten:
        return Doubt(DoubtKind.STALE)
    back = until.astimezone(STOCKHOLM)
    spans = hours.hours(back.date())
    if not spans:
        return Doubt(DoubtKind.NOT_WORKED, _work_begins(_next_worked(back.date(), hours), hours, DAY_BEGINS))
    if back.hour * 60 + back.minute >= spans[-1].ends:
        return Doubt(DoubtKind.AFTER_HOURS, _work_begins(_next_worked(back.date(), hours), hours, DAY_BEGINS))
    if reason.longest is not None and ends - begins > reason.longest and (usual is None or ends > usual):
        return Doubt(DoubtKind.TOO_LONG, ahead)
    return None


def _at_or_next_day(left: datetime, at: time, hours: Schedule) -> datetime:
    today = local_moment(left.date(), at, last=True)
    if today.astimezone(UTC) > left.astimezone(UTC):
        first = local_moment(left.date(), at)
        return first if first.astimezone(UTC) > left.astimezone(UTC) else today
    return local_moment(_next_worked(left.date(), hours), at)


def _work_begins(day: date, hours: Schedule, otherwise: time) -> datetime:
    spans = hours.hours(day)
    begins = time(spans[0].begins // 60, spans[0].begins % 60) if spans else otherwise
    return local_moment(day, begins)


def _next_worked(day: date, hours: Schedule) -> date:
    """The next day with hours; where a schedule has none within a year, the next working day."""
    later = (day + timedelta(days=ahead) for ahead in range(1, _SEARCH_DAYS))
    return next((then for then in later if hours.hours(then)), None) or next_working_day(day, hours.rules)
