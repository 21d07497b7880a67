"""Callers who dial again, as people do: where nobody takes their call, or what they were in falls."""

from __future__ import annotations

from dataclasses import dataclass

from hil.phone.hearing import Hearing, Manner

__all__ = ["Insisting"]

AGAIN_AFTER_S = 1.0


@dataclass
class _Try:
    """`until`: they give up. `stays`: who was taken and falls out of the call dials again, too."""

    caller: str
    callee: str
    manner: Manner
    label: str
    until: float
    stays: bool
    number: int


class Insisting:
    """Callers of one crowd."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._tries: list[_Try] = []

    def dial(
        self, caller: str, callee: str, manner: Manner, label: str, now: float, tries_s: float, *, stays: bool = False
    ) -> None:
        """Again and again for `tries_s`; who `stays` hangs up then, whatever its manner says."""
        number = self._hearing.dial(caller, callee, manner, label)
        self._tries.append(_Try(caller, callee, manner, label, now + tries_s, stays, number))

    def poll(self, now: float) -> None:
        """What is to be done about what has come of it. Where nobody has lifted in time, it is given up."""
        tries = list(self._tries)  # another thread dials, too
        found = {one.number: one for one in self._hearing.calls}
        for one in tries:
            heard = found[one.number]
            if heard.over_at is None:
                if now >= one.until and (one.stays or heard.up_at is None):
                    self._hearing.hang_up(one.number)
                    self._tries.remove(one)
                elif heard.up_at is not None and not one.stays:
                    self._tries.remove(one)
            elif now >= one.until or (heard.up_at is not None and not one.stays):
                self._tries.remove(one)
            elif now >= heard.over_at + AGAIN_AFTER_S:
                one.number = self._hearing.dial(one.caller, one.callee, one.manner, one.label)
