"""A whole department away: from what somebody says of it to how it is referred, or to a question (B3). Pure.

While it is, none of its phones rings; who calls hears until when, and comes to the reception, which knows a number for
what cannot wait. Without such a number nobody is referred whole. What somebody has said of themselves is told first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from callcontrol.plan.model import Directory, Unit, Whole
from callcontrol.plan.reasons import OFFICE_HOURS, Reason
from callcontrol.plan.refer import INFORMATION_MAX, Given, Question, returning
from callcontrol.plan.rights import Given as Role
from callcontrol.plan.rights import Right, may_do
from callcontrol.plan.schedule import Schedule

__all__ = ["below", "may_refer_whole", "referred_whole"]

PARENTS_MAX = 32
"""Levels of an organisation; a circle in it ends there."""


def referred_whole(
    id_: str,
    units: Sequence[Unit],
    reason: Reason,
    given: Given,
    now: datetime,
    *,
    set_by: str,
    start: datetime | None = None,
    hours: Schedule = OFFICE_HOURS,
    sure: bool = False,
    emergency_number: str | None = None,
    information: str = "",
) -> Whole | Question:
    """One for all these units, from `start` or now. `emergency_number`: an extension or a number outside; None: that of
    each unit. ValueError, naming the field, for what cannot be."""
    if not units:
        raise ValueError("unit: none is named")
    if len(information) > INFORMATION_MAX or (not information.isprintable() and information):
        raise ValueError(f"information: one line of at most {INFORMATION_MAX} characters")
    without = next((unit for unit in units if not (emergency_number or unit.emergency_number)), None)
    if without is not None:
        raise ValueError(f"emergency_number: {without.name} has none of its own; say one for what cannot wait")
    begins = start or now
    back = returning(reason, given, begins, now, hours, sure=sure)
    if isinstance(back, Question):
        return back
    if back.until is not None and back.until <= begins:
        raise ValueError("until: it ends before it begins")
    return Whole(
        id=id_,
        reason=reason.key,
        start=begins,
        until=back.until,
        emergency_number=emergency_number,
        information=information,
        set_by=set_by,
    )


def may_refer_whole(given: Iterable[Role], units: Iterable[str], directory: Directory) -> bool:
    """Whether somebody with these roles may refer all these departments."""
    roles = tuple(given)
    return all(may_do(roles, Right.REFER_OTHERS, unit, directory) for unit in units)


def below(unit: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """A department and all below it, by `parents` of all units; in the order of their ids, itself first."""

    def is_below(one: str) -> bool:
        place = parents.get(one)
        for _ in range(PARENTS_MAX):
            if place is None or place == unit:
                return place is not None
            place = parents.get(place)
        return False

    return (unit, *sorted(one for one in parents if one != unit and is_below(one)))
