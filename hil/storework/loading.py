"""The directory: credentials; a municipality loaded whole, and a file of changes to it. No half of either is left."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from callcontrol.plan.number import LocalNumbering
from firmware.store import Credential, Directory
from firmware.store.load import load
from firmware.store.people_csv import Reading
from firmware.store.staged import Stage
from hil.municipality import generate
from hil.storework.part import Left, Part, Told

__all__ = ["PEOPLE", "Loading"]

PEOPLE = 60
ADDED, REMOVED = 2, 1
"""By the file of changes."""
HA1 = "0" * 32


class Loading(Part):
    judged: ClassVar = frozenset(("credential", "loaded"))

    def __init__(self, folder: Path, told: Told, people: int = PEOPLE) -> None:
        super().__init__(folder, told)
        self._people = people
        self._directory = self.open.enter_context(closing(Directory.open(folder / "directory.db")))

    def round(self, number: int, now: datetime) -> None:
        one = f"10{number}"
        self._directory.put_credential(Credential(one, 2, HA1, None, "r", one, "2026-03-02T08:00:00Z"))
        self.told("credential", one)

    def evening(self, now: datetime) -> None:
        load(self._directory._db, generate(self._people), "generated", now)
        self.told("loaded", str(self._people))
        _take_changes(self._directory._db, now)
        self.told("loaded", str(self._people + ADDED - REMOVED))

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        def one(sql: str, *values: str) -> tuple[int, ...]:
            return tuple(left.directory.execute(sql, values).fetchone() or ())

        for name in left.names("credential"):
            if not one("SELECT 1 FROM credential WHERE extension = ?", name):
                yield f"lost credential {name}"
        for name in left.names("loaded"):
            if not one("SELECT 1 FROM loaded WHERE people >= ?", name):
                yield f"lost loaded {name}"
        loaded = one("SELECT people FROM loaded")
        found = (
            *one("SELECT count(*) FROM person"),
            *one("SELECT count(*) FROM person WHERE title = 'Chef' AND family = 'Ek'"),
            *one("SELECT count(*) FROM found WHERE found MATCH 'ny'"),
        )
        after = left.people + ADDED - REMOVED
        states = {(0, 0, 0): None, (left.people, 0, 0): left.people, (after, 1, ADDED): after}
        if found not in states or (loaded and loaded[0] != states[found]):
            people, titled, fresh = found
            yield f"half a directory: {people} people, {titled} changed, {fresh} found; {loaded}"


def _take_changes(db: sqlite3.Connection, now: datetime) -> None:
    """A file of changes, with somebody new, changed and removed in it."""
    (somebody,) = db.execute("SELECT max(id) FROM person").fetchone()
    (other,) = db.execute("SELECT min(id) FROM person").fetchone()
    rows = [f"ny;Norrby;Bygg;new{number};Ny;{number}" for number in range(ADDED)]
    rows += [f"bort;;;{somebody};;", f"ändrad;Norrby;Bygg;{other};Ek;Chef"]
    text = "\n".join(["ändring;kommun;enhet;id;efternamn;titel", *rows])
    reading = Reading(LocalNumbering(), changes=True)
    with Stage(db, changes=True) as stage:
        stage.read(reading, io.StringIO(text))
        if reading.faults:
            raise AssertionError(reading.faults)
        stage.take_in("changes", now)
