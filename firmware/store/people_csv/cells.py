"""What stands in a cell: its heading, what may be written in it, and the value that it is."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from callcontrol.plan.model import Distribution, Identity, Kind, Visibility
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.schedule import Schedule
from firmware.store.visible import HIDEABLE

__all__ = [
    "CELL_MAX",
    "COLUMNS",
    "DISTRIBUTIONS",
    "EMAIL",
    "EXTRACT",
    "HIDDEN",
    "IDENTITIES",
    "KINDS",
    "LIST_MAX",
    "WHO",
    "Faulty",
    "clean",
    "flag",
    "harmless",
    "heading",
    "hours",
    "is_kept",
    "listed",
    "mail",
    "number",
    "one_of",
    "swedish",
    "visibility",
    "written",
]

CELL_MAX = 1_000
"""Characters; no name, and no list of duties, is longer."""

LIST_MAX = 50
"""Duties or search words of one person."""

COLUMNS: Mapping[str, str] = {
    "ändring": "action",
    "kommun": "municipality",
    "organisation": "entity",
    "enhet": "unit",
    "kostnadsställe": "cost_centre",
    "id": "id",
    "förnamn": "given",
    "efternamn": "family",
    "titel": "title",
    "anknytning": "extension",
    "typ": "kind",
    "direktnummer": "direct_number",
    "mobil": "mobile",
    "tvilling": "mobile_twin",
    "ansvar": "duties",
    "sökord": "search_words",
    "telefontid": "phone_hours",
    "plats": "location",
    "e-post": "email",
    "sms": "sms",
    "ersättare": "deputy",
    "skyddad": "protected",
    "räckvidd": "reach",
    "visat nummer": "identity",
    "röstbrevlåda": "voicemail",
    "synlighet": "visibility",
    "fördelning": "distribution",
    "medlemmar": "members",
    "vidare till": "fallback",
    "talsvarstext": "announcement",
}
"""Swedish heading -> English heading; both are understood, in any order and case."""

EXTRACT = ("utdrag", "extract")
"""The heading of a file that lacks what its readers may not see: it is not for loading."""

HIDDEN = "(dold)"
"""Written in the place of what the viewer may not see; read, it leaves what is there."""
_KEPT = frozenset({HIDDEN, "(hidden)", "(oförändrad)", "(unchanged)"})

_YES = frozenset({"ja", "j", "1", "x", "sant", "yes", "y", "true"})
_NO = frozenset({"", "nej", "n", "0", "falskt", "no", "false"})
KINDS: Mapping[str, Kind] = {
    "": Kind.PERSON, "person": Kind.PERSON, "grupptelefon": Kind.GROUP, "svarsgrupp": Kind.HUNT,
    "passningsställe": Kind.ATTENDED, "jourtelefon": Kind.ON_CALL, "expeditionstelefon": Kind.OFFICE,
    "reception": Kind.RECEPTION, "talsvar": Kind.ANNOUNCEMENT, "mobil": Kind.MOBILE,
} | {str(kind): kind for kind in Kind}  # fmt: skip
IDENTITIES: Mapping[str, Identity] = {
    "": Identity.DIRECT, "direkt": Identity.DIRECT, "huvud": Identity.MAIN, "dolt": Identity.WITHHELD,
} | {str(identity): identity for identity in Identity}  # fmt: skip
DISTRIBUTIONS: Mapping[str, Distribution] = {
    "": Distribution.ALL, "alla": Distribution.ALL, "i tur": Distribution.IN_TURN,
    "längst ledig": Distribution.LONGEST_IDLE,
} | {str(way): way for way in Distribution}  # fmt: skip
WHO: Mapping[str, Visibility] = {
    "alla": Visibility.PUBLIC, "anställda": Visibility.STAFF, "växel": Visibility.OPERATOR, "hemlig": Visibility.SECRET,
} | {str(who): who for who in Visibility}  # fmt: skip
_FIELDS = {
    **{swedish: english for swedish, english in COLUMNS.items() if english in HIDEABLE},
    **{name: name for name in HIDEABLE},
}
_NOT_WRITTEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Signs that no name has, and by which one could be made to look like another: controls, what has no width, and those
that turn the writing."""

