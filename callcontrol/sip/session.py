"""One call as one of its two sides has it: INVITE and all that may come within (RFC 3261 §12–15, 3262, 3311, 4028).

A session begins by `UserAgent.invite` or with an Invited event, and ends with exactly one Ended. Its verbs give False
where the other side was faster and nothing is to be done any more; LocalError where the user asks for what cannot be.
What the other side does wrong is a RemoteError, which the user agent answers with a 400; it never reaches the user.

Descriptions are passed as they are. Who answers one is not decided here: Offered waits for `reply` or `reject`.

Each duty has a part of its own, which keeps what nobody else needs: `calling` (our first INVITE), `called` (the
peer's), `accepting` (our 2xx and their ACKs), `offering` and `offered` (descriptions within the call, ours and the
peer's), `lifetime` (the session's timer), `refers`. What they share, and how it ends, is here.
"""

from __future__ import annotations

from collections.abc import Iterable

from callcontrol.sip.accepting import Accepting
from callcontrol.sip.agent import TransactionId
from callcontrol.sip.called import Called
from callcontrol.sip.calling import Calling
from callcontrol.sip.described import ALLOW, SUPPORTED, typed, warned
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import LocalError
from callcontrol.sip.events import Ended, EndedBy, Told
from callcontrol.sip.lifetime import Lifetime
from callcontrol.sip.message import Message, Request, Response
from callcontrol.sip.offer import Negotiation, Stage
from callcontrol.sip.offered import TheirOffers
from callcontrol.sip.offering import OurOffers
from callcontrol.sip.phase import NEXT, Phase
from callcontrol.sip.refer import ReferTo, Replaces
from callcontrol.sip.referred import Refers
from callcontrol.sip.shared import Branch, Heard, Inviting, Owner

__all__ = ["Phase", "Session"]

BYES_MAX = 10
"""So many connections, one lost after the other, are tried to end a call."""


