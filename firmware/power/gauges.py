"""What each battery is known to hold as time goes by, and what discharges teach. Pure; times are monotonic seconds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping

from drivers.ups.model import Mains, Part
from firmware.config import Ups
from firmware.power.battery import Battery, Chemistry
from firmware.power.learning import learn
from firmware.power.minutes import Gauge, Sample
from firmware.power.sources import Believed, Seen
from firmware.power.until import Left

__all__ = ["BATTERIES", "Gauges"]

BATTERIES = ("nut", "snmp", "max1704x", "ina219", "mcu")
"""Kinds of sources that tell of one."""
EVERY_S = 10.0
DISCHARGE_MAX = 9_000
"""Samples of one discharge: 25 hours."""


class Gauges:
    """`kept`: what was learnt before, by source, as `learnt` gave it; what cannot be read of it is left out."""

    def __init__(self, sources: Iterable[Ups], kept: Mapping[str, str]) -> None:
        self._gauges = {ups.name: Gauge(_battery(ups, kept.get(ups.name))) for ups in sources if ups.kind in BATTERIES}
        self._discharge: dict[str, list[Sample]] = {}
        self._on_mains: dict[str, Sample] = {}  # the last of each, by which it is known how full it was
        self._fed_s: dict[str, float] = {}

    def feed(self, believed: Believed, now_s: float) -> dict[str, str]:
        """To be called at each look. What a discharge that has just ended has taught, by source, to be kept."""
        taught: dict[str, str] = {}
        for seen in believed.sources:
            gauge, reading = self._gauges.get(seen.name), seen.reading
            if gauge is None or reading is None:
                continue
            mains = next((believed.mains[part] for part in Part if part in seen.keeps and part in believed.mains), None)
            if mains in (None, Mains.UNKNOWN):
                continue
            discharging = mains is Mains.LOST
            if discharging == gauge.discharging and now_s - self._fed_s.get(seen.name, -EVERY_S) < EVERY_S:
                continue
            self._fed_s[seen.name] = now_s
            sample = Sample(
                at_s=now_s,
                discharging=discharging,
                volts=reading.volts,
                amps=reading.amps,
                watts=reading.watts,
                percent=reading.charge_percent,
                minutes=reading.minutes,
                celsius=reading.celsius,
            )
            if discharging:
                samples = self._discharge.setdefault(seen.name, [])
                if len(samples) < DISCHARGE_MAX:
                    samples.append(sample)
            else:
                samples, before = self._discharge.pop(seen.name, []), self._on_mains.get(seen.name)
                # Of one that was under way already when this process began nobody knows how full the battery was.
                if samples and before is not None:
                    battery = learn(gauge.battery, [before, *samples], died=False)
                    if battery != gauge.battery:
                        gauge.battery = battery
                        taught[seen.name] = json.dumps(battery.to_json())
                self._on_mains[seen.name] = sample
            gauge.feed(sample)
        return taught

    def left(self, seen: Seen) -> Left:
        """On mains, how long it would last from now."""
        gauge = self._gauges.get(seen.name)
        if gauge is None or seen.reading is None:
            return Left(why="unknown")
        return Left(*gauge.left())

    def battery(self, name: str) -> Battery | None:
        gauge = self._gauges.get(name)
        return None if gauge is None else gauge.battery


def _battery(ups: Ups, kept: str | None) -> Battery:
    if kept is not None:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return Battery.from_json(json.loads(kept))
    return Battery(chemistry=Chemistry(ups.chemistry), cells=ups.cells, full_wh=ups.capacity_wh or None)
