"""The municipality as a decision asks for it: ``directory.db`` with what was changed here laid over it.

What is small and asked for by every call (units, entities, choices, hours, classes of reach) is in memory. Persons and
extensions, of which there may be 100,000, are read one by one by their key, and kept until something of theirs changes.
What other processes write is seen at the next question: SQLite says that a file was written (PRAGMA data_version),
and the outbox, which every change here has a row in, of whom.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from callcontrol.plan.absence import Absent, Opening, Referral, state_at, timeline
from callcontrol.plan.model import (
    Choices,
    Entity,
    Extension,
    Forwarding,
    Group,
    Identity,
    Person,
    PickUp,
    Unit,
    Unreadable,
    Whole,
)
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import REACH_CLASSES, Category, ReachClass
from callcontrol.plan.reasons import OFFICE_HOURS, READY, ReasonTable, table_of
from callcontrol.plan.rights import Given, Role
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Pressed, Service
from firmware.store import outbox, reasons, services
from firmware.store.database import StoreError, connect, to_text
from firmware.store.peoplerows import PeopleRows, rows_of
from firmware.store.wholes import wholes

__all__ = ["KEPT_MAX", "People", "UnreadableRow"]

KEPT_MAX = 16_384
"""Answers about persons and extensions kept in memory at once: more than one building has."""

ENDED_LONG_AGO = timedelta(days=1)
"""A referral that ended before is over, whatever its time zone or its sender's clock."""

_ABOUT = ("extension", "person", "group", "forwarding", "referral", "service")
"""What is kept by the name of an extension or a person that a change may be of."""

_SMALL = frozenset({"unit", "department"})
"""What is read at once, and asked for by every call."""

_CHANGED = ("changed", "")  # what is kept of `changed_people`

T = TypeVar("T")
R = TypeVar("R", bound=tuple[Any, ...])


class UnreadableRow(StoreError, Unreadable):
    """A row says what nothing here would write."""


