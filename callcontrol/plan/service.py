"""Night and lunch service of an entity's reception: by its hours, and by a key (B10). Pure.

The hours say when the reception is open and when it has lunch; a key lies over them for a while. What a key has set
ends by itself, so that one that was forgotten closes nobody out and keeps nobody waiting:

pressed    while by the hours   until
night      open, lunch          the first opening after the hours have closed
night      night                the next opening
open       night                the next opening; OPENED_MAX at the most
open       lunch                lunch is over
open       open                 nothing is kept: the hours say so
lunch      open, lunch          the lunch of the hours is over where it is near, else LUNCH later
lunch      night                LUNCH later

Where the hours never close, or never open, a key holds until somebody turns it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from callcontrol.plan.schedule import STOCKHOLM, Schedule

__all__ = [
    "LUNCH",
    "LUNCH_NEAR",
    "OPENED_MAX",
    "Key",
    "OnCall",
    "Pressed",
    "Served",
    "Service",
    "Serving",
    "press",
    "served_at",
    "serving",
    "turned",
]

LUNCH = timedelta(hours=1)
LUNCH_NEAR = timedelta(hours=2)
"""A lunch of the hours that begins within this is the one that is meant."""
OPENED_MAX = timedelta(hours=8)
"""Outside its hours, a reception that was opened by a key: a working day."""
CLOCK_BACK_MAX = timedelta(hours=1)
"""What was pressed later than this from now was pressed by a clock that was wrong, and would hold for years."""
_TRIES = 32
"""Ends of lunch that are looked at for one that is within the hours."""


class Served(StrEnum):
    """How a reception answers."""

    OPEN = "open"
    LUNCH = "lunch"
    NIGHT = "night"


class Key(StrEnum):
    """What is pressed: one of these, or back to the hours."""

    OPEN = "open"
    LUNCH = "lunch"
    NIGHT = "night"
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """A number that is told to who calls while it is closed. `number`: an extension, to which one may be led, or a
    number outside."""

    name: str
    number: str
    hours: Schedule | None = None  # None: whenever the reception is closed

    def told_at(self, now: datetime) -> bool:
        return self.hours is None or self.hours.open_at(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a site has chosen for an entity. `night_to`, `lunch_to`: extensions that are rung then, once that is said;
    lunch with one is not said at all. `night_text`, `lunch_text`: the entity's own words."""

    entity: str
    hours: Schedule
    lunch: Schedule | None = None
    night_to: str | None = None
    lunch_to: str | None = None
    night_text: str = ""
    lunch_text: str = ""
    on_call: tuple[OnCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What a key has set. `until` None: until somebody turns it back."""

    state: Served
    set_at: datetime
    until: datetime | None
    set_by: str

    def holds_at(self, now: datetime) -> bool:
        if self.until is None:
            return True
        return self.set_at.astimezone(UTC) - CLOCK_BACK_MAX <= now.astimezone(UTC) < self.until.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is so now. `until`: when that ends; `opens_at`: when somebody answers again, None where it is open, or where
    nobody can say. `on_call`: what is told of now."""

    state: Served
    by_key: bool
    until: datetime | None
    opens_at: datetime | None
    on_call: tuple[OnCall, ...] = ()


def served_at(service: Service, pressed: Pressed | None, now: datetime) -> Served:
    """How it answers; cheap, as every call that comes to a reception asks."""
    if pressed is not None and pressed.holds_at(now):
        return pressed.state
    return _by_hours(service, now)


def serving(service: Service, pressed: Pressed | None, now: datetime) -> Serving:
    """The same, with its end and what is to be said."""
    holds = pressed is not None and pressed.holds_at(now)
    state = served_at(service, pressed, now)
    until = pressed.until if pressed is not None and holds else _change(service, now)
    opens_at = None if state is Served.OPEN else _opens(service, pressed if holds else None, now)
    told = () if state is Served.OPEN else tuple(each for each in service.on_call if each.told_at(now))
    return Serving(state=state, by_key=holds, until=_local(until), opens_at=_local(opens_at), on_call=told)


def press(service: Service, key: Key, set_by: str, now: datetime) -> Pressed | None:
    """What a key sets; None: the hours are what holds."""
    now = now.astimezone(UTC)  # what lasts is reckoned by it, whatever the clocks do
    usual = _by_hours(service, now)
    until: datetime | None
    match key:
        case Key.NIGHT:
            closes = service.hours.next_close(now) if usual is not Served.NIGHT else now
            until = service.hours.next_open(closes) if closes is not None else None
        case Key.OPEN if usual is Served.NIGHT:
            until = _first((service.hours.next_open(now), now + OPENED_MAX))
        case Key.OPEN if usual is Served.LUNCH:
            until = _change(service, now)
        case Key.LUNCH:
            until = _lunch_ends(service, now)
        case _:
            return None
    return Pressed(state=Served(key), set_at=now, until=_local(until), set_by=set_by)


def turned(state: Served) -> Key:
    """What the one key of a reception does: it closes for the night, and opens what is closed."""
    return Key.NIGHT if state is Served.OPEN else Key.OPEN


def _by_hours(service: Service, now: datetime) -> Served:
    if not service.hours.open_at(now):
        return Served.NIGHT
    return Served.LUNCH if service.lunch is not None and service.lunch.open_at(now) else Served.OPEN


def _change(service: Service, now: datetime) -> datetime | None:
    """When the hours say something else."""
    usual = _by_hours(service, now)
    if usual is Served.NIGHT:
        return service.hours.next_open(now)
    lunch = service.lunch
    both = None if lunch is None else lunch.next_close(now) if usual is Served.LUNCH else lunch.next_open(now)
    return _first((service.hours.next_close(now), both))


def _opens(service: Service, closed: Pressed | None, now: datetime) -> datetime | None:
    """The first moment at which somebody answers: within the hours, outside lunch, and not before a key ends."""
    if closed is not None and closed.until is None:
        return None
    at = now if closed is None or closed.until is None else max(now, closed.until)
    for _ in range(_TRIES):
        opens = service.hours.next_open(at)
        if opens is None or service.lunch is None or not service.lunch.open_at(opens):
            return opens
        over = service.lunch.next_close(opens)
        if over is None:
            return None
        at = over
    return None


def _lunch_ends(service: Service, now: datetime) -> datetime:
    """By the hours where theirs is on or near; else in an hour, or when the day is over."""
    lunch = service.lunch
    begins = lunch.next_open(now) if lunch is not None else None
    if lunch is not None and begins is not None and begins - now <= LUNCH_NEAR:
        ends = lunch.next_close(begins) or now + LUNCH
    else:
        ends = now + LUNCH
    closes = service.hours.next_close(now) if _by_hours(service, now) is not Served.NIGHT else None
    return _first((ends, closes)) or ends


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), key=lambda at: at.astimezone(UTC), default=None)


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone(STOCKHOLM) if moment is not None else None
