"""Numbers as they are dialled, written, searched for and shown in Sweden.

A number is read in this order, and the first reading that holds is the number:

1. 112, in all writings: it is never anything else (A4). So is no extension that begins with 112.
2. The short numbers that are always open, 1177, 114 14, 113 13, 116 000 and the like, with and without a line prefix.
3. An international number, with + or as a tel: URI (RFC 3966): no line prefix is looked for.
4. An extension, by the ranges that the site has.
5. Outside, by each line prefix in the order in which the site lists them: 00 abroad, 0 with area code, short, local.

What goes out is what was read (`Dialled.e164`, or the digits of a short number), never what was typed. So a number has
one category, however it was spelt, and a carrier prefix (95XX) is read and dropped: the way out is ours to choose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from callcontrol.plan.numbering import EMERGENCY_NUMBER, numbering_plan

__all__ = [
    "TEXT_MAX",
    "Clash",
    "Collision",
    "Dialled",
    "DirectRange",
    "ExtensionRange",
    "LocalNumbering",
    "NumberKind",
    "collisions",
    "parse_dialled",
    "pretty",
    "search_forms",
]

TEXT_MAX = 64
"""Letters of a number as written; a tel: URI with parameters included. What is longer is no number."""
SWEDEN = "46"
E164_DIGITS = range(7, 16)
"""Digits of an E.164 number (§6.1: at most 15). The shortest that are in use abroad have seven."""

_SEPARATORS = " \t\u00a0\u2007\u2009\u202f-\u2010\u2011\u2012\u2013\u2212./()"
_NO_SEPARATORS = str.maketrans("", "", _SEPARATORS)
_TEL = re.compile(r"(?:tel:)?([^;]*)((?:;[a-z0-9-]+(?:=[^;]*)?)*)", re.ASCII | re.IGNORECASE)
_PLUS_OR_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)
_CODE = re.compile(r"[0-9*#+]*[*#][0-9*#+]*", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class NumberKind(StrEnum):
    """What was dialled."""

    EMERGENCY = "emergency"
    EXTENSION = "extension"
    SHORT = "short"
    NATIONAL = "national"
    INTERNATIONAL = "international"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number, read. What goes out is `e164`, or else `digits`."""

    kind: NumberKind
    digits: str = ""
    """EXTENSION: the extension; SHORT: the short number; EMERGENCY: 112; NATIONAL: with its trunk 0; else nothing."""
    e164: str | None = None
    """NATIONAL and INTERNATIONAL, with the plus."""
    extension: str | None = None
    """EXTENSION: itself; NATIONAL: that of ours which the number rings, where it is one of our direct-dial numbers."""
    main: bool = False
    """A main number of ours."""
    why: str = ""
    """INVALID: empty, too_long, characters, code, begins_112, length, local, no_area_code, no_such_number."""


