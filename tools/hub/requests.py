"""Fields of people, units and extensions that somebody has changed at a unit: a request to the platform. What the hub
takes over lies over what the source of people says, until the source says something else of that field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from firmware.store.database import to_text
from firmware.sync.wire import Entry, Item, WireError
from tools.hub.items import Items, Kept, Place
from tools.hub.store import Store

__all__ = ["Requests", "is_request"]

CHANGE = "change"
_KINDS = ("person", "unit", "extension")


def is_request(kind: str, body: Mapping[str, Any]) -> bool:
    """Of an entry."""
    return kind == CHANGE or (kind in _KINDS and "fields" in body)


class Requests:
    """What writes does so within a transaction of the caller's."""

    def __init__(self, store: Store, items: Items) -> None:
        self._db = store.db
        self._items = items

    def take(self, unit: str, entry: Entry, stamp: str, now: datetime) -> None:
        """Raises ValueError, which says what will not do; then nothing is changed."""
        kind = str(entry.body["kind"]) if entry.kind == CHANGE else entry.kind
        name = str(entry.body.get("id") or entry.subject)
        fields = entry.body["fields"]
        if kind not in _KINDS or not isinstance(fields, dict) or not fields:
            raise ValueError("fields: expected some of a person, unit or extension")
        known = self._items.one(kind, name)
        if known is None or known[0].row is None:
            raise ValueError("id: is not in the directory")
        item, scope = known
        assert item.row is not None
        if strange := sorted(fields.keys() - item.row.keys()):
            raise ValueError(f"{strange[0]}: is no field of it")
        try:
            made = Item.of(Item(kind, name, {**item.row, **fields}, None, item.by).plain())
        except WireError as error:
            raise ValueError(str(error)) from None
        at, set_by = to_text(now), str(entry.body.get("set_by", ""))
        sql = (
            "INSERT INTO taken_over VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, field) DO UPDATE SET"
            " value = excluded.value, stamp = excluded.stamp, by = excluded.by, set_by = excluded.set_by,"
            " at = excluded.at WHERE excluded.stamp > taken_over.stamp RETURNING field"
        )
        taken = {}
        for field, value in fields.items():
            values = (kind, name, field, _json(value), _json(item.row[field]), stamp, unit, set_by, at)
            if self._db.execute(sql, values).fetchall():
                taken[field] = value
        if not taken:
            return
        row = {**item.row, **taken}
        if row == item.row:
            return
        made = Item(kind, name, row, None, item.by)
        source, base, extension = self._db.execute(
            "SELECT source, base, extension FROM item WHERE kind = ? AND id = ?", (kind, name)
        ).fetchone()
        place = Place(scope, extension)
        self._items.put([Kept(item=made, place=place, before=scope, source=source, base=base)], now)

    def over(self, item: Item) -> Item:
        """What a source says, with what lies over it; what the source has changed since lies over it no more."""
        rows = self._db.execute(
            "SELECT field, value, base FROM taken_over WHERE kind = ? AND id = ?", (item.kind, item.id)
        ).fetchall()
        if not rows or item.row is None:
            return item
        row = dict(item.row)
        for field, value, base in rows:
            if field in row and _json(row[field]) == base:
                row[field] = json.loads(value)
            else:
                sql = "DELETE FROM taken_over WHERE kind = ? AND id = ? AND field = ?"
                self._db.execute(sql, (item.kind, item.id, field))
        return Item(item.kind, item.id, row, item.stamp, item.by)

    def touched(self, kind: str) -> frozenset[str]:
        """Of which something lies over."""
        return frozenset(
            name for (name,) in self._db.execute("SELECT DISTINCT id FROM taken_over WHERE kind = ?", (kind,))
        )

    def all(self) -> Iterable[tuple[str, ...]]:
        """For the source's keeper: kind, id, field, value, who set it, by which unit, when."""
        sql = "SELECT kind, id, field, value, set_by, by, at FROM taken_over ORDER BY kind, id, field"
        return self._db.execute(sql)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
