"""From what somebody says of their absence to a referral, or to a question: one way for codes, SMS, pages and commands.
Pure.

What was given is a time, a date, or four digits of a code; nothing is the reason's usual return. What is odd about the
return is asked about once, and taken when it is meant (`sure`); only what cannot be read is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.reasons import (
    OFFICE_HOURS,
    Doubt,
    DoubtKind,
    Reason,
    ReturnKind,
    default_until,
    given_of,
    question,
)
from callcontrol.plan.schedule import Schedule

__all__ = ["INFORMATION_MAX", "OPEN_END", "Given", "OpenEnd", "Question", "Returning", "referral", "returning"]

INFORMATION_MAX = 200
"""Characters of what is told beside a reason, whoever is away and however it is set."""


class OpenEnd(Enum):
    """Until further notice, said in so many words."""

    YES = "yes"


OPEN_END = OpenEnd.YES

Given = time | date | str | OpenEnd | None
"""A datetime is the very moment; a text is the digits of a code; None: nothing was said."""


@dataclass(frozen=True, slots=True)
class Returning:
    """When somebody is back; None: until further notice."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """The return is odd, and is to be asked about; `until` is what it would be."""

    reason: Reason
    until: datetime | None
    doubt: Doubt


def returning(
    reason: Reason,
    given: Given,
    start: datetime,
    now: datetime,
    hours: Schedule = OFFICE_HOURS,
    *,
    sure: bool = False,
    day_first: bool = False,
) -> Returning | Question:
    """When somebody is back who leaves at `start`. ValueError for digits that are neither a time nor a date."""
    until: datetime | None
    if isinstance(given, OpenEnd):
        until = None
    elif isinstance(given, datetime):
        until = given
    else:
        said = given_of(given, reason, start, day_first=day_first) if isinstance(given, str) else given
        until = default_until(reason, start, hours, said)
    if sure:
        return Returning(until)
    doubt = question(reason, start, until, now, hours)
    if given is None and reason.returns.kind is ReturnKind.ASKED:
        doubt = Doubt(DoubtKind.NOT_GIVEN, until)
    return Returning(until) if doubt is None else Question(reason, until, doubt)


def referral(
    id_: str,
    extension: str,
    reason: Reason,
    given: Given,
    now: datetime,
    *,
    source: Source,
    set_by: str,
    start: datetime | None = None,
    hours: Schedule = OFFICE_HOURS,
    sure: bool = False,
    day_first: bool = False,
    answers_instead: str = "",
    direct: bool = False,
    information: str = "",
    open_: bool = False,
) -> Referral | Question:
    """The same as a referral of one extension, from `start`, or now. ValueError for what cannot be, with its field."""
    begins = start or now
    back = returning(reason, given, begins, now, hours, sure=sure, day_first=day_first)
    if isinstance(back, Question):
        return back
    return Referral(
        id=id_,
        extension=extension,
        reason=reason.key,
        start=begins,
        until=back.until,
        answers_instead=answers_instead,
        direct=direct,
        information=information,
        open=open_,
        source=source,
        set_by=set_by,
        set_at=now,
    )
