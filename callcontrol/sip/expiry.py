"""Session timers (RFC 4028): what is offered, what is agreed on, and when the session is over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.headers import parse_params
from callcontrol.sip.message import Message, Request, Response

__all__ = ["MIN_SE_S", "SESSION_S", "SessionExpires", "agreed", "granted", "min_se_s", "of", "too_brief"]

SESSION_S = 1_800
"""What we ask for (§4)."""
MIN_SE_S = 90
"""The least that we take (§5)."""
MOST_S = 86_400
EARLY_S = 32
"""So long before its end, or a third of it, a session that nobody has refreshed is ended (§10)."""

_SECONDS = re.compile(r"([0-9]{1,10})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SessionExpires:
    seconds: int
    refresher: str = ""
    """"uac" or "uas" of the request that this goes with; empty where it is left open."""

    @classmethod
    def parse(cls, text: str, name: str = "Session-Expires") -> Self:
        match = _SECONDS.fullmatch(text.strip())
        if match is None:
            raise RemoteError(name, text, "not a number")
        refresher = parse_params(match[2], name).get("refresher", "").lower()
        if refresher not in ("", "uac", "uas"):
            raise RemoteError(name, text, "refresher is neither uac nor uas")
        return cls(int(match[1]), refresher)

    @property
    def refresh_s(self) -> float:
        """After that long the refresher refreshes."""
        return self.seconds / 2

    @property
    def end_s(self) -> float:
        """After that long without a refresh it is over."""
        return self.seconds - min(EARLY_S, self.seconds / 3)

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def of(message: Message) -> SessionExpires | None:
    text = message.header("Session-Expires")
    return None if text is None else SessionExpires.parse(text)


def min_se_s(message: Message) -> int:
    """What the message asks for at least; ours where it says less."""
    text = message.header("Min-SE")
    return MIN_SE_S if text is None else min(MOST_S, max(MIN_SE_S, SessionExpires.parse(text, "Min-SE").seconds))


def too_brief(request: Request) -> bool:
    """Whether it is owed a 422 with our Min-SE (§9): only to one that knows what that is."""
    asked = of(request)
    return asked is not None and asked.seconds < MIN_SE_S and request.supports("timer")


def granted(request: Request) -> SessionExpires:
    """What goes into our 2xx (§9). Who refreshes is the asker's choice, and ours where he leaves it to us."""
    asked = of(request)
    seconds = max(asked.seconds if asked else SESSION_S, min_se_s(request))
    if not request.supports("timer"):
        return SessionExpires(min(seconds, MOST_S), "uas")
    return SessionExpires(min(seconds, MOST_S), asked.refresher if asked and asked.refresher else "uac")


def agreed(response: Response) -> SessionExpires | None:
    """What a 2xx to our request says (§7.2). None: the session does not expire. Less than we take is raised to that."""
    said = of(response)
    if said is None:
        return None
    return SessionExpires(min(MOST_S, max(MIN_SE_S, said.seconds)), said.refresher or "uac")
