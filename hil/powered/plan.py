"""An evening of a unit's power, by its seed alone: which house, which outages, who lies when. Pure; seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["WATCHERS", "Evening", "House", "How", "Lie", "Moment", "Outage", "evening"]


class House(StrEnum):
    """What the unit hangs on."""

    UPS = "ups"
    """A mains UPS keeps unit and switch; a line tells of mains beside it."""
    BOARD = "board"
    """A board with a cell, gauges of charge and current and a line keeps the unit, a UPS the switch."""
    BOTH = "both"
    """A mains UPS keeps both; the line, and the board's microcontroller, which hangs on the same mains."""


WATCHERS = {
    House.UPS: ("ups", "line"),
    House.BOARD: ("line", "gauge", "current"),
    House.BOTH: ("ups", "line", "mcu"),
}
"""Who tells of what the unit hangs on."""
SAYING = {House.UPS: 2, House.BOARD: 2, House.BOTH: 3}
"""So many of them tell of mains."""


class How(StrEnum):
    """What is wrong with a source."""

    SILENT = "silent"
    CONTRARY = "contrary"
    """Of mains it says the contrary of what is."""
    FROZEN = "frozen"
    """It says on and on what it said last."""
    EMPTY = "empty"
    """It calls its battery empty,"""
    FULL = "full"
    """or full."""
    JUMPING = "jumping"
    WAITS = "waits"
    """It is there, and knows nothing yet."""


WAYS: dict[str, tuple[How, ...]] = {
    "ups": (How.SILENT, How.CONTRARY, How.FROZEN, How.EMPTY, How.FULL, How.JUMPING, How.WAITS),
    "line": (How.SILENT, How.CONTRARY, How.FROZEN),
    "mcu": (How.SILENT, How.CONTRARY, How.FROZEN),
    "gauge": (How.SILENT, How.EMPTY, How.FULL, How.JUMPING, How.FROZEN),
    "current": (How.SILENT, How.FROZEN),
}


class Moment(StrEnum):
    """Of a unit that ends: mains comes back some seconds after it."""

    TELLING = "telling"
    FLUSHING = "flushing"
    COMMANDED = "commanded"
    DOWN = "down"
    DARK = "dark"
    """What it hangs on has no power."""


@dataclass(frozen=True)
class Outage:
    """After `rest_s` of mains these have so many volts (0: none, 150: a brown-out), after their contact has bounced for
    `bounces_s`; until `lasts_s` are over, or `after_s` after `moment`."""

    rest_s: float
    volts: float
    bounces_s: float
    lasts_s: float
    moment: Moment | None
    after_s: float


@dataclass(frozen=True)
class Lie:
    at_s: float
    who: str
    how: How
    lasts_s: float


@dataclass(frozen=True)
class Evening:
    """`charge`: of the unit's battery at the begin, 0 to 1. `busy`: loads that carry calls, from, to.
    `refused`: so many commands to the machine fail. `seed` also of the chances of what happens."""

    seed: int
    house: House
    charge: float
    watts: float  # of what hangs on the UPS
    board_watts: float
    outages: tuple[Outage, ...]
    lies: tuple[Lie, ...]
    busy: tuple[tuple[float, float], ...]
    refused: int


RESTS_S = (200.0, 900.0)
BLIPS_S, LONG_S = (0.5, 40.0), (120.0, 7200.0)
AFTER_S = (0.0, 15.0)
BROWN_V = (100.0, 150.0)
LIES_EVERY_S, LIES_S = (300.0, 3000.0), (20.0, 900.0)
LIES_IN_S = 4 * 3600.0
CHARGES = (0.12, 0.6)
UPS_W, BOARD_W = (40.0, 160.0), (3.0, 6.0)


def evening(seed: int) -> Evening:
    """One of all evenings."""
    chance = random.Random(f"power {seed}")
    house = chance.choice(list(House))
    return Evening(
        seed=seed,
        house=house,
        charge=chance.uniform(*CHARGES),
        watts=chance.uniform(*UPS_W),
        board_watts=chance.uniform(*BOARD_W),
        outages=tuple(_outages(chance)),
        # Half of all have nobody who lies: what must hold then is more.
        lies=tuple(_lies(random.Random(f"lies {seed}"), house)) if seed % 2 else (),
        busy=tuple((at_s, at_s + chance.uniform(60, 900)) for at_s in (chance.uniform(0, 7200) for _ in range(3))),
        refused=chance.choice((0, 0, 0, 1, 2)),
    )


def _outages(chance: random.Random) -> Iterator[Outage]:
    for _ in range(chance.randint(1, 3)):
        is_blip = chance.random() < 0.4
        yield Outage(
            rest_s=chance.uniform(*RESTS_S),
            volts=chance.choice((0.0, 0.0, chance.uniform(*BROWN_V))),
            bounces_s=chance.choice((0.0, chance.uniform(0.2, 6.0))),
            lasts_s=chance.uniform(*(BLIPS_S if is_blip else LONG_S)),
            moment=None if is_blip else chance.choice((None, *Moment, *Moment)),
            after_s=chance.uniform(*AFTER_S),
        )


def _lies(chance: random.Random, house: House) -> Iterator[Lie]:
    """One after the other."""
    at_s = chance.uniform(0, LIES_EVERY_S[1])
    while at_s < LIES_IN_S:
        who = chance.choice(WATCHERS[house])
        one = Lie(at_s, who, chance.choice(WAYS[who]), chance.uniform(*LIES_S))
        yield one
        at_s += one.lasts_s + chance.uniform(*LIES_EVERY_S)
