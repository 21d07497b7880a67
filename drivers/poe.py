"""A switch that feeds phones: POWER-ETHERNET-MIB (RFC 3621), read by SNMPv3, and switched where that is allowed.

What a read gives is a `PoeState`; what it cannot give is None in it, and `trouble` says why. A table that lies (rows
that do not end, numbers that are texts, more power than any switch has) is not believed in part: nothing of it is
known, and `detail` names the object. Which ports may be switched, and when, is `firmware/power`'s."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

from drivers.snmp import Agent, Oid, SnmpError, Value, dotted, whole
from drivers.ups.model import Trouble

__all__ = ["Detection", "PoeState", "PoeSwitch", "Port", "Priority", "SnmpPoeSwitch", "parse_index"]

EVERY_S = 60.0
BACK_OFF_S = 10.0
BACK_OFF_MAX_S = 600.0
"""Of a switch that does not answer, or answers nonsense: each pause is twice the last."""
PORTS_MAX = 1024
"""Of a stack: 9 switches of 52 ports, twice."""
GROUPS_MAX = 64
WATTS_MAX = 65_535
"""Of one group."""
NAME_MAX = 64
"""ifAlias (RFC 2863)."""
WAIT_WRITTEN_S = 0.5
WRITTEN_TRIES = 4
"""What was written is read so often, with these pauses, until it is there: some switches take their time."""

_MIB: Oid = (1, 3, 6, 1, 2, 1, 105, 1)
PORT_ENTRY: Oid = (*_MIB, 1, 1)
MAIN_ENTRY: Oid = (*_MIB, 3, 1, 1)
ADMIN_ENABLE, DETECTION_STATUS, POWER_PRIORITY = 3, 6, 7
MAIN_POWER, MAIN_OPER_STATUS, MAIN_CONSUMPTION = 2, 3, 4
IF_ALIAS: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18)
TRUE, FALSE = 1, 2
"""TruthValue (RFC 2579)."""
_INDEX_WORDS = "GROUP.PORT, as in 1.12"

_Kind = TypeVar("_Kind", bound=IntEnum)


class Detection(IntEnum):
    """pethPsePortDetectionStatus."""

    DISABLED = 1
    SEARCHING = 2
    DELIVERING = 3
    FAULT = 4
    TEST = 5
    OTHER_FAULT = 6


class Priority(IntEnum):
    """pethPsePortPowerPriority: the switch's own order when its supply does not bear all."""

    CRITICAL = 1
    HIGH = 2
    LOW = 3


@dataclass(frozen=True, slots=True)
class Port:
    """`index`: pethPsePortGroupIndex and pethPsePortIndex, ``1.12``. None: not told, or a word that RFC 3621 lacks."""

    index: str
    enabled: bool | None = None
    detection: Detection | None = None
    priority: Priority | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PoeState:
    """One look at a switch. `at_s`: when it was begun, monotonic."""

    at_s: float
    ports: tuple[Port, ...] = ()
    watts: float | None = None
    """Given to all ports now (pethMainPseConsumptionPower); the switch's own need is not in it."""
    watts_max: float | None = None
    """What the supplies bear (pethMainPsePower)."""
    supplies: bool | None = None
    """Whether all of them are on (pethMainPseOperStatus)."""
    trouble: Trouble | None = None
    detail: str = ""


