"""Who is told by mail without having asked: of outages those on the list (F4), of what is noticed whoever is to be told
(B3, B11, C5, F2)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from callcontrol.plan.catalogue import Words, catalogue, words
from callcontrol.plan.model import Unreadable
from callcontrol.plan.notices import Notice, key_of
from callcontrol.trunk.smsalarms import END, START, Alarms, due, outage_of
from firmware.config import Config
from firmware.mail.policy import Kind, one_line
from firmware.store import Journal
from firmware.store.mail import SUBJECT_MAX, Mail, MailRows
from firmware.store.people import People
from firmware.trunk.smsout import clock

__all__ = ["Telling", "in_languages"]

INCIDENTS_MAX = 50
"""Looked back through for the beginning of an outage that comes and goes."""
NOTICES_MAX = 100
FRESH = timedelta(days=1)
"""A notice that was made longer ago is old news."""
DAY = timedelta(days=1)
OPERATIONS = "operations"

log = logging.getLogger("rvx")


def in_languages(text: Words, languages: tuple[str, ...], between: str = "\n\n") -> str:
    """In each of the site's languages, once where they say the same."""
    return between.join(dict.fromkeys(getattr(text, language) for language in languages or ("sv",)))


class Telling:
    """Belongs to the thread that opened the store."""

    def __init__(self, config: Config, people: People) -> None:
        self._mail = config.mail
        self._site = config.unit.name
        self._languages = config.announcing.languages or ("sv",)
        self._people = people
        self._journal = Journal(people.journal)
        self._rows = MailRows(people.journal)
        self._alarms = Alarms(
            after=timedelta(seconds=config.sms.alarm_after_s),
            minutes=config.sms.alarm_minutes,
            pause=timedelta(minutes=config.sms.alarm_pause_min),
        )

    def look(self, now: datetime) -> None:
        """Queue what is to be told now; to be called now and then. Raises sqlite3.Error."""
        if self._mail.alarm_addresses:
            self._outage(now)
        if self._mail.notices == "yes":
            for notice in self._journal.notices(now - FRESH, NOTICES_MAX):
                try:
                    self._notice(notice, now)
                except (Unreadable, KeyError, ValueError) as error:  # of a person, or words that this version has not
                    log.warning("rvx-event kind=notice_untold why=%s", type(error).__name__)

    def _outage(self, now: datetime) -> None:
        outage = outage_of(self._journal.incidents(INCIDENTS_MAX), self._alarms.pause)
        if outage is None:
            return
        cause = words("cause", outage.cause if outage.cause in catalogue()["cause"] else "unknown")
        for to in self._mail.alarm_addresses:
            told = self._rows.told(to, Kind.ALARM, min(outage.began_at, now - DAY))
            starts = sum(
                name.startswith("alarm-") and f"-{START} " in name and at > now - DAY for name, at in told.items()
            )
            if (step := due(outage, _steps(told, f"alarm-{outage.name}-"), starts, self._alarms, now)) is None:
                continue
            key = {START: "alarm_start", END: "alarm_end"}.get(step, "alarm_still")
            times = {"began": clock(outage.began_at, now), "ended": clock(outage.ended_at or now, now)}
            text = Words(
                *(
                    form.format(site=self._site, cause=cause[at], **times)
                    for at, form in enumerate(catalogue()["sms"][key])
                )
            )
            self._put(f"alarm-{outage.name}-{step}", Kind.ALARM, to, text, now)

    def _notice(self, notice: Notice, now: datetime) -> None:
        note = notice.note
        if note.to == OPERATIONS:
            addresses = self._mail.alarm_addresses
        else:
            person = self._people.person(note.to)
            addresses = (person.email,) if person is not None and person.email else ()
        name = f"notice-{hashlib.sha256(key_of(note).encode()).hexdigest()[:16]}-{notice.told}"
        for to in addresses:
            self._put(name, Kind.NOTICE, to, words("note", note.words, note.fill), now)

    def _put(self, name: str, kind: Kind, to: str, text: Words, now: datetime) -> None:
        name = f"{name} {to}"
        if self._rows.find(name) is not None:
            return  # asked every few seconds: no lock is taken for nothing
        from_unit = words("mail", "from_unit", (("site", self._site),))
        body = Words(*(f"{said.rstrip('.')}.\n\n{ends}" for said, ends in zip(text, from_unit, strict=True)))
        mail = Mail(
            id=name, kind=kind, to=to, subject=one_line(text.sv.rstrip("."), SUBJECT_MAX),
            text=in_languages(body, self._languages), set_by="unit", queued_at=now,
        )  # fmt: skip
        try:
            self._rows.queue(mail)
        except OverflowError:
            log.warning("rvx-event kind=mail_no_room")


def _steps(told: Mapping[str, datetime], beginning: str) -> dict[str, datetime]:
    """What was told of one outage, and when; a name ends in a blank and the address."""
    return {
        name.partition(" ")[0].removeprefix(beginning): at for name, at in told.items() if name.startswith(beginning)
    }
