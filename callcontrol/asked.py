"""What `calls` answers where the edge asks: who rings next, or how the call is refused. Pure.

The edge asks before it rings an extension that is no plain one, and whenever a phone has not answered
(cfg/70-calls.cfg). Each time the call is planned anew with what was tried; the first step that can be done without
sound is done.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, cast

from callcontrol.plan.catalogue import said as spoken
from callcontrol.plan.catalogue import words
from callcontrol.plan.mailbox import Meets, met
from callcontrol.plan.model import (
    Call,
    Directory,
    Distribution,
    Identity,
    Kind,
    Mode,
    Presence,
    State,
    Unreadable,
)
from callcontrol.plan.number import parse_dialled
from callcontrol.plan.plan import ours, plan
from callcontrol.plan.reach import Guard
from callcontrol.plan.steps import Note, Out, Plan, Reception, Refuse, Ring, Say, Step, Voicemail
from callcontrol.refusal import Refusal, Why, refuse
from callcontrol.told import Told, word_of
from callcontrol.trunk.pool import Priority

__all__ = ["FORBIDDEN", "Asked", "Decided", "Outside", "after", "decide", "display", "may_refer", "phrased", "unknown"]

DISPLAYED = "%d/%m %H.%M"
"""A time as a phone's display has room for."""

_AFTER = {
    Why.BUSY: Presence.BUSY,
    Why.ABSENT: Presence.NOT_REGISTERED,
    Why.SILENT: Presence.NOT_REGISTERED,
    Why.ILL: Presence.NOT_REGISTERED,
}
_ABSENT, _REJECTED = 20, 21
_FORBIDDEN, _NO_NUMBER = 403, 484
NOT_LISTED = "not_listed"
"""A phone that is known, of somebody who is in no directory: what it may cost is nobody's."""
FORBIDDEN = Refusal(_FORBIDDEN, "Inte Tillåtet / Not Allowed", _REJECTED, "call rejected")
OUTSIDE_S = 120
"""A caller outside is rung for so long at the most: networks give up by themselves."""
_IMPORTANCE = {
    Kind.ON_CALL: Priority.ON_CALL,
    Kind.OFFICE: Priority.ON_CALL,
    Kind.RECEPTION: Priority.RECEPTION,
    Kind.ATTENDED: Priority.RECEPTION,
}
LINE_MAX = 120
"""Characters of one language: no display has more, and an answer fits into a datagram."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of the edge. `tried`: what has rung for this call so far, in order; `call_id`: of its record;
    `past`: past forwarding; `withheld`: the caller's number is not shown, this once; `proved`: by the caller's PIN;
    `sos`: it is SOS that calls back."""

    callee: str
    caller: str | None
    why: Why
    survival: bool
    tried: tuple[str, ...] = ()
    call_id: str = ""
    past: bool = False
    withheld: bool = False
    proved: bool = False
    sos: bool = False


@dataclass(frozen=True, slots=True)
class Outside:
    """A number that is led out of the house."""

    number: str
    priority: Priority
    withheld: bool


class Decided(NamedTuple):
    """`answer`: the extensions to ring now, or how the call ends. `told`: what the caller is told before that where
    there is sound, and by which it is led on instead. `notes`: what somebody else is to be told of. `for_s`: how long
    they ring, where the plan says. `led`: by us, as somebody in it is in a group of pick-up, or nothing sounds at both
    phones, or it goes out. `turn`: the member of a group that rings, as it has been idle the longest. `out`: those of
    `answer` that are no extensions."""

    answer: tuple[str, ...] | Refusal
    notes: tuple[Note, ...] = ()
    told: Told | None = None
    for_s: int | None = None
    led: bool = False
    turn: str | None = None
    out: tuple[Outside, ...] = ()


