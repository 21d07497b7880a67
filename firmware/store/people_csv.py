"""People out of a CSV file and into one. A row is somebody with an extension, somebody without, or a phone of a
unit's own.

A file from a subscriber system is hostile: it may be in Windows-1252 or UTF-8, with commas, semicolons or tabs, with a
line missing or a formula in a name. It is taken whole or not at all; what is wrong is said by line and column.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

from callcontrol.plan.model import Distribution, Entity, Extension, Identity, Kind, Person, Unit, Visibility
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled, pretty
from callcontrol.plan.reach import REACH_CLASSES, ReachClass
from callcontrol.plan.schedule import Schedule
from firmware.store.load import Municipality
from firmware.store.visible import HIDEABLE, Card

__all__ = [
    "BYTES_MAX",
    "COLUMNS",
    "FAULTS_MAX",
    "ROWS_MAX",
    "Fault",
    "Parsed",
    "decode",
    "parse",
    "write",
    "write_vcards",
]

BYTES_MAX = 512 * 1024 * 1024
ROWS_MAX = 250_000
"""More than the largest municipality, and six smaller ones, have."""
CELL_MAX = 1_000
"""Characters; no name, and no list of duties, is longer."""

ROW_MAX = 64 * 1024
"""Characters of a row with its line breaks; a quote that is not closed runs no further."""

FAULTS_MAX = 100
"""So many are listed; a file of the wrong kind has one on every line."""

VCARD_LINE_BYTES = 75

LIST_MAX = 50
"""Duties or search words of one person."""

COLUMNS: Mapping[str, str] = {
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
}
"""Swedish heading -> English heading; both are understood, in any order and case."""

_WANTED = ("municipality", "unit")
_YES = frozenset({"ja", "j", "1", "x", "sant", "yes", "y", "true"})
_NO = frozenset({"", "nej", "n", "0", "falskt", "no", "false"})
_KINDS = {
    "": Kind.PERSON, "person": Kind.PERSON, "grupptelefon": Kind.GROUP, "svarsgrupp": Kind.HUNT,
    "passningsställe": Kind.ATTENDED, "jourtelefon": Kind.ON_CALL, "expeditionstelefon": Kind.OFFICE,
    "reception": Kind.RECEPTION, "talsvar": Kind.ANNOUNCEMENT, "mobil": Kind.MOBILE,
} | {str(kind): kind for kind in Kind}  # fmt: skip
_IDENTITIES = {"": Identity.DIRECT, "direkt": Identity.DIRECT, "huvud": Identity.MAIN, "dolt": Identity.WITHHELD} | {
    str(identity): identity for identity in Identity
}
_DISTRIBUTIONS = {
    "": Distribution.ALL,
    "alla": Distribution.ALL,
    "i tur": Distribution.IN_TURN,
    "längst ledig": Distribution.LONGEST_IDLE,
} | {str(way): way for way in Distribution}
_WHO = {
    "alla": Visibility.PUBLIC, "anställda": Visibility.STAFF, "växel": Visibility.OPERATOR, "hemlig": Visibility.SECRET,
} | {str(who): who for who in Visibility}  # fmt: skip
_FIELDS = {
    **{swedish: english for swedish, english in COLUMNS.items() if english in HIDEABLE},
    **{n: n for n in HIDEABLE},
}
_NOT_WRITTEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Signs that no name has, and by which one could be made to look like another: controls, what has no width, and those
that turn the writing."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_EMAIL = re.compile(r"[^\s@<>\"',;]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Fault:
    """`line` as an editor counts; `column` is the file's own heading, "" for the line as a whole."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Nothing of a file with `faults` is to be used. `rows` counts its lines of data."""

    municipalities: tuple[Municipality, ...] = ()
    entities: tuple[Entity, ...] = ()
    units: tuple[Unit, ...] = ()
    people: tuple[Person, ...] = ()
    extensions: tuple[Extension, ...] = ()
    groups: Mapping[str, tuple[Distribution, tuple[str, ...]]] = field(default_factory=dict)
    rows: int = 0
    faults: tuple[Fault, ...] = ()
    more_faults: int = 0  # beyond those listed


