"""What each battery is known to hold as time goes by, and what discharges teach. Pure; times are monotonic seconds."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.ups.model import Mains, Part, Trouble
from firmware.config import Ups
from firmware.power.battery import Battery, Chemistry
from firmware.power.learning import Lesson, lesson
from firmware.power.minutes import Gauge, Sample
from firmware.power.sources import Believed, Seen
from firmware.power.until import Left

__all__ = ["BATTERIES", "Fed", "Gauges", "battery_of"]

BATTERIES = ("nut", "snmp", "max1704x", "ina219", "mcu")
"""Kinds of sources that tell of one."""
EVERY_S = 10.0
DISCHARGE_MAX = 9_000
"""Samples of one discharge: 25 hours."""
LOOK_EVERY_S = 60.0
"""Of a discharge so often one is for the disk: the process, or the machine, may end in it."""
RECHARGED_S = 12 * 3600.0
"""Of a source that says nothing of its charge: a battery that was used is full again after so long on mains."""


@dataclass(slots=True)
class Fed:
    """What is to be kept, by source: looks of discharges that go on, and those that are over, with what they taught."""

    looks: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    over: dict[str, Lesson | None] = field(default_factory=dict)


class Gauges:
    """`kept`: what was learnt before, by source, as it was kept; what cannot be read of it is left out. `under_way`:
    discharges that go on from the process before this one, each in order and with the look on mains before it."""

    def __init__(
        self, sources: Iterable[Ups], kept: Mapping[str, str], under_way: Mapping[str, Sequence[Sample]] | None = None
    ) -> None:
        self._gauges = {
            ups.name: Gauge(battery_of(ups, kept.get(ups.name))) for ups in sources if ups.kind in BATTERIES
        }
        self._discharge: dict[str, list[Sample]] = {}
        self._on_mains: dict[str, Sample] = {}  # the last of each, by which it is known how full it was
        self._fed_s: dict[str, float] = {}
        self._kept_s: dict[str, float] = {}
        self._used_s: dict[str, float] = {}
        """When each was last used, of those that say nothing of their charge."""
        for name, samples in (under_way or {}).items():
            for sample in samples:
                self._gauges[name].feed(sample)
            self._on_mains.update((name, each) for each in samples if not each.discharging)
            self._discharge[name] = [sample for sample in samples if sample.discharging]
            self._kept_s[name] = samples[-1].at_s

    def feed(self, believed: Believed, now_s: float) -> Fed:
        """To be called at each look."""
        fed = Fed()
        for seen in believed.sources:
            gauge, reading = self._gauges.get(seen.name), seen.reading
            if gauge is None or reading is None:
                continue
            mains = next((believed.mains[part] for part in Part if part in seen.keeps and part in believed.mains), None)
            # By its own order a UPS is on its battery while there is mains.
            ordered = reading.trouble == Trouble.CALIBRATING and reading.charging is False
            if mains in (None, Mains.UNKNOWN) and not ordered:
                continue
            discharging = mains is Mains.LOST or ordered
            if discharging == gauge.discharging and now_s - self._fed_s.get(seen.name, -math.inf) < EVERY_S:
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
                self._note(seen.name, sample, fed)
            else:
                if seen.name in self._discharge:
                    fed.over[seen.name] = self._end(seen.name, gauge, sample)
                self._on_mains[seen.name] = sample
            gauge.feed(sample)
        return fed

    def _note(self, name: str, sample: Sample, fed: Fed) -> None:
        begins = name not in self._discharge
        samples = self._discharge.setdefault(name, [])
        if len(samples) < DISCHARGE_MAX:
            samples.append(sample)
        if begins or sample.at_s - self._kept_s[name] >= LOOK_EVERY_S:
            self._kept_s[name] = sample.at_s
            before = self._before(name) if begins else None
            fed.looks[name] = (sample,) if before is None else (before, sample)

    def _before(self, name: str) -> Sample | None:
        """The look on mains by which it is known how full it was; of a battery that was used not long ago and tells
        nothing of its charge nobody knows."""
        before = self._on_mains.get(name)
        if before is None or before.percent is not None:
            return before
        return before if before.at_s - self._used_s.get(name, -RECHARGED_S) >= RECHARGED_S else None

    def _end(self, name: str, gauge: Gauge, now: Sample) -> Lesson | None:
        """Of one that was under way already when this process began nobody knows how full the battery was."""
        samples, before = self._discharge.pop(name), self._before(name)
        self._used_s[name] = now.at_s
        taught = lesson(gauge.battery, [before, *samples], died=False) if before is not None else None
        if taught is not None:
            gauge.battery = taught.battery
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


def battery_of(ups: Ups, kept: str | None) -> Battery:
    """What was learnt of it, or, where that is nothing or cannot be read, as its label says."""
    if kept is not None:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return Battery.from_json(json.loads(kept))
    return Battery(chemistry=Chemistry(ups.chemistry), cells=ups.cells, full_wh=ups.capacity_wh or None)
