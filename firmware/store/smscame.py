"""Short messages that came, in ``journal.db``: as they came, before the modem forgets them, and what they were."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["Came", "CameRows", "Pdu", "What"]


class What(StrEnum):
    """What it was taken for."""

    COMMAND = "command"
    REPLY = "reply"  # to somebody's message, and gone on to them
    UNCLEAR = "unclear"  # from somebody known, who may have meant a command
    STRANGER = "stranger"
    UNREAD = "unread"  # no message at all; `text` says which field


@dataclass(frozen=True, slots=True)
class Pdu:
    id: int
    pdu: bytes
    came_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A text that came. `extension`: whose it is, or to whose person it is an answer; None: nobody's."""

    id: str
    sender: str
    text: str
    came_at: datetime
    what: What
    extension: str | None = None


class CameRows(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction, and on the disk when it returns. Raises
    sqlite3.Error when the disk does not take it."""

    def keep(self, modem: str, pdu: bytes, now: datetime) -> Pdu | None:
        """Before the modem may forget it. None: it came before, from the modem or once more from the centre."""
        sql = "INSERT INTO sms_pdu (modem, pdu, came_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id"

        def work() -> int | None:
            row = self._db.execute(sql, (modem, pdu, to_text(now))).fetchone()
            return int(row[0]) if row else None

        number = transact(self._db, work)
        return Pdu(number, pdu, now) if number is not None else None

    def open_pdus(self) -> tuple[Pdu, ...]:
        """Those that no text was made of yet, in order."""
        rows = self._db.execute("SELECT id, pdu, came_at FROM sms_pdu WHERE whole IS NULL ORDER BY id")
        return tuple(Pdu(number, pdu, from_text(at)) for number, pdu, at in rows)

    def handled(self, came: Came, parts: tuple[int, ...]) -> None:
        """What was made of these parts, and the platform has to hear of what is somebody's. Everything that follows
        from it has been done."""

        def work() -> None:
            sql = "INSERT INTO sms_came VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
            row = (came.id, came.sender, came.text, to_text(came.came_at), came.what.value, came.extension)
            new = self._db.execute(sql, row).rowcount > 0
            self._db.executemany("UPDATE sms_pdu SET whole = ? WHERE id = ?", ((came.id, part) for part in parts))
            if new and came.what is What.REPLY:
                body = {**asdict(came), "came_at": to_text(came.came_at), "what": came.what.value}
                outbox.add(self._db, came.came_at, "sms_reply", came.extension or "", body)

        transact(self._db, work)

    def count(self, what: What, sender: str, since: datetime) -> int:
        sql = "SELECT count(*) FROM sms_came WHERE sender = ? AND came_at > ? AND what = ?"
        return int(self._db.execute(sql, (sender, to_text(since), what.value)).fetchone()[0])

    def newest(self, limit: int) -> tuple[Came, ...]:
        sql = "SELECT id, sender, text, came_at, what, extension FROM sms_came ORDER BY came_at DESC, id LIMIT ?"
        return tuple(
            Came(id=name, sender=sender, text=text, came_at=from_text(at), what=What(what), extension=extension)
            for name, sender, text, at, what, extension in self._db.execute(sql, (limit,))
        )
