"""Who may do what for whom: the roles of the policies, as one table. Pure.

A role is given for a part of the organisation: a unit and all below it, an entity, a municipality, or all of them
("*").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callcontrol.plan.model import Directory

__all__ = ["RIGHTS", "Given", "Right", "Role", "may_barge_in", "may_do", "may_pass", "may_serve"]

ANYWHERE = "*"
PARENTS_MAX = 32
"""Levels of an organisation; a circle in it ends there."""


class Right(StrEnum):
    """What may be done."""

    REFER_OTHERS = "refer_others"  # for somebody ill, or a whole department
    BLOCK = "block"  # a lost phone, and lift it
    CHANGE_PEOPLE = "change_people"  # duties, search words, phone hours, who answers instead
    CHANGE_REACH = "change_reach"  # classes of reach
    ORDER_EXTRACT = "order_extract"  # an itemised extract (F3)
    SEE_SECRET = "see_secret"  # noqa: S105  a right; each look is recorded
    MARK_THREAT = "mark_threat"
    NIGHT_SERVICE = "night_service"  # close and open a reception by its key
    BARGE_IN = "barge_in"  # into calls of a group that allows it
    RING_PAST = "ring_past"  # ring somebody who is forwarded, away or not to be disturbed (*60*)
    CONFIGURE = "configure"


class Role(StrEnum):
    """Who the policies name (requirements.md, "Who uses it"), with their Swedish titles."""

    OPERATOR = "operator"  # telefonist, Kundtjänst
    TELEPHONY_CONTACT = "telephony_contact"  # telefonansvarig (U H V)
    COORDINATOR = "coordinator"  # telesamordnare (Ö)
    BUDGET_MANAGER = "budget_manager"  # budgetansvarig (Ö)
    SUPERUSER = "superuser"  # superanvändare (H)
    CUSTOMER_SERVICE = "customer_service"  # kundtjänst telefoni (V)
    OPERATIONS = "operations"  # central driftorganisation (U)
    GROUP_LEADER = "group_leader"  # gruppledare


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OPERATOR: frozenset(
        {
            Right.REFER_OTHERS,
            Right.BLOCK,
            Right.MARK_THREAT,
            Right.BARGE_IN,
            Right.NIGHT_SERVICE,
            Right.RING_PAST,
        }
    ),
    Role.TELEPHONY_CONTACT: frozenset({Right.REFER_OTHERS, Right.BLOCK, Right.CHANGE_PEOPLE}),
    Role.COORDINATOR: frozenset(
        {Right.REFER_OTHERS, Right.BLOCK, Right.CHANGE_PEOPLE, Right.CHANGE_REACH, Right.NIGHT_SERVICE}
    ),
    Role.BUDGET_MANAGER: frozenset({Right.CHANGE_REACH, Right.ORDER_EXTRACT}),
    Role.SUPERUSER: frozenset({Right.REFER_OTHERS, Right.CHANGE_PEOPLE}),
    Role.CUSTOMER_SERVICE: frozenset(
        {Right.REFER_OTHERS, Right.BLOCK, Right.CHANGE_PEOPLE, Right.CHANGE_REACH, Right.NIGHT_SERVICE}
    ),
    Role.OPERATIONS: frozenset(Right),
    Role.GROUP_LEADER: frozenset({Right.BARGE_IN, Right.RING_PAST}),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A role that somebody has, and where."""

    role: Role
    scope: str


def may_do(given: Iterable[Given], right: Right, unit: str, directory: Directory) -> bool:
    """Whether somebody with these roles may do this for the people of a unit. Unknown units: only who may anywhere."""
    places = {ANYWHERE}
    place: str | None = unit
    for _ in range(PARENTS_MAX):
        found = directory.unit(place) if place else None
        if found is None:
            break
        places |= {found.id, found.entity}
        if (entity := directory.entity(found.entity)) is not None:
            places.add(entity.municipality)
        place = found.parent
    return any(right in RIGHTS[one.role] and one.scope in places for one in given)


def may_serve(given: Iterable[Given], caller: str | None, entity: str, directory: Directory) -> bool:
    """Whether who calls from this extension, with these roles, may press the key of an entity's reception: whoever sits
    at its phone may."""
    known = directory.entity(entity)
    if known is None:
        return False
    if caller is not None and caller == known.reception:
        return True
    places = {ANYWHERE, entity, known.municipality}
    return any(Right.NIGHT_SERVICE in RIGHTS[one.role] and one.scope in places for one in given)


def may_barge_in(given: Iterable[Given], number: str, directory: Directory) -> bool:
    """Whether somebody with these roles may come into the calls of an extension: its group must allow it too."""
    group, extension = directory.pick_up(number), directory.extension(number)
    if group is None or extension is None or not group.barge_in:
        return False
    return may_do(given, Right.BARGE_IN, extension.unit, directory)


def may_pass(
    caller: str, number: str, directory: Directory, roles: Callable[[str], Iterable[Given]], now: datetime
) -> bool:
    """Whether `caller` may ring `number` past forwarding and do-not-disturb: who answers instead may, and who has a
    role for it."""
    own, sought = directory.extension(caller), directory.extension(number)
    if own is None or sought is None:
        return False
    absent = directory.absent(number, now)
    instead = {entry.target for entry in directory.forwardings(number)} | {absent.answers_instead if absent else None}
    if caller in instead or own.person is None:
        return caller in instead
    return own.person == sought.person or may_do(roles(own.person), Right.RING_PAST, sought.unit, directory)
