"""The configurations that the hub sends: signed here, and each kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import to_text
from firmware.sync.bundle import Bundle, sign
from firmware.sync.wire import Item
from tools.hub.audit import note
from tools.hub.ca import Signer
from tools.hub.items import Items, Kept, Place
from tools.hub.store import HUB, Store
from tools.hub.units import Units

__all__ = ["Sent", "config_for", "push"]


@dataclass(frozen=True, slots=True)
class Sent:
    """`signed`: as a unit gets it (firmware/sync/bundle.py)."""

    version: int
    signed: bytes
    made_by: str
    made_at: str


def config_for(store: Store, unit: str, have: int) -> Sent | None:
    """The newest, where it is newer than what the unit has."""
    sql = (
        "SELECT version, signed, made_by, made_at FROM config WHERE unit = ? AND version > ?"
        " ORDER BY version DESC LIMIT 1"
    )
    found = store.db.execute(sql, (unit, have)).fetchone()
    return Sent(*found) if found else None


def push(store: Store, signer: Signer, unit: str, text: str, program: str, who: str, now: datetime) -> int:
    """Give its version. Raises BundleError, UnitsError for what cannot be sent."""
    Units(store).known(unit)

    def work() -> int:
        last = store.db.execute("SELECT coalesce(max(version), 0) FROM config WHERE unit = ?", (unit,)).fetchone()[0]
        version = int(last) + 1
        bundle = Bundle(unit=unit, version=version, made_at=to_text(now), program=program, config=text)
        values = (unit, version, text, sign(bundle, signer.config_key), who, to_text(now))
        store.db.execute("INSERT INTO config VALUES (?, ?, ?, ?, ?, ?)", values)
        item = Item("config", unit, {"name": unit, "version": version}, None, HUB)  # one of each unit's own
        Items(store).put([Kept(item=item, place=Place(f"unit:{unit}"))], now)
        note(store, now, who, "config", unit, {"version": version, "sha256": bundle.sha256})
        return version

    return store.transact(work)
