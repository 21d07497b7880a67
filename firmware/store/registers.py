"""What goes both ways between units and hub and is set over and over: one row each of ``journal.db``, by its key."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firmware.sync.kinds import KINDS

__all__ = ["REGISTERS", "Register"]


@dataclass(frozen=True, slots=True)
class Register:
    """`subject`: the field by which an entry of the outbox names whom it is of; `told`: the kind that such an entry
    has. The columns are the fields of an item's row."""

    kind: str
    table: str
    columns: tuple[str, ...]
    told: str
    subject: str = "extension"

    @property
    def key(self) -> tuple[str, ...]:
        return KINDS[self.kind].key

    def row(self, db: sqlite3.Connection, name: str) -> dict[str, Any] | None:
        """As it is here; None where it is not set."""
        sql = f"SELECT {', '.join(self.columns)} FROM {self.table} WHERE {self._where}"  # noqa: S608  names of ours
        found = db.execute(sql, self._values(name)).fetchone()
        return dict(zip(self.columns, found, strict=True)) if found else None

    def put(self, db: sqlite3.Connection, name: str, row: Mapping[str, Any] | None) -> None:
        """Only within a transaction."""
        if row is None:
            db.execute(f"DELETE FROM {self.table} WHERE {self._where}", self._values(name))  # noqa: S608  names of ours
            return
        places = ", ".join("?" for _ in self.columns)
        sql = f"INSERT OR REPLACE INTO {self.table} ({', '.join(self.columns)}) VALUES ({places})"  # noqa: S608  ours
        db.execute(sql, tuple(row[column] for column in self.columns))

    def subject_of(self, name: str, *rows: Mapping[str, Any] | None) -> str:
        """Of one of these rows, or by its key alone."""
        parts = dict(zip(self.key, self._values(name), strict=True))
        return str(next((row[self.subject] for row in rows if row), parts.get(self.subject, name)))

    def ended(self, name: str) -> dict[str, Any]:
        """The body of an entry that says that it is no more set."""
        return {**dict(zip(self.key, self._values(name), strict=True)), "ended": True}

    @property
    def _where(self) -> str:
        return " AND ".join(f"{column} = ?" for column in self.key)

    def _values(self, name: str) -> tuple[str, ...]:
        return tuple(name.split("|", len(self.key) - 1))


_DEPARTMENT = (
    *("id", "unit", "reason", "start", "until", "emergency_number", "information"),
    *("set_by", "set_at", "ended_at", "ended_by"),
)
REGISTERS: Mapping[str, Register] = {
    register.kind: register
    for register in (
        Register("forwarding", "forwarding", ("extension", "condition", "target", "set_at", "set_by"), "forwarding"),
        Register("lock", "lock", ("extension", "since", "set_by"), "lock"),
        Register("signed_out", "signed_out", ("hunt", "extension", "at"), "member", "hunt"),
        Register("service_key", "service_key", ("entity", "state", "set_at", "until", "set_by"), "service", "entity"),
        Register("department", "department_referral", _DEPARTMENT, "department", "unit"),
        Register("pin_change", "pin_change", ("extension", "hash", "set_at", "set_by"), "pin"),
    )
}
