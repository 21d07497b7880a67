"""What a discharge teaches about its battery. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from firmware.power.battery import DISCHARGES_MAX, Battery, Curve, at, curve_of
from firmware.power.minutes import FULL_PERCENT, GAP_MAX_S, OWN_LEAST_MIN, SETTLES_S, Gauge, Sample, amps_of, power_of

__all__ = ["Lesson", "learn", "lesson"]

DEPTH_LEAST = 0.3
"""A discharge of less than so much of the battery teaches nothing of how much it holds."""
LASTED_LEAST_S = 300.0
KEEPS = 0.4
"""Of what was known before, at each new lesson: a battery ages."""
SPREAD_LEAST, SPREAD_FIRST = 0.025, 0.06
ENDS_MAX = 8
ERROR_LEAST = 0.01
EXPONENT_LEAST, EXPONENT_MOST = 1.0, 1.8
RATIO_LEAST = 1.25
"""Two discharges whose power differs by less than this say nothing of how energy shrinks with it."""
RATIO_HALF = 0.25
"""Two whose powers' logarithms differ by so much are believed as much as what is so of the kind."""
STEP_AMPS = 0.03
"""Of what flows: what changes by less is a gauge's own noise."""
OHMS_ERROR, OHMS_UNSEEN_ERROR = 0.2, 1.0
"""Of the resistance that was known before, as share of it."""
STEP_S = 20.0
STEPS_LEAST = 20
GRID = 24


class Lesson(NamedTuple):
    """What a discharge has taught: the battery, as it is kept, and what it holds, if that was learnt."""

    battery: Battery
    wh: float | None

    @property
    def learnt(self) -> str:
        return json.dumps(self.battery.to_json())


class _Point(NamedTuple):
    at_s: float
    drawn_wh: float
    sample: Sample


def learn(battery: Battery, samples: Sequence[Sample], *, died: bool) -> Battery:
    """After one discharge, in order: some looks on mains before it, by which it is known how full it was, and all until
    its end. `died`: it ended because nothing was left; else mains came back, or the unit halted."""
    points = _points(samples)
    if len(points) < 2 or points[-1].at_s - points[0].at_s < LASTED_LEAST_S or points[-1].drawn_wh <= 0:
        return battery
    mean_w = points[-1].drawn_wh * 3600 / (points[-1].at_s - points[0].at_s)
    known = replace(battery, ohms=_ohms(battery, samples), reference_w=battery.reference_w or mean_w)
    began, ended = _share_at_start(samples), 0.0 if died else _share_at_end(battery, samples)
    depth = began - ended
    if depth < DEPTH_LEAST or (not died and not battery.discharges and battery.full_wh is None):
        return known
    known = _energy(known, points[-1].drawn_wh / depth, mean_w)
    shares = [(point, ended + depth * (1 - point.drawn_wh / points[-1].drawn_wh)) for point in points]
    rested = [
        (known.rest_volts(point.sample.volts, amps), share)
        for point, share in shares
        if point.at_s - points[0].at_s >= SETTLES_S
        and point.sample.volts is not None
        and (amps := amps_of(point.sample)) is not None
    ]
    said = [(point.sample.percent, share) for point, share in shares if point.sample.percent is not None]
    known = replace(
        known,
        curve=_joined(known.curve, rested),
        curve_error=_error(known.curve, rested, known.curve_error),
        percent=_joined(known.percent, said),
        percent_error=_error(known.percent, said, known.percent_error),
    )
    if died:
        known = _own(known, points)
    return replace(known, discharges=min(known.discharges + 1, DISCHARGES_MAX))


def lesson(battery: Battery, samples: Sequence[Sample], *, died: bool) -> Lesson | None:
    """The same, for who keeps it; None: nothing was learnt."""
    taught = learn(battery, samples, died=died)
    if taught == battery:
        return None
    return Lesson(taught, taught.full_wh if taught.discharges > battery.discharges else None)


def _points(samples: Sequence[Sample]) -> list[_Point]:
    """With what had been drawn until then."""
    found: list[_Point] = []
    drawn = 0.0
    for before, now in pairwise(samples):
        watts, step_s = power_of(before), now.at_s - before.at_s
        if before.discharging and now.discharging and watts is not None and 0 < step_s <= GAP_MAX_S:
            drawn += watts * step_s / 3600
            found.append(_Point(now.at_s, drawn, now))
    return found


def _share_at_start(samples: Sequence[Sample]) -> float:
    """Under load a gauge says too little: what it said on mains counts."""
    on_mains = next((sample for sample in samples if not sample.discharging and sample.percent is not None), None)
    if on_mains is None or on_mains.percent is None or on_mains.percent >= FULL_PERCENT:
        return 1.0
    return on_mains.percent / 100


def _share_at_end(battery: Battery, samples: Sequence[Sample]) -> float:
    gauge = Gauge(battery)
    for sample in samples:
        gauge.feed(sample)
    return gauge.share


