"""What a source of people says, taken into what the feed tells of: only what is another than it said before.

A source is a directory.db of its own, so that the whole file of one municipality says who is gone of that one alone.
What units have changed lies over what a source says (tools/hub/requests.py); what both sides set is no source's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

from firmware.store.database import connect, to_text
from firmware.sync.kinds import KINDS
from firmware.sync.listing import items as listed
from firmware.sync.wire import Item
from tools.hub.items import EVERYBODY, Items, Kept, Place, digest_of, row_text
from tools.hub.requests import Requests
from tools.hub.store import HUB, Store

__all__ = ["Clash", "Touched", "publish", "publish_source", "touching"]

AT_ONCE = 2_000
_STAGED = (
    "CREATE TEMP TABLE IF NOT EXISTS staged (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
    " row TEXT NOT NULL, base BLOB NOT NULL, scope TEXT NOT NULL, UNIQUE (kind, id)) STRICT"
)
NOBODY = "-"
"""The scope of what hangs on nothing that is known."""
_SHARED = "reach_class"
"""What several sources may say, if they say the same."""


_TOUCHED = "CREATE TEMP TABLE IF NOT EXISTS touched (kind TEXT, id TEXT)"
# Not once each: a trigger's OR IGNORE gives way to what its statement says of conflicts.
_PUT = "INSERT INTO touched VALUES ('{kind}', {row}.{key});"
_TABLES = {
    "municipality": ("municipality", "id"),
    "choice": ("municipality", "municipality"),
    "reason": ("municipality", "municipality"),
    "reach_class": ("reach_class", "name"),
    "entity": ("entity", "id"),
    "entity_number": ("entity", "entity"),
    "service": ("entity", "entity"),
    "unit": ("unit", "id"),
    "person": ("person", "id"),
    "extension": ("extension", "number"),
    "member": ("extension", "hunt"),
    "pick_up": ("pick_up", "name"),
    "pick_up_member": ("pick_up", "pick_up"),
    "role": ("role", "person"),
    "credential": ("credential", "extension"),
    "pin": ("pin", "extension"),
}
"""Of directory.db: the kind whose item each row is part of, and the column that names it."""

Touched = Mapping[str, Collection[str]]
"""Ids, by kind."""


class _MovedMany(Exception):
    """What hangs on something is another municipality's from now on: all is to be looked at."""


class Clash(ValueError):
    """Two sources say that something is theirs."""


def publish_source(
    store: Store,
    name: str,
    now: datetime,
    told: Callable[[int], None] = lambda rows: None,
    touched: Touched | None = None,
) -> int:
    """All that the directory.db of a source has; how many are others than before. `touched`: all that may be another.
    Raises StoreError, Clash, sqlite3.Error."""
    db = connect(store.place.directories / f"{name}.db", "directory")
    try:
        db.execute("BEGIN")
        if touched is not None:
            try:
                return publish(store, name, listed(db, (), touched), now, told, touched)
            except _MovedMany:
                pass
        return publish(store, name, listed(db), now, told)
    finally:
        db.close()


def publish(
    store: Store,
    source: str,
    items: Iterable[Item],
    now: datetime,
    told: Callable[[int], None] = lambda rows: None,
    touched: Touched | None = None,
) -> int:
    """These, and no others (of `touched`); how many are others than before. Each comes after what it names. Raises
    Clash with nothing changed."""
    db = store.db
    for sql in (_STAGED, _TOUCHED, "DELETE FROM staged", "DELETE FROM touched"):
        db.execute(sql)
    try:
        if touched is not None:
            rows = [(kind, name) for kind, names in touched.items() for name in names]
            db.executemany("INSERT INTO touched VALUES (?, ?)", rows)
        _stage(store, items, told, partly=touched is not None)
        return store.transact(lambda: _take_in(store, source, now, partly=touched is not None))
    finally:
        db.execute("DELETE FROM staged")


@contextmanager
def touching(directory: sqlite3.Connection) -> Iterator[dict[str, set[str]]]:
    """What is written to a directory.db within, by kind: ids; filled when it ends well."""
    directory.execute(_TOUCHED)
    directory.execute("DELETE FROM touched")
    found: dict[str, set[str]] = {}
    names = []
    for table, (kind, key) in _TABLES.items():
        for deed, rows in (("INSERT", "NEW"), ("DELETE", "OLD"), ("UPDATE", "OLD NEW")):
            name = f"touched_{table}_{deed.lower()}"
            puts = " ".join(_PUT.format(kind=kind, row=row, key=key) for row in rows.split())
            directory.execute(f"CREATE TEMP TRIGGER {name} AFTER {deed} ON main.{table} BEGIN {puts} END")
            names.append(name)
    try:
        yield found
        for kind, key in directory.execute("SELECT DISTINCT kind, id FROM touched"):
            found.setdefault(kind, set()).add(key)
    finally:
        for name in names:
            directory.execute(f"DROP TRIGGER temp.{name}")


