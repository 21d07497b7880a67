"""A region's units that meet their platform again in the same moment: a discrete simulation (class S, virtual time).

What decides is the product's own: `firmware.modes` when a unit goes back, `callcontrol.pacing` how fast. Simulated are
the phones, which come when their expiry is nearly over, and a platform that takes so many registrations a second and
refuses the others with 503 and Retry-After.

    python -m hil.sim.fleet [--units N] [--seed N]
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import count

from callcontrol.edge.render import SOON_S
from callcontrol.pacing import Pace, PaceSettings
from firmware.modes import Mode, ModeSettings, State, advance, start
from firmware.signs import NodeSign, Signs

__all__ = ["Fleet", "Report", "simulate"]

SAMPLE_S = 2.0
"""A unit looks more often; in a simulation of nothing but good probes this shows the same."""
MET_S = 3.0
"""Within this all units have seen the platform's first answer."""
REFRESH = (0.5, 0.95)
"""After which part of its expiry a phone registers again: each has its own, RFC 3261 leaves it to them."""
GIVE_UP_S = 3600.0


@dataclass(frozen=True)
class Fleet:
    """What is simulated; times in seconds, defaults as of the configuration."""

    units: int = 1000
    phones: tuple[int, int] = (10, 40)  # of a unit, from and to
    platform_per_s: int = 200
    retry_after_s: int | None = 10  # None: refused without a time named
    register_s: float = 60.0
    spread_s: float = 30.0
    registrations_per_s: int = 10
    hold_down_s: float = 10.0
    seed: int = 1


@dataclass(frozen=True)
class Report:
    """How it went; times in seconds from the platform's return."""

    units: int
    phones: int
    returned_units: int  # all of their phones confirmed, and NORMAL
    last_unit_s: float | None  # when the last of them was; None: not all within GIVE_UP_S
    ideal_s: float  # what the platform's own limit takes for all phones
    refused: int  # registrations that the platform had to refuse
    peak_per_s: int  # the most that came to it in one second
    figure_class: str = "S"


class _Platform:
    def __init__(self, fleet: Fleet) -> None:
        self._limit = fleet.platform_per_s
        self.came: Counter[int] = Counter()
        self.refused = 0

    def takes(self, now_s: float) -> bool:
        """One more registration."""
        self.came[int(now_s)] += 1
        if self.came[int(now_s)] <= self._limit:
            return True
        self.refused += 1
        return False


class _Unit:
    """In SURVIVAL at first, its phones registered here."""

    def __init__(self, fleet: Fleet, settings: ModeSettings, dice: random.Random) -> None:
        self._fleet, self._settings, self._dice = fleet, settings, dice
        self.phones = dice.randint(*fleet.phones)
        self._habits = [dice.uniform(*REFRESH) for _ in range(self.phones)]
        self._confirmed = [False] * self.phones
        self._pace = Pace(PaceSettings(fleet.registrations_per_s, fleet.spread_s), dice.random)
        self._state: State = start(0.0, settings, Mode.SURVIVAL)

    @property
    def returned(self) -> bool:
        return self._state.mode is Mode.NORMAL and all(self._confirmed)

    def sample(self, now_s: float) -> None:
        """As `firmware.watch` does."""
        before = self._state.mode
        held_back = self._pace.wait_left_s(now_s) > 0
        node = NodeSign("sip:platform", serving=True)
        confirmed = sum(self._confirmed)
        signs = Signs(now_s, (node,), confirmed=confirmed, registered=self.phones, held_back=held_back)
        self._state = advance(self._state, signs, self._settings)
        if self._state.mode is Mode.RETURNING and before is not Mode.RETURNING:
            self._pace.returned(now_s)

    def refresh(self, phone: int, now_s: float, platform: _Platform) -> float:
        """A phone comes, as in the edge's `route[REGISTER]`; when it will come again."""
        expires_s = self._fleet.register_s
        if self._state.mode is not Mode.SURVIVAL and not self._confirmed[phone]:
            if self._pace.admit(now_s):
                if platform.takes(now_s):
                    self._confirmed[phone] = True
                else:
                    self._pace.refused(now_s, self._fleet.retry_after_s)
            elif self._pace.wait_left_s(now_s) == 0:
                expires_s = self._dice.uniform(SOON_S, expires_s)
        return now_s + expires_s * self._habits[phone]


def simulate(fleet: Fleet) -> Report:
    """The same for the same `fleet`."""
    dice = random.Random(fleet.seed)
    settings = ModeSettings(3, fleet.hold_down_s, 600, fleet.register_s, registrations_per_s=fleet.registrations_per_s)
    units = [_Unit(fleet, settings, dice) for _ in range(fleet.units)]
    platform = _Platform(fleet)
    order = count()
    # (when, in which order, which unit, which of its phones; None: the unit itself)
    events: list[tuple[float, int, int, int | None]] = []
    for number, unit in enumerate(units):
        events.append((dice.uniform(0, MET_S), next(order), number, None))
        events += [(dice.uniform(0, fleet.register_s), next(order), number, phone) for phone in range(unit.phones)]
    heapq.heapify(events)
    away, last_s = set(range(fleet.units)), None
    while events and away:
        now_s, _, number, phone = heapq.heappop(events)
        if now_s > GIVE_UP_S:
            break
        if number not in away:
            continue
        unit = units[number]
        if phone is None:
            unit.sample(now_s)
            again_s = now_s + SAMPLE_S
            if unit.returned:
                away.discard(number)
                last_s = now_s
        else:
            again_s = unit.refresh(phone, now_s, platform)
        heapq.heappush(events, (again_s, next(order), number, phone))
    phones = sum(unit.phones for unit in units)
    return Report(
        units=fleet.units,
        phones=phones,
        returned_units=fleet.units - len(away),
        last_unit_s=None if away or last_s is None else round(last_s, 1),
        ideal_s=round(phones / fleet.platform_per_s, 1),
        refused=platform.refused,
        peak_per_s=max(platform.came.values(), default=0),
    )


def main(words: Iterable[str] | None = None) -> None:
    """Prints the report as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m hil.sim.fleet", description="1,000 units return to one platform.")
    parser.add_argument("--units", type=int, default=Fleet.units)
    parser.add_argument("--seed", type=int, default=Fleet.seed)
    args = parser.parse_args(None if words is None else list(words))
    print(json.dumps(asdict(simulate(Fleet(units=args.units, seed=args.seed)))))


if __name__ == "__main__":
    main()