T = TypeVar("T")


class _Faulty(ValueError):
    """A cell that cannot be so."""


def decode(data: bytes) -> str:
    """UTF-8, with or without its mark, else Windows-1252. Raises ValueError for what is neither."""
    if len(data) > BYTES_MAX:
        raise ValueError(f"larger than {BYTES_MAX // 2**20} MiB")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4096]:
        raise ValueError("neither UTF-8 nor Windows-1252: save it as CSV UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        # Letters that are right until then: UTF-8 with a fault, and no name would survive to be taken for another.
        if data.startswith(codecs.BOM_UTF8) or not error.object[: error.start].isascii():
            raise ValueError(f"line {line}: no UTF-8, as which it begins") from error
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError(f"line {line}: neither UTF-8 nor Windows-1252") from error


def parse(
    text: str,
    numbering: LocalNumbering,
    told: Callable[[int], None] = lambda rows: None,
    classes: Mapping[str, ReachClass] = REACH_CLASSES,
) -> Parsed:
    """Read a whole file; `told` hears of the rows now and then."""
    reading = _Reading(numbering, classes)
    try:
        for count, (line, cells) in enumerate(_lines(text, reading), 1):
            if count > ROWS_MAX:
                reading.fault(line, "", f"more than {ROWS_MAX:,} rows".replace(",", " "))
                break
            reading.row(line, cells)
            if count % 10_000 == 0:
                told(count)
    except csv.Error as error:
        reading.fault(reading.line, "", f"no CSV: {error}")
    return reading.parsed()


def write(cards: Iterable[Card], target: io.TextIOBase) -> int:
    """People as one may see them, as a file that `parse` reads; a cell is never a formula to whoever opens it."""
    rows = 0
    names = [name for name in COLUMNS.values() if name in _WRITTEN]
    headings = [swedish for swedish, english in COLUMNS.items() if english in _WRITTEN]
    out = csv.writer(target, delimiter=";", lineterminator="\r\n")
    out.writerow(headings)
    for card in cards:
        out.writerow([_harmless(_WRITTEN[name](card)) for name in names])
        rows += 1
    return rows


def write_vcards(cards: Iterable[Card], target: io.TextIOBase) -> int:
    """The same people as vCards (RFC 6350), for phones and mail programs."""
    people = 0
    for card in cards:
        person = card.person
        name = f"{person.given} {person.family}".strip()
        lines = ["BEGIN:VCARD", "VERSION:4.0", f"UID:{_text(person.id)}", f"FN:{_text(name)}"]
        lines.append(f"N:{_text(person.family)};{_text(person.given)};;;")
        lines.append(f"ORG:{_text(card.entity)};{_text(card.unit)}")
        lines += [f"TITLE:{_text(person.title)}"] if person.title else []
        lines += [f"TEL;TYPE=work;VALUE=text:{number}" for number in card.extensions]
        lines += [f"TEL;TYPE=cell;VALUE=uri:tel:{person.mobile}"] if person.mobile else []
        lines += [f"EMAIL:{_text(person.email)}"] if person.email else []
        target.writelines(_folded(line) for line in (*lines, "END:VCARD"))
        people += 1
    return people


class _Reading:
    """One file being read: what came of it so far."""

    def __init__(self, numbering: LocalNumbering, classes: Mapping[str, ReachClass]) -> None:
        # As written, not as dialled: there is no prefix for a line, and no extension among them.
        self._numbering = replace(numbering, line_prefixes=("",), extensions=())
        self._classes = classes
        self.line = 1
        self.row_length = 0
        self._headings: dict[str, str] = {}
        self._municipalities: dict[str, Municipality] = {}
        self._entities: dict[tuple[str, str], Entity] = {}
        self._units: dict[tuple[str, str], Unit] = {}
        self._people: dict[str, Person] = {}
        self._extensions: dict[str, Extension] = {}
        self._groups: dict[str, tuple[Distribution, tuple[str, ...]]] = {}
        self._named: list[tuple[int, str, str]] = []  # line, column and extension that must be in the file
        self._met: dict[tuple[str, str], int] = {}  # line by which an id, number or extension was met first
        self._faults: list[Fault] = []
        self._more = 0
        self._rows = 0

    def fault(self, line: int, column: str, message: str) -> None:
        if len(self._faults) < FAULTS_MAX:
            self._faults.append(Fault(line, self._headings.get(column, column), message))
        else:
            self._more += 1

    def headings(self, cells: Sequence[str]) -> list[str] | None:
        """The English names of the columns; None when one is not known or missing, which is then a fault."""
        known = {**COLUMNS, **{english: english for english in COLUMNS.values()}}
        if len(cells) > len(known):
            self.fault(1, "", f"{len(cells)} columns; there are no more than {len(COLUMNS)}")
            return None
        names = []
        for cell in cells:
            heading = " ".join(unicodedata.normalize("NFC", cell).casefold().split())
            if heading not in known:
                near = difflib.get_close_matches(heading, known, n=1)
                self.fault(1, cell[:40], f"unknown column{f'; did you mean {near[0]}?' if near else ''}")
                continue
            if known[heading] in names:
                self.fault(1, cell[:40], "is there twice")
            self._headings[known[heading]] = cell
            names.append(known[heading])
        for wanted in _WANTED:
            if wanted not in names and not self._faults:
                self.fault(1, "", f"the column {_swedish(wanted)} is missing")
        return None if self._faults else names

    def row(self, line: int, cells: Mapping[str, str]) -> None:
        self._rows += 1
        self.line = line
        column = ""
        try:
            values = {}
            for column, cell in cells.items():
                values[column] = _clean(cell)
            column = ""
            self._take(line, values)
        except _Faulty as error:
            said, _, where = str(error).partition("\0")
            self.fault(line, where or column, said)

    def parsed(self) -> Parsed:
        if not self._rows and not self._faults:
            self.fault(1, "", "has no rows")
        for line, column, name in self._named:
            if not self._faults and name not in self._extensions:
                self.fault(line, column, f"{name}: no extension in this file")
        if self._faults:
            return Parsed(rows=self._rows, faults=tuple(self._faults), more_faults=self._more)
        return Parsed(
            municipalities=tuple(self._municipalities.values()),
            entities=tuple(self._entities.values()),
            units=tuple(self._units.values()),
            people=tuple(self._people.values()),
            extensions=tuple(self._extensions.values()),
            groups=self._groups,
            rows=self._rows,
        )

    def _take(self, line: int, row: Mapping[str, str]) -> None:
        def cell(name: str) -> str:
            return row.get(name, "")

        unit = self._unit(cell("municipality"), cell("entity"), cell("unit"), cell("cost_centre"))
        number = self._extension_number(cell("extension"))
        person = None
        if cell("given") or cell("family"):
            if not cell("family"):
                raise _Faulty("is empty\0family")
            person = cell("id") or (f"ext-{number}" if number else "")
            if not _ID.fullmatch(person):
                raise _Faulty("1 to 64 letters, digits or . _ : -, and one for everybody without extension\0id")
            self._once("id", person, line)
        elif not number:
            raise _Faulty("neither a name nor an extension")
        if person is not None:
            self._people[person] = Person(
                id=person,
                given=cell("given"),
                family=cell("family"),
                unit=unit.id,
                title=cell("title"),
                cost_centre=cell("cost_centre"),
                duties=_list(cell("duties"), "duties"),
                search_words=_list(cell("search_words"), "search_words"),
                location=cell("location"),
                email=_email(cell("email")),
                sms=self._number(cell("sms"), "sms"),
                mobile=self._number(cell("mobile"), "mobile"),
                deputy=cell("deputy") or None,
                phone_hours=_hours(cell("phone_hours")),
                protected=_flag(cell("protected"), "protected"),
                visibility=_visibility(cell("visibility")),
            )
        if number:
            self._extension(line, row, number, unit, person)

    def _extension(self, line: int, row: Mapping[str, str], number: str, unit: Unit, person: str | None) -> None:
        self._once("extension", number, line)
        kind = _one_of(row.get("kind", ""), _KINDS, "kind")
        direct = self._number(row.get("direct_number", ""), "direct_number")
        if direct:
            self._once("direct_number", direct, line)
        mobile = self._number(row.get("mobile", ""), "mobile")
        if kind is Kind.MOBILE and mobile is None:
            raise _Faulty("a mobile that is an extension has a number\0mobile")
        classes = {"": self._classes["sweden"], **self._classes}
        members = _list(row.get("members", ""), "members")
        if kind is Kind.HUNT:
            self._groups[number] = (_one_of(row.get("distribution", ""), _DISTRIBUTIONS, "distribution"), members)
            self._named += ((line, "members", member) for member in members)
        elif members:
            raise _Faulty("only a svarsgrupp has members\0members")
        self._extensions[number] = Extension(
            number=number,
            kind=kind,
            unit=unit.id,
            person=person,
            reach=_one_of(row.get("reach", ""), classes, "reach"),
            identity=_one_of(row.get("identity", ""), _IDENTITIES, "identity"),
            direct_number=direct,
            mobile=mobile if kind is Kind.MOBILE else None,
            mobile_twin=self._number(row.get("mobile_twin", ""), "mobile_twin"),
            hours=_hours(row.get("phone_hours", "")) if person is None else None,
            voicemail=_flag(row.get("voicemail", ""), "voicemail"),
        )

    def _unit(self, municipality: str, entity: str, unit: str, cost_centre: str) -> Unit:
        """Names are made one by their letters: two spaces or another capital are no other department (D5)."""
        for name, value in (("municipality", municipality), ("unit", unit)):
            if not value:
                raise _Faulty(f"is empty\0{name}")
        place = self._municipalities.setdefault(
            _id(municipality), Municipality(id=_id(municipality), name=municipality)
        )
        legal = entity or municipality
        key = (place.id, _id(legal))
        known = self._entities.get(key)
        if known is None:
            known = self._entities[key] = Entity(
                id=f"{place.id}/{_id(legal)}", name=legal, municipality=place.id, greeting=f"Välkommen till {legal}"
            )
        found = self._units.get((known.id, _id(unit)))
        if found is None:
            found = self._units[(known.id, _id(unit))] = Unit(
                id=f"{known.id}/{_id(unit)}", name=unit, entity=known.id, cost_centre=cost_centre
            )
        return found

    def _extension_number(self, text: str) -> str:
        if not text:
            return ""
        if not re.fullmatch(r"[0-9]{1,15}", text):
            raise _Faulty(f"{text[:20]!r}: digits alone\0extension")
        if text.startswith("112"):
            raise _Faulty(f"{text}: no extension begins with 112\0extension")
        return text

    def _number(self, text: str, column: str) -> str | None:
        if not text:
            return None
        dialled = parse_dialled(text, self._numbering)
        if dialled.kind not in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL) or dialled.e164 is None:
            raise _Faulty(f"{text[:30]!r}: a whole number, as 090-16 10 00 or +46 90 161000\0{column}")
        return dialled.e164

    def _once(self, kind: str, value: str, line: int) -> None:
        if (first := self._met.setdefault((kind, value), line)) != line:
            raise _Faulty(f"{value}: is on line {first} already\0{kind}")