@dataclass(frozen=True, slots=True)
class ExtensionRange:
    """Extensions of `length` digits that begin with `prefix`."""

    prefix: str
    length: int

    def __post_init__(self) -> None:
        _check("extension range", self.prefix, _DIGITS.fullmatch(self.prefix) is not None or not self.prefix)
        _check("extension range", str(self.length), max(1, len(self.prefix)) <= self.length <= 10)

    def __contains__(self, digits: str) -> bool:
        return len(digits) == self.length and digits.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class DirectRange:
    """Numbers that ring an extension of ours straight: ``number`` and ``extension``, each followed by the same digits.

    `DirectRange("+4690161", "1", 3)`: +46 90 16 10 00 rings 1000, up to +46 90 16 19 99 and 1999.
    """

    number: str
    extension: str
    digits: int

    def __post_init__(self) -> None:
        _check("direct-dial range", self.number, _E164.fullmatch(self.number) is not None)
        _check("direct-dial range", self.extension, _DIGITS.fullmatch(self.extension) is not None or not self.extension)
        _check("direct-dial range", str(self.digits), 0 <= self.digits <= 8)

    def extension_of(self, e164: str) -> str | None:
        """The extension that an E.164 number of this range rings."""
        tail = e164[len(self.number) :]
        return self.extension + tail if e164.startswith(self.number) and len(tail) == self.digits else None

    def number_of(self, extension: str) -> str | None:
        """The E.164 number that rings an extension of this range."""
        tail = extension[len(self.extension) :]
        return self.number + tail if extension.startswith(self.extension) and len(tail) == self.digits else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNumbering:
    """How numbers are dialled in one municipality. ValueError names the part that cannot be."""

    line_prefixes: tuple[str, ...] = ("0",)
    """What is dialled for a line, tried in this order; "" where numbers outside are dialled as they are. A site that
    has both names the digit first: ("0", "") reads 0 070-… and 070-… alike, as 00 70… would be abroad."""
    area_code: str = ""
    """With its 0, as "090"; "": numbers outside are always dialled with an area code."""
    extensions: tuple[ExtensionRange, ...] = ()
    main_numbers: tuple[str, ...] = ()
    direct: tuple[DirectRange, ...] = ()

    def __post_init__(self) -> None:
        for prefix in self.line_prefixes:
            _check("line prefix", prefix, re.fullmatch(r"[0-9]{0,4}", prefix, re.ASCII) is not None)
        _check(
            "area code",
            self.area_code,
            not self.area_code
            or (self.area_code.startswith("0") and self.area_code[1:] in numbering_plan().area_codes),
        )
        for number in self.main_numbers:
            _check("main number", number, _E164.fullmatch(number) is not None)

    def is_extension(self, digits: str) -> bool:
        """Whether digits can be an extension here. None begins with 112."""
        return not digits.startswith(EMERGENCY_NUMBER) and any(digits in range_ for range_ in self.extensions)

    def extension_of(self, e164: str) -> str | None:
        """The extension that a number of ours rings straight."""
        return next((found for range_ in self.direct if (found := range_.extension_of(e164)) is not None), None)

    def number_of(self, extension: str) -> str | None:
        """The number outside by which an extension is rung straight."""
        return next((found for range_ in self.direct if (found := range_.number_of(extension)) is not None), None)


def parse_dialled(text: str, numbering: LocalNumbering, *, sms: bool = False) -> Dialled:
    """Read a number as dialled or written. Never fails: what is no number is INVALID, and says why.

    Separators (blanks, hyphens, dots, slashes, brackets) and the (0) after a country code are left out, as are a tel:
    URI's parameters but `phone-context`, which is refused. Letters, digits of other scripts, marks that turn the
    writing's direction, and the codes' * and # are refused. `sms` reads the short numbers of messages, 72xxx, as such.
    """
    if not text.strip():
        return _invalid("empty")
    if len(text) > TEXT_MAX:
        return _invalid("too_long")
    if _is_emergency(text, numbering):
        return Dialled(NumberKind.EMERGENCY, EMERGENCY_NUMBER)
    cleaned = _cleaned(text)
    if cleaned is None:
        return _invalid("code" if _CODE.fullmatch(text.translate(_NO_SEPARATORS)) else "characters")
    if cleaned.startswith("+"):
        return _international(cleaned[1:], numbering)
    if sms and numbering_plan().sms(cleaned):
        return Dialled(NumberKind.SHORT, cleaned)
    if numbering_plan().is_always_open(cleaned):
        return Dialled(NumberKind.SHORT, cleaned)
    if numbering.is_extension(cleaned):
        return Dialled(NumberKind.EXTENSION, cleaned, extension=cleaned)
    return _outside(cleaned, numbering)


def search_forms(text: str) -> tuple[str, ...]:
    """Digits to look for in a directory when somebody types a number, whole or in part, in any Swedish way.

    Each is a part of the digits of an E.164 number without its plus ("4690161000"), or of an extension. The first is
    the most particular. () when the text is no number. `090-16 10 00`, `+46 90 161000`, `0046 (0)90 16 10 00`, `161000`
    all give something that is part of 4690161000.
    """
    if len(text) > TEXT_MAX:
        return ()
    cleaned = _cleaned(text)
    if cleaned is None:
        return ()
    abroad = cleaned.startswith(("+", "00"))
    digits = cleaned.lstrip("+0")
    if abroad and digits.startswith(SWEDEN):
        nsn = digits.removeprefix(SWEDEN).lstrip("0")
        return tuple(dict.fromkeys(form for form in (SWEDEN + nsn, nsn) if form))
    return (digits,) if digits else ()


