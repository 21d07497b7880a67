"""What a file of people does not say: greetings, choices, who answers for whom, roles. TOML, all of it or nothing.

[municipality."norrby"]
phone_hours = true
signals = 3

[entity."norrby/norrby"]
greeting = "Välkommen till Norrby kommun"
numbers = ["090-16 10 00"]
reception = "1000"

[unit."norrby/norrby/bygg"]
telephony_contact = "anna"
attended_by = "1100"

[reach."utland"]
open = ["abroad"]

[pick_up."Bygglov"]
entity = "norrby/norrby"
extensions = ["1001", "1002"]
barge_in = true

[reason."norrby".fika]
sv = "Fika"
en = "Coffee break"
returns = "15 min"

[service."norrby/norrby"]
hours = "mån-fre 08:00-16:30"
lunch = "mån-fre 12:00-13:00"
on_call = [{ name = "Socialjouren", number = "090-16 19 00" }]

[[role]]
person = "anna"
role = "telephony_contact"
scope = "norrby/norrby/bygg"
"""

from __future__ import annotations

import difflib
import json
import sqlite3
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from callcontrol.plan.inside import SIGNALS_MAX
from callcontrol.plan.model import Choices, Identity
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.reach import Category
from callcontrol.plan.rights import Role
from callcontrol.plan.schedule import Schedule, ScheduleError
from callcontrol.plan.service import OnCall, Service
from firmware.store import reasons, services
from firmware.store.database import transact
from firmware.store.search import index

__all__ = ["BYTES_MAX", "Applied", "apply"]

BYTES_MAX = 4 * 1024 * 1024
TEXT_MAX = 200
NUMBERS_MAX = 100
SIGNAL_S = range(3, 11)
GUARDED = range(100_001)
"""Calls, or kronor, of an hour."""

_AREAS = ("municipality", "entity", "unit", "reach", "reason", "role", "pick_up", "service")


@dataclass(frozen=True, slots=True)
class Applied:
    """`faults` name the key; with any, nothing was changed. `changed` counts entries."""

    changed: int = 0
    faults: tuple[str, ...] = ()


class _Faulty(ValueError):
    pass


