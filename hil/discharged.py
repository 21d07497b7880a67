"""Discharges for whoever reckons how long a battery lasts: real batteries' curves (discharges.toml), emptied by a load
that is as uneven as a unit's, and seen through gauges as bad as real ones.

The curve is the battery's, measured by others; ours are the load, the resistance, and what the gauges make of it. A
battery of the table of powers has no curve of its own: its energy by power is its maker's, its volts are a chart's."""

from __future__ import annotations

import math
import random
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from firmware.power.battery import Chemistry
from firmware.power.minutes import Sample

__all__ = ["Bank", "Discharge", "banks", "discharge"]

DATA = Path(__file__).with_name("discharges.toml")
LOOK_S = 10.0
CELL_NOISE_V = 0.008
STEP_V = 0.00125
"""Of a MAX17043."""
AGES = 0.01
"""Lost from one discharge to the next."""
GONE_SHARE = 1e-4

_Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A battery of `cells` in series. `powers`: (W, minutes), of one of the table of powers."""

    name: str
    held: bool
    chemistry: Chemistry
    cells: int
    wh: float
    ohms: float
    curve: _Points
    powers: _Points = ()
    mains_ups: bool = False

    @property
    def floor_v(self) -> float:
        """Of a cell under load: there its protection, or the UPS, lets go."""
        return {Chemistry.LI_ION: 3.05, Chemistry.LIFEPO4: 2.6, Chemistry.LEAD: 1.6}[self.chemistry]


@dataclass(frozen=True, slots=True)
class Discharge:
    """`samples` from mains lost to the end; `end_s` is when the battery gave nothing any more."""

    samples: tuple[Sample, ...]
    end_s: float


def banks() -> tuple[Bank, ...]:
    """All that there is data for."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    return (*map(_of_cell, data["cell"]), *map(_of_log, data["log"]), *_of_powers(data))


def discharge(bank: Bank, number: int, mean_w: float, seed: int) -> Discharge:
    """The `number`th of that battery (0 the first: it ages), at about that power."""
    chance = random.Random(f"{bank.name} {number} {seed}")
    drawn = _load(chance, mean_w)
    lies = random.Random(f"{bank.name} {seed}").uniform(-1, 1)  # of its gauge, the same each time
    full_wh = bank.wh * (1 - AGES) ** number
    share, at_s = 1.0, 0.0
    samples = [Sample(at_s=-LOOK_S, discharging=False, percent=100.0)]
    while True:
        watts = next(drawn)
        rest = _between(bank.curve, share) * bank.cells
        amps = _amps(rest, watts, bank.ohms)
        if amps is None or share <= GONE_SHARE:
            return Discharge(tuple(samples), at_s)
        volts = rest - amps * bank.ohms
        if volts < bank.floor_v * bank.cells:
            return Discharge(tuple(samples), at_s)
        samples.append(_seen(bank, chance, at_s, share, volts, amps, watts, lies, full_wh))
        lasts_h = _lasts_h(bank, watts, full_wh, number)
        share -= LOOK_S / 3600 / lasts_h
        at_s += LOOK_S


def _seen(
    bank: Bank,
    chance: random.Random,
    at_s: float,
    share: float,
    volts: float,
    amps: float,
    watts: float,
    lies: float,
    full_wh: float,
) -> Sample:
    shown = volts + chance.gauss(0, CELL_NOISE_V * bank.cells)
    if bank.mains_ups:
        # Whole percents by volts alone, load in percent of its rating, minutes of its own that forget the rate.
        low, high = bank.curve[0][1], bank.curve[-1][1]
        percent = min(max(round(100 * (shown / bank.cells - low) / (high - low)), 0), 100)
        rated = bank.powers[0][0] if bank.powers else 500.0
        loaded = max(round(100 * watts / rated), 1)
        own = max(round((1 + 0.3 * lies) * percent / 100 * full_wh / watts * 60), 0)
        return Sample(
            at_s=at_s, discharging=True, watts=loaded * rated / 100, percent=float(percent), minutes=float(own)
        )
    per_cell = round(shown / bank.cells / STEP_V) * STEP_V
    told = min(max(100 * (share + 0.12 * lies * math.sin(math.pi * share)), 0.0), 100.0)
    return Sample(
        at_s=at_s,
        discharging=True,
        volts=per_cell * bank.cells,
        amps=amps * chance.gauss(1, 0.01),
        percent=round(told * 256) / 256,
    )


