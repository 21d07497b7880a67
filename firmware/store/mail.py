"""The queue of mail to be sent, in ``journal.db``, and what became of each.

That the server is given one is on the disk before it is (`take`), what it answered after (`ended`). A process that
begins finds what lies between the two, and calls it doubtful (`crashed`). What follows from what is
`firmware.mail.policy`'s.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from firmware.mail.policy import (
    AGAIN_AFTER_DOUBT,
    DOUBTS_MAX,
    ENDED,
    RULES,
    Happened,
    Kind,
    State,
    address,
    back_off,
    following,
    one_line,
)
from firmware.store import memos, outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["QUEUE_MAX", "SUBJECT_MAX", "Due", "Mail", "MailRows", "MailTry", "Queued", "ServerFault", "queue_in"]

QUEUE_MAX = 5_000
"""Mails that may wait; an alarm is taken above it."""
ID_MAX, SUBJECT_MAX, TEXT_MAX, ANSWER_MAX = 300, 200, 20_000, 300
RECIPIENT_HOUR_MAX = 30
"""Mails to one address in an hour; what is more waits, but alarms and tests."""
HOUR = timedelta(hours=1)

_COLUMNS = (
    "id, kind, recipient, reply_to, subject, text, attachment, set_by, queued_at, message_id, valid_until, state,"
    " due_at, tries, doubts, why, ended_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """To be sent. `id` says what it is of and to whom ("voicemail-7f3a anna@norrby.se"): one that is known is not taken
    again. `attachment`: the path of a file under state_dir, "" for none; it is read when the mail goes. `reply_to`: an
    address, "" for none. Raises ValueError, which names the field."""

    id: str
    kind: Kind
    to: str
    subject: str
    text: str
    set_by: str
    queued_at: datetime
    attachment: str = ""
    reply_to: str = ""

    def __post_init__(self) -> None:
        address(self.to, "to")
        if self.reply_to:
            address(self.reply_to, "reply_to")
        for field, text, most in (("id", self.id, ID_MAX), ("subject", self.subject, SUBJECT_MAX)):
            if not text or text != one_line(text, most):
                raise ValueError(f"{field}: {text[:60]!r} is not one line of at most {most} characters")
        if len(self.text) > TEXT_MAX or "\0" in self.text:
            raise ValueError(f"text: more than {TEXT_MAX} characters, or a zero among them")
        path = PurePosixPath(self.attachment)
        if self.attachment and (path.is_absolute() or ".." in path.parts or "\0" in self.attachment):
            raise ValueError(f"attachment: {self.attachment[:60]!r} is not under state_dir")


@dataclass(frozen=True, slots=True)
class Queued:
    """One as it stands. `message_id`: the part of it before the @."""

    mail: Mail
    message_id: str
    valid_until: datetime
    state: State
    due_at: datetime
    tries: int
    doubts: int
    why: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """One that is to be sent now. `attempt`: of this try."""

    attempt: int
    mail: Mail
    message_id: str
    tries: int


@dataclass(frozen=True, slots=True)
class MailTry:
    """`outcome`: of `Happened`, or "sending"."""

    began_at: datetime
    ended_at: datetime | None
    outcome: str
    answer: str


@dataclass(frozen=True, slots=True)
class ServerFault:
    """The server cannot be used since, and why, as of `last_at`."""

    since: datetime
    last_at: datetime
    why: str


def queue_in(db: sqlite3.Connection, mail: Mail) -> bool:
    """Take one in, within the transaction that writes what it tells of. False: it is known. Raises OverflowError, and
    has written nothing, where the queue has no room."""
    if mail.kind is not Kind.ALARM and _waiting(db) >= QUEUE_MAX:
        raise OverflowError(f"{QUEUE_MAX} mails wait to be sent")
    rule, at = RULES[mail.kind], to_text(mail.queued_at)
    row = (
        mail.id, mail.kind.value, rule.priority, mail.to, mail.reply_to, mail.subject, mail.text, mail.attachment,
        secrets.token_hex(16), mail.set_by, at, to_text(mail.queued_at + rule.valid), at,
    )  # fmt: skip
    sql = (
        "INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, 0, 0, '', NULL)"
        " ON CONFLICT (id) DO NOTHING"
    )
    return db.execute(sql, row).rowcount > 0


class MailRows(OfJournal):
    """Belongs to the thread that opened it. Every method that writes is one transaction, on the disk when it returns.
    Raises sqlite3.Error when the disk does not take it."""

    def queue(self, *mails: Mail) -> int:
        """Take them in, all or none; how many are new. Raises OverflowError where the queue has no room."""
        return transact(self._db, lambda: sum([queue_in(self._db, mail) for mail in mails]))

    def take(self, now: datetime) -> Due | None:
        """The one that is to be sent first, given to the server from now on. None: there is nothing to send."""
        sql = (
            f"SELECT {_COLUMNS} FROM mail WHERE state = 'waiting' AND due_at <= ?1 AND valid_until > ?1"  # noqa: S608  ours
            " AND (kind IN ('alarm', 'test') OR (SELECT count(*) FROM mail AS other WHERE other.recipient ="
            " mail.recipient AND other.ended_at > ?2 AND other.state = 'sent') < ?3)"
            " ORDER BY priority, queued_at, id LIMIT 1"
        )
        values = (to_text(now), to_text(now - HOUR), RECIPIENT_HOUR_MAX)

        def work() -> Due | None:
            if (row := self._db.execute(sql, values).fetchone()) is None:
                return None
            one = _queued(row)
            self._step(one, Happened.BEGUN, now)
            self._db.execute("UPDATE mail SET tries = tries + 1 WHERE id = ?", (one.mail.id,))
            put = "INSERT INTO mail_try (mail, began_at, outcome, answer) VALUES (?, ?, 'sending', '') RETURNING id"
            attempt = int(self._db.execute(put, (one.mail.id, to_text(now))).fetchone()[0])
            return Due(attempt, one.mail, one.message_id, one.tries + 1)

        if self._db.execute(sql, values).fetchone() is None:
            return None  # asked each second: no lock is taken for nothing
        return transact(self._db, work)

    def ended(self, attempt: int, happened: Happened, answer: str, now: datetime) -> State:
        """What the server has answered to a try; what the mail is now."""

        def work() -> State:
            (name,) = self._db.execute("SELECT mail FROM mail_try WHERE id = ?", (attempt,)).fetchone()
            one, said = self._one(name), one_line(answer, ANSWER_MAX)
            if happened is Happened.UNREACHED:
                # The mail was not judged: it has not been tried.
                self._db.execute("DELETE FROM mail_try WHERE id = ?", (attempt,))
                self._db.execute("UPDATE mail SET tries = tries - 1 WHERE id = ?", (name,))
                put = (
                    "INSERT INTO mail_server VALUES (1, ?1, ?1, ?2)"
                    " ON CONFLICT (id) DO UPDATE SET last_at = ?1, why = ?2"
                )
                self._db.execute(put, (to_text(now), said))
            else:
                sql = "UPDATE mail_try SET outcome = ?, ended_at = ?, answer = ? WHERE id = ?"
                self._db.execute(sql, (happened.value, to_text(now), said, attempt))
                if happened is not Happened.DOUBTFUL:
                    self._db.execute("DELETE FROM mail_server")
            return self._step(one, happened, now, said)

        return transact(self._db, work)

    def crashed(self, now: datetime) -> int:
        """A process begins: of tries without an answer nobody knows whether they went. How many there were."""

        def work() -> int:
            sql = "UPDATE mail_try SET outcome = 'doubtful', ended_at = ?, answer = 'crashed' WHERE outcome = 'sending'"
            found = self._db.execute(f"{sql} RETURNING mail", (to_text(now),)).fetchall()
            for (name,) in found:
                self._step(self._one(name), Happened.DOUBTFUL, now, "crashed")
            return len(found)

        return transact(self._db, work)

    def expire(self, now: datetime) -> None:
        """What time alone decides: to be called now and then."""
        sql = (
            f"SELECT {_COLUMNS} FROM mail WHERE state = 'waiting' AND valid_until <= ?1"  # noqa: S608  names of ours
            " OR state = 'perhaps' AND due_at <= ?1"
        )

        def work() -> None:
            for one in map(_queued, self._db.execute(sql, (to_text(now),)).fetchall()):
                last = one.state is State.WAITING or one.doubts >= DOUBTS_MAX or one.valid_until <= now
                if last:
                    self._step(one, Happened.TOO_LATE, now, one.why or "too late")
                else:
                    self._step(one, Happened.AGAIN, now, one.why)

        if self._db.execute(sql, (to_text(now),)).fetchone() is not None:
            transact(self._db, work)

    def again(self, name: str, now: datetime) -> bool:
        """Somebody wants one that has failed, or of which nobody knows, to be sent anew. False: it is neither."""

        def work() -> bool:
            one = self.find(name)
            if one is None or one.state not in (State.FAILED, State.UNKNOWN):
                return False
            until = to_text(now + RULES[one.mail.kind].valid)
            sql = "UPDATE mail SET valid_until = ?, doubts = 0, ended_at = NULL WHERE id = ?"
            self._db.execute(sql, (until, name))
            self._step(one, Happened.AGAIN, now)
            return True

        return transact(self._db, work)

    # Read

    def waiting(self) -> int:
        """Mails that are not with the server yet."""
        return _waiting(self._db)

    def due_since(self) -> datetime | None:
        """Since when one might have gone: neither the server nor an address of many mails in an hour holds it."""
        sql = "SELECT min(due_at) FROM mail WHERE state = 'waiting' AND NOT EXISTS (SELECT 1 FROM mail_server)"
        (at,) = self._db.execute(sql).fetchone()
        return from_text(at) if at else None

    def server_fault(self) -> ServerFault | None:
        """None while the server takes what it is given, or was given nothing yet."""
        row = self._db.execute("SELECT since, last_at, why FROM mail_server").fetchone()
        return ServerFault(from_text(row[0]), from_text(row[1]), row[2]) if row else None

    def not_sent(self, since: datetime, limit: int) -> tuple[Queued, ...]:
        """Those that came to their end since, and failed, or of which nobody knows; the newest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM mail WHERE state IN ('failed', 'unknown') AND ended_at > ?"  # noqa: S608  ours
            " ORDER BY ended_at DESC, id LIMIT ?"
        )
        return tuple(map(_queued, self._db.execute(sql, (to_text(since), limit))))

    def newest(self, limit: int) -> tuple[Queued, ...]:
        sql = f"SELECT {_COLUMNS} FROM mail ORDER BY queued_at DESC, id LIMIT ?"  # noqa: S608  names of ours
        return tuple(map(_queued, self._db.execute(sql, (limit,))))

    def find(self, name: str) -> Queued | None:
        row = self._db.execute(f"SELECT {_COLUMNS} FROM mail WHERE id = ?", (name,)).fetchone()  # noqa: S608  ours
        return _queued(row) if row else None

    def told(self, to: str, kind: Kind, since: datetime) -> dict[str, datetime]:
        """What an address was sent of a kind, by name, and when that was queued."""
        sql = "SELECT id, queued_at FROM mail WHERE recipient = ? AND queued_at >= ? AND kind = ?"
        return {name: from_text(at) for name, at in self._db.execute(sql, (to, to_text(since), kind.value))}

    def tries(self, name: str) -> tuple[MailTry, ...]:
        """Each time that the server was given one, in order."""
        sql = "SELECT began_at, ended_at, outcome, answer FROM mail_try WHERE mail = ? ORDER BY id"
        return tuple(
            MailTry(from_text(began), from_text(ended) if ended else None, outcome, answer)
            for began, ended, outcome, answer in self._db.execute(sql, (name,))
        )

    # Within a transaction

    def _one(self, name: str) -> Queued:
        found = self.find(name)
        if found is None:
            raise AssertionError(f"a try of no mail: {name}")
        return found

    def _step(self, one: Queued, happened: Happened, now: datetime, why: str = "") -> State:
        state = following(one.state, happened)
        if state is None:
            raise AssertionError(f"{one.state} and {happened}")
        due_at = now
        if state is State.PERHAPS:
            due_at = now + AGAIN_AFTER_DOUBT
        elif happened is Happened.PUT_OFF:
            due_at = now + back_off(one.tries)
        ended = to_text(now) if state in ENDED else None
        sql = "UPDATE mail SET state = ?, due_at = ?, doubts = doubts + ?, why = ?, ended_at = ? WHERE id = ?"
        doubt = state is State.PERHAPS
        self._db.execute(sql, (state.value, to_text(due_at), doubt, why, ended, one.mail.id))
        if one.mail.kind is Kind.MEMO and state is State.SENT:
            memos.sent_in(self._db, memos.of_mail(one.mail.id), "mail", now)
        if ended:
            body = {"id": one.mail.id, "kind": one.mail.kind.value, "state": state.value, "why": why}
            outbox.add(self._db, now, "mail", one.mail.to, body)
        return state


def _waiting(db: sqlite3.Connection) -> int:
    sql = "SELECT count(*) FROM mail WHERE state IN ('waiting', 'sending', 'perhaps')"
    return int(db.execute(sql).fetchone()[0])


def _queued(row: tuple[Any, ...]) -> Queued:
    name, kind, to, reply_to, subject, text, attachment, set_by, queued_at, message_id, *rest = row
    valid_until, state, due_at, tries, doubts, why, ended_at = rest
    mail = Mail(
        id=name, kind=Kind(kind), to=to, subject=subject, text=text, set_by=set_by, queued_at=from_text(queued_at),
        attachment=attachment, reply_to=reply_to,
    )  # fmt: skip
    return Queued(
        mail, message_id, from_text(valid_until), State(state), from_text(due_at), tries, doubts, why,
        from_text(ended_at) if ended_at else None,
    )  # fmt: skip
