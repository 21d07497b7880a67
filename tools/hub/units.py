"""The units: which there are, what each is to have, by which certificates they come; what somebody is to look at."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from firmware.store.database import from_text, to_text
from tools.hub.store import HUB, Store

__all__ = ["Finding", "Guessed", "Partition", "Unit", "Units", "UnitsError", "grouped"]

CODE_DIGITS = 10
CODE_HOLDS = timedelta(hours=24)
GUESSED = timedelta(hours=1)
BY_ADDRESS_MAX, BY_ALL_MAX = 10, 100
"""Wrong ones of an hour: of 10^10 codes, of which few hold at a time."""
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_RANGE = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")


class UnitsError(ValueError):
    """What was asked for cannot be; the text begins with the field."""


class Guessed(Exception):
    """Too many wrong ones of late."""


@dataclass(frozen=True, slots=True)
class Partition:
    """What of all the hub has is a unit's. `number`: another one after each change of it."""

    unit: str
    number: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    id: str
    name: str
    municipalities: tuple[str, ...]
    serves: tuple[tuple[str, str], ...]
    made_at: datetime
    revoked_at: datetime | None
    seen_at: datetime | None
    address: str
    position: int
    ahead_ms: int | None
    said: Mapping[str, Any]
    until: datetime | None
    """Until when its certificate holds; None: it was never enrolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    id: int
    kind: str
    unit: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    times: int
    first_at: datetime
    last_at: datetime
    seen_at: datetime | None
    seen_by: str | None


class Units:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    # Which there are

    def add(self, name: str, municipalities: Sequence[str], serves: Sequence[str], now: datetime) -> str:
        """Give its id. Only within a transaction. Raises UnitsError."""
        unit = self._free(name)
        sql = "INSERT INTO unit (id, name, made_at, partition) VALUES (?, ?, ?, 0)"
        self._db.execute(sql, (unit, name, to_text(now)))
        self.give(unit, municipalities, serves)
        return unit

    def give(self, unit: str, municipalities: Sequence[str], serves: Sequence[str]) -> None:
        """What it is to have from now on; it takes a snapshot anew. Only within a transaction. Raises UnitsError."""
        self.known(unit)
        ranges = sorted({_range(text) for text in serves})
        if len({first for first, _ in ranges}) != len(ranges):
            raise UnitsError("serves: two ranges begin alike")
        self._db.execute("DELETE FROM unit_scope WHERE unit = ?", (unit,))
        self._db.execute("DELETE FROM unit_serves WHERE unit = ?", (unit,))
        self._db.executemany("INSERT INTO unit_scope VALUES (?, ?)", [(unit, one) for one in sorted({*municipalities})])
        self._db.executemany("INSERT INTO unit_serves VALUES (?, ?, ?)", [(unit, *one) for one in ranges])
        self._db.execute("UPDATE unit SET partition = partition + 1 WHERE id = ?", (unit,))

    def known(self, unit: str) -> None:
        """Raises UnitsError for one that is not."""
        if self._db.execute("SELECT 1 FROM unit WHERE id = ?", (unit,)).fetchone() is None:
            raise UnitsError(f"unit: there is no {unit[:40]!r}")

    def partition(self, unit: str) -> Partition | None:
        row = self._db.execute("SELECT partition FROM unit WHERE id = ?", (unit,)).fetchone()
        if row is None:
            return None
        found = self._db.execute("SELECT municipality FROM unit_scope WHERE unit = ?", (unit,))
        return Partition(unit, int(row[0]), (*(name for (name,) in found), "*", f"unit:{unit}"))

    def all(self) -> tuple[Unit, ...]:
        scopes: dict[str, list[str]] = {}
        for unit, name in self._db.execute("SELECT unit, municipality FROM unit_scope ORDER BY unit, municipality"):
            scopes.setdefault(unit, []).append(name)
        serves: dict[str, list[tuple[str, str]]] = {}
        for unit, first, last in self._db.execute("SELECT unit, first, last FROM unit_serves ORDER BY unit, first"):
            serves.setdefault(unit, []).append((first, last))
        sql = (
            "SELECT id, name, made_at, revoked_at, seen_at, coalesce(address, ''), position, ahead_ms, said,"
            " (SELECT max(not_after) FROM certificate WHERE unit = unit.id AND revoked_at IS NULL)"
            " FROM unit ORDER BY name, id"
        )
        return tuple(
            Unit(
                id=name, name=shown, municipalities=tuple(scopes.get(name, ())), serves=tuple(serves.get(name, ())),
                made_at=from_text(made), revoked_at=_moment(revoked), seen_at=_moment(seen), address=address,
                position=position, ahead_ms=ahead, said=json.loads(said), until=_moment(until),
            )
            for name, shown, made, revoked, seen, address, position, ahead, said, until in self._db.execute(sql)
        )  # fmt: skip

    def seen(self, unit: str, address: str, now: datetime, position: int | None = None) -> None:
        """Only within a transaction."""
        sql = "UPDATE unit SET seen_at = ?, address = ?, position = coalesce(?, position) WHERE id = ?"
        self._db.execute(sql, (to_text(now), address, position, unit))

    def revoke(self, unit: str, why: str, now: datetime) -> None:
        """Nothing of it is taken any more, and nothing given. Only within a transaction. Raises UnitsError."""
        self.known(unit)
        self._db.execute("UPDATE unit SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (to_text(now), unit))
        self._revoke(unit, why, now)
        self._db.execute("UPDATE code SET expires_at = ? WHERE unit = ? AND used_at IS NULL", (to_text(now), unit))
        self._db.execute("UPDATE life SET session = NULL WHERE unit = ?", (unit,))

    def allow_shrunken(self, unit: str, people: int) -> None:
        """That so few people are right. Only within a transaction."""
        self._db.execute("UPDATE unit SET shrunken = ? WHERE id = ?", (people, unit))

    # Codes

    def make_code(self, unit: str, now: datetime) -> str:
        """Ten digits by which it enrols, once; an older one of the unit's holds no more. Only within a transaction."""
        self.known(unit)
        self._db.execute("DELETE FROM code WHERE unit = ? AND used_at IS NULL", (unit,))
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        values = (_hash(code), unit, to_text(now), to_text(now + CODE_HOLDS))
        self._db.execute("INSERT INTO code VALUES (?, ?, ?, ?, NULL)", values)
        return code

    def use_code(self, code: str, now: datetime) -> str | None:
        """Whose it is, from now on used; None: nobody's. Only within a transaction."""
        sql = "UPDATE code SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ? RETURNING unit"
        rows = self._db.execute(sql, (to_text(now), _hash(code), to_text(now))).fetchall()
        return str(rows[0][0]) if rows else None

    def guessed(self, what: str, address: str, now: datetime) -> None:
        """Note a wrong one."""
        values = (to_text(now), what, address)
        self._store.transact(lambda: self._db.execute("INSERT INTO guess (at, what, address) VALUES (?, ?, ?)", values))

    def may_guess(self, what: str, address: str, now: datetime) -> bool:
        since = to_text(now - GUESSED)
        sql = "SELECT count(*), coalesce(sum(address = ?), 0) FROM guess WHERE what = ? AND at > ?"
        of_all, of_one = self._db.execute(sql, (address, what, since)).fetchone()
        return bool(of_all < BY_ALL_MAX and of_one < BY_ADDRESS_MAX)

    # Certificates

    def issued(self, unit: str, serial: str, not_after: datetime, now: datetime, *, alone: bool) -> None:
        """`alone`: those from before hold no more, as another machine takes its place. Only within a transaction."""
        if alone:
            self._revoke(unit, "replaced", now)
            self._db.execute("UPDATE unit SET revoked_at = NULL WHERE id = ?", (unit,))
        values = (serial, unit, to_text(now), to_text(not_after))
        self._db.execute("INSERT INTO certificate VALUES (?, ?, ?, ?, NULL, NULL)", values)

    def holder(self, serial: str, now: datetime) -> tuple[str | None, bool]:
        """The unit that a certificate is of, and whether it holds; None for one that was never given."""
        sql = (
            "SELECT unit, certificate.revoked_at IS NULL AND unit.revoked_at IS NULL AND not_after > ?"
            " FROM certificate JOIN unit ON unit.id = certificate.unit WHERE serial = ?"
        )
        row = self._db.execute(sql, (to_text(now), serial)).fetchone()
        return (None, False) if row is None else (str(row[0]), bool(row[1]))

    def _revoke(self, unit: str, why: str, now: datetime) -> None:
        sql = "UPDATE certificate SET revoked_at = ?, why = ? WHERE unit = ? AND revoked_at IS NULL"
        self._db.execute(sql, (to_text(now), why, unit))

    # What somebody is to look at

    def find(self, kind: str, unit: str, subject: str, detail: Mapping[str, object], now: datetime) -> None:
        """Only within a transaction. What is found again is there again, though somebody has seen it."""
        sql = (
            "INSERT INTO finding (kind, unit, subject, detail, times, first_at, last_at) VALUES (?, ?, ?, ?, 1, ?, ?)"
            " ON CONFLICT (kind, unit, subject) DO UPDATE SET detail = excluded.detail, times = times + 1,"
            " last_at = excluded.last_at, seen_at = NULL, seen_by = NULL"
        )
        said = json.dumps(detail, ensure_ascii=False, sort_keys=True)
        self._db.execute(sql, (kind, unit, subject, said, to_text(now), to_text(now)))

    def findings(self, *, seen: bool = False, limit: int = 200) -> tuple[Finding, ...]:
        """The newest first; `seen`: also those that somebody has seen."""
        sql = (
            "SELECT id, kind, unit, subject, detail, times, first_at, last_at, seen_at, seen_by FROM finding"
            " WHERE ? OR seen_at IS NULL ORDER BY last_at DESC, id DESC LIMIT ?"
        )
        return tuple(
            Finding(
                id=number, kind=kind, unit=unit, subject=subject, detail=json.loads(detail), times=times,
                first_at=from_text(first), last_at=from_text(last), seen_at=_moment(seen_at), seen_by=seen_by,
            )
            for number, kind, unit, subject, detail, times, first, last, seen_at, seen_by
            in self._db.execute(sql, (seen, limit))
        )  # fmt: skip

    def have_seen(self, finding: int, who: str, now: datetime) -> bool:
        """Only within a transaction."""
        sql = "UPDATE finding SET seen_at = ?, seen_by = ? WHERE id = ? AND seen_at IS NULL"
        return self._db.execute(sql, (to_text(now), who, finding)).rowcount > 0

    def _free(self, name: str) -> str:
        if not 1 <= len(name) <= 63 or any(ord(sign) < 32 for sign in name):
            raise UnitsError("name: expected 1 to 63 characters")
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower().translate(_PLAIN)).strip("-")[:28].strip("-")
        if not plain or plain == HUB:
            plain = "unit"
        for more in ("", *(f"-{number}" for number in range(2, 1000))):
            if self._db.execute("SELECT 1 FROM unit WHERE id = ?", (plain + more,)).fetchone() is None:
                assert _ID.fullmatch(plain + more)
                return plain + more
        raise UnitsError("name: so many units have it already")


_PLAIN = str.maketrans("åäöéü", "aaoeu")


def grouped(code: str) -> str:
    """As people read it: 123 456 78 90."""
    return f"{code[:3]} {code[3:6]} {code[6:8]} {code[8:]}"


def _range(text: str) -> tuple[str, str]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise UnitsError(f"serves: {text[:40]!r}; expected an extension, or two as 1000-1999")
    first, last = found[1], found[2] or found[1]
    if len(first) != len(last) or first > last:
        raise UnitsError(f"serves: {text[:40]!r}; expected two of one length, the lower first")
    return first, last


def _moment(text: str | None) -> datetime | None:
    return from_text(text) if text else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
