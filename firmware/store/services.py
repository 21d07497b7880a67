"""Night service as the store has it: what a site has chosen for an entity, and what its key has set (B10)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, OnCall, Pressed, Served, Service, press
from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["COLUMNS", "KIND", "Services", "from_row", "pressed_of", "to_row"]

KIND = "service"
"""Of the outbox."""
COLUMNS = ("entity", "hours", "lunch", "night_to", "lunch_to", "night_text", "lunch_text", "on_call")


def to_row(service: Service) -> tuple[str | None, ...]:
    """As table `service` keeps it."""
    on_call = [[each.name, each.number, str(each.hours) if each.hours else None] for each in service.on_call]
    return (
        service.entity,
        str(service.hours),
        str(service.lunch) if service.lunch else None,
        service.night_to,
        service.lunch_to,
        service.night_text,
        service.lunch_text,
        json.dumps(on_call, ensure_ascii=False),
    )


def from_row(row: Mapping[str, Any]) -> Service:
    """Raises ValueError, TypeError for what nothing here would write."""
    on_call = tuple(
        OnCall(name=name, number=number, hours=Schedule.parse(hours) if hours else None)
        for name, number, hours in json.loads(row["on_call"])
    )
    lunch = Schedule.parse(row["lunch"]) if row["lunch"] else None
    return Service(**{**row, "hours": Schedule.parse(row["hours"]), "lunch": lunch, "on_call": on_call})


def pressed_of(journal: sqlite3.Connection, entity: str) -> Pressed | None:
    """What the key of an entity's reception has set, be it over or not."""
    sql = "SELECT state, set_at, until, set_by FROM service_key WHERE entity = ?"
    row = journal.execute(sql, (entity,)).fetchone()
    if row is None:
        return None
    state, set_at, until, set_by = row
    ends = from_text(until) if until else None
    return Pressed(state=Served(state), set_at=from_text(set_at), until=ends, set_by=set_by)


class Services(OfJournal):
    """Writes ``journal.db``, as `Changes` does."""

    def press(self, service: Service, key: Key, set_by: str, now: datetime) -> Pressed | None:
        """The key is pressed; what it has set, None: the hours are what holds. Raises sqlite3.Error."""
        pressed = press(service, key, set_by, now)
        body = {
            "entity": service.entity,
            "state": str(pressed.state) if pressed else None,
            "set_at": to_text(now),
            "until": to_text(pressed.until) if pressed and pressed.until else None,
            "set_by": set_by,
        }

        def work() -> None:
            if pressed is None:
                self._db.execute("DELETE FROM service_key WHERE entity = ?", (service.entity,))
            else:
                row = (service.entity, str(pressed.state), to_text(now), body["until"], set_by)
                self._db.execute("INSERT OR REPLACE INTO service_key VALUES (?, ?, ?, ?, ?)", row)
            outbox.add(self._db, now, KIND, service.entity, body, ("service_key", service.entity))

        transact(self._db, work)
        return pressed
