"""What was seen of power: what was true, what the unit said, and what it did. Facts only, no judgement
(hil/powered/rules.py judges). Times are seconds of one clock, whichever the rig has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firmware.power.shedding import Role

__all__ = ["Act", "Deed", "Look", "PowerSeen", "Span"]


class Deed(StrEnum):
    """What happens to a unit, or is done by it."""

    BEGAN = "began"
    """Its process runs."""
    HALTING = "halting"
    """Its last words begin."""
    TOLD = "told"
    """Calls know that it ends;"""
    CARRIES_ON = "carries on"
    """or that it does not after all."""
    FLUSHED = "flushed"
    HALTS = "halts"
    """It commands its machine to halt;"""
    RESTARTS = "restarts"
    """or to start again."""
    DOWN = "down"
    """It has halted."""
    CUT = "cut"
    """It was up, and has no power."""


@dataclass(frozen=True)
class Act:
    at: float
    deed: Deed
    shed: frozenset[str] = frozenset()  # of BEGAN, DOWN and CUT: what it takes for shed


@dataclass(frozen=True)
class Look:
    """One moment. `left`: true minutes until what hangs on it has no power, by part; None: that has mains. `promised`:
    the minutes that the unit guarantees."""

    at: float
    left: Mapping[str, float | None]
    state: str | None
    promised: float | None = None
    stage: str = "running"
    shed: frozenset[str] = frozenset()
    low: bool = False  # what feeds the unit calls its battery low


@dataclass
class Span:
    """Of something that lasts; `until` None: still."""

    since: float
    until: float | None = None

    def within(self, since: float, until: float) -> bool:
        return self.since <= until and (self.until is None or self.until >= since)


@dataclass
class PowerSeen:
    """`watchers`: sources that tell of the unit's mains. `due_s`: what orders a halt must have held for so long.
    `loads`: by name, in no order: its part, its role."""

    watchers: int = 1
    due_s: float = 10.0
    loads: Mapping[str, tuple[str, Role]] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    lost: list[Span] = field(default_factory=list)  # the unit's own supply has no mains
    lies: list[tuple[str, Span]] = field(default_factory=list)  # a source is not as it should be
    orders: list[Span] = field(default_factory=list)  # a UPS orders a halt
    told: list[tuple[float, int | None]] = field(default_factory=list)  # calls by modem that were; None: none could be

    # ---- facts come in

    def mains(self, at: float, there: bool) -> None:
        """Of the unit's own supply, as its hardware has it."""
        is_lost = bool(self.lost) and self.lost[-1].until is None
        if there and is_lost:
            self.lost[-1].until = at
        elif not there and not is_lost:
            self.lost.append(Span(at))

    def ordered(self, at: float, orders: bool) -> None:
        is_so = bool(self.orders) and self.orders[-1].until is None
        if orders and not is_so:
            self.orders.append(Span(at))
        elif not orders and is_so:
            self.orders[-1].until = at

    def did(self, at: float, deed: Deed, shed: Collection[str] = ()) -> None:
        self.acts.append(Act(at, deed, frozenset(shed)))

    # ---- and are asked for

    def of(self, deed: Deed) -> Iterator[Act]:
        return (act for act in self.acts if act.deed is deed)

    def last(self, deed: Deed, before: float) -> Act | None:
        """The newest before a time."""
        return next((act for act in reversed(self.acts) if act.deed is deed and act.at <= before), None)

    def lost_at(self, at: float) -> Span | None:
        """The outage of that moment."""
        return next((span for span in self.lost if span.within(at, at)), None)

    def lying(self, since: float, until: float) -> int:
        """How many sources were not as they should be at some time between."""
        return len({who for who, span in self.lies if span.within(since, until)})

    def may_be_wrong(self, since: float, until: float) -> bool:
        """Whether so many of them were that the others were not more."""
        return self.lying(since, until) * 2 >= self.watchers
