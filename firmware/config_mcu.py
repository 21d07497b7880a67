"""``[mcu]`` of the configuration: the board's microcontroller, which keeps watch over the unit's supply.

See firmware/config.py, whose part this is; what it tells is a source by ``[[ups]]`` of the kind "mcu"."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.bounds import Text, like
from firmware.config_kinds import Clashes, Values, tables_of
from firmware.document import key

__all__ = ["Mcu", "mcu_whole"]

_URL = r"(serial:///dev/[A-Za-z0-9/._-]{1,76}(\?baud=(115200|230400|460800))?)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcu:
    port: str = field(
        default="",
        metadata=key(
            Text('"serial:///dev/DEVICE[?baud=N]" or ""', like(_URL)),
            'where the process `heart` finds the microcontroller; "": there is none',
        ),
    )


def mcu_whole(values: Values) -> Clashes:
    """What must hold of it and the sources of power."""
    for number, ups in enumerate(tables_of("ups", values), start=1):
        if ups.get("kind") == "mcu" and not values["mcu.port"]:
            yield f"ups.{number}.kind", "there is no microcontroller", "[mcu] port"
