"""What a PoE switch does with its ports: RFC 3621's two tables, written from that RFC.

Devices hang on ports and draw what they draw; a port gives it to them where it is let and the supply bears it, the most
important ports first. Kept in one JSON file, so that the program which net-snmp starts and the test share it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["ETHERNET", "Port", "Switch"]

ETHERNET = "1.3.6.1.2.1.105"
PORT_ENTRY = f"{ETHERNET}.1.1.1"
MAIN_ENTRY = f"{ETHERNET}.1.3.1.1"
TRUE, FALSE = 1, 2
DISABLED, SEARCHING, DELIVERING, OTHER_FAULT = 1, 2, 3, 6
PRIORITIES = (1, 2, 3)
"""critical, high, low"""


@dataclass
class Port:
    """`watts`: drawn by the device on it; None: nothing hangs there."""

    enabled: bool = True
    priority: int = 3
    watts: float | None = None


@dataclass
class Switch:
    """One group of ports. `values`: what else is told, or told instead, by name: [type, value] of pass_persist.
    `follows`: what comes after a name, whatever is so, for tables that lie."""

    ports: dict[str, Port] = field(default_factory=dict)
    budget_w: float = 370.0
    own_w: float = 0.0
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    follows: dict[str, str] = field(default_factory=dict)
    stuck: bool = False
    """It takes what is written, says so, and does nothing."""

    @classmethod
    def read(cls, file: Path) -> Switch:
        found = json.loads(file.read_text())
        found["ports"] = {index: Port(**port) for index, port in found["ports"].items()}
        found["values"] = {name: (kind, text) for name, (kind, text) in found["values"].items()}
        return cls(**found)

    def write(self, file: Path) -> None:
        """Whole or not at all."""
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(asdict(self)))
        beside.replace(file)

    def delivering(self) -> set[str]:
        """The ports that give power: as many as the supply bears, the important first, then the lower number."""
        left, found = self.budget_w, set()
        wanting = [(port.priority, _key(index), index, port.watts) for index, port in self.ports.items()]
        for _, _, index, watts in sorted(wanting, key=lambda one: one[:2]):
            if watts is not None and self.ports[index].enabled and watts <= left:
                left -= watts
                found.add(index)
        return found

    def table(self) -> Mapping[str, tuple[str, str]]:
        delivering = self.delivering()
        drawn = self.own_w + sum(self.ports[index].watts or 0 for index in delivering)
        found = {
            f"{MAIN_ENTRY}.2.1": ("gauge", f"{self.budget_w:.0f}"),
            f"{MAIN_ENTRY}.3.1": ("integer", "1"),
            f"{MAIN_ENTRY}.4.1": ("gauge", f"{drawn:.0f}"),
        }
        for index, port in self.ports.items():
            found[f"{PORT_ENTRY}.3.{index}"] = ("integer", str(TRUE if port.enabled else FALSE))
            found[f"{PORT_ENTRY}.6.{index}"] = ("integer", str(_detection(port, index in delivering)))
            found[f"{PORT_ENTRY}.7.{index}"] = ("integer", str(port.priority))
        return found | self.values

    def put(self, name: str, kind: str, value: str) -> str:
        """What pass_persist answers; the two columns that RFC 3621 lets be written (and the counters' resets)."""
        for column, column_name in ((3, "enabled"), (7, "priority")):
            index = name.removeprefix(f"{PORT_ENTRY}.{column}.")
            if index in self.ports and index != name:
                if kind != "integer":
                    return "wrong-type"
                if int(value) not in ((TRUE, FALSE) if column == 3 else PRIORITIES):
                    return "wrong-value"
                if not self.stuck:
                    setattr(self.ports[index], column_name, int(value) == TRUE if column == 3 else int(value))
                return "DONE"
        return "not-writable"


def _detection(port: Port, delivering: bool) -> int:
    if not port.enabled:
        return DISABLED
    if delivering:
        return DELIVERING
    return SEARCHING if port.watts is None else OTHER_FAULT


def _key(index: str) -> tuple[int, ...]:
    return tuple(map(int, index.split(".")))
