"""What the feed tells of: items as they stand, each at its place in the feed, and who has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from firmware.store.database import to_text
from firmware.sync.kinds import KINDS
from firmware.sync.wire import Digest, Item
from tools.hub.store import Store
from tools.hub.units import Partition

__all__ = ["EVERYBODY", "Items", "Kept", "Place", "digest_of"]

EVERYBODY = "*"
"""The scope of what every unit has."""
TOMBSTONES = timedelta(days=90)
"""So long that something is gone is told; a unit that was away for longer takes a snapshot."""
_OF_EXTENSION = ("extension", "hunt")
_SEEN = (
    "CASE WHEN served THEN EXISTS (SELECT 1 FROM unit_serves AS s WHERE s.unit = :unit"
    " AND length(s.first) = length(item.extension) AND item.extension BETWEEN s.first AND s.last)"
    " ELSE scope IN (SELECT value FROM json_each(:scopes)) END"
)
"""Whether a unit has an item."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who has an item. `extension`: whose it is; `served`: it goes only to who serves that."""

    scope: str
    extension: str | None = None
    served: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An item on its way in. `before`: the scope of what stood there, "" of nothing. `source`, `base`: which source it
    is of, and the digest of what that said."""

    item: Item
    place: Place
    before: str = ""
    digest: bytes | None = None
    source: str | None = None
    base: bytes | None = None


def digest_of(item: Item) -> bytes | None:
    """Of its row, to be summed; None of what is no more."""
    if item.row is None:
        return None
    made = Digest()
    made.add(item.kind, item.id, item.row)
    return made.sum.to_bytes(16, "big")


class Items:
    """What writes does so within a transaction of the caller's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def one(self, kind: str, name: str) -> tuple[Item, str] | None:
        """As it stands, and its scope."""
        sql = "SELECT row, stamp, by, scope FROM item WHERE kind = ? AND id = ?"
        found = self._db.execute(sql, (kind, name)).fetchone()
        if found is None:
            return None
        row, stamp, by, scope = found
        return Item(kind, name, json.loads(row) if row else None, stamp, by), scope

    def place_of(self, item: Item, by: str) -> Place:
        """Of a two-way item: where the directory has what it is of; else with the unit alone that set it."""
        kind = KINDS[item.kind]
        fields = dict(zip(kind.key, item.id.split("|"), strict=False)) | dict(item.row or {})
        extension = next((str(fields[name]) for name in _OF_EXTENSION if fields.get(name)), None)
        if extension is not None:
            scope = self._scope("extension", extension)
        elif "unit" in fields:
            scope = self._scope("unit", str(fields["unit"]))
        else:
            scope = self._scope("entity", str(fields.get("entity", "")))
        if scope is None:
            known = self.one(item.kind, item.id)
            scope = known[1] if known else f"unit:{by}"
        return Place(scope, extension, kind.served)

    def put(self, rows: Sequence[Kept], now: datetime) -> None:
        """At the end of the feed, in this order."""
        gone = [kept for kept in rows if kept.before and kept.before != kept.place.scope]
        at = to_text(now)
        first = self._store.positions(len(gone) + len(rows)).start
        self._db.executemany(
            "INSERT INTO departed VALUES (?, ?, ?, ?, ?)",
            [(first + n, kept.item.kind, kept.item.id, kept.before, at) for n, kept in enumerate(gone)],
        )
        sql = (
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET"
            " row = excluded.row, stamp = excluded.stamp, by = excluded.by, position = excluded.position,"
            " scope = excluded.scope, extension = excluded.extension, served = excluded.served,"
            " digest = excluded.digest, source = excluded.source, base = excluded.base, at = excluded.at"
        )
        self._db.executemany(sql, (_values(kept, first + len(gone) + n, at) for n, kept in enumerate(rows)))

    def moved(self, extensions: Sequence[str], now: datetime) -> None:
        """What hangs on these extensions goes where they are now."""
        sql = (
            "SELECT item.kind, item.id, item.row, item.stamp, item.by, item.scope, item.digest, item.source, item.base,"
            " item.served, now.scope FROM item JOIN item AS now ON now.kind = 'extension' AND now.id = item.extension"
            " WHERE item.extension = ? AND item.kind <> 'extension' AND item.scope <> now.scope"
        )
        found: list[Kept] = []
        for extension in extensions:
            for kind, name, row, stamp, by, scope, digest, source, base, served, there in self._db.execute(
                sql, (extension,)
            ):
                item = Item(kind, name, json.loads(row) if row else None, stamp, by)
                place = Place(there, extension, bool(served))
                # Who serves an extension has what is secret of it, wherever the directory has it.
                before = "" if served else scope
                found.append(Kept(item=item, place=place, before=before, digest=digest, source=source, base=base))
        if found:
            self.put(found, now)

    def page(self, whose: Partition, after: int, limit: int) -> tuple[list[Item], int, bool]:
        """What stands behind a place in the feed: items, the place behind them, and whether there is more."""
        # One reading of both tables and of the head.
        self._db.execute("BEGIN")
        try:
            head = self._store.head
            found = self._behind(whose, after, head, limit + 1)
        finally:
            self._db.execute("COMMIT")
        more = len(found) > limit
        found = found[:limit]
        place = found[-1][0] if more else head
        return [item for _, item in found], place, more

    def _behind(self, whose: Partition, after: int, head: int, limit: int) -> list[tuple[int, Item]]:
        given = _given(whose) | {"after": after, "head": head, "limit": limit}
        sql = (
            f"SELECT position, kind, id, row, stamp, by FROM item WHERE position > :after AND position <= :head"  # noqa: S608
            f" AND {_SEEN} ORDER BY position LIMIT :limit"
        )
        found = [
            (position, Item(kind, name, json.loads(row) if row else None, stamp, by))
            for position, kind, name, row, stamp, by in self._db.execute(sql, given)
        ]
        sql = (
            "SELECT departed.position, departed.kind, departed.id FROM departed"  # noqa: S608  names of ours
            " LEFT JOIN item USING (kind, id)"
            " WHERE departed.position > :after AND departed.position <= :head"
            " AND departed.scope IN (SELECT value FROM json_each(:scopes))"
            f" AND NOT coalesce({_SEEN.replace('scope IN', 'item.scope IN')}, FALSE)"
            " ORDER BY departed.position LIMIT :limit"
        )
        found += [(position, Item(kind, name, None)) for position, kind, name in self._db.execute(sql, given)]
        return sorted(found, key=lambda one: one[0])

    def listed(self, whose: Partition) -> Iterator[tuple[str, str, str | None, str | None, str | None, bytes | None]]:
        """All that is a unit's, kind after kind, each after what it names: kind, id, row as JSON, stamp, by, digest.
        Tombstones of what both sides set are in it. Within a reading of the caller's."""
        sql = (
            f"SELECT kind, id, row, stamp, by, digest FROM item WHERE kind = :kind AND {_SEEN}"  # noqa: S608
            " AND (row IS NOT NULL OR source IS NULL) ORDER BY id"
        )
        for kind in KINDS:
            yield from self._db.execute(sql, _given(whose) | {"kind": kind})

    def digests(self, whose: Partition) -> tuple[int, dict[str, Digest]]:
        """The place in the feed, and the digest of each kind there."""
        self._db.execute("BEGIN")
        try:
            head = self._store.head
            sql = f"SELECT digest FROM item WHERE kind = :kind AND digest IS NOT NULL AND {_SEEN}"  # noqa: S608  ours
            kinds = {}
            for kind in KINDS:
                sums = [_int(digest) for (digest,) in self._db.execute(sql, _given(whose) | {"kind": kind})]
                kinds[kind] = Digest(len(sums), sum(sums) % (1 << 128))
        finally:
            self._db.execute("COMMIT")
        return head, {kind: digest for kind, digest in kinds.items() if digest.rows}

    def known_place(self, after: int) -> bool:
        """Whether a place in this life's feed can be gone on from."""
        position, floor = self._db.execute("SELECT position, floor FROM hub").fetchone()
        return bool(floor <= after <= position)

    def forget(self, now: datetime) -> int:
        """Tombstones that everybody has had time to hear of; how many."""
        before = to_text(now - TOMBSTONES)
        where = "at < ? AND row IS NULL AND source IS NOT NULL"
        last = self._db.execute(
            f"SELECT max(coalesce((SELECT max(position) FROM item WHERE {where}), 0),"  # noqa: S608  names of ours
            " coalesce((SELECT max(position) FROM departed WHERE at < ?), 0))",
            (before, before),
        ).fetchone()[0]
        if not last:
            return 0
        self._db.execute("UPDATE hub SET floor = max(floor, ?)", (last,))
        gone = self._db.execute(f"DELETE FROM item WHERE {where}", (before,)).rowcount  # noqa: S608  names of ours
        return gone + self._db.execute("DELETE FROM departed WHERE at < ?", (before,)).rowcount

    def _scope(self, kind: str, name: str) -> str | None:
        sql = "SELECT scope FROM item WHERE kind = ? AND id = ?"
        found = self._db.execute(sql, (kind, name)).fetchone()
        return str(found[0]) if found else None


def row_text(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _values(kept: Kept, position: int, at: str) -> tuple[object, ...]:
    item, place = kept.item, kept.place
    digest = kept.digest if kept.digest is not None else digest_of(item)
    values = (item.kind, item.id, row_text(item.row), item.stamp, item.by, position)
    return (*values, place.scope, place.extension, place.served, digest, kept.source, kept.base, at)


def _given(whose: Partition) -> dict[str, object]:
    return {"unit": whose.unit, "scopes": json.dumps(whose.scopes)}


def _int(digest: bytes) -> int:
    return int.from_bytes(digest, "big")
