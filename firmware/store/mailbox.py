"""Mailboxes as whom they belong to meets them: what waits, what was heard, kept and put away, their greetings and how
they are to be; in ``journal.db``.

Every question names the mailbox as well as the message: whoever has one cannot ask for what lies in another's. What is
discarded is out of the mailbox, and no more: when its row and sound go says the archive's table (retention.py, E4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["Greeting", "GreetingKind", "Held", "MailKind", "Mailbox", "Settings", "Waiting"]

HELD_MAX = 1_000
"""Messages of one mailbox that are shown, the newest."""
_HELD_AT_ALL = "extension <> '' AND length_ms IS NOT NULL AND discarded_at IS NULL"
_HELD = "extension = ? AND length_ms IS NOT NULL AND discarded_at IS NULL"
_COLUMNS = "id, extension, caller, why, left_at, length_ms, heard_at, kept_at"
_GREETING = "extension, kind, id, length_ms, until, set_at, set_by"


class MailKind(StrEnum):
    """What is mailed when a message was left; never more than the site sends."""

    SITE = "site"  # as the site does
    NO = "no"
    NOTICE = "notice"
    SOUND = "sound"


class GreetingKind(StrEnum):
    PERSONAL = "personal"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message that lies in a mailbox. `caller`: "" where no number was shown; `why`: the word of the plan why nobody
    took the call."""

    id: str
    extension: str
    caller: str
    why: str
    left_at: datetime
    length_ms: int
    heard_at: datetime | None = None
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many have not been heard, and how many have (RFC 3842 §5.2)."""

    new: int = 0
    old: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """`until`: of a temporary one, which may have none."""

    extension: str
    kind: GreetingKind
    id: str
    length_ms: int
    until: datetime | None = None
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`takes_messages`: else callers only hear its greeting (C6)."""

    takes_messages: bool = True
    mail: MailKind = MailKind.SITE


