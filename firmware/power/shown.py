"""What of power is in the one snapshot (firmware/status.py), and in the row that each minute leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from drivers.ups.model import Mains, Part, Reading
from firmware.config import Config
from firmware.config_ups import SIMULATED
from firmware.power.ageing import Trend
from firmware.power.halting import Stage
from firmware.power.policy import View
from firmware.power.shedding import Sheddable
from firmware.power.sources import Seen
from firmware.power.states import PowerState
from firmware.power.until import Left, until_clock
from firmware.status import Power, PowerBox, PowerSource
from firmware.store.power import PowerMinute

__all__ = ["minute_of", "shown"]


def shown(
    config: Config,
    view: View | None,
    now: datetime,
    *,
    state_at: datetime | None,
    time_certain: bool,
    loads: Sequence[Sheddable],
    shed: Collection[str],
    faults: Sequence[str],
    stage: Stage,
    discharging: str,
    trends: Mapping[str, Trend],
) -> Power:
    """`view` None: it has not looked yet."""
    simulated = any(ups.name == SIMULATED for ups in config.ups)
    if view is None:
        return Power(simulated=simulated)
    found, believed = view.until, view.believed
    rest = [load.name for load in loads if load.name not in shed]
    return Power(
        state=None if view.powered.state is PowerState.UNKNOWN else view.powered.state.value,
        mains=_mains(believed.of_unit),
        sure=Part.UNIT in believed.sure if believed.of_unit is not Mains.UNKNOWN else None,
        since=None if state_at is None else _text(state_at),
        time_certain=time_certain,
        until=None if found.minutes is None else _text(until_clock(found.minutes, now)),
        minutes=_tenths(found.minutes),
        inside_minutes=_tenths(found.inside),
        likely_minutes=_tenths(found.likely),
        limits=None if found.limits is None else found.limits.value,
        mobile_minutes=_tenths(found.mobile),
        unknown=tuple(part.value for part in found.unknown),
        shed=tuple(shed),
        shed_next=rest[0] if rest else None,
        faults=tuple(faults),
        halt=None if stage is Stage.RUNNING else stage.value,
        simulated=simulated,
        discharging=discharging or None,
        sources=tuple(_source(one, view.left.get(one.name, Left()), trends.get(one.name)) for one in believed.sources),
        boxes=tuple(PowerBox(box.part.value, box.address, box.reached, box.rtt_ms, box.gone) for box in view.boxes),
    )


def minute_of(view: View, now: datetime) -> PowerMinute:
    """What is kept of this minute, of what feeds the unit."""
    of_unit = [one.reading for one in view.believed.sources if Part.UNIT in one.keeps and one.reading is not None]

    def first(kind: Callable[[Reading], float | None]) -> float | None:
        return next((value for reading in of_unit if (value := kind(reading)) is not None), None)

    return PowerMinute(
        now,
        view.powered.state.value,
        view.believed.of_unit.value,
        first(lambda one: one.volts),
        first(lambda one: one.watts),
        first(lambda one: one.charge_percent),
        view.until.minutes,
        view.until.likely,
    )


def _source(seen: Seen, left: Left, aged: Trend | None) -> PowerSource:
    reading = seen.reading
    base = PowerSource(
        name=seen.name,
        keeps=tuple(part.value for part in Part if part in seen.keeps),
        age_s=_tenths(seen.age_s),
        trouble=seen.trouble,
        doubts=seen.doubts,
        holds_percent=None if aged is None else round(aged.percent, 1),
    )
    if reading is None:
        return base
    return PowerSource(
        name=base.name,
        keeps=base.keeps,
        mains=_mains(reading.mains),
        age_s=base.age_s,
        charge_percent=_tenths(reading.charge_percent),
        volts=None if reading.volts is None else round(reading.volts, 3),
        watts=_tenths(reading.watts),
        minutes=_tenths(left.lower),
        likely_minutes=_tenths(left.likely),
        trouble=base.trouble,
        doubts=base.doubts,
        holds_percent=base.holds_percent,
    )


def _mains(mains: Mains) -> str | None:
    return None if mains is Mains.UNKNOWN else mains.value


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
