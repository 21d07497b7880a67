"""An answer of ours that is said again until the other side shows that it has it."""

from __future__ import annotations

from collections.abc import Callable

from callcontrol.sip.agent import TransactionId
from callcontrol.sip.message import Response
from callcontrol.sip.shared import Owner
from callcontrol.sip.transaction import GIVE_UP_S, T1_S

__all__ = ["Repeated"]


class Repeated:
    """A 2xx until its ACK (RFC 3261 §13.3.1.4), or a reliable provisional answer until its PRACK (RFC 3262 §3).

    The one who makes it says it the first time; then it is said after T1, with the wait doubled up to `most_s`, until
    64 T1 are over: `gave_up`.
    """

    def __init__(
        self,
        owner: Owner,
        identity: TransactionId,
        response: Response,
        now: float,
        *,
        most_s: float,
        gave_up: Callable[[float], None],
    ) -> None:
        self.response = response
        self.moved = False
        """The transaction went with its connection; the answer goes by the next one."""
        self._owner = owner
        self._id = identity
        self._until = now + GIVE_UP_S
        self._interval_s = T1_S
        self._most_s = most_s
        self._gave_up = gave_up
        self._timer = owner.at(now + T1_S, self._again)

    def stop(self) -> None:
        self._timer.cancel()

    def _again(self, now: float) -> None:
        if now >= self._until:
            self._gave_up(now)
            return
        if self.moved:
            self._owner.repeat(self.response)
        else:
            self._owner.respond(self._id, self.response, now)
        self._interval_s = min(2 * self._interval_s, self._most_s)
        self._timer = self._owner.at(min(now + self._interval_s, self._until), self._again)
