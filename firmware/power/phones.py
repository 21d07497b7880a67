"""Which ports of the switch go with which load. Pure.

Phones that somebody ordered to go on without mains (A13) hang on ports that no `[[load]]` takes along but one of role
"emergency". Where there is such a load they go by themselves right before it, as a load of their own, `PROTECTED`;
where there is none, never: nothing that matters more would gain by it. A port in no load is never turned off."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from drivers.ups.model import Part
from firmware.config_power import PROTECTED, Load
from firmware.power.shedding import Role, Sheddable

__all__ = ["PROTECTED", "ports", "table"]


def table(loads: Sequence[Load]) -> Iterator[Sheddable]:
    """All that can be shed, in no order."""
    for load in loads:
        yield Sheddable(load.name, load.kind, Part(load.keeps), load.at_minutes, Role(load.role), load.watts)
    before = max((load for load in loads if _is_last(load)), key=lambda load: load.at_minutes, default=None)
    if before is not None and any(load.kind == "poe" and not _is_last(load) for load in loads):
        yield Sheddable(PROTECTED, "poe", Part(before.keeps), before.at_minutes, Role.PROTECTED)


def ports(loads: Sequence[Load], name: str, protected: Collection[str]) -> tuple[str, ...]:
    """Those that go with the load of that name. `protected`: ports of the register."""
    return tuple(
        port
        for load in loads
        if load.kind == "poe" and ((name == PROTECTED and not _is_last(load)) or name == load.name)
        for port in load.ports
        if (port in protected and not _is_last(load)) == (name == PROTECTED)
    )


def _is_last(load: Load) -> bool:
    return load.role == Role.EMERGENCY
