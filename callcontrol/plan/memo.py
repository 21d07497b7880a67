"""A message to a person: what may become of it, and when it is followed up (B11). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from callcontrol.plan.holidays import next_working_day
from callcontrol.plan.schedule import STOCKHOLM, Schedule, local_moment

__all__ = ["Happened", "Memo", "State", "Wants", "contact_by", "following", "reminded_at"]

CONTACT_DAYS = 2
"""Working days within which somebody who left a message is to be contacted."""


class Wants(StrEnum):
    """What the caller asks for."""

    CALL_BACK = "call_back"
    CALLS_AGAIN = "calls_again"
    NOTHING = "nothing"  # is told, no more


class State(StrEnum):
    TAKEN = "taken"
    SENT = "sent"  # they were told, by mail or SMS
    READ = "read"
    HANDLED = "handled"


class Happened(StrEnum):
    SENT = "sent"
    READ = "read"
    HANDLED = "handled"


_NEXT: Mapping[State, Mapping[Happened, State]] = {
    State.TAKEN: {Happened.SENT: State.SENT, Happened.READ: State.READ, Happened.HANDLED: State.HANDLED},
    State.SENT: {Happened.READ: State.READ, Happened.HANDLED: State.HANDLED},
    State.READ: {Happened.HANDLED: State.HANDLED},
}


def following(state: State, happened: Happened) -> State | None:
    """The state that comes of it; None: nothing does."""
    return _NEXT.get(state, {}).get(happened)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """A message to whose `extension` is. `caller`: the number of whom it is from, "" where not known, as all that is
    not. `taken_by`: a person's id, an extension, or "caller"."""

    id: str
    extension: str
    text: str
    taken_by: str
    taken_at: datetime
    caller: str = ""
    caller_name: str = ""
    wants: Wants = Wants.CALL_BACK
    urgent: bool = False
    call_id: str = ""
    state: State = State.TAKEN
    sent_by: str = ""
    sent_at: datetime | None = None
    read_at: datetime | None = None
    handled_at: datetime | None = None
    handled_by: str = ""


_DAY_BEGINS, _DAY_ENDS = time(8), time(16, 30)
"""Of a site that tells no working hours for that day."""


def contact_by(taken_at: datetime, hours: Schedule) -> datetime:
    """Until when there is to be contact: the end of the second working day after the day on which it was taken. Raises
    ValueError where a site works on no day of a year."""
    day = _last_day(taken_at, hours)
    spans = list(hours.instants(day))
    return spans[-1][1] if spans else local_moment(day, _DAY_ENDS)


def reminded_at(taken_at: datetime, hours: Schedule) -> datetime:
    """When somebody who has not handled it is reminded: as the last of those days begins. Raises as above."""
    day = _last_day(taken_at, hours)
    spans = list(hours.instants(day))
    return spans[0][0] if spans else local_moment(day, _DAY_BEGINS)


def _last_day(taken_at: datetime, hours: Schedule) -> date:
    day = taken_at.astimezone(STOCKHOLM).date()
    for _ in range(CONTACT_DAYS):
        day = next_working_day(day, hours.rules)
    return day
