"""The 2xx that we give, and the ACK that one to an INVITE waits for (RFC 3261 §13.3.1.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callcontrol.sip import expiry
from callcontrol.sip.agent import TransactionId
from callcontrol.sip.described import ALLOW, SUPPORTED, description, typed
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Agreed, EndedBy
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Stage
from callcontrol.sip.phase import Phase
from callcontrol.sip.repeated import Repeated
from callcontrol.sip.transaction import T2_S

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["Accepting"]


@dataclass(eq=False)
class Accepting:
    session: Session
    _unacked: Repeated | None = None
    _cseq: int = 0

    @property
    def unacked(self) -> bool:
        """Nothing may be asked before the ACK: until then, or as long as the transaction lasts (§15)."""
        return self._unacked is not None and not self._unacked.moved

    def lost(self, now: float) -> None:
        """The connection, and whoever passed the 2xx on, or the ACK to it: the 2xx is said by the next one."""
        if self._unacked is None:
            return
        self._unacked.moved = True
        if self.session.phase is Phase.ENDING:
            self.stop()
            self.session.bye(now)

    def accept(
        self,
        identity: TransactionId,
        request: Request,
        body: bytes,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
        *,
        adrift: bool = False,
    ) -> None:
        """2xx to INVITE, UPDATE or PRACK; `adrift`: the request's transaction went with its connection."""
        session = self.session
        said: list[tuple[str, str]] = [("Contact", session.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED)]
        if request.method in ("INVITE", "UPDATE") and session.phase is Phase.UP:
            granted = expiry.granted(request)
            said.append(("Session-Expires", str(granted)))
            if granted.refresher == "uac":
                said.append(("Require", "timer"))
            session.lifetime.arm(granted, "uas", now)
            assert session.branch is not None
            session.branch.dialog = session.branch.dialog.refreshed(request)
        response = session.tagged(Response.answering(request, 200, headers=[*said, *headers, *typed(body)], body=body))
        if request.method == "INVITE":
            self._cseq = request.cseq.number
            self._unacked = Repeated(session.owner, identity, response, now, most_s=T2_S, gave_up=self._never_acked)
            self._unacked.moved = adrift
        if adrift:
            session.owner.repeat(response)
        else:
            session.owner.respond(identity, response, now)

    def came_again(self, identity: TransactionId, request: Request, now: float) -> bool:
        """The INVITE of a call that is up, whose 2xx nobody has seen; False: it has been seen, or is under way."""
        if self._unacked is None or not self._unacked.moved:
            return False
        self._unacked.stop()
        response = self._unacked.response.with_header("Via", *request.header_values("Via"))
        self._unacked = Repeated(self.session.owner, identity, response, now, most_s=T2_S, gave_up=self._never_acked)
        self.session.owner.respond(identity, response, now)
        return True

    def acked(self, ack: Request, now: float) -> None:
        session = self.session
        if self._unacked is None or ack.cseq.number != self._cseq:
            return
        self.stop()
        if session.phase is Phase.ENDING:
            session.bye(now)
            return
        if session.phase is Phase.UP and session.talk.stage is Stage.SENT:
            try:
                body = description(ack)
                if not body:
                    raise RemoteError("SDP", "", "no answer in the ACK")
                session.talk.receives(body)
            except RemoteError:
                session.stop(EndedBy.FAULT, ack, now)
                raise
            session.owner.emit(Agreed(session, body))
        session.offering.go_on(now)

    def stop(self) -> None:
        if self._unacked is not None:
            self._unacked.stop()
        self._unacked = None

    def _never_acked(self, now: float) -> None:
        self._unacked = None
        if self.session.phase is Phase.ENDING:
            self.session.bye(now)
        else:
            self.session.stop(EndedBy.TIMEOUT, None, now)