def pretty(number: str) -> str:
    """A number in Swedish grouping: 090-16 10 00, 08-123 456 78, 070-123 45 67, 114 14. Others stay as they are.

    Takes E.164 with its plus, or a short number. (Grouping: sv.wikipedia.org, Telefonnummer.)
    """
    if not number.startswith("+"):
        return f"{number[:3]} {number[3:]}" if numbering_plan().short(number) and len(number) > 4 else number
    nsn = number.removeprefix("+" + SWEDEN)
    entry = numbering_plan().national(nsn)
    if nsn == number or not _DIGITS.fullmatch(nsn) or entry is None or len(nsn) not in entry.lengths:
        return number
    return f"0{entry.prefix}-{_grouped(nsn[len(entry.prefix) :])}"


class Clash(StrEnum):
    """What an extension or a code is in the way of."""

    EMERGENCY = "emergency"
    SHORT = "short"
    LINE_PREFIX = "line_prefix"
    LOCAL_NUMBER = "local_number"
    CODE = "code"
    EXTENSION = "extension"
    RANGE = "range"


@dataclass(frozen=True, slots=True, order=True)
class Collision:
    """`number`, an extension or a code, against `other`: when the one is dialled the other is reached, or may be."""

    number: str
    clash: Clash
    other: str


def collisions(numbering: LocalNumbering, extensions: Iterable[str], codes: Iterable[str]) -> tuple[Collision, ...]:
    """Every clash of a site's numbers, in order.

    Phones that send a number as soon as it is complete make a clash of any two of which one begins the other; so that
    is what is looked for. `codes` are those that are dialled from rest ("*23*", "#23#", "9"). LOCAL_NUMBER: where no
    line prefix is dialled, the extension hides a subscriber's number of the area. RANGE: it lies in no range of the
    site, so that it is not known for an extension when dialled.
    """
    plan = numbering_plan()
    numbers = sorted(set(extensions))
    listed = list(codes)
    found = set(_between_extensions(numbers))
    for number in numbers:
        found.update(_of_extension(number, numbering, listed))
    for at, code in enumerate(listed):
        if _meet(code, EMERGENCY_NUMBER):
            found.add(Collision(code, Clash.EMERGENCY, EMERGENCY_NUMBER))
        found.update(Collision(code, Clash.SHORT, short) for short in plan.always_open if _meet(code, short))
        found.update(
            Collision(code, Clash.LINE_PREFIX, one) for one in numbering.line_prefixes if one and _meet(code, one)
        )
        prefixes = {one.prefix for one in numbering.extensions if code[:1].isdigit()}
        found.update(Collision(code, Clash.EXTENSION, prefix) for prefix in prefixes if _meet(code, prefix))
        found.update(Collision(code, Clash.CODE, other) for other in listed[at + 1 :] if _meet(code, other))
    return tuple(sorted(found))


def _of_extension(number: str, numbering: LocalNumbering, codes: list[str]) -> Iterator[Collision]:
    plan = numbering_plan()
    if _meet(number, EMERGENCY_NUMBER):
        yield Collision(number, Clash.EMERGENCY, EMERGENCY_NUMBER)
    for short in plan.always_open:
        if _meet(number, short):
            yield Collision(number, Clash.SHORT, short)
    if plan.is_always_open(number):
        yield Collision(number, Clash.SHORT, number)
    for prefix in numbering.line_prefixes:
        if prefix and _meet(number, prefix):
            yield Collision(number, Clash.LINE_PREFIX, prefix)
    if "" in numbering.line_prefixes:
        outside = _public(number, numbering, carrier=False)
        if outside.kind is NumberKind.SHORT:
            yield Collision(number, Clash.SHORT, number)
        elif outside.e164:
            yield Collision(number, Clash.LOCAL_NUMBER, outside.e164)
    for code in codes:
        if _meet(number, code):
            yield Collision(number, Clash.CODE, code)
    if not any(number in range_ for range_ in numbering.extensions):
        yield Collision(number, Clash.RANGE, "")


