"""What the configuration says of numbers, of codes, and of what callers are told: `[numbering]`, `[codes]`,
`[announcing]`.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from callcontrol.plan.codes import Code, Function
from callcontrol.plan.number import LocalNumbering
from firmware.bounds import Choice, Each, Refused, Text, like, parse_direct, parse_range
from firmware.config_kinds import FILE_OR_NONE, kept, or_empty
from firmware.document import key

__all__ = ["Announcing", "Codes", "Numbering"]

PREFIX = Text('up to 4 digits, or ""', like(r"[0-9]{0,4}"))
AREA_CODE = Text('an area code with its 0, such as "090", or ""', like(r"(0[1-9][0-9]{0,2})?"))
RANGE = Text('digits and an x for each that may be any, such as "16xx"', kept(parse_range))
DIRECT = Text('"+46NUMBER=EXTENSION", both with the same xs: "+4690161xxx=1xxx"', kept(parse_direct))
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

    example = "*8*N#" if function.numbered else "*8#"
    number = " with an N for the number" if function.numbered else ""
    expected = f'1 to 8 digits, * and #{number}, as "{example}", or ""'
    return field(default=default, metadata=key(Text(expected, or_empty(check)), meaning))


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What is dialled in an outage to have something done; "" for none. Each is a `Function`."""

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

    @property
    def table(self) -> tuple[Code, ...]:
        written = ((function, getattr(self, function)) for function in Function)
        return tuple(Code.parse(function, text) for function, text in written if text)


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
    music: str = field(
        default="",
        metadata=key(FILE_OR_NONE, "what who waits hears: files of sound, in turns; none: a quiet tune of our own"),
    )
