"""Who is told by SMS that mains is gone, that few minutes are left, that phones were shed, that mains is back (F4)."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from callcontrol.trunk.smsalarms import END, START, outage_of
from callcontrol.trunk.smsqueue import Kind
from firmware.config import Config
from firmware.power.alarms import Alarms, due
from firmware.power.phones import PROTECTED
from firmware.store.power import PowerRows
from firmware.store.sms import SmsRows
from firmware.trunk.smsout import Outgoing, clock, said

__all__ = ["Told"]

OUTAGES_LOOKED_AT = 50
DAY = timedelta(days=1)


class Told:
    """Belongs to the thread that opened `journal`."""

    def __init__(self, config: Config, journal: sqlite3.Connection) -> None:
        self._site = config.unit.name
        self._numbers = config.power.alarm_numbers or config.sms.alarm_numbers
        self._sheds = config.power.shed_tell == "yes"
        self._rows = PowerRows(journal)
        self._out = Outgoing(config, SmsRows(journal))
        self._alarms = Alarms(
            after=timedelta(seconds=config.power.alarm_after_s),
            minutes=config.power.alarm_minutes,
            pause=timedelta(minutes=config.power.alarm_pause_min),
        )

    def look(self, now: datetime, minutes: float | None) -> None:
        """Queue what is due. `minutes`: those that are certain."""
        outage = outage_of(self._rows.outages(OUTAGES_LOOKED_AT), self._alarms.pause) if self._numbers else None
        if outage is None:
            return
        began, ended = clock(outage.began_at, now), clock(outage.ended_at or now, now)
        until = clock(now + timedelta(minutes=minutes), now) if minutes is not None else None
        for number in self._numbers:
            sent = self._out.rows.told(number, Kind.ALARM, min(outage.began_at, now - DAY))
            names = [name.partition(" ")[0] for name in sent]
            steps = {name.removeprefix(f"power-{outage.name}-") for name in names}
            starts = sum(
                name.startswith("power-") and name.partition(" ")[0].endswith(f"-{START}") and at > now - DAY
                for name, at in sent.items()
            )
            if (step := due(outage, steps, starts, minutes, self._alarms, now)) is not None:
                key = {START: "power_start", END: "power_end"}.get(step, "power_left")
                if key != "power_end" and until is None:
                    key = "power_start_unknown"
                text = said(key, site=self._site, began=began, ended=ended, until=until or "", minutes=step)
                self._out.put(f"power-{outage.name}-{step}", Kind.ALARM, number, text, now, ours=True)

    def shed(self, name: str, outage: int, *, off: bool, now: datetime) -> None:
        """Phones were switched off, or on again."""
        if not self._sheds:
            return
        name_said = said("power_protected") if name == PROTECTED else name
        for number in self._numbers:
            text = said("power_shed" if off else "power_back", site=self._site, name=name_said)
            word = "shed" if off else "back"
            self._out.put(f"power-{outage}-{word}-{name}", Kind.ALARM, number, text, now, ours=True)
