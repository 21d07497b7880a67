"""Departments by their names, as files have them: those that are there, and those that a file makes.

Names are made one by their letters: two spaces or another capital are no other department (D5).
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from typing import NamedTuple

from callcontrol.plan.model import Entity, Unit
from firmware.store.load import Municipality
from firmware.store.people_csv import Place

__all__ = ["Departments", "Made"]


class Made(NamedTuple):
    """What was named and is not there yet."""

    municipalities: list[Municipality]
    entities: list[Entity]
    units: list[Unit]


class Departments:
    """Those of one directory, as it is when this is made."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.made = Made([], [], [])
        self._municipalities: dict[str, str] = {}
        self._entities: dict[tuple[str, str], str] = {}  # by municipality and folded name
        self._units: dict[tuple[str, str], str] = {}  # by entity and folded name
        self._names: dict[str, tuple[str, str, str]] = {}  # municipality, entity, folded name, by unit
        for key, name in db.execute("SELECT id, name FROM main.municipality"):
            self._municipalities |= {_folded(key): key, _folded(name): key}
        # Of two with one name the first by its id.
        for key, municipality, name in db.execute("SELECT id, municipality, name FROM main.entity ORDER BY id DESC"):
            self._entities[municipality, _folded(name)] = key
        sql = (
            "SELECT unit.id, entity.id, entity.municipality, unit.name FROM main.unit JOIN main.entity"
            " ON entity.id = unit.entity ORDER BY unit.id DESC"
        )
        for key, entity, municipality, name in db.execute(sql):
            self._know(key, municipality, entity, _folded(name))

    def unit(self, place: Place, old: str | None) -> str:
        """The id of a department, made where there is none. Where several have the name, or none says of which entity
        it is, it is `old` if that has the name."""
        name = _folded(place.municipality)
        municipality = self._municipalities.get(name)
        if municipality is None:
            municipality = self._municipalities[name] = name
            self.made.municipalities.append(Municipality(id=name, name=place.municipality))
        legal, unit = place.entity or place.municipality, _folded(place.unit)
        entity = self._entities.get((municipality, _folded(legal)))
        if old is not None:
            its_municipality, its_entity, its_name = self._names[old]
            if (its_municipality, its_name) == (municipality, unit) and (not place.entity or its_entity == entity):
                return old
        if entity is None:
            entity = self._entities[municipality, _folded(legal)] = f"{municipality}/{_folded(legal)}"
            greeting = f"Välkommen till {legal}"
            self.made.entities.append(Entity(id=entity, name=legal, municipality=municipality, greeting=greeting))
        if (entity, unit) not in self._units:
            key = f"{entity}/{unit}"
            self._know(key, municipality, entity, unit)
            self.made.units.append(Unit(id=key, name=place.unit, entity=entity, cost_centre=place.cost_centre))
        return self._units[entity, unit]

    def _know(self, unit: str, municipality: str, entity: str, name: str) -> None:
        self._units[entity, name] = unit
        self._names[unit] = (municipality, entity, name)


def _folded(name: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name).casefold())) or "-"
