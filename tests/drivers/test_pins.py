"""drivers/pins.py and board/pinmap.toml: a pin has one user."""

import ast
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pins import PINMAP, Chip, Claim, PinMap, PinMapError, parse

GOOD = '[[pin]]\nchip = "unit"\nnumber = 6\nname = "mains"\nuse = "in"\nsays = "mains"\n'
MAP = parse(f"format = 1\n{GOOD}")


def the_map() -> PinMap:
    return parse(PINMAP.read_text(encoding="utf-8"))


def test_the_map_of_the_board_is_good() -> None:
    mains = the_map().named("mains")
    assert mains is not None
    assert (mains.number, mains.active_high) == (6, None)


def test_the_microcontroller_s_program_has_the_pins_of_the_map() -> None:
    program = Path(__file__).parents[2] / "board" / "mcu" / "supply" / "pins.py"
    numbers: dict[str, object] = {}
    for node in ast.parse(program.read_text()).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value] * len(names)
                numbers.update(
                    (ast.unparse(name).lower(), value.value)
                    for name, value in zip(names, values, strict=False)
                    if isinstance(value, ast.Constant)
                )
    mapped = {pin.name: pin.number for pin in the_map().pins if pin.chip is Chip.MCU}
    assert {name: numbers.get(name) for name in mapped} == mapped


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 2", "format"),
        ("x = 1\nformat = 1", "format"),
        ("format = ", "Invalid value"),
        ("format = 1\npin = 3", "pin"),
        ("format = 1\npin = [3]", "pin 1: a table"),
        (f"format = 1\n{GOOD}{GOOD}", "pin 2: mains 6 is mains 6 already"),
        (f"format = 1\n{GOOD.replace('6', '28')}", "pin 1: number"),
        (f"format = 1\n{GOOD.replace('6', 'true')}", "pin 1: number"),
        (f"format = 1\n{GOOD.replace('unit', 'board')}", "pin 1: chip"),
        (f"format = 1\n{GOOD}pul = 'up'", "pin 1: pul is not known"),
        (f"format = 1\n{GOOD}pull = 'sideways'", "pin 1: pull: one of up, down, off"),
        (f"format = 1\n{GOOD}active = 1", "pin 1: active"),
    ],
)
def test_what_is_no_map_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PinMapError, match=said):
        parse(text)


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    with suppress(PinMapError):
        assert isinstance(parse(text), PinMap)


@pytest.mark.parametrize(
    ("claims", "others"),
    [
        ([Claim(6, "ups.1.pin", "mains")], []),
        ([Claim(6, "ups.1.pin", "mains"), Claim(6, "ups.2.pin", "mains")], ["ups.1.pin"]),
        ([Claim(6, "lamp.1.pin", "lamp_red")], ["mains"]),
        ([Claim(7, "ups.1.pin", "mains")], []),
        ([Claim(7, "a", "x"), Claim(7, "b", "y"), Claim(7, "c", "z")], ["a", "a"]),
        ([Claim(28, "ups.1.pin", "mains"), Claim(-1, "ups.2.pin", "mains")], ["", ""]),
        ([Claim(6, "a", "warn", Chip.MCU), Claim(6, "b", "mains")], []),
    ],
)
def test_two_users_of_a_pin_are_found(claims: list[Claim], others: list[str]) -> None:
    from drivers.pins import clashes

    found = clashes(MAP, claims)
    assert [clash.other for clash in found] == others
