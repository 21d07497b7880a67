"""What a code sets: what is to be written, and what its caller is told; or what was wrong, and nothing is. Pure.

    settle(dialled, caller, …)  ->  Settled(writes, said)      done, or refused in words with nothing to write
                                    Asks(doubts, settled)      an odd return: asked about, and done if it is meant

PINs are judged before, by who calls this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.codes import Dialled, Own
from callcontrol.plan.faultreport import Fault, FaultReport
from callcontrol.plan.faultreport import Source as Reported
from callcontrol.plan.model import Condition, Directory, Extension, Forwarding, choices_of
from callcontrol.plan.number import NumberKind, parse_dialled
from callcontrol.plan.outside import reaches
from callcontrol.plan.plan import ours
from callcontrol.plan.reasons import Needs, Reason
from callcontrol.plan.refer import Question, referral
from callcontrol.plan.rights import Given, Right, may_do, may_serve
from callcontrol.plan.service import Key, Service, press, served_at, serving, turned

__all__ = ["Asks", "Ends", "Locks", "Presses", "Said", "Settled", "Write", "may_set", "settle", "status"]

_ALL = tuple(Condition)
_ALWAYS = (Condition.ALWAYS, Condition.FOLLOW_ME)
_FORWARDINGS = tuple(condition for condition in Condition if condition is not Condition.DO_NOT_DISTURB)


@dataclass(frozen=True, slots=True)
class Ends:
    """The forwardings of an extension for these conditions."""

    extension: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Locks:
    extension: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Presses:
    """The key of a reception."""

    service: Service
    key: Key


Write = Referral | Opening | Forwarding | Ends | Locks | Presses | FaultReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence of a confirmation (callcontrol.confirmed): its key, and what it needs. `who`: whose phone it is, ""
    for the caller's own. `back`: that it says until when; None: until further notice."""

    key: str
    who: str = ""
    reason: Reason | None = None
    back: tuple[datetime | None] | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    said: tuple[Said, ...]
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Asks:
    """`doubts` is told, and that it is done at a key."""

    doubts: tuple[Said, ...]
    settled: Settled


_ON: dict[Own, Condition] = {
    Own.FOLLOW_ME: Condition.FOLLOW_ME,
    Own.FORWARD: Condition.ALWAYS,
    Own.BUSY: Condition.BUSY,
    Own.NO_ANSWER: Condition.NO_ANSWER,
    Own.NOT_REACHABLE: Condition.NOT_REACHABLE,
}
_OFF: dict[Own, tuple[Condition, ...]] = {
    Own.FORWARD_OFF: _ALWAYS,
    Own.BUSY_OFF: (Condition.BUSY,),
    Own.NO_ANSWER_OFF: (Condition.NO_ANSWER,),
    Own.NOT_REACHABLE_OFF: (Condition.NOT_REACHABLE,),
    Own.ALL_OFF: _FORWARDINGS,
}


_KEYS = {"0": Key.HOURS, "1": Key.OPEN, "2": Key.LUNCH, "3": Key.NIGHT}


