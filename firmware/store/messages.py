"""The rows of messages that callers leave, in ``journal.db``; their sound is firmware/messages.py's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["Message", "MessageRows"]

_COLUMNS = "id, extension, caller, call_id, why, left_at, length_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`extension`: for whom; `why`: the word of the plan why nobody took the call; "" for what is not known.
    `length_ms`: None until the sound is on the disk."""

    id: str
    extension: str = ""
    caller: str = ""
    call_id: str = ""
    why: str = ""
    left_at: datetime
    length_ms: int | None = None


class MessageRows(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction, and on the disk when it returns. Raises
    sqlite3.Error when the disk does not take it."""

    def begin(self, message: Message) -> None:
        """A recording has begun: of whom it is, should its end never come."""
        sql = f"INSERT INTO message ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING"  # noqa: S608  names of ours
        transact(self._db, lambda: self._db.execute(sql, _values(message)[:-1]))

    def left(self, message: Message) -> bool:
        """Its sound is on the disk: the platform has to hear of it, once. False: that was known."""
        sql = (
            f"INSERT INTO message ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  names of ours
            " ON CONFLICT (id) DO UPDATE SET length_ms = excluded.length_ms WHERE length_ms IS NULL"
        )

        def work() -> bool:
            new = self._db.execute(sql, _values(message)).rowcount > 0
            if new:
                body = {**asdict(message), "left_at": to_text(message.left_at)}
                outbox.add(self._db, message.left_at, "message", message.extension, body)
            return new

        return transact(self._db, work)

    def drop(self, name: str) -> None:
        """There is no sound of it, and nothing was ever told of it."""
        sql = "DELETE FROM message WHERE id = ? AND length_ms IS NULL"
        transact(self._db, lambda: self._db.execute(sql, (name,)))

    def all(self) -> dict[str, Message]:
        """By id, also those that are not at their end."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM message")  # noqa: S608  names of ours
        return {message.id: message for message in map(_message, rows)}

    def full(
        self, since: datetime, until: datetime, held_max: int, left_max: int
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Mailboxes in which so many lie, and numbers that have left so many between the two; what a clock that was
        wrong has dated later counts for nobody."""
        held = "SELECT extension FROM message WHERE discarded_at IS NULL GROUP BY extension HAVING count(*) >= ?"
        left = (
            "SELECT caller FROM message WHERE left_at > ? AND left_at <= ? AND caller <> ''"
            " GROUP BY caller HAVING count(*) >= ?"
        )
        return (
            frozenset(number for (number,) in self._db.execute(held, (held_max,))),
            frozenset(number for (number,) in self._db.execute(left, (to_text(since), to_text(until), left_max))),
        )

    def left_in(self, call_id: str) -> tuple[Message, ...]:
        """What was left in one call, by its record's Call-ID."""
        sql = f"SELECT {_COLUMNS} FROM message WHERE call_id = ? AND length_ms IS NOT NULL"  # noqa: S608  names of ours
        return tuple(map(_message, self._db.execute(sql, (call_id,))))


def _values(message: Message) -> tuple[object, ...]:
    known = message.id, message.extension, message.caller, message.call_id, message.why
    return (*known, to_text(message.left_at), message.length_ms)


def _message(row: tuple[str, str, str, str, str, str, int | None]) -> Message:
    name, extension, caller, call_id, why, left_at, length_ms = row
    return Message(
        id=name, extension=extension, caller=caller, call_id=call_id, why=why, left_at=from_text(left_at),
        length_ms=length_ms,
    )  # fmt: skip
