"""A battery between mains and what hangs on it: a UPS, or a board under a computer. No clock of its own: `advance`.

Mains have a voltage; under `TRANSFER_V` the battery feeds, and above `RETURN_V` for `RETURN_S` mains do again. The
charger gives a constant current and then a constant voltage. Everything that happens stands in `history`."""

from __future__ import annotations

import collections
import random
from dataclasses import dataclass, field, replace
from typing import Any

from hil.sim.power.cell import HOUR_S, Battery, Chemistry

__all__ = ["HISTORY_MAX", "Supply"]

MAINS_V = 230.0
TRANSFER_V, RETURN_V = 184.0, 195.0
"""A UPS leaves mains at 80 % of them."""
RETURN_S = 2.0
EFFICIENCY = 0.85
"""From battery to what hangs on it."""
IDLE_W = 1.5
"""Its own electronics."""
CHARGE_C = 0.1
"""Charging current, of capacity; a board under a computer has five times that."""
TAPER = 0.02
"""A battery that takes less than this of its capacity is full."""
STEP_S = 1.0
LASTS_STEP_S = 10.0
LOW_CHARGE = 0.2
START_CHARGE = 0.1
"""It does not give power back to what hangs on it before this."""
HISTORY_MAX = 100_000
BOUNCES_MAX = 200


@dataclass
class Supply:
    """`charge_c`: as CHARGE_C. `watts`: of what hangs on it. `is_feeding`: what hangs on it has power."""

    battery: Battery = field(default_factory=lambda: Battery(9.0, 2, Chemistry.LEAD))
    watts: float = 60.0
    capacity_w: float = 500.0
    charge_c: float = CHARGE_C
    mains_v: float = MAINS_V
    now_s: float = 0.0
    is_feeding: bool = True
    on_battery: bool = False
    by_order: bool = False
    """It leaves mains by an order (a deep test), until it is told otherwise or its charge is low."""
    amps: float = 0.0
    """Out of the battery, of the last step."""
    history: collections.deque[dict[str, Any]] = field(default_factory=lambda: collections.deque(maxlen=HISTORY_MAX))
    _good_since_s: float | None = 0.0

    @property
    def volts(self) -> float:
        return self.battery.volts(self.amps)

    @property
    def is_low(self) -> bool:
        return self.on_battery and self.battery.charge <= LOW_CHARGE

    @property
    def is_charging(self) -> bool:
        return self.amps < -TAPER * self.battery.capacity_ah

    @property
    def runtime_s(self) -> float:
        """As a plain UPS figures it: what is left, at the load of now; it knows neither age nor cold."""
        flow = self.battery.amps_for(self._battery_w()) or self.battery.capacity_ah
        return HOUR_S * self.battery.charge * self.battery.capacity_ah / max(flow, 0.001)

    def lasts_s(self, most_s: float) -> float | None:
        """How long what hangs on it would have power without mains, at the load of now; None: longer than `most_s`."""
        twin = replace(self, battery=replace(self.battery), mains_v=0.0, on_battery=True, history=collections.deque())
        began_s = twin.now_s
        while twin.is_feeding and twin.now_s - began_s < most_s:
            twin.advance(LASTS_STEP_S)
        return None if twin.is_feeding else twin.now_s - began_s

    def note(self, what: str, **facts: Any) -> None:
        self.history.append({"at": round(self.now_s, 3), "what": what, **facts})

    def set_mains(self, volts: float) -> None:
        """0 is a cut, 150 a brown-out."""
        self.mains_v = volts
        self.note("mains", volts=volts)
        self._transfer()

    def order(self, *, discharge: bool) -> None:
        self.by_order = discharge
        self.note("order", discharge=discharge)
        self._transfer()

    def set_load(self, watts: float) -> None:
        self.watts = watts
        self.note("load", watts=watts)

    def advance(self, seconds: float) -> None:
        """So much later."""
        while seconds > 0:
            step_s = min(seconds, STEP_S)
            self.now_s += step_s
            seconds -= step_s
            self._transfer()
            self._flow(step_s)

    def bounces(self, seed: int, seconds: float) -> list[tuple[float, bool]]:
        """How a relay's contact falls within so many seconds: times from now and levels, the last one its new state
        (False: no mains)."""
        chance = random.Random(seed)
        count = min(chance.randrange(3, 30) * 2, BOUNCES_MAX)
        times = sorted(chance.uniform(0.0, seconds) for _ in range(count))
        return [(at, bool(place % 2)) for place, at in enumerate(times)] + [(seconds, False)]

    def _battery_w(self) -> float:
        return (self.watts + IDLE_W) / EFFICIENCY

    def _transfer(self) -> None:
        if self.by_order and self.battery.charge <= LOW_CHARGE:
            self.by_order = False
        if self.by_order or self.mains_v < (TRANSFER_V if not self.on_battery else RETURN_V):
            self._good_since_s = None
            if not self.on_battery:
                self.on_battery = True
                self.note("on_battery")
        elif self._good_since_s is None:
            self._good_since_s = self.now_s
        elif self.on_battery and self.now_s - self._good_since_s >= RETURN_S:
            self.on_battery = False
            self.note("on_mains")
        if not self.on_battery and not self.is_feeding and self.battery.charge >= START_CHARGE:
            self.is_feeding = True
            self.note("feeds")

    def _flow(self, seconds: float) -> None:
        if self.on_battery:
            self.amps = self._drawn()
        else:
            most = self.charge_c * self.battery.capacity_ah
            wanted = (self.battery.full_v - self.battery.volts(0.0)) / self.battery.ohms
            self.amps = 0.0 if self.battery.charge >= 1.0 else -min(max(wanted, 0.0), most)
        self.battery.step(self.amps, seconds)

    def _drawn(self) -> float:
        if not self.is_feeding:
            return 0.0
        flow = self.battery.amps_for(self._battery_w())
        if flow is None or self.battery.charge <= 0.0 or self.battery.volts(flow) < self.battery.empty_v:
            self.is_feeding = False
            self.note("cut_off", volts=round(self.battery.volts(0.0), 3))
            return 0.0
        return flow
