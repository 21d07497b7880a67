"""A discharge in which a process ended, or the machine: what it left goes on, or teaches what it can. Pure.

A process that ends alone is followed by one of the same boot, and the discharge goes on. A machine that went without
having been halted, near the end of its battery, went because that was empty: what was drawn is then all that it held.
Else somebody pulled a cable, or nobody knows, and it is a discharge that ended early."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum

from firmware.power.battery import Battery
from firmware.power.minutes import Gauge, Sample
from firmware.store.batteries import Look

__all__ = ["Was", "look_of", "samples_of", "what_was"]

NEAR_END_SHARE = 0.35
"""Of what was thought to be left: a battery that has aged ends before it is thought to."""
NEAR_END_PERCENT = 35.0
NEAR_END_MIN = 8.0


class Was(StrEnum):
    GOES_ON = "goes_on"
    DIED = "died"
    ENDED = "ended"


def what_was(battery: Battery, samples: Sequence[Sample], *, same_boot: bool, halted: bool) -> Was:
    """`samples`: what is left of it, not none. `halted`: the unit had told its machine to halt."""
    if halted:
        return Was.ENDED
    if same_boot:
        return Was.GOES_ON
    last, gauge = samples[-1], Gauge(battery)
    for sample in samples:
        gauge.feed(sample)
    near = (
        gauge.share <= NEAR_END_SHARE
        or (last.percent is not None and last.percent <= NEAR_END_PERCENT)
        or (last.minutes is not None and last.minutes <= NEAR_END_MIN)
    )
    return Was.DIED if near else Was.ENDED


def look_of(sample: Sample, boot: str) -> Look:
    """To be kept."""
    said = {name: value for name, value in asdict(sample).items() if name != "at_s" and value is not None}
    return Look(boot, sample.at_s, json.dumps(said))


def samples_of(looks: Iterable[Look]) -> list[Sample]:
    """As they were kept, in order; one that cannot be read is left out."""
    return sorted((sample for look in looks if (sample := _sample(look)) is not None), key=lambda one: one.at_s)


def _sample(look: Look) -> Sample | None:
    try:
        said = json.loads(look.said)
        numbers = {str(name): float(value) for name, value in said.items() if name != "discharging"}
        if not all(map(math.isfinite, numbers.values())):
            return None
        return Sample(at_s=look.at_s, discharging=said["discharging"] is True, **numbers)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
