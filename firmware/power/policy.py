"""All decisions about power in one place: readings in, what is to be done out. No IO and no clock; times are monotonic
seconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drivers.reach import Seen
from drivers.ups.model import Mains, Part, Reading
from firmware.config import Config
from firmware.power.boxes import Box, Boxes
from firmware.power.gauges import Gauges
from firmware.power.joining import joined
from firmware.power.learning import Lesson
from firmware.power.minutes import Sample
from firmware.power.phones import table
from firmware.power.proving import Proving
from firmware.power.shedding import Order, Sheddable, Shedding
from firmware.power.sources import Believed, Sources, Spec
from firmware.power.states import Powered, PowerState, Thresholds, step
from firmware.power.until import Left, Until, part_minutes, until

__all__ = ["Policy", "View"]

FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class View:
    """What is so now, and what is to be done. `left`: by source. `lost_s`: since when mains is lost.
    `looks`, `over`: what of batteries is to be kept (gauges.py); `proved`: what a cut has shown of wiring."""

    believed: Believed
    powered: Powered
    left: Mapping[str, Left]
    until: Until
    order: Order | None
    lost_s: float | None
    looks: Mapping[str, tuple[Sample, ...]]
    over: Mapping[str, Lesson | None]
    boxes: tuple[Box, ...] = ()
    proved: Mapping[str, str] = field(default_factory=dict)

    @property
    def halting(self) -> bool:
        return self.powered.state is PowerState.HALTING

    def watts(self, part: Part) -> float | None:
        """Drawn by what hangs on the source of that part."""
        found = (one.reading.watts for one in self.believed.sources if part in one.keeps and one.reading is not None)
        return next((watts for watts in found if watts is not None), None)


class Policy:
    """`fresh_s`: how long a reading of each source may be believed. `learnt`: what its battery has taught before;
    `under_way`: its discharge that goes on."""

    def __init__(
        self,
        config: Config,
        fresh_s: Mapping[str, float],
        learnt: Mapping[str, str] | None = None,
        under_way: Mapping[str, Sequence[Sample]] | None = None,
    ) -> None:
        self._power = config.power
        self._ups = {ups.name: ups for ups in config.ups}
        self._same_battery = {ups.name: ups.battery_of for ups in config.ups if ups.battery_of}
        self._sources = Sources(
            Spec(
                ups.name, frozenset(map(Part, ups.keeps)), fresh_s.get(ups.name, 0.0), cells=ups.cells,
                chemistry=ups.chemistry,
            )
            for ups in config.ups
            if ups.kind != FIXED
        )  # fmt: skip
        self._shedding = Shedding(table(config.load))
        self._proving = Proving(config.ups)
        self._boxes = Boxes({Part(box.what): box.address for box in config.reach})
        self._limits = Thresholds(
            low_minutes=config.power.low_minutes,
            halt_minutes=config.power.halt_minutes,
            halt_percent=config.power.halt_percent,
            halt_after_s=config.power.halt_after_s,
        )
        self.gauges = Gauges(config.ups, learnt or {}, under_way)
        self._powered: Powered | None = None
        self._lost_s: float | None = None

    @property
    def loads(self) -> Sequence[Sheddable]:
        """In the order in which they are shed."""
        return self._shedding.loads

    def told(self, name: str, reading: Reading) -> None:
        self._sources.take(name, reading)

    def told_box(self, part: Part, seen: Seen) -> None:
        """Whether a box of `[[reach]]` answers."""
        self._boxes.take(part, seen)

    def look(
        self,
        now_s: float,
        off: Collection[str] = (),
        busy: Collection[str] = (),
        empty: Collection[str] = (),
        levels: Mapping[str, bool | None] | None = None,
    ) -> View:
        """`off`: loads that are shed; `busy`: those that carry a call; `empty`: those with nothing to switch off;
        `levels`: of lines."""
        believed = self._sources.judge(now_s)
        proved = self._proving.look(believed, levels or {}, now_s)
        self._sources.wrong = self._proving.doubts
        if believed.of_unit is Mains.ON:
            self._lost_s = None
        elif believed.of_unit is Mains.LOST and self._lost_s is None:
            self._lost_s = now_s
        elapsed = 0.0 if self._lost_s is None else (now_s - self._lost_s) / 60
        batteries = joined(believed.sources, self._same_battery)
        fed = self.gauges.feed(replace(believed, sources=batteries), now_s)
        left = {one.name: self.gauges.left(one) for one in batteries if one.keeps}
        left |= {name: _fixed(ups.minutes, elapsed) for name, ups in self._ups.items() if ups.kind == FIXED}
        parts = part_minutes((frozenset(map(Part, self._ups[name].keeps)), found) for name, found in left.items())
        of_unit = parts.get(Part.UNIT, Left()).planned
        powered = step(self._powered or Powered(since_s=now_s), believed, of_unit, self._limits, now_s)
        self._powered = powered
        boxes = self._boxes.look(believed.of_unit, now_s)
        gone = [box.part for box in boxes if box.gone]
        found = until(parts, self._power.mobile_minutes or None, elapsed, gone)
        view = View(believed, powered, left, found, None, self._lost_s, fed.looks, fed.over, boxes, proved)
        order = self._shedding.order(
            powered,
            {part: each.planned for part, each in parts.items()},
            off,
            now_s,
            watts={part: view.watts(part) for part in Part},
            busy=busy,
            empty=empty,
        )
        return replace(view, order=order)


def _fixed(minutes: float, elapsed_minutes: float) -> Left:
    """Of a source of which nothing can be read, counted from when mains was lost."""
    left = max(0.0, minutes - elapsed_minutes)
    return Left(left, left, left, "configured")
