"""What a discharge teaches about its battery. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from firmware.power.battery import Battery, Curve, at, curve_of
from firmware.power.minutes import GAP_MAX_S, SETTLES_S, Gauge, Sample, amps_of, power_of

__all__ = ["learn"]

DEPTH_LEAST = 0.3
"""A discharge of less than so much of the battery teaches nothing of how much it holds."""
LASTED_LEAST_S = 300.0
KEEPS = 0.5
"""Of what was known before, at each new lesson: a battery ages."""
SPREAD_LEAST, SPREAD_FIRST = 0.025, 0.06
ENDS_MAX = 8
RATIO_LEAST = 1.25
"""Two discharges whose power differs by less than this say nothing of how energy shrinks with it."""
STEP_AMPS = 0.1
"""Of the mean: what changes by less tells the resistance badly."""
STEP_S = 20.0
STEPS_LEAST = 20
OWN_LEAST_MIN = 5.0
GRID = 24


class _Point(NamedTuple):
    at_s: float
    drawn_wh: float
    sample: Sample


def learn(battery: Battery, samples: Sequence[Sample], *, died: bool) -> Battery:
    """After one discharge, from mains lost to its end, in order. `died`: it ended because nothing was left; else mains
    came back, or the unit halted."""
    points = _points(battery, samples)
    if len(points) < 2 or points[-1].at_s - points[0].at_s < LASTED_LEAST_S or points[-1].drawn_wh <= 0:
        return battery
    mean_w = points[-1].drawn_wh * 3600 / (points[-1].at_s - points[0].at_s)
    known = replace(battery, ohms=_ohms(battery, samples), reference_w=battery.reference_w or mean_w)
    began, ended = _share_at_start(battery, samples[0]), 0.0 if died else _share_at_end(battery, samples)
    depth = began - ended
    if depth < DEPTH_LEAST or (not died and not battery.discharges and battery.full_wh is None):
        return known
    known = _energy(known, points, depth, mean_w, died=died)
    shares = [(point, ended + depth * (1 - point.drawn_wh / points[-1].drawn_wh)) for point in points]
    settled = [(point, share) for point, share in shares if point.at_s - points[0].at_s >= SETTLES_S]
    rested = [
        (known.rest_volts(point.sample.volts, amps), share)
        for point, share in settled
        if point.sample.volts is not None and (amps := amps_of(point.sample)) is not None
    ]
    said = [(point.sample.percent, share) for point, share in shares if point.sample.percent is not None]
    known = replace(known, curve=_joined(known.curve, rested), percent=_joined(known.percent, said))
    if died:
        known = _own(known, points)
    return replace(known, discharges=min(known.discharges + 1, 10_000))


def _points(battery: Battery, samples: Sequence[Sample]) -> list[_Point]:
    """With what had been drawn until then, as if at the power of reference."""
    found: list[_Point] = []
    drawn = 0.0
    for before, now in itertools.pairwise(samples):
        watts, step_s = power_of(before), now.at_s - before.at_s
        if not now.discharging or watts is None or not 0 < step_s <= GAP_MAX_S:
            continue
        reference = battery.full_wh or 1.0
        drawn += watts * step_s / 3600 * reference / (battery.full_at(watts, now.celsius) or reference)
        found.append(_Point(now.at_s, drawn, now))
    return found


def _share_at_start(battery: Battery, sample: Sample) -> float:
    if sample.percent is None or sample.percent >= 97:
        return 1.0
    return battery.share_by_percent(sample.percent)


def _share_at_end(battery: Battery, samples: Sequence[Sample]) -> float:
    gauge = Gauge(battery)
    for sample in samples:
        gauge.feed(sample)
    return gauge.share


def _energy(battery: Battery, points: Sequence[_Point], depth: float, mean_w: float, *, died: bool) -> Battery:
    seen = points[-1].drawn_wh / depth
    if battery.full_wh is None or not battery.discharges:
        full, spread = seen, SPREAD_FIRST
    else:
        wrong = abs(seen - battery.full_wh) / battery.full_wh
        full = KEEPS * battery.full_wh + (1 - KEEPS) * seen
        spread = max(math.hypot(battery.spread * 0.7, wrong * 0.5), SPREAD_LEAST)
    ends = battery.ends
    if died:
        raw = sum(
            (power_of(before.sample) or 0.0) * (now.at_s - before.at_s) / 3600
            for before, now in itertools.pairwise(points)
        )
        ends = (*ends, (mean_w, raw / depth))[-ENDS_MAX:]
    return replace(battery, full_wh=full, spread=min(spread, 1.0), ends=ends, exponent=_exponent(battery, ends))


def _exponent(battery: Battery, ends: Sequence[tuple[float, float]]) -> float | None:
    """By the two whose powers differ most; leaning on what is so of the kind where they differ little."""
    if len(ends) < 2:
        return battery.exponent
    (low_w, low_wh), (high_w, high_wh) = min(ends), max(ends)
    if high_w < low_w * RATIO_LEAST or not low_wh or not high_wh:
        return battery.exponent
    seen = 1 - math.log(high_wh / low_wh) / math.log(high_w / low_w)
    weight = min(math.log(high_w / low_w) / math.log(2), 1.0) * 0.8
    return min(max((1 - weight) * battery.kind.exponent + weight * seen, 1.0), 1.8)


def _ohms(battery: Battery, samples: Sequence[Sample]) -> float | None:
    """By how volts answer where what flows changes in a step."""
    steps = []
    for before, now in itertools.pairwise(samples):
        first, second = amps_of(before), amps_of(now)
        if None in (first, second, before.volts, now.volts) or now.at_s - before.at_s > STEP_S:
            continue
        assert first is not None
        assert second is not None
        assert before.volts is not None
        assert now.volts is not None
        if abs(second - first) > STEP_AMPS * max(abs(first), abs(second), 1e-6):
            steps.append((second - first, before.volts - now.volts))
    if len(steps) < STEPS_LEAST:
        return battery.ohms
    seen = math.fsum(amps * volts for amps, volts in steps) / math.fsum(amps * amps for amps, _ in steps)
    if not 0 < seen < 10 * battery.resistance:
        return battery.ohms
    return seen if battery.ohms is None else KEEPS * battery.ohms + (1 - KEEPS) * seen


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
