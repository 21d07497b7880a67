"""How long a source lasts by what it says itself, where nothing was learnt of its battery yet. Pure.

A UPS's own figure is made for steady loads and new batteries: three quarters of it are taken to be certain. From a
label's capacity and a measured load the same share; what is neither told nor measured is not known. A source of which
nothing can be read lasts as the configuration says, counted from when mains was lost."""

from __future__ import annotations

from drivers.ups.model import Mains
from firmware.power.sources import Seen
from firmware.power.until import Left

__all__ = ["fixed", "own"]

CERTAIN = 0.75
MOST = 1.25
LEAST_W = 0.5


def own(seen: Seen, capacity_wh: float) -> Left:
    """`capacity_wh` 0: not known."""
    reading = seen.reading
    if reading is None:
        return Left(why="nothing is told")
    if reading.minutes is not None:
        return Left(CERTAIN * reading.minutes, reading.minutes, MOST * reading.minutes, "as the source says")
    watts = reading.watts
    if watts is None and reading.volts is not None and reading.amps is not None and reading.mains is Mains.LOST:
        watts = reading.volts * reading.amps
    if capacity_wh and watts is not None and watts >= LEAST_W and reading.charge_percent is not None:
        likely = 60 * capacity_wh * reading.charge_percent / 100 / watts
        return Left(CERTAIN * likely, likely, MOST * likely, "by its label and its load")
    return Left(why="neither minutes nor load and charge are told")


def fixed(minutes: float, elapsed_minutes: float) -> Left:
    """`elapsed_minutes`: since mains was lost; 0 while it is there."""
    left = max(0.0, minutes - elapsed_minutes)
    return Left(left, left, left, "as configured")
