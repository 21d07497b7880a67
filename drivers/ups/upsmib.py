"""A UPS of a router, a fibre box or a cupboard of switches, by UPS-MIB (RFC 1628) over SNMPv3: one Source.

Its own minutes are whole ones, and most makers' are of little worth at small loads; what is believed of them is
`firmware/power`'s. Makers differ in the sign of the current: while it gives from its battery that flows out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from enum import IntEnum

from drivers.snmp import Agent, Oid, SnmpError, Value, whole
from drivers.ups.model import EVERY_S, Mains, Reading, Trouble, bounded, unknown

__all__ = ["OutputSource", "UpsMib", "reading_of"]

BACK_OFF_MAX_S = 60.0
_MIB: Oid = (1, 3, 6, 1, 2, 1, 33, 1)
BATTERY_STATUS: Oid = (*_MIB, 2, 1, 0)
MINUTES_REMAINING: Oid = (*_MIB, 2, 3, 0)
CHARGE_REMAINING: Oid = (*_MIB, 2, 4, 0)
BATTERY_VOLTAGE: Oid = (*_MIB, 2, 5, 0)
BATTERY_CURRENT: Oid = (*_MIB, 2, 6, 0)
BATTERY_TEMPERATURE: Oid = (*_MIB, 2, 7, 0)
OUTPUT_SOURCE: Oid = (*_MIB, 4, 1, 0)
OUTPUT_POWER: Oid = (*_MIB, 4, 4, 1, 4, 1)
OUTPUT_LOAD: Oid = (*_MIB, 4, 4, 1, 5, 1)
ASKED = {
    BATTERY_STATUS: "upsBatteryStatus",
    MINUTES_REMAINING: "upsEstimatedMinutesRemaining",
    CHARGE_REMAINING: "upsEstimatedChargeRemaining",
    BATTERY_VOLTAGE: "upsBatteryVoltage",
    BATTERY_CURRENT: "upsBatteryCurrent",
    BATTERY_TEMPERATURE: "upsBatteryTemperature",
    OUTPUT_SOURCE: "upsOutputSource",
    OUTPUT_POWER: "upsOutputPower",
    OUTPUT_LOAD: "upsOutputPercentLoad",
}
INTEGER_MOST = 2**31 - 1
BATTERY_LOW, BATTERY_DEPLETED = 3, 4
MINUTES_MOST = 7 * 24 * 60
VOLTS_MOST, AMPS_MOST, WATTS_MOST = 1000.0, 1000.0, 100_000.0
TENTH = 10


class OutputSource(IntEnum):
    OTHER = 1
    NONE = 2
    NORMAL = 3
    BYPASS = 4
    BATTERY = 5
    BOOSTER = 6
    REDUCER = 7


_MAINS = {
    OutputSource.NORMAL: Mains.ON,
    OutputSource.BOOSTER: Mains.ON,
    OutputSource.REDUCER: Mains.ON,
    OutputSource.BYPASS: Mains.ON,
    OutputSource.BATTERY: Mains.LOST,
}


class UpsMib:
    """A Source (drivers/ups/model.py)."""

    fresh_s = 3 * EVERY_S

    def __init__(
        self, name: str, agent: Agent, *, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._agent, self._every_s, self._clock = agent, every_s, clock

    async def run(self, told: Callable[[Reading], None]) -> None:
        pause_s = self._every_s
        while True:
            reading = await self.read()
            told(reading)
            gone = reading.trouble in (Trouble.SILENT, Trouble.REFUSED, Trouble.UNREACHABLE)
            pause_s = min(2 * pause_s, BACK_OFF_MAX_S) if gone else self._every_s
            await self._told_meanwhile(told, reading, pause_s)

    async def read(self) -> Reading:
        """Never raises."""
        at_s = self._clock()
        try:
            values = dict(zip(ASKED, await self._agent.get(*ASKED), strict=True))
            return reading_of(at_s, values)
        except SnmpError as error:
            return unknown(at_s, error.trouble)

    async def close(self) -> None:
        self._agent.close()

    async def _told_meanwhile(self, told: Callable[[Reading], None], reading: Reading, pause_s: float) -> None:
        """Who is not asked is still told of, as often as a source tells."""
        until = self._clock() + pause_s
        while (left := until - self._clock()) > self._every_s:
            await asyncio.sleep(self._every_s)
            told(unknown(self._clock(), Trouble(reading.trouble or Trouble.SILENT)))
        await asyncio.sleep(max(0.0, left))


def reading_of(at_s: float, values: Mapping[Oid, Value]) -> Reading:
    """Raises SnmpError: an agent that has no such table, or a value that is no number. What is out of all bounds is
    not known, and makes the rest no less so; makers fill what they do not measure with -1, 0 or 65535."""
    got = {name: whole(values[name], label, -INTEGER_MOST - 1, INTEGER_MOST) for name, label in ASKED.items()}
    if got[OUTPUT_SOURCE] is None and got[BATTERY_STATUS] is None:
        raise SnmpError(Trouble.UNKNOWN_DEVICE, "the agent has no UPS-MIB (RFC 1628)")
    source = next((one for one in OutputSource if one == got[OUTPUT_SOURCE]), None)
    mains = _MAINS.get(source, Mains.UNKNOWN) if source is not None else Mains.UNKNOWN
    status = got[BATTERY_STATUS]
    amps = _tenths(got[BATTERY_CURRENT], AMPS_MOST)
    trouble = {OutputSource.BYPASS: Trouble.BYPASSED, OutputSource.NONE: Trouble.OFF}.get(source) if source else None
    if trouble is None and mains is Mains.UNKNOWN:
        trouble = Trouble.MISSING
    return Reading(
        at_s,
        mains=mains,
        volts=bounded(_tenths(got[BATTERY_VOLTAGE], VOLTS_MOST), 0.1, VOLTS_MOST),
        amps=abs(amps) if amps is not None and mains is Mains.LOST else None,
        watts=bounded(_float(got[OUTPUT_POWER]), 1, WATTS_MOST),
        load_percent=bounded(_float(got[OUTPUT_LOAD]), 0, 200),
        charge_percent=bounded(_float(got[CHARGE_REMAINING]), 0, 100),
        minutes=bounded(_float(got[MINUTES_REMAINING]), 0, MINUTES_MOST),
        low=status in (BATTERY_LOW, BATTERY_DEPLETED) if status in (2, BATTERY_LOW, BATTERY_DEPLETED) else None,
        celsius=bounded(_float(got[BATTERY_TEMPERATURE]), 1, 100),
        trouble=trouble,
    )


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _tenths(value: int | None, most: float) -> float | None:
    return None if value is None else bounded(value / TENTH, -most, most)
