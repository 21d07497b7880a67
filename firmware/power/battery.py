"""What is known of a battery, and what its discharges have taught. Pure.

A share is what is left of a full battery, 0 to 1, by energy. Voltages are of one cell, at rest: what is measured under
load is put back by the battery's resistance."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Self

__all__ = ["Battery", "Chemistry", "Curve", "Kind", "curve_of"]

POINTS_MAX = 64
DISCHARGES_MAX = 10_000
FULL_MAX_WH = 1_000_000.0

Curve = tuple[tuple[float, float], ...]
"""(value, share), both rising: volts of a cell at rest, or what a gauge calls its percent."""


class Chemistry(StrEnum):
    LI_ION = "li-ion"
    LIFEPO4 = "lifepo4"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is so of a chemistry before a battery has been seen. `volts`: share by volts at rest; `ohms`: of one cell of
    `ohms_wh`, less where there is more; `exponent`: the energy shrinks as power to 1 - exponent; `cold`: what is lost
    for each degree below 25."""

    volts: Curve
    ohms: float
    ohms_wh: float
    exponent: float
    cold: float


KINDS: Mapping[Chemistry, Kind] = MappingProxyType(
    {
        Chemistry.LI_ION: Kind(
            ((3.0, 0.0), (3.3, 0.05), (3.45, 0.12), (3.55, 0.22), (3.65, 0.38), (3.75, 0.52), (3.9, 0.70), (4.05, 0.88),
             (4.18, 1.0)), 0.07, 10.0, 1.04, 0.006,
        ),
        Chemistry.LIFEPO4: Kind(
            ((2.6, 0.0), (3.0, 0.04), (3.15, 0.10), (3.22, 0.20), (3.26, 0.35), (3.29, 0.60), (3.32, 0.85), (3.4, 1.0)),
            0.05, 10.0, 1.03, 0.008,
        ),
        Chemistry.LEAD: Kind(
            ((1.78, 0.0), (1.88, 0.12), (1.94, 0.25), (2.0, 0.45), (2.05, 0.65), (2.1, 0.88), (2.13, 1.0)),
            0.02, 14.0, 1.25, 0.008,
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """One battery, or a UPS's bank. `full_wh`: what it gives when full, at `reference_w` and 25 °C; None: not known at
    all; `spread`: the relative standard deviation of that. `curve`, `percent`: what it has taught by its volts and by
    its gauge's percent, empty: nothing yet; `curve_error`, `percent_error`: how far off each was, as share, when it was
    last put to the test. `own`: truth by each minute that the UPS itself gave, and `own_spread`. `ends`: (W, Wh) of
    whole discharges, for how its energy shrinks with power."""

    chemistry: Chemistry = Chemistry.LI_ION
    cells: int = 1
    full_wh: float | None = None
    spread: float = 0.35
    reference_w: float | None = None
    ohms: float | None = None
    exponent: float | None = None
    curve: Curve = ()
    curve_error: float = 0.1
    percent: Curve = ()
    percent_error: float = 0.15
    own: float | None = None
    own_spread: float = 0.5
    discharges: int = 0
    ends: tuple[tuple[float, float], ...] = field(default=())

    @property
    def kind(self) -> Kind:
        return KINDS[self.chemistry]

    @property
    def shrinks(self) -> float:
        return self.kind.exponent if self.exponent is None else self.exponent

    @property
    def resistance(self) -> float:
        """Of the whole battery, ohms; of one that was not measured as its kind has it."""
        if self.ohms is not None:
            return self.ohms
        parallel = max((self.full_wh or 0.0) / self.cells / self.kind.ohms_wh, 0.5)
        return self.kind.ohms * self.cells / parallel

    def rest_volts(self, volts: float, amps: float) -> float:
        """Of a cell, from what stands at the terminals while so much flows out."""
        return (volts + amps * self.resistance) / self.cells

    def share_by_volts(self, rest: float) -> float:
        return at(self.curve or self.kind.volts, rest)

    def share_by_percent(self, percent: float) -> float:
        return at(self.percent, percent) if self.percent else min(max(percent / 100, 0.0), 1.0)

    def full_at(self, watts: float, celsius: float | None = None) -> float | None:
        """What it gives at that power, Wh."""
        if self.full_wh is None:
            return None
        reference = self.reference_w
        shrunk = (watts / reference) ** (1 - self.shrinks) if reference and watts > 0 else 1.0
        cold = 1 - self.kind.cold * max(25.0 - celsius, 0.0) if celsius is not None else 1.0
        return self.full_wh * min(max(shrunk, 0.3), 2.0) * max(cold, 0.4)

    def to_json(self) -> dict[str, Any]:
        return {
            each.name: [list(point) for point in value] if isinstance(value, tuple) else value
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Raises ValueError, which names the field."""
        if not isinstance(value, dict):
            raise ValueError("battery: no object")
        known: dict[str, Any] = {}
        for name, kept in value.items():
            reader = _READERS.get(str(name))
            if reader is None:
                raise ValueError(f"battery {str(name)[:20]!r}: not known")
            try:
                known[name] = reader(kept)
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"battery {name}: {error}") from None
        return cls(**known)


def at(curve: Curve, value: float) -> float:
    """Between its points on a straight line, beyond them as at the last."""
    if value <= curve[0][0]:
        return curve[0][1]
    if value >= curve[-1][0]:
        return curve[-1][1]
    after = bisect_left(curve, (value,))
    (low, low_share), (high, high_share) = curve[after - 1], curve[after]
    return low_share + (high_share - low_share) * (value - low) / (high - low)


def slope(curve: Curve, value: float) -> float:
    """How much share there is in one volt, or percent, there; both sides of a corner are looked at."""
    width = max((curve[-1][0] - curve[0][0]) / 50, 1e-6)
    return max((at(curve, value + width) - at(curve, value - width)) / (2 * width), 0.0)


def curve_of(points: Sequence[tuple[float, float]], count: int = 40) -> Curve:
    """A rising curve through what was seen: of equal shares the mean of the values, made to rise (pool adjacent
    violators). Fewer than two: empty."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for value, share in points:
        bins.setdefault(min(int(share * count), count - 1), []).append((value, share))
    rows = [
        (math.fsum(value for value, _ in found) / len(found), math.fsum(share for _, share in found) / len(found))
        for _, found in sorted(bins.items())
    ]
    pooled: list[list[float]] = []  # value, share, weight
    for value, share in rows:
        pooled.append([value, share, 1.0])
        while len(pooled) > 1 and pooled[-1][0] <= pooled[-2][0]:
            last, before = pooled.pop(), pooled.pop()
            weight = last[2] + before[2]
            pooled.append([(last[n] * last[2] + before[n] * before[2]) / weight for n in (0, 1)] + [weight])
    return tuple((value, share) for value, share, _ in pooled) if len(pooled) > 1 else ()


def _number(least: float, most: float) -> Any:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"not a number of {least:g} to {most:g}")
        return float(value)

    return read


def _whole(least: int, most: int) -> Any:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"not a whole number of {least} to {most}")
        return value

    return read


def _points(value: object) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list) or len(value) > POINTS_MAX:
        raise ValueError(f"not a list of at most {POINTS_MAX}")
    read = _number(0.0, FULL_MAX_WH)
    for point in value:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError("not pairs")
    return tuple((read(first), read(second)) for first, second in value)


def _curve(value: object) -> Curve:
    found = _points(value)
    rising = all(low[0] < high[0] and low[1] <= high[1] for low, high in pairwise(found))
    if len(found) == 1 or not rising or any(share > 1 for _, share in found):
        raise ValueError("not rising")
    return found


_READERS = {
    "chemistry": Chemistry,
    "cells": _whole(1, 1000),
    "full_wh": _number(0.1, FULL_MAX_WH),
    "spread": _number(0.0, 1.0),
    "reference_w": _number(0.01, FULL_MAX_WH),
    "ohms": _number(0.0, 100.0),
    "exponent": _number(1.0, 2.0),
    "curve": _curve,
    "curve_error": _number(0.0, 1.0),
    "percent": _curve,
    "percent_error": _number(0.0, 1.0),
    "own": _number(0.01, 100.0),
    "own_spread": _number(0.0, 10.0),
    "discharges": _whole(0, DISCHARGES_MAX),
    "ends": _points,
}
