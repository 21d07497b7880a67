"""Which pin is what, by `board/pinmap.toml`, and who else wants it: pure. A pin has one user."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["PINMAP", "Chip", "Claim", "Clash", "Pin", "PinMap", "PinMapError", "Pull", "Use", "clashes", "parse"]

PINMAP = Path(__file__).parents[1] / "board" / "pinmap.toml"
FORMAT = 1
PINS_MAX = 128
TEXT_MAX_CHARACTERS = 200


class Chip(StrEnum):
    UNIT = "unit"
    MCU = "mcu"


NUMBERS = {Chip.UNIT: range(28), Chip.MCU: range(30)}
"""What comes out of a Pi's header, and of an RP2040."""


class Use(StrEnum):
    IN = "in"
    OUT = "out"
    KERNEL = "kernel"
    """The kernel's, by an overlay."""
    BUS = "bus"
    """So, too; several devices hang on it."""
    ANALOG = "analog"


class Pull(StrEnum):
    UP = "up"
    DOWN = "down"
    OFF = "off"


class PinMapError(ValueError):
    """Says which entry and which field."""


@dataclass(frozen=True, slots=True)
class Pin:
    """`active_high`: the level at which it says yes; None: the configuration says it."""

    chip: Chip
    number: int
    name: str
    use: Use
    says: str
    active_high: bool | None = None
    pull: Pull = Pull.OFF


@dataclass(frozen=True, slots=True)
class PinMap:
    pins: tuple[Pin, ...] = ()

    def named(self, name: str, chip: Chip = Chip.UNIT) -> Pin | None:
        return next((pin for pin in self.pins if pin.name == name and pin.chip is chip), None)

    def at(self, number: int, chip: Chip = Chip.UNIT) -> Pin | None:
        return next((pin for pin in self.pins if pin.number == number and pin.chip is chip), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody wants a pin. `by`: who, as the configuration calls it (``ups.2.pin``). `name`: what for, in the words of
    the map."""

    number: int
    by: str
    name: str
    chip: Chip = Chip.UNIT


@dataclass(frozen=True, slots=True)
class Clash:
    """`other`: who has it, "" where it is no pin of the chip."""

    chip: Chip
    number: int
    by: str
    other: str


def parse(text: str) -> PinMap:
    """Raises PinMapError: what is not in the format, and two names for one pin."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PinMapError(str(error)) from None
    entries = document.get("pin", [])
    if document.get("format") != FORMAT or set(document) - {"format", "pin"}:
        raise PinMapError(f"format: {FORMAT} is known, and [[pin]]")
    if not isinstance(entries, list) or len(entries) > PINS_MAX:
        raise PinMapError(f"pin: at most {PINS_MAX} tables")
    pins: list[Pin] = []
    for place, entry in enumerate(entries, start=1):
        pin = _pin(f"pin {place}", entry)
        for other in pins:
            if other.chip is pin.chip and (other.number == pin.number or other.name == pin.name):
                raise PinMapError(f"pin {place}: {pin.name} {pin.number} is {other.name} {other.number} already")
        pins.append(pin)
    return PinMap(tuple(pins))


def clashes(pin_map: PinMap, claims: Iterable[Claim]) -> tuple[Clash, ...]:
    """Each claim to a pin that somebody before it claimed, that the map has for something else, or that the chip has
    not."""
    found: list[Clash] = []
    taken: dict[tuple[Chip, int], str] = {}
    for claim in claims:
        place = claim.chip, claim.number
        mapped = pin_map.at(claim.number, claim.chip)
        if claim.number not in NUMBERS[claim.chip]:
            found.append(Clash(*place, claim.by, ""))
        elif place in taken:
            found.append(Clash(*place, claim.by, taken[place]))
        elif mapped is not None and mapped.name != claim.name:
            found.append(Clash(*place, claim.by, mapped.name))
        taken.setdefault(place, claim.by)
    return tuple(found)


def _pin(place: str, entry: object) -> Pin:
    if not isinstance(entry, dict):
        raise PinMapError(f"{place}: a table")
    if unknown := set(entry) - {"chip", "number", "name", "use", "says", "active", "pull"}:
        raise PinMapError(f"{place}: {min(unknown)} is not known")
    chip = Chip(_word(place, entry, "chip", Chip))
    number = entry.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or number not in NUMBERS[chip]:
        raise PinMapError(f"{place}: number: one of {NUMBERS[chip]}")
    name = _text(place, entry, "name")
    if not name.isidentifier():
        raise PinMapError(f"{place}: name: letters, digits and _")
    active = _word(place, {"active": "", **entry}, "active", ("high", "low", ""))
    return Pin(
        chip,
        number,
        name,
        Use(_word(place, entry, "use", Use)),
        _text(place, entry, "says"),
        {"high": True, "low": False}.get(active),
        Pull(_word(place, {"pull": "off", **entry}, "pull", Pull)),
    )


def _word(place: str, entry: Mapping[str, Any], field: str, known: Iterable[str]) -> str:
    value = entry.get(field)
    words = [str(word) for word in known]
    if not isinstance(value, str) or value not in words:
        raise PinMapError(f"{place}: {field}: one of {', '.join(word for word in words if word)}")
    return value


def _text(place: str, entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX_CHARACTERS or not value.isprintable():
        raise PinMapError(f"{place}: {field}: a line of at most {TEXT_MAX_CHARACTERS} characters")
    return value
