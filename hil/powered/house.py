"""A house without a clock of its own: mains, batteries by their physics, and what tells of them by the drivers' own
readings of NUT's variables and of gauges' registers, with what each lies about."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from drivers.ups.i2c import FRESH_S as GAUGE_FRESH_S
from drivers.ups.ina219 import Ina219, Ina219Settings
from drivers.ups.line import FRESH_S as LINE_FRESH_S
from drivers.ups.max1704x import Max1704x, Max1704xSettings
from drivers.ups.mcu import FRESH_S as MCU_FRESH_S
from drivers.ups.model import Mains, Part, Reading, Trouble, unknown
from drivers.ups.nut import FRESH_S as NUT_FRESH_S
from drivers.ups.nutvars import Still, reading
from firmware.config import Config, Load, Power, Ups, default
from hil.powered.plan import Evening, House, How, Lie
from hil.sim.power.bus import BusFault, FakeBus, Ina219Chip, Max1704xChip
from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.supply import MAINS_V, TRANSFER_V, Supply
from hil.sim.power.ups import Ups as SimulatedUps

__all__ = ["House", "Teller", "Wired", "config_of"]

UPS_AH, UPS_BLOCKS, BOARD_AH, BOARD_C = 9.0, 2, 10.0, 0.5
UPS_WH, BOARD_WH = 200, 36
GAUGE, CURRENT = 0x36, 0x42
SWITCH_CHARGE = 0.6
"""Of the UPS that keeps the switch alone."""
FALSE_EMPTY: Mapping[str, str | None] = {"battery.charge": "4", "battery.runtime": "60", "ups.status": "OB DISCHRG LB"}
FALSE_FULL: Mapping[str, str | None] = {"battery.charge": "100", "battery.runtime": "7200"}
JUMPS_PERCENT = (2.0, 98.0)
GAUGE_OFF = 0.3
LEAST_MINUTES, HALT_MINUTES, HALT_AFTER_S, TELLING_S = 15, 4, 10, 20
PHONES_W = 12.0

LOADS = (
    Load(name="screens", kind="led", keeps="unit", at_minutes=60, watts=1),
    Load(name="phones", kind="poe", ports=("1.1",), keeps="switch", at_minutes=40),
    Load(name="more", kind="poe", ports=("1.2",), keeps="switch", at_minutes=25),
    Load(name="reception", kind="poe", ports=("1.3",), role="reception", keeps="switch", at_minutes=20),
    Load(name="called", kind="poe", ports=("1.4",), role="on_call", keeps="switch", at_minutes=12),
    Load(name="emergency", kind="poe", ports=("1.5",), role="emergency", keeps="switch", at_minutes=8),
)


def config_of(house: House, folder: Path) -> Config:
    """As its installer would write it. `folder`: of the unit's state."""
    ups = Ups(name="ups", kind="nut", keeps=("unit", "switch"), capacity_wh=UPS_WH, chemistry="lead", cells=12)
    line = Ups(name="line", kind="line", keeps=())
    if house is House.BOARD:
        gauge = Ups(name="gauge", kind="max1704x", keeps=("unit",), capacity_wh=BOARD_WH)
        current = Ups(name="current", kind="ina219", keeps=())
        sources: tuple[Ups, ...] = (line, gauge, current, replace(ups, keeps=("switch",)))
    else:
        sources = (ups, line, Ups(name="mcu", kind="mcu", keeps=())) if house is House.BOTH else (ups, line)
    power = Power(
        low_minutes=LEAST_MINUTES, halt_minutes=HALT_MINUTES, halt_after_s=HALT_AFTER_S, telling_s=TELLING_S,
        halt_command=("halt",), restart_command=("restart",),
    )  # fmt: skip
    return replace(default(folder), ups=sources, load=LOADS, power=power)


class Teller:
    """One device as it tells: what is true, or what is wrong with it. One that does not live tells nothing."""

    def __init__(
        self, name: str, fresh_s: float, true: Callable[[float], Reading], lives: Callable[[], bool] = lambda: True
    ) -> None:
        self.name, self.fresh_s, self._lives = name, fresh_s, lives
        self.lie: How | None = None
        self._true = true
        self._last: Reading | None = None

    def reading(self, now_s: float) -> Reading | None:
        """None: it says nothing at all."""
        if self.lie is How.SILENT or not self._lives():
            return None
        if self.lie is How.WAITS:
            return unknown(now_s, Trouble.WAITING)
        if self.lie is How.FROZEN and self._last is not None:
            return replace(self._last, at_s=now_s)
        told = self._true(now_s)
        if self.lie is How.CONTRARY and told.mains is not Mains.UNKNOWN:
            told = replace(told, mains=Mains.ON if told.mains is Mains.LOST else Mains.LOST)
        self._last = told
        return told