class Session:
    """Made by the user agent alone. Its users have the verbs and what is known; the rest is its parts'."""

    def __init__(
        self,
        owner: Owner,
        outgoing: bool,
        request: Request,
        credentials: Credentials | None = None,
        tag: str = "",
    ) -> None:
        self.owner = owner
        self.outgoing = outgoing
        self.request = request
        """The INVITE that began it."""
        self.credentials = credentials
        self.tag = tag
        """Ours, of a call that came."""
        self.outlives = False
        """A call that came waits on for our answer when its connection is lost; it is given by the next one."""
        self.phase = Phase.CALLING
        self.why: tuple[EndedBy, Message | None] = (EndedBy.LOCAL, None)
        self.cut = False  # the connection was lost while it was being ended
        """Of a call that is being ended."""
        self.branches: dict[str, Branch] = {}
        """By the other side's tag."""
        self.branch: Branch | None = None
        """The one that counts: the last that said something, then the one that answered."""
        self.inviting: Inviting | None = None
        """Our INVITE that has no final answer."""
        self.calling = Calling(self)
        self.called = Called(self)
        self.accepting = Accepting(self)
        self.offering = OurOffers(self)
        self.offered = TheirOffers(self)
        self.refers = Refers(self)
        self.lifetime = Lifetime(owner, self.offering.refresh, lambda now: self.stop(EndedBy.TIMEOUT, None, now))

    # ---- what is known

    @property
    def local(self) -> bytes:
        """Our last description that was sent or agreed on."""
        return self.branch.talk.local if self.branch is not None else self.request.body if self.outgoing else b""

    @property
    def remote(self) -> bytes:
        """The other side's."""
        return self.branch.talk.remote if self.branch is not None else b""

    @property
    def busy(self) -> bool:
        """Whether an offer is under way: another of ours would wait."""
        if self.branch is None or self.branch.talk.stage is not Stage.STABLE:
            return True
        return self.phase is Phase.UP and self.inviting is not None

    @property
    def replaces(self) -> Replaces | None:
        """How a third party names this session to its other side (RFC 3891 §3)."""
        if self.branch is None:
            return None
        call_id, local, remote = self.branch.dialog.key
        return Replaces(call_id, remote, local)

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
        if self.phase is not Phase.RINGING or self.called.answering:
            return False
        if not 100 < status < 200:
            raise LocalError(f"{status} is not provisional")
        return self.called.ring(status, now, body, headers, reliable=reliable)

    def trying(self, now: float) -> bool:
        """100, which goes no further than the next hop: somebody is still at it."""
        return self.phase is Phase.RINGING and self.called.respond(Response.answering(self.request, 100), now)

    def answer(self, body: bytes, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """200. `body`: the answer, or an offer where the INVITE had none; not sent where a reliable 1xx had it."""
        if self.phase is not Phase.RINGING or self.called.answering:
            return False
        self.called.answer(body, now, headers)
        return True

    def refuse(self, status: int, now: float, reason: str = "", headers: Iterable[tuple[str, str]] = ()) -> bool:
        """The final answer to a call that is not taken."""
        if self.phase is not Phase.RINGING:
            return False
        if status < 300:
            raise LocalError(f"{status} is no refusal")
        self.called.respond(self.made(status, headers, reason=reason), now)
        self.over(EndedBy.LOCAL, status, None, now)
        return True

    def end(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Whatever the phase: CANCEL, 480, or BYE."""
        if self.phase not in (Phase.CALLING, Phase.RINGING, Phase.UP):
            return False
        self.stop(EndedBy.LOCAL, None, now, headers)
        return True

    def offer(self, body: bytes, now: float) -> bool:
        """A new description of ours, sent as soon as it is our turn; a later one takes its place. Empty: the other side
        is asked for one, and Offered comes. False where the call is not (or not any more) so far."""
        branch = self.branch
        if branch is None or self.phase in (Phase.CANCELLING, Phase.ENDING, Phase.OVER):
            return False
        if self.phase is not Phase.UP and not (branch.updates and branch.talk.local and body):
            return False
        self.offering.want(body, now)
        return True

    def reply(self, body: bytes, now: float) -> bool:
        """What was Offered is answered (or, where that was empty, our offer made)."""
        return self.offered.reply(body, now)

    def reject(self, now: float, status: int = 488) -> bool:
        """What was Offered cannot be. An offer in an answer can be refused by the end of the call alone."""
        return self.offered.reject(now, status)

    def refer(self, to: ReferTo, now: float, headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Asks the other side to call `to`; Notified says how that goes."""
        if self.phase is not Phase.UP:
            return False
        self.refers.ask(to, now, headers)
        return True

    def tell(self, content_type: str, body: bytes, now: float) -> bool:
        """An INFO; what is answered does not matter."""
        if self.phase is not Phase.UP:
            return False
        self.ask("INFO", [("Content-Type", content_type)], body, now, self._told)
        return True

    # ---- what comes, as the user agent has it

    def start(self, now: float) -> None:
        self.calling.start(now)

    def invited(self, identity: TransactionId, offer: bytes, replaces: Session | None) -> None:
        self.called.came(identity, offer, replaces)

    def acked(self, ack: Request, now: float) -> None:
        self.accepting.acked(ack, now)

    def cancelled(self, identity: TransactionId, now: float) -> None:
        """487 has been sent to an INVITE of the peer's."""
        owed = self.offered.owed
        if identity == self.called.id:
            self.called.id = None
            self.over(EndedBy.REMOTE, 487, None, now)
        elif owed is not None and owed.request is not None and owed.request[0] == identity:
            self.offered.withdrawn()
            self.offering.go_on(now)

    def came_again(self, identity: TransactionId, request: Request, now: float) -> bool:
        """The INVITE that began it, by another connection; False: it has come twice."""
        if self.phase is Phase.UP:
            return self.accepting.came_again(identity, request, now)
        if self.phase is not Phase.RINGING or not self.called.adrift:
            return False
        self.called.came_again(identity, request, now)
        return True

    def cancelled_adrift(self, now: float) -> None:
        """By another connection than its INVITE's."""
        if self.phase is Phase.RINGING and self.called.adrift:
            self.over(EndedBy.REMOTE, 487, None, now)

    def asked(self, identity: TransactionId, request: Request, now: float) -> None:
        """A request in one of our dialogs."""
        branch = self.branches[request.from_.tag]
        counted = branch.dialog.asked(request)
        if counted is None:
            self.respond(identity, request, 500, now)
            return
        branch.dialog = counted
        branch.says(request)
        match request.method:
            case "BYE":
                self._bye_came(identity, request, now)
            case "INVITE" | "UPDATE":
                self.offered.came(identity, request, branch, now)
            case "PRACK":
                self.called.pracked(identity, request, branch, now)
            case "REFER":
                self.refers.came(identity, request, branch, now)
            case "NOTIFY":
                self.refers.notified(identity, request, now)
            case "INFO":
                self.respond(identity, request, 200, now)
                # "Record: on" is what the record key of many desk phones says; no RFC has it.
                records = (request.header("Record") or "").strip().lower() == "on"
                self.owner.emit(Told(self, request.header("Content-Type") or "", request.body, records))
            case "OPTIONS":
                self.respond(identity, request, 200, now, (("Allow", ALLOW), ("Supported", SUPPORTED)))
            case _:
                self.respond(identity, request, 405, now, (("Allow", ALLOW),))

    def lost(self, now: float) -> None:
        """The connection is gone, and with it every request that came. A call that is up goes on over the next one, and
        one that `outlives` it waits on for our answer."""
        owed = self.offered.owed
        if self.phase is Phase.RINGING and not (owed is None and self.called.lost()):
            self.called.id = self.offered.owed = None
            self.over(EndedBy.LOST, 503, None, now)
        elif owed is not None and owed.request is not None:
            self.offered.withdrawn()
        self.cut = self.phase is Phase.ENDING
        self.accepting.lost(now)

    # ---- the end

    def stop(self, by: EndedBy, message: Message | None, now: float, headers: Iterable[tuple[str, str]] = ()) -> None:
        """CANCEL, 480 or BYE; nothing where it is being ended already."""
        match self.phase:
            case Phase.CALLING:
                assert self.inviting is not None
                self.why = (by, message)
                self.to(Phase.CANCELLING)
                self.owner.cancel(self.inviting.id, now)
            case Phase.RINGING:
                self.called.respond(self.made(480, headers), now)
                self.over(by, 480, message, now)
            case Phase.UP:
                self.why = (by, message)
                owed = self.offered.owed
                if owed is not None and owed.inviting is not None and self.branch is not None:
                    owed.inviting.acknowledge(self.owner, self.branch)
                    self.offered.owed = None
                self.to(Phase.ENDING)
                if not self.accepting.unacked:  # else only after its ACK (§15)
                    self.bye(now, headers)
            case _:
                pass

    def bye(self, now: float, headers: Iterable[tuple[str, str]] = (), *, times: int = BYES_MAX) -> None:
        """Said again by the next connection where this one is lost meanwhile: nobody else would ever end it."""

        def heard(response: Response | None, then: float) -> None:
            if response is None and self.cut and times > 1:
                self.cut = False
                self.bye(then, headers, times=times - 1)
            elif response is None or response.status >= 200:
                self.over(self.why[0], 200, self.why[1], then)

        self.ask("BYE", headers, b"", now, heard)

    def over(self, by: EndedBy, status: int, message: Message | None, now: float) -> None:
        """Nothing is left to be said, but refusals of what was asked and not answered."""
        if self.phase is Phase.OVER:
            return
        self.to(Phase.OVER)
        if self.called.id is not None:
            self.called.respond(self.made(487), now)
        self.offered.close(now)
        unanswered, self.inviting = self.inviting, None
        if unanswered is not None:
            unanswered.stop()
        self.accepting.stop()
        self.called.stop()
        self.offering.close()
        self.lifetime.stop()
        self.refers.close(now)
        self.owner.release([branch.dialog.key for branch in self.branches.values()])
        self.owner.emit(Ended(self, by, status, message))
        if unanswered is not None:
            self.owner.cancel(unanswered.id, now)

    def forget_branches(self) -> None:
        """What has rung by an INVITE that is sent anew."""
        self.owner.release([branch.dialog.key for branch in self.branches.values()])
        self.branches.clear()
        self.branch = None

    # ---- how

    @property
    def talk(self) -> Negotiation:
        assert self.branch is not None
        return self.branch.talk

    def to(self, phase: Phase) -> None:
        assert phase in NEXT[self.phase], (self.phase, phase)
        self.phase = phase
        if phase in (Phase.UP, Phase.OVER):
            self.owner.turned(self)

    def ask(
        self, method: str, headers: Iterable[tuple[str, str]], body: bytes, now: float, heard: Heard
    ) -> TransactionId:
        branch = self.branch
        assert branch is not None
        branch.dialog, request = branch.dialog.request(method, headers, body)

        def counted(response: Response | None, then: float) -> None:
            if response is not None:
                branch.dialog = branch.dialog.counted(response)
            heard(response, then)

        return self.owner.ask(request, now, self.credentials, counted)

    def made(
        self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", reason: str = ""
    ) -> Response:
        """An answer to the INVITE that began it."""
        said = [("Contact", self.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED)] if status < 300 else []
        said += [*headers, *warned(status), *typed(body)]
        return self.tagged(Response.answering(self.request, status, reason, headers=said, body=body))

    def tagged(self, response: Response) -> Response:
        return response if response.to.tag else response.with_header("To", f"{response.to.text};tag={self.tag}")

    def respond(
        self,
        identity: TransactionId,
        request: Request,
        status: int,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """A final answer without a body."""
        said = [*headers, *warned(status)]
        self.owner.respond(identity, Response.answering(request, status, headers=said), now)

    def _bye_came(self, identity: TransactionId, request: Request, now: float) -> None:
        self.respond(identity, request, 200, now)
        if self.phase is Phase.CALLING:  # it answered us, and we shall never hear it: what else rings is cancelled
            self.stop(EndedBy.REMOTE, request, now)
        elif self.phase is not Phase.CANCELLING:
            ended = self.why[0] if self.phase is Phase.ENDING else EndedBy.REMOTE
            self.over(ended, 487 if self.phase is Phase.RINGING else 200, request, now)

    def _told(self, response: Response | None, now: float) -> None:
        if response is not None and response.status == 481 and self.phase is Phase.UP:
            self.stop(EndedBy.TIMEOUT, response, now)