def _load(chance: random.Random, mean_w: float) -> Iterator[float]:
    """Every LOOK_S: calls come and go, now and then something is shed or comes back."""
    base, calls = mean_w * chance.uniform(0.9, 1.0), chance.randrange(7)
    while True:
        if chance.random() < 0.02:
            calls = max(calls + chance.choice((-1, 1)), 0) if calls < 6 else calls - 1
        if chance.random() < 0.0008:
            base = mean_w * chance.uniform(0.85, 1.05)
        yield max(base * (1 + 0.01 * calls) * chance.gauss(1, 0.03), 0.1)


def _lasts_h(bank: Bank, watts: float, full_wh: float, number: int) -> float:
    if not bank.powers:
        return full_wh / watts
    age = (1 - AGES) ** number
    # On straight lines of the logarithms, and beyond the table as at its end.
    points = [(math.log(power), math.log(minutes)) for power, minutes in sorted(bank.powers)]
    wanted = math.log(watts)
    first, second = points[:2] if wanted <= points[0][0] else points[-2:]
    for low, high in pairwise(points):
        if low[0] <= wanted <= high[0]:
            first, second = low, high
    steep = (second[1] - first[1]) / (second[0] - first[0])
    return math.exp(first[1] + steep * (wanted - first[0])) / 60 * age


def _amps(rest: float, watts: float, ohms: float) -> float | None:
    """What flows at that power; None: it cannot be had."""
    if ohms <= 0:
        return watts / rest
    root = rest * rest - 4 * ohms * watts
    return (rest - math.sqrt(root)) / (2 * ohms) if root >= 0 else None


def _between(points: _Points, share: float) -> float:
    place = min(max(bisect_left([point[0] for point in points], share), 1), len(points) - 1)
    (low, low_v), (high, high_v) = points[place - 1], points[place]
    return low_v + (high_v - low_v) * (min(max(share, low), high) - low) / (high - low)


def _of_cell(entry: dict[str, Any]) -> Bank:
    lead = entry["chemistry"] == "lead"
    return Bank(
        name=entry["name"],
        held=entry["held"],
        chemistry=Chemistry(entry["chemistry"]),
        cells=6 if lead else 2,
        wh=86.0 if lead else 22.0,
        ohms=0.05,
        curve=[(share, volts) for share, volts in entry["curve"]],
    )


def _of_log(entry: dict[str, Any]) -> Bank:
    """Run down at an even power, so that time is share; its noise is smoothed by tens. Its volts were under load."""
    points = entry["points"]
    end_s = points[-1][0]
    means = [points[n : n + 5] for n in range(0, len(points), 5)]
    curve: list[tuple[float, float]] = sorted(
        (1 - sum(at_s for at_s, _ in some) / len(some) / end_s, sum(mv for _, mv in some) / len(some) / 1000)
        for some in means
    )
    rising = [(0.0, points[-1][1] / 1000)]
    for share, volts in curve:
        if share > rising[-1][0] and volts > rising[-1][1]:
            rising.append((share, volts))
    return Bank(
        name=entry["name"], held=entry["held"], chemistry=Chemistry(entry["chemistry"]), cells=1,
        wh=entry["watts"] * end_s / 3600, ohms=0.0, curve=rising,
    )  # fmt: skip


def _of_powers(data: dict[str, Any]) -> Iterator[Bank]:
    chart = next(cell for cell in data["cell"] if cell["chemistry"] == "lead")["curve"]
    for entry in data["power"]:
        powers = sorted(zip(entry["watts"], entry["minutes"], strict=True))
        watts, minutes = powers[len(powers) // 2]
        yield Bank(
            name=entry["name"], held=entry["held"], chemistry=Chemistry.LEAD, cells=6, wh=watts * minutes / 60,
            ohms=0.02, curve=[(share, volts) for share, volts in chart], powers=powers, mains_ups=True,
        )  # fmt: skip
