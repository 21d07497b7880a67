"""A session's timer as it runs (RFC 4028). What is agreed on is reckoned by `expiry`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from callcontrol.sip import expiry
from callcontrol.sip.expiry import SessionExpires
from callcontrol.sip.message import Response
from callcontrol.sip.shared import Owner, Timer

__all__ = ["Lifetime"]


@dataclass(eq=False)
class Lifetime:
    """`refresh` is called when it is our turn, `over` when nobody has refreshed."""

    owner: Owner
    refresh: Callable[[float], None]
    over: Callable[[float], None]
    _interval_s: int = field(init=False)
    _min_se_s: int = expiry.MIN_SE_S
    _we_refresh: bool = True
    _timers: list[Timer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._interval_s = self.owner.session_s

    @property
    def first(self) -> list[tuple[str, str]]:
        """What an INVITE asks for; who refreshes is left to the other side."""
        return [("Session-Expires", str(self._interval_s)), ("Min-SE", str(self._min_se_s))]

    @property
    def again(self) -> list[tuple[str, str]]:
        """What a later request asks for: who refreshes goes on."""
        wanted = SessionExpires(self._interval_s, "uac" if self._we_refresh else "uas")
        return [("Session-Expires", str(wanted)), ("Min-SE", str(self._min_se_s))]

    def longer(self, response: Response) -> bool:
        """A 422 (§7.3). Whether to ask again with the interval that the other side wants."""
        wanted = expiry.min_se_s(response)
        if wanted <= self._min_se_s:
            return False
        self._min_se_s, self._interval_s = wanted, max(wanted, self._interval_s)
        return True

    def arm(self, agreed: SessionExpires | None, ours: str, now: float) -> None:
        """`ours`: what we were, uac or uas, in the request that this was agreed on in."""
        self.stop()
        if agreed is None:
            return
        self._interval_s, self._we_refresh = agreed.seconds, agreed.refresher == ours
        if self._we_refresh:
            self._timers.append(self.owner.at(now + agreed.refresh_s, self.refresh))
        self._timers.append(self.owner.at(now + agreed.end_s, self.over))

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []
