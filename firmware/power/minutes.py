"""How long a battery lasts: what is left of it by what was drawn, set right by its volts, its gauge and the UPS's own
figure, each as far as this battery has shown that it can be believed. Pure.

What is shown as certain is the lower end: it is to be too high at most once in fifty looks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from firmware.power.battery import Battery, Curve, slope

__all__ = ["Gauge", "Minutes", "Sample", "amps_of", "estimate", "power_of"]

SURE = 2.4
"""Standard deviations between what is likely and what is certain."""
WINDOW_S = 90.0
"""Volts and percent are the mean of so long: what draws unevenly moves both."""
SETTLES_S = 60.0
"""After mains is lost the volts fall for so long from where the charger held them."""
LOOKS_EVERY_S = 60.0
"""So often volts, percent and the UPS's own figure set right what was counted."""
GAP_MAX_S = 300.0
"""A gap longer than this is not counted: nobody knows what was drawn in it."""
LOAD_S = 900.0
"""What is drawn is foreseen to go on as in so long,"""
LOAD_SOON_S = 120.0
"""or as in so long, where that is more."""
MINUTES_MAX = 7 * 24 * 60.0
CELL_NOISE_V = 0.006
"""Of a gauge, after WINDOW_S."""
RESISTANCE_ERROR = 0.15
RESISTANCE_UNSEEN_ERROR = 0.5
"""Of what is put back for the load."""
ALIKE_SHARE = 0.2
"""What sets right is wrong in the same way while so much is drawn: only then is another look as good as the first."""
BEGINS_FULL, BEGINS_ERROR, BEGINS_UNSEEN_ERROR = 0.95, 0.02, 0.25
FULL_PERCENT = 97.0
RATE_LEAST_PERCENT = 5.0
"""Of a battery of which nothing is known, percent must have fallen by so much before time is reckoned from it."""
OWN_LEAST_ERROR = 0.02
OWN_LEAST_MIN = 5.0
"""Below it a UPS's own minutes tell nothing but that they are few."""
OWN_UNSEEN, OWN_UNSEEN_ERROR = 0.8, 0.4
"""A UPS's own minutes, before a discharge has shown what they are worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look, `at_s` monotonic. None is "not known". `amps` out of the battery are positive; `watts` are what is
    drawn from it; `percent` and `minutes` are what gauge and UPS say themselves."""

    at_s: float
    discharging: bool
    volts: float | None = None
    amps: float | None = None
    watts: float | None = None
    percent: float | None = None
    minutes: float | None = None
    celsius: float | None = None


class Minutes(NamedTuple):
    """Minutes; all None where nothing is known. `lower` is certain, `upper` hardly to be had. `why`: what it rests on:
    learnt, label, own (the UPS's figure), rate (how percent falls), unknown."""

    lower: float | None
    likely: float | None
    upper: float | None
    why: str


UNKNOWN = Minutes(None, None, None, "unknown")


def estimate(battery: Battery, samples: Iterable[Sample], load_w: float | None = None) -> Minutes:
    """After these samples, in order; `load_w`: if so much were drawn from now on."""
    gauge = Gauge(battery)
    for sample in samples:
        gauge.feed(sample)
    return gauge.left(load_w)


class Gauge:
    """One battery as time goes by; `feed` costs the same however long it has been going."""

    def __init__(self, battery: Battery) -> None:
        self.battery = battery
        self.share, self.variance = BEGINS_FULL, BEGINS_UNSEEN_ERROR**2
        self._counted = 0.0  # share drawn since it was set right
        self._since_look, self._first_look = 0.0, True
        self._rested = False  # on mains it was seen how full it is
        self._began_s: float | None = None
        self._looked_s = 0.0
        self._last: Sample | None = None
        self._watts: deque[tuple[float, float]] = deque()
        self._window: deque[Sample] = deque()
        self._percent_at_start: tuple[float, float] | None = None

    @property
    def discharging(self) -> bool:
        return self._began_s is not None

    def feed(self, sample: Sample) -> None:
        """In order of time; what is not later than the last is passed over."""
        last = self._last
        if last is not None and sample.at_s <= last.at_s:
            return
        self._last = sample
        if not sample.discharging:
            self._began_s = None
            self._window.clear()
            self._rests(sample)
            return
        if self._began_s is None:
            self._begin(sample)
        elif last is not None and last.discharging and sample.at_s - last.at_s <= GAP_MAX_S:
            self._draw(last, sample)
        self._note(sample)
        if sample.at_s - self._looked_s >= LOOKS_EVERY_S and sample.at_s - (self._began_s or 0.0) >= SETTLES_S:
            self._looked_s = sample.at_s
            self._look(sample)

    def left(self, load_w: float | None = None) -> Minutes:
        """On mains, how long it would last from now."""
        sample, battery = self._last, self.battery
        if sample is None:
            return UNKNOWN
        watts = load_w if load_w is not None else self._load(LOAD_S)
        soon = load_w if load_w is not None else self._load(LOAD_SOON_S)
        full = battery.full_at(watts, sample.celsius) if watts else None
        if full is None or not watts or not soon:
            return self._unmeasured(sample)
        likely = 60 * self.share * full / watts
        most = max(watts, soon)
        hurried = 60 * self.share * (battery.full_at(most, sample.celsius) or full) / most
        error = math.hypot(self._error() / max(self.share, 1e-3), battery.spread)
        return Minutes(
            _bounded(min(likely, hurried) * (1 - SURE * error)),
            _bounded(likely),
            _bounded(likely * (1 + SURE * error)),
            "learnt" if battery.discharges else "label",
        )

    # ---- one step each

    def _rests(self, sample: Sample) -> None:
        """On mains: full, or as its gauge says, which is right there or nowhere."""
        if sample.watts is not None:
            self._note_watts(sample)
        if sample.percent is not None:
            full = sample.percent >= FULL_PERCENT
            self.share = 1.0 if full else min(max(sample.percent / 100, 0.0), 1.0)
            self.variance = (BEGINS_ERROR if full else self.battery.percent_error) ** 2
            self._counted, self._rested = 0.0, True

    def _begin(self, sample: Sample) -> None:
        self._began_s = self._looked_s = sample.at_s
        self._percent_at_start = None if sample.percent is None else (sample.at_s, sample.percent)
        if not self._rested:
            self.share = BEGINS_FULL if sample.percent is None else self.battery.share_by_percent(sample.percent)
            self.variance = BEGINS_UNSEEN_ERROR**2
        self._rested, self._first_look, self._since_look = False, True, 0.0

    def _draw(self, before: Sample, now: Sample) -> None:
        watts = power_of(before)
        full = self.battery.full_at(watts, now.celsius) if watts is not None else None
        if watts is not None and full is not None:
            drawn = watts * (now.at_s - before.at_s) / 3600 / full
            self.share = max(self.share - drawn, 0.0)
            self._counted += drawn
            self._since_look += drawn

    def _note(self, sample: Sample) -> None:
        self._note_watts(sample)
        self._window.append(sample)
        while self._window[0].at_s < sample.at_s - WINDOW_S:
            self._window.popleft()

    def _note_watts(self, sample: Sample) -> None:
        watts = power_of(sample)
        if watts is not None:
            self._watts.append((sample.at_s, watts))
        while self._watts and self._watts[0][0] < sample.at_s - LOAD_S:
            self._watts.popleft()

    def _look(self, sample: Sample) -> None:
        fresh = 1.0 if self._first_look else min(self._since_look / ALIKE_SHARE, 1.0)
        self._first_look, self._since_look = False, 0.0
        if fresh > 0:
            for share, error in self._measured(sample):
                self._set_right(share, error / math.sqrt(fresh))

    def _measured(self, sample: Sample) -> Iterator[tuple[float, float]]:
        """Each share that is seen, and how far off it may be."""
        battery = self.battery
        rested = [
            (battery.rest_volts(each.volts, amps), amps)
            for each in self._window
            if each.volts is not None and (amps := amps_of(each)) is not None
        ]
        if rested:
            rest = math.fsum(volts for volts, _ in rested) / len(rested)
            put_back = rest - math.fsum(each.volts or 0 for each in self._window if each.volts is not None) / (
                len(rested) * battery.cells
            )
            wrong = RESISTANCE_ERROR if battery.ohms is not None or battery.curve else RESISTANCE_UNSEEN_ERROR
            volts = math.hypot(CELL_NOISE_V, put_back * wrong)
            steep = slope(battery.curve or battery.kind.volts, rest)
            share = battery.share_by_volts(rest)
            yield share, math.hypot(volts * steep, battery.curve_error, _beyond(battery.curve, rest))
        if sample.percent is not None:
            yield (
                battery.share_by_percent(sample.percent),
                math.hypot(battery.percent_error, _beyond(battery.percent, sample.percent)),
            )
        if sample.minutes is not None and sample.minutes >= OWN_LEAST_MIN and battery.own is not None:
            watts = self._load(LOAD_S)
            full = battery.full_at(watts, sample.celsius) if watts else None
            if full and watts:
                share = sample.minutes * battery.own * watts / 60 / full
                yield min(share, 1.0), max(share * battery.own_spread, OWN_LEAST_ERROR)

    def _set_right(self, share: float, error: float) -> None:
        """By what was measured otherwise (a Kalman filter of one number)."""
        variance = self._error() ** 2
        gain = variance / (variance + error**2)
        self.share = min(max(self.share + gain * (share - self.share), 0.0), 1.0)
        self.variance = (1 - gain) * variance
        self._counted = 0.0

    # ---- what it knows

    def _error(self) -> float:
        return math.hypot(math.sqrt(self.variance), self._counted * self.battery.spread)

    def _load(self, within_s: float) -> float | None:
        if not self._watts:
            return None
        since = self._watts[-1][0] - within_s
        found = [watts for at_s, watts in self._watts if at_s >= since]
        return math.fsum(found) / len(found)

    def _unmeasured(self, sample: Sample) -> Minutes:
        """Of a battery whose energy or load nobody knows."""
        if sample.minutes is not None:
            ratio, error = self.battery.own or OWN_UNSEEN, self.battery.own_spread
            error = error if self.battery.own is not None else OWN_UNSEEN_ERROR
            likely = sample.minutes * ratio
            return Minutes(
                _bounded(likely * (1 - min(SURE * error, 0.9))),
                _bounded(likely),
                _bounded(likely * (1 + SURE * error)),
                "own",
            )
        if self._percent_at_start is not None and sample.percent is not None and sample.discharging:
            since, percent = self._percent_at_start
            fallen = percent - sample.percent
            if fallen >= RATE_LEAST_PERCENT:
                likely = sample.percent * (sample.at_s - since) / 60 / fallen
                return Minutes(_bounded(likely * 0.4), _bounded(likely), _bounded(likely * 1.6), "rate")
        return UNKNOWN


def power_of(sample: Sample) -> float | None:
    if sample.watts is not None:
        return max(sample.watts, 0.0)
    if sample.volts is not None and sample.amps is not None:
        return max(sample.volts * sample.amps, 0.0)
    return None


def amps_of(sample: Sample) -> float | None:
    if sample.amps is not None:
        return sample.amps
    return sample.watts / sample.volts if sample.watts is not None and sample.volts else None


def _beyond(curve: Curve, value: float) -> float:
    """How much less a share is known where the curve has ended: a gauge that says 0 may say so for long."""
    if not curve:
        return 0.0
    low, high = curve[0], curve[-1]
    return low[1] if value <= low[0] else 1 - high[1] if value >= high[0] else 0.0


def _bounded(minutes: float) -> float:
    return min(max(minutes, 0.0), MINUTES_MAX)
