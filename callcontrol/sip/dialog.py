"""A dialog (RFC 3261 §12): what both sides of a call know of each other, and what each request in it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.headers import Address
from callcontrol.sip.message import Message, Request, Response

__all__ = ["LAST_CSEQ", "Dialog"]

LAST_CSEQ = 2**31 - 1
"""RFC 3261 §8.1.1.5."""


@dataclass(frozen=True)
class Dialog:
    """As one side sees it. `local`, `remote` and `routes` are written as they were; `invite_cseq`: of the request
    that made it. `remote_cseq`: -1 until the other side has asked something."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    invite_cseq: int
    local_cseq: int = 0
    remote_cseq: int = -1

    @classmethod
    def of_answer(cls, response: Response) -> Self:
        """Of a 2xx to an INVITE, as its caller sees it. RemoteError where it is none, or lacks what a dialog needs."""
        if response.cseq.method != "INVITE" or not 200 <= response.status < 300:
            raise RemoteError("CSeq", str(response.cseq), f"no dialog from a {response.status} to that")
        return cls.of_response(response, _only_contact(response))

    @classmethod
    def of_response(cls, response: Response, target: str) -> Self:
        """Early or confirmed, as the caller sees it (§12.1.2). RemoteError without a tag."""
        if not response.to.tag:
            raise RemoteError("To", response.to.text, "no tag")
        return cls(
            response.call_id,
            response.from_.text,
            response.to.text,
            target,
            tuple(route.text for route in reversed(response.record_routes)),
            response.cseq.number,
            response.cseq.number,
        )

    @classmethod
    def of_request(cls, request: Request, tag: str) -> Self:
        """As the called side sees it (§12.1.1). RemoteError where the request lacks what a dialog needs."""
        return cls(
            request.call_id,
            request.to.text if request.to.tag else f"{request.to.text};tag={tag}",
            request.from_.text,
            _only_contact(request),
            tuple(route.text for route in request.record_routes),
            request.cseq.number,
            0,
            request.cseq.number,
        )

    @property
    def key(self) -> tuple[str, str, str]:
        """Call-ID, local and remote tag (§12)."""
        return self.call_id, Address.parse(self.local).tag, Address.parse(self.remote).tag

    def ack(self, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Request:
        """§13.2.2.4: one for each 2xx that comes, also for the same one again."""
        return self._request("ACK", self.invite_cseq, headers, body)

    def ack_of(self, cseq: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Request:
        """For the 2xx to a later INVITE."""
        return self._request("ACK", cseq, headers, body)

    def bye(self) -> Request:
        """§15.1.1, where nothing else was asked in the dialog."""
        return self._request("BYE", self.invite_cseq + 1)

    def last_bye(self, headers: Iterable[tuple[str, str]] = ()) -> Request:
        """Of one who does not know what else was asked: its number is the last that there is, as nothing follows it."""
        return self._request("BYE", LAST_CSEQ, headers)

    def request(self, method: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> tuple[Self, Request]:
        """The next request (§12.2.1.1), and the dialog that has counted it."""
        counted = replace(self, local_cseq=self.local_cseq + 1)
        return counted, self._request(method, counted.local_cseq, headers, body)

    def after(self, early: Dialog) -> Self:
        """Confirmed, with what was asked in the early dialog counted (§13.2.2.4)."""
        return replace(self, local_cseq=max(early.local_cseq, self.local_cseq), remote_cseq=early.remote_cseq)

    def counted(self, response: Response) -> Self:
        """A challenge that was answered has taken a number of its own."""
        number = response.cseq.number
        return replace(self, local_cseq=number) if number > self.local_cseq else self

    def asked(self, request: Request) -> Self | None:
        """With the other side's request counted; None where that comes out of order (§12.2.2: 500)."""
        if request.cseq.number <= self.remote_cseq:
            return None
        return replace(self, remote_cseq=request.cseq.number)

    def refreshed(self, message: Message) -> Self:
        """With the target that a target refresh, or its 2xx, names (§12.2). RemoteError for more than one."""
        target = _only_contact(message) if message.contacts else self.target
        return replace(self, target=target) if target != self.target else self

    def _request(self, method: str, cseq: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Request:
        uri, routes = self.target, self.routes
        if routes:
            first = Address.parse(routes[0], "Record-Route").uri
            if "lr" not in first.params:  # a strict router, RFC 2543: it wants to stand in the Request-URI itself
                uri, routes = first.text, (*routes[1:], f"<{self.target}>")
        return Request.new(
            method,
            uri,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=cseq,
            routes=routes,
            headers=headers,
            body=body,
        )


def _only_contact(message: Message) -> str:
    if len(message.contacts) != 1:
        raise RemoteError("Contact", ", ".join(map(str, message.contacts)), "not one")
    return message.contacts[0].uri.text