def _between_extensions(numbers: list[str]) -> Iterator[Collision]:
    known = set(numbers)
    for number in numbers:
        for length in range(1, len(number)):
            if number[:length] in known:
                yield Collision(number, Clash.EXTENSION, number[:length])


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _check(part: str, value: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{part}: {value!r}")


def _invalid(why: str) -> Dialled:
    return Dialled(NumberKind.INVALID, why=why)


def _cleaned(text: str, *, context: bool = False) -> str | None:
    """Digits, perhaps with a plus before them; None: something else is among them, or (but by `context`) a context."""
    uri = _TEL.fullmatch(text.strip())
    if uri is None or (";phone-context" in uri[2].lower() and not context):
        return None
    bare = uri[1].translate(_NO_SEPARATORS)
    return bare if _PLUS_OR_DIGITS.fullmatch(bare) else None


def _is_emergency(text: str, numbering: LocalNumbering) -> bool:
    """112 with any zeros, line prefix or country code before it, and with marks that nobody sees; RFC 5031's name."""
    if text.strip().lower().partition(".")[0] == "urn:service:sos":
        return True
    seen = _cleaned("".join(letter for letter in text if unicodedata.category(letter) != "Cf"), context=True)
    if seen is None:
        return False
    if seen.startswith("+"):
        return seen[1:].removeprefix(SWEDEN).lstrip("0") == EMERGENCY_NUMBER
    return any(
        seen.startswith(prefix) and seen.removeprefix(prefix).lstrip("0") == EMERGENCY_NUMBER
        for prefix in ("", *numbering.line_prefixes)
    )


def _outside(digits: str, numbering: LocalNumbering) -> Dialled:
    """By the first line prefix that gives a number."""
    first: Dialled | None = None
    for prefix in numbering.line_prefixes:
        if not digits.startswith(prefix):
            continue
        read = _public(digits.removeprefix(prefix), numbering)
        if read.kind is not NumberKind.INVALID:
            return read
        first = first or read
    short = digits.lstrip("0")
    if numbering_plan().is_always_open(short):
        return Dialled(NumberKind.SHORT, short)
    if digits.startswith(EMERGENCY_NUMBER):
        return _invalid("begins_112")
    return first or _invalid("no_such_number")


def _public(digits: str, numbering: LocalNumbering, *, carrier: bool = True) -> Dialled:
    """As dialled on a line of the public network."""
    if carrier and digits.startswith("95") and len(digits) > 4:
        return _public(digits[4:], numbering, carrier=False)
    if digits.startswith("00"):
        return _international(digits[2:], numbering)
    if digits.startswith("0"):
        return _national(digits[1:], numbering)
    if not digits:
        return _invalid("no_such_number")
    if numbering_plan().short(digits):
        return Dialled(NumberKind.SHORT, digits)
    if digits.startswith("112"):
        return _invalid("begins_112")
    if digits.startswith(("11", "95")):
        return _invalid("local")
    if not numbering.area_code:
        return _invalid("no_area_code")
    # No short number is looked for behind an area code: in Norrköping, 011, the local number 2 would be 112.
    return _significant(numbering.area_code[1:] + digits, numbering)


def _international(digits: str, numbering: LocalNumbering) -> Dialled:
    """What follows + or 00."""
    if digits.startswith(SWEDEN):
        nsn = digits.removeprefix(SWEDEN)
        return _national(nsn.removeprefix("0"), numbering)
    if digits.startswith("0") or len(digits) not in E164_DIGITS:
        return _invalid("length" if not digits.startswith("0") else "no_such_number")
    return Dialled(NumberKind.INTERNATIONAL, e164="+" + digits)


def _national(nsn: str, numbering: LocalNumbering) -> Dialled:
    """A national significant number, or a short one behind a zero or a country code too many."""
    if nsn == EMERGENCY_NUMBER:
        return Dialled(NumberKind.EMERGENCY, EMERGENCY_NUMBER)
    if numbering_plan().short(nsn):
        return Dialled(NumberKind.SHORT, nsn)
    return _significant(nsn, numbering)


def _significant(nsn: str, numbering: LocalNumbering) -> Dialled:
    if nsn.startswith("0"):
        return _invalid("no_such_number")
    if not numbering_plan().is_possible(nsn):
        return _invalid("length")
    e164 = f"+{SWEDEN}{nsn}"
    return Dialled(
        NumberKind.NATIONAL,
        "0" + nsn,
        e164,
        extension=numbering.extension_of(e164),
        main=e164 in numbering.main_numbers,
    )


def _grouped(subscriber: str) -> str:
    """Pairs from the end; three first where the count is odd; eight as 3, 3, 2."""
    if len(subscriber) == 8:
        return f"{subscriber[:3]} {subscriber[3:6]} {subscriber[6:]}"
    head = subscriber[: 3 if len(subscriber) % 2 and len(subscriber) > 3 else 2]
    rest = subscriber[len(head) :]
    return " ".join([head, *(rest[at : at + 2] for at in range(0, len(rest), 2))]).strip()