_FORMULA = re.compile(r"[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_PHONE_NUMBER = re.compile(r"\+[0-9 ]+")
EMAIL = re.compile(r"[^\s@<>\"',;]{1,64}@[A-Za-z0-9.-]{1,255}")

T = TypeVar("T")


class Faulty(ValueError):
    """A cell that cannot be so; `column` by its English heading, "" where it is the row."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.message, self.column = message, column


def heading(cell: str) -> str:
    """A heading as it is compared: small, its spaces single."""
    return " ".join(unicodedata.normalize("NFC", cell).casefold().split())


def swedish(english: str) -> str:
    return next(swedish for swedish, name in COLUMNS.items() if name == english)


def clean(cell: str) -> str:
    """The text of a cell, without what no name has."""
    if len(cell) > CELL_MAX:
        raise Faulty(f"longer than {CELL_MAX} characters")
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    if hidden := _NOT_WRITTEN.search(text):
        raise Faulty(f"has a sign that is not seen (U+{ord(hidden[0]):04X})")
    if _GUARDED.match(text):
        return text[1:]  # as `harmless` keeps a spreadsheet from reckoning with it
    if text.startswith(("=", "@")):
        raise Faulty(f"{text[:20]!r}: a formula, not a text")
    return text


def harmless(cell: str) -> str:
    """What `clean` reads as this text, and is a formula to no spreadsheet."""
    begins_so = _FORMULA.match(cell) or _GUARDED.match(cell)
    return f"'{cell}" if begins_so and not _PHONE_NUMBER.fullmatch(cell) else cell


def is_kept(text: str) -> bool:
    """Whether a cell says that what is there stays as it is."""
    return text.startswith("(") and text.casefold() in _KEPT


def one_of(text: str, known: Mapping[str, T]) -> T:
    if text.casefold() not in known:
        near = difflib.get_close_matches(text.casefold(), [name for name in known if name], n=1)
        raise Faulty(f"{text[:30]!r}: not known{f'; did you mean {near[0]}?' if near else ''}")
    return known[text.casefold()]


def written(value: T, known: Mapping[str, T]) -> str:
    """The word by which `one_of` finds a value: the first that is one, which is Swedish."""
    return next(word for word, other in known.items() if word and other == value)


def flag(text: str) -> bool:
    if text.casefold() in _YES:
        return True
    if text.casefold() in _NO:
        return False
    raise Faulty(f"{text[:20]!r}: ja or nej")


def listed(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in re.split(r"[|,]", text) if part.strip()))
    if len(found) > LIST_MAX:
        raise Faulty(f"more than {LIST_MAX}")
    return found


def mail(text: str) -> str | None:
    if text and not EMAIL.fullmatch(text):
        raise Faulty(f"{text[:40]!r}: no address")
    return text or None


def number(text: str, numbering: LocalNumbering) -> str | None:
    """A number outside, in E.164; `numbering` has neither extensions nor a prefix for a line."""
    if not text:
        return None
    dialled = parse_dialled(text, numbering)
    if dialled.kind not in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL) or dialled.e164 is None:
        raise Faulty(f"{text[:30]!r}: a whole number, as 090-16 10 00 or +46 90 161000")
    return dialled.e164


@lru_cache(maxsize=1024)
def hours(text: str) -> Schedule | None:
    try:
        return Schedule.parse(text) if text else None
    except ValueError as error:
        raise Faulty(str(error)) from error


def visibility(text: str) -> Mapping[str, Visibility]:
    """``mobil=växel, e-post=alla``."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, who = (side.strip().casefold() for side in part.partition("="))
        if name not in _FIELDS or who not in WHO:
            raise Faulty(f"{part[:40]!r}: expected a column = alla, anställda, växel or hemlig")
        found[_FIELDS[name]] = WHO[who]
    return found
