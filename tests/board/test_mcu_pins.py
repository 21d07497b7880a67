"""The microcontroller's pins are those of board/pinmap.toml, which it cannot read."""

import tomllib

from hil.sim.mcu import PROGRAM, part


def test_its_pins_are_those_of_the_map() -> None:
    pins = part("supply.pins")
    with (PROGRAM.parent / "pinmap.toml").open("rb") as file:
        mapped = {pin["name"]: pin["number"] for pin in tomllib.load(file)["pin"] if pin["chip"] == "mcu"}
    assert mapped
    assert mapped == {name: getattr(pins, name.upper()) for name in mapped}
