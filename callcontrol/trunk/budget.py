"""How many calls a way by mobile data bears at once, and how much of what may be sent has been.

Theory. A call by data costs what its packets cost on the mobile side: sound, RTP, UDP and IP of the inner packet, and
what WireGuard lays around it. How much the way carries is measured by trains of packets that are sent and come back
(`train_bps`): the slower of its two directions, as both carry the same in a call. What was measured a while ago holds
no longer on a mobile network, so the calls themselves are watched too: loss or delay that grows while calls are up
takes one call away, a calm minute at the bound gives one back (additive increase; the decrease need not be
multiplicative, as a call is a large part of such a way). Unknown is a value: what was never measured bears `unmeasured`
calls.

Of what may be sent in a day and a month, four fifths used is told, all used leaves the way to 112 and the reception.

Pure; times are monotonic seconds, rates bit/s in one direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = [
    "Bearing",
    "Budget",
    "BudgetSettings",
    "Level",
    "Rooms",
    "Seen",
    "Usage",
    "advance",
    "call_bps",
    "level_of",
    "rooms",
    "train_bps",
]

IP_BYTES, UDP_BYTES, RTP_BYTES = 20, 8, 12
WIREGUARD_BYTES = 32
"""Its header and the tag of a data message (the WireGuard paper, §5.4.6); the inner packet is filled up to 16."""
WIREGUARD_FILL_BYTES = 16
SHARE = 0.8
"""Of what a train shows, for sound: signalling, reports and other traffic of the operator take the rest."""
BAD_LOSS = 0.03
"""More loss than this is heard in G.711 (ITU-T G.113 appendix I)."""
BAD_DELAY_MS = 150.0
"""A round trip that has grown by so much is a queue: the way is full (ITU-T G.114 asks for 150 ms one way)."""
BAD_SAMPLES = 2
"""So many in a row: one alone is a moment of the radio."""
CALM_S = 60.0
"""At the bound and well for so long: one call more."""
MEASURED_S = 3600.0
"""What a train has shown holds for so long."""
ALARM_SHARE = 0.8
MEGABYTE = 1_000_000


class Level(StrEnum):
    """How much of what may be sent has been."""

    OK = "ok"
    ALARM = "alarm"  # four fifths
    SPENT = "spent"  # all: 112 and the reception go on


@dataclass(frozen=True)
class BudgetSettings:
    """From `[data]` of the configuration; 0 MB: no limit."""

    calls_max: int
    calls_unmeasured: int
    mb_per_day: int = 0
    mb_per_month: int = 0


@dataclass(frozen=True)
class Seen:
    """A few seconds of the way. None: not known."""

    now_s: float
    calls: int  # up
    loss: float | None = None  # share of the sound's packets, in the worse direction
    rtt_ms: float | None = None
    capacity_bps: float | None = None  # by a train, if one came back just now


@dataclass(frozen=True)
class Bearing:
    """What is known of the way. Made by `Bearing()`, changed by `advance` alone."""

    capacity_bps: float | None = None
    measured_s: float | None = None
    rtt_low_ms: float | None = None  # the least that was seen: the way while empty
    bad_row: int = 0
    calm_since_s: float | None = None
    cap: int | None = None  # by what calls have shown; None: nothing was bad yet

    def calls(self, settings: BudgetSettings, bps_per_call: float) -> int:
        """How many it bears at once, one at the least."""
        by_train = settings.calls_unmeasured
        if self.capacity_bps is not None:
            by_train = int(self.capacity_bps * SHARE / bps_per_call)
        borne = by_train if self.cap is None else min(by_train, self.cap) if self.capacity_bps is not None else self.cap
        return max(1, min(settings.calls_max, borne))


@dataclass(frozen=True)
class Usage:
    """Bytes sent and received by the way's interface, this day and this month."""

    day: str = ""  # 2026-11-22; "" before the clock is set
    day_bytes: int = 0
    month_bytes: int = 0
    counter: int | None = None  # of the interface, when last seen

    def seen(self, counter: int | None, day: str) -> Usage:
        """With the interface's counter of now; one that went back is an interface that came anew."""
        if counter is None:
            return self
        more = 0 if self.counter is None else counter - self.counter if counter >= self.counter else counter
        # A clock that is not set is no new day.
        day = day or self.day
        return Usage(
            day=day,
            day_bytes=more if day != self.day else self.day_bytes + more,
            month_bytes=more if day[:7] != self.day[:7] else self.month_bytes + more,
            counter=counter,
        )