def _energy(battery: Battery, seen_wh: float, mean_w: float) -> Battery:
    """What a full one gives at the power of reference: of the discharges that are known, the newer the more."""
    ends = (*battery.ends, (mean_w, seen_wh))[-ENDS_MAX:]
    exponent = _exponent(battery, ends)
    shrinks = battery.kind.exponent if exponent is None else exponent
    reference = battery.reference_w or mean_w
    full, weight = 0.0, 0.0
    for watts, wh in ends:
        full, weight = full * KEEPS + wh * (watts / reference) ** (shrinks - 1), weight * KEEPS + 1
    foreseen = battery.full_at(mean_w) if battery.discharges else None
    spread = SPREAD_FIRST
    if foreseen is not None:
        spread = max(math.hypot(battery.spread, abs(seen_wh - foreseen) / foreseen) / math.sqrt(2), SPREAD_LEAST)
    return replace(battery, full_wh=full / weight, spread=min(spread, 1.0), ends=ends, exponent=exponent)


def _exponent(battery: Battery, ends: Sequence[tuple[float, float]]) -> float | None:
    """By the two whose powers differ most; leaning on what is so of the kind where they differ little."""
    (low_w, low_wh), (high_w, high_wh) = min(ends), max(ends)
    if high_w < low_w * RATIO_LEAST:
        return battery.exponent
    apart = math.log(high_w / low_w)
    seen = 1 - math.log(high_wh / low_wh) / apart
    weight = apart**2 / (apart**2 + RATIO_HALF**2)
    return min(max((1 - weight) * battery.kind.exponent + weight * seen, EXPONENT_LEAST), EXPONENT_MOST)


def _ohms(battery: Battery, samples: Sequence[Sample]) -> float | None:
    """By how volts answer where what flows changes from one look to the next; weighed with what was known by how sure
    either is."""
    steps = []
    for before, now in pairwise(samples):
        first, second = amps_of(before), amps_of(now)
        if first is None or second is None or before.volts is None or now.volts is None:
            continue
        if now.at_s - before.at_s <= STEP_S and abs(second - first) > STEP_AMPS * max(abs(first), abs(second)):
            steps.append((second - first, before.volts - now.volts))
    square = math.fsum(amps * amps for amps, _ in steps)
    if len(steps) < STEPS_LEAST or not square:
        return battery.ohms
    seen = math.fsum(amps * volts for amps, volts in steps) / square
    wrong = math.fsum((volts - amps * seen) ** 2 for amps, volts in steps) / len(steps) / square  # its variance
    before_wrong = (battery.resistance * (OHMS_UNSEEN_ERROR if battery.ohms is None else OHMS_ERROR)) ** 2
    gain = before_wrong / (before_wrong + wrong)
    return max(battery.resistance + gain * (seen - battery.resistance), 0.0)


def _error(known: Curve, seen: Sequence[tuple[float, float]], before: float) -> float:
    """How far off the curve would have been, had it been asked; half of what is so of its kind after the first time."""
    if not seen:
        return before
    if not known:
        return before / 2
    wrong = math.sqrt(math.fsum((at(known, value) - share) ** 2 for value, share in seen) / len(seen))
    return max(math.hypot(wrong, before / 2) / math.sqrt(1.25), ERROR_LEAST)


def _joined(known: Curve, seen: Sequence[tuple[float, float]]) -> Curve:
    """What was known is kept where nothing was seen now, and halved where it was."""
    taught = curve_of(seen)
    if not taught:
        return known
    if not known:
        return taught
    low, high = taught[0][1], taught[-1][1]
    turned_known, turned_taught = (
        [(share, value) for value, share in known],
        [(share, value) for value, share in taught],
    )
    points = []
    for step in range(GRID + 1):
        share = step / GRID
        there = turned_known[0][0] - 0.03 <= share <= turned_known[-1][0] + 0.03
        now = low - 0.03 <= share <= high + 0.03
        values = [
            at(tuple(sorted(curve)), share) for curve, has in ((turned_known, there), (turned_taught, now)) if has
        ]
        if values:
            points.append((math.fsum(values) / len(values), share))
    return curve_of(points) or known


def _own(battery: Battery, points: Sequence[_Point]) -> Battery:
    """What the UPS's own minutes were worth."""
    end_s = points[-1].at_s
    ratios = [
        (end_s - point.at_s) / 60 / point.sample.minutes
        for point in points
        if point.sample.minutes is not None
        and point.sample.minutes >= OWN_LEAST_MIN
        and end_s - point.at_s >= OWN_LEAST_MIN * 60
    ]
    if not ratios:
        return battery
    mean = math.fsum(ratios) / len(ratios)
    spread = math.sqrt(math.fsum((ratio - mean) ** 2 for ratio in ratios) / len(ratios)) / mean
    if battery.own is None:
        return replace(battery, own=mean, own_spread=max(spread, 0.1))
    wrong = abs(mean - battery.own) / battery.own
    return replace(
        battery,
        own=KEEPS * battery.own + (1 - KEEPS) * mean,
        own_spread=max(KEEPS * battery.own_spread + (1 - KEEPS) * spread, wrong * 0.7, 0.05),
    )
