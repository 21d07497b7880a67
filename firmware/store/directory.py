"""``directory.db``: what the platform or a kept import file can give again. ``unit`` alone writes it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Self

from callcontrol.plan.pins import Pin
from firmware.store.database import connect, transact

__all__ = ["LEARNT", "MODES", "Credential", "Directory"]

MODES = {
    1: "HA1 exported by the platform",
    2: "the unit provisions the phone and knows its secret",
    3: "own credential between phone and unit",
    4: "learnt: a binding that the platform accepted, no secret",
}
LEARNT = 4

_FORMS = {
    "extension": (re.compile(r"[0-9A-Za-z*#+._-]{1,32}"), "1 to 32 digits, letters or * # + . _ -"),
    "user": (re.compile(r"[0-9A-Za-z*#+._@~-]{1,64}"), "1 to 64 digits, letters or * # + . _ @ ~ -"),
    "realm": (re.compile(r"[0-9A-Za-z._@ -]{1,255}"), "1 to 255 letters, digits, spaces or . _ @ -"),
    "ha1_md5": (re.compile(r"[0-9a-f]{32}"), "32 hexadecimal digits, lower case"),
    "ha1_sha256": (re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits, lower case"),
}
"""What goes on to the edge's tables, where a colon or a quotation mark would mean something else."""


@dataclass(frozen=True, slots=True)
class Credential:
    """By what an extension may register in survival. A ValueError names the field that cannot be so.

    ``mode`` is one of MODES; all but LEARNT have at least one hash. ``changed_at`` is ISO 8601 in UTC.
    """

    extension: str
    mode: int
    ha1_md5: str | None = field(repr=False)
    ha1_sha256: str | None = field(repr=False)
    realm: str
    user: str
    changed_at: str

    def __post_init__(self) -> None:
        for name, (form, expected) in _FORMS.items():
            value = getattr(self, name)
            if value is None and name.startswith("ha1"):
                continue
            if not form.fullmatch(value):
                shown = "" if name.startswith("ha1") else f" {value[:40]!r}"
                raise ValueError(f"{name}{shown}: expected {expected}")
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode}: expected 1 to 4")
        if (self.mode == LEARNT) != (self.ha1_md5 is None and self.ha1_sha256 is None):
            raise ValueError("a learnt credential (mode 4) has no hash, any other has at least one")


_COLUMNS = ", ".join(column.name for column in fields(Credential))
_TABLES = ("credential", "pin")
_PLACES = ", ".join("?" for _ in fields(Credential))


class Directory:
    """The open file. Belongs to the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file; raises StoreError."""
        return cls(connect(path, "directory"))

    def close(self) -> None:
        self._db.close()

    def version(self) -> int:
        """Give a number that is another one after each write by anybody else (SQLite, PRAGMA data_version)."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def credentials(self) -> tuple[Credential, ...]:
        """Give all credentials, by extension."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM credential ORDER BY extension")  # noqa: S608  names of ours
        return tuple(Credential(*row) for row in rows)

    def extensions(self) -> tuple[str, ...]:
        """All that the directory of people has."""
        return tuple(number for (number,) in self._db.execute("SELECT number FROM extension ORDER BY number"))

    def put_credential(self, credential: Credential) -> None:
        self.put_credentials((credential,))

    def put_credentials(self, credentials: Iterable[Credential]) -> None:
        """Add or replace, by extension: all of them or, on an exception, none."""
        rows = [astuple(credential) for credential in credentials]
        sql = f"INSERT OR REPLACE INTO credential ({_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608  names of ours
        transact(self._db, lambda: self._db.executemany(sql, rows))

    def remove(self, extension: str) -> bool:
        """Remove an extension's credential, and its PIN; False when there was none of either."""

        def work() -> bool:
            gone = [self._db.execute(f"DELETE FROM {table} WHERE extension = ?", (extension,)) for table in _TABLES]  # noqa: S608
            return any(each.rowcount > 0 for each in gone)

        return transact(self._db, work)

    def pins(self) -> dict[str, Pin]:
        """By extension."""
        return {extension: Pin(made) for extension, made in self._db.execute("SELECT extension, hash FROM pin")}

    def put_pins(self, pins: Mapping[str, Pin]) -> None:
        """Add or replace, by extension. Raises ValueError for what can be no extension."""
        for extension in pins:
            if not _FORMS["extension"][0].fullmatch(extension):
                raise ValueError(f"extension {extension[:40]!r}: expected {_FORMS['extension'][1]}")
        rows = [(extension, pin.hash) for extension, pin in pins.items()]
        sql = "INSERT OR REPLACE INTO pin (extension, hash) VALUES (?, ?)"
        transact(self._db, lambda: self._db.executemany(sql, rows))
