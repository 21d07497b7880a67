"""A battery as electrochemistry makes it, from published models, and from nothing of the estimator's.

Lithium-ion: M. Chen, G. A. Rincón-Mora, "Accurate electrical battery model capable of predicting runtime and I-V
performance", IEEE Transactions on Energy Conversion 21(2), 2006: open-circuit voltage, series resistance and two RC
pairs as functions of charge, measured on cells of 0.85 Ah; resistances and capacitances are scaled by capacity. Lead
(VRLA): rest voltage by charge and Peukert's law with an exponent of makers' data sheets; capacity falls by 0.8 % for
each degree under 25 °C (IEEE 485). Lead and lithium lose capacity and gain resistance with age; at its end of life
a battery has 80 % of what it had (IEEE 1188) and, of lithium, about twice the resistance.

Amperes out of the battery are positive; volts are the whole battery's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import exp

__all__ = ["HOUR_S", "NOMINAL_C", "Battery", "Chemistry"]

NOMINAL_C = 25.0
HOUR_S = 3600.0
CHEN_AH = 0.85
STEP_S = 1.0
"""Of integration: shorter than every time constant that is looked at."""
LITHIUM_FULL_V, LITHIUM_EMPTY_V = 4.2, 3.0
LEAD_FULL_V, LEAD_EMPTY_V = 13.6, 10.5
"""Float and cut-off of a block of six cells."""
LEAD_REST_V = ((0.0, 11.63), (0.2, 11.97), (0.4, 12.24), (0.6, 12.46), (0.8, 12.68), (1.0, 12.89))
LEAD_PEUKERT = 1.15
LEAD_RATED_HOURS = 20.0
LEAD_OHM_AH = 0.15
"""A block of 7 Ah has 21 mΩ."""
LEAD_COLD_PER_C = 0.008
LITHIUM_COLD_PER_C = 0.006
COLD_OHM_PER_C = 0.015
CAPACITY_FLOOR = 0.3
END_OF_LIFE_LOSS, END_OF_LIFE_OHM = 0.2, 1.0
CHARGE_EFFICIENCY = {"lithium": 0.99, "lead": 0.85}


class Chemistry(StrEnum):
    LITHIUM = "lithium"
    LEAD = "lead"


@dataclass
class Battery:
    """`capacity_ah`: as new, at 25 °C. `series`: cells of lithium, or blocks of lead. `age`: 0 new, 1 at the end of its
    life. `charge`: 0 to 1 of what it holds now."""

    capacity_ah: float
    series: int = 1
    chemistry: Chemistry = Chemistry.LITHIUM
    celsius: float = NOMINAL_C
    age: float = 0.0
    charge: float = 1.0
    _short_v: float = 0.0
    _long_v: float = 0.0

    @property
    def holds_ah(self) -> float:
        """When full, as old and as warm as it is."""
        per_c = LEAD_COLD_PER_C if self.chemistry is Chemistry.LEAD else LITHIUM_COLD_PER_C
        cold = 1.0 - per_c * max(NOMINAL_C - self.celsius, 0.0)
        return self.capacity_ah * max(cold * (1.0 - END_OF_LIFE_LOSS * self.age), CAPACITY_FLOOR)

    @property
    def rest_v(self) -> float:
        """With nothing drawn for long."""
        return self.series * (_lead_v if self.chemistry is Chemistry.LEAD else _lithium_v)(self.charge)

    @property
    def full_v(self) -> float:
        return self.series * (LEAD_FULL_V if self.chemistry is Chemistry.LEAD else LITHIUM_FULL_V)

    @property
    def empty_v(self) -> float:
        """What it feeds is cut off below this."""
        return self.series * (LEAD_EMPTY_V if self.chemistry is Chemistry.LEAD else LITHIUM_EMPTY_V)

    @property
    def ohms(self) -> float:
        """What answers at once to a change of current."""
        worn = 1.0 + END_OF_LIFE_OHM * self.age + COLD_OHM_PER_C * max(NOMINAL_C - self.celsius, 0.0)
        if self.chemistry is Chemistry.LEAD:
            return self.series * worn * LEAD_OHM_AH / self.capacity_ah
        return self.series * worn * self._scale * (0.1562 * exp(-24.37 * self.charge) + 0.07446)

    def volts(self, amps: float) -> float:
        return self.rest_v - self._short_v - self._long_v - amps * self.ohms

    def amps_for(self, watts: float) -> float | None:
        """What must flow so that the terminals give so many watts (negative: take); None: it cannot."""
        volts = self.rest_v - self._short_v - self._long_v
        root = volts * volts - 4.0 * self.ohms * watts
        return None if root < 0 else (volts - root**0.5) / (2.0 * self.ohms)

    def step(self, amps: float, seconds: float) -> None:
        """So many amperes for so long."""
        while seconds > 0:
            now_s = min(seconds, STEP_S)
            self._one(amps, now_s)
            seconds -= now_s

    @property
    def _scale(self) -> float:
        return CHEN_AH / self.capacity_ah

    def _one(self, amps: float, seconds: float) -> None:
        self.charge += self._drawn(amps) * -seconds / HOUR_S / self.holds_ah
        self.charge = min(max(self.charge, 0.0), 1.0)
        if self.chemistry is Chemistry.LEAD:
            return
        scale, soc = self._scale * self.series, self.charge
        short_ohms = scale * (0.3208 * exp(-29.14 * soc) + 0.04669)
        long_ohms = scale * (6.603 * exp(-155.2 * soc) + 0.04984)
        short_f = max(703.6 - 752.9 * exp(-13.51 * soc), 1.0) / scale
        long_f = max(4475.0 - 6056.0 * exp(-27.12 * soc), 1.0) / scale
        self._short_v = _relax(self._short_v, amps * short_ohms, short_ohms * short_f, seconds)
        self._long_v = _relax(self._long_v, amps * long_ohms, long_ohms * long_f, seconds)

    def _drawn(self, amps: float) -> float:
        """What the flow costs of the charge, or brings to it."""
        if amps < 0:
            return amps * CHARGE_EFFICIENCY[self.chemistry]
        rated = self.capacity_ah / LEAD_RATED_HOURS
        if self.chemistry is Chemistry.LEAD and amps > rated:
            return amps * float((amps / rated) ** (LEAD_PEUKERT - 1.0))
        return amps


def _lithium_v(charge: float) -> float:
    return -1.031 * exp(-35.0 * charge) + 3.685 + 0.2156 * charge - 0.1178 * charge**2 + 0.3201 * charge**3


def _lead_v(charge: float) -> float:
    for (low, low_v), (high, high_v) in pairwise(LEAD_REST_V):
        if charge <= high:
            return low_v + (high_v - low_v) * (charge - low) / (high - low)
    return LEAD_REST_V[-1][1]


def _relax(now: float, target: float, constant_s: float, seconds: float) -> float:
    return target + (now - target) * exp(-seconds / max(constant_s, STEP_S / 100))
