"""What the configuration says of numbers, of codes, and of what callers are told: `[numbering]`, `[codes]`,
`[announcing]`.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from callcontrol.plan.codes import Code, Function, Own
from callcontrol.plan.codesets import SETS, codes_of
from callcontrol.plan.number import LocalNumbering
from firmware.bounds import Choice, Each, Refused, Text, like, parse_direct, parse_range
from firmware.config_kinds import FILE_OR_NONE, kept, or_empty
from firmware.document import key

__all__ = ["Announcing", "Codes", "Numbering"]

PREFIX = Text('up to 4 digits, or ""', like(r"[0-9]{0,4}"))
AREA_CODE = Text('an area code with its 0, such as "090", or ""', like(r"(0[1-9][0-9]{0,2})?"))
RANGE = Text('digits and an x for each that may be any, such as "16xx"', kept(parse_range))
DIRECT = Text('"+46NUMBER=EXTENSION", both with the same xs: "+4690161xxx=1xxx"', kept(parse_direct))
SET = Choice(tuple(SETS))
OBSERVED = Choice(("answered", "heard", "no"))
LANGUAGE = Choice(("sv", "en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How numbers are dialled in this building."""

    line_prefixes: tuple[str, ...] = field(
        default=("0",),
        metadata=key(Each(PREFIX, 1, 4), 'what is dialled for an outside line; "" where nothing is'),
    )
    area_code: str = field(
        default="", metadata=key(AREA_CODE, "that of the place; without it, numbers are dialled with one")
    )
    extensions: tuple[str, ...] = field(
        default=(), metadata=key(Each(RANGE, 0, 64), "which numbers are extensions, beside those in the directory")
    )
    direct: tuple[str, ...] = field(
        default=(), metadata=key(Each(DIRECT, 0, 64), "numbers outside that ring an extension straight")
    )

    @property
    def local(self) -> LocalNumbering:
        """The same, as numbers are read by it."""
        return LocalNumbering(
            line_prefixes=self.line_prefixes,
            area_code=self.area_code,
            extensions=tuple(map(parse_range, self.extensions)),
            direct=tuple(map(parse_direct, self.direct)),
        )


def _code(function: Function, default: str, meaning: str) -> Any:
    def check(text: str) -> str:
        try:
            Code.parse(function, text)
        except ValueError as error:
            raise Refused(str(error)) from None
        return text

    numbered = "N" in function.letters
    example = "*8*N#" if numbered else "*8#"
    number = " with an N for the number" if numbered else ""
    expected = f'1 to 10 digits, * and #{number}, as "{example}", or ""'
    return field(default=default, metadata=key(Text(expected, or_empty(check)), meaning))


AS_SET = "set"
NIGHT, FAULT = "*84# *84*N#", "*85#"
"""Ours: no set has any such."""


