"""What all threads of a storm share while it goes on, and what it gives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.modes import Mode
from hil.history import History
from hil.invariants import Breach
from hil.stormplan import Fault, Pair, Plan, pairs_of

__all__ = ["Course", "Outcome", "Told"]

Told = Callable[[str, str], None]
"""Hears (kind, words) of what happens: chapter, fault, mode, broken."""


@dataclass
class Outcome:
    """What a storm gave."""

    seed: int
    took_s: float = 0.0
    faults: int = 0
    calls: int = 0
    figures: dict[str, int] = field(default_factory=dict)  # of its parts
    chapters: int = 0  # begun
    lagged_s: float = 0.0  # of which nothing can be said, as this machine was too busy
    broken: list[Breach] = field(default_factory=list)
    broken_after_s: float | None = None  # from the begin of the plan
    visited: set[Pair] = field(default_factory=set)
    failed: str = ""  # the rig itself did not work

    @property
    def pairs_visited_percent(self) -> float:
        return round(100 * len(self.visited & pairs_of()) / len(pairs_of()), 1)


@dataclass
class Course:
    """`lock` guards history and outcome. `over`: it ends, whoever says so."""

    plan: Plan
    told: Told
    outcome: Outcome
    history: History = field(default_factory=History)
    lock: threading.RLock = field(default_factory=threading.RLock)
    over: threading.Event = field(default_factory=threading.Event)
    in_force: set[Fault] = field(default_factory=set)

    def fault_told(self, fault: Fault, struck: bool, at: float) -> None:
        """It has come into force, or is mended."""
        with self.lock:
            if struck:
                self.outcome.faults += 1
                self.history.struck(fault, at)
                self.in_force.add(fault)
                # A mode that lasts a moment only is visited too.
                if self.history.mode in set(Mode):
                    self.outcome.visited.add((Mode(self.history.mode), fault))
            else:
                self.history.mended(fault, at)
                self.in_force.discard(fault)
        self.told("fault" if struck else "mended", str(fault))

    def fails(self, why: str) -> None:
        """The rig did not do what it must."""
        self.outcome.failed = why
        self.over.set()
