"""Which modem a call gets, and what makes way for it (A4, A5).

One modem is one call. 112 gets the best that there is: a free modem that can call now, else one whose call is lesser
and is hung up first, else one of which nothing good is known; only a modem with another call to 112 is never touched.
All else gets a free modem whose day has minutes left; of two modems or more one is kept for 112.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

__all__ = [
    "REST_SHARE",
    "Carried",
    "Choice",
    "Full",
    "Line",
    "Preempt",
    "Priority",
    "Service",
    "Take",
    "Use",
    "choose",
    "kept",
]

REST_SHARE = 0.25
"""Of a modem's minutes of a day, so much is left to those on call and the reception."""


class Priority(IntEnum):
    """The least is the most important; the header P-Trunk-Priority."""

    EMERGENCY = 0
    ON_CALL = 1
    RECEPTION = 2
    REST = 3


class Service(IntEnum):
    """What a modem can do now, the best first."""

    VOICE = 0
    EMERGENCY_ONLY = 1
    UNKNOWN = 2
    NONE = 3
    """It says that it has no network; 112 is tried by it all the same, as any network takes that."""
    AWAY = 4
    """There is no modem to ask."""


class Use(Enum):
    """Whether 112 goes by a modem, or that alone (`[[modem]] emergency`)."""

    ALSO = auto()
    ONLY = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Carried:
    """The call that a modem has. `since`: seconds of any clock."""

    priority: Priority
    up: bool
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A modem as it is now. `order`: the least is taken first. `left_s`: what today has left for ordinary calls, of
    `day_s`; None: no limit."""

    name: str
    order: int = 0
    use: Use = Use.ALSO
    service: Service = Service.VOICE
    carries: Carried | None = None
    left_s: float | None = None
    day_s: float = 0.0

    @property
    def free(self) -> bool:
        return self.carries is None

    def spares(self, priority: Priority) -> bool:
        """Whether today's minutes bear a call of that importance."""
        if self.left_s is None:
            return True
        return self.left_s > (self.day_s * REST_SHARE if priority is Priority.REST else 0.0)


@dataclass(frozen=True, slots=True)
class Take:
    line: str


@dataclass(frozen=True, slots=True)
class Preempt:
    """The call of that modem is hung up first."""

    line: str


class Full(Enum):
    """Why no modem takes a call."""

    NO_MODEM = "no_modem"  # none that could
    BUSY = "busy"
    MINUTES = "minutes"  # of today, used up


Choice = Take | Preempt | Full


def kept(lines: Iterable[Line], *, keep_one: bool = True) -> frozenset[str]:
    """Who is left alone by all but 112: those that are for nothing else, else the last of two or more that can call."""
    lines = tuple(lines)
    only = frozenset(line.name for line in lines if line.use is Use.ONLY)
    if not keep_one or any(line.name in only and line.service is Service.VOICE for line in lines):
        return only
    able = [line for line in lines if line.use is Use.ALSO and line.service is Service.VOICE]
    ordinary = [line for line in lines if line.use is not Use.ONLY and line.service is Service.VOICE]
    if not able or len(ordinary) < 2:
        return only
    return only | {max(able, key=lambda line: (line.order, line.name)).name}


def choose(lines: Sequence[Line], priority: Priority, *, tried: Collection[str] = (), keep_one: bool = True) -> Choice:
    """By which modem a call goes, of those that it has not been tried by."""
    left = [line for line in lines if line.name not in tried]
    if priority is Priority.EMERGENCY:
        return _emergency(left, kept(lines, keep_one=keep_one))
    able = [line for line in left if line.service is Service.VOICE and line.use is not Use.ONLY]
    if not able:
        return Full.NO_MODEM
    free = [line for line in able if line.free and line.name not in kept(lines, keep_one=keep_one)]
    if not free:
        return Full.BUSY
    spared = [line for line in free if line.spares(priority)]
    return Take(min(spared, key=_order).name) if spared else Full.MINUTES


def _emergency(left: Sequence[Line], kept_ones: frozenset[str]) -> Choice:
    able = [line for line in left if line.use is not Use.NEVER and line.service is not Service.AWAY]
    open_ = [line for line in able if line.carries is None or line.carries.priority is not Priority.EMERGENCY]
    if not open_:
        return Full.BUSY if able else Full.NO_MODEM
    best = min(
        open_, key=lambda line: (_certain(line), not line.free, _lesser(line), line.name not in kept_ones, _order(line))
    )
    return Take(best.name) if best.free else Preempt(best.name)


def _certain(line: Line) -> int:
    """A modem that can call is better with a lesser call on it than a free one of which nothing is known."""
    return 0 if line.service <= Service.EMERGENCY_ONLY else int(line.service)


def _lesser(line: Line) -> tuple[int, bool, float]:
    """Of several calls the least important one makes way, one that still rings, the latest."""
    if line.carries is None:
        return int(line.service), False, 0.0
    return -line.carries.priority, line.carries.up, -line.carries.since


def _order(line: Line) -> tuple[int, str]:
    return line.order, line.name