def _own(own: Own, example: str, meaning: str, default: str = AS_SET) -> Any:
    def check(text: str) -> str:
        try:
            for one in text.split():
                Code.parse(own, one)
        except ValueError as error:
            raise Refused(str(error)) from None
        return text

    def whole(text: str) -> str:
        return text if text == AS_SET else check(text)

    expected = f'"{AS_SET}", codes as "{example}" parted by a blank, or ""'
    return field(default=default, metadata=key(Text(expected, or_empty(whole)), meaning))


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What is dialled in an outage to have something done; "" for none. Each is a `Function`, or of `Own`, of which the
    sets say what the site does not."""

    sets: tuple[str, ...] = field(
        default=("mx-one",),
        metadata=key(Each(SET, 0, 4), "whose codes are used, the first of two that are in each other's way"),
    )
    observed: str = field(
        default="answered",
        metadata=key(OBSERVED, "when the platform has done such a code on a good day, so that it is known here, too"),
    )
    group_pick_up: str = _code(Function.GROUP_PICK_UP, "*8#", "take the call that rings in one's own group")
    pick_up: str = _code(Function.PICK_UP, "*8*N#", "take the call that rings at this extension of one's own group")
    park: str = _code(Function.PARK, "*70*N#", "transfer to it: whoever is on the phone waits in this slot")
    fetch: str = _code(Function.FETCH, "#70*N#", "take who waits in this slot")
    call_back: str = _code(Function.CALL_BACK, "*37*N#", "be called back when this extension is free")
    call_back_off: str = _code(Function.CALL_BACK_OFF, "#37#", "not to be called back by anybody any more")
    camp_on: str = _code(Function.CAMP_ON, "*4*N#", "wait for this extension, which is busy")
    conference: str = _code(Function.CONFERENCE, "*55*N#", "be in the conference of this number, or transfer to it")
    barge_in: str = _code(Function.BARGE_IN, "*56*N#", "come into the call of this extension; all hear a tone")
    add: str = _code(Function.ADD, "*58*N#", "call this extension into one's own call")
    threat: str = _code(Function.THREAT, "*57#", "mark one's own call as a threat, and record it from now on")
    voicemail: str = _code(Function.VOICEMAIL, "*98#", "listen to one's own mailbox, from one's own phone")
    voicemail_of: str = _code(Function.VOICEMAIL_OF, "*98*N#", "to this extension's, from any phone, by its PIN")
    refer: str = _own(Own.REFER, "*23*R*T# *23*R#", "be away, by the digit of a reason, until a time or a date")
    back: str = _own(Own.BACK, "#23#", "be back")
    refer_other: str = _own(Own.REFER_OTHER, "*230*N*R*T#", "the same for another extension, by who may")
    back_other: str = _own(Own.BACK_OTHER, "#230*N#", "another is back")
    follow_me: str = _own(Own.FOLLOW_ME, "*21*N#", "one's calls ring at this extension, where one is")
    forward: str = _own(Own.FORWARD, "*22#A#", "all calls go to this number; without one, to who answers for the unit")
    forward_off: str = _own(Own.FORWARD_OFF, "#21#", "neither of both any more")
    busy: str = _own(Own.BUSY, "*67*A#", "calls go to this number when one is busy")
    busy_off: str = _own(Own.BUSY_OFF, "#67#", "no longer when one is busy")
    no_answer: str = _own(Own.NO_ANSWER, "*61*A#", "calls go to this number when one does not answer")
    no_answer_off: str = _own(Own.NO_ANSWER_OFF, "#61#", "no longer when one does not answer")
    not_reachable: str = _own(Own.NOT_REACHABLE, "*62*A#", "calls go to this number when the phone is not there")
    not_reachable_off: str = _own(Own.NOT_REACHABLE_OFF, "#62#", "no longer when the phone is not there")
    all_off: str = _own(Own.ALL_OFF, "##002#", "no forwarding any more, of any kind")
    do_not_disturb: str = _own(Own.DO_NOT_DISTURB, "*27#", "the phone does not ring")
    do_not_disturb_off: str = _own(Own.DO_NOT_DISTURB_OFF, "#27#", "it rings again")
    status: str = _own(Own.STATUS, "*#21#", "hear what is set")
    lock: str = _own(Own.LOCK, "*76*P#", "the phone calls inside only, and 112; by one's PIN")
    unlock: str = _own(Own.UNLOCK, "#76*P#", "it calls as before; by one's PIN")
    change_pin: str = _own(Own.CHANGE_PIN, "*74*P*P#", "another PIN: the old one, then the new one")
    call_as: str = _own(Own.CALL_AS, "*75*P*N#", "call outside from here as this extension may; by its PIN")
    past: str = _own(Own.PAST, "*60*N#", "ring this extension past its forwarding and do-not-disturb, by who may")
    withheld: str = _own(Own.WITHHELD, "*42#A", "call this number, one's own withheld for once")
    night: str = _own(
        Own.NIGHT,
        "*84*N#",
        "the key of one's reception: closed or open; N: 0 as its hours say, 1 open, 2 lunch, 3 night",
        NIGHT,
    )
    fault: str = _own(Own.FAULT, "*85#", "report that something is wrong with this phone", FAULT)

    @property
    def table(self) -> tuple[Code, ...]:
        written = ((function, getattr(self, function)) for function in Function)
        functions = tuple(Code.parse(function, text) for function, text in written if text)
        own = {one: text.split() for one in Own if (text := getattr(self, one)) != AS_SET}
        return (*functions, *codes_of(self.sets, {one: tuple(texts) for one, texts in own.items()}, functions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcing:
    """What callers hear whose call nobody takes."""

    languages: tuple[str, ...] = field(
        default=("sv",),
        metadata=key(Each(LANGUAGE, 0, 2), "in which languages, one after the other; none: they only read it"),
    )
    recordings: str = field(
        default="",
        metadata=key(FILE_OR_NONE, "the municipality's own recordings; what is not there is spoken by espeak-ng"),
    )
    voicemail: str = field(
        default="",
        metadata=key(
            Text('up to 10 digits, or ""', like(r"[0-9]{0,10}")),
            "a number that is called to listen to one's mailbox, and pressed by who calls a SIM",
        ),
    )
    voicemail_always: str = field(
        default="no",
        metadata=key(
            Choice(("yes", "no")),
            "whether that number is the unit's while the platform serves, too: one that the platform does not have",
        ),
    )
    music: str = field(
        default="",
        metadata=key(FILE_OR_NONE, "what who waits hears: files of sound, in turns; none: a quiet tune of our own"),
    )