class People:
    """Implements `callcontrol.plan.model.Directory`. Belongs to the thread that opened it. Raises UnreadableRow for a
    row that cannot be."""

    def __init__(self, directory: sqlite3.Connection, journal: sqlite3.Connection, numbering: LocalNumbering) -> None:
        self._directory = directory
        self._journal = journal
        self._numbering = numbering
        self._rows = PeopleRows(directory, journal)
        self._versions: tuple[int, int] | None = None
        self._heard = 0  # the number of the last change that is taken into account
        self._taken = 0  # the same of those that came from the hub
        self._kept: dict[tuple[str, str], Any] = {}
        self._units: dict[str, Unit] = {}
        self._entities: dict[str, Entity] = {}
        self._by_entity_number: dict[str, str] = {}
        self._pick_ups: dict[str, PickUp] = {}  # by extension
        self._classes: dict[str, ReachClass] = {}
        self._reasons: dict[str, ReasonTable] = {}  # by municipality, of those that have their own
        self._hours: dict[str, Schedule] = {}  # by municipality, likewise
        self._services: dict[str, Service] = {}  # by entity
        self._wholes: Mapping[str, tuple[Whole, ...]] = {}  # by unit
        self.unreadable: dict[str, str] = {}  # of the organisation: what cannot be read, and why
        self._municipalities: dict[str, str] = {}

    @classmethod
    def open(cls, directory: Path, journal: Path, numbering: LocalNumbering) -> Self:
        """Open both files; raises StoreError."""
        opened = connect(directory, "directory")
        try:
            return cls(opened, connect(journal, "journal"), numbering)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        self._directory.close()
        self._journal.close()

    @property
    def directory(self) -> sqlite3.Connection:
        """``directory.db``, for what is asked of all people at once."""
        return self._directory

    @property
    def classes(self) -> Mapping[str, ReachClass]:
        """The classes of reach, by name: the ready ones and the site's own."""
        return self._classes

    def changed_people(self) -> Sequence[tuple[str, str]]:
        """Of people of whom something was changed here that they may be asked for by: id, and what it is now, for each
        field; the newest first, at most CHANGED_MAX."""
        return self._keep(*_CHANGED, lambda _: tuple(self._rows.changed_people()))

    def municipality_name(self, municipality: str) -> str:
        return self._municipalities.get(municipality, municipality)

    def look_again(self) -> bool:
        """Forget what another process has changed since; to be called once before each decision. False: nothing."""
        versions = (_data_version(self._directory), _data_version(self._journal))
        if versions == self._versions:
            return False
        afresh = self._versions is None or versions[0] != self._versions[0]
        self._versions = None  # so that all is read anew where this fails
        heard, here = outbox.since(self._journal, self._heard)
        taken, there = outbox.taken_since(self._journal, self._taken)
        self._heard, self._taken = heard, taken
        changes = None if here is None or there is None else (*here, *there)
        if afresh or changes is None or any(kind in _SMALL for kind, _ in changes):
            self._kept.clear()
            self._read_small()
            self._versions = versions
            return True
        for changed, subject in changes:
            for kind in _ABOUT:
                self._kept.pop((kind, subject), None)
            if changed == "person":  # whose mobile may be another
                self._kept.pop(_CHANGED, None)
                self._kept = {key: kept for key, kept in self._kept.items() if key[0] != "mobile"}
        self._versions = versions
        return bool(changes)

    @property
    def journal(self) -> sqlite3.Connection:
        """``journal.db``, likewise."""
        return self._journal

    def referred(self, now: datetime) -> frozenset[str]:
        """Extensions that have a referral which may still be in force."""
        sql = "SELECT DISTINCT extension FROM referral WHERE until IS NULL OR until > ?"
        return frozenset(number for (number,) in self._journal.execute(sql, (to_text(now - ENDED_LONG_AGO),)))

    def forwarded(self) -> tuple[str, ...]:
        """Extensions with a forwarding of any condition."""
        return tuple(
            number
            for (number,) in self._journal.execute("SELECT DISTINCT extension FROM forwarding ORDER BY extension")
        )

    def units_of(self, extensions: Iterable[str]) -> frozenset[str]:
        """The units that any of these belong to."""
        sql = "SELECT DISTINCT unit FROM extension WHERE number IN (SELECT value FROM json_each(?))"
        return frozenset(unit for (unit,) in self._directory.execute(sql, (json.dumps(list(extensions)),)))

    def phones_of(self, unit: str) -> tuple[str, ...]:
        """The extensions of a unit at which somebody sits."""
        sql = (
            "SELECT number FROM extension WHERE unit = ? AND kind IN ('person', 'group', 'on_call', 'office')"
            " ORDER BY number"
        )
        return tuple(number for (number,) in self._directory.execute(sql, (unit,)))

    def has_credential(self, extension: str) -> bool:
        """Whether it may be registered at this unit."""
        sql = "SELECT 1 FROM credential WHERE extension = ?"
        return self._directory.execute(sql, (extension,)).fetchone() is not None

    def special(self, now: datetime) -> set[str]:
        """Extensions that may not be plain ones: of another kind than a phone, of a group of pick-up, referred,
        forwarded or blocked."""
        found = {
            number
            for (number,) in self._directory.execute(
                "SELECT number FROM extension WHERE kind NOT IN ('person', 'group')"
                " UNION SELECT extension FROM pick_up_member"
            )
        }
        since = to_text(now - ENDED_LONG_AGO)
        found.update(
            number
            for (number,) in self._journal.execute(
                "SELECT extension FROM referral WHERE until IS NULL OR until > ?"
                " UNION SELECT extension FROM forwarding UNION SELECT extension FROM block",
                (since,),
            )
        )
        return found

    def warm(self, extensions: Iterable[str]) -> None:
        """Read these before anybody asks: the building's own."""
        self.look_again()
        for number in extensions:
            if (extension := self.extension(number)) is not None and extension.person is not None:
                self.person(extension.person)
            self.forwardings(number)
            self.referrals(number)

    # callcontrol.plan.model.Directory

    @property
    def numbering(self) -> LocalNumbering:
        return self._numbering

    def unit(self, unit: str) -> Unit | None:
        if (why := self.unreadable.get(f"unit {unit}")) is not None:
            raise UnreadableRow(f"unit {unit}: {why}")
        return self._units.get(unit)

    def entity(self, entity: str) -> Entity | None:
        return self._entities.get(entity)

    def service(self, entity: str) -> tuple[Service, Pressed | None] | None:
        if (service := self._services.get(entity)) is None:
            return None
        return service, self._keep("service", entity, lambda name: services.pressed_of(self._journal, name))

    def services(self) -> tuple[tuple[Service, Pressed | None], ...]:
        """Of all entities that have one, by their ids."""
        return tuple(found for entity in sorted(self._services) if (found := self.service(entity)) is not None)

    def units(self) -> tuple[Unit, ...]:
        """All that can be read, by their ids."""
        return tuple(self._units[unit] for unit in sorted(self._units))

    def by_entity_number(self, number: str) -> str | None:
        return self._by_entity_number.get(number)

    def extension(self, number: str) -> Extension | None:
        return self._keep("extension", number, self._extension)

    def person(self, person: str) -> Person | None:
        return self._keep("person", person, self._rows.person)

    def group(self, extension: str) -> Group | None:
        return self._keep("group", extension, self._rows.group)

    def pick_up(self, extension: str) -> PickUp | None:
        return self._pick_ups.get(extension)

    def forwardings(self, extension: str) -> tuple[Forwarding, ...]:
        return self._keep("forwarding", extension, self._rows.forwardings)

    def absent(self, extension: str, now: datetime) -> Absent | None:
        referrals, openings = self._keep("referral", extension, self._rows.referrals)
        return state_at(timeline(referrals, openings, now), now) if referrals else None

    def reasons(self, extension: str) -> ReasonTable:
        known = self.extension(extension)
        return self.reasons_of(known.unit) if known else READY

    def reasons_of(self, unit: str) -> ReasonTable:
        """Those of a unit's municipality."""
        return self._reasons.get(self._municipality_of(unit), READY)

    def working_hours(self, unit: str) -> Schedule:
        """Those of a unit's municipality."""
        return self._hours.get(self._municipality_of(unit), OFFICE_HOURS)

    def _municipality_of(self, unit: str) -> str:
        known = self.unit(unit)
        entity = self.entity(known.entity) if known else None
        return entity.municipality if entity else ""

    def blocked(self, extension: str) -> bool:
        return self._rows.blocked(extension)

    def locked(self, extension: str) -> bool:
        """By whoever has it, with their PIN."""
        return self._rows.locked(extension)

    def by_direct_number(self, number: str) -> str | None:
        return self._keep("direct_number", number, self._rows.by_direct_number)

    def is_municipal_mobile(self, number: str) -> bool:
        return self._keep("mobile", number, self._rows.is_mobile)

    def is_absent(self, extensions: Iterable[str], now: datetime) -> bool | None:
        """Whether somebody is referred on any of these; None for somebody who has none."""
        known = [self.absent(number, now) is not None for number in extensions]
        return any(known) if known else None

    def extensions_of(self, person: str) -> tuple[str, ...]:
        return self._keep("extensions_of", person, self._rows.extensions_of)

    def roles(self, person: str) -> tuple[Given, ...]:
        """What somebody may do, and where."""
        rows = self._directory.execute("SELECT role, scope FROM role WHERE person = ? ORDER BY role, scope", (person,))
        return tuple(Given(Role(role), scope) for role, scope in rows if role in set(Role))

    # Reading

    def referrals(self, extension: str) -> tuple[tuple[Referral, ...], tuple[Opening, ...]]:
        """All that is kept of an extension's absences."""
        return self._keep("referral", extension, self._rows.referrals)

    def _keep(self, kind: str, name: str, read: Callable[[str], T]) -> T:
        key = (kind, name)
        if key not in self._kept:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[key] = _sound(f"{kind} {name}", lambda: read(name))
        found: T = self._kept[key]
        return found

    def _read_small(self) -> None:
        db = self._directory
        self.unreadable = {}
        self._classes = dict(REACH_CLASSES) | dict(
            self._readable(
                "class of reach",
                db.execute("SELECT name, open FROM reach_class"),
                lambda opened: ReachClass(name=opened[0], open=frozenset(map(Category, json.loads(opened[1])))),
            )
        )
        self._municipalities = dict(db.execute("SELECT id, name FROM municipality"))
        chosen: dict[str, dict[str, Any]] = {}
        kinds = {field.name: field.type for field in fields(Choices)}
        for municipality, name, value in db.execute("SELECT municipality, name, value FROM choice"):
            if name in kinds:
                chosen.setdefault(municipality, {})[name] = bool(value) if kinds[name] == "bool" else value
        numbers: dict[str, list[str]] = {}
        for number, entity in db.execute("SELECT number, entity FROM entity_number ORDER BY number"):
            numbers.setdefault(entity, []).append(number)
        self._by_entity_number = {number: entity for entity, known in numbers.items() for number in known}
        self._entities = {
            row["id"]: Entity(
                **row, numbers=tuple(numbers.get(row["id"], ())), choices=Choices(**chosen.get(row["municipality"], {}))
            )
            for row in rows_of(db, "SELECT id, municipality, name, greeting, main_number, reception FROM entity")
        }
        members: dict[str, set[str]] = {}
        for extension, name in db.execute("SELECT extension, pick_up FROM pick_up_member"):
            members.setdefault(name, set()).add(extension)
        self._pick_ups = {}
        for name, entity, barge_in in db.execute("SELECT name, entity, barge_in FROM pick_up"):
            extensions = frozenset(members.get(name, ()))
            group = PickUp(name=name, entity=entity, extensions=extensions, barge_in=bool(barge_in))
            self._pick_ups.update(dict.fromkeys(extensions, group))
        self._wholes = wholes(self._journal)
        rows = ((row["id"], row) for row in rows_of(db, "SELECT * FROM unit"))
        self._units = dict(self._readable("unit", rows, lambda row: self._unit(row[1])))
        own: dict[str, list[tuple[str, str]]] = {}
        for municipality, key, body in db.execute("SELECT municipality, key, body FROM reason ORDER BY key"):
            own.setdefault(municipality, []).append((key, body))

        def reasons_of(entry: tuple[str, list[tuple[str, str]]]) -> ReasonTable:
            ready = READY if chosen.get(entry[0], {}).get("ready_reasons", True) else None
            return table_of([reasons.from_body(key, body) for key, body in entry[1]], ready)

        rows = ((row["entity"], row) for row in rows_of(db, "SELECT * FROM service"))
        self._services = dict(self._readable("service of", rows, lambda row: services.from_row(row[1])))
        self._reasons = dict(self._readable("reasons of", own.items(), reasons_of))
        hours = db.execute("SELECT id, hours FROM municipality WHERE hours IS NOT NULL")
        self._hours = dict(self._readable("working hours of", hours, lambda row: Schedule.parse(row[1])))

    def _readable(self, what: str, rows: Iterable[R], read: Callable[[R], T]) -> Iterator[tuple[str, T]]:
        """What can be read of rows, by their first column; the others are noted as `unreadable`."""
        for row in rows:
            try:
                yield row[0], read(row)
            except (ValueError, TypeError, KeyError) as error:
                self.unreadable[f"{what} {row[0]}"] = str(error)

    def _unit(self, row: dict[str, Any]) -> Unit:
        row |= self._rows.changed("unit", row["id"])
        identity = row.pop("identity")
        return Unit(
            **row | {"secret": bool(row["secret"]), "unstaffed": bool(row["unstaffed"])},
            identity=Identity(identity) if identity else None,
            referred=self._wholes.get(row["id"], ()),
        )

    def _extension(self, number: str) -> Extension | None:
        return self._rows.extension(number, self._classes)


def _sound(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRow(f"{what}: {error}") from error


def _data_version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])
