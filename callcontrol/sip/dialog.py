"""What a 2xx to an INVITE says about how the call goes on (RFC 3261 §12.1.2, §12.2.1.1): enough to acknowledge and end
it, for whoever sent the INVITE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.headers import Address
from callcontrol.sip.message import Request, Response

__all__ = ["Dialog"]


@dataclass(frozen=True)
class Dialog:
    """As its caller sees it. `local`, `remote` and `routes` are written as they were; `invite_cseq` is the INVITE's."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    invite_cseq: int

    @classmethod
    def of_answer(cls, response: Response) -> Self:
        """Of a 2xx to an INVITE. RemoteError where it is none, or lacks what a dialog needs."""
        if response.cseq.method != "INVITE" or not 200 <= response.status < 300:
            raise RemoteError("CSeq", str(response.cseq), f"no dialog from a {response.status} to that")
        if not response.to.tag:
            raise RemoteError("To", response.to.text, "no tag")
        if len(response.contacts) != 1:
            raise RemoteError("Contact", ", ".join(map(str, response.contacts)), "not one")
        return cls(
            response.call_id,
            response.from_.text,
            response.to.text,
            response.contacts[0].uri.text,
            tuple(route.text for route in reversed(response.record_routes)),
            response.cseq.number,
        )

    def ack(self) -> Request:
        """§13.2.2.4: one for each 2xx that comes, also for the same one again."""
        return self._request("ACK", self.invite_cseq)

    def bye(self) -> Request:
        """§15.1.1."""
        return self._request("BYE", self.invite_cseq + 1)

    def _request(self, method: str, cseq: int) -> Request:
        uri, routes = self.target, self.routes
        if routes:
            first = Address.parse(routes[0], "Record-Route").uri
            if "lr" not in first.params:  # a strict router, RFC 2543: it wants to stand in the Request-URI itself
                uri, routes = first.text, (*routes[1:], f"<{self.target}>")
        return Request.new(
            method, uri, from_=self.local, to=self.remote, call_id=self.call_id, cseq=cseq, routes=routes
        )
