"""The rows of those who are signed in at the pages, in ``journal.db``; what a browser holds is kept as a hash alone."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["IDLE", "KEPT_IDLE", "SIGNED_IN_MAX", "SessionRow", "SessionRows"]

IDLE = timedelta(minutes=30)
"""On a browser that somebody else may use next."""
LONGEST = timedelta(hours=12)
"""The same, however busy."""
KEPT_IDLE = timedelta(days=30)
"""On a device of one's own."""
SEEN_EVERY = timedelta(minutes=5)
"""That somebody is still there is written so often: each is a write of the disk."""
SIGNED_IN_MAX = 10
"""Browsers of one extension; the one that was longest away is signed out for the next."""
COOKIE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    extension: str
    began_at: datetime
    seen_at: datetime
    kept: bool

    def ended(self, now: datetime) -> bool:
        """A clock that went back ends nothing."""
        if self.kept:
            return now - self.seen_at > KEPT_IDLE
        return now - self.seen_at > IDLE or now - self.began_at > LONGEST


class SessionRows(OfJournal):
    """Belongs to the thread that opened it. Raises sqlite3.Error where the disk does not take it."""

    def begin(self, extension: str, kept: bool, now: datetime) -> str:
        """What the browser is to hold."""
        cookie = secrets.token_urlsafe(COOKIE_BYTES)

        def work() -> None:
            for name, row in self._of(extension).items():
                if row.ended(now):
                    self._db.execute("DELETE FROM session WHERE hash = ?", (name,))
            sql = (
                "DELETE FROM session WHERE hash IN"
                " (SELECT hash FROM session WHERE extension = ? ORDER BY seen_at DESC LIMIT -1 OFFSET ?)"
            )
            self._db.execute(sql, (extension, SIGNED_IN_MAX - 1))
            values = (_hash(cookie), extension, to_text(now), to_text(now), kept)
            self._db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", values)

        transact(self._db, work)
        return cookie

    def of(self, cookie: str, now: datetime) -> SessionRow | None:
        """Whose session that is, while it lasts."""
        found = self._db.execute(_OF_COOKIE, (_hash(cookie),)).fetchone()
        row = _row(found) if found else None
        if row is None or row.ended(now):
            return None
        if now - row.seen_at >= SEEN_EVERY:
            seen = (to_text(now), _hash(cookie))
            transact(self._db, lambda: self._db.execute("UPDATE session SET seen_at = ? WHERE hash = ?", seen))
        return row

    def end(self, cookie: str) -> None:
        transact(self._db, lambda: self._db.execute("DELETE FROM session WHERE hash = ?", (_hash(cookie),)))

    def end_all(self, extension: str, but: str = "") -> int:
        """Of an extension, but the one of this browser; how many there were."""
        sql = "DELETE FROM session WHERE extension = ? AND hash <> ?"
        return transact(self._db, lambda: self._db.execute(sql, (extension, _hash(but))).rowcount)

    def _of(self, extension: str) -> dict[str, SessionRow]:
        sql = "SELECT hash, extension, began_at, seen_at, kept FROM session WHERE extension = ?"
        return {str(name): _row(rest) for name, *rest in self._db.execute(sql, (extension,))}


_OF_COOKIE = (
    "SELECT extension, began_at, seen_at, kept FROM session WHERE hash = ? AND NOT EXISTS"
    " (SELECT 1 FROM block_set WHERE block_set.extension = session.extension AND since >= began_at)"
)
"""A block ends what began before it, wherever it was set, and however soon it is lifted: who has the browser need not
have the telephone that was found."""


def _row(row: list[object] | tuple[object, ...]) -> SessionRow:
    extension, began_at, seen_at, kept = row
    return SessionRow(
        extension=str(extension), began_at=from_text(str(began_at)), seen_at=from_text(str(seen_at)), kept=bool(kept)
    )


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