def after(status: int, *, rang: bool) -> Why | None:
    """The edge's word for how a phone that we have rung ourselves did not take the call, as it would say itself
    (cfg/50-survival.cfg); None where that is the caller's business."""
    if status == 408:
        return Why.NO_ANSWER if rang else Why.SILENT
    if status in (486, 600):
        return Why.BUSY
    if status in (401, 407, 482) or status // 100 in (3, 5):
        return Why.ILL
    return Why.ABSENT if status == 480 and not rang else None


def decide(
    asked: Asked,
    directory: Directory,
    now: datetime,
    presence: Mapping[str, Presence] = MappingProxyType({}),
    guard: Guard | None = None,
    idle: Mapping[str, datetime] = MappingProxyType({}),
    ways_out: int | None = 0,
) -> Decided:
    """`presence` is what is known of phones here, `guard` what the caller has rung outside in this hour, `idle` since
    when members of groups have had no call of theirs. `ways_out`: outside calls that could begin now; None: as many as
    there are, which is found out by trying.

    Of what cannot be read no more is known than that it is a phone: it rings, but for a lost one.
    """
    try:
        entity, sought = ours(asked.callee, parse_dialled(asked.callee, directory.numbering), directory)
        if asked.why is Why.UNLIKE:
            return _again(asked, sought or asked.callee)
        if entity is not None or (sought is not None and directory.extension(sought) is not None):
            return _inside(asked, sought or "", directory, now, presence, idle, ways_out)
        if asked.why is Why.OUTSIDE:
            return _outside(asked, directory, now, guard, ways_out)
        return unknown(asked)
    except Unreadable:
        return unknown(replace(asked, why=Why.BLOCKED) if directory.blocked(asked.callee) else asked)


def may_refer(
    caller: str | None, number: str, directory: Directory, now: datetime, guard: Guard | None
) -> Refusal | None:
    """The refusal where `caller` may not call `number` himself, and so brings nobody else there either (E1).

    `caller` is None for a phone that nobody knows: it gets nobody out of the house.
    """
    state = State(mode=Mode.SURVIVAL, platform=False, trunk_channels_free=0, guard=guard)
    try:
        last = plan(Call(caller=caller, dialled=number), directory, state, now).steps[-1]
    except Unreadable:
        return FORBIDDEN
    if not isinstance(last, Refuse) or last.code not in (_FORBIDDEN, _NO_NUMBER):
        return None
    sv, en = words("why", last.words)
    return Refusal(last.code, phrased(sv, en), last.cause or _REJECTED, en)


def unknown(asked: Asked) -> Decided:
    """Of whom nothing is known but what the edge says: a phone of which that asks is there, and no lost one."""
    if asked.why is Why.ASKED:
        return Decided((asked.callee,))
    if asked.why is Why.UNLIKE:
        return _again(asked, asked.callee)
    return Decided(refuse(asked.why, survival=asked.survival), told=Told(why=word_of(asked.why)))


def _again(asked: Asked, sought: str) -> Decided:
    """Whose phone has refused the caller's sound is rung once more, by us, with ours."""
    return Decided((asked.tried[-1] if asked.tried else sought,), led=True)


def _outside(asked: Asked, directory: Directory, now: datetime, guard: Guard | None, ways_out: int | None) -> Decided:
    """Out, where there is a way; who may not is told so."""
    if asked.caller is not None and directory.extension(asked.caller) is not None:
        state = State(mode=Mode.SURVIVAL, platform=False, trunk_channels_free=ways_out, guard=guard)
        call = Call(caller=asked.caller, dialled=asked.callee, withhold=asked.withheld, proved=asked.proved)
        made = plan(call, directory, state, now)
        out = next((step for step in made.steps if isinstance(step, Out) and not step.emergency), None)
        if out is not None:
            said = tuple(step for step in made.steps if isinstance(step, Say))
            told = Told(said=said, why="", instead=out.number) if said else None
            led = _led_out(out.number, out.identity, (asked.caller,), directory)
            return Decided((out.number,), made.notes, told, OUTSIDE_S, led=True, out=(led,))
        last = made.steps[-1]
        if isinstance(last, Refuse) and last.code in (_FORBIDDEN, _NO_NUMBER):
            sv, en = words("why", last.words)
            refusal = Refusal(last.code, phrased(sv, en), last.cause or _REJECTED, en)
            return Decided(refusal, made.notes, Told(why=last.words))
    elif asked.caller is not None and ways_out != 0:
        sv, en = words("why", NOT_LISTED)
        return Decided(Refusal(_FORBIDDEN, phrased(sv, en), _REJECTED, en), told=Told(why=NOT_LISTED))
    return unknown(asked)


