"""What is told of the machine itself, and what is not."""

from __future__ import annotations

import pytest

from drivers.disk import DiskState, EndOfLife
from drivers.thermal import Held, ThermalState
from drivers.watchdog import Boot, WatchdogState
from firmware.board import Look, board_problems
from tools.errors.catalog import CATALOG

DISK = DiskState(10, 100, False, "emmc", 20, EndOfLife.NORMAL)


@pytest.mark.parametrize(
    ("look", "codes"),
    [
        (Look(), []),
        (Look(WatchdogState("w", True, boot=Boot(0)), ThermalState(55.0, Held(0), Held.UNDER_VOLTAGE), DISK), []),
        (Look(disk=DiskState(0, 0, True)), ["RVX-U01"]),
        (Look(disk=DiskState(1, 2, False, "emmc", 80, EndOfLife.NORMAL)), ["RVX-U02"]),
        (Look(disk=DiskState(1, 2, False, "emmc", None, EndOfLife.URGENT)), ["RVX-U02"]),
        (Look(thermal=ThermalState(60.0, Held.UNDER_VOLTAGE)), ["RVX-U03"]),
        (Look(thermal=ThermalState(81.0, Held.SOFT_LIMIT)), ["RVX-U04"]),
        (Look(thermal=ThermalState(None, Held.THROTTLED)), ["RVX-U04"]),
        (Look(WatchdogState("w", True, boot=Boot.CARD_RESET)), ["RVX-U05"]),
        (Look(WatchdogState("w", False)), []),
        (Look(WatchdogState("w", False), is_service=True), ["RVX-U06"]),
        (Look(WatchdogState("w", None), ThermalState(85.0), DiskState(0, 0, True)), ["RVX-U01", "RVX-U04"]),
    ],
)
def test_what_is_told(look: Look, codes: list[str]) -> None:
    found = board_problems(look)
    assert [problem.id for problem in found] == codes
    assert all(problem.id in CATALOG for problem in found)
