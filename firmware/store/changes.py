"""What is changed here of people and their extensions: every change, with what the platform has to hear of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from callcontrol.plan.absence import Opening, Referral
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.notices import FORGOTTEN, Notice, due, key_of
from callcontrol.plan.reach import REACH_CLASSES
from callcontrol.plan.steps import Note
from firmware.store import outbox
from firmware.store.blocks import lift_in, put_block
from firmware.store.checked import checked
from firmware.store.database import OfJournal, from_text, to_text, transact
from firmware.store.protections import Protection
from firmware.store.referrals import put_opening, put_referral

__all__ = ["NOTICE_COLUMNS", "Changes", "new_id", "notice_of"]

ID_BYTES = 12
MET_EVERY = timedelta(hours=6)
"""That a notice is met again is written so often, not at every look: each is a write of the disk."""

_LEFT = "ON CONFLICT DO NOTHING"  # not OR IGNORE, which would leave out a row that breaks a CHECK, too
_REPLACED = "ON CONFLICT DO UPDATE SET target = excluded.target, set_at = excluded.set_at, set_by = excluded.set_by"


NOTICE_COLUMNS = ("rule", "recipient", "words", "fill", "first_at", "last_at", "told_at", "told")


def notice_of(row: Sequence[Any]) -> Notice:
    """A row of table ``notice``, by these columns."""
    rule, to, words, fill, *moments, told = row
    note = Note(rule=rule, to=to, words=words, fill=tuple((name, value) for name, value in json.loads(fill)))
    first_at, last_at, told_at = map(from_text, moments)
    return Notice(note=note, first_at=first_at, last_at=last_at, told_at=told_at, told=told)


def new_id() -> str:
    """A name for something made here that nobody else gives, and that no command takes for an option."""
    return secrets.token_hex(ID_BYTES)


class Changes(OfJournal):
    """Writes ``journal.db``. Belongs to the thread that opened it. Every method is one transaction: all or nothing, and
    on the disk when it returns. Raises sqlite3.Error when the disk does not take it."""

    def refer(self, referrals: Iterable[Referral]) -> None:
        """Set referrals, for one or for many; an id that is known stays as it was."""
        rows = tuple(referrals)

        def work() -> None:
            for referral in rows:
                put_referral(self._db, referral)

        transact(self._db, work)

    def open_phone(self, opening: Opening, now: datetime) -> None:
        """The person is back: what the opening had seen is over (C4)."""
        transact(self._db, lambda: put_opening(self._db, opening, now))

    def forward(self, forwarding: Forwarding, set_by: str) -> None:
        """Set a forwarding; one for the same condition is replaced."""
        row = {
            "extension": forwarding.extension,
            "condition": str(forwarding.condition),
            "target": forwarding.target,
            "set_at": to_text(forwarding.set_at),
            "set_by": set_by,
        }
        self._told(
            forwarding.set_at,
            "forwarding",
            forwarding.extension,
            row,
            lambda: self._insert("forwarding", row, _REPLACED),
            ("forwarding", f"{forwarding.extension}|{forwarding.condition}"),
        )

    def end_forwarding(self, extension: str, condition: Condition, set_by: str, now: datetime) -> bool:
        """False when there was none."""
        return self.end_forwardings(extension, (condition,), set_by, now)

    def end_forwardings(self, extension: str, conditions: Iterable[Condition], set_by: str, now: datetime) -> bool:
        """Those that there are, all or none of them; False when there was none."""
        ending = tuple(map(str, conditions))

        def work() -> bool:
            sql = "DELETE FROM forwarding WHERE extension = ? AND condition = ?"
            ended = [one for one in ending if self._db.execute(sql, (extension, one)).rowcount > 0]
            for one in ended:
                row = {"extension": extension, "condition": one, "target": None, "ended": True, "set_by": set_by}
                outbox.add(self._db, now, "forwarding", extension, row, ("forwarding", f"{extension}|{one}"))
            return bool(ended)

        return transact(self._db, work)

    def block(self, extension: str, set_by: str, why: str, now: datetime) -> bool:
        """Block a phone at once (E5); False when it was blocked already."""
        return transact(self._db, lambda: put_block(self._db, extension, set_by, why, now))

    def lift(self, extension: str, set_by: str, now: datetime) -> bool:
        """False when it was not blocked."""
        return transact(self._db, lambda: lift_in(self._db, extension, set_by, now))

    def lock(self, extension: str, set_by: str, now: datetime) -> bool:
        """Calls from it reach inside only; False when it was locked already."""
        row = {"extension": extension, "since": to_text(now), "set_by": set_by}
        return self._told(now, "lock", extension, row, lambda: self._insert("lock", row), ("lock", extension))

    def unlock(self, extension: str, set_by: str, now: datetime) -> bool:
        """False when it was not locked."""
        row = {"extension": extension, "ended": True, "set_by": set_by}
        sql = "DELETE FROM lock WHERE extension = ?"
        return self._told(
            now,
            "lock",
            extension,
            row,
            lambda: self._db.execute(sql, (extension,)).rowcount > 0,
            ("lock", extension),
        )

    def protect(self, protection: Protection) -> bool:
        """A phone goes on working without mains (A13); False when it was ordered so already."""
        row = {
            "extension": protection.extension,
            "unit": protection.unit,
            "applicant": protection.applicant,
            "cost_centre": protection.cost_centre,
            "port": protection.port,
            "minutes": protection.minutes,
            "ordered_at": to_text(protection.ordered_at),
            "set_by": protection.set_by,
        }
        return self._told(
            protection.ordered_at, "protection", protection.extension, row, lambda: self._insert("protection", row)
        )

    def end_protection(self, extension: str, set_by: str, now: datetime) -> bool:
        """False when there was none."""
        row = {"extension": extension, "ended": True, "set_by": set_by}
        sql = "DELETE FROM protection WHERE extension = ?"
        return self._told(now, "protection", extension, row, lambda: self._db.execute(sql, (extension,)).rowcount > 0)

    def sign(self, hunt: str, extension: str, *, signed_in: bool, now: datetime) -> bool:
        """Into or out of a hunt group; False when it was so already."""
        row = {"hunt": hunt, "extension": extension, "at": to_text(now)}
        sql = "DELETE FROM signed_out WHERE hunt = ? AND extension = ?"

        def work() -> bool:
            if signed_in:
                return self._db.execute(sql, (hunt, extension)).rowcount > 0
            return self._insert("signed_out", row)

        item = ("signed_out", f"{hunt}|{extension}")
        return self._told(now, "member", hunt, {**row, "signed_in": signed_in}, work, item)

    def change(
        self,
        kind: str,
        name: str,
        fields: Mapping[str, object],
        set_by: str,
        now: datetime,
        classes: Collection[str] = tuple(REACH_CLASSES),
    ) -> None:
        """Change fields of a person, unit or extension, to values as firmware.store.checked has them; `classes` are the
        classes of reach that the directory has. Raises ValueError, which names the field."""
        kept = checked(kind, fields, classes)
        body = {"id": name, "fields": kept, "set_by": set_by}

        def work() -> bool:
            for field, value in kept.items():
                row = (kind, name, field, json.dumps(value, ensure_ascii=False), to_text(now), set_by)
                self._db.execute("INSERT OR REPLACE INTO change VALUES (?, ?, ?, ?, ?, ?)", row)
            return bool(kept)

        self._told(now, kind, name, body, work, ("change", f"{kind}|{name}"))

    def looked(self, viewer: str, kind: str, subject: str, field: str, why: str, now: datetime) -> None:
        """Note a look at what is secret, before it is shown."""
        sql = "INSERT INTO look (at, viewer, kind, subject, field, why) VALUES (?, ?, ?, ?, ?, ?)"
        row = (to_text(now), viewer, kind, subject, field, why)
        body = {"viewer": viewer, "kind": kind, "field": field, "why": why}
        self._told(now, "look", subject, body, lambda: self._db.execute(sql, row).rowcount > 0)

    def notice(self, note: Note, now: datetime) -> bool:
        """Keep a note, and tell of it where that is due (callcontrol.plan.notices); whether it was told."""
        key = key_of(note)
        sql = f"SELECT {', '.join(NOTICE_COLUMNS)} FROM notice WHERE key = ?"  # noqa: S608  names of ours
        put = "INSERT OR REPLACE INTO notice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

        def read() -> Notice | None:
            row = self._db.execute(sql, (key,)).fetchone()
            return notice_of(row) if row else None

        known = read()
        if known is not None and not due(known, now) and now - known.last_at < MET_EVERY:
            return False

        def work() -> bool:
            known = read()
            tells = due(known, now)
            new = known is None or now - known.last_at > FORGOTTEN
            first_at = now if new or known is None else known.first_at
            told = 0 if new or known is None else known.told
            told_at = now if tells or known is None else known.told_at
            fill = json.dumps(note.fill, ensure_ascii=False)
            times = (to_text(first_at), to_text(now), to_text(told_at), told + tells)
            self._db.execute(put, (key, note.rule, note.to, note.words, fill, *times))
            if tells:
                body = {"rule": note.rule, "words": note.words, "fill": dict(note.fill), "first_at": to_text(first_at)}
                outbox.add(self._db, now, "notice", note.to, body)
            return tells

        return transact(self._db, work)

    def _told(
        self,
        now: datetime,
        kind: str,
        subject: str,
        body: Mapping[str, object],
        work: Callable[[], bool],
        item: tuple[str, str] | None = None,
    ) -> bool:
        """Do `work` and, if it changed something, tell of it; both or neither. `item`: what it sets that goes both
        ways."""

        def both() -> bool:
            changed = work()
            if changed:
                outbox.add(self._db, now, kind, subject, body, item)
            return changed

        return transact(self._db, both)

    def _insert(self, table: str, row: Mapping[str, object], known: str = _LEFT) -> bool:
        names, places = ", ".join(row), ", ".join("?" for _ in row)
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) {known}"  # noqa: S608  names of ours
        return self._db.execute(sql, tuple(row.values())).rowcount > 0