def settle(
    dialled: Dialled,
    caller: str,
    directory: Directory,
    now: datetime,
    new_id: Callable[[], str],
    roles: Callable[[str], Iterable[Given]] | None,
    *,
    day_first: bool = False,
) -> Settled | Asks:
    """What a code of `Own` that sets something comes to, dialled at the phone of `caller`. `roles`: of a person; None:
    the platform has done it, so that nobody is asked whether he may."""
    own = directory.extension(caller)
    if own is None:
        return _wrong("nobodys_phone")
    match dialled.does:
        case Own.REFER:
            return _refer(own, own, dialled, directory, now, new_id, day_first=day_first)
        case Own.BACK:
            return _back(own, own, directory, now, new_id)
        case Own.REFER_OTHER | Own.BACK_OTHER as does:
            other = directory.extension(dialled.number)
            if other is None:
                return _wrong("number_unknown")
            if roles is not None and not may_set(own, other, directory, roles):
                return _wrong("may_not")
            if does is Own.BACK_OTHER:
                return _back(own, other, directory, now, new_id)
            return _refer(own, other, dialled, directory, now, new_id, day_first=day_first)
        case Own.DO_NOT_DISTURB:
            disturb = Forwarding(extension=caller, condition=Condition.DO_NOT_DISTURB, target=None, set_at=now)
            return Settled((Said(key="do_not_disturb_on"),), (disturb,))
        case Own.DO_NOT_DISTURB_OFF:
            return Settled((Said(key="do_not_disturb_off"),), (Ends(caller, (Condition.DO_NOT_DISTURB,)),))
        case Own.LOCK | Own.UNLOCK as does:
            locks = does is Own.LOCK
            return Settled((Said(key="locked" if locks else "unlocked"),), (Locks(caller, locks),))
        case Own.NIGHT:
            return _press(own, dialled.number, directory, now, roles)
        case Own.FAULT if roles is not None:  # what the platform takes by that code is its own
            report = FaultReport(
                id=new_id(), at=now, extension=caller, reporter=caller, source=Reported.CODE, what=Fault.PHONE
            )
            return Settled((Said(key="fault_kept"),), (report,))
        case Own.STATUS:
            return Settled(status(own, directory, now))
        case Own() as does if does in _ON:
            return _forward(own, _ON[does], dialled.number, directory, now, judged=roles is None)
        case Own() as does if does in _OFF:
            there = {entry.condition for entry in directory.forwardings(caller)} & set(_OFF[does])
            if not there:
                return _wrong("no_forwarding")
            return Settled((Said(key="forwarding_off"),), (Ends(caller, _OFF[does]),))
    return _wrong("code_unknown")  # what is no matter of settings


def may_set(own: Extension, other: Extension, directory: Directory, roles: Callable[[str], Iterable[Given]]) -> bool:
    """Whether whoever has the one phone may refer the other: it is theirs too, or they have the right."""
    if own.person is None:
        return False
    return own.person == other.person or may_do(roles(own.person), Right.REFER_OTHERS, other.unit, directory)


def _press(
    own: Extension, digit: str, directory: Directory, now: datetime, roles: Callable[[str], Iterable[Given]] | None
) -> Settled:
    """The key of the reception of one's own entity: without a digit it turns."""
    unit = directory.unit(own.unit)
    found = directory.service(unit.entity) if unit is not None else None
    if unit is None or found is None:
        return _wrong("no_hours")
    given = roles(own.person) if roles is not None and own.person else ()
    if roles is not None and not may_serve(given, own.number, unit.entity, directory):
        return _wrong("may_not")
    if digit and digit not in _KEYS:
        return _wrong("code_unknown")
    service = found[0]
    key = _KEYS[digit] if digit else turned(served_at(*found, now))
    is_now = serving(service, press(service, key, own.number, now), now)
    said = Said(key=f"night_{is_now.state}", back=(is_now.opens_at,) if is_now.opens_at else None)
    return Settled((said,), (Presses(service, key),))


def status(own: Extension, directory: Directory, now: datetime) -> tuple[Said, ...]:
    """All that is set for an extension."""
    found: list[Said] = []
    if (absent := directory.absent(own.number, now)) is not None:
        reason = directory.reasons(own.number).by_key(absent.reason)
        found.append(Said(key="referred", reason=reason, back=(absent.back_at,)))
    for entry in directory.forwardings(own.number):
        if entry.condition is Condition.DO_NOT_DISTURB:
            found.append(Said(key="do_not_disturb_on"))
        elif entry.target is not None:
            found.append(Said(key=f"forwarded_{entry.condition}", target=entry.target))
    if own.locked:
        found.append(Said(key="locked"))
    return tuple(found) or (Said(key="nothing_set"),)