def _lines(text: str, reading: _Reading) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by the English names of their columns, each with the line on which it begins."""
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first.count)
    csv.field_size_limit(CELL_MAX * 10)
    rows = csv.reader(_bounded(io.StringIO(text, newline=""), reading), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    begins = 1
    for cells in rows:
        reading.line = begins
        reading.row_length = 0
        if names is None:
            if (names := reading.headings(cells)) is None:
                return
        elif any(cell.strip() for cell in cells):
            if len(cells) != len(names):
                reading.fault(begins, "", f"{len(cells)} columns; the heading has {len(names)}")
            else:
                yield begins, dict(zip(names, cells, strict=True))
        reading.line = begins = rows.line_num + 1


def _bounded(lines: Iterable[str], reading: _Reading) -> Iterator[str]:
    """Lines, until those of one row are more than any row has."""
    for line in lines:
        reading.row_length += len(line)
        if reading.row_length > ROW_MAX:
            raise csv.Error(f"a row of more than {ROW_MAX} characters; is a quote not closed?")
        yield line


def _clean(cell: str) -> str:
    if len(cell) > CELL_MAX:
        raise _Faulty(f"longer than {CELL_MAX} characters")
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    if hidden := _NOT_WRITTEN.search(text):
        raise _Faulty(f"has a sign that is not seen (U+{ord(hidden[0]):04X})")
    if text.startswith("'") and text[1:2] in _FORMULA:
        return text[1:]  # as `write` keeps a spreadsheet from reckoning with it
    if text.startswith(("=", "@")):
        raise _Faulty(f"{text[:20]!r}: a formula, not a text")
    return text


def _one_of(text: str, known: Mapping[str, T], column: str) -> T:
    if text.casefold() not in known:
        near = difflib.get_close_matches(text.casefold(), [name for name in known if name], n=1)
        raise _Faulty(f"{text[:30]!r}: not known{f'; did you mean {near[0]}?' if near else ''}\0{column}")
    return known[text.casefold()]


def _flag(text: str, column: str) -> bool:
    if text.casefold() in _YES:
        return True
    if text.casefold() in _NO:
        return False
    raise _Faulty(f"{text[:20]!r}: ja or nej\0{column}")


def _list(text: str, column: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in re.split(r"[|,]", text) if part.strip()))
    if len(found) > LIST_MAX:
        raise _Faulty(f"more than {LIST_MAX}\0{column}")
    return found


def _email(text: str) -> str | None:
    if text and not _EMAIL.fullmatch(text):
        raise _Faulty(f"{text[:40]!r}: no address\0email")
    return text or None


@lru_cache(maxsize=1024)
def _hours(text: str) -> Schedule | None:
    try:
        return Schedule.parse(text) if text else None
    except ValueError as error:
        raise _Faulty(f"{error}\0phone_hours") from error


def _visibility(text: str) -> Mapping[str, Visibility]:
    """``mobil=växel, e-post=alla``."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, who = (side.strip().casefold() for side in part.partition("="))
        if name not in _FIELDS or who not in _WHO:
            raise _Faulty(f"{part[:40]!r}: expected a column = alla, anställda, växel or hemlig\0visibility")
        found[_FIELDS[name]] = _WHO[who]
    return found


