"""What batteries have taught, on the disk: read at the start, kept at each look. Belongs to the journal's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from firmware.config import Ups
from firmware.power.ageing import Trend, trend
from firmware.power.gauges import BATTERIES, battery_of
from firmware.power.interrupted import Was, look_of, samples_of, what_was
from firmware.power.learning import Lesson, lesson
from firmware.power.minutes import Sample
from firmware.power.policy import View
from firmware.store.batteries import BatteryRows

__all__ = ["Found", "boot_of", "keep", "recall", "trends"]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Found(NamedTuple):
    """By source. `under_way`: a discharge that goes on. `died`: one that the machine went with, of which it is
    learnt now."""

    learnt: Mapping[str, str]
    under_way: Mapping[str, Sequence[Sample]]
    died: tuple[str, ...]


def boot_of() -> str:
    """Names this run of the kernel; "" where it does not say."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeError):
        return ""


def recall(rows: BatteryRows, sources: Sequence[Ups], boot: str, now: datetime, *, halted: bool) -> Found:
    """At the start of the process. Raises sqlite3.Error."""
    learnt: dict[str, str] = {}
    under_way: dict[str, Sequence[Sample]] = {}
    died: list[str] = []
    for ups in sources:
        if ups.kind not in BATTERIES:
            continue
        kept, looks = rows.battery(ups.name), rows.looks(ups.name)
        samples = samples_of(looks)
        if samples:
            battery = battery_of(ups, kept)
            same_boot = bool(boot) and all(look.boot == boot for look in looks)
            was = what_was(battery, samples, same_boot=same_boot, halted=halted)
            if was is Was.GOES_ON:
                under_way[ups.name] = samples
            else:
                # Without a look on mains before it nobody knows how full it was.
                taught = lesson(battery, samples, died=was is Was.DIED) if not samples[0].discharging else None
                _keep(rows, ups.name, taught, now)
                if taught is not None:
                    kept = taught.learnt
                    died += [ups.name] * (was is Was.DIED)
        if kept is not None:
            learnt[ups.name] = kept
    return Found(learnt, under_way, tuple(died))


def keep(rows: BatteryRows, view: View, boot: str, now: datetime) -> None:
    """What a look gave. Raises sqlite3.Error, ValueError."""
    for name, samples in view.looks.items():
        rows.look(name, [look_of(sample, boot) for sample in samples])
    for name, taught in view.over.items():
        _keep(rows, name, taught, now)


def trends(rows: BatteryRows, sources: Sequence[Ups]) -> dict[str, Trend]:
    """How each battery ages, of those that have taught. Raises sqlite3.Error."""
    found = {ups.name: trend(rows.capacities(ups.name)) for ups in sources}
    return {name: each for name, each in found.items() if each is not None}


def _keep(rows: BatteryRows, name: str, taught: Lesson | None, now: datetime) -> None:
    if taught is None:
        rows.forget(name)
    else:
        rows.learn(name, now, taught.learnt, taught.wh)
