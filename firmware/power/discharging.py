"""A battery that is discharged on purpose, on a schedule, so that it is known how long it lasts before that is needed.

Pure. A UPS is told to run a deep test (NUT's instant command), and to end it while enough is left. It says "on battery"
meanwhile, whether there is mains or not, so another source must tell of the mains: where none does, or it says that
they are gone, there is no discharge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from callcontrol.plan.holidays import working_day
from callcontrol.plan.schedule import STOCKHOLM
from drivers.ups.model import Mains, Reading, Trouble
from firmware.config import Ups
from firmware.power.policy import View
from firmware.power.sources import Seen
from firmware.power.states import PowerState

__all__ = ["FULL_PERCENT", "Discharge", "OnPurpose", "Over", "as_ordered"]

START, STOP = "test.battery.start.deep", "test.battery.stop"
FULL_PERCENT = 95.0
"""It begins full, or its lesson is of a part alone."""
LONGEST_S = 12 * 3600.0
BEGINS_WITHIN_S = 120.0
"""A UPS that is not on its battery by then has not taken the order."""
AGAIN_S, AGAIN_MOST_S = 10.0, 300.0
"""An order to end it is repeated after so long, doubled each time up to the second, until it is on mains."""


class Over(StrEnum):
    """Why it ends."""

    ENOUGH = "enough"  # its percent is what the configuration names, or few minutes are left
    MAINS = "mains"  # gone, or nobody tells of them
    NEEDED = "needed"  # the platform or its line is away, so the unit stands in
    UNKNOWN = "unknown"  # the UPS tells nothing, or nothing of its charge
    LONG = "long"
    ITSELF = "itself"  # the UPS has ended it
    NOT_BEGUN = "not_begun"


@dataclass(frozen=True, slots=True)
class Discharge:
    """An order to a source: a NUT instant command."""

    name: str
    command: str
    why: str


def as_ordered(reading: Reading) -> Reading:
    """What a UPS tells while it is discharged by our order: nothing of the mains."""
    if reading.mains is not Mains.LOST and reading.charging is not False:
        return reading
    return replace(reading, mains=Mains.UNKNOWN, charging=False, trouble=reading.trouble or Trouble.CALIBRATING)


class OnPurpose:
    """At most one at a time, from `hour` on. `low_minutes`: it ends before so few are left. `taught`: when each battery
    was last discharged so that it taught. `of`: the one that the process before this one has ordered; "" for none."""

    def __init__(
        self, sources: Iterable[Ups], hour: int, low_minutes: float, taught: Mapping[str, datetime], of: str = ""
    ) -> None:
        self._ups = {ups.name: ups for ups in sources if ups.discharge_days}
        self._hour = hour
        self._low_minutes = low_minutes
        self._taught = dict(taught)
        self._tried: dict[str, date] = {}
        self._began_s: float | None = None
        self._ordered_s: float | None = None  # when it was last told to end
        self._again_s = AGAIN_S
        self._used = False  # it has been on its battery
        self._why: Over | None = None
        self.of = of if of in self._ups else ""
        """Which is being discharged by our order."""

    @property
    def hushed(self) -> str:
        """Whose word of the mains says nothing now; "" for none. Once others say that they are gone, it counts."""
        return "" if self._why is Over.MAINS else self.of

    def look(self, view: View, now_s: float, now: datetime, *, serves: bool, quiet: bool) -> Discharge | None:
        """`serves`: the platform does, by its line; `quiet`: nobody is known to be in a call."""
        if not self.of:
            return self._begin(view, now_s, now) if serves and quiet else None
        seen = _of(view, self.of)
        if self._began_s is None:
            self._began_s = now_s
        if self._why is None:
            self._why = self._over(view, seen, now_s, serves=serves)
        if self._why is None:
            return None
        if _rests(seen) and (self._ordered_s is not None or self._why in (Over.ITSELF, Over.NOT_BEGUN)):
            self._taught[self.of], self.of = now, ""
            return None
        if self._ordered_s is not None:
            if now_s - self._ordered_s < self._again_s:
                return None
            self._again_s = min(2 * self._again_s, AGAIN_MOST_S)
        self._ordered_s = now_s
        return Discharge(self.of, STOP, self._why)

    def began_with(self, order: Discharge) -> bool:
        return self.of == order.name and order.command == START

    def refused(self) -> None:
        """The UPS has not taken the order to begin."""
        self.of = ""

    def _begin(self, view: View, now_s: float, now: datetime) -> Discharge | None:
        here = now.astimezone(STOCKHOLM)
        if here.hour != self._hour or not working_day(here.date()) or view.powered.state is not PowerState.MAINS:
            return None
        for name, ups in self._ups.items():
            last, seen = self._taught.get(name), _of(view, name)
            due = last is None or now - last >= timedelta(days=ups.discharge_days)
            if not due or self._tried.get(name) == here.date() or seen is None or seen.reading is None:
                continue
            percent = seen.reading.charge_percent
            if percent is None or percent < FULL_PERCENT or seen.doubts or not _others_say_on(view, name):
                continue
            self._tried[name] = here.date()
            self.of, self._began_s, self._used = name, now_s, False
            self._why, self._ordered_s, self._again_s = None, None, AGAIN_S
            return Discharge(name, START, "due")
        return None

    def _over(self, view: View, seen: Seen | None, now_s: float, *, serves: bool) -> Over | None:
        assert self._began_s is not None
        lasted_s = now_s - self._began_s
        if view.believed.of_unit is not Mains.ON or not _others_say_on(view, self.of):
            return Over.MAINS
        if seen is None or seen.reading is None or seen.reading.charge_percent is None:
            return Over.UNKNOWN
        if _rests(seen):
            over = Over.ITSELF if self._used else Over.NOT_BEGUN
            return over if self._used or lasted_s >= BEGINS_WITHIN_S else None
        self._used = True
        left = view.left[self.of].planned if self.of in view.left else None
        if seen.reading.charge_percent <= self._ups[self.of].discharge_to_percent:
            return Over.ENOUGH
        if left is not None and left <= self._low_minutes:
            return Over.ENOUGH
        if not serves:
            return Over.NEEDED
        return Over.LONG if lasted_s >= LONGEST_S else None


def _of(view: View, name: str) -> Seen | None:
    return next((one for one in view.believed.sources if one.name == name), None)


def _rests(seen: Seen | None) -> bool:
    """On mains, by its own word."""
    reading = None if seen is None else seen.reading
    return reading is not None and reading.mains is Mains.ON and reading.charging is not False


def _others_say_on(view: View, name: str) -> bool:
    said = [one.reading.mains for one in view.believed.sources if one.name != name and one.reading is not None]
    return Mains.ON in said and Mains.LOST not in said
