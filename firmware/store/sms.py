"""The queue of short messages to be sent, in ``journal.db``, and what became of each.

That a modem is given a part is on the disk before it is (`take`), so nothing goes that is not known of; what its
answer was is written after (`ended`). A process that begins finds what lies between the two, and calls it doubtful
(`crashed`). What follows from what is `callcontrol.trunk.smsqueue`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from callcontrol.trunk.smsqueue import (
    DOUBTS_MAX,
    ENDED,
    REPORT_LATE,
    RULES,
    Happened,
    Kind,
    Outcome,
    State,
    Try,
    following,
    same_number,
    settled,
)
from firmware.store import outbox
from firmware.store.database import from_text, to_text, transact
from firmware.store.smsview import COLUMNS, Sms, SmsView, worst

__all__ = ["QUEUE_MAX", "Due", "Report", "Sms", "SmsRows"]

QUEUE_MAX = 2_000
"""Parts that may wait; an alarm is taken above it."""
TRIES_LOOKED_AT = 64
"""Of one modem, the newest: what its references tell."""
REPORTS_KEPT_OPEN = 500
"""Newest of those that belong to no message known, which are looked through when one becomes known."""


@dataclass(frozen=True, slots=True)
class Due:
    """A part that is to be sent now."""

    sms: str
    part: int
    parts: int
    number: str
    text: str
    concatenation: int
    valid_until: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one, as the network tells. `centre_at`: when it was taken, as text, "" where not known.
    `fate`: delivered, failed, unknown, or, while it is still being tried, trying."""

    modem: str
    reference: int
    number: str
    centre_at: str
    status: int
    fate: str


