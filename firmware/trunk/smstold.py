"""Who is told by SMS without having asked: of outages those on the list and the twins of phones here (F4, A13), of what
is noticed whoever is to be told (B3, C5, F2)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from callcontrol.plan.catalogue import catalogue, words
from callcontrol.plan.model import Unreadable
from callcontrol.plan.notices import Notice, key_of
from callcontrol.trunk.smsalarms import END, START, Alarms, Outage, due, outage_of
from callcontrol.trunk.smsqueue import Kind
from firmware.config import Config
from firmware.store import Journal
from firmware.store.mobiles import address_of, twins_here
from firmware.store.people import People
from firmware.trunk.smsout import Outgoing, clock, said

__all__ = ["Telling"]

INCIDENTS_MAX = 50
"""Looked back through for the beginning of an outage that comes and goes."""
TWINS_MAX = 100
"""Told of one outage: a modem sends some ten a minute."""
NOTICES_MAX = 100
FRESH = timedelta(hours=6)
"""A notice that was made longer ago is old news."""
DAY = timedelta(days=1)
OPERATIONS = "operations"

log = logging.getLogger("rvx")


class Telling:
    """Belongs to the thread that opened the store."""

    def __init__(self, config: Config, people: People, out: Outgoing) -> None:
        self._settings = config.sms
        self._site = config.unit.name
        self._people = people
        self._journal = Journal(people.journal)
        self._out = out
        self._alarms = Alarms(
            after=timedelta(seconds=config.sms.alarm_after_s),
            minutes=config.sms.alarm_minutes,
            pause=timedelta(minutes=config.sms.alarm_pause_min),
        )

    def look(self, now: datetime) -> None:
        """Queue what is to be told now; to be called now and then. Raises Unreadable for a row of the directory."""
        self._people.look_again()
        outage = outage_of(self._journal.incidents(INCIDENTS_MAX), self._alarms.pause)
        if outage is not None:
            self._outage(outage, now)
        if self._settings.notices == "yes":
            for notice in self._journal.notices(now - FRESH, NOTICES_MAX):
                try:
                    self._notice(notice, now)
                except (Unreadable, KeyError) as error:  # of a person, or words that this version has not
                    log.warning("rvx-event kind=notice_untold why=%s", str(error).replace(" ", "_"))

    def _outage(self, outage: Outage, now: datetime) -> None:
        site, began, ended = self._site, clock(outage.began_at, now), clock(outage.ended_at or now, now)
        cause = words("cause", outage.cause if outage.cause in catalogue()["cause"] else "unknown")
        for number in self._settings.alarm_numbers:
            told = self._out.rows.told(number, Kind.ALARM, min(outage.began_at, now - DAY))
            starts = sum(
                name.startswith("alarm-") and f"-{START} " in name and at > now - DAY for name, at in told.items()
            )
            if (step := due(outage, _steps(told, f"alarm-{outage.name}-"), starts, self._alarms, now)) is not None:
                key = {START: "alarm_start", END: "alarm_end"}.get(step, "alarm_still")
                text = said(key, site=site, began=began, ended=ended, cause=cause)
                self._out.put(f"alarm-{outage.name}-{step}", Kind.ALARM, number, text, now, ours=True)
        if self._settings.twins == "yes":
            seldom = replace(self._alarms, minutes=())
            for extension, twin in twins_here(self._people, TWINS_MAX):
                beginning = f"twin-{outage.name}-{extension}-"
                steps = _steps(self._out.rows.told(twin, Kind.NOTICE, outage.began_at), beginning)
                if (step := due(outage, steps, 0, seldom, now)) is not None:
                    text = said(f"twin_{step}", site=site, began=began, ended=ended, extension=extension)
                    self._out.put(beginning + step, Kind.NOTICE, twin, text, now)

    def _notice(self, notice: Notice, now: datetime) -> None:
        note = notice.note
        if note.to == OPERATIONS:
            numbers = self._settings.alarm_numbers
        else:
            address = address_of(note.to, self._people)
            numbers = (address,) if address else ()
        name = f"notice-{hashlib.sha256(key_of(note).encode()).hexdigest()[:16]}-{notice.told}"
        for number in numbers:
            text = said("notice", site=self._site, text=words("note", note.words, note.fill))
            self._out.put(name, Kind.NOTICE, number, text, now, ours=note.to == OPERATIONS)


def _steps(told: Mapping[str, datetime], beginning: str) -> dict[str, datetime]:
    """What was told of one outage, and when; a name ends in a blank and the number."""
    return {
        name.partition(" ")[0].removeprefix(beginning): at for name, at in told.items() if name.startswith(beginning)
    }