def _led_out(number: str, identity: Identity, concerned: tuple[str | None, ...], directory: Directory) -> Outside:
    """As important as the most important of those whom it concerns."""
    known = (directory.extension(each) for each in concerned if each)
    ranks = [_IMPORTANCE.get(each.kind, Priority.REST) for each in known if each is not None]
    return Outside(number, min(ranks, default=Priority.REST), identity is Identity.WITHHELD)


def _inside(
    asked: Asked,
    sought: str,
    directory: Directory,
    now: datetime,
    known: Mapping[str, Presence],
    idle: Mapping[str, datetime],
    ways_out: int | None,
) -> Decided:
    rung = asked.tried
    if not rung and asked.why in (Why.BUSY, Why.NO_ANSWER, Why.SILENT, Why.ILL):
        rung = (sought,)
    after = {(rung or (sought,))[-1]: _AFTER[asked.why]} if asked.why in _AFTER else {}
    presence = ChainMap(after, cast("MutableMapping[str, Presence]", known))  # nobody writes to it
    call = Call(
        sos=asked.sos,
        caller=asked.caller,
        dialled=asked.callee,
        tried=frozenset(rung),
        withhold=asked.withheld,
        past_forwarding=asked.past,
    )
    # Without a way out what leads outside is passed over.
    state = State(mode=Mode.SURVIVAL, platform=False, trunk_channels_free=ways_out, presence=presence, idle=idle)
    made = plan(call, directory, state, now)
    answer, told = _first(asked, made, directory, now, rung, sought)
    ring = next((step for step in made.steps if isinstance(step, Ring | Out) and _rung_by(step) == answer), None)
    out = tuple(
        _led_out(number, step.identity if isinstance(step, Out) else Identity.MAIN, (asked.caller, sought), directory)
        for step in made.steps
        for number in ((step.number,) if isinstance(step, Out) else step.twins if isinstance(step, Ring) else ())
        if number in _rings(answer)
    )
    picked = any(directory.pick_up(number) is not None for number in (asked.caller, sought, *_rings(answer)) if number)
    for_s = ring.for_s if ring is not None else None
    turn = _turn(sought, _rings(answer), directory)
    return Decided(answer, made.notes, told, for_s, picked or bool(out), turn, out)


def _rung_by(step: Ring | Out) -> tuple[str, ...]:
    """Extensions, and numbers outside."""
    return (step.number,) if isinstance(step, Out) else (*step.extensions, *step.twins)


def _turn(sought: str, rings: tuple[str, ...], directory: Directory) -> str | None:
    group = directory.group(sought) if sought else None
    if group is None or group.distribution is not Distribution.LONGEST_IDLE or len(rings) != 1:
        return None
    return next((member.extension for member in group.members if member.extension == rings[0]), None)


def _rings(answer: tuple[str, ...] | Refusal) -> tuple[str, ...]:
    return () if isinstance(answer, Refusal) else answer


