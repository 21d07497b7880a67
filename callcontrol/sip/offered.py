"""The peer's offers within a call, and where our answers go (RFC 3261 §14.2, RFC 3311 §5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callcontrol.sip import expiry
from callcontrol.sip.agent import TransactionId
from callcontrol.sip.described import description
from callcontrol.sip.errors import LocalError
from callcontrol.sip.events import Offered, Withdrawn
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Stage
from callcontrol.sip.phase import Phase
from callcontrol.sip.shared import RETRY_AFTER_S, Branch, Inviting

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["Owed", "TheirOffers"]


@dataclass
class Owed:
    """Where the answer to the peer's offer goes: into a response to a request, an ACK, or a PRACK."""

    request: tuple[TransactionId, Request] | None = None
    inviting: Inviting | None = None
    reliable: tuple[Branch, Response] | None = None


@dataclass(eq=False)
class TheirOffers:
    session: Session
    owed: Owed | None = None

    def came(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        """A re-INVITE or an UPDATE."""
        session = self.session
        invite = request.method == "INVITE"
        if session.phase in (Phase.ENDING, Phase.CANCELLING, Phase.OVER):
            session.respond(identity, request, 481, now)
            return
        body = description(request)
        stage = branch.talk.stage
        unanswered = stage is Stage.RECEIVED or self.owed is not None
        if (invite and session.called.id is not None) or ((invite or body) and unanswered):
            # Of two in a row the second is too early (§14.2, RFC 3311 §5.2).
            session.respond(identity, request, 500, now, (("Retry-After", RETRY_AFTER_S),))
        elif (invite and session.inviting is not None) or ((invite or body) and stage is Stage.SENT):
            session.respond(identity, request, 491, now)
        elif expiry.too_brief(request):
            session.respond(identity, request, 422, now, (("Min-SE", str(expiry.MIN_SE_S)),))
        elif not invite and not body:
            session.accepting.accept(identity, request, b"", now)
        else:
            if invite:  # who asks anew has heard our 2xx: its ACK was lost
                session.accepting.stop()
            same = bool(body) and body == branch.talk.remote
            if body:
                branch.talk.receives(body)
            session.branch = branch
            if same:  # a refresh: nothing to decide
                answer = branch.talk.local
                branch.talk.sends(answer)
                session.accepting.accept(identity, request, answer, now)
                return
            self.owe(identity, request, body)

    def owe(self, identity: TransactionId, request: Request, body: bytes) -> None:
        self.owed = Owed(request=(identity, request))
        self.session.owner.emit(Offered(self.session, body))

    def reply(self, body: bytes, now: float) -> bool:
        owed, session = self.owed, self.session
        branch = session.branch
        if owed is None or branch is None or session.phase in (Phase.CANCELLING, Phase.ENDING, Phase.OVER):
            return False
        if not body:
            raise LocalError("no description")
        self.owed = None
        if owed.request is not None:
            identity, request = owed.request
            branch.talk.sends(body)
            session.accepting.accept(identity, request, body, now)
        elif owed.inviting is not None:
            branch.talk.sends(body)
            owed.inviting.acknowledge(session.owner, branch, body)
        elif owed.reliable is not None:
            owed.reliable[0].talk.sends(body)
            session.calling.prack(*owed.reliable, body, now)
        session.offering.go_on(now)
        return True

    def reject(self, now: float, status: int) -> bool:
        owed, session = self.owed, self.session
        if owed is None or session.branch is None:
            return False
        if owed.request is None:
            return session.end(now)
        self.owed = None
        session.talk.refused()
        session.respond(*owed.request, status, now)
        session.offering.go_on(now)
        return True

    def withdrawn(self) -> None:
        """The request is gone that was to be answered."""
        self.owed = None
        self.session.talk.refused()
        self.session.owner.emit(Withdrawn(self.session))

    def close(self, now: float) -> None:
        if self.owed is not None and self.owed.request is not None:
            self.session.respond(*self.owed.request, 487, now)
        self.owed = None
