"""The rows of PINs and of guesses at them: those of ``directory.db``, and over them what was changed here."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from callcontrol.plan.pins import COUNTED, Guess, Pin, allows, heeded, is_full
from firmware.store import outbox
from firmware.store.database import connect, from_text, to_text, transact

__all__ = ["Begun", "PinRows", "changed_pins"]


_OF_WRONG_CLOCK = "UPDATE pin_guess SET at = ?1 WHERE at > ?1"
"""Guesses of a time that is not yet: they count from now on, and not for years."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A guess that is counted, if `heeded`: only then it may be right. `id` None: what came above is not even kept."""

    id: int | None
    heeded: bool


class PinRows:
    """Belongs to the thread that opened it. Raises StoreError and sqlite3.Error."""

    def __init__(self, directory: sqlite3.Connection, journal: sqlite3.Connection) -> None:
        self._directory = directory
        self._journal = journal

    @classmethod
    def open(cls, directory: Path, journal: Path) -> Self:
        opened = connect(directory, "directory")
        try:
            return cls(opened, connect(journal, "journal"))
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        self._directory.close()
        self._journal.close()

    def pin(self, extension: str) -> Pin | None:
        """None where it has none, or is blocked, or nobody's. A row that cannot be one is none."""
        if self._journal.execute("SELECT 1 FROM block WHERE extension = ?", (extension,)).fetchone():
            return None
        if not self._directory.execute("SELECT 1 FROM extension WHERE number = ?", (extension,)).fetchone():
            return None
        row = self._journal.execute("SELECT hash FROM pin_change WHERE extension = ?", (extension,)).fetchone()
        row = row or self._directory.execute("SELECT hash FROM pin WHERE extension = ?", (extension,)).fetchone()
        try:
            return Pin(*row) if row else None
        except ValueError:
            return None

    def change(self, extension: str, pin: Pin, set_by: str, now: datetime) -> None:
        """From now on it is that one; the platform hears that it was changed, and to what it was made."""
        row = (extension, pin.hash, to_text(now), set_by)

        def work() -> None:
            self._journal.execute("INSERT OR REPLACE INTO pin_change VALUES (?, ?, ?, ?)", row)
            self._journal.execute("DELETE FROM session WHERE extension = ?", (extension,))
            body = {"hash": pin.hash, "set_at": to_text(now), "set_by": set_by}
            outbox.add(self._journal, now, "pin", extension, body, ("pin_change", extension))

        transact(self._journal, work)

    def remove(self, extension: str, set_by: str, now: datetime) -> bool:
        """From now on it has none; False when there was none. `directory.db` is unit's to write, and commands'."""
        sql = "DELETE FROM pin WHERE extension = ?"
        given = transact(self._directory, lambda: self._directory.execute(sql, (extension,)).rowcount > 0)

        def work() -> bool:
            sql = "DELETE FROM pin_change WHERE extension = ?"
            had = self._journal.execute(sql, (extension,)).rowcount > 0 or given
            if had:
                self._journal.execute("DELETE FROM session WHERE extension = ?", (extension,))
                body = {"hash": None, "set_at": to_text(now), "set_by": set_by}
                outbox.add(self._journal, now, "pin", extension, body, ("pin_change", extension))
            return had

        return transact(self._journal, work)

    def begin(self, caller: str, extension: str, now: datetime) -> Begun:
        """One more, wrong until it is `right`."""

        def work() -> Begun:
            self._journal.execute("DELETE FROM pin_guess WHERE at <= ?", (to_text(now - COUNTED),))
            self._journal.execute(_OF_WRONG_CLOCK, (to_text(now),))
            known = self._guesses()
            may = heeded(known, caller, extension, now)
            if not allows(known, caller, now):
                return Begun(None, False)
            sql = "INSERT INTO pin_guess (at, caller, extension) VALUES (?, ?, ?)"
            return Begun(self._journal.execute(sql, (to_text(now), caller, extension)).lastrowid, may)

        return transact(self._journal, work)

    def right(self, begun: Begun) -> None:
        """It does not count."""
        transact(self._journal, lambda: self._journal.execute("DELETE FROM pin_guess WHERE id = ?", (begun.id,)))

    def allows(self, caller: str, now: datetime) -> bool:
        if self._journal.execute("SELECT 1 FROM pin_guess WHERE at > ?", (to_text(now),)).fetchone():
            transact(self._journal, lambda: self._journal.execute(_OF_WRONG_CLOCK, (to_text(now),)))
        return allows(self._guesses(), caller, now)

    def is_full(self, caller: str, extension: str, now: datetime) -> bool:
        return is_full(self._guesses(), caller, extension, now)

    def _guesses(self) -> list[Guess]:
        rows = self._journal.execute("SELECT at, caller, extension FROM pin_guess")
        return [Guess(from_text(at), caller, extension) for at, caller, extension in rows]


def changed_pins(journal: sqlite3.Connection) -> dict[str, Pin]:
    """Those that were changed here, by extension."""
    return {extension: Pin(made) for extension, made in journal.execute("SELECT extension, hash FROM pin_change")}