def apply(db: sqlite3.Connection, text: str, numbering: LocalNumbering, *, dry_run: bool = False) -> Applied:
    """Take a file into ``directory.db``; what it does not name stays as it was."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Applied(faults=(str(error),))
    reading = _Reading(db, numbering)
    for area, entries in document.items():
        reading.area(area, entries)
    if reading.faults or dry_run:
        return Applied(len(reading.work), tuple(reading.faults))

    def work() -> None:
        for sql, values in reading.work:
            db.execute(sql, values)
        if reading.renamed:
            index(db)

    transact(db, work)
    return Applied(len(reading.work))


class _Reading:
    def __init__(self, db: sqlite3.Connection, numbering: LocalNumbering) -> None:
        self._db = db
        self._numbering = numbering
        self.work: list[tuple[str, tuple[Any, ...]]] = []
        self._picked_up: set[str] = set()
        self.renamed = False
        """Whether people are found by other words afterwards."""
        self.faults: list[str] = []

    def area(self, area: str, entries: Any) -> None:
        if area not in _AREAS:
            self._fault(area, f"is not known{_near(area, _AREAS)}")
        elif area == "role":
            for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
                self._entry(f"role {number}", partial(self._role, entry))
        elif not isinstance(entries, dict):
            self._fault(area, "is a table of tables")
        else:
            take: dict[str, Callable[[str, Any], None]] = {
                "municipality": self._municipality,
                "entity": self._entity,
                "unit": self._unit,
                "reach": self._reach,
                "reason": self._reasons,
                "pick_up": self._pick_up,
                "service": self._service,
            }
            for name, entry in entries.items():
                self._entry(f'{area}."{name}"', partial(take[area], name, entry))

    def _entry(self, where: str, take: Callable[[], None]) -> None:
        try:
            take()
        except _Faulty as error:
            self._fault(where, str(error))

    def _fault(self, where: str, why: str) -> None:
        self.faults.append(f"{where}: {why}")

    def _municipality(self, name: str, entry: Any) -> None:
        self._known("municipality", name)
        kinds = {choice.name: _CHOICES.get(choice.name, _flag) for choice in fields(Choices)}
        for key, value in _taken(entry, {"name": _text, "working_hours": _hours, **kinds}).items():
            if key == "name":
                self.work.append(("UPDATE municipality SET name = ? WHERE id = ?", (value, name)))
            elif key == "working_hours":
                self.work.append(("UPDATE municipality SET hours = ? WHERE id = ?", (value, name)))
            else:
                sql = "INSERT OR REPLACE INTO choice (municipality, name, value) VALUES (?, ?, ?)"
                self.work.append((sql, (name, key, int(value))))

    def _entity(self, name: str, entry: Any) -> None:
        self._known("entity", name)
        rules = {"name": _text, "greeting": _text, "reception": self._extension, "main_number": self._number}
        taken = _taken(entry, {**rules, "numbers": self._numbers})
        numbers = taken.pop("numbers", None)
        self._update("entity", name, taken)
        if numbers is not None:
            self.work.append(("DELETE FROM entity_number WHERE entity = ?", (name,)))
            sql = "INSERT OR REPLACE INTO entity_number (number, entity) VALUES (?, ?)"
            self.work += ((sql, (number, name)) for number in numbers)

    def _unit(self, name: str, entry: Any) -> None:
        self._known("unit", name)
        rules: dict[str, Callable[[Any], Any]] = {
            "name": _text,
            "parent": lambda value: self._named("unit", value),
            "cost_centre": _text,
            "secret": _flag,
            "identity": lambda value: _one_of(value, tuple(Identity)),
            "telephony_contact": lambda value: self._named("person", value),
            "attended_by": self._extension,
            "unstaffed": _flag,
            "emergency_number": self._number,
            "on_call": self._extension,
        }
        taken = _taken(entry, rules)
        self.renamed |= "name" in taken
        self._update("unit", name, taken)

    def _reach(self, name: str, entry: Any) -> None:
        taken = _taken(entry, {"open": lambda value: [_one_of(one, tuple(Category)) for one in _list(value)]})
        sql = "INSERT OR REPLACE INTO reach_class (name, open) VALUES (?, ?)"
        self.work.append((sql, (_text(name), json.dumps(sorted(taken.get("open", []))))))

    def _reasons(self, municipality: str, entry: Any) -> None:
        """All the reasons of a municipality of its own; those it had are gone."""
        self._known("municipality", municipality)
        try:
            taken = reasons.from_table(entry)
        except ValueError as error:
            raise _Faulty(str(error)) from None
        self.work.append(("DELETE FROM reason WHERE municipality = ?", (municipality,)))
        sql = "INSERT INTO reason (municipality, key, body) VALUES (?, ?, ?)"
        self.work += ((sql, (municipality, reason.key, reasons.to_body(reason))) for reason in taken)

    def _pick_up(self, name: str, entry: Any) -> None:
        """A group as a whole; without extensions it is gone. Who was in another is not in that any more."""
        rules: dict[str, Callable[[Any], Any]] = {
            "entity": lambda value: self._named("entity", value),
            "extensions": lambda value: [self._extension(one) for one in _list(value)],
            "barge_in": _flag,
        }
        taken = _taken(entry, rules)
        if missing := {"entity", "extensions"} - taken.keys():
            raise _Faulty(f"{min(missing)} is missing")
        for number in taken["extensions"]:
            sql = "SELECT unit.entity FROM extension JOIN unit ON unit.id = unit WHERE number = ?"
            if self._db.execute(sql, (number,)).fetchone() != (taken["entity"],):
                raise _Faulty(f"extensions: {number!r}: not of {taken['entity']}")
            if number in self._picked_up:
                raise _Faulty(f"extensions: {number!r}: in one group alone")
            self._picked_up.add(number)
        self.work.append(("DELETE FROM pick_up WHERE name = ?", (_text(name),)))
        if not taken["extensions"]:
            return
        sql = "INSERT INTO pick_up (name, entity, barge_in) VALUES (?, ?, ?)"
        self.work.append((sql, (name, taken["entity"], taken.get("barge_in", 0))))
        sql = "INSERT OR REPLACE INTO pick_up_member (extension, pick_up) VALUES (?, ?)"
        self.work += ((sql, (number, name)) for number in taken["extensions"])

    def _service(self, name: str, entry: Any) -> None:
        """As a whole; an empty one is gone: the reception is always open."""
        self._known("entity", name)
        rules: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(("hours", "lunch"), _schedule),
            **dict.fromkeys(("night_to", "lunch_to"), self._extension),
            **dict.fromkeys(("night_text", "lunch_text"), _text),
            "on_call": lambda value: tuple(self._on_call(one) for one in _list(value)),
        }
        taken = _taken(entry, rules)
        if not taken:
            self.work.append(("DELETE FROM service WHERE entity = ?", (name,)))
            return
        if "hours" not in taken:
            raise _Faulty("hours is missing")
        row = services.to_row(Service(entity=name, **taken))
        sql = f"INSERT OR REPLACE INTO service ({', '.join(services.COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        self.work.append((sql, row))

    def _on_call(self, entry: Any) -> OnCall:
        taken = _taken(entry, {"name": _text, "number": self._callable, "hours": _schedule})
        if missing := {"name", "number"} - taken.keys():
            raise _Faulty(f"{min(missing)} is missing")
        return OnCall(**taken)

    def _callable(self, value: Any) -> str:
        """An extension, a number of society's services, or a whole number outside."""
        if self._db.execute("SELECT 1 FROM extension WHERE number = ?", (_text(value),)).fetchone() is not None:
            return str(value)
        dialled = parse_dialled(str(value), LocalNumbering(line_prefixes=("",), area_code=self._numbering.area_code))
        if dialled.kind in (NumberKind.SHORT, NumberKind.EMERGENCY):
            return dialled.digits
        return self._number(value)

    def _role(self, entry: Any) -> None:
        rules: dict[str, Callable[[Any], Any]] = {
            "person": lambda value: self._named("person", value),
            "role": lambda value: _one_of(value, tuple(Role)),
            "scope": self._scope,
        }
        taken = _taken(entry, rules)
        if missing := rules.keys() - taken.keys():
            raise _Faulty(f"{min(missing)} is missing")
        sql = "INSERT OR REPLACE INTO role (person, role, scope) VALUES (?, ?, ?)"
        self.work.append((sql, (taken["person"], taken["role"], taken["scope"])))

    def _update(self, table: str, name: str, values: Mapping[str, Any]) -> None:
        if values:
            places = ", ".join(f"{key} = ?" for key in values)
            self.work.append((f"UPDATE {table} SET {places} WHERE id = ?", (*values.values(), name)))  # noqa: S608  ours

    def _known(self, table: str, name: str) -> None:
        known = [known for (known,) in self._db.execute(f"SELECT id FROM {table}")]  # noqa: S608  names of ours
        if name not in known:
            raise _Faulty(f"there is none{_near(name, known)}")

    def _named(self, table: str, value: Any) -> str:
        sql = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608  names of ours
        if self._db.execute(sql, (_text(value),)).fetchone() is None:
            raise _Faulty(f"{value!r}: there is no such {table}")
        return str(value)

    def _scope(self, value: Any) -> str:
        if value == "*":
            return "*"
        for table in ("municipality", "entity", "unit"):
            sql = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608  names of ours
            if self._db.execute(sql, (_text(value),)).fetchone() is not None:
                return str(value)
        raise _Faulty(f'{value!r}: no municipality, entity or unit, nor "*"')

    def _extension(self, value: Any) -> str:
        if self._db.execute("SELECT 1 FROM extension WHERE number = ?", (_text(value),)).fetchone() is None:
            raise _Faulty(f"{value!r}: no extension in the directory")
        return str(value)

    def _number(self, value: Any) -> str:
        written = LocalNumbering(line_prefixes=("",), area_code=self._numbering.area_code)
        dialled = parse_dialled(_text(value), written)
        if dialled.kind not in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL) or dialled.e164 is None:
            raise _Faulty(f"{value!r}: a whole number, as 090-16 10 00")
        return dialled.e164

    def _numbers(self, value: Any) -> list[str]:
        return [self._number(one) for one in _list(value)]


