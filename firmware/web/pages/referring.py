"""Somebody is away, or back: one way for one's own page and for whoever does it for others.

What is set here takes the place of what governs now where that, too, was set by a hand: whoever says "lunch until one"
and then "until twelve" means twelve. Calendars and what is booked for later stay (callcontrol/plan/absence.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from http import HTTPStatus

from callcontrol.plan.absence import Interval, Opening, Referral, Source, timeline
from callcontrol.plan.model import Extension
from callcontrol.plan.reasons import Reason, ReturnKind, default_until
from callcontrol.plan.refer import INFORMATION_MAX, OPEN_END, Question, referral
from callcontrol.plan.refer import Given as When
from callcontrol.plan.schedule import STOCKHOLM, Schedule, local_moment
from firmware.store.changes import new_id
from firmware.store.database import transact
from firmware.store.referrals import put_opening, put_referral
from firmware.web.pages.people import seen
from firmware.web.site import Denied, Request
from firmware.web.store import Store
from firmware.web.views.own import Away, Given
from firmware.web.views.parts import Wrong
from firmware.web.words import Say

__all__ = ["Whose", "back", "chips", "end", "form_of", "intervals", "refer", "usual"]

WAITED_MAX = timedelta(hours=12)
"""A form that waited for the network longer says nothing any more."""
AHEAD = timedelta(days=120)
"""Bookings that are shown."""
_HALF_HOUR = timedelta(minutes=30)
_CHIPS_MAX = 6
_ONCE = re.compile(r"[0-9a-f]{24}")
_SEEN = re.compile(r"[0-9A-Za-z@._:+-]{1,100}")
SEEN_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Phones that are referred at once: a person's, or one alone. `by`: who does it."""

    numbers: Sequence[str]
    by: str
    source: Source

    @property
    def first(self) -> str:
        return self.numbers[0]


def usual(reason: Reason, store: Store, number: str, now: datetime) -> datetime | None:
    return default_until(reason, now, _hours(store, number))


