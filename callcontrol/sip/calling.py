"""Our first INVITE: the phones that ring by it, and which of them answers (RFC 3261 §13.2, 3262 §4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callcontrol.sip import expiry
from callcontrol.sip.described import description, typed
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Answered, EndedBy, Progressed
from callcontrol.sip.message import Message, Request, Response
from callcontrol.sip.offer import Negotiation, Stage
from callcontrol.sip.offered import Owed
from callcontrol.sip.phase import Phase
from callcontrol.sip.shared import Branch, Inviting

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["Calling"]

RING_MAX_S = 180.0
"""An INVITE that has no final answer by then is cancelled (RFC 3261 §16.6, timer C)."""
BRANCHES_MAX = 16
"""Phones that may ring by one INVITE of ours; what more say is passed over until one of them answers."""
RSEQ_LIMIT = 1 << 32


@dataclass(eq=False)
class Calling:
    session: Session
    _strays: dict[str, Request] = field(default_factory=dict)  # the ACKs of those that answered, too, by their tag

    def start(self, now: float) -> None:
        session = self.session
        inviting = session.inviting = Inviting(bool(session.request.body))
        for name, value in session.lifetime.first:
            session.request = session.request.with_header(name, value)
        inviting.id = session.owner.ask(
            session.request, now, session.credentials, lambda response, then: self._heard(inviting, response, then)
        )
        inviting.timer = session.owner.at(now + RING_MAX_S, lambda then: session.stop(EndedBy.TIMEOUT, None, then))

    def prack(self, branch: Branch, response: Response, body: bytes, now: float) -> None:
        rack = f"{branch.rseq} {response.cseq.number} INVITE"
        branch.dialog, prack = branch.dialog.request("PRACK", [("RAck", rack), *typed(body)], body)
        self.session.owner.ask(prack, now, self.session.credentials, lambda heard, then: None)

    def _heard(self, inviting: Inviting, response: Response | None, now: float) -> None:
        session = self.session
        if response is None:
            if session.phase in (Phase.CALLING, Phase.CANCELLING):
                session.over(session.why[0] if session.phase is Phase.CANCELLING else EndedBy.TIMEOUT, 408, None, now)
        elif response.status < 200:
            if response.status > 100 and response.to.tag and session.phase is Phase.CALLING:
                self._progress(response, now)
        elif response.status < 300:
            self._success(inviting, response, now)
        elif session.phase is Phase.CALLING and response.status == 422 and session.lifetime.longer(response):
            cseq = response.cseq.number + 1
            session.forget_branches()
            inviting.stop()
            session.request = session.request.with_header("CSeq", f"{cseq} INVITE")
            self.start(now)
        elif session.phase in (Phase.CALLING, Phase.CANCELLING):
            by = EndedBy.REMOTE if session.phase is Phase.CALLING else session.why[0]
            session.over(by, response.status, response, now)

    def _progress(self, response: Response, now: float) -> None:
        branch = self._branch_of(response)
        if branch is None:
            return
        branch.says(response)
        body = description(response)
        offers = False
        if "100rel" in response.options("Require"):
            rseq = _number(response, "RSeq", RSEQ_LIMIT)
            if branch.rseq and rseq != branch.rseq + 1:
                return  # again, or not its turn (RFC 3262 §4)
            if body and (branch.talk.stage is Stage.SENT or not branch.talk.local):
                offers = branch.talk.receives(body)
            branch.rseq = rseq
            if offers:
                self.session.offered.owed = Owed(reliable=(branch, response))
            else:
                self.prack(branch, response, b"", now)
        elif body and branch.talk.stage is Stage.SENT:
            branch.preview = body
        self.session.branch = branch
        self.session.owner.emit(Progressed(self.session, response, body, offers))

    def _branch_of(self, response: Response) -> Branch | None:
        branches, tag = self.session.branches, response.to.tag
        if tag not in branches:
            if len(branches) >= BRANCHES_MAX:
                return None
            target = response.contacts[0].uri.text if response.contacts else self.session.request.uri
            self._add(tag, Dialog.of_response(response, target))
        branch = branches[tag]
        branch.dialog = branch.dialog.counted(response)
        if response.contacts:
            branch.dialog = branch.dialog.refreshed(response)
        return branch

    def _add(self, tag: str, dialog: Dialog) -> Branch:
        talk = Negotiation()
        if self.session.request.body:
            talk.sends(self.session.request.body)
        branch = self.session.branches[tag] = Branch(dialog, talk)
        self.session.owner.hold(dialog.key, self.session)
        return branch

    def _success(self, inviting: Inviting, response: Response, now: float) -> None:
        session = self.session
        if session.phase not in (Phase.CALLING, Phase.CANCELLING):
            if session.branch is not None and response.to.tag == session.branch.dialog.key[2]:
                if inviting.ack is not None:
                    session.owner.acknowledge(inviting.ack)
            else:
                self._stray(response, now)
            return
        try:
            confirmed = Dialog.of_answer(response)
        except RemoteError:
            session.over(EndedBy.FAULT, response.status, response, now)
            raise
        branch = session.branches.get(response.to.tag) or self._add(response.to.tag, confirmed)
        # The route set is the 2xx's (§13.2.2.4); what was asked in the early dialog has been counted.
        branch.dialog = confirmed.after(branch.dialog)
        branch.says(response)
        session.branch = branch
        inviting.stop()
        if session.phase is Phase.CANCELLING:
            self._up_and_down(inviting, branch, session.why[0], now)
            return
        session.to(Phase.UP)
        session.inviting = None
        try:
            offers = _agreed(branch, description(response))
            session.lifetime.arm(expiry.agreed(response), "uac", now)
        except RemoteError:
            self._up_and_down(inviting, branch, EndedBy.FAULT, now)
            raise
        if offers:
            session.offered.owed = Owed(inviting=inviting)
        else:
            inviting.acknowledge(session.owner, branch)
        session.owner.emit(Answered(session, response, branch.talk.remote, offers))
        session.offering.go_on(now)

    def _up_and_down(self, inviting: Inviting, branch: Branch, by: EndedBy, now: float) -> None:
        """A 2xx that has crossed our CANCEL, or says what cannot be: acknowledged, and ended (§9.1, §13.2.2.4)."""
        inviting.acknowledge(self.session.owner, branch)
        self.session.inviting = None
        self.session.why = (by, None)
        self.session.to(Phase.ENDING)
        self.session.bye(now)

    def _stray(self, response: Response, now: float) -> None:
        """A second phone has answered the same call: each of its 2xx is acknowledged, and the first ended."""
        owner = self.session.owner
        ack = self._strays.get(response.to.tag)
        if ack is None:
            if len(self._strays) >= BRANCHES_MAX:
                return
            dialog = Dialog.of_answer(response)
            ack = self._strays[response.to.tag] = dialog.ack()
            owner.acknowledge(ack)
            owner.ask(dialog.bye(), now, self.session.credentials, lambda heard, then: None)
        else:
            owner.acknowledge(ack)


def _agreed(branch: Branch, body: bytes) -> bool:
    """What the description in a 2xx is. Whether it is an offer."""
    if branch.talk.stage is Stage.SENT:
        # Some say it in a 183 alone: what came first in an answer is the answer (RFC 3261 §13.2.1).
        if not (body or branch.preview):
            raise RemoteError("SDP", "", "no answer in the 2xx")
        return branch.talk.receives(body or branch.preview)
    if branch.talk.local:
        return False
    if not body:
        raise RemoteError("SDP", "", "no offer in the 2xx")
    return branch.talk.receives(body)


def _number(message: Message, name: str, limit: int) -> int:
    text = message.header(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) < limit):
        raise RemoteError(name, text, "not a number")
    return int(text)