def _taken(entry: Any, rules: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The values of a table by its rules; the first that is wrong is named."""
    if not isinstance(entry, dict):
        raise _Faulty("is no table")
    taken = {}
    for key, value in entry.items():
        if key not in rules:
            raise _Faulty(f"{key}: is not known{_near(key, rules)}")
        try:
            taken[key] = rules[key](value)
        except _Faulty as error:
            raise _Faulty(f"{key}: {error}") from None
    return taken


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > TEXT_MAX or not value.isprintable():
        raise _Faulty(f"a text of 1 to {TEXT_MAX} signs")
    return value


def _schedule(value: Any) -> Schedule:
    try:
        return Schedule.parse(_text(value))
    except ScheduleError as error:
        raise _Faulty(str(error)) from None


def _hours(value: Any) -> str:
    _schedule(value)
    return str(value)


def _flag(value: Any) -> int:
    if not isinstance(value, bool):
        raise _Faulty("true or false")
    return int(value)


def _signals(value: Any) -> int:
    return _whole(value, range(1, SIGNALS_MAX + 1))


def _signal_s(value: Any) -> int:
    return _whole(value, SIGNAL_S)


def _guard(value: Any) -> int:
    return _whole(value, GUARDED)


_CHOICES: Mapping[str, Callable[[Any], Any]] = {
    "signals": _signals,
    "signal_s": _signal_s,
    "guard_calls": _guard,
    "guard_kr": _guard,
}
"""Those that are no flags."""


def _whole(value: Any, bounds: range) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in bounds:
        raise _Faulty(f"a whole number, {bounds[0]} to {bounds[-1]}")
    return value


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise _Faulty(f"{str(value)[:40]!r}: one of {', '.join(known)}{_near(str(value), known)}")
    return str(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > NUMBERS_MAX:
        raise _Faulty(f"a list of at most {NUMBERS_MAX}")
    return value


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:TEXT_MAX], list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
