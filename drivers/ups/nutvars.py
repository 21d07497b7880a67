"""What the variables of a NUT server say of a UPS (NUT user manual, "NUT command and variable naming scheme"). Pure.

Everything in them is from outside. A variable that is not there, is no number, or is outside every range a UPS has, is
not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.ups.model import Mains, Reading, Trouble, bounded

__all__ = ["STANDS_STILL_S", "Still", "flags_of", "reading"]

STATUS_MAX_CHARACTERS = 256
NUMBER_MAX_CHARACTERS = 32
VOLTS_MAX = 1000.0
AMPS_MAX = 1000.0
WATTS_MAX = 100_000.0
LOAD_MAX_PERCENT = 400.0
CHARGE_MAX_PERCENT = 130.0
"""Gauges that were calibrated elsewhere tell somewhat more than 100, which is full; more than this is nonsense."""
RUNTIME_MAX_S = 7 * 86400.0
COLDEST_C, HOTTEST_C = -40.0, 120.0
STANDS_STILL_S = 600.0
"""A battery that feeds something and whose charge and minutes are told moves one of them within this: a percent of ten
hours is six minutes."""
MINUTE_S = 60.0

RECONNECTING = ("reconnect", "cleanup", "fatal")
"""Beginnings of `driver.state` (NUT 2.8.1 and newer) while the driver has lost its UPS."""

SPOKEN_OF = (
    ("WAIT", Trouble.WAITING),
    ("OFF", Trouble.OFF),
    ("CAL", Trouble.CALIBRATING),
    ("BYPASS", Trouble.BYPASSED),
    ("OVER", Trouble.OVERLOADED),
    ("RB", Trouble.REPLACE_BATTERY),
)
"""Flags and what they mean, the gravest first."""


def flags_of(variables: Mapping[str, str]) -> frozenset[str]:
    """Of `ups.status`: OL, OB, LB, HB, RB, CHRG, DISCHRG, BYPASS, CAL, OFF, OVER, TRIM, BOOST, FSD, and what drivers
    add; none if it is not told."""
    return frozenset(variables.get("ups.status", "")[:STATUS_MAX_CHARACTERS].upper().split())


def reading(variables: Mapping[str, str], at_s: float) -> Reading:
    """What they say. While the server waits for its driver, or the driver for its UPS, what they still hold is of
    before, and nothing is known."""
    flags = flags_of(variables)
    if "WAIT" in flags:
        return Reading(at_s, trouble=Trouble.WAITING)
    if variables.get("driver.state", "").startswith(RECONNECTING):
        return Reading(at_s, trouble=Trouble.STALE)
    numbers = _Numbers(variables)
    mains = _mains(flags)
    charge = numbers.take("battery.charge", 0.0, CHARGE_MAX_PERCENT)
    runtime_s = numbers.take("battery.runtime", 0.0, RUNTIME_MAX_S)
    load = numbers.take("ups.load", 0.0, LOAD_MAX_PERCENT)
    celsius = numbers.take("battery.temperature", COLDEST_C, HOTTEST_C)
    if celsius is None:
        celsius = numbers.take("ups.temperature", COLDEST_C, HOTTEST_C)
    return Reading(
        at_s,
        mains,
        charging=_charging(flags, mains),
        volts=numbers.take("battery.voltage", 0.1, VOLTS_MAX),
        amps=_amps(numbers.take("battery.current", -AMPS_MAX, AMPS_MAX), flags, mains),
        watts=_watts(numbers, load),
        load_percent=load,
        charge_percent=None if charge is None else min(charge, 100.0),
        minutes=None if runtime_s is None else runtime_s / MINUTE_S,
        low=True if "LB" in flags else None if mains is Mains.UNKNOWN else False,
        halt="FSD" in flags,
        celsius=celsius,
        trouble=_trouble(flags, mains, numbers.nonsense),
    )


@dataclass
class Still:
    """Finds a battery that is said to feed something and does not change: a driver that repeats what it once heard.
    It cannot be found so on mains, nor of a UPS that tells neither charge nor minutes."""

    seen: tuple[float | None, ...] = ()
    since_s: float = 0.0

    def judge(self, told: Reading) -> Reading:
        """The reading, or what is left of it. An order to halt stands, as a frozen one is still one."""
        moving = (told.charge_percent, told.minutes, told.volts, told.amps, told.watts, told.load_percent)
        if told.mains is not Mains.LOST or None in moving[:2] or moving != self.seen:
            self.seen, self.since_s = moving, told.at_s
            return told
        if told.at_s - self.since_s < STANDS_STILL_S:
            return told
        return Reading(told.at_s, halt=told.halt, trouble=Trouble.STALE)


class _Numbers:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.nonsense = False

    def take(self, name: str, low: float, high: float) -> float | None:
        text = self._variables.get(name)
        if text is None or not text.strip():
            return None
        try:
            number = bounded(float(text), low, high) if len(text) <= NUMBER_MAX_CHARACTERS else None
        except ValueError:
            number = None
        self.nonsense |= number is None
        return number


def _mains(flags: frozenset[str]) -> Mains:
    if "CAL" in flags and "OB" in flags:
        return Mains.UNKNOWN  # on its battery by its own order; whether there is mains is not said
    if "OL" in flags:
        return Mains.UNKNOWN if "OB" in flags else Mains.ON
    if "OB" in flags:
        return Mains.LOST
    return Mains.ON if "BYPASS" in flags else Mains.UNKNOWN


def _trouble(flags: frozenset[str], mains: Mains, nonsense: bool) -> Trouble | None:
    if "OL" in flags and "OB" in flags:
        return Trouble.NONSENSE
    said = next((trouble for flag, trouble in SPOKEN_OF if flag in flags), None)
    if said is None and mains is Mains.UNKNOWN:
        return Trouble.MISSING
    return said or (Trouble.NONSENSE if nonsense else None)


def _charging(flags: frozenset[str], mains: Mains) -> bool | None:
    if "DISCHRG" in flags or mains is Mains.LOST:
        return False
    return True if "CHRG" in flags else None


def _amps(amps: float | None, flags: frozenset[str], mains: Mains) -> float | None:
    """Drivers differ in the sign of `battery.current`; which way it flows is in the status."""
    if amps is None:
        return None
    if mains is Mains.LOST or "DISCHRG" in flags:
        return abs(amps)
    return -abs(amps) if "CHRG" in flags else None


def _watts(numbers: _Numbers, load_percent: float | None) -> float | None:
    """Told, or of load and nominal watts; nominal volt-amperes are no watts."""
    watts = numbers.take("ups.realpower", 0.0, WATTS_MAX)
    nominal = numbers.take("ups.realpower.nominal", 0.0, WATTS_MAX)
    if watts is None and nominal is not None and load_percent is not None:
        watts = nominal * load_percent / 100.0
    return watts
