"""``hub.db``: opened, made and written. Plain SQL behind this package's classes, and no state in the process but
wake-ups, so that another database and many workers ask for other connections and nothing else."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Self, TypeVar

from firmware.store.database import BUSY_WAIT_MS, StoreError, connect, to_text, transact
from tools.hub.place import Place

__all__ = ["GENERATION_BYTES", "HUB", "NotMade", "Store"]

GENERATION_BYTES = 8
HUB = "hub"
"""Who the hub itself is, where a unit could be."""

T = TypeVar("T")


class NotMade(StoreError):
    """There is no hub here."""


class Store:
    """One connection, of the thread that opened it. What is written is written within `transact`."""

    def __init__(self, place: Place, db: sqlite3.Connection) -> None:
        self.place = place
        self.db = db

    @classmethod
    def make(cls, place: Place, name: str, names: Sequence[str], now: datetime) -> Self:
        """A new hub, which is reached by these names and addresses. Raises StoreError, also where there is one."""
        if place.store.exists():
            raise StoreError(f"{place.store}: is there already")
        try:
            place.make()
        except OSError as error:
            raise StoreError(f"{place.state}: {error.strerror}") from error
        store = cls(place, connect(place.store, "", files("tools.hub") / "sql"))
        values = (secrets.token_hex(GENERATION_BYTES), name, json.dumps(names), to_text(now))
        sql = "INSERT INTO hub VALUES (1, ?, ?, ?, ?, 0, 0, '', NULL)"
        store.transact(lambda: store.db.execute(sql, values))
        return store

    @classmethod
    def open(cls, place: Place) -> Self:
        """Checked, and brought to today's schema. Raises StoreError; NotMade where there is none."""
        if not place.store.exists():
            raise NotMade(f"{place.state}: there is no hub here; rvx hub init makes one")
        with suppress(OSError):
            place.make()
        store = cls(place, connect(place.store, "", files("tools.hub") / "sql"))
        if store.db.execute("SELECT 1 FROM hub").fetchone() is None:
            store.close()
            raise NotMade(f"{place.state}: rvx hub init was not ended there; remove it and begin again")
        return store

    @classmethod
    def again(cls, place: Place) -> Self:
        """One more connection to what `open` has looked at."""
        return cls(place, _connected(place.store))

    def close(self) -> None:
        self.db.close()

    def transact(self, work: Callable[[], T]) -> T:
        return transact(self.db, work)

    def version(self) -> int:
        """Another one after each write by anybody else."""
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    @property
    def name(self) -> str:
        return str(self.db.execute("SELECT name FROM hub").fetchone()[0])

    @property
    def names(self) -> tuple[str, ...]:
        """By which it is reached."""
        return tuple(json.loads(self.db.execute("SELECT names FROM hub").fetchone()[0]))

    @property
    def generation(self) -> str:
        return str(self.db.execute("SELECT generation FROM hub").fetchone()[0])

    @property
    def head(self) -> int:
        """The last place in the feed."""
        return int(self.db.execute("SELECT position FROM hub").fetchone()[0])

    def positions(self, count: int) -> range:
        """New places in the feed. Only within a transaction: they are seen in their order."""
        row = self.db.execute("UPDATE hub SET position = position + ? RETURNING position", (count,)).fetchone()
        return range(row[0] - count + 1, row[0] + 1)


def _connected(path: Path) -> sqlite3.Connection:
    # Used by one thread at a time, and closed by whoever ends them all.
    db = sqlite3.connect(path, timeout=BUSY_WAIT_MS / 1000, isolation_level=None, check_same_thread=False)
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        db.execute(f"PRAGMA {pragma}")
    return db