class PoeSwitch(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def fresh_s(self) -> float:
        """How long a state may be believed, if nothing newer comes."""
        ...

    async def read(self) -> PoeState:
        """Never raises."""
        ...

    async def set_port(self, index: str, on: bool) -> None:
        """Until the switch itself says that it is so. Raises SnmpError, or ValueError: no such index."""
        ...

    async def run(self, told: Callable[[PoeState], None]) -> None:
        """Reads and tells until cancelled, at growing pauses where there is trouble."""
        ...

    def close(self) -> None: ...


class SnmpPoeSwitch:
    """`switching`: whether ports may be switched at all. `names`: whether ports are named by ifAlias, where the switch
    numbers its ports as its interfaces; most do, and RFC 3621 does not promise it."""

    def __init__(
        self,
        name: str,
        agent: Agent,
        *,
        switching: bool = False,
        names: bool = False,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._agent, self._switching, self._names, self._every_s = agent, switching, names, every_s
        self._clock = clock
        self._looked = asyncio.Event()

    @property
    def fresh_s(self) -> float:
        return 2.5 * self._every_s

    async def read(self) -> PoeState:
        at_s = self._clock()
        try:
            main = {column: await self._main(column) for column in (MAIN_POWER, MAIN_OPER_STATUS, MAIN_CONSUMPTION)}
            ports = {column: await self._ports(column) for column in (ADMIN_ENABLE, DETECTION_STATUS, POWER_PRIORITY)}
            if not main[MAIN_CONSUMPTION] and not ports[ADMIN_ENABLE]:
                raise SnmpError(Trouble.UNKNOWN_DEVICE, "the agent has no POWER-ETHERNET-MIB (RFC 3621)")
            names = await self._agent.walk(IF_ALIAS, PORTS_MAX) if self._names else {}
            return state_of(at_s, main, ports, names)
        except SnmpError as error:
            return PoeState(at_s, trouble=error.trouble, detail=str(error))

    async def set_port(self, index: str, on: bool) -> None:
        group, port = parse_index(index)
        name = (*PORT_ENTRY, ADMIN_ENABLE, group, port)
        label = f"pethPsePortAdminEnable.{index}"
        if not self._switching:
            raise SnmpError(Trouble.REFUSED, f"{label}: switching is not configured")
        wanted = TRUE if on else FALSE
        await self._agent.put(name, wanted)
        for attempt in range(WRITTEN_TRIES):
            await asyncio.sleep(WAIT_WRITTEN_S if attempt else 0)
            (value,) = await self._agent.get(name)
            if whole(value, label, TRUE, FALSE) == wanted:
                self._looked.set()
                return
        raise SnmpError(Trouble.NONSENSE, f"{label} was written and is not so")

    async def run(self, told: Callable[[PoeState], None]) -> None:
        pause_s = BACK_OFF_S
        while True:
            self._looked.clear()
            state = await self.read()
            told(state)
            pause_s = min(2 * pause_s, BACK_OFF_MAX_S) if state.trouble else BACK_OFF_S
            wait_s = pause_s / 2 if state.trouble else self._every_s
            try:
                async with asyncio.timeout(wait_s):
                    await self._looked.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        self._agent.close()

    async def _main(self, column: int) -> Mapping[Oid, Value]:
        return await self._agent.walk((*MAIN_ENTRY, column), GROUPS_MAX)

    async def _ports(self, column: int) -> Mapping[Oid, Value]:
        return await self._agent.walk((*PORT_ENTRY, column), PORTS_MAX)


def parse_index(text: str) -> tuple[int, int]:
    """``1.12`` to (1, 12). Raises ValueError."""
    parts = text.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) <= 10 for part in parts):
        raise ValueError(f"{text[:20]!r} is no port, expected {_INDEX_WORDS}")
    group, port = map(int, parts)
    if not (1 <= group < 2**31 and 1 <= port < 2**31):
        raise ValueError(f"{text[:20]!r} is no port, expected {_INDEX_WORDS}")
    return group, port


def state_of(
    at_s: float,
    main: Mapping[int, Mapping[Oid, Value]],
    ports: Mapping[int, Mapping[Oid, Value]],
    names: Mapping[Oid, Value],
) -> PoeState:
    """What the columns of both tables say, by number of column and index. Raises SnmpError."""
    admins = _numbers("pethPsePortAdminEnable", ports[ADMIN_ENABLE], 2, TRUE, FALSE)
    detections = _numbers("pethPsePortDetectionStatus", ports[DETECTION_STATUS], 2, 0, 2**31 - 1)
    priorities = _numbers("pethPsePortPowerPriority", ports[POWER_PRIORITY], 2, 0, 2**31 - 1)
    bears = _numbers("pethMainPsePower", main[MAIN_POWER], 1, 0, WATTS_MAX)
    draws = _numbers("pethMainPseConsumptionPower", main[MAIN_CONSUMPTION], 1, 0, WATTS_MAX)
    supplies = _numbers("pethMainPseOperStatus", main[MAIN_OPER_STATUS], 1, 0, 2**31 - 1)
    return PoeState(
        at_s,
        tuple(
            Port(
                dotted(index),
                enabled=None if admins.get(index) is None else admins[index] == TRUE,
                detection=_word(Detection, detections.get(index)),
                priority=_word(Priority, priorities.get(index)),
                name=_name(names.get(index[1:])),
            )
            for index in sorted(admins.keys() | detections.keys())
        ),
        watts=_sum(draws),
        watts_max=_sum(bears),
        supplies=all(status == 1 for status in supplies.values()) if supplies else None,
    )


def _numbers(label: str, column: Mapping[Oid, Value], arcs: int, low: int, high: int) -> Mapping[Oid, int | None]:
    for index in column:
        if len(index) != arcs:
            raise SnmpError(Trouble.NONSENSE, f"{label}.{dotted(index)[:40]} has no index of {arcs} numbers")
    return {index: whole(value, f"{label}.{dotted(index)}", low, high) for index, value in column.items()}


def _word(kind: type[_Kind], value: int | None) -> _Kind | None:
    return next((one for one in kind if one == value), None)


def _sum(column: Mapping[Oid, int | None]) -> float | None:
    """Of all groups; a group that does not tell makes the sum unknown."""
    values = [value for value in column.values() if value is not None]
    return float(math.fsum(values)) if values and len(values) == len(column) else None


def _name(value: Value) -> str | None:
    """Printable, and short; what else a switch has there is left out."""
    if not isinstance(value, bytes):
        return None
    text = "".join(char for char in value.decode("utf-8", "replace") if char.isprintable())[:NAME_MAX].strip()
    return text or None
