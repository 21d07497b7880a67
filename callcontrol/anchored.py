"""Calls whose sound the platform carried, and that is dead: when they are ended, and by what.

Theory. The unit hears no sound. It knows of which calls the platform's own node is what a phone sends to and hears
(table `legs` of cfg/75-media.cfg); where that node has been dead for SILENT_S without a break, nothing can have been
heard for as long. A short flap cuts nobody. Pure; time is seconds of any one clock that never goes back.
"""

from __future__ import annotations

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request, Response

__all__ = ["SILENT_S", "Silence", "bye_in", "bye_of"]

SILENT_S = 20
"""Without sound, before a call is ended."""


class Silence:
    """Whether the platform has been dead for SILENT_S, as far as that was seen."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def sees(self, dead: bool, now_s: float) -> None:
        """What is not known is not `dead`, and a break."""
        if not dead:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s

    def lasts(self, now_s: float) -> bool:
        return self._since_s is not None and now_s - self._since_s >= SILENT_S


def bye_of(response: Response | None) -> Request | None:
    """The BYE that the edge has handed over in the body of its answer; None where there is none left. RemoteError as
    by `bye_in`."""
    if response is None or response.status != 200:
        return None
    return bye_in(response.body)


def bye_in(data: bytes) -> Request:
    """RemoteError where it is none that can be sent: a phone or the platform has written its parts."""
    bye = Request.parse(data)
    if (bye.method, bye.cseq.method) != ("BYE", "BYE"):
        raise RemoteError("method", bye.method, "not BYE")
    if not (bye.call_id and bye.from_.tag and bye.to.tag and bye.routes):
        raise RemoteError("To", bye.to.text, "not of a call that is up, or no way there")
    return bye
