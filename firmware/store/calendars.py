"""Calendars that people's absences are read from: whose, how the last reading went, what was understood.

`Calendars` is for whoever subscribes and shows; `CalendarRows` beside it for the process that fetches. The address is a
secret (who has it reads somebody's calendar): nothing but the fetcher is given it, only the host is for show and for
the platform.

A reading is compared with the one before: what is new becomes a referral, what is gone or was changed is ended by an
opening that names it and nothing else. So whoever has said "I am back" stays back, until the calendar says something
else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.agenda import Agenda, Meant, Passed
from firmware.store import outbox
from firmware.store.changes import new_id
from firmware.store.database import OfJournal, from_text, to_text, transact
from firmware.store.referrals import put_opening, put_referral

__all__ = ["URL_MAX", "CalendarRows", "Calendars", "Due", "Subscription", "checked_url"]

URL_MAX = 2_000
WEBCAL = "webcal"
"""What calendars are offered by: https under another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What may be shown of it. `fault`: a key of the catalogue's part `calendar`, "" when the last reading went well;
    `understood`: the entries that became referrals, in order; `passed`: how many others there are, by why; `unknown`:
    letters among them that are no reason's."""

    extension: str
    host: str
    set_by: str
    set_at: datetime
    tried_at: datetime | None = None
    read_at: datetime | None = None
    fault: str = ""
    failures: int = 0
    understood: tuple[Meant, ...] = ()
    passed: Mapping[Passed, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A calendar that is to be fetched at `next_at`. `etag`, `modified`, `digest`: of what was read last, "" for
    none."""

    extension: str
    id: str
    url: str = field(repr=False)
    etag: str
    modified: str
    digest: str
    next_at: datetime
    read_at: datetime | None
    whole_at: datetime | None
    fault: str
    failures: int


def checked_url(url: str) -> str:
    """An address as it is kept. Raises ValueError that says what is wrong with it, without saying the address."""
    text = url.strip()
    if not text or len(text) > URL_MAX or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"url: an address of at most {URL_MAX} signs, without blanks")
    scheme, colon, rest = text.partition(":")
    if scheme.lower() == WEBCAL:
        text = f"https:{rest}"
    try:
        parts = urlsplit(text)
        if colon and parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0):
            return parts._replace(fragment="").geturl()
    except ValueError:
        pass
    raise ValueError("url: begins with https:// and the name of a server")


class Calendars(OfJournal):
    """Belongs to the thread that opened it. Every method that writes is one transaction, on the disk when it returns.
    Raises sqlite3.Error when the disk does not take it."""

    def subscribe(self, extension: str, url: str, set_by: str, now: datetime) -> Subscription:
        """Read an extension's absences from here on from this calendar, at once for the first time. What an earlier one
        said goes on until this one is read. Raises ValueError, which names the field."""
        kept = checked_url(url)
        host = str(urlsplit(kept).hostname)
        sql = (
            "INSERT INTO calendar VALUES (?1, ?2, ?3, ?4, ?5, ?5, NULL, NULL, NULL, '', '', '', 0, '', '{}')"
            " ON CONFLICT (extension) DO UPDATE SET id = ?2, url = ?3, set_by = ?4, set_at = ?5, next_at = ?5,"
            " tried_at = NULL, read_at = NULL, whole_at = NULL, etag = '', modified = '', digest = '', failures = 0,"
            " fault = '', told = '{}'"
        )

        def work() -> None:
            self._db.execute(sql, (extension, new_id(), kept, set_by, to_text(now)))
            outbox.add(self._db, now, "calendar", extension, {"host": host, "set_by": set_by})

        transact(self._db, work)
        return Subscription(extension=extension, host=host, set_by=set_by, set_at=now)

    def unsubscribe(self, extension: str, set_by: str, now: datetime) -> bool:
        """Its referrals end with it. False when there was none."""

        def work() -> bool:
            self._end(extension, self._entries(extension).values(), set_by, now)
            self._db.execute("DELETE FROM calendar_entry WHERE extension = ?", (extension,))
            there = self._db.execute("DELETE FROM calendar WHERE extension = ?", (extension,)).rowcount > 0
            if there:
                outbox.add(self._db, now, "calendar", extension, {"ended": True, "set_by": set_by})
            return there

        return transact(self._db, work)

    def again(self, extension: str, now: datetime) -> bool:
        """Read it as soon as may be, whatever it had to wait for. False when there is none."""
        sql = "UPDATE calendar SET next_at = ? WHERE extension = ?"
        return transact(self._db, lambda: self._db.execute(sql, (to_text(now), extension)).rowcount > 0)

    def of(self, extension: str) -> Subscription | None:
        """None: this extension has no calendar."""
        return next(iter(self._read("WHERE extension = ?", extension)), None)

    def all(self) -> tuple[Subscription, ...]:
        """By extension."""
        return self._read("ORDER BY extension")

    def _read(self, which: str, *places: str) -> tuple[Subscription, ...]:
        names = "extension, url, set_by, set_at, tried_at, read_at, fault, failures, told"
        found = []
        for row in self._db.execute(f"SELECT {names} FROM calendar {which}", places).fetchall():  # noqa: S608  ours
            extension, url, set_by, set_at, tried_at, read_at, fault, failures, told = row
            about = json.loads(told)
            found.append(
                Subscription(
                    extension=extension,
                    host=str(urlsplit(url).hostname),
                    set_by=set_by,
                    set_at=from_text(set_at),
                    tried_at=from_text(tried_at) if tried_at else None,
                    read_at=from_text(read_at) if read_at else None,
                    fault=fault,
                    failures=failures,
                    understood=self._understood(extension),
                    passed={Passed(why): count for why, count in about.get("passed", {}).items()},
                    unknown=tuple(about.get("unknown", ())),
                )
            )
        return tuple(found)

    def _understood(self, extension: str) -> tuple[Meant, ...]:
        sql = (
            "SELECT key, start, until, reason, open, information FROM calendar_entry JOIN referral ON id = referral"
            " WHERE calendar_entry.extension = ? ORDER BY start, until, key"
        )
        return tuple(
            Meant(
                key=key,
                start=from_text(start),
                until=from_text(until),
                reason=reason,
                open=bool(open_),
                information=information,
            )
            for key, start, until, reason, open_, information in self._db.execute(sql, (extension,))
        )

    # Within a transaction

    def _entries(self, extension: str) -> dict[str, str]:
        sql = "SELECT key, referral FROM calendar_entry WHERE extension = ?"
        return dict(self._db.execute(sql, (extension,)).fetchall())

    def _end(self, extension: str, referrals: Iterable[str], set_by: str, now: datetime) -> None:
        """By one opening, those that are not over by themselves."""
        sql = "SELECT id FROM referral WHERE id IN (SELECT value FROM json_each(?)) AND until > ?"
        rows = self._db.execute(sql, (json.dumps(list(referrals)), to_text(now))).fetchall()
        if seen := frozenset(referral for (referral,) in rows):
            put_opening(self._db, Opening(id=new_id(), extension=extension, at=now, seen=seen, set_by=set_by), now)


class CalendarRows(Calendars):
    """For whoever fetches. What is told of a calendar that was subscribed anew, or no more, since it was begun is
    let be."""

    def waiting(self) -> tuple[Due, ...]:
        """All, the longest waiting first."""
        texts = ("extension", "id", "url", "etag", "modified", "digest", "fault", "failures")
        moments = ("next_at", "read_at", "whole_at")
        sql = f"SELECT {', '.join((*moments, *texts))} FROM calendar ORDER BY next_at"  # noqa: S608  names of ours
        found = []
        for row in self._db.execute(sql):
            at: dict[str, Any] = {
                name: from_text(text) if text else None for name, text in zip(moments, row[:3], strict=True)
            }
            found.append(Due(**dict(zip(texts, row[3:], strict=True)), **at))
        return tuple(found)

    def written(self) -> int:
        """Another number when another connection has written since."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def unchanged(self, due: Due, now: datetime, next_at: datetime) -> bool:
        """It says what it said before."""
        sql = (
            "UPDATE calendar SET tried_at = ?1, read_at = ?1, next_at = ?2, failures = 0, fault = ''"
            " WHERE extension = ?3 AND id = ?4"
        )
        row = (to_text(now), to_text(next_at), due.extension, due.id)
        return transact(self._db, lambda: self._db.execute(sql, row).rowcount > 0)

    def failed(self, due: Due, fault: str, now: datetime, next_at: datetime) -> bool:
        """It could not be read; what it said before goes on."""
        sql = (
            "UPDATE calendar SET tried_at = ?, next_at = ?, failures = failures + 1, fault = ?"
            " WHERE extension = ? AND id = ?"
        )
        row = (to_text(now), to_text(next_at), fault, due.extension, due.id)
        return transact(self._db, lambda: self._db.execute(sql, row).rowcount > 0)

    def read(
        self, due: Due, agenda: Agenda, now: datetime, next_at: datetime, *, etag: str, modified: str, digest: str
    ) -> bool:
        """It says this: what is new is referred, what is not there any more ended; all or nothing."""
        told = {"passed": {str(why): count for why, count in agenda.passed.items()}, "unknown": list(agenda.unknown)}
        sql = (
            "UPDATE calendar SET tried_at = ?1, read_at = ?1, whole_at = ?1, next_at = ?2, etag = ?3, modified = ?4,"
            " digest = ?5, failures = 0, fault = '', told = ?6 WHERE extension = ?7 AND id = ?8"
        )
        row = (
            *(to_text(now), to_text(next_at), etag, modified, digest, json.dumps(told, ensure_ascii=False)),
            *(due.extension, due.id),
        )

        def work() -> bool:
            if not self._db.execute(sql, row).rowcount:
                return False
            (set_by,) = self._db.execute("SELECT set_by FROM calendar WHERE extension = ?", (due.extension,)).fetchone()
            known, wanted = self._entries(due.extension), {one.key: one for one in agenda.meant}
            gone = {key: referral for key, referral in known.items() if key not in wanted}
            self._end(due.extension, gone.values(), set_by, now)
            forget = "DELETE FROM calendar_entry WHERE extension = ? AND key = ?"
            self._db.executemany(forget, ((due.extension, key) for key in gone))
            for key, one in wanted.items():
                if key not in known:
                    self._refer(due.extension, one, set_by, now)
            return True

        return transact(self._db, work)

    def _refer(self, extension: str, one: Meant, set_by: str, now: datetime) -> None:
        referral = Referral(
            id=new_id(),
            extension=extension,
            reason=one.reason,
            start=one.start,
            until=one.until,
            information=one.information,
            open=one.open,
            source=Source.CALENDAR,
            set_by=set_by,
            set_at=now,
        )
        put_referral(self._db, referral)
        self._db.execute("INSERT INTO calendar_entry VALUES (?, ?, ?)", (extension, one.key, referral.id))
