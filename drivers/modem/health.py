"""What is done about a modem that does not do its duty: a ladder of remedies, the lightest first. Pure.

A fault takes the rung that helps against it, or the one where the last faults led; each rung is tried as often as it
may help, and given its time; then comes the next. What worked for `WELL_S` is well again. On the last rung other modems
do the work, and this one is tried again ever more seldom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType

from drivers.modem.model import Health, Step

__all__ = ["Ladder", "Reason", "Remedy"]

WELL_S = 300.0
OTHER_FIRST_S, OTHER_MAX_S = 60.0, 3600.0


class Reason:
    """Why a modem does not do its duty."""

    SILENT = "silent"
    UNPLUGGED = "unplugged"
    HUNG = "hung"
    TAKEN = "taken"
    """Another process holds the port."""
    UNREGISTERED = "unregistered"
    SOUND = "sound"
    FAULT = "fault"
    """Of our own."""
    URL = "url"
    """The configuration names no device."""


@dataclass(frozen=True, slots=True)
class _Rung:
    step: Step
    tries: int
    wait_s: float
    """Before it, for each time but the first: what has been done may need as long to help."""


RUNGS = (
    _Rung(Step.REOPEN, 4, 1.0),
    _Rung(Step.RADIO, 1, 0.0),
    _Rung(Step.RESET, 2, 0.0),
    _Rung(Step.POWER, 2, 30.0),
    _Rung(Step.OTHER, 0, OTHER_FIRST_S),
)
PLACES = {rung.step: place for place, rung in enumerate(RUNGS)}
FIRST = {Reason.UNREGISTERED: Step.RADIO, Reason.SOUND: Step.RESET}
"""Sound of a SIM7600 comes back by a new start, not by the radio; a registration not by opening a port."""
TOLD = {Step.RADIO, Step.RESET}
UNREACHABLE = {Reason.SILENT, Reason.UNPLUGGED, Reason.HUNG, Reason.FAULT}
"""Whoever does not answer, or is not understood, cannot be told to do something."""
HELPLESS = {Reason.TAKEN, Reason.URL}
"""Nothing that is done to the modem helps; it is opened again until it works."""
HELPLESS_S = 5.0


@dataclass(frozen=True, slots=True)
class Remedy:
    """`step` is to be taken not before `at`."""

    step: Step
    at: float


class Ladder:
    """`can`: the steps that this modem's place allows; the others are passed over."""

    def __init__(self, can: frozenset[Step] = frozenset(Step)) -> None:
        self._can = can | {Step.REOPEN, Step.OTHER}
        self._place = -1  # on no rung
        self._tried = 0
        self._others = 0
        self._counts: Counter[Step] = Counter()
        self._well_since: float | None = None
        self._reason = ""
        self._since = 0.0

    @property
    def health(self) -> Health:
        step = Step.FINE if self._place < 0 else RUNGS[self._place].step
        return Health(step, self._reason, self._since, MappingProxyType(dict(self._counts)))

    def worked(self, now: float) -> None:
        """It does its duty; to be called now and then as long as it does."""
        if self._place < 0:
            return
        if self._well_since is None:
            self._well_since = now
        elif now - self._well_since >= WELL_S:
            self._place, self._tried, self._others = -1, 0, 0
            self._reason, self._since = "", now

    def failed(self, reason: str, now: float) -> Remedy:
        """What to do about it, and when."""
        self._well_since = None
        self._reason, self._since = reason, now
        if reason in HELPLESS:
            self._place = max(self._place, 0)
            self._counts[Step.REOPEN] += 1
            return Remedy(Step.REOPEN, now + HELPLESS_S)
        at_least = PLACES[FIRST.get(reason, Step.REOPEN)]
        if self._place < at_least:
            self._place, self._tried = at_least, 0
        elif RUNGS[self._place].tries and self._tried >= RUNGS[self._place].tries:
            self._place, self._tried = self._place + 1, 0
        while RUNGS[self._place].step not in self._can or (reason in UNREACHABLE and RUNGS[self._place].step in TOLD):
            self._place += 1
        rung = RUNGS[self._place]
        self._counts[rung.step] += 1
        if rung.step is Step.OTHER:
            wait = min(OTHER_FIRST_S * 2**self._others, OTHER_MAX_S)
            self._others = min(self._others + 1, 16)
            return Remedy(rung.step, now + wait)
        wait = rung.wait_s if self._tried else 0.0
        self._tried += 1
        return Remedy(rung.step, now + wait)