def _id(name: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name).casefold())) or "-"


def _swedish(english: str) -> str:
    return next(swedish for swedish, name in COLUMNS.items() if name == english)


def _text(text: str) -> str:
    """RFC 6350 §3.4."""
    return re.sub(r"\r\n?|\n", r"\\n", re.sub(r"([\\,;])", r"\\\1", text))


def _folded(line: str) -> str:
    """RFC 6350 §3.2: lines of at most 75 bytes, cut between letters."""
    parts, part = [], ""
    for letter in line:
        if len((part + letter).encode()) > VCARD_LINE_BYTES:
            parts.append(part)
            part = " "
        part += letter
    return "\r\n".join([*parts, part]) + "\r\n"


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not re.fullmatch(r"\+[0-9 ]+", cell) else cell


_WRITTEN: Mapping[str, Callable[[Card], str]] = {
    "municipality": lambda card: card.municipality,
    "entity": lambda card: card.entity,
    "unit": lambda card: card.unit,
    "cost_centre": lambda card: card.person.cost_centre,
    "id": lambda card: card.person.id,
    "given": lambda card: card.person.given,
    "family": lambda card: card.person.family,
    "title": lambda card: card.person.title,
    "extension": lambda card: next(iter(card.extensions), ""),
    "mobile": lambda card: pretty(card.person.mobile) if card.person.mobile else "",
    "duties": lambda card: " | ".join(card.person.duties),
    "search_words": lambda card: " | ".join(card.person.search_words),
    "phone_hours": lambda card: str(card.person.phone_hours or ""),
    "location": lambda card: card.person.location,
    "email": lambda card: card.person.email or "",
    "protected": lambda card: "ja" if card.person.protected else "",
}
