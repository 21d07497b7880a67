"""How the machine itself is: its watchdog, warmth, voltage and disk; looked at once a minute, told as problems."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drivers.disk import DiskState, EndOfLife, read_disk
from drivers.thermal import Held, ThermalState, read_thermal
from drivers.watchdog import Boot, WatchdogState, read_watchdog
from firmware.status import Problem, Severity
from firmware.ticks import tick

__all__ = ["Board", "Look", "board_problems", "look_at"]

LOOK_EVERY_S = 60.0
WORN_PERCENT = 80
"""Of a life: there is time to order another one."""
WARM_C = 80.0
"""Where a Pi begins to slow itself down."""
SERVICE = "INVOCATION_ID"
"""systemd gives it to what it starts: there a watchdog that nobody feeds is a fault, on a laptop it is not."""


@dataclass(frozen=True, slots=True)
class Look:
    """None: this machine does not show it."""

    watchdog: WatchdogState | None = None
    thermal: ThermalState = field(default_factory=ThermalState)
    disk: DiskState | None = None
    is_service: bool = False


def look_at(state: Path) -> Look:
    """Files of the kernel's, which wait for nothing."""
    return Look(read_watchdog(), read_thermal(), read_disk(state), SERVICE in os.environ)


class Board:
    """Runs `run` for ever; `problems` is what the last look says."""

    def __init__(self, look: Callable[[], Look]) -> None:
        self._look = look
        self.problems: tuple[Problem, ...] = ()

    async def run(self) -> None:
        while True:
            self.problems = board_problems(self._look())
            await tick(LOOK_EVERY_S)


def board_problems(look: Look) -> tuple[Problem, ...]:
    """The worst first."""
    found = [*_disk(look.disk), *_thermal(look.thermal), *_watchdog(look.watchdog, look.is_service)]
    return tuple(sorted(found, key=lambda problem: problem.severity is not Severity.FAIL))


def _disk(disk: DiskState | None) -> list[Problem]:
    if disk is None:
        return []
    found = []
    if disk.read_only:
        found.append(
            Problem(
                "RVX-U01",
                Severity.FAIL,
                "disk",
                observed="the disk with the unit's data cannot be written",
                expected="a disk that takes what is written",
                effect="calls go on; records, messages and changes are lost",
                fix="see the kernel's log (dmesg) for the disk; change it",
            )
        )
    worn, end = disk.worn_percent or 0, disk.end_of_life or EndOfLife.NORMAL
    if worn >= WORN_PERCENT or end is not EndOfLife.NORMAL:
        over = worn > 100 or end is EndOfLife.URGENT
        reserve = {EndOfLife.WARNING: ", 80 % of its reserve used", EndOfLife.URGENT: ", 90 % of its reserve used"}
        found.append(
            Problem(
                "RVX-U02",
                Severity.FAIL if over else Severity.WARN,
                "disk",
                observed=f"worn {'over 100' if worn > 100 else f'up to {worn}'} %{reserve.get(end, '')}",
                expected=f"less than {WORN_PERCENT} % of its life",
                effect="it will stop taking what is written",
                fix="order a spare unit; rvx identity export, while it can be read",
            )
        )
    return found


def _thermal(thermal: ThermalState) -> list[Problem]:
    found = []
    now = thermal.now or Held(0)
    if now & Held.UNDER_VOLTAGE:
        found.append(
            Problem(
                "RVX-U03",
                Severity.WARN,
                "board",
                observed="the board has too little voltage",
                expected="5.1 V at the board",
                effect="it slows down; modems and disk may fail",
                fix="change the power supply or its cable",
            )
        )
    warm = thermal.celsius is not None and thermal.celsius >= WARM_C
    if warm or now & (Held.THROTTLED | Held.SOFT_LIMIT):
        degrees = "" if thermal.celsius is None else f" at {thermal.celsius:.0f} °C"
        found.append(
            Problem(
                "RVX-U04",
                Severity.WARN,
                "board",
                observed=f"{'held back' if now else 'warm'}{degrees}",
                expected=f"less than {WARM_C:.0f} °C",
                effect="with many calls their sound may suffer",
                fix="give it air; look at its fan",
            )
        )
    return found


def _watchdog(watchdog: WatchdogState | None, is_service: bool) -> list[Problem]:
    if watchdog is None:
        return []
    found = []
    if watchdog.boot is not None and watchdog.boot & Boot.CARD_RESET:
        found.append(
            Problem(
                "RVX-U05",
                Severity.WARN,
                "board",
                observed="the machine had hung; its watchdog began it anew",
                expected="a machine that goes on",
                effect="calls that were up then were lost",
                fix="look at its power and warmth; if it comes again, change the unit",
            )
        )
    if is_service and watchdog.active is False:
        found.append(
            Problem(
                "RVX-U06",
                Severity.WARN,
                "board",
                observed=f"nobody feeds the watchdog ({watchdog.identity})",
                expected="systemd does (RuntimeWatchdogSec=)",
                effect="a machine that hangs stays so until somebody comes",
                fix="set RuntimeWatchdogSec= in /etc/systemd/system.conf, then start it anew",
            )
        )
    return found