class Wired:
    """The evening's house. `unit`: what feeds it; `of_switch`: what feeds that."""

    def __init__(self, evening: Evening) -> None:
        self.house = evening.house
        self._chance = random.Random(f"house {evening.seed}")
        charge = SWITCH_CHARGE if self.house is House.BOARD else evening.charge
        self._ups = SimulatedUps(
            Supply(Battery(UPS_AH, UPS_BLOCKS, Chemistry.LEAD, charge=charge), watts=evening.watts)
        )
        self._board = Supply(
            Battery(BOARD_AH, charge=evening.charge), watts=evening.board_watts, charge_c=BOARD_C, capacity_w=30.0
        )
        self.of_switch = self._ups.supply
        self.unit = self._board if self.house is House.BOARD else self.of_switch
        self._gauge, self._current = Max1704xChip(self._board), Ina219Chip(self._board)
        self._bus = FakeBus({GAUGE: self._gauge, CURRENT: self._current}, evening.seed)
        self._bounces_until_s = 0.0
        self._ends: dict[Part, tuple[float | None, float | None]] = {}  # at so many watts, and when
        self.tellers = {one.name: one for one in self._tellers()}
        self.ports_off: set[str] = set()

    @property
    def supplies(self) -> Sequence[Supply]:
        return (self.of_switch,) if self.unit is self.of_switch else (self.unit, self.of_switch)

    @property
    def now_s(self) -> float:
        return self.unit.now_s

    def mains(self, volts: float, bounces_s: float = 0.0) -> None:
        self._bounces_until_s = self.now_s + bounces_s
        for supply in self.supplies:
            supply.set_mains(volts)

    def advance(self, seconds: float) -> None:
        for supply in self.supplies:
            if self.now_s < self._bounces_until_s:
                supply.set_mains(self._chance.choice((0.0, MAINS_V)) if seconds else supply.mains_v)
            supply.advance(seconds)

    def left(self, part: Part, most_s: float) -> float | None:
        """True minutes; None: there is mains, or more than `most_s` are left."""
        supply = self.unit if part is Part.UNIT else self.of_switch
        if not supply.on_battery:
            self._ends.pop(part, None)
            return None
        watts, ends_s = self._ends.get(part, (None, None))
        if watts != supply.watts:  # as long as nothing changes, it ends when it was to end
            lasts_s = supply.lasts_s(most_s)
            ends_s = None if lasts_s is None else supply.now_s + lasts_s
            self._ends[part] = supply.watts, ends_s
        return None if ends_s is None else max(0.0, ends_s - supply.now_s) / 60

    def order_halt(self, orders: bool) -> None:
        self._ups.orders_halt = orders

    @property
    def orders_halt(self) -> bool:
        return self._ups.orders_halt

    def port(self, number: str, on: bool) -> None:
        """What hangs on it draws no more, or again."""
        (self.ports_off.discard if on else self.ports_off.add)(number)
        self.of_switch.set_load(self.of_switch.watts + (PHONES_W if on else -PHONES_W))

    def lies(self, lie: Lie, on: bool) -> None:
        """Begins one, or ends it."""
        self.tellers[lie.who].lie = lie.how if on else None
        if lie.who == "ups":
            told: dict[How, Mapping[str, str | None]] = {How.EMPTY: FALSE_EMPTY, How.FULL: FALSE_FULL}
            self._ups.lies = dict(told.get(lie.how, {})) if on else {}
        elif lie.who == "gauge":
            self._gauge.gauge_error = {How.EMPTY: -GAUGE_OFF, How.FULL: GAUGE_OFF}.get(lie.how, 0.0) if on else 0.0

    # ---- who tells

    def _tellers(self) -> list[Teller]:
        found = [
            Teller("ups", NUT_FRESH_S, self._of_ups(), lambda: self.of_switch.is_feeding),
            Teller("line", LINE_FRESH_S, self._of_line),
        ]
        if self.house is House.BOTH:
            found.append(Teller("mcu", MCU_FRESH_S, self._of_line))
        if self.house is House.BOARD:
            gauge, current = Max1704x(Max1704xSettings("gauge")), Ina219(Ina219Settings("current", cells=1))
            found.append(Teller("gauge", GAUGE_FRESH_S, self._of_gauge(gauge)))
            found.append(Teller("current", GAUGE_FRESH_S, lambda now_s: current.judge(current.look(self._bus), now_s)))
        return found

    def _of_ups(self) -> Callable[[float], Reading]:
        still = Still()

        def read(now_s: float) -> Reading:
            variables = self._ups.variables()
            if self.tellers["ups"].lie is How.JUMPING:
                variables = {**variables, "battery.charge": f"{self._chance.choice(JUMPS_PERCENT):.0f}"}
            return still.judge(reading(variables, now_s))

        return read

    def _of_gauge(self, gauge: Max1704x) -> Callable[[float], Reading]:
        def read(now_s: float) -> Reading:
            self._bus.fault = BusFault.NOISE if self.tellers["gauge"].lie is How.JUMPING else BusFault.NONE
            told = gauge.judge(gauge.look(self._bus), now_s)
            self._bus.fault = BusFault.NONE
            return told

        return read

    def _of_line(self, now_s: float) -> Reading:
        """As drivers/ups/line.py: a level that does not settle says nothing."""
        if now_s < self._bounces_until_s:
            return unknown(now_s, Trouble.UNSETTLED)
        return Reading(now_s, Mains.ON if self.unit.mains_v >= TRANSFER_V else Mains.LOST)