def _stage(store: Store, items: Iterable[Item], told: Callable[[int], None], *, partly: bool) -> None:
    """Beside the store, where nobody waits for it."""
    whose = _Whose(store if partly else None)
    count = 0
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        rows = [
            (item.kind, item.id, row_text(item.row), digest_of(item), whose.of(item))
            for item in some
            if item.row is not None
        ]
        sql = "INSERT INTO staged (kind, id, row, base, scope) VALUES (?, ?, ?, ?, ?)"
        store.db.execute("BEGIN")
        store.db.executemany(sql, rows)
        store.db.execute("COMMIT")
        count += len(rows)
        told(count)


class _Whose:
    """The municipality of each item, of items that come after what they name. `store`: has what is not among them."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._of: dict[tuple[str, str], str] = {}

    def of(self, item: Item) -> str:
        row = item.row or {}
        if item.kind == "municipality":
            return item.id
        if item.kind == "reach_class":
            return EVERYBODY
        for field, kind in (
            ("municipality", "municipality"),
            ("entity", "entity"),
            ("unit", "unit"),
            ("person", "person"),
            ("extension", "extension"),
        ):
            if field in row:
                scope = str(row[field]) if kind == "municipality" else self._known(kind, str(row[field]))
                self._of[item.kind, item.id] = scope
                return scope
        return NOBODY

    def _known(self, kind: str, name: str) -> str:
        known = self._of.get((kind, name))
        if known is None and self._store is not None:
            sql = "SELECT scope FROM item WHERE kind = ? AND id = ?"
            row = self._store.db.execute(sql, (kind, name)).fetchone()
            known = self._of[kind, name] = str(row[0]) if row else NOBODY
        return known or NOBODY


def _take_in(store: Store, source: str, now: datetime, *, partly: bool) -> int:
    db, items = store.db, Items(store)
    requests = Requests(store, items)
    _judge(store, source)
    if partly:
        _judge_moved(store)
    db.execute(
        "DELETE FROM staged WHERE kind = ? AND EXISTS (SELECT 1 FROM item WHERE item.kind = staged.kind"
        " AND item.id = staged.id AND item.source <> ? AND item.row IS NOT NULL)",
        (_SHARED, source),
    )
    changed = 0
    moved = []
    sql = (
        "SELECT staged.kind, staged.id, staged.row, staged.base, staged.scope, coalesce(item.scope, '') FROM staged"
        " LEFT JOIN item USING (kind, id) WHERE item.base IS NOT staged.base OR item.scope IS NOT staged.scope"
        " OR item.row IS NULL ORDER BY staged.number"
    )
    for some in _batches(db.execute(sql).fetchall()):
        rows = []
        for kind, name, text, base, scope, before in some:
            item = requests.over(Item(kind, name, json.loads(text), None, HUB))
            extension = name if kind in ("extension", "credential", "pin") else None
            served = KINDS[kind].served
            # Who serves an extension has what is secret of it, wherever the directory has it.
            rows.append(
                Kept(
                    item=item, place=Place(scope, extension, served), before="" if served else before,
                    source=source, base=base,
                )
            )  # fmt: skip
            if kind == "extension" and before != scope:
                moved.append(name)
        items.put(rows, now)
        changed += len(rows)
    order = {kind: number for number, kind in enumerate(KINDS)}
    sql = (
        "SELECT kind, id, scope, extension, served FROM item WHERE source = ? AND row IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM staged WHERE staged.kind = item.kind AND staged.id = item.id)"
    )
    if partly:
        sql += " AND (kind, id) IN (SELECT kind, id FROM touched)"
    # What names something goes before what it names.
    gone = sorted(db.execute(sql, (source,)).fetchall(), key=lambda row: -order[row[0]])
    for some in _batches(gone):
        items.put(
            [
                Kept(
                    item=Item(kind, name, None, None, HUB), place=Place(scope, extension, bool(served)),
                    before=scope, source=source,
                )
                for kind, name, scope, extension, served in some
            ],
            now,
        )  # fmt: skip
    items.moved(moved, now)
    count = "SELECT count(*) FROM item WHERE kind = 'person' AND source = ? AND row IS NOT NULL"
    people = db.execute(count, (source,)).fetchone()[0]
    sql = (
        "INSERT INTO source (name, whole, loaded_at, people) VALUES (?, 1, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET whole = 1, loaded_at = excluded.loaded_at, people = excluded.people"
    )
    db.execute(sql, (source, to_text(now), people))
    return changed + len(gone)


def _judge(store: Store, source: str) -> None:
    """Raises Clash."""
    sql = (
        "SELECT staged.kind, staged.id, item.source FROM staged JOIN item USING (kind, id) WHERE item.source <> ?"
        " AND item.row IS NOT NULL AND (staged.kind <> ? OR item.base IS NOT staged.base) LIMIT 1"
    )
    found = store.db.execute(sql, (source, _SHARED)).fetchone()
    if found is not None:
        kind, name, other = found
        raise Clash(f"{kind} {name}: is the source {other}'s")


def _judge_moved(store: Store) -> None:
    """Raises _MovedMany."""
    sql = (
        "SELECT 1 FROM staged JOIN item USING (kind, id) WHERE kind IN ('entity', 'unit', 'person', 'extension')"
        " AND item.scope <> staged.scope LIMIT 1"
    )
    if store.db.execute(sql).fetchone() is not None:
        raise _MovedMany


def _batches(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        yield some
