"""Which pins the configuration wants, by whom: what `rvx check` holds against the map of the board. Pure."""

from __future__ import annotations

from drivers.pins import Claim, PinMap
from firmware.config import Config

__all__ = ["BUTTON", "BUZZER", "LAMPS", "MAINS", "claims"]

MAINS = "mains"
LAMPS = ("lamp_green", "lamp_yellow", "lamp_red")
BUZZER = "buzzer"
BUTTON = "button"
BY_MAP = -1
"""Of `[[ups]] pin`: the one that the map has."""


def claims(config: Config, pin_map: PinMap) -> tuple[Claim, ...]:
    """In the order of the configuration. What the map does not name has no pin, and is not claimed."""
    wanted = [
        (f"ups.{place}.pin", MAINS, ups.pin) for place, ups in enumerate(config.ups, start=1) if ups.kind == "line"
    ]
    panel = config.panel
    wanted += [("panel.lamps", name, BY_MAP) for name in LAMPS if panel.lamps == "yes"]
    wanted += [("panel.buzzer", BUZZER, BY_MAP)] if panel.buzzer == "yes" else []
    wanted += [("panel.button", BUTTON, BY_MAP)] if panel.button == "yes" else []
    relays = [(place, load.what) for place, load in enumerate(config.load, start=1) if load.kind == "relay"]
    wanted += [(f"load.{place}.what", name, BY_MAP) for place, name in relays]
    found = []
    for by, name, number in wanted:
        mapped = pin_map.named(name)
        if number != BY_MAP:
            found.append(Claim(number, by, name))
        elif mapped is not None:
            found.append(Claim(mapped.number, by, name))
    return tuple(found)
