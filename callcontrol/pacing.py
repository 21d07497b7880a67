"""How fast a unit tells a platform that has come back where its phones are, so that a region does not drown it.

Theory. After an outage every unit of a region meets the same platform in the same moment. Three things keep them in
order, and one number, *wait*, holds what they have come to: until then no REGISTER goes north.

- A random start: each unit waits a part of `spread_s` of its own.
- A cap: so many registrations a second. One over the cap is answered here and comes again at the phone's next refresh.
- The platform's word: Retry-After of a refusal (RFC 3261 §20.33), or a "wait", is obeyed by the whole unit, and up to
  as much again is waited at random, as a refusal of many at once would else bring them all back at once.

No wait is longer than WAIT_MAX_S: what a platform, or a clock that jumped, says beyond it is asked again then.

The edge does the same in its own language (cfg/35-pace.cfg, by the same constants), so that it holds with all Python
dead; `firmware.watch` sets the random start. Pure: time is seconds of any one clock, chance is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["WAIT_MAX_S", "Pace", "PaceSettings", "retry_after_s"]

WAIT_MAX_S = 600
"""The longest time that no registration goes north."""

_RETRY_AFTER = re.compile(r"[ \t]*([0-9]{1,9})[ \t]*(?:[;(].*)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class PaceSettings:
    """From `[returning]` of the configuration."""

    registrations_per_s: int
    spread_s: float


class Pace:
    """That of one unit. `random` gives a number from 0 up to 1."""

    def __init__(self, settings: PaceSettings, random: Callable[[], float]) -> None:
        self._settings = settings
        self._random = random
        self._until_s = 0.0
        self._second = 0
        self._admitted = 0

    def returned(self, now_s: float) -> None:
        """The platform is asked again: after a part of the spread that is this unit's own."""
        self.wait(now_s, self._settings.spread_s * self._random())

    def refused(self, now_s: float, retry_after_s: int | None) -> None:
        """The platform refused a REGISTER or a probe. Without a time named it is that phone's matter alone."""
        if retry_after_s is not None and now_s + retry_after_s > self._until_s:
            self.wait(now_s, retry_after_s * (1 + self._random()))

    def wait(self, now_s: float, seconds: float) -> None:
        """Nothing goes north for so long; what holds already holds on."""
        self._until_s = max(self._until_s, now_s + min(seconds, WAIT_MAX_S))

    def wait_left_s(self, now_s: float) -> float:
        """How long nothing goes north yet."""
        return min(max(0.0, self._until_s - now_s), WAIT_MAX_S)

    def admit(self, now_s: float) -> bool:
        """Whether one more registration may go north now; counts it if so."""
        if self.wait_left_s(now_s) > 0:
            return False
        if int(now_s) != self._second:
            self._second, self._admitted = int(now_s), 0
        if self._admitted >= self._settings.registrations_per_s:
            return False
        self._admitted += 1
        return True


def retry_after_s(header: str | None) -> int | None:
    """Seconds of a Retry-After header's value, its comment and parameters left out; None where it names no time."""
    match = None if header is None else _RETRY_AFTER.fullmatch(header)
    return int(match[1]) if match else None
