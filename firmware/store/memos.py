"""Messages to people, in ``journal.db``: each is kept until it is handled, and every step is told to the platform."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from callcontrol.plan.memo import Happened, Memo, State, Wants, following
from firmware.mail.policy import one_line
from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["OPEN_MAX", "TEXT_MAX", "MemoRows", "checked_memo", "mail_name", "of_mail", "sent_in", "take_in"]

TEXT_MAX, NAME_MAX, CALLER_MAX = 2_000, 100, 40
OPEN_MAX = 2_000
"""Messages to one extension that nobody has handled; above it none is taken."""

_COLUMNS = (
    "id, extension, caller, caller_name, text, wants, urgent, call_id, taken_by, taken_at, state, sent_by, sent_at,"
    " read_at, handled_at, handled_by"
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def checked_memo(memo: Memo) -> Memo:
    """As it is kept. Raises ValueError, which names the field."""
    for field, text, most in (("caller", memo.caller, CALLER_MAX), ("caller_name", memo.caller_name, NAME_MAX)):
        if text != one_line(text, most):
            raise ValueError(f"{field}: {text[:60]!r} is not one line of at most {most} characters")
    if not memo.extension.isascii() or not memo.extension.isdigit():
        raise ValueError(f"extension: {memo.extension[:20]!r} is none")
    if len(memo.text) > TEXT_MAX or _CONTROL.search(memo.text):
        raise ValueError(f"text: more than {TEXT_MAX} characters, or control characters among them")
    if not (memo.text.strip() or memo.caller or memo.caller_name):
        raise ValueError("text: empty, and nobody to call back")
    if not memo.id or not memo.taken_by:
        raise ValueError("id, taken_by: empty")
    return memo


def mail_name(memo: str, to: str) -> str:
    """The name of the mail that tells somebody of it."""
    return f"memo-{memo} {to}"


def of_mail(name: str) -> str:
    """The message that a mail tells of."""
    return name.partition(" ")[0].removeprefix("memo-")


def take_in(db: sqlite3.Connection, memo: Memo) -> bool:
    """Keep one, within a transaction. False: it is known. Raises OverflowError where there are too many."""
    checked_memo(memo)
    sql = "SELECT count(*) FROM memo WHERE extension = ? AND state <> 'handled'"
    if db.execute(sql, (memo.extension,)).fetchone()[0] >= OPEN_MAX:
        raise OverflowError(f"{OPEN_MAX} messages to {memo.extension} are not handled")
    row = (
        memo.id, memo.extension, memo.caller, memo.caller_name, memo.text, memo.wants.value, int(memo.urgent),
        memo.call_id, memo.taken_by, to_text(memo.taken_at),
    )  # fmt: skip
    sql = (
        f"INSERT INTO memo ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'taken', '', NULL, NULL, NULL, '')"  # noqa: S608
        " ON CONFLICT (id) DO NOTHING"
    )
    new = db.execute(sql, row).rowcount > 0
    if new:
        known = {name: value for name, value in asdict(memo).items() if value not in (None, "")}
        body = {**known, "wants": memo.wants.value, "state": "taken", "taken_at": to_text(memo.taken_at)}
        outbox.add(db, memo.taken_at, "memo", memo.extension, body)
    return new


def sent_in(db: sqlite3.Connection, name: str, way: str, now: datetime) -> bool:
    """They were told of it, by mail or SMS; within a transaction."""
    return _step(db, name, Happened.SENT, {"sent_by": way, "sent_at": to_text(now)}, now)


class MemoRows(OfJournal):
    """Belongs to the thread that opened it. Every method that writes is one transaction, on the disk when it returns.
    Raises sqlite3.Error when the disk does not take it."""

    def take(self, memo: Memo) -> bool:
        """Keep one; False: it is known. Raises ValueError, which names the field, and OverflowError."""
        return transact(self._db, lambda: take_in(self._db, memo))

    def sent(self, name: str, way: str, now: datetime) -> bool:
        """They were told of it. False: nothing came of it, as they know."""
        return transact(self._db, lambda: sent_in(self._db, name, way, now))

    def read(self, name: str, now: datetime) -> bool:
        """They have seen it. False: they had."""
        row = self._db.execute("SELECT state FROM memo WHERE id = ?", (name,)).fetchone()
        if row is None or following(State(row[0]), Happened.READ) is None:
            return False  # asked for each that a page shows: no lock is taken for nothing
        return transact(self._db, lambda: _step(self._db, name, Happened.READ, {"read_at": to_text(now)}, now))

    def handled(self, name: str, by: str, now: datetime) -> bool:
        """Whoever left it was contacted, or needs not be. False: it was handled, or there is none."""
        row = {"handled_at": to_text(now), "handled_by": by}
        return transact(self._db, lambda: _step(self._db, name, Happened.HANDLED, row, now))

    def find(self, name: str) -> Memo | None:
        row = self._db.execute(f"SELECT {_COLUMNS} FROM memo WHERE id = ?", (name,)).fetchone()  # noqa: S608  ours
        return _memo(row) if row else None

    def of(self, extensions: Iterable[str], limit: int, *, handled: bool = False) -> tuple[Memo, ...]:
        """Those to extensions, the newest first; with those handled, or without."""
        known = tuple(extensions)
        places = ", ".join("?" for _ in known)
        sql = (
            f"SELECT {_COLUMNS} FROM memo WHERE extension IN ({places}){'' if handled else _OPEN}"  # noqa: S608  ours
            " ORDER BY taken_at DESC, id LIMIT ?"
        )
        return tuple(map(_memo, self._db.execute(sql, (*known, limit))))

    def taken(self, limit: int) -> tuple[Memo, ...]:
        """Those of which nobody was told yet, the oldest first."""
        sql = f"SELECT {_COLUMNS} FROM memo WHERE state = 'taken' ORDER BY taken_at, id LIMIT ?"  # noqa: S608  ours
        return tuple(map(_memo, self._db.execute(sql, (limit,))))

    def not_told(self, limit: int) -> tuple[Memo, ...]:
        """Those whose mail could not be sent, and of which they know in no other way."""
        sql = (
            f"SELECT {_COLUMNS} FROM memo WHERE memo.state = 'taken' AND EXISTS (SELECT 1 FROM mail"  # noqa: S608  ours
            " WHERE mail.id > 'memo-' || memo.id || ' ' AND mail.id < 'memo-' || memo.id || '!'"
            " AND mail.state IN ('failed', 'unknown')) ORDER BY taken_at, id LIMIT ?"
        )
        return tuple(map(_memo, self._db.execute(sql, (limit,))))

    def not_handled(self, limit: int) -> tuple[Memo, ...]:
        """Everybody's that are not handled, the oldest first."""
        sql = f"SELECT {_COLUMNS} FROM memo WHERE state <> 'handled' ORDER BY taken_at, id LIMIT ?"  # noqa: S608  ours
        return tuple(map(_memo, self._db.execute(sql, (limit,))))


