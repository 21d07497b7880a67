"""Answers that the platform gives too late, to calls that were diverted: what ends them.

Theory. The call was delivered elsewhere; at the platform it stands as answered, and somebody there listens to nothing.
Its 200 is sent again until it is acknowledged, so each copy gets an ACK, and the first of them a BYE too (RFC 3261
§13.2.2.4, §15). Everything that is needed stands in the 200: the way back is its Record-Route, which begins at this
unit's edge. Pure; time is seconds of any one clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from callcontrol.sip.dialog import Dialog
from callcontrol.sip.message import Request, Response

__all__ = ["Ending", "LateAnswers"]

REMEMBERED_S = 40.0
"""A 200 may be sent again for 32 s (RFC 3261 §13.3.1.4)."""
REMEMBERED_MAX = 10_000
"""Answers that are remembered at once; the oldest give way, and would get a second BYE, which is refused."""


@dataclass(frozen=True)
class Ending:
    """What is to be sent; no `bye` where that was sent before."""

    ack: Request
    bye: Request | None


class LateAnswers:
    """Those of the last REMEMBERED_S."""

    def __init__(self) -> None:
        self._until_s: dict[tuple[str, str, str], float] = {}

    def receive(self, data: bytes, now_s: float) -> Ending:
        """Takes a 2xx to an INVITE as the platform sent it. RemoteError where it is none, or cannot be acknowledged."""
        response = Response.parse(data)
        dialog = Dialog.of_answer(response)
        key = (response.call_id, response.from_.tag, response.to.tag)
        self._forget(now_s)
        known = key in self._until_s
        self._until_s.setdefault(key, now_s + REMEMBERED_S)
        return Ending(dialog.ack(), None if known else dialog.bye())

    def _forget(self, now_s: float) -> None:
        over = [key for key, until_s in self._until_s.items() if now_s >= until_s]
        surplus = len(self._until_s) - len(over) - REMEMBERED_MAX + 1
        if surplus > 0:
            over += [key for key in self._until_s if key not in over][:surplus]
        for key in over:
            del self._until_s[key]