def _first(
    asked: Asked, made: Plan, directory: Directory, now: datetime, rung: tuple[str, ...], sought: str
) -> tuple[tuple[str, ...] | Refusal, Told | None]:
    """The first step that can be done, and what the caller is told where that ends the call."""
    said: list[Say] = []
    for step in made.steps:
        if isinstance(step, Say):
            said.append(step)
        elif isinstance(step, Ring | Out) and (ringing := _rung_by(step)):
            return ringing, _told(asked, made, said, directory, now, rung, sought, ringing[0]) if said else None
        elif isinstance(step, Reception | Voicemail) and not said:
            # A mailbox needs sound: without any the call ends where its 0 leads to (B1).
            if (reception := _reception(step, directory)) not in (None, asked.caller, *rung):
                assert reception is not None
                told = _told(asked, made, said, directory, now, rung, sought)
                return (reception,), told if isinstance(step, Voicemail) or told.busy else None
        elif isinstance(step, Refuse):
            sv, en = words("why", step.words)
            refusal = Refusal(step.code, phrased(sv, en), step.cause or _REJECTED, en)
            return refusal, Told(said=tuple(said), why=step.words, sought=sought)
    return _refused(asked, made, said, directory), _told(asked, made, said, directory, now, rung, sought)


def _told(
    asked: Asked,
    made: Plan,
    said: list[Say],
    directory: Directory,
    now: datetime,
    rung: tuple[str, ...],
    sought: str,
    instead: str | None = None,
) -> Told:
    """`instead`: who is called, once that is said."""
    last = made.steps[-1]
    reception = _reception(last, directory) if isinstance(last, Reception | Voicemail) else None
    if reception in (asked.caller, *rung):
        reception = None
    why = last.why if isinstance(last, Reception) else word_of(asked.why)
    mailbox, greeting = _mailbox(last if instead is None else None, sought, directory, now)
    ours = asked.caller is not None and directory.extension(asked.caller) is not None
    busy = sought if asked.why is Why.BUSY and ours and rung[-1:] == (sought,) else None
    return Told(
        said=tuple(said), why=why, sought=sought, reception=reception, instead=instead, mailbox=mailbox,
        greeting=greeting, busy=busy,
        contact=_contact(sought, directory) if mailbox is None and instead is None and busy is None else None,
    )  # fmt: skip


def _contact(sought: str, directory: Directory) -> str | None:
    """Who has no mailbox may be left a number to call back: somebody, at a phone of their own."""
    known = directory.extension(sought)
    return sought if known is not None and known.kind in _OWN and known.person and not known.blocked else None


_OWN = frozenset({Kind.PERSON, Kind.MOBILE})


def _mailbox(last: Step | None, sought: str, directory: Directory, now: datetime) -> tuple[str | None, str | None]:
    """Whom a message may be left for, and whose greeting is said: those of the plan's end, else of who was called."""
    if isinstance(last, Voicemail):
        return None if last.announcement_only else last.extension, last.extension
    extension = directory.extension(sought) if sought else None
    meets = Meets.NOTHING if extension is None else met(extension, directory, now)
    return sought if meets is Meets.MESSAGES else None, sought if meets in (Meets.MESSAGES, Meets.GREETING) else None


def _reception(step: Reception | Voicemail, directory: Directory) -> str | None:
    if isinstance(step, Reception):
        return step.extension
    entity = directory.entity(step.reception) if step.reception else None
    return entity.reception if entity else None


def _refused(asked: Asked, made: Plan, said: list[Say], directory: Directory) -> Refusal:
    """Nobody rings: why, in the words that would be said."""
    if said:
        sv, en = spoken(said[0].words, said[0].fill, DISPLAYED, directory)
        return Refusal(480, phrased(sv, en), _ABSENT, _line(en))
    last = made.steps[-1]
    if isinstance(last, Reception) and asked.why in (Why.ASKED, Why.BLOCKED, Why.OUTSIDE):
        sv, en = words("why", last.why)
        return Refusal(480, phrased(sv, en), _ABSENT, en)
    return refuse(asked.why, survival=asked.survival)


def display(part: str, key: str, **fill: str) -> str:
    """Words of the catalogue, for a reason phrase."""
    return phrased(*words(part, key, tuple(fill.items())))


def phrased(sv: str, en: str) -> str:
    """For a reason phrase (RFC 3261 §25.1): one line, Swedish first."""
    return f"{_line(sv)} / {_line(en)}"


def _line(text: str) -> str:
    """One line of what can be seen, whatever names and announcements hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LINE_MAX]
