"""One call as one of its two sides has it: INVITE and all that may come within (RFC 3261 §12–15, 3262, 3311, 4028).

A session begins by `UserAgent.invite` or with an Invited event, and ends with exactly one Ended. Its verbs give False
where the other side was faster and nothing is to be done any more; LocalError where the user asks for what cannot be.
What the other side does wrong is a RemoteError, which the user agent answers with a 400; it never reaches the user.

Descriptions are passed as they are. Who answers one is not decided here: Offered waits for `reply` or `reject`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from callcontrol.sip import expiry
from callcontrol.sip.agent import TransactionId
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.events import (
    Agreed,
    Answered,
    Ended,
    EndedBy,
    Invited,
    Notified,
    Offered,
    OfferRefused,
    Progressed,
    Referred,
    Told,
    Withdrawn,
)
from callcontrol.sip.expiry import SessionExpires
from callcontrol.sip.message import Message, Request, Response
from callcontrol.sip.offer import Negotiation, Stage
from callcontrol.sip.refer import ReferTo, Replaces, status_of
from callcontrol.sip.referred import Branch, Owner, Refer, Timer
from callcontrol.sip.sdp import CONTENT_TYPE, Description
from callcontrol.sip.transaction import GIVE_UP_S, T1_S, T2_S

__all__ = ["ALLOW", "SUPPORTED", "Phase", "Session", "description", "typed"]

ALLOW = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, NOTIFY, INFO, OPTIONS"
SUPPORTED = "100rel, timer, replaces, norefersub"

RING_MAX_S = 180.0
"""An INVITE that has no final answer by then is cancelled (RFC 3261 §16.6, timer C)."""
REINVITE_MAX_S = 32.0
"""The same within a call, where nobody is to be fetched to the phone."""
BRANCHES_MAX = 16
"""Phones that may ring by one INVITE of ours; what more say is passed over until one of them answers."""
REFERS_MAX = 4
"""Of one call, not finished, at a time."""
RSEQ_LIMIT = 1 << 32
GLARE_OWNER_S = (2.1, 4.0)
GLARE_OTHER_S = (0.0, 2.0)
"""RFC 3261 §14.1: when a 491 is tried again, by whoever chose the Call-ID and by the other."""
RETRY_AFTER_S = "5"
"""RFC 3261 §14.2 lets it be any from 0 to 10."""


class Phase(Enum):
    CALLING = auto()  # our INVITE has no final answer
    RINGING = auto()  # nor has the peer's
    CANCELLING = auto()  # we gave up while calling
    UP = auto()
    ENDING = auto()  # a BYE is sent, or will be as soon as it may be
    OVER = auto()


NEXT: dict[Phase, frozenset[Phase]] = {
    Phase.CALLING: frozenset({Phase.UP, Phase.CANCELLING, Phase.ENDING, Phase.OVER}),
    Phase.RINGING: frozenset({Phase.UP, Phase.OVER}),
    Phase.CANCELLING: frozenset({Phase.ENDING, Phase.OVER}),
    Phase.UP: frozenset({Phase.ENDING, Phase.OVER}),
    Phase.ENDING: frozenset({Phase.OVER}),
    Phase.OVER: frozenset(),
}


@dataclass
class _Inviting:
    """An INVITE of ours."""

    offered: bool
    id: TransactionId = field(init=False)
    ack: Request | None = None
    timer: Timer | None = None


@dataclass
class _Unacked:
    """A 2xx of ours to an INVITE, said again until its ACK comes (RFC 3261 §13.3.1.4)."""

    id: TransactionId
    cseq: int
    response: Response
    until: float
    interval_s: float = T1_S
    timer: Timer | None = None


@dataclass
class _Unpracked:
    """A reliable provisional answer, said again until its PRACK comes (RFC 3262 §3)."""

    rseq: int
    response: Response
    until: float
    interval_s: float = T1_S
    timer: Timer | None = None


@dataclass
class _Owed:
    """Where the answer to the peer's offer goes: into a response to a request, an ACK, or a PRACK."""

    request: tuple[TransactionId, Request] | None = None
    inviting: _Inviting | None = None
    reliable: tuple[Branch, Response] | None = None