def chips(reason: Reason, store: Store, number: str, now: datetime) -> tuple[datetime, ...]:
    """Moments that one may mean: half hours of today's work, then when work begins on days to come."""
    hours, left = _hours(store, number), now.astimezone(STOCKHOLM)
    today = hours.hours(left.date())
    ends = local_moment(left.date(), time(0)) + timedelta(minutes=today[-1].ends) if today else left
    first = (left + timedelta(minutes=45)).replace(minute=0, second=0, microsecond=0)
    first += _HALF_HOUR if (left + timedelta(minutes=45)).minute >= 30 else timedelta()
    found = [first + step * _HALF_HOUR for step in range(_CHIPS_MAX)]
    found = [moment for moment in found if left < moment <= ends]
    day = left.date()
    for _ in range(14):
        day += timedelta(days=1)
        if (spans := hours.hours(day)) and len(found) < _CHIPS_MAX + 2:
            found.append(local_moment(day, time(spans[0].begins // 60, spans[0].begins % 60)))
        if len(found) >= _CHIPS_MAX + 2 or (found and day - left.date() > timedelta(days=4)):
            break
    back = default_until(reason, now, hours)
    return tuple(moment for moment in found if moment != back)


def intervals(store: Store, number: str, now: datetime) -> tuple[Interval, ...]:
    return timeline(*store.people.referrals(number), now, ahead=AHEAD)


def form_of(
    request: Request, store: Store, whose: Whose, action: str, name: str = "", *, question: Question | None = None,
    wrong: Wrong | None = None,
) -> Away:  # fmt: skip
    """The page that asks when somebody is back. Raises Denied where there is no such reason."""
    fields = request.form or request.query
    reason = _reason(store, whose, fields.get("reason", ""))
    asked = reason.returns.kind is ReturnKind.ASKED
    given = Given(
        **{
            key: fields.get(key, "")[:INFORMATION_MAX]
            for key in ("at", "day", "from_at", "from_day", "instead", "information")
        },
        direct=bool(fields.get("direct")),
    )
    return Away(
        reason=reason,
        chips=chips(reason, store, whose.first, request.now),
        usual=usual(reason, store, whose.first, request.now),
        asked=asked,
        action=action,
        whose=name,
        number=whose.first,
        once=new_id(),
        given=given,
        question=question,
        wrong=wrong,
    )


def refer(request: Request, store: Store, whose: Whose) -> Question | Wrong | None:
    """As a form says. None: it is so. Raises Denied where there is no such reason."""
    say, form = Say(request.language), request.form
    reason = _reason(store, whose, form.get("reason", ""))
    if (meant := _meant(request)) is None:
        return Wrong("until", say("away.too_old"))
    try:
        until = _until(form, meant)
        start = _moment(form.get("from_day", ""), form.get("from_at", ""), meant) or meant
    except ValueError:
        return Wrong("at", say("away.no_moment"))
    instead = "".join(form.get("instead", "").split())
    answers = store.people.extension(instead) if instead else None
    if instead and (answers is None or not seen(request, store, answers)):
        return Wrong("instead", say("form.no_extension"))
    if instead in whose.numbers:
        return Wrong("instead", say("away.own_number"))
    once = form.get("once", "")
    said = f"{once}|{reason.key}|{form.get('until')}|{form.get('day')}|{form.get('at')}|{form.get('sure')}"
    hours = _hours(store, whose.first)
    made: list[Referral] = []
    for number in whose.numbers:
        there = store.people.reasons(number).by_key(reason.key)
        if there is None:
            continue
        id_ = sha256(f"{whose.by}|{number}|{said}".encode()).hexdigest()[:24] if _ONCE.fullmatch(once) else new_id()
        try:
            one = referral(
                id_,
                number,
                reason,
                until,
                request.now if start <= request.now else meant,
                source=whose.source,
                set_by=whose.by,
                start=start,
                hours=hours,
                sure=bool(form.get("sure")) or bool(form.get("waited")),
                answers_instead=instead,
                direct=bool(form.get("direct")) and bool(instead),
                information=" ".join(form.get("information", "").split())[:INFORMATION_MAX],
            )
        except ValueError:
            return Wrong("at", say("away.no_moment"))
        if isinstance(one, Question):
            return one
        made.append(one)
    if any(one.until is not None and one.until <= request.now for one in made):
        return None  # it waited so long that it is over
    _write(store, made, request.now, whose.by)
    return None


def back(request: Request, store: Store, whose: Whose) -> bool:
    """False: nobody was away, or the form waited and somebody has said since why they are away."""
    meant = _meant(request)
    found = []
    for number in whose.numbers:
        absent = store.people.absent(number, request.now)
        if absent is None or meant is None:
            continue
        referrals, _ = store.people.referrals(number)
        seen = frozenset(name for name in absent.seen if not _later_than(name, referrals, meant))
        if seen:
            found.append(Opening(id=new_id(), extension=number, at=request.now, seen=seen, set_by=whose.by))
    _open(store, found, request.now)
    return bool(found)


def end(request: Request, store: Store, whose: Whose) -> bool:
    """What is booked is taken away, on all these phones that have the same."""
    wanted = {name for name in request.form.get("seen", "").split()[:SEEN_MAX] if _SEEN.fullmatch(name)}
    first = [(one.start, one.until) for one in intervals(store, whose.first, request.now)
             if wanted & {name for _, name in one.begun}]  # fmt: skip
    found = []
    for number in whose.numbers:
        names = {
            name
            for one in intervals(store, number, request.now)
            if (one.start, one.until) in first and (number != whose.first or wanted & {name for _, name in one.begun})
            for _, name in one.begun
        }
        if names:
            found.append(Opening(id=new_id(), extension=number, at=request.now, seen=frozenset(names), set_by=whose.by))
    _open(store, found, request.now)
    return bool(found)


def _write(store: Store, made: Sequence[Referral], now: datetime, by: str) -> None:
    """With what they take the place of; all of it or nothing."""
    openings = []
    for one in made:
        absent = store.people.absent(one.extension, now)
        known = {each.id for each in store.people.referrals(one.extension)[0]}
        if absent is None or one.id in known or one.start > now or not absent.source.by_hand:
            continue
        governs = frozenset(name for name in absent.seen if name.partition("@")[0] == absent.referral)
        if governs:
            openings.append(Opening(id=new_id(), extension=one.extension, at=now, seen=governs, set_by=by))

    def work() -> None:
        for opening in openings:
            put_opening(store.journal, opening, now)
        for one in made:
            put_referral(store.journal, one)

    transact(store.journal, work)


def _open(store: Store, openings: Sequence[Opening], now: datetime) -> None:
    def work() -> None:
        for opening in openings:
            put_opening(store.journal, opening, now)

    if openings:
        transact(store.journal, work)


def _later_than(name: str, referrals: Sequence[Referral], meant: datetime) -> bool:
    """Whether it was set after somebody meant what the form says."""
    return any(one.id == name.partition("@")[0] and one.set_at > meant for one in referrals)


def _reason(store: Store, whose: Whose, key: str) -> Reason:
    reason = store.people.reasons(whose.first).by_key(key)
    if reason is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return reason


def _hours(store: Store, number: str) -> Schedule:
    extension: Extension | None = store.people.extension(number)
    return store.people.working_hours(extension.unit if extension else "")


def _meant(request: Request) -> datetime | None:
    """When it was meant: now, or when the network was away. None: too long ago."""
    if not request.form.get("waited"):
        return request.now
    try:
        meant = datetime.fromisoformat(request.form.get("meant", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if request.now - meant > WAITED_MAX:
        return None
    return min(meant, request.now)


def _until(form: Mapping[str, str], meant: datetime) -> When:
    """What was touched. Raises ValueError."""
    until = form.get("until", "usual")
    if until == "usual":
        return None
    if until == "open":
        return OPEN_END
    if until == "given":
        day, at = form.get("day", ""), form.get("at", "")
        if not day and not at:
            return None
        if day and not at:
            return date.fromisoformat(day)
        if at and not day:
            return time.fromisoformat(at).replace(second=0, microsecond=0, tzinfo=None)
        return _moment(day, at, meant)
    moment = datetime.fromisoformat(until)
    if moment.tzinfo is None:
        raise ValueError("until: no zone")
    return moment


def _moment(day: str, at: str, meant: datetime) -> datetime | None:
    """Of a day, a time, or both; None for neither. Raises ValueError."""
    if not day and not at:
        return None
    on = date.fromisoformat(day) if day else meant.astimezone(STOCKHOLM).date()
    return local_moment(on, time.fromisoformat(at).replace(tzinfo=None) if at else time(0))
