"""``[[reach]]`` of the configuration: boxes that answering takes, and which are asked whether they are there.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.bounds import Choice, Text, address
from firmware.config_kinds import Clashes, Values, tables_of
from firmware.document import key

__all__ = ["Reach", "reach_whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One box. It tells whether it has power, not for how long."""

    what: str = field(metadata=key(Choice(("switch", "router", "fibre")), "which box it is; one of each"))
    address: str = field(
        metadata=key(Text("an IPv4 address", address), "where it answers a ping, on the side of the house")
    )


def reach_whole(values: Values) -> Clashes:
    """What must hold of all of them (see firmware/config.py)."""
    seen: set[str] = set()
    for number, box in enumerate(tables_of("reach", values), start=1):
        if box["what"] in seen:
            yield f"reach.{number}.what", f"{box['what']} is there twice", "one of each"
        seen.add(box["what"])
