"""What the hub says of the platform's kinds, laid into ``directory.db`` by one transaction, with the place in the feed.

A page of the feed, or a whole snapshot, is taken in as it is; what cannot be so (a row that nothing can read, a number
that is somebody else's, a person in a unit that is not there, the removal of a unit that still has people) is set
aside with its reason, stops nothing else, and is tried again with all that comes after: the hub's order is of when each
thing was last changed, so that what a row names may come a page later."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from firmware.store.database import to_text, transact
from firmware.store.load import mark_loaded
from firmware.store.search import FEW, index, put_in, take_out
from firmware.sync import tables
from firmware.sync.tables import KEPT_KINDS, REFERENCES
from firmware.sync.wire import Item, WireError

__all__ = ["Changes", "Feed", "Laid", "Page", "feed_of", "lay", "people_in", "put_feed", "set_aside"]

AT_ONCE = 1_000
"""Rows that are written by one statement."""
ROUNDS_MAX = 12
"""What was set aside may leave others without what they name: municipality, entity, unit, person, extension."""

Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Feed:
    """How far the hub was followed (009_sync.sql)."""

    hub: str
    cursor: str | None
    epoch: str
    kinds: str
    people: int
    gone: int = 0
    allowed: bool = False
    whole_at: str | None = None
    heard_at: str = ""


class Changes(Protocol):
    """What is to be taken in: the last word of each thing. `of` may be asked again. `bad`: which of it cannot be read,
    and why."""

    @property
    def bad(self) -> Mapping[Key, str]: ...

    def of(self, kind: str) -> Iterable[tuple[str, Row | None]]: ...


@dataclass(frozen=True, slots=True)
class Laid:
    rows: int
    """That were written or removed."""
    aside: int
    """That wait, altogether."""


class Page:
    """Items of one page, with what was set aside before, and what of it is not as its schema says."""

    def __init__(
        self, items: Iterable[Item], aside: Iterable[tuple[Item, str]] = (), bad: Mapping[Key, str] | None = None
    ) -> None:
        self.bad: dict[Key, str] = {}
        self._rows: dict[str, dict[str, Row | None]] = {}
        for item, why in aside:
            self._put(item)
            try:
                Item.of(item.plain())
            except WireError:
                self.bad[item.kind, item.id] = why
        for item in items:
            self._put(item)
            self.bad.pop((item.kind, item.id), None)
        for (kind, name), why in (bad or {}).items():
            self._put(Item(kind, name, {}))
            self.bad[kind, name] = why

    def _put(self, item: Item) -> None:
        if item.kind in KEPT_KINDS:
            self._rows.setdefault(item.kind, {})[item.id] = item.row

    def of(self, kind: str) -> Iterable[tuple[str, Row | None]]:
        return self._rows.get(kind, {}).items()


def feed_of(db: sqlite3.Connection) -> Feed | None:
    row = db.execute("SELECT hub, cursor, epoch, kinds, people, gone, allowed, whole_at, heard_at FROM feed").fetchone()
    if row is None:
        return None
    hub, cursor, epoch, kinds, people, gone, allowed, whole_at, heard_at = row
    return Feed(hub, cursor, epoch, kinds, people, gone, bool(allowed), whole_at, heard_at)


def people_in(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM person").fetchone()[0])


def set_aside(db: sqlite3.Connection) -> list[tuple[Item, str]]:
    """What waits, and why."""
    rows = db.execute("SELECT kind, id, row, why FROM aside ORDER BY since, kind, id")
    return [(Item(kind, name, json.loads(row) if row is not None else None), why) for kind, name, row, why in rows]


def put_feed(db: sqlite3.Connection, feed: Feed) -> None:
    db.execute(
        "INSERT OR REPLACE INTO feed VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (feed.hub, feed.cursor, feed.epoch, feed.kinds, feed.people, feed.gone, int(feed.allowed), feed.whole_at,
         feed.heard_at),
    )  # fmt: skip


def lay(
    db: sqlite3.Connection,
    changes: Changes,
    feed: Callable[[], Feed],
    now: datetime,
    *,
    check: Callable[[], None] = lambda: None,
) -> Laid:
    """All of `changes`, and `feed` as it is then, in one transaction. `check` is asked first, within it. Raises
    sqlite3.Error with nothing changed."""

    def work(careful: bool) -> Laid:
        check()
        done = _Laying(db, changes, now).careful() if careful else _Laying(db, changes, now).swift()
        put_feed(db, feed())
        return done

    try:
        return transact(db, lambda: work(False))
    except sqlite3.IntegrityError:
        return transact(db, lambda: work(True))


class _Laying:
    def __init__(self, db: sqlite3.Connection, changes: Changes, now: datetime) -> None:
        self._db, self._changes, self._now = db, changes, now
        self._bad: dict[Key, str] = dict(changes.bad)

    def swift(self) -> Laid:
        """As if all of it were as it should be; whether what rows name is there is found at the commit."""
        self._judge()
        people = self._take_out()
        rows = self._lay(self._put)
        try:
            return self._put_in(people, rows)
        except KeyError:
            raise sqlite3.IntegrityError("somebody is of a municipality that is not there") from None

    def careful(self) -> Laid:
        """One by one, and anew without what was found unfit, until all of the rest stands."""
        self._judge()
        for _ in range(ROUNDS_MAX):
            known = len(self._bad)
            self._db.execute("SAVEPOINT laid")
            people = self._take_out()
            rows = self._lay(self._put_each)
            self._find_without()
            if len(self._bad) == known:
                self._db.execute("RELEASE laid")
                return self._put_in(people, rows)
            self._db.execute("ROLLBACK TO laid")
            self._db.execute("RELEASE laid")
        raise sqlite3.IntegrityError("what was set aside leaves ever more without what they name")

    def _judge(self) -> None:
        for kind in KEPT_KINDS:
            for name, row in self._fit(kind):
                if row is not None:
                    try:
                        tables.judge(kind, row)
                    except WireError as error:
                        self._bad[kind, name] = str(error)

    def _take_out(self) -> Sequence[str] | None:
        """Of the index, those of whom it may have something else afterwards; None: all."""
        self._db.execute("PRAGMA defer_foreign_keys = ON")
        people = self._touched()
        if people is not None:
            take_out(self._db, people)
        return people

    def _lay(self, put: Callable[[str, Sequence[tuple[str, Row]]], int]) -> int:
        db = self._db
        for kind in KEPT_KINDS:
            if tables.is_empty(db, kind):
                continue  # a first snapshot has nothing in its way
            for some in _some(name for name, _ in self._fit(kind)):
                tables.clear_parts(db, kind, some)
        rows = 0
        for kind in KEPT_KINDS:
            for these in _some((name, row) for name, row in self._fit(kind) if row is not None):
                rows += put(kind, these)
        for kind in reversed(KEPT_KINDS):
            for some in _some(name for name, row in self._fit(kind) if row is None):
                tables.remove(db, kind, some)
                rows += len(some)
        return rows

    def _put_in(self, people: Sequence[str] | None, rows: int) -> Laid:
        if people is not None:
            put_in(self._db, people)
        else:
            index(self._db)
        if rows:
            mark_loaded(self._db, "hub", self._now)
        return Laid(rows, self._note())

    def _put(self, kind: str, rows: Sequence[tuple[str, Row]]) -> int:
        tables.put(self._db, kind, rows)
        return len(rows)

    def _put_each(self, kind: str, rows: Sequence[tuple[str, Row]]) -> int:
        put = 0
        for name, row in rows:
            self._db.execute("SAVEPOINT one")
            try:
                tables.put(self._db, kind, [(name, row)])
                put += 1
            except sqlite3.IntegrityError as error:
                self._db.execute("ROLLBACK TO one")
                self._bad[kind, name] = _why(error)
            self._db.execute("RELEASE one")
        return put

    def _fit(self, kind: str) -> Iterator[tuple[str, Row | None]]:
        return ((name, row) for name, row in self._changes.of(kind) if (kind, name) not in self._bad)

    def _find_without(self) -> None:
        """Rows that name what is not there: its removal is unfit, or else the row."""
        removed = {(kind, name) for kind in KEPT_KINDS for name, row in self._fit(kind) if row is None}
        for kind, field, named in REFERENCES:
            table, there = tables.table_of(kind), tables.table_of(named)
            assert there is not None
            name, key = (table.name, table.key) if table else ("role", "person")
            sql = (
                f"SELECT {key}, {field} FROM {name} WHERE {field} IS NOT NULL"  # noqa: S608  names of ours
                f" AND {field} NOT IN (SELECT {there.key} FROM {there.name})"
            )
            for each, missing in self._db.execute(sql).fetchall():
                if (named, missing) in removed:
                    self._bad[named, missing] = f"{kind} {each[:80]} is still of it"
                else:
                    self._bad[kind, each] = f"{field}: {missing[:80]} is not there"

    def _touched(self) -> Sequence[str] | None:
        """The ids of those of whom the index may have something else afterwards; None where they are many, or where it
        tells municipalities apart by another order."""
        if any(True for _ in self._fit("municipality")):
            return None
        people: set[str] = set()
        for name, _ in self._fit("person"):
            people.add(name)
            if len(people) > FEW:
                return None
        for number, row in self._fit("extension"):
            if row is not None and row["person"] is not None:
                people.add(row["person"])
            before = self._db.execute("SELECT person FROM extension WHERE number = ?", (number,)).fetchone()
            if before and before[0]:
                people.add(before[0])
            if len(people) > FEW:
                return None
        for unit in self._units():
            people.update(who for (who,) in self._db.execute("SELECT id FROM person WHERE unit = ?", (unit,)))
            if len(people) > FEW:
                return None
        return sorted(people)

    def _units(self) -> Iterator[str]:
        yield from (name for name, _ in self._fit("unit"))
        for entity, _ in self._fit("entity"):
            yield from (name for (name,) in self._db.execute("SELECT id FROM unit WHERE entity = ?", (entity,)))

    def _note(self) -> int:
        """What is set aside now: in the place of what was. How much it is."""
        db = self._db
        since = {(kind, name): at for kind, name, at in db.execute("SELECT kind, id, since FROM aside")}
        if not since and not self._bad:
            return 0
        db.execute("DELETE FROM aside")
        for kind in KEPT_KINDS:
            for name, row in self._changes.of(kind):
                if (why := self._bad.get((kind, name))) is not None:
                    text = json.dumps(row, ensure_ascii=False) if row is not None else None
                    at = since.get((kind, name), to_text(self._now))
                    db.execute("INSERT INTO aside VALUES (?, ?, ?, ?, ?)", (kind, name, text, why, at))
        return len(self._bad)


def _some(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    while some := list(islice(source, AT_ONCE)):
        yield some


def _why(error: sqlite3.Error) -> str:
    """Without a value: SQLite names columns alone."""
    said = str(error)
    if said.startswith("UNIQUE constraint failed: "):
        return f"{said.rpartition('.')[2]}: is another's"
    return said[:200]
