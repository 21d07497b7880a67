"""In which state of power the unit is. Pure: one table, and nothing outside this file changes the state.

MAINS and BATTERY are what is believed of mains; LOW is a battery that has few minutes; HALTING lasts until mains is
back or the machine is off. Nothing known is UNKNOWN, in which nothing more is shed and nothing halts. A halt is ordered
by a source (NUT's FSD) at once, else by too few minutes, a source that calls its battery low, or too little charge,
that holds a while, mains surely lost all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.ups.model import Mains, Part
from firmware.power.sources import Believed

__all__ = ["TABLE", "PowerState", "Powered", "Sign", "Thresholds", "step"]

LOW_PERCENT = 35.0
"""A source that calls its battery low with more charge than this is not taken at its word."""
LOW_BACK = 1.25
"""A battery is not low any more at so many times the minutes at which it was."""


class PowerState(StrEnum):
    UNKNOWN = "unknown"
    MAINS = "mains"
    BATTERY = "battery"
    LOW = "low"
    HALTING = "halting"


class Sign(StrEnum):
    """What is seen, in one word; the first that holds."""

    ORDERED = "ordered"
    """A halt, by a source or by what is left."""
    ON = "on"
    UNKNOWN = "unknown"
    LOW = "low"
    ENOUGH = "enough"
    BETWEEN = "between"
    """Neither low nor surely enough, or the minutes are not known."""


_S, _G = PowerState, Sign
TABLE: dict[tuple[PowerState, Sign], PowerState] = {
    **{(state, _G.ORDERED): _S.HALTING for state in _S},
    **{(state, _G.ON): _S.MAINS for state in _S},
    **{(state, _G.UNKNOWN): _S.UNKNOWN for state in _S if state is not _S.HALTING},
    (_S.HALTING, _G.UNKNOWN): _S.HALTING,
    **{(state, sign): _S.HALTING for state in (_S.HALTING,) for sign in (_G.LOW, _G.ENOUGH, _G.BETWEEN)},
    **{(state, _G.LOW): _S.LOW for state in (_S.UNKNOWN, _S.MAINS, _S.BATTERY, _S.LOW)},
    **{(state, _G.ENOUGH): _S.BATTERY for state in (_S.UNKNOWN, _S.MAINS, _S.BATTERY, _S.LOW)},
    **{(state, _G.BETWEEN): _S.BATTERY for state in (_S.UNKNOWN, _S.MAINS, _S.BATTERY)},
    (_S.LOW, _G.BETWEEN): _S.LOW,
}
"""Every state and every sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Of the configuration."""

    low_minutes: float
    halt_minutes: float
    halt_percent: float
    halt_after_s: float


@dataclass(frozen=True, slots=True)
class Powered:
    """`since_s`: when the state began. `due_since_s`: since when a halt is due without having been ordered.
    `why`: of HALTING, what ordered it."""

    state: PowerState = PowerState.UNKNOWN
    since_s: float = 0.0
    due_since_s: float | None = None
    why: str = ""


def step(before: Powered, believed: Believed, minutes: float | None, limits: Thresholds, now_s: float) -> Powered:
    """The state after this look. `minutes`: of the unit, as planned by; None: not known."""
    due = _due(believed, minutes, limits)
    due_since_s = None if due is None else before.due_since_s if before.due_since_s is not None else now_s
    held = due_since_s is not None and now_s - due_since_s >= limits.halt_after_s
    ordered = believed.halt or (due if held else None)
    state = TABLE[before.state, _sign(believed, minutes, limits, ordered=ordered is not None)]
    if state is before.state:
        why = before.why or (ordered or "") if state is PowerState.HALTING else ""
        return Powered(state, before.since_s, due_since_s, why)
    return Powered(state, now_s, due_since_s, (ordered or "") if state is PowerState.HALTING else "")


def _sign(believed: Believed, minutes: float | None, limits: Thresholds, *, ordered: bool) -> Sign:
    mains = believed.of_unit
    if ordered:
        return Sign.ORDERED
    if mains is Mains.ON:
        return Sign.ON
    if mains is Mains.UNKNOWN:
        return Sign.UNKNOWN
    low = any(one.reading is not None and one.reading.low for one in believed.sources if Part.UNIT in one.keeps)
    if low or (minutes is not None and minutes <= limits.low_minutes):
        return Sign.LOW
    if minutes is not None and minutes >= limits.low_minutes * LOW_BACK:
        return Sign.ENOUGH
    return Sign.BETWEEN


def _due(believed: Believed, minutes: float | None, limits: Thresholds) -> str | None:
    """Why the unit should halt, if that goes on being so."""
    if believed.of_unit is not Mains.LOST or Part.UNIT not in believed.sure:
        return None
    if minutes is not None and minutes <= limits.halt_minutes:
        return "minutes"
    readings = [one.reading for one in believed.sources if Part.UNIT in one.keeps and one.reading is not None]
    charges = [reading.charge_percent for reading in readings if reading.charge_percent is not None]
    charge = max(charges, default=None)
    if any(reading.low for reading in readings) and (charge is None or charge <= LOW_PERCENT):
        return "low"
    return "charge" if minutes is None and charge is not None and charge <= limits.halt_percent else None