def _refer(
    by: Extension,
    whose: Extension,
    dialled: Dialled,
    directory: Directory,
    now: datetime,
    new_id: Callable[[], str],
    *,
    day_first: bool,
) -> Settled | Asks:
    reason = directory.reasons(whose.number).by_digit(dialled.reason)
    if reason is None:
        return _wrong("reason_unknown")
    hours = directory.working_hours(whose.unit)
    who = "" if whose is by else whose.number

    def made(*, sure: bool) -> Referral | Question:
        return referral(
            new_id(), whose.number, reason, dialled.time or None, now, source=Source.CODE, set_by=by.number,
            hours=hours, sure=sure, day_first=day_first,
        )  # fmt: skip

    try:
        asked, sure = made(sure=False), made(sure=True)
    except ValueError:
        return _wrong("date_wrong" if reason.needs is Needs.DATE else "time_wrong")
    assert isinstance(sure, Referral)
    settled = Settled((Said(key="referred", who=who, reason=reason, back=(sure.until,)),), (sure,))
    if isinstance(asked, Referral):
        return settled
    return Asks((Said(key=f"odd_{asked.doubt.kind}", back=(asked.until,)),), settled)


def _back(by: Extension, whose: Extension, directory: Directory, now: datetime, new_id: Callable[[], str]) -> Settled:
    who = "" if whose is by else whose.number
    absent = directory.absent(whose.number, now)
    if absent is None:
        return Settled((Said(key="was_in", who=who),))
    opening = Opening(id=new_id(), extension=whose.number, at=now, seen=absent.seen, set_by=by.number)
    return Settled((Said(key="is_back", who=who),), (opening,))


def _forward(
    own: Extension, condition: Condition, number: str, directory: Directory, now: datetime, *, judged: bool
) -> Settled:
    if number:
        target = _target(own, condition, number, directory, judged=judged)
    else:
        target = _answers_for(own, directory) or Said(key="no_place")
    if isinstance(target, Said):
        return Settled((target,))
    moved = Forwarding(extension=own.number, condition=condition, target=target, set_at=now)
    return Settled((Said(key=f"forwarded_{condition}", target=target),), (moved,))


def _target(own: Extension, condition: Condition, number: str, directory: Directory, *, judged: bool) -> str | Said:
    """An extension, or an E.164 number; else what is wrong with it, by the rules that the call would meet."""
    numbering = directory.numbering
    dialled = parse_dialled(number, numbering)
    if dialled.kind is NumberKind.INVALID and number.startswith("0") and numbering.line_prefixes:
        # Dialled as from a mobile: it is read back to who has dialled it.
        number = numbering.line_prefixes[0] + number
        dialled = parse_dialled(number, numbering)
    entity, sought = ours(number, dialled, directory)
    if entity is not None:
        known = directory.entity(entity)
        sought = known.reception if known else None
    if sought is not None:
        if sought == own.number:
            return Said(key="own_number")
        return sought if directory.extension(sought) is not None else Said(key="number_unknown")
    if dialled.e164 is None or dialled.kind not in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL):
        return Said(key="number_unknown")
    if judged:  # where it may not lead to in an outage, no call is led
        return dialled.e164
    if own.locked:  # else it would call outside by being called
        return Said(key="locked")
    unit = directory.unit(own.unit)
    if unit is not None and unit.secret:
        return Said(key="secret_not_outside")
    ours_too = directory.is_municipal_mobile(dialled.e164)
    allowed = not ours_too or choices_of(unit.entity if unit else None, directory).forward_to_mobile
    if condition is Condition.FOLLOW_ME and not ours_too:
        allowed = False
    return dialled.e164 if allowed and reaches(own, dialled.e164, directory) else Said(key="not_forwarded_there")


def _answers_for(own: Extension, directory: Directory) -> str | None:
    """Who answers for somebody's phone where no number is dialled: its own, its unit's, or the reception (B3)."""
    unit = directory.unit(own.unit)
    entity = directory.entity(unit.entity) if unit else None
    places: Sequence[str | None] = (
        own.fallback,
        unit.attended_by if unit else None,
        entity.reception if entity else None,
    )
    return next((place for place in places if place and place != own.number and directory.extension(place)), None)


def _wrong(key: str) -> Settled:
    return Settled((Said(key=key),))
