"""The faults of a storm, struck and mended as its plan says: chapters one after another, each in the mode that it
wants, and spells at their times."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from firmware.modes import Mode
from hil.faults import Faults
from hil.heard import TOLD
from hil.net import NetError
from hil.phone import PhoneError
from hil.platform import PlatformError
from hil.stormcourse import Course
from hil.stormplan import AGAIN, Chapter, Fault, pairs_of

__all__ = ["Striking"]

NORMAL_S, MODE_WAIT_S = 45.0, 20.0
"""Patience for the mode that a chapter wants; it then strikes all the same."""
BEFORE_S = 0.12
"""The burst of calls begins so long before the fault."""
HEARING_S = 2.5
"""So long before a fault of a moment those begin who are told something: by then they hear, talk, or are recorded."""
BURSTS_MAX = 8


class Striking:
    """`chapters` and `spells` are threads, which end with the course, or when the plan has no more; `burst` begins
    calls. `all_pairs`: it is over when every pair of mode and fault has been visited."""

    def __init__(
        self,
        course: Course,
        faults: Faults,
        burst: Callable[[Sequence[tuple[str, str]]], None],
        *,
        all_pairs: bool = False,
    ) -> None:
        self._course, self._faults, self._burst_of, self._all_pairs = course, faults, burst, all_pairs
        self._plan, self._history, self._over = course.plan, course.history, course.over
        self.chapters_over, self.spells_over = threading.Event(), threading.Event()

    def chapters(self) -> None:
        """One after another."""
        end = self._history.began + self._plan.length_s
        for chapter in self._plan.chapters:
            missed = pairs_of() - self._course.outcome.visited
            if self._over.is_set() or time.monotonic() > end or (self._all_pairs and not missed):
                break
            # After the first round those come first that it has missed all the same.
            if chapter.turn > 1 and missed and not chapter.pairs & missed:
                continue
            try:
                self._play(chapter, end)
            except (NetError, PlatformError, OSError) as error:
                self._course.fails(f"chapter {chapter.number}: {error}")
        self.chapters_over.set()

    def spells(self) -> None:
        """The spells that the ways out have, each from its time on."""
        began = self._history.began
        ends = [(spell.at_s + spell.held_s, False, spell.fault) for spell in self._plan.spells]
        turns = sorted([(spell.at_s, True, spell.fault) for spell in self._plan.spells] + ends)
        in_force: list[Fault] = []
        for at_s, begins, fault in turns:
            if self._over.wait(max(0.0, began + min(at_s, self._plan.length_s) - time.monotonic())):
                break
            try:
                (self._strike if begins else self._mend)(fault, in_force)
            except (NetError, PhoneError, PlatformError, OSError) as error:
                self._course.fails(f"{fault}: {error}")
        self.spells_over.set()

    def _play(self, chapter: Chapter, end: float) -> None:
        self._await_mode(Mode.NORMAL, NORMAL_S)
        self._over.wait(min(chapter.rest_s, max(0.0, end - time.monotonic())))
        if self._over.is_set() or time.monotonic() > end:
            return
        self._course.outcome.chapters += 1
        what = f"{chapter.fault} through all modes" if chapter.through else f"{chapter.fault} in {chapter.mode}"
        self._course.told("chapter", f"{chapter.number}: {what}")
        laid: list[Fault] = []
        if chapter.through:
            self._play_through(chapter, laid)
        else:
            self._play_struck(chapter, laid)
        for fault in list(laid):
            self._mend(fault, laid)

    def _play_through(self, chapter: Chapter, laid: list[Fault]) -> None:
        assert chapter.by is not None
        again = chapter.fault in AGAIN
        for mode in (Mode.NORMAL, Mode.SUSPECT, Mode.SURVIVAL, Mode.RETURNING):
            if mode is Mode.SUSPECT:
                self._burst(chapter)
                self._strike(chapter.by, laid)
            elif mode is Mode.RETURNING:
                self._mend(chapter.by, laid)
            self._await_mode(mode, MODE_WAIT_S)
            if again and mode is Mode.SURVIVAL:
                self._burst_until_heard(chapter)
            if again or mode is Mode.NORMAL:
                self._strike(chapter.fault, laid)
            if again or mode is Mode.SURVIVAL:
                self._over.wait(chapter.held_s)
            if again:
                self._mend(chapter.fault, laid)
        self._await_mode(Mode.NORMAL, NORMAL_S)

    def _play_struck(self, chapter: Chapter, laid: list[Fault]) -> None:
        if chapter.by is not None:
            self._strike(chapter.by, laid)
            wanted = Mode.SUSPECT if chapter.mode is Mode.SUSPECT else Mode.SURVIVAL
            self._await_mode(wanted, MODE_WAIT_S)
            if chapter.mode is Mode.RETURNING:
                self._mend(chapter.by, laid)
                self._await_mode(Mode.RETURNING, MODE_WAIT_S)
        self._burst(chapter)
        self._strike(chapter.fault, laid)
        if chapter.across is None:
            self._over.wait(chapter.held_s)
            self._mend(chapter.fault, laid)
        else:
            self._play_across(chapter, laid)

    def _burst(self, chapter: Chapter) -> None:
        with contextlib.suppress(PhoneError, NetError):
            self._burst_of(chapter.burst)
        self._over.wait(BEFORE_S)

    def _burst_until_heard(self, chapter: Chapter) -> None:
        """A `calls` that has just begun may have no sound yet, and then refuses in words whoever is to hear why."""
        for _ in range(BURSTS_MAX):
            self._burst(chapter)
            self._over.wait(HEARING_S)
            with self._course.lock:
                if self._over.is_set() or any(one.up and one.label in TOLD for one in self._history.heard_calls):
                    return

    def _play_across(self, chapter: Chapter, laid: list[Fault]) -> None:
        across = chapter.across
        assert across is not None
        self._over.wait(across.after_s)
        self._strike(across.fault, laid)
        ends = sorted([(chapter.held_s - across.after_s, chapter.fault), (across.held_s, across.fault)])
        began = time.monotonic()
        for after_s, fault in ends:
            self._over.wait(max(0.0, began + after_s - time.monotonic()))
            self._mend(fault, laid)

    def _strike(self, fault: Fault, laid: list[Fault]) -> None:
        if not self._over.is_set():
            laid.append(fault)
            self._faults.strike(fault)

    def _mend(self, fault: Fault, laid: list[Fault]) -> None:
        if fault in laid:
            laid.remove(fault)
            self._faults.mend(fault)

    def _await_mode(self, mode: Mode, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while self._history.mode != mode and time.monotonic() < deadline and not self._over.wait(0.05):
            pass
