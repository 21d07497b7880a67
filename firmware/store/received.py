"""What the hub says of what goes both ways, taken into ``journal.db`` (firmware/store/joining.py): each item once,
whatever comes twice; and what was set here and does not stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firmware.store import outbox
from firmware.store.database import OfJournal, to_text, transact
from firmware.store.joining import GROWS, Joining, Taken, put_register, row_here
from firmware.store.registers import REGISTERS
from firmware.sync.merge import of_one_life, stands_in
from firmware.sync.wire import Item

__all__ = ["Overruled", "Received"]

LIVE_AT_ONCE = 1_000
_SETTLED = "SELECT 1 FROM stamped WHERE effect IS NOT NULL LIMIT 1"


@dataclass(frozen=True, slots=True)
class Overruled:
    """What was set here and does not stand, and what does: rows as items have them, None where it is not set."""

    id: int
    at: str
    kind: str
    item: str
    row: Mapping[str, Any] | None
    stamp: str
    over_row: Mapping[str, Any] | None
    over_stamp: str
    over_by: str


class Received(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction. Raises sqlite3.Error."""

    def has(self, cursor: str) -> bool:
        """Whether what the feed had said up to `cursor` is here. It is not where this file was put back, or is new."""
        row = self._db.execute("SELECT taken FROM uplink").fetchone()
        return row is not None and row[0] is not None and of_one_life(cursor, row[0]) and stands_in(cursor, row[0])

    def take(self, items: Iterable[Item], now: datetime, cursor: str | None = None) -> Taken:
        """Those that go both ways, in this order; others are left out. Each was judged (firmware/sync/wire.py).
        `cursor`: of the page of which they are all."""
        those = [item for item in items if item.kind in GROWS or item.kind in REGISTERS]

        def work() -> Taken:
            joining = Joining(self._db, now)
            for item in those:
                joining.take(item)
            outbox.met(self._db, [item.stamp for item in those if item.stamp])
            if cursor is not None:
                self._db.execute("UPDATE uplink SET taken = ?", (cursor,))
            return joining.end()

        return transact(self._db, work)

    def caught_up(self, cursor: str, now: datetime) -> Taken:
        """The feed was read up to `cursor`, and all of that taken: what had waited for that is taken too, and changes
        of people that the platform has by then lie over the directory no more."""
        heard = self._db.execute("SELECT heard, taken FROM uplink").fetchone()
        if heard == (cursor, cursor) and not self._db.execute(_SETTLED).fetchone():
            return Taken()  # nothing to write, as after most questions of the feed

        def work() -> Taken:
            joining = Joining(self._db, now)
            joining.settle(cursor)
            self._db.execute("UPDATE uplink SET heard = ?1, taken = ?1", (cursor,))
            return joining.end()

        return transact(self._db, work)

    def live(self) -> Iterator[list[Item]]:
        """All that goes both ways and is known here, with its stamp, in batches: for a hub that has lost some of it."""
        sql = "SELECT kind, id, stamp, by FROM stamped WHERE kind <> 'change' AND (kind, id) > (?, ?) ORDER BY kind, id"
        at = ("", "")
        while rows := self._db.execute(f"{sql} LIMIT {LIVE_AT_ONCE}", at).fetchall():
            batch = []
            for kind, name, stamp, by in rows:
                row = row_here(self._db, kind, name)
                if kind in REGISTERS or row is not None:
                    batch.append(Item(kind, name, row, stamp or None, by or None))
            yield batch
            at = rows[-1][:2]

    def overruled(self) -> tuple[Overruled, ...]:
        """Those that nobody has brought back, the newest first."""
        sql = (
            "SELECT id, at, kind, item, row, stamp, over_row, over_stamp, over_by FROM overruled"
            " WHERE undone_at IS NULL ORDER BY id DESC"
        )
        return tuple(
            Overruled(key, at, kind, item, _read(row), stamp, _read(over), over_stamp, over_by)
            for key, at, kind, item, row, stamp, over, over_stamp, over_by in self._db.execute(sql)
        )

    def undo(self, name: int, by: str, now: datetime) -> bool:
        """Set it again as it was set here, as a change like any other. False: it is not there, or was brought back."""

        def work() -> bool:
            sql = (
                "UPDATE overruled SET undone_at = ?, undone_by = ? WHERE id = ? AND undone_at IS NULL"
                " RETURNING kind, item, row"
            )
            found = self._db.execute(sql, (to_text(now), by, name)).fetchone()
            if found is None:
                return False
            kind, item, text = found
            register, row = REGISTERS[kind], _read(text)
            if row is not None:
                row = {**row, **{field: by for field in ("set_by",) if field in row}}
                row |= {field: to_text(now) for field in ("set_at", "since", "at") if field in row}
            before = register.row(self._db, item)
            put_register(self._db, kind, item, row)
            body = dict(row) if row is not None else register.ended(item) | {"set_by": by}
            if kind == "signed_out":
                hunt, extension = item.split("|", 1)
                body = {"hunt": hunt, "extension": extension, "at": to_text(now), "signed_in": row is None}
            elif kind == "service_key" and row is None:
                body = {"entity": item, "state": None, "set_at": to_text(now), "until": None, "set_by": by}
            elif kind == "pin_change":
                body = {"hash": row["hash"] if row else None, "set_at": to_text(now), "set_by": by}
            outbox.add(self._db, now, register.told, register.subject_of(item, row, before), body, (kind, item))
            return True

        return transact(self._db, work)


def _read(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found
