"""What a row of a file says: of whom, of which phone, and which of their fields; a field that it does not name is not
in it. What is wrong is said by line and column, and the rest of the file is read all the same."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TextIO, TypeVar

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import REACH_CLASSES, ReachClass
from firmware.store.people_csv import cells as form
from firmware.store.people_csv.cells import COLUMNS, Faulty
from firmware.store.people_csv.source import ROWS_MAX, CsvRows, has_more_rows

__all__ = ["FAULTS_MAX", "Action", "Fault", "Place", "Reading", "Row"]

FAULTS_MAX = 100
"""So many are listed; a file of the wrong kind has one on every line."""

TOLD_EVERY = 10_000
"""Rows between two reports of progress."""

_ID = "1 to 64 letters, digits or . _ : -, and one for everybody without extension"
_ID_SIGNS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:-")
_ID_MAX = 64
_EXTENSION_MAX = 15
_KEYS = frozenset({"action", "id", "extension"})
_PLACE = ("municipality", "unit")


class Action(StrEnum):
    """What a row of a change file wants. Applied twice, it is as applied once."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


_ACTIONS: Mapping[str, Action] = {
    "ny": Action.ADD, "ändrad": Action.CHANGE, "bort": Action.REMOVE, "borttagen": Action.REMOVE,
} | {str(action): action for action in Action}  # fmt: skip


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """`line` as an editor counts; `column` is the file's own heading, "" for the line as a whole."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A department by its names; `entity` "" where it is not named. `cost_centre` is that of a new one."""

    municipality: str
    entity: str
    unit: str
    cost_centre: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`person` and `phone` hold the fields that the row names, by their names in callcontrol.plan.model; of a phone
    also `distribution` and `members`. Somebody's second phone has their `id`, and no `person`."""

    line: int
    action: Action | None = None  # None: of a whole file
    place: Place | None = None  # None: where it is
    id: str = ""
    person: Mapping[str, Any] | None = None  # None: of a phone alone
    extension: str = ""
    phone: Mapping[str, Any] = field(default_factory=dict)