class SmsRows(SmsView):
    """Belongs to the thread that opened it. Every method that writes is one transaction, on the disk when it returns.
    Raises sqlite3.Error when the disk does not take it."""

    def put(self, messages: Iterable[Sms]) -> int:
        """Take them in, all or none; how many are new. Raises OverflowError where the queue has no room."""
        listed = tuple(messages)
        return transact(self._db, lambda: sum(map(self._put, listed)))

    def take(self, modem: str, now: datetime) -> tuple[int, Due] | None:
        """The part that is to be sent first, given to a modem from now on; and the number of this try. None: there is
        nothing to send."""
        sql = (
            "SELECT s.id, p.number, (SELECT count(*) FROM sms_part WHERE sms = s.id), s.number, s.text,"
            " s.concatenation, s.valid_until, p.tries FROM sms_part p JOIN sms s ON s.id = p.sms"
            " WHERE p.state = 'waiting' AND p.due_at <= ?1 AND s.valid_until > ?1"
            " ORDER BY s.priority, s.queued_at, s.id, p.number LIMIT 1"
        )

        def work() -> tuple[int, Due] | None:
            if (row := self._db.execute(sql, (to_text(now),)).fetchone()) is None:
                return None
            sms, part, parts, number, text, concatenation, valid_until, tries = row
            due = Due(sms, part, parts, number, text, concatenation, from_text(valid_until), tries + 1)
            self._step(sms, part, Happened.BEGUN, now)
            self._db.execute("UPDATE sms_part SET tries = tries + 1 WHERE sms = ? AND number = ?", (sms, part))
            put = (
                "INSERT INTO sms_try (sms, part, modem, began_at, outcome) VALUES (?, ?, ?, ?, 'sending') RETURNING id"
            )
            return int(self._db.execute(put, (due.sms, due.part, modem, to_text(now))).fetchone()[0]), due

        if self._db.execute(sql, (to_text(now),)).fetchone() is None:
            return None  # asked each second: no lock is taken for nothing
        return transact(self._db, work)

    def ended(
        self,
        number: int,
        outcome: Outcome,
        now: datetime,
        *,
        reference: int | None = None,
        code: int | None = None,
        again_at: datetime | None = None,
        why: str = "",
    ) -> None:
        """What a modem has answered to a try. `again_at`: when one that was put off is due."""

        def work() -> None:
            sql = (
                "UPDATE sms_try SET outcome = ?, ended_at = ?, reference = ?, code = ? WHERE id = ?"
                " RETURNING sms, part, modem"
            )
            sms, part, modem = self._db.execute(sql, (outcome.value, to_text(now), reference, code, number)).fetchone()
            self._step(sms, part, Happened(outcome.value), now, why)
            if again_at is not None:
                # The parts after it wait with it.
                sql = "UPDATE sms_part SET due_at = ? WHERE sms = ? AND state = 'waiting'"
                self._db.execute(sql, (to_text(again_at), sms))
            self._settle(modem, now)

        transact(self._db, work)

    def crashed(self, now: datetime) -> int:
        """A process begins: of tries without an answer nobody knows whether they went. How many there were."""

        def work() -> int:
            sql = (
                "UPDATE sms_try SET outcome = 'doubtful', ended_at = ? WHERE outcome = 'sending'"
                " RETURNING sms, part, modem"
            )
            found = self._db.execute(sql, (to_text(now),)).fetchall()
            for sms, part, modem in found:
                self._step(sms, part, Happened.DOUBTFUL, now, "crashed")
                self._settle(modem, now)
            return len(found)

        return transact(self._db, work)

    def report(self, report: Report, now: datetime) -> bool:
        """Keep a status report, and what it tells of a message. False: it came before."""

        def work() -> bool:
            sql = (
                "INSERT INTO sms_report (modem, reference, number, centre_at, status, fate, came_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
            )
            row = (report.modem, report.reference, report.number, report.centre_at, report.status, report.fate)
            new = self._db.execute(sql, (*row, to_text(now))).rowcount > 0
            if new:
                self._match(now)
            return new

        return transact(self._db, work)

    def expire(self, now: datetime) -> None:
        """What time alone decides: to be called now and then."""
        sql = (
            "SELECT p.sms, p.number, p.state, p.doubts, s.kind, s.valid_until,"
            " (SELECT max(id) FROM sms_try WHERE sms = p.sms AND part = p.number)"
            " FROM sms_part p JOIN sms s ON s.id = p.sms WHERE p.state IN ('waiting', 'perhaps', 'sent')"
            " AND (s.valid_until <= ? OR p.state = 'perhaps')"
        )
        for sms, part, state, doubts, kind, valid_until, last in self._db.execute(sql, (to_text(now),)).fetchall():
            late = now - from_text(valid_until)
            if state == State.SENT:
                happened = Happened.TOO_LATE if late > REPORT_LATE else None
            elif state == State.PERHAPS:
                happened = self._of_doubt(last, kind, doubts, now)
            else:
                happened = Happened.TOO_LATE
            if happened is not None:
                transact(self._db, partial(self._step, sms, part, happened, now, "too_late"))

    def _of_doubt(self, last: int, kind: str, doubts: int, now: datetime) -> Happened | None:
        """Whether a part that went perhaps is waited for no longer, and is sent once more, or given up."""
        (at,) = self._db.execute("SELECT ended_at FROM sms_try WHERE id = ?", (last,)).fetchone()
        if now - from_text(at) < RULES[Kind(kind)].doubt:
            return None
        return Happened.NOT_TAKEN if doubts < DOUBTS_MAX else Happened.TOO_LATE

    # Within a transaction

    def _put(self, sms: Sms) -> bool:
        if sms.kind is not Kind.ALARM and self.waiting() + sms.parts > QUEUE_MAX:
            raise OverflowError(f"{QUEUE_MAX} parts wait to be sent")
        sql = (
            f"INSERT INTO sms ({COLUMNS}, priority)"  # noqa: S608  names of ours
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT count(*) FROM sms WHERE number = ?3) % 256, ?9, ?10)"
            " ON CONFLICT DO NOTHING"
        )
        rule = RULES[sms.kind]
        at, until = to_text(sms.queued_at), to_text(sms.queued_at + rule.valid)
        row = (
            sms.id,
            sms.kind.value,
            sms.number,
            sms.text,
            sms.reply_to,
            sms.set_by,
            at,
            until,
            sms.ore,
            rule.priority,
        )
        if not self._db.execute(sql, row).rowcount:
            return False
        parts = ((sms.id, number, at) for number in range(1, sms.parts + 1))
        self._db.executemany("INSERT INTO sms_part VALUES (?, ?, 'waiting', ?, 0, 0, '')", parts)
        return True

    def _step(self, sms: str, part: int, happened: Happened, now: datetime, why: str = "") -> bool:
        """Whether anything came of it."""
        sql = "SELECT state FROM sms_part WHERE sms = ? AND number = ?"
        state = following(State(self._db.execute(sql, (sms, part)).fetchone()[0]), happened)
        if state is None:
            return False
        sql = "UPDATE sms_part SET state = ?, doubts = doubts + ?, why = ? WHERE sms = ? AND number = ?"
        self._db.execute(sql, (state.value, state is State.PERHAPS, why, sms, part))
        if state is State.PERHAPS:
            self._match(now)
        if state is State.FAILED:
            # What is left of it would be half a message.
            sql = "UPDATE sms_part SET state = 'failed', why = 'other_part' WHERE sms = ? AND state = 'waiting'"
            self._db.execute(sql, (sms,))
        self._end(sms, now)
        return True

    def _end(self, sms: str, now: datetime) -> None:
        """Where all parts are at their end it is so itself, which the platform has to hear, once."""
        states = [State(state) for (state,) in self._db.execute("SELECT state FROM sms_part WHERE sms = ?", (sms,))]
        if not ENDED.issuperset(states):
            return
        sql = "UPDATE sms SET ended_at = ? WHERE id = ? AND ended_at IS NULL RETURNING kind, number, ore"
        if (row := self._db.execute(sql, (to_text(now), sms)).fetchone()) is not None:
            kind, number, ore = row
            body = {
                "id": sms,
                "kind": kind,
                "number": number,
                "parts": len(states),
                "ore": ore,
                "state": worst(states).value,
            }
            outbox.add(self._db, now, "sms", number, body)

    def _settle(self, modem: str, now: datetime) -> None:
        """What a modem's references tell of its doubtful tries, and reports that had come before the answer."""
        sql = (
            "SELECT id, outcome, reference, code FROM sms_try WHERE modem = ? AND outcome <> 'sending'"
            " ORDER BY id DESC LIMIT ?"
        )
        rows = self._db.execute(sql, (modem, TRIES_LOOKED_AT)).fetchall()
        tries = [Try(number, Outcome(outcome), reference, code) for number, outcome, reference, code in reversed(rows)]
        for number, reference in settled(tries).items():
            self._found_out(number, reference, now, "by_reference")
        self._match(now)

    def _found_out(self, number: int, reference: int | None, now: datetime, why: str) -> None:
        """A try that was doubtful is so no more: it was taken by this reference, or, None, not."""
        outcome = Outcome.NOT_TAKEN if reference is None else Outcome.TAKEN
        sql = "UPDATE sms_try SET outcome = ?, reference = ? WHERE id = ? RETURNING sms, part"
        sms, part = self._db.execute(sql, (outcome.value, reference, number)).fetchone()
        sql = "SELECT max(id) FROM sms_try WHERE sms = ? AND part = ?"
        if self._db.execute(sql, (sms, part)).fetchone()[0] == number:  # else it was sent again meanwhile
            self._step(sms, part, Happened(outcome.value), now, why)

    def _match(self, now: datetime) -> None:
        """Reports that belong to no message yet: of the newest that was given the reference, for that number; or of the
        only one for it that went perhaps."""
        sql = (
            "SELECT id, modem, reference, number, fate FROM sms_report WHERE sms IS NULL ORDER BY came_at DESC LIMIT ?"
        )
        for number, modem, reference, receiver, fate in self._db.execute(sql, (REPORTS_KEPT_OPEN,)).fetchall():
            found = self._given(modem, reference, receiver)
            if found is None and (doubtful := self._only_doubtful(modem, receiver)) is not None:
                self._found_out(doubtful, reference, now, "by_report")
                found = self._given(modem, reference, receiver)
            if found is None:
                continue
            self._db.execute("UPDATE sms_report SET sms = ?, part = ? WHERE id = ?", (*found, number))
            if fate in _FATES:
                self._step(*found, _FATES[fate], now, "report")

    def _given(self, modem: str, reference: int, receiver: str) -> tuple[str, int] | None:
        """The newest part for a number that the network has by this reference, and of which no report said the last."""
        sql = (
            "SELECT t.sms, t.part, s.number FROM sms_try t JOIN sms s ON s.id = t.sms"
            " JOIN sms_part p ON p.sms = t.sms AND p.number = t.part"
            " WHERE t.modem = ? AND t.reference = ? AND p.state IN ('sent', 'unknown') ORDER BY t.id DESC"
        )
        rows = self._db.execute(sql, (modem, reference)).fetchall()
        return next(((sms, part) for sms, part, number in rows if same_number(number, receiver)), None)

    def _only_doubtful(self, modem: str, receiver: str) -> int | None:
        """The one try for a number that went perhaps; not while another is under way, whose report it may be."""
        sql = (
            "SELECT t.id, s.number FROM sms_try t JOIN sms s ON s.id = t.sms"
            " JOIN sms_part p ON p.sms = t.sms AND p.number = t.part"
            " WHERE t.modem = ?1 AND t.outcome = 'doubtful' AND p.state IN ('perhaps', 'waiting')"
            " AND NOT EXISTS (SELECT 1 FROM sms_try WHERE modem = ?1 AND outcome = 'sending')"
        )
        rows = self._db.execute(sql, (modem,)).fetchall()
        found = [number for number, receiver_of in rows if same_number(receiver_of, receiver)]
        return found[0] if len(found) == 1 else None


_FATES = {"delivered": Happened.DELIVERED, "failed": Happened.LOST, "unknown": Happened.UNCLEAR}
