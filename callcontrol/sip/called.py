"""The peer's first INVITE: what is answered to it, reliably or not, until it has its final answer (RFC 3262 §3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callcontrol.sip.agent import TransactionId
from callcontrol.sip.described import description
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.errors import LocalError
from callcontrol.sip.events import Agreed, EndedBy, Invited
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Negotiation, Stage
from callcontrol.sip.phase import Phase
from callcontrol.sip.repeated import Repeated
from callcontrol.sip.shared import Branch
from callcontrol.sip.transaction import GIVE_UP_S

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["Called"]


@dataclass(eq=False)
class Called:
    session: Session
    id: TransactionId | None = None
    """None as soon as it has its final answer."""
    _waiting: deque[tuple[int, bytes, tuple[tuple[str, str], ...]]] = field(default_factory=deque)
    _answer: tuple[bytes, tuple[tuple[str, str], ...]] | None = None
    _rseq: int = 0
    _unpracked: Repeated | None = None
    _rung: tuple[int, tuple[tuple[str, str], ...], bytes] | None = None
    adrift: bool = False
    """The connection by which it came is gone: what is answered goes by the next one, by the Vias of the INVITE."""

    @property
    def answering(self) -> bool:
        """Whether its 200 waits for a PRACK only."""
        return self._answer is not None

    @property
    def unpracked(self) -> bool:
        return self._unpracked is not None

    def came(self, identity: TransactionId, offer: bytes, replaces: Session | None) -> None:
        session = self.session
        session.phase = Phase.RINGING
        self.id = identity
        branch = session.branch = Branch(Dialog.of_request(session.request, session.tag), Negotiation())
        branch.says(session.request)
        session.branches[branch.dialog.key[2]] = branch
        if offer:
            branch.talk.receives(offer)
        session.owner.hold(branch.dialog.key, session)
        session.owner.emit(Invited(session, session.request, offer, replaces))

    def ring(self, status: int, now: float, body: bytes, headers: Iterable[tuple[str, str]], *, reliable: bool) -> bool:
        request, talk = self.session.request, self.session.talk
        required = "100rel" in request.options("Require")
        if required or (reliable and body and request.supports("100rel")):
            self._waiting.append((status, body, tuple(headers)))
            self._next(now)
            return True
        if body and talk.stage is Stage.STABLE and not talk.local:
            raise LocalError("an offer in an answer that is not reliable")
        self._rung = status, tuple(headers), body
        return self.respond(self.session.made(*self._rung), now)

    def answer(self, body: bytes, now: float, headers: Iterable[tuple[str, str]]) -> None:
        talk = self.session.talk
        if not body and talk.stage is Stage.RECEIVED and not self._waiting and not talk.local:
            raise LocalError("no answer to the offer")
        self._answer = (body, tuple(headers))
        self._next(now)

    def respond(self, response: Response, now: float) -> bool:
        identity = self.id
        if identity is None:
            return False
        if response.status >= 200:
            self.id = None
        if self.adrift:
            if response.status > 100:
                self.session.owner.repeat(response)
            return True
        return self.session.owner.respond(identity, response, now)

    def lost(self) -> bool:
        """The connection; whether the call waits on for its answer. What waits for a PRACK does not."""
        self.adrift = self.session.outlives and not self.unpracked and not self._waiting
        return self.adrift

    def came_again(self, identity: TransactionId, request: Request, now: float) -> None:
        """The INVITE of a call adrift, by another connection."""
        self.adrift = False
        self.id = identity
        self.session.request = request
        said = Response.answering(request, 100) if self._rung is None else self.session.made(*self._rung)
        self.respond(said, now)

    def pracked(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        session = self.session
        expected = f"{self._rseq} {session.request.cseq.number} INVITE"
        if self._unpracked is None or " ".join((request.header("RAck") or "").split()) != expected:
            session.respond(identity, request, 481, now)
            return
        body = description(request)
        self.stop()
        if branch.talk.stage is Stage.SENT:
            if not body:
                session.respond(identity, request, 400, now)
                self.respond(session.made(400, reason="No Answer In PRACK"), now)
                session.over(EndedBy.FAULT, 400, request, now)
                return
            branch.talk.receives(body)
            session.respond(identity, request, 200, now)
            session.owner.emit(Agreed(session, body))
        elif body and branch.talk.stage is Stage.STABLE and session.offered.owed is None:
            branch.talk.receives(body)
            session.offered.owe(identity, request, body)
            return
        else:
            session.respond(identity, request, 200, now)
        self._next(now)

    def stop(self) -> None:
        if self._unpracked is not None:
            self._unpracked.stop()
        self._unpracked = None

    def _next(self, now: float) -> None:
        """One reliable answer at a time; the final one when none is left."""
        if self._unpracked is not None:
            return
        if not self._waiting:
            if self._answer is not None:
                self._answered(*self._answer, now)
            return
        status, body, headers = self._waiting.popleft()
        talk = self.session.talk
        if body and not talk.local:
            talk.sends(body)
        else:
            body = b""  # what was agreed on is not changed by an answer (RFC 6337 §3.1.1)
        self._rseq += 1
        response = self.session.made(status, [("Require", "100rel"), ("RSeq", str(self._rseq)), *headers], body)
        assert self.id is not None
        self._unpracked = Repeated(
            self.session.owner, self.id, response, now, most_s=GIVE_UP_S, gave_up=self._never_pracked
        )
        self.respond(response, now)

    def _never_pracked(self, now: float) -> None:
        self.respond(self.session.made(504), now)
        self.session.over(EndedBy.TIMEOUT, 504, None, now)

    def _answered(self, body: bytes, headers: Iterable[tuple[str, str]], now: float) -> None:
        talk = self.session.talk
        if talk.local:  # said already, reliably, whatever has been offered since
            body = b""
        elif not body:
            raise LocalError("no description for the answer")
        else:
            talk.sends(body)
        identity, self.id, self._answer = self.id, None, None
        assert identity is not None
        self.session.to(Phase.UP)
        self.session.accepting.accept(identity, self.session.request, body, now, headers, adrift=self.adrift)