@dataclass(eq=False, repr=False)
class Session:
    """Made by the user agent alone."""

    owner: Owner
    outgoing: bool
    request: Request
    """The INVITE that began it."""
    credentials: Credentials | None = None
    phase: Phase = Phase.CALLING
    tag: str = ""
    """Ours, of a call that came."""
    _branches: dict[str, Branch] = field(default_factory=dict)  # by the other side's tag
    _branch: Branch | None = None  # the one that counts: the last that said something, then the one that answered
    _strays: dict[str, Request] = field(default_factory=dict)  # the ACKs of those that answered, too
    _invite_id: TransactionId | None = None  # the peer's, until it has its final answer
    _inviting: _Inviting | None = None
    _unacked: _Unacked | None = None
    _unpracked: _Unpracked | None = None
    _provisional: deque[tuple[int, bytes, tuple[tuple[str, str], ...]]] = field(default_factory=deque)
    _to_answer: tuple[bytes, tuple[tuple[str, str], ...]] | None = None
    _rseq: int = 0
    _owed: _Owed | None = None
    _wanted: bytes | None = None  # an offer of ours that waits for its turn
    _glare: Timer | None = None
    _refresh_timers: list[Timer] = field(default_factory=list)
    _we_refresh: bool = True
    _interval_s: int = expiry.SESSION_S
    _min_se_s: int = expiry.MIN_SE_S
    _refers: list[Refer] = field(default_factory=list)
    _refers_came: int = 0
    _why: tuple[EndedBy, Message | None] = (EndedBy.LOCAL, None)

    # ---- what is known

    @property
    def local(self) -> bytes:
        """Our last description that was sent or agreed on."""
        return self._branch.talk.local if self._branch is not None else self.request.body if self.outgoing else b""

    @property
    def remote(self) -> bytes:
        """The other side's."""
        return self._branch.talk.remote if self._branch is not None else b""

    @property
    def busy(self) -> bool:
        """Whether an offer is under way: another of ours would wait."""
        if self._branch is None or self._branch.talk.stage is not Stage.STABLE:
            return True
        return self.phase is Phase.UP and self._inviting is not None

    @property
    def replaces(self) -> Replaces | None:
        """How a third party names this session to its other side (RFC 3891 §3)."""
        if self._branch is None:
            return None
        call_id, local, remote = self._branch.dialog.key
        return Replaces(call_id, remote, local)

    @property
    def remote_target(self) -> str:
        """The other side's Contact, or the URI that we have called."""
        return self._branch.dialog.target if self._branch is not None else self.request.uri

    # ---- verbs

    def ring(
        self,
        status: int,
        now: float,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        *,
        reliable: bool = True,
    ) -> bool:
        """A provisional answer: reliable where the other side requires it, or, where it can be, if `reliable` and there
        is a body. What is not reliable says nothing that the final answer may not say otherwise."""
        if self.phase is not Phase.RINGING or self._to_answer is not None:
            return False
        if not 100 < status < 200:
            raise LocalError(f"{status} is not provisional")
        required = "100rel" in self.request.options("Require")
        if required or (reliable and body and self.request.supports("100rel")):
            self._provisional.append((status, body, tuple(headers)))
            self._next_provisional(now)
            return True
        if body and self._talk.stage is Stage.STABLE and not self._talk.local:
            raise LocalError("an offer in an answer that is not reliable")
        return self._respond_invite(self._made(status, headers, body), now)

    def answer(self, body: bytes, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """200. `body`: the answer, or an offer where the INVITE had none; not sent where a reliable 1xx had it."""
        if self.phase is not Phase.RINGING or self._to_answer is not None:
            return False
        if not body and self._talk.stage is Stage.RECEIVED and not self._provisional and not self._talk.local:
            raise LocalError("no answer to the offer")
        self._to_answer = (body, tuple(headers))
        self._next_provisional(now)
        return True

    def refuse(self, status: int, now: float, reason: str = "", headers: Iterable[tuple[str, str]] = ()) -> bool:
        """The final answer to a call that is not taken."""
        if self.phase is not Phase.RINGING:
            return False
        if status < 300:
            raise LocalError(f"{status} is no refusal")
        self._respond_invite(self._made(status, headers, b"", reason), now)
        self._over(EndedBy.LOCAL, status, None, now)
        return True

    def end(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Whatever the phase: CANCEL, 480, or BYE."""
        return self._end(EndedBy.LOCAL, None, now, headers)

    def offer(self, body: bytes, now: float) -> bool:
        """A new description of ours, sent as soon as it is our turn; a later one takes its place. Empty: the other side
        is asked for one, and Offered comes. False where the call is not (or not any more) so far."""
        branch = self._branch
        if branch is None or self.phase in (Phase.CANCELLING, Phase.ENDING, Phase.OVER):
            return False
        if self.phase is not Phase.UP and not (branch.updates and branch.talk.local and body):
            return False
        self._wanted = body
        self._go_on(now)
        return True

    def reply(self, body: bytes, now: float) -> bool:
        """What was Offered is answered (or, where that was empty, our offer made)."""
        owed, branch = self._owed, self._branch
        if owed is None or branch is None or self.phase in (Phase.CANCELLING, Phase.ENDING, Phase.OVER):
            return False
        if not body:
            raise LocalError("no description")
        self._owed = None
        if owed.request is not None:
            identity, request = owed.request
            branch.talk.sends(body)
            self._accept(identity, request, body, now)
        elif owed.inviting is not None:
            branch.talk.sends(body)
            self._acknowledge(owed.inviting, branch, body)
        elif owed.reliable is not None:
            owed.reliable[0].talk.sends(body)
            self._prack(*owed.reliable, body, now)
        self._go_on(now)
        return True

    def reject(self, now: float, status: int = 488) -> bool:
        """What was Offered cannot be. An offer in an answer can be refused by the end of the call alone."""
        owed = self._owed
        if owed is None or self._branch is None:
            return False
        if owed.request is None:
            return self.end(now)
        self._owed = None
        self._branch.talk.refused()
        self._refuse(owed.request[0], owed.request[1], status, now)
        self._go_on(now)
        return True

    def refer(self, to: ReferTo, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Asks the other side to call `to`; Notified says how that goes."""
        if self.phase is not Phase.UP:
            return False
        self._ask("REFER", [("Refer-To", str(to)), ("Contact", self.owner.contact), *headers], b"", now, self._referred)
        return True

    def tell(self, content_type: str, body: bytes, now: float) -> bool:
        """An INFO; what is answered does not matter."""
        if self.phase is not Phase.UP:
            return False
        self._ask("INFO", [("Content-Type", content_type)], body, now, self._told)
        return True

    # ---- our INVITE

    def start(self, now: float) -> None:
        body = self.request.body
        inviting = self._inviting = _Inviting(bool(body))
        headers = [("Session-Expires", str(self._interval_s)), ("Min-SE", str(self._min_se_s))]
        request = self.request
        for name, value in headers:
            request = request.with_header(name, value)
        self.request = request
        inviting.id = self.owner.ask(
            request, now, self.credentials, lambda response, then: self._heard_invite(inviting, response, then)
        )
        inviting.timer = self.owner.at(now + RING_MAX_S, lambda then: void(self._end(EndedBy.TIMEOUT, None, then)))

    def _heard_invite(self, inviting: _Inviting, response: Response | None, now: float) -> None:
        if response is None:
            if self.phase in (Phase.CALLING, Phase.CANCELLING):
                self._over(self._why[0] if self.phase is Phase.CANCELLING else EndedBy.TIMEOUT, 408, None, now)
        elif response.status < 200:
            if response.to.tag and self.phase is Phase.CALLING:
                self._progress(response, now)
        elif response.status < 300:
            self._success(inviting, response, now)
        elif self.phase is Phase.CALLING and response.status == 422 and self._longer(response):
            cseq = response.cseq.number + 1
            self.owner.release([branch.dialog.key for branch in self._branches.values()])
            self._branches.clear()
            self._branch = None
            if inviting.timer is not None:
                inviting.timer.cancel()
            self.request = self.request.with_header("CSeq", f"{cseq} INVITE")
            self.start(now)
        elif self.phase in (Phase.CALLING, Phase.CANCELLING):
            by = EndedBy.REMOTE if self.phase is Phase.CALLING else self._why[0]
            self._over(by, response.status, response, now)

    def _longer(self, response: Response) -> bool:
        """RFC 4028 §7.3. Whether to ask again with the interval that the other side wants."""
        wanted = expiry.min_se_s(response)
        if wanted <= self._min_se_s:
            return False
        self._min_se_s, self._interval_s = wanted, max(wanted, self._interval_s)
        return True

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
                self._owed = _Owed(reliable=(branch, response))
            else:
                self._prack(branch, response, b"", now)
        elif body and branch.talk.stage is Stage.SENT:
            branch.preview = body
        self._branch = branch
        self.owner.emit(Progressed(self, response, body, offers))

    def _branch_of(self, response: Response) -> Branch | None:
        tag = response.to.tag
        if tag not in self._branches:
            if len(self._branches) >= BRANCHES_MAX:
                return None
            target = response.contacts[0].uri.text if response.contacts else self.request.uri
            talk = Negotiation()
            if self.request.body:
                talk.sends(self.request.body)
            branch = Branch(Dialog.of_response(response, target), talk)
            self._branches[tag] = branch
            self.owner.hold(branch.dialog.key, self)
        branch = self._branches[tag]
        branch.dialog = branch.dialog.counted(response)
        if response.contacts:
            branch.dialog = branch.dialog.refreshed(response)
        return branch

    def _prack(self, branch: Branch, response: Response, body: bytes, now: float) -> None:
        rack = f"{branch.rseq} {response.cseq.number} INVITE"
        branch.dialog, prack = branch.dialog.request("PRACK", [("RAck", rack), *typed(body)], body)
        self.owner.ask(prack, now, self.credentials, lambda heard, then: None)

    def _success(self, inviting: _Inviting, response: Response, now: float) -> None:
        if self.phase not in (Phase.CALLING, Phase.CANCELLING):
            if self._branch is not None and response.to.tag == self._branch.dialog.key[2]:
                if inviting.ack is not None:
                    self.owner.acknowledge(inviting.ack)
            else:
                self._stray(response, now)
            return
        try:
            confirmed = Dialog.of_answer(response)
        except RemoteError:
            self._over(EndedBy.FAULT, response.status, response, now)
            raise
        branch = self._branches.get(response.to.tag)
        if branch is None:
            talk = Negotiation()
            if self.request.body:
                talk.sends(self.request.body)
            branch = self._branches[response.to.tag] = Branch(confirmed, talk)
            self.owner.hold(confirmed.key, self)
        known = branch.dialog
        # The route set is the 2xx's (§13.2.2.4); what was asked in the early dialog has been counted.
        branch.dialog = Dialog(
            confirmed.call_id,
            confirmed.local,
            confirmed.remote,
            confirmed.target,
            confirmed.routes,
            confirmed.invite_cseq,
            max(known.local_cseq, confirmed.local_cseq),
            known.remote_cseq,
        )
        branch.says(response)
        self._branch = branch
        if inviting.timer is not None:
            inviting.timer.cancel()
        if self.phase is Phase.CANCELLING:
            self._up_and_down(inviting, branch, self._why[0], now)
            return
        self._to(Phase.UP)
        self._inviting = None
        try:
            body = description(response)
            offers = self._agreed_by(branch, body)
            self._arm(expiry.agreed(response), "uac", now)
        except RemoteError:
            self._up_and_down(inviting, branch, EndedBy.FAULT, now)
            raise
        if offers:
            self._owed = _Owed(inviting=inviting)
        else:
            self._acknowledge(inviting, branch, b"")
        self.owner.emit(Answered(self, response, branch.talk.remote, offers))
        self._go_on(now)

    def _agreed_by(self, branch: Branch, body: bytes) -> bool:
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

    def _up_and_down(self, inviting: _Inviting, branch: Branch, by: EndedBy, now: float) -> None:
        """A 2xx that has crossed our CANCEL, or says what cannot be: acknowledged, and ended (§9.1, §13.2.2.4)."""
        self._acknowledge(inviting, branch, b"")
        self._inviting = None
        self._why = (by, None)
        self._to(Phase.ENDING)
        self._bye(now, ())

    def _acknowledge(self, inviting: _Inviting, branch: Branch, body: bytes) -> None:
        cseq = branch.dialog.invite_cseq if inviting.ack is None else inviting.ack.cseq.number
        inviting.ack = branch.dialog.ack_of(cseq, typed(body), body)
        self.owner.acknowledge(inviting.ack)

    def _stray(self, response: Response, now: float) -> None:
        """A second phone has answered the same call: each of its 2xx is acknowledged, and the first ended."""
        ack = self._strays.get(response.to.tag)
        if ack is None:
            if len(self._strays) >= BRANCHES_MAX:
                return
            dialog = Dialog.of_answer(response)
            ack = self._strays[response.to.tag] = dialog.ack()
            self.owner.acknowledge(ack)
            self.owner.ask(dialog.bye(), now, self.credentials, lambda heard, then: None)
        else:
            self.owner.acknowledge(ack)

    # ---- the peer's INVITE

    def invited(self, identity: TransactionId, offer: bytes, replaces: Session | None, now: float) -> None:
        self.phase = Phase.RINGING
        self._invite_id = identity
        branch = self._branch = Branch(Dialog.of_request(self.request, self.tag), Negotiation())
        branch.says(self.request)
        self._branches[branch.dialog.key[2]] = branch
        if offer:
            branch.talk.receives(offer)
        self.owner.hold(branch.dialog.key, self)
        self.owner.emit(Invited(self, self.request, offer, replaces))

    def _next_provisional(self, now: float) -> None:
        """One reliable answer at a time; the final one when none is left."""
        if self._unpracked is not None:
            return
        if not self._provisional:
            if self._to_answer is not None:
                body, headers = self._to_answer
                self._answer(body, headers, now)
            return
        status, body, headers = self._provisional.popleft()
        talk = self._talk
        if body and not talk.local:
            talk.sends(body)
        else:
            body = b""  # what was agreed on is not changed by an answer (RFC 6337 §3.1.1)
        self._rseq += 1
        response = self._made(status, [("Require", "100rel"), ("RSeq", str(self._rseq)), *headers], body)
        self._unpracked = _Unpracked(self._rseq, response, now + GIVE_UP_S)
        self._respond_invite(response, now)
        self._unpracked.timer = self.owner.at(now + T1_S, self._ring_again)

    def _ring_again(self, now: float) -> None:
        unpracked = self._unpracked
        if unpracked is None or self.phase is not Phase.RINGING:
            return
        if now >= unpracked.until:
            self._respond_invite(self._made(504, (), b""), now)
            self._over(EndedBy.TIMEOUT, 504, None, now)
            return
        self._respond_invite(unpracked.response, now)
        unpracked.interval_s *= 2
        unpracked.timer = self.owner.at(min(now + unpracked.interval_s, unpracked.until), self._ring_again)

    def _answer(self, body: bytes, headers: Iterable[tuple[str, str]], now: float) -> None:
        talk = self._talk
        if talk.local:  # said already, reliably, whatever has been offered since
            body = b""
        elif not body:
            raise LocalError("no description for the answer")
        else:
            talk.sends(body)
        identity, self._invite_id, self._to_answer = self._invite_id, None, None
        assert identity is not None
        self._to(Phase.UP)
        self._accept(identity, self.request, body, now, headers)

    def _accept(
        self,
        identity: TransactionId,
        request: Request,
        body: bytes,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """2xx to INVITE, UPDATE or PRACK."""
        said: list[tuple[str, str]] = [("Contact", self.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED)]
        if request.method in ("INVITE", "UPDATE") and self.phase is Phase.UP:
            granted = expiry.granted(request)
            said.append(("Session-Expires", str(granted)))
            if granted.refresher == "uac":
                said.append(("Require", "timer"))
            self._arm(granted, "uas", now)
            assert self._branch is not None
            self._branch.dialog = self._branch.dialog.refreshed(request)
        response = self._tagged(Response.answering(request, 200, headers=[*said, *headers, *typed(body)], body=body))
        if request.method == "INVITE":
            self._unacked = _Unacked(identity, request.cseq.number, response, now + GIVE_UP_S)
            self._unacked.timer = self.owner.at(now + T1_S, self._answer_again)
        self.owner.respond(identity, response, now)

    def _answer_again(self, now: float) -> None:
        unacked = self._unacked
        if unacked is None:
            return
        if now >= unacked.until:
            self._unacked = None
            if self.phase is Phase.ENDING:
                self._bye(now, ())
            else:
                self._end(EndedBy.TIMEOUT, None, now)
            return
        self.owner.respond(unacked.id, unacked.response, now)
        unacked.interval_s = min(2 * unacked.interval_s, T2_S)
        unacked.timer = self.owner.at(min(now + unacked.interval_s, unacked.until), self._answer_again)

    def acked(self, ack: Request, now: float) -> None:
        unacked = self._unacked
        if unacked is None or ack.cseq.number != unacked.cseq:
            return
        self._unacked = None
        if unacked.timer is not None:
            unacked.timer.cancel()
        if self.phase is Phase.ENDING:
            self._bye(now, ())
            return
        if self.phase is Phase.UP and self._talk.stage is Stage.SENT:
            try:
                body = description(ack)
                if not body:
                    raise RemoteError("SDP", "", "no answer in the ACK")
                self._talk.receives(body)
            except RemoteError:
                self._end(EndedBy.FAULT, ack, now)
                raise
            self.owner.emit(Agreed(self, body))
        self._go_on(now)

    def cancelled(self, identity: TransactionId, now: float) -> None:
        """487 has been sent to an INVITE of the peer's."""
        if identity == self._invite_id:
            self._invite_id = None
            self._over(EndedBy.REMOTE, 487, None, now)
        elif self._owed is not None and self._owed.request is not None and self._owed.request[0] == identity:
            self._owed = None
            self._talk.refused()
            self.owner.emit(Withdrawn(self))
            self._go_on(now)

    # ---- within the call

    def asked(self, identity: TransactionId, request: Request, now: float) -> None:
        """A request in one of our dialogs."""
        branch = self._branches[request.from_.tag]
        counted = branch.dialog.asked(request)
        if counted is None:
            self._refuse(identity, request, 500, now)
            return
        branch.dialog = counted
        branch.says(request)
        match request.method:
            case "BYE":
                self._bye_came(identity, request, now)
            case "INVITE" | "UPDATE":
                self._offer_came(identity, request, branch, now)
            case "PRACK":
                self._prack_came(identity, request, branch, now)
            case "REFER":
                self._refer_came(identity, request, branch, now)
            case "NOTIFY":
                self._notify_came(identity, request, now)
            case "INFO":
                self._refuse(identity, request, 200, now)
                self.owner.emit(Told(self, request.header("Content-Type") or "", request.body))
            case "OPTIONS":
                self._refuse(identity, request, 200, now, (("Allow", ALLOW), ("Supported", SUPPORTED)))
            case _:
                self._refuse(identity, request, 405, now, (("Allow", ALLOW),))

    def _bye_came(self, identity: TransactionId, request: Request, now: float) -> None:
        self._refuse(identity, request, 200, now)
        if self.phase is Phase.CALLING:  # it answered us, and we shall never hear it: what else rings is cancelled
            self._end(EndedBy.REMOTE, request, now)
        elif self.phase is not Phase.CANCELLING:
            ended = self._why[0] if self.phase is Phase.ENDING else EndedBy.REMOTE
            self._over(ended, 487 if self.phase is Phase.RINGING else 200, request, now)

    def _offer_came(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        invite = request.method == "INVITE"
        if self.phase in (Phase.ENDING, Phase.CANCELLING, Phase.OVER):
            self._refuse(identity, request, 481, now)
            return
        body = description(request)
        stage = branch.talk.stage
        unanswered = stage is Stage.RECEIVED or self._owed is not None
        if (invite and self._invite_id is not None) or ((invite or body) and unanswered):
            # Of two in a row the second is too early (§14.2, RFC 3311 §5.2).
            self._refuse(identity, request, 500, now, (("Retry-After", RETRY_AFTER_S),))
        elif (invite and self._inviting is not None) or ((invite or body) and stage is Stage.SENT):
            self._refuse(identity, request, 491, now)
        elif expiry.too_brief(request):
            self._refuse(identity, request, 422, now, (("Min-SE", str(expiry.MIN_SE_S)),))
        elif not invite and not body:
            self._accept(identity, request, b"", now)
        else:
            if invite and self._unacked is not None:  # who asks anew has heard our 2xx: its ACK was lost
                if self._unacked.timer is not None:
                    self._unacked.timer.cancel()
                self._unacked = None
            same = bool(body) and body == branch.talk.remote
            if body:
                branch.talk.receives(body)
            self._branch = branch
            if same:  # a refresh: nothing to decide
                answer = branch.talk.local
                branch.talk.sends(answer)
                self._accept(identity, request, answer, now)
                return
            self._owed = _Owed(request=(identity, request))
            self.owner.emit(Offered(self, body))

    def _prack_came(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        unpracked = self._unpracked
        expected = None if unpracked is None else f"{unpracked.rseq} {self.request.cseq.number} INVITE"
        if unpracked is None or " ".join((request.header("RAck") or "").split()) != expected:
            self._refuse(identity, request, 481, now)
            return
        body = description(request)
        if unpracked.timer is not None:
            unpracked.timer.cancel()
        self._unpracked = None
        if branch.talk.stage is Stage.SENT:
            if not body:
                self._refuse(identity, request, 400, now)
                self._respond_invite(self._made(400, (), b"", "No Answer In PRACK"), now)
                self._over(EndedBy.FAULT, 400, request, now)
                return
            branch.talk.receives(body)
            self._refuse(identity, request, 200, now)
            self.owner.emit(Agreed(self, body))
        elif body and branch.talk.stage is Stage.STABLE and self._owed is None:
            branch.talk.receives(body)
            self._owed = _Owed(request=(identity, request))
            self.owner.emit(Offered(self, body))
            return
        else:
            self._refuse(identity, request, 200, now)
        self._next_provisional(now)

    def _refer_came(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        to = ReferTo.of(request)
        self._refers = [refer for refer in self._refers if refer.open]
        if self.phase is not Phase.UP or len(self._refers) >= REFERS_MAX:
            self._refuse(identity, request, 500, now, (("Retry-After", RETRY_AFTER_S),))
            return
        silent = (request.header("Refer-Sub") or "").strip().lower() == "false"
        refer = Refer(to, request, silent, self.owner, branch, identity, self._refers_came == 0, "")
        self._refers_came += 1
        self._refers.append(refer)
        self.owner.emit(Referred(self, refer))

    def _notify_came(self, identity: TransactionId, request: Request, now: float) -> None:
        if (request.header("Event") or "").partition(";")[0].strip().lower() != "refer":
            self._refuse(identity, request, 489, now)
            return
        status = status_of(request.body) if request.body else 100
        self._refuse(identity, request, 200, now)
        state = (request.header("Subscription-State") or "").strip().lower()
        self.owner.emit(Notified(self, status, state.startswith("terminated") or status >= 200))

    def _go_on(self, now: float) -> None:
        """Sends the offer that waits, if it is our turn."""
        branch, body = self._branch, self._wanted
        if body is None or branch is None or self._glare is not None or self._owed is not None or self.busy:
            return
        if self.phase is Phase.UP and self._unacked is None:
            self._wanted = None
            self._reinvite(body, now, told=True)
        elif self.phase in (Phase.CALLING, Phase.RINGING) and branch.talk.local and self._unpracked is None:
            self._wanted = None
            self._update(body, now)

    def _reinvite(self, body: bytes, now: float, *, told: bool) -> None:
        """`told`: the user is told what comes of it; a refresh says again what was said."""
        branch = self._branch
        assert branch is not None
        inviting = self._inviting = _Inviting(bool(body))
        if body:
            branch.talk.sends(body)
        headers = [
            ("Contact", self.owner.contact),
            ("Allow", ALLOW),
            ("Supported", SUPPORTED),
            ("Session-Expires", self._expires()),
            ("Min-SE", str(self._min_se_s)),
            *typed(body),
        ]

        def heard(response: Response | None, then: float) -> None:
            self._heard_reinvite(inviting, told, response, then)

        inviting.id = self._ask("INVITE", headers, body, now, heard)
        inviting.timer = self.owner.at(now + REINVITE_MAX_S, lambda then: self.owner.cancel(inviting.id, then))

    def _heard_reinvite(self, inviting: _Inviting, told: bool, response: Response | None, now: float) -> None:
        branch = self._branch
        assert branch is not None
        if response is not None and response.status < 200:
            return
        if response is not None and response.status < 300 and inviting.ack is not None:
            self.owner.acknowledge(inviting.ack)
            return
        if inviting.timer is not None:
            inviting.timer.cancel()
        if self._inviting is inviting:
            self._inviting = None
        if response is not None and response.status < 300:
            inviting.ack = branch.dialog.ack_of(response.cseq.number)
            if self.phase is not Phase.UP:
                self.owner.acknowledge(inviting.ack)
                return
            self._reinvited(inviting, branch, told, response, now)
        elif self.phase is Phase.UP:
            if inviting.offered:
                branch.talk.refused()
            self._not_agreed(inviting.offered, told, response, now)

    def _reinvited(self, inviting: _Inviting, branch: Branch, told: bool, response: Response, now: float) -> None:
        try:
            branch.dialog = branch.dialog.refreshed(response)
            branch.says(response)
            body = description(response)
            if not body:
                raise RemoteError("SDP", "", "neither offer nor answer in the 2xx")
            before = branch.talk.remote
            offers = branch.talk.receives(body)
            self._arm(expiry.agreed(response), "uac", now)
        except RemoteError:
            self._acknowledge(inviting, branch, b"")
            self._end(EndedBy.FAULT, response, now)
            raise
        if offers:
            self._owed = _Owed(inviting=inviting)
            self.owner.emit(Offered(self, body))
            return
        self._acknowledge(inviting, branch, b"")
        if told or body != before:
            self.owner.emit(Agreed(self, body))
        self._go_on(now)

    def _update(self, body: bytes, now: float) -> None:
        """RFC 3311: an offer before the call is up, or, empty, a refresh."""
        branch = self._branch
        assert branch is not None
        if body:
            branch.talk.sends(body)
        headers = [("Contact", self.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED), *typed(body)]
        if not body:
            headers += [("Session-Expires", self._expires()), ("Min-SE", str(self._min_se_s))]

        def heard(response: Response | None, then: float) -> None:
            if response is not None and response.status < 200:
                return
            if self.phase not in (Phase.CALLING, Phase.RINGING, Phase.UP):
                return
            if response is not None and response.status < 300:
                answer = description(response)
                branch.dialog = branch.dialog.refreshed(response)
                if not body:
                    self._arm(expiry.agreed(response), "uac", then)
                elif answer:
                    branch.talk.receives(answer)
                    self.owner.emit(Agreed(self, answer))
                else:
                    branch.talk.refused()
                    self.owner.emit(OfferRefused(self, response.status))
                self._go_on(then)
                return
            if body:
                branch.talk.refused()
            self._not_agreed(bool(body), bool(body), response, then)

        self._ask("UPDATE", headers, body, now, heard)

    def _not_agreed(self, offered: bool, told: bool, response: Response | None, now: float) -> None:
        """A re-INVITE or UPDATE of ours came to nothing (§12.2.1.2, §14.1)."""
        assert self._branch is not None
        if response is None or response.status in (408, 481):
            if self.phase is Phase.UP:
                self._end(EndedBy.TIMEOUT, response, now)
            return
        if response.status == 491:
            if self._wanted is None and told:
                self._wanted = self._offered_before(offered)
            least, most = GLARE_OWNER_S if self.outgoing else GLARE_OTHER_S
            self._glare = self.owner.at(
                now + self.owner.uniform(least, most), lambda then: self._after_glare(told, then)
            )
            return
        if response.status == 422 and self._longer(response):
            if told:
                self._wanted = self._wanted if self._wanted is not None else self._offered_before(offered)
            else:
                self._refresh(now)
        elif told:
            self.owner.emit(OfferRefused(self, response.status))
        self._go_on(now)

    def _offered_before(self, offered: bool) -> bytes:
        assert self._branch is not None
        return self._branch.talk.tried if offered else b""

    def _after_glare(self, told: bool, now: float) -> None:
        self._glare = None
        if not told:
            self._refresh(now)
        self._go_on(now)

    def _referred(self, response: Response | None, now: float) -> None:
        if response is not None and response.status < 200:
            return
        if response is None or response.status >= 300:
            self.owner.emit(Notified(self, 408 if response is None else response.status, True))
        elif (response.header("Refer-Sub") or "").strip().lower() == "false":
            self.owner.emit(Notified(self, response.status, True))

    def _told(self, response: Response | None, now: float) -> None:
        if response is not None and response.status == 481 and self.phase is Phase.UP:
            self._end(EndedBy.TIMEOUT, response, now)

    # ---- the session's own time

    def _expires(self) -> str:
        return str(SessionExpires(self._interval_s, "uac" if self._we_refresh else "uas"))

    def _arm(self, agreed: SessionExpires | None, ours: str, now: float) -> None:
        """`ours`: what we were in the request that this was agreed on in."""
        for timer in self._refresh_timers:
            timer.cancel()
        self._refresh_timers = []
        if agreed is None:
            return
        self._interval_s, self._we_refresh = agreed.seconds, agreed.refresher == ours
        if self._we_refresh:
            self._refresh_timers.append(self.owner.at(now + agreed.refresh_s, self._refresh))
        self._refresh_timers.append(
            self.owner.at(now + agreed.end_s, lambda then: void(self._end(EndedBy.TIMEOUT, None, then)))
        )

    def _refresh(self, now: float) -> None:
        if self.phase is not Phase.UP or self._branch is None:
            return
        if self._branch.updates:
            self._update(b"", now)
        elif not self.busy and self._owed is None and self._unacked is None:
            self._reinvite(self._branch.talk.local, now, told=False)

    # ---- the end

    def _end(self, by: EndedBy, message: Message | None, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        match self.phase:
            case Phase.CALLING:
                assert self._inviting is not None
                self._why = (by, message)
                self._to(Phase.CANCELLING)
                self.owner.cancel(self._inviting.id, now)
            case Phase.RINGING:
                self._respond_invite(self._made(480, headers, b""), now)
                self._over(by, 480, message, now)
            case Phase.UP:
                self._why = (by, message)
                if self._owed is not None and self._owed.inviting is not None:
                    assert self._branch is not None
                    self._acknowledge(self._owed.inviting, self._branch, b"")
                    self._owed = None
                self._to(Phase.ENDING)
                if self._unacked is None:  # else only after its ACK (§15)
                    self._bye(now, headers)
            case _:
                return False
        return True

    def _bye(self, now: float, headers: Iterable[tuple[str, str]]) -> None:
        def heard(response: Response | None, then: float) -> None:
            if response is None or response.status >= 200:
                self._over(self._why[0], 200, self._why[1], then)

        self._ask("BYE", headers, b"", now, heard)

    def _over(self, by: EndedBy, status: int, message: Message | None, now: float) -> None:
        if self.phase is Phase.OVER:
            return
        self._to(Phase.OVER)
        if self._invite_id is not None:
            self._respond_invite(self._made(487, (), b""), now)
        if self._owed is not None and self._owed.request is not None:
            self._refuse(self._owed.request[0], self._owed.request[1], 487, now)
        self._owed = self._wanted = None
        unanswered = self._inviting
        for holder in (self._inviting, self._unacked, self._unpracked):
            if holder is not None and holder.timer is not None:
                holder.timer.cancel()
        for timer in (self._glare, *self._refresh_timers):
            if timer is not None:
                timer.cancel()
        for refer in self._refers:
            refer.close(now)
        self._inviting = self._unacked = self._unpracked = self._glare = None
        self._refresh_timers, self._refers = [], []
        self.owner.release([branch.dialog.key for branch in self._branches.values()])
        self.owner.emit(Ended(self, by, status, message))
        if unanswered is not None:
            self.owner.cancel(unanswered.id, now)

    def lost(self, now: float) -> None:
        """The connection is gone, and with it every request that came. A call that is up goes on over the next one."""
        if self.phase is Phase.RINGING:
            self._invite_id = self._owed = None
            self._over(EndedBy.LOST, 503, None, now)
        elif self._owed is not None and self._owed.request is not None:
            self._owed = None
            self._talk.refused()
            self.owner.emit(Withdrawn(self))

    # ---- how

    @property
    def _talk(self) -> Negotiation:
        assert self._branch is not None
        return self._branch.talk

    def _to(self, phase: Phase) -> None:
        assert phase in NEXT[self.phase], (self.phase, phase)
        self.phase = phase

    def _ask(
        self,
        method: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        now: float,
        heard: Callable[[Response | None, float], None],
    ) -> TransactionId:
        branch = self._branch
        assert branch is not None
        branch.dialog, request = branch.dialog.request(method, headers, body)

        def counted(response: Response | None, then: float) -> None:
            if response is not None:
                branch.dialog = branch.dialog.counted(response)
            heard(response, then)

        return self.owner.ask(request, now, self.credentials, counted)

    def _made(self, status: int, headers: Iterable[tuple[str, str]], body: bytes, reason: str = "") -> Response:
        """An answer to the INVITE that began it."""
        said = [("Contact", self.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED)] if status < 300 else []
        return self._tagged(
            Response.answering(self.request, status, reason, headers=[*said, *headers, *typed(body)], body=body)
        )

    def _tagged(self, response: Response) -> Response:
        return response if response.to.tag else response.with_header("To", f"{response.to.text};tag={self.tag}")

    def _respond_invite(self, response: Response, now: float) -> bool:
        identity = self._invite_id
        if identity is None:
            return False
        if response.status >= 200:
            self._invite_id = None
        return self.owner.respond(identity, response, now)

    def _refuse(
        self,
        identity: TransactionId,
        request: Request,
        status: int,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """A final answer without a body."""
        self.owner.respond(identity, Response.answering(request, status, headers=headers), now)


def void(_: object) -> None:
    """For a timer, which wants nothing back."""


def typed(body: bytes) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", CONTENT_TYPE),) if body else ()


def description(message: Message) -> bytes:
    """The session description in a message, empty where there is none. RemoteError where it cannot be read."""
    if not message.body:
        return b""
    kind = (message.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        raise RemoteError("Content-Type", kind, f"not {CONTENT_TYPE}")
    Description.parse(message.body)
    return message.body


def _number(message: Message, name: str, limit: int) -> int:
    text = message.header(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) < limit):
        raise RemoteError(name, text, "not a number")
    return int(text)
