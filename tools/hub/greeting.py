"""What is done when a unit comes: it is enrolled, its certificate is made anew, it begins a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from firmware.store.database import from_text, to_text
from firmware.sync.stamp import DRIFT_MAX_MS
from firmware.sync.wire import SCHEMA
from tools.hub.audit import note
from tools.hub.ca import Issued, Signer
from tools.hub.entries import Entries
from tools.hub.feed import Cursor
from tools.hub.items import Items
from tools.hub.store import Store
from tools.hub.units import Units

__all__ = ["NoCode", "NoSchema", "TooOften", "enrol", "greet", "renew"]

CODES = "code"
TWIN = timedelta(minutes=30)
"""Two lives of a unit that speak within this time, and do not know of each other, are two units."""


class NoCode(Exception):
    """There is no such code, or it was used, or it is too old."""


class TooOften(Exception):
    """Too many wrong ones of late."""


class NoSchema(Exception):
    """There is none that both know."""


@dataclass(frozen=True, slots=True)
class _Known:
    held: Mapping[str, int]
    backed_up: Mapping[str, int]


def enrol(store: Store, signer: Signer, said: Mapping[str, Any], address: str, now: datetime) -> dict[str, Any]:
    """The answer to `said`, a message that was judged. Raises TooOften, NoCode, CaError."""
    units = Units(store)
    if not units.may_guess(CODES, address, now):
        raise TooOften
    # Before the code is used: who sends a request that cannot be signed may try again.
    signer.unit(said["csr"], "x", now)

    def work() -> tuple[str, Issued] | None:
        unit = units.use_code(said["code"], now)
        if unit is None:
            return None
        issued = signer.unit(said["csr"], unit, now)
        units.issued(unit, issued.serial, issued.not_after, now, alone=True)
        _said(store, unit, {name: said[name] for name in ("name", "machine", "version")})
        note(store, now, unit, "enrolled", unit, {"name": said["name"], "machine": said["machine"]})
        return unit, issued

    done = store.transact(work)
    if done is None:
        units.guessed(CODES, address, now)
        raise NoCode
    unit, issued = done
    return {
        "unit": unit,
        "certificate": issued.pem,
        "ca": signer.pem,
        "config_key": signer.config_public,
        "hub": store.generation,
    }


def renew(store: Store, signer: Signer, unit: str, csr: str, now: datetime) -> dict[str, Any]:
    """The one from before holds to its end. Raises CaError."""
    issued = signer.unit(csr, unit, now)

    def work() -> None:
        Units(store).issued(unit, issued.serial, issued.not_after, now, alone=False)
        note(store, now, unit, "renewed", unit, {"until": to_text(issued.not_after)})

    store.transact(work)
    return {"certificate": issued.pem, "ca": signer.pem}


def greet(store: Store, unit: str, said: Mapping[str, Any], address: str, now: datetime) -> dict[str, Any]:
    """The answer to `said`, a message that was judged. Raises NoSchema."""
    if SCHEMA not in said["schemas"]:
        raise NoSchema
    units, entries = Units(store), Entries(store)
    epoch = said["epoch"]
    told = {epoch: {"first": 1, "last": 0}, **said["epochs"]}

    def work() -> tuple[str, bool, _Known]:
        twin = _twin(store, units, unit, said, now)
        session = entries.begin(unit, epoch, said["machine"], now)
        held, backed_up = {}, {}
        for name, numbers in told.items():
            life = entries.ensure(unit, name, now)
            if lost := entries.said_of(life, int(numbers["first"]), int(numbers["last"])):
                units.find("lost", unit, name, {"numbers": lost[:20]}, now)
            known = entries.life(unit, name)
            assert known is not None
            held[name], backed_up[name] = known.held, known.backed_up
        ahead_ms = round((from_text(said["time"]) - now) / timedelta(milliseconds=1))
        if abs(ahead_ms) > DRIFT_MAX_MS:
            units.find("clock", unit, "time", {"ahead_s": ahead_ms // 1000}, now)
        kept = ("version", "machine", "epoch", "config", "schemas", "hub")
        _said(store, unit, {name: said[name] for name in kept} | {"counts": said.get("counts", {})})
        sql = "UPDATE unit SET seen_at = ?, address = ?, ahead_ms = ? WHERE id = ?"
        store.db.execute(sql, (to_text(now), address, ahead_ms, unit))
        return session, twin, _Known(held, backed_up)

    session, twin, known = store.transact(work)
    answer: dict[str, Any] = {
        "schema": SCHEMA, "hub": store.generation, "session": session, "time": to_text(now), "held": known.held,
        "backed_up": known.backed_up, "cursor_known": _cursor_known(store, units, unit, said["cursor"]),
    }  # fmt: skip
    return answer | ({"twin": True} if twin else {})


def _twin(store: Store, units: Units, unit: str, said: Mapping[str, Any], now: datetime) -> bool:
    """Whether another one of the same name spoke of late: another life, since this one began and without its knowing of
    it, or this life on another machine."""
    sql = "SELECT epoch, machine, began_at, seen_at FROM life WHERE unit = ? AND session IS NOT NULL"
    lives = {epoch: rest for epoch, *rest in store.db.execute(sql, (unit,)).fetchall()}
    own = lives.get(said["epoch"])
    if own is None:
        return False
    for epoch, (machine, _, seen_at) in lives.items():
        lately = seen_at > max(own[1], to_text(now - TWIN))
        same = epoch == said["epoch"]
        if not lately or (machine == said["machine"] if same else epoch in said["epochs"]):
            continue
        detail = {"epochs": sorted({epoch, said["epoch"]}), "machines": sorted({machine, said["machine"]})}
        units.find("twin", unit, "identity", detail, now)
        return True
    return False


def _cursor_known(store: Store, units: Units, unit: str, text: str | None) -> bool:
    cursor, whose = Cursor.of(text or ""), units.partition(unit)
    if cursor is None or whose is None:
        return False
    ours = cursor.generation == store.generation and cursor.partition == whose.number
    return ours and Items(store).known_place(cursor.place)


def _said(store: Store, unit: str, said: Mapping[str, object]) -> None:
    """Keep what a unit says of itself, beside what it said before."""
    before = json.loads(store.db.execute("SELECT said FROM unit WHERE id = ?", (unit,)).fetchone()[0])
    text = json.dumps({**before, **said}, ensure_ascii=False, sort_keys=True)
    store.db.execute("UPDATE unit SET said = ? WHERE id = ?", (text, unit))
