"""How warm the processor is, and whether the board holds it back or has too little voltage: by sysfs alone, as the
kernel and the Raspberry Pi's firmware show it there. What a machine does not show is None."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from drivers.sysfs import number_of, text_of

__all__ = ["SYSFS", "Held", "ThermalState", "read_thermal"]

SYSFS = Path("/sys")
ZONES = ("cpu-thermal", "cpu_thermal", "soc-thermal")
"""Names of thermal zones of boards. A PC's have others, and other bounds."""
MILLI = 1000
CELSIUS_LEAST, CELSIUS_MOST = -40, 150
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
"""Hexadecimal, without 0x; the bits of `vcgencmd get_throttled`."""
VOLT_DRIVER = "rpi_volt"
SINCE_BOOT = 16
"""The same bits, so far up: it was so at some time since the start."""


class Held(IntFlag):
    """What the Pi's firmware says of itself."""

    UNDER_VOLTAGE = 1
    CAPPED = 2
    """The clock has a lower bound than it should."""
    THROTTLED = 4
    SOFT_LIMIT = 8
    """It is as warm as it may be without being throttled hard."""


@dataclass(frozen=True, slots=True)
class ThermalState:
    """`now`, `since_boot`: None where no firmware tells."""

    celsius: float | None = None
    now: Held | None = None
    since_boot: Held | None = None


def read_thermal(sysfs: Path = SYSFS) -> ThermalState:
    """Never raises."""
    bits = number_of(sysfs / THROTTLED, 0, (1 << 2 * SINCE_BOOT) - 1, 16)
    now = None if bits is None else Held(bits & 0xF)
    since = None if bits is None else Held(bits >> SINCE_BOOT & 0xF)
    if now is None and (alarm := _volt_alarm(sysfs)) is not None:
        now = Held.UNDER_VOLTAGE if alarm else Held(0)
    return ThermalState(_celsius(sysfs), now, since)


def _celsius(sysfs: Path) -> float | None:
    for zone in _folders(sysfs / "class" / "thermal", "thermal_zone"):
        if text_of(zone / "type") in ZONES:
            milli = number_of(zone / "temp", CELSIUS_LEAST * MILLI, CELSIUS_MOST * MILLI)
            return None if milli is None else milli / MILLI
    return None


def _volt_alarm(sysfs: Path) -> int | None:
    """Of a kernel whose firmware's file is not there: its own driver says whether the voltage is too low now."""
    for chip in _folders(sysfs / "class" / "hwmon", "hwmon"):
        if text_of(chip / "name") == VOLT_DRIVER:
            return number_of(chip / "in0_lcrit_alarm", 0, 1)
    return None


def _folders(place: Path, prefix: str) -> list[Path]:
    try:
        return sorted(folder for folder in place.iterdir() if folder.name.startswith(prefix))
    except OSError:
        return []
