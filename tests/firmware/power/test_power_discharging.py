"""A battery discharged on purpose: a simulated UPS and the policy in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.ups.model import Mains, Reading
from drivers.ups.nutvars import reading
from firmware.config import Config, Power, Ups, default
from firmware.power.discharging import Discharge, OnPurpose, Over, as_ordered
from firmware.power.policy import Policy, View
from firmware.power.states import PowerState
from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.supply import Supply
from hil.sim.power.ups import Ups as SimulatedUps

TEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""Ten o'clock here, on a Tuesday."""
LOOK_S = 5.0
START, STOP = "test.battery.start.deep", "test.battery.stop"


def config_of(**ups: object) -> Config:
    settings = {"discharge_days": 90, "chemistry": "lead", "cells": 2} | ups
    sources = (Ups(name="ups", kind="nut", **settings), Ups(name="line", kind="line", keeps=()))  # type: ignore[arg-type]
    return replace(default(Path("/nowhere")), ups=sources, power=Power())


@dataclass
class House:
    """Of one UPS and one line."""

    now: datetime = TEN
    config: Config = field(default_factory=config_of)
    taught: dict[str, datetime] = field(default_factory=dict)
    line: Mains | None = Mains.ON
    serves: bool = True
    quiet: bool = True
    takes: bool = True
    orders: list[Discharge] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    at_s: float = 1000.0

    def __post_init__(self) -> None:
        self.supply = Supply(Battery(7.0, 2, Chemistry.LEAD), watts=60.0)
        self.ups = SimulatedUps(self.supply)
        self.policy = Policy(self.config, {"ups": 60.0, "line": 60.0})
        power = self.config.power
        self.purpose = OnPurpose(self.config.ups, power.discharge_hour, power.low_minutes, self.taught)

    def look(self) -> View:
        self.at_s += LOOK_S
        self.now += timedelta(seconds=LOOK_S)
        self.supply.advance(LOOK_S)
        told = reading(self.ups.variables(), self.at_s)
        self.policy.told("ups", as_ordered(told) if self.purpose.hushed == "ups" else told)
        if self.line is not None:
            self.policy.told("line", Reading(self.at_s, self.line))
        view = self.policy.look(self.at_s)
        order = self.purpose.look(view, self.at_s, self.now, serves=self.serves, quiet=self.quiet)
        if order is not None:
            self.orders.append(order)
            if self.takes:
                assert self.ups.order(order.command)
        self.views.append(view)
        return view

    def until(self, is_so: Callable[[], bool], hours: float = 6.0) -> None:
        ends_s = self.at_s + 3600 * hours
        while not is_so():
            assert self.at_s < ends_s
            self.look()

    def looks(self, minutes: float) -> None:
        for _ in range(int(minutes * 60 / LOOK_S)):
            self.look()

    def state(self) -> PowerState:
        return self.views[-1].powered.state

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(order.command, order.why) for order in self.orders]


def test_a_battery_is_discharged_as_far_as_said_and_has_taught_then() -> None:
    """And nobody takes it for a power cut."""
    house = House()
    house.until(lambda: bool(house.orders))
    assert house.said == [(START, "due")]
    house.until(lambda: not house.purpose.of)
    assert house.said[1:] == [(STOP, Over.ENOUGH)]
    assert house.supply.battery.charge == pytest.approx(0.40, abs=0.03)
    assert {view.powered.state for view in house.views[1:]} == {PowerState.MAINS}
    assert not [order for view in house.views if (order := view.order) is not None]
    house.looks(2)
    assert [lesson is not None for view in house.views for lesson in view.over.values()] == [True]
    house.looks(60)
    assert len(house.orders) == 2  # until so many days have gone


@pytest.mark.parametrize(
    "house",
    [
        lambda: House(now=TEN - timedelta(hours=2)),
        lambda: House(now=TEN + timedelta(hours=1)),
        lambda: House(now=datetime(2026, 11, 22, 9, 0, tzinfo=UTC)),  # Sunday
        lambda: House(now=datetime(2026, 12, 25, 9, 0, tzinfo=UTC)),
        lambda: House(taught={"ups": TEN - timedelta(days=89)}),
        lambda: House(config=config_of(discharge_days=0)),
        lambda: House(serves=False),
        lambda: House(quiet=False),
        lambda: House(line=None),
        lambda: House(line=Mains.UNKNOWN),
        lambda: House(line=Mains.LOST),
    ],
    ids=["early", "late", "sunday", "christmas", "taught", "never", "outage", "call", "alone", "unsure", "denied"],
)
def test_it_does_not_begin(house: Callable[[], House]) -> None:
    made = house()
    made.looks(20)
    assert made.orders == []


def test_nor_with_a_battery_that_is_not_full_or_tells_nothing() -> None:
    for charge, lies in ((0.9, {}), (1.0, {"battery.charge": None})):
        house = House()
        house.supply.battery.charge = charge
        house.supply.charge_c = 0.0
        house.ups.lies |= lies
        house.looks(20)
        assert house.orders == []


def test_mains_that_go_meanwhile_end_it_and_are_believed() -> None:
    house = House()
    house.until(lambda: bool(house.orders))
    house.looks(5)
    house.supply.set_mains(0.0)
    house.line = Mains.LOST
    house.look()
    assert house.said[1:] == [(STOP, Over.MAINS)]
    house.looks(1)
    assert house.state() in (PowerState.BATTERY, PowerState.LOW)
    assert all(one.reading and one.reading.mains is Mains.LOST for one in house.views[-1].believed.sources)
    house.supply.set_mains(230.0)
    house.line = Mains.ON
    house.until(lambda: not house.purpose.of)
    house.looks(1)
    assert house.state() is PowerState.MAINS


@pytest.mark.parametrize(
    ("befalls", "why"),
    [
        (lambda house: setattr(house, "serves", False), Over.NEEDED),
        (lambda house: setattr(house, "line", Mains.UNKNOWN), Over.MAINS),
        (lambda house: house.ups.lies.update({"battery.charge": None}), Over.UNKNOWN),
    ],
    ids=["outage", "unsure", "silent"],
)
def test_what_ends_it_early(befalls: Callable[[House], None], why: Over) -> None:
    house = House()
    house.until(lambda: bool(house.orders))
    house.looks(5)
    befalls(house)
    house.looks(1)
    assert house.said[1] == (STOP, why)


def test_a_ups_that_does_nothing_of_it_is_asked_again_on_another_day() -> None:
    house = House(takes=False)
    house.until(lambda: bool(house.orders))
    house.looks(50)
    assert (house.said, house.purpose.of) == ([(START, "due")], "")


def test_an_order_to_end_it_is_repeated_more_and_more_seldom() -> None:
    house = House()
    house.until(lambda: bool(house.orders))
    house.looks(2)
    house.takes, house.serves = False, False
    house.looks(10)
    assert 4 <= len(house.orders) - 1 <= 8
    house.takes = True
    house.until(lambda: not house.purpose.of)


def test_the_next_process_ends_what_the_one_before_began() -> None:
    house = House()
    house.until(lambda: bool(house.orders))
    house.looks(5)
    power = house.config.power
    house.purpose = OnPurpose(house.config.ups, power.discharge_hour, power.low_minutes, {}, house.purpose.of)
    house.until(lambda: not house.purpose.of)
    assert house.said[1:] == [(STOP, Over.ENOUGH)]