class Mailbox(OfJournal):
    """Belongs to the thread that opened it. Every change is one transaction, and on the disk when it returns; False:
    there is no such message in that mailbox, or it was so already. `by`: an extension, or who changed it for it. Raises
    sqlite3.Error when the disk does not take it."""

    # ---- messages

    def of(self, extension: str) -> tuple[Held, ...]:
        """All that lie in it, the newest first."""
        sql = f"SELECT {_COLUMNS} FROM message WHERE {_HELD} ORDER BY left_at DESC, id DESC LIMIT ?"  # noqa: S608
        return tuple(map(_held, self._db.execute(sql, (extension, HELD_MAX))))

    def one(self, extension: str, name: str) -> Held | None:
        """A message, where it lies in this mailbox."""
        sql = f"SELECT {_COLUMNS} FROM message WHERE {_HELD} AND id = ?"  # noqa: S608  names of ours
        return next(map(_held, self._db.execute(sql, (extension, name))), None)

    def waiting(self, extension: str) -> Waiting:
        sql = f"SELECT count(*) FILTER (WHERE heard_at IS NULL), count(heard_at) FROM message WHERE {_HELD}"  # noqa: S608
        return Waiting(*self._db.execute(sql, (extension,)).fetchone())

    def version(self) -> int:
        """Another one whenever somebody else has written, whatever it was."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def unheard(self, extension: str) -> datetime | None:
        """Since when a message has been lying in it that nobody has heard."""
        sql = f"SELECT min(left_at) FROM message WHERE {_HELD} AND heard_at IS NULL"  # noqa: S608  names of ours
        (at,) = self._db.execute(sql, (extension,)).fetchone()
        return None if at is None else from_text(at)

    def all_waiting(self) -> Mapping[str, Waiting]:
        """Of each mailbox for which there is any message, discarded ones too: nothing waits there, which its lamp may
        not know yet."""
        sql = (
            "SELECT extension, count(*) FILTER (WHERE discarded_at IS NULL AND heard_at IS NULL),"
            " count(heard_at) FILTER (WHERE discarded_at IS NULL) FROM message"
            " WHERE extension <> '' AND length_ms IS NOT NULL GROUP BY extension ORDER BY extension"
        )
        return {extension: Waiting(new, old) for extension, new, old in self._db.execute(sql)}

    def unheard_since(self, moment: datetime) -> Mapping[str, datetime]:
        """Mailboxes in which a message that was left at `moment` or earlier has not been heard, and since when."""
        sql = (
            f"SELECT extension, min(left_at) FROM message WHERE {_HELD_AT_ALL} AND heard_at IS NULL AND left_at <= ?"  # noqa: S608
            " GROUP BY extension ORDER BY extension"
        )
        return {extension: from_text(at) for extension, at in self._db.execute(sql, (to_text(moment),))}

    def unheard_of_all(self, since: datetime, limit: int) -> tuple[Held, ...]:
        """Of all mailboxes, what was left later and nobody has heard, the newest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM message WHERE {_HELD_AT_ALL} AND heard_at IS NULL AND left_at > ?"  # noqa: S608
            " ORDER BY left_at DESC, id LIMIT ?"
        )
        return tuple(map(_held, self._db.execute(sql, (to_text(since), limit))))

    def heard(self, extension: str, name: str, by: str, now: datetime) -> bool:
        """It was listened to."""
        return self._mark("heard_at", extension, name, by, now)

    def keep(self, extension: str, name: str, by: str, now: datetime) -> bool:
        """It is to be kept."""
        return self._mark("kept_at", extension, name, by, now)

    def discard(self, extension: str, name: str, by: str, now: datetime) -> bool:
        """It is no more in the mailbox; as somebody has decided about it, it counts as heard."""
        return self._mark("discarded_at", extension, name, by, now)

    def restore(self, extension: str, name: str, by: str, now: datetime) -> bool:
        """One that was discarded lies in the mailbox again."""

        def work() -> bool:
            sql = "UPDATE message SET discarded_at = NULL WHERE extension = ? AND id = ? AND discarded_at IS NOT NULL"
            changed = self._db.execute(sql, (extension, name)).rowcount > 0
            if changed:
                self._tell(now, extension, {"id": name, "discarded_at": None, "set_by": by})
            return changed

        return transact(self._db, work)

    # ---- greetings

    def greetings(self, extension: str) -> tuple[Greeting, ...]:
        """All that there are, also temporary ones whose time is over."""
        sql = f"SELECT {_GREETING} FROM greeting WHERE extension = ? ORDER BY kind"  # noqa: S608  names of ours
        return tuple(map(_greeting, self._db.execute(sql, (extension,))))

    def greeting(self, extension: str, now: datetime) -> Greeting | None:
        """The one that callers hear now."""
        in_force = [each for each in self.greetings(extension) if each.until is None or now < each.until]
        return max(in_force, key=lambda each: each.kind is GreetingKind.TEMPORARY, default=None)

    def all_greetings(self) -> frozenset[str]:
        """The ids of all."""
        return frozenset(name for (name,) in self._db.execute("SELECT id FROM greeting"))

    def greet(self, greeting: Greeting) -> str | None:
        """Its sound is on the disk: it is used from now on. The id of the one in whose place it comes, whose sound may
        go."""

        def work() -> str | None:
            old = self._old(greeting.extension, greeting.kind)
            until = to_text(greeting.until) if greeting.until else None
            sql = f"INSERT OR REPLACE INTO greeting ({_GREETING}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
            self._db.execute(
                sql,
                (
                    greeting.extension, greeting.kind, greeting.id, greeting.length_ms, until, to_text(greeting.set_at),
                    greeting.set_by,
                ),
            )  # fmt: skip
            body = {"kind": greeting.kind, "id": greeting.id, "until": until, "set_by": greeting.set_by}
            outbox.add(self._db, greeting.set_at, "greeting", greeting.extension, body)
            return old

        return transact(self._db, work)

    def end_greeting(self, extension: str, kind: GreetingKind, by: str, now: datetime) -> str | None:
        """The id of the one that was taken away, whose sound may go; None: there was none."""

        def work() -> str | None:
            old = self._old(extension, kind)
            if old is not None:
                self._db.execute("DELETE FROM greeting WHERE extension = ? AND kind = ?", (extension, kind))
                body = {"kind": kind, "id": old, "ended": True, "set_by": by}
                outbox.add(self._db, now, "greeting", extension, body)
            return old

        return transact(self._db, work)

    def _old(self, extension: str, kind: GreetingKind) -> str | None:
        sql = "SELECT id FROM greeting WHERE extension = ? AND kind = ?"
        row = self._db.execute(sql, (extension, kind)).fetchone()
        return None if row is None else str(row[0])

    # ---- how it is to be

    def settings(self, extension: str) -> Settings:
        sql = "SELECT takes_messages, mail FROM mailbox WHERE extension = ?"
        row = self._db.execute(sql, (extension,)).fetchone()
        return Settings() if row is None else Settings(takes_messages=bool(row[0]), mail=MailKind(row[1]))

    def set(self, extension: str, settings: Settings, by: str, now: datetime) -> bool:
        """False: it was so already."""

        def work() -> bool:
            if self.settings(extension) == settings:
                return False
            row = (extension, int(settings.takes_messages), settings.mail, to_text(now), by)
            self._db.execute("INSERT OR REPLACE INTO mailbox VALUES (?, ?, ?, ?, ?)", row)
            body = {"takes_messages": settings.takes_messages, "mail": settings.mail, "set_by": by}
            outbox.add(self._db, now, "mailbox", extension, body)
            return True

        return transact(self._db, work)

    # ----

    def _mark(self, column: str, extension: str, name: str, by: str, now: datetime) -> bool:
        also = ", heard_at = coalesce(heard_at, ?1)" if column != "heard_at" else ""
        sql = (
            f"UPDATE message SET {column} = ?1{also}"  # noqa: S608  names of ours
            f" WHERE id = ?2 AND {_HELD.replace('?', '?3', 1)} AND {column} IS NULL"
        )

        def work() -> bool:
            changed = self._db.execute(sql, (to_text(now), name, extension)).rowcount > 0
            if changed:
                self._tell(now, extension, {"id": name, column: to_text(now), "set_by": by})
            return changed

        return transact(self._db, work)

    def _tell(self, now: datetime, extension: str, body: Mapping[str, object]) -> None:
        outbox.add(self._db, now, "message_state", extension, body)


def _held(row: tuple[str, str, str, str, str, int, str | None, str | None]) -> Held:
    name, extension, caller, why, left_at, length_ms, heard_at, kept_at = row
    return Held(
        id=name, extension=extension, caller=caller, why=why, left_at=from_text(left_at), length_ms=length_ms,
        heard_at=from_text(heard_at) if heard_at else None, kept_at=from_text(kept_at) if kept_at else None,
    )  # fmt: skip


def _greeting(row: tuple[Any, ...]) -> Greeting:
    extension, kind, name, length_ms, until, set_at, set_by = row
    return Greeting(
        extension=extension, kind=GreetingKind(kind), id=name, length_ms=length_ms,
        until=from_text(until) if until else None, set_at=from_text(set_at), set_by=set_by,
    )  # fmt: skip
