"""What a call costs that Python decides: led back to back by `calls`, or sent on by it; and what that makes it wait.

In turns within one run, at the same rates; the cost of a call falls as the rate rises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tools.bench.building import Building
from tools.bench.processes import confined, urgent
from tools.bench.side import Work, ringing_ms

__all__ = ["DECIDED_RATE", "DIFFERS", "Decided", "DecidedPlan", "decide"]

DECIDED_RATE = 100.0  # 1/s; near the most that Asterisk bears on one core
SETUP_RATE = 40.0  # 1/s, each way
DIFFERS = (
    "A decided call is led back to back by `calls` (Python) behind the edge (Kamailio), which challenges each INVITE: "
    "two legs, the phones' own descriptions passed on, so that sound goes from phone to phone from the beginning; the "
    "plan is asked, records are written to a journal. Asterisk (Debian 11, pjsip, only the modules it needs, no call "
    "records, direct_media=yes) joins two legs with descriptions of its own, opens RTP ports, and asks both phones "
    "again once they have met, so that sound then goes from phone to phone. It challenges each INVITE too. All "
    "processes of each side are counted; each has one core; no sound is sent."
)


@dataclass(frozen=True)
class DecidedPlan:
    """How much is done."""

    turns: int  # of unit and Asterisk
    calls_s: float  # each turn
    forwarded_s: float  # in all
    setups: int  # each way


@dataclass
class Decided:
    """`peer` None: there was none. Times are INVITE to 180, challenge included; `math.inf` did not ring."""

    led: Work = field(default_factory=Work)
    forwarded: Work = field(default_factory=Work)
    peer: Work | None = None
    led_ms: Sequence[float] = ()
    plain_ms: Sequence[float] = ()

    @property
    def added_ms(self) -> list[float]:
        """Each less the *median* of plain calls: what chance adds to a call counts against us."""
        without = median(self.plain_ms) if self.plain_ms else math.inf
        return [value - without for value in self.led_ms] if math.isfinite(without) else []


def decide(building: Building, plan: DecidedPlan) -> Decided:
    """Registers the phones first."""
    found = Decided()
    with confined(building.client):
        for _ in range(plan.turns):
            building.bind()
            dials = building.dials(building.led)
            found.led += building.unit.calls(dials, DECIDED_RATE, plan.calls_s)
            if building.peer is not None:
                found.peer = (found.peer or Work()) + building.peer.calls(dials, DECIDED_RATE, plan.calls_s)
        building.bind()
        found.forwarded = building.unit.calls(building.dials(building.forwarded), DECIDED_RATE, plan.forwarded_s)
        building.bind()
        found.led_ms, found.plain_ms = _setups_ms(building, plan.setups)
    return found


def _setups_ms(building: Building, count: int) -> tuple[list[float], list[float]]:
    """Led calls and plain ones, in the same seconds."""
    unit = building.unit
    with urgent(building.site.host.pids()), unit.answer():
        ways = (building.led, building.plain)
        placings = [unit.place(building.dials(callees), count, SETUP_RATE, traced=True) for callees in ways]
        led, plain = (ringing_ms(placing.wait(), count) for placing in placings)
    return led, plain
