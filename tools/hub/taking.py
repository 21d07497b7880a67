"""What a unit's batch does at the hub: its rows are kept, what they set is joined with what stands, and what they ask
for is judged; all of it in one transaction, or nothing. A batch that comes again does nothing more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import to_text
from firmware.sync.kinds import KINDS, Way
from firmware.sync.merge import item_of, wins
from firmware.sync.stamp import after, settled
from firmware.sync.wire import Entry, Item, WireError
from tools.hub.entries import Entries, Life
from tools.hub.items import Items, Kept, row_text
from tools.hub.requests import Requests, is_request
from tools.hub.store import HUB, Store
from tools.hub.units import Units

__all__ = ["Taken", "Taking"]

WHY_MAX = 400
SOUND = "sound"
"""Why a row is not held: what was to come before it is not here."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`place`: in the feed, behind all that came of it."""

    life: Life
    above: list[list[int]]
    refused: list[tuple[int, str]]
    place: int


class Taking:
    """Of one connection. Each method is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db
        self.items, self.entries, self.units = Items(store), Entries(store), Units(store)
        self._requests = Requests(store, self.items)

    def outbox(self, unit: str, epoch: str, entries: Sequence[Entry], now: datetime) -> Taken:
        """Raises Forked with nothing taken."""
        return self._store.transact(lambda: self._outbox(unit, epoch, entries, now))

    def state(self, unit: str, items: Sequence[Item], now: datetime) -> int:
        """What a unit holds of what both sides set, after the hub has begun another life; how many counted."""
        return self._store.transact(lambda: self._state(unit, items, now))

    def set_here(self, item: Item, now: datetime) -> Item:
        """What somebody sets at the hub itself. Raises WireError."""
        return self._store.transact(lambda: self._set(item, now))

    def undo(self, overruled: int, who: str, now: datetime) -> bool:
        """What was overruled counts again, set now; False: it is not there any more."""
        return self._store.transact(lambda: self._undo(overruled, who, now))

    def _outbox(self, unit: str, epoch: str, entries: Sequence[Entry], now: datetime) -> Taken:
        life = self.entries.ensure(unit, epoch, now)
        self.entries.spoke(life, now)
        waiting = {entry.n for entry in entries if entry.sound and not self.entries.has_sound(entry.sound[0])}
        new = self.entries.take(life, [entry for entry in entries if entry.n not in waiting], now)
        refused = [(number, SOUND) for number in sorted(waiting)]
        # What one unit has set is gone through in the order in which it set it.
        for entry in sorted(new, key=lambda one: (one.stamp or "", one.n)):
            try:
                self._effect(unit, entry, now)
            except (KeyError, TypeError, ValueError) as error:
                why = _why(error)
                self.entries.refuse(life, entry.n, why)
                self.units.find("refused", unit, entry.kind, {"epoch": epoch, "n": entry.n, "why": why}, now)
                refused.append((entry.n, why))
        held = self.entries.life(unit, epoch)
        assert held is not None
        return Taken(held, self.entries.above(held), refused, self._store.head)

    def _effect(self, unit: str, entry: Entry, now: datetime) -> None:
        """Raises KeyError, TypeError, ValueError for what no unit writes."""
        if is_request(entry.kind, entry.body):
            self._requests.take(unit, entry, self._stamp(unit, entry.stamp, now), now)
            return
        item = item_of(entry.kind, entry.subject, entry.body, entry.stamp, unit)
        if item is not None:
            self._merge(unit, Item.of(item.plain()), now)

    def _merge(self, unit: str, item: Item, now: datetime) -> bool:
        """Whether it counts."""
        kind = KINDS[item.kind]
        stamp = self._stamp(unit, item.stamp, now)
        item = Item(item.kind, item.id, item.row, stamp, item.by or unit)
        known = self.items.one(item.kind, item.id)
        if known is not None:
            stood, scope = known
            if kind.way is Way.GROWS:
                if item.row is not None and stood.row != item.row:
                    raise ValueError("id: is another's already")
                return False
            new, old = (stamp, _canonical(item)), (stood.stamp or "", _canonical(stood))
            if new == old:
                return False
            if not wins(old, new):
                self._overrule(item, stood, now)
                # Told again: a unit that lost takes what it hears after this was taken.
                self.items.put([Kept(item=stood, place=self.items.place_of(stood, unit), before=scope)], now)
                return False
            if stood.row is not None and stood.by != item.by:
                self._overrule(stood, item, now)
        elif item.row is None and kind.way is Way.GROWS:
            raise ValueError("row: what only grows is never taken away")
        else:
            scope = ""
        self.items.put([Kept(item=item, place=self.items.place_of(item, unit), before=scope)], now)
        return True

    def _state(self, unit: str, items: Sequence[Item], now: datetime) -> int:
        counted = 0
        for item in items:
            if not item.known or KINDS[item.kind].way is Way.DOWN:
                continue
            try:
                counted += self._merge(unit, item, now)
            except ValueError as error:
                self.units.find("refused", unit, item.kind, {"id": item.id, "why": _why(error)}, now)
        return counted

    def _set(self, item: Item, now: datetime) -> Item:
        stamp = self._next(HUB, now)
        made = Item.of(Item(item.kind, item.id, item.row, stamp, HUB).plain())
        self._merge(HUB, made, now)
        return made

    def _undo(self, overruled: int, who: str, now: datetime) -> bool:
        sql = (
            "UPDATE overruled SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL"
            " RETURNING kind, item, row"
        )
        found = self._db.execute(sql, (to_text(now), who, overruled)).fetchall()
        for kind, name, row in found:
            self._set(Item(kind, name, json.loads(row) if row else None), now)
        return bool(found)

    def _overrule(self, loser: Item, winner: Item, now: datetime) -> None:
        """What somebody set, and another's counts."""
        if loser.by == winner.by:
            return
        sql = (
            "INSERT INTO overruled (kind, item, row, stamp, by, winner, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, item, stamp) DO NOTHING"
        )
        row = row_text(loser.row)
        values = (loser.kind, loser.id, row, loser.stamp or "", loser.by, winner.stamp or "", to_text(now))
        self._db.execute(sql, values)

    def _stamp(self, unit: str, stamp: str | None, now: datetime) -> str:
        """The one that counts; the hub's clock has seen it."""
        last = self._db.execute("SELECT stamp FROM hub").fetchone()[0]
        counts, other = settled(stamp, last, _ms(now))
        if other and stamp is not None:
            self.units.find("clock", unit, "stamp", {"stamp": stamp}, now)
        self._saw(counts)
        return counts

    def _next(self, node: str, now: datetime) -> str:
        last = self._db.execute("SELECT stamp FROM hub").fetchone()[0]
        stamp = after(last, _ms(now), node)
        self._saw(stamp)
        return stamp

    def _saw(self, stamp: str) -> None:
        self._db.execute("UPDATE hub SET stamp = max(stamp, ?)", (stamp,))


def _canonical(item: Item) -> str:
    return json.dumps(item.row, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _why(error: Exception) -> str:
    """Without the values of what came, but where it is ours."""
    if isinstance(error, WireError):
        return str(error)[:WHY_MAX]
    if isinstance(error, KeyError):
        return f"{str(error)[:WHY_MAX]}: is missing"
    return (str(error) if isinstance(error, ValueError) else "is not as its kind says")[:WHY_MAX]


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