class Reading:
    """One file being read: its rows, and what is wrong with it. Nothing of a file with `faults` is to be used."""

    def __init__(
        self, numbering: LocalNumbering, classes: Mapping[str, ReachClass] = REACH_CLASSES, *, changes: bool = False
    ) -> None:
        # As written, not as dialled: there is no prefix for a line, and no extension among them.
        plain = replace(numbering, line_prefixes=("",), extensions=())
        reach = {"": REACH_CLASSES["sweden"], **classes}

        def number(text: str) -> str | None:
            return form.number(text, plain)

        self._changes = changes
        self._of_person: Mapping[str, Callable[[str], object]] = {
            **dict.fromkeys(("given", "family", "title", "cost_centre", "location"), str),
            **dict.fromkeys(("duties", "search_words"), form.listed),
            **dict.fromkeys(("sms", "mobile"), number),
            "email": form.mail,
            "deputy": lambda text: text or None,
            "phone_hours": form.hours,
            "protected": form.flag,
            "visibility": form.visibility,
        }
        self._of_phone: Mapping[str, Callable[[str], object]] = {
            **dict.fromkeys(("direct_number", "mobile", "mobile_twin"), number),
            **dict.fromkeys(("fallback", "announcement"), lambda text: text or None),
            "kind": lambda text: form.one_of(text, form.KINDS),
            "reach": lambda text: form.one_of(text, reach),
            "identity": lambda text: form.one_of(text, form.IDENTITIES),
            "distribution": lambda text: form.one_of(text, form.DISTRIBUTIONS),
            "members": form.listed,
            "voicemail": form.flag,
        }
        self._headings: dict[str, str] = {}
        self.count = 0
        """Rows of data so far."""
        self.faults: list[Fault] = []
        self.more_faults = 0
        """Beyond those listed."""

    def fault(self, line: int, column: str, message: str) -> None:
        """`column` by its English heading."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(line, self._headings.get(column, column), message))
        else:
            self.more_faults += 1

    def rows(self, file: TextIO, told: Callable[[int], None] = lambda rows: None) -> Iterator[Row]:
        """The rows without fault of a file that can be read twice; `told` hears of their count now and then."""
        rows = CsvRows(file)
        try:
            # First, as with a million of rows nobody should wait for the last to hear that they are too many.
            if has_more_rows(file, ROWS_MAX):
                self.fault(
                    1, "", f"more than {ROWS_MAX:,} rows: load it in parts of the organisation".replace(",", " ")
                )
                return
            file.seek(0)
            yield from self._rows(rows, told)
        except csv.Error as error:
            self.fault(rows.line, "", f"no CSV: {error}")
        except UnicodeDecodeError:
            self.fault(rows.line, "", "was changed while it was read: load it again")
        if not self.count and not self.faults:
            self.fault(1, "", "has no rows")

    def _rows(self, rows: CsvRows, told: Callable[[int], None]) -> Iterator[Row]:
        names: Sequence[str] | None = None
        for cells in rows:
            if names is None:
                if (names := self._names(cells)) is None:
                    return
            elif any(cell.strip() for cell in cells):
                self.count += 1
                if self.count % TOLD_EVERY == 0:
                    told(self.count)
                if len(cells) != len(names):
                    self.fault(rows.line, "", f"{len(cells)} columns; the heading has {len(names)}")
                elif (row := self._row(rows.line, dict(zip(names, cells, strict=True)))) is not None:
                    yield row

    def _names(self, cells: Sequence[str]) -> Sequence[str] | None:
        """The English names of the columns; None when one is not known or missing, which is then a fault."""
        known = {**COLUMNS, **{english: english for english in COLUMNS.values()}}
        if len(cells) > len(known):
            self.fault(1, "", f"{len(cells)} columns; there are no more than {len(COLUMNS)}")
            return None
        names: list[str] = []
        for cell in cells:
            heading = form.heading(cell)
            if heading in form.EXTRACT:
                self.fault(1, cell[:40], "an extract lacks what its readers may not see: load an export for operators")
            elif heading not in known:
                near = difflib.get_close_matches(heading, known, n=1)
                self.fault(1, cell[:40], f"unknown column{f'; did you mean {near[0]}?' if near else ''}")
            elif known[heading] in names:
                self.fault(1, cell[:40], "is there twice")
            else:
                self._headings[known[heading]] = cell
                names.append(known[heading])
        if not self.faults:
            self._columns(names)
        return None if self.faults else names

    def _columns(self, names: Sequence[str]) -> None:
        """Those that must be there together, or must not."""
        wanted = {"action"} if self._changes else set(_PLACE)
        if {"municipality", "entity", "unit"} & set(names):
            wanted |= set(_PLACE)
        for missing in sorted(wanted - set(names), key=tuple(COLUMNS.values()).index):
            self.fault(1, "", f"the column {form.swedish(missing)} is missing")
            return
        if self._changes and not {"id", "extension"} & set(names):
            self.fault(1, "", "neither a column id nor anknytning")
        if not self._changes and "action" in names:
            self.fault(1, "action", "a file of changes: load it with --changes")

    def _row(self, line: int, cells: Mapping[str, str]) -> Row | None:
        """None for one with a fault, which is then listed."""
        column = ""
        try:
            row = {}
            for column, cell in cells.items():
                text = form.clean(cell)
                if not form.is_kept(text):
                    row[column] = text
                elif column in _KEYS:
                    raise Faulty("must be said: a row is known by it")
            column = ""
            return self._said(line, row)
        except Faulty as error:
            self.fault(line, error.column or column, error.message)
            return None

    def _said(self, line: int, row: Mapping[str, str]) -> Row:
        action = _read(row, "action", lambda text: form.one_of(text, _ACTIONS)) if self._changes else None
        extension = _extension(row.get("extension", ""))
        known = row.get("id", "")
        named = bool(row.get("given") or row.get("family"))
        # Where names are no part of the file, an id is a person's.
        of_person = named or ("family" not in row and bool(known))
        if action is Action.REMOVE:
            # Somebody with all that is theirs; but an extension alone where only that is named beside the id.
            of_person = named or not extension
        if of_person:
            known = known or (f"ext-{extension}" if extension else "")
        if (of_person or known) and not (0 < len(known) <= _ID_MAX and _ID_SIGNS.issuperset(known)):
            raise Faulty(_ID, "id")
        if not of_person and not extension:
            raise Faulty("neither a name nor an extension")
        if action is Action.REMOVE:
            return Row(line=line, action=action, id=known, person={} if of_person else None, extension=extension)
        person = {name: _read(row, name, read) for name, read in self._of_person.items() if name in row}
        phone = {name: _read(row, name, read) for name, read in self._of_phone.items() if name in row}
        if not of_person and "phone_hours" in row:
            phone["hours"] = person["phone_hours"]
        if of_person or known or "family" in row:
            phone["person"] = known or None
        if of_person and not person.get("family", True):
            raise Faulty("is empty", "family")
        return Row(
            line=line,
            action=action,
            place=self._place(row),
            id=known,
            person=person if of_person else None,
            extension=extension,
            phone=phone if extension else {},
        )

    def _place(self, row: Mapping[str, str]) -> Place | None:
        if not {"municipality", "unit"} <= row.keys():
            return None  # kept
        for name in _PLACE:
            if not row[name]:
                raise Faulty("is empty", name)
        entity, cost_centre = row.get("entity", ""), row.get("cost_centre", "")
        return Place(municipality=row["municipality"], entity=entity, unit=row["unit"], cost_centre=cost_centre)


def _read(row: Mapping[str, str], column: str, read: Callable[[str], T]) -> T:
    try:
        return read(row[column])
    except Faulty as error:
        raise Faulty(error.message, column) from error


def _extension(text: str) -> str:
    if not text:
        return ""
    if not (text.isascii() and text.isdecimal() and len(text) <= _EXTENSION_MAX):
        raise Faulty(f"{text[:20]!r}: digits alone", "extension")
    if text.startswith("112"):
        raise Faulty(f"{text}: no extension begins with 112", "extension")
    return text