@dataclass(frozen=True)
class Rooms:
    """How many more calls may go by data now: anybody's, and the reception's."""

    ordinary: int
    first: int


@dataclass(frozen=True)
class Budget:
    """All of it, as it is shown."""

    bearing: Bearing
    usage: Usage
    calls: int
    borne: int
    level: Level


def call_bps(payload_bps: int = 64_000, ptime_ms: int = 20, *, tunnel: bool = True) -> float:
    """What one call takes on the wire in one direction: IP packets, without what the mobile network lays below them."""
    inner = IP_BYTES + UDP_BYTES + RTP_BYTES + payload_bps * ptime_ms // 8000
    if tunnel:
        filled = -(-inner // WIREGUARD_FILL_BYTES) * WIREGUARD_FILL_BYTES
        inner = filled + WIREGUARD_BYTES + UDP_BYTES + IP_BYTES
    return inner * 8 * 1000 / ptime_ms


def train_bps(sizes: Sequence[int], arrived_s: Sequence[float]) -> float | None:
    """What a way carries, by packets sent at once and when each came back: all bytes but the first packet's, over the
    time from the first to the last. None where too few came, or at one moment: as fast as can be told."""
    if len(arrived_s) < 4 or len(sizes) != len(arrived_s):
        return None
    took_s = max(arrived_s) - min(arrived_s)
    return sum(sizes[1:]) * 8 / took_s if took_s > 0 else None


def advance(bearing: Bearing, seen: Seen, settings: BudgetSettings, bps_per_call: float) -> Bearing:
    """What is known after a few seconds more."""
    now = seen.now_s
    if seen.capacity_bps is not None:
        # A train among calls sees what they leave.
        whole = seen.capacity_bps + seen.calls * bps_per_call
        bearing = replace(bearing, capacity_bps=whole, measured_s=now)
    elif bearing.measured_s is not None and now - bearing.measured_s > MEASURED_S and not seen.calls:
        bearing = replace(bearing, capacity_bps=None, measured_s=None, cap=None)
    if seen.rtt_ms is not None:
        low = seen.rtt_ms if bearing.rtt_low_ms is None else min(bearing.rtt_low_ms, seen.rtt_ms)
        bearing = replace(bearing, rtt_low_ms=low)
    late = (
        seen.rtt_ms is not None and bearing.rtt_low_ms is not None and seen.rtt_ms > bearing.rtt_low_ms + BAD_DELAY_MS
    )
    if seen.calls and (late or (seen.loss is not None and seen.loss > BAD_LOSS)):
        if bearing.bad_row + 1 < BAD_SAMPLES:
            return replace(bearing, bad_row=bearing.bad_row + 1, calm_since_s=None)
        return replace(bearing, bad_row=0, calm_since_s=None, cap=max(1, seen.calls - 1))
    calm = now if bearing.calm_since_s is None else bearing.calm_since_s
    bearing = replace(bearing, bad_row=0, calm_since_s=calm)
    if bearing.cap is not None and now - calm >= CALM_S and seen.calls >= bearing.cap:
        bearing = replace(bearing, cap=min(settings.calls_max, bearing.cap + 1), calm_since_s=now)
    return bearing


def level_of(usage: Usage, settings: BudgetSettings) -> Level:
    """By whichever of day and month is further."""
    shares = [
        used / (limit * MEGABYTE)
        for used, limit in ((usage.day_bytes, settings.mb_per_day), (usage.month_bytes, settings.mb_per_month))
        if limit
    ]
    most = max(shares, default=0.0)
    return Level.SPENT if most >= 1 else Level.ALARM if most >= ALARM_SHARE else Level.OK


def rooms(calls: int, borne: int, level: Level) -> Rooms:
    """What the edge is told. A call of the reception goes one above the bound."""
    free = max(0, borne - calls)
    return Rooms(0 if level is Level.SPENT else free, max(free, 1) if calls <= borne else 0)