_OPEN = " AND state <> 'handled'"


def _step(db: sqlite3.Connection, name: str, happened: Happened, fields: dict[str, str], now: datetime) -> bool:
    row = db.execute("SELECT state, extension FROM memo WHERE id = ?", (name,)).fetchone()
    state = following(State(row[0]), happened) if row else None
    if state is None:
        return False
    changed = {"state": state.value, **fields}
    names = ", ".join(f"{field} = ?" for field in changed)
    db.execute(f"UPDATE memo SET {names} WHERE id = ?", (*changed.values(), name))  # noqa: S608  names of ours
    outbox.add(db, now, "memo", row[1], {"id": name, **changed})
    return True


def _memo(row: tuple[Any, ...]) -> Memo:
    name, extension, caller, caller_name, text, wants, urgent, call_id, taken_by, taken_at, state, *rest = row
    sent_by, sent_at, read_at, handled_at, handled_by = rest
    return Memo(
        id=name, extension=extension, caller=caller, caller_name=caller_name, text=text, wants=Wants(wants),
        urgent=bool(urgent), call_id=call_id, taken_by=taken_by, taken_at=from_text(taken_at), state=State(state),
        sent_by=sent_by, sent_at=_moment(sent_at), read_at=_moment(read_at), handled_at=_moment(handled_at),
        handled_by=handled_by,
    )  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    return from_text(text) if text else None
