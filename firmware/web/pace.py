"""How many requests an address may make. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Paces"]

A_SECOND = 20.0
"""Requests, of one address, in the long run;"""
AT_ONCE = 120.0
"""so many in a moment: a page has a handful of files, and several people may come from one address."""
ADDRESSES_MAX = 4096
"""What comes above shares one pace."""
OTHERS = ""


@dataclass(slots=True)
class _Pace:
    left: float
    at_s: float


class Paces:
    """By address. Times are of one clock, s."""

    def __init__(self) -> None:
        self._paces: dict[str, _Pace] = {}

    def allows(self, address: str, now_s: float) -> bool:
        """Whether one more is taken now; it is counted."""
        pace = self._of(address, now_s)
        pace.left = min(AT_ONCE, pace.left + (now_s - pace.at_s) * A_SECOND)
        pace.at_s = now_s
        if pace.left < 1:
            return False
        pace.left -= 1
        return True

    def _of(self, address: str, now_s: float) -> _Pace:
        if address not in self._paces and len(self._paces) >= ADDRESSES_MAX:
            full_after_s = AT_ONCE / A_SECOND
            self._paces = {key: pace for key, pace in self._paces.items() if now_s - pace.at_s < full_after_s}
            if len(self._paces) >= ADDRESSES_MAX:
                address = OTHERS
        return self._paces.setdefault(address, _Pace(AT_ONCE, now_s))
