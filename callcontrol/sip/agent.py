"""A SIP user agent over one connection, as a core: client and server (RFC 3261 §8, §17, §22).

    agent.receive(data, now)          what was read from the connection
    agent.data_to_send() -> bytes     what is to be written to it; to be asked after each of the others
    agent.next_timer() -> time        when on_timer is to be called
    agent.on_timer(now)
    agent.next_event() -> Event       what came of it, until None

`now` is a time in seconds that never goes back. The agent retransmits, acknowledges refusals of INVITEs, answers CANCEL
and challenges; the user answers requests and acknowledges 2xx (`send`), as only he knows the call. Whoever makes calls
does so by `user_agent`, which is that user.
"""

from __future__ import annotations

import contextlib
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NewType

from callcontrol.sip import digest
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.framing import StreamFramer
from callcontrol.sip.message import Request, Response, parse
from callcontrol.sip.transaction import Do, State, Transaction

__all__ = [
    "AckReceived",
    "Agent",
    "CancelUnknown",
    "Cancelled",
    "Discarded",
    "Event",
    "RequestReceived",
    "ResponseReceived",
    "TransactionFailed",
    "TransactionId",
    "Why",
]

BRANCH_MAGIC = "z9hG4bK"
"""RFC 3261 §8.1.1.7: a branch that begins so is unique."""

TRANSACTIONS_MAX = 10_000
"""Server transactions at a time; a request more is refused with 503."""

RETRY_AFTER_S = 10
"""What is told to one that is refused for want of room."""

_UNANSWERED = (State.CALLING, State.TRYING, State.PROCEEDING, State.CANCELLED)

TransactionId = NewType("TransactionId", str)


class Why(Enum):
    TIMEOUT = "no final answer, or no ACK, in time"
    CONNECTION_LOST = "the connection was lost"


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """Provisional or final. A 2xx to an INVITE comes each time that it is received: each is to be acknowledged."""

    id: TransactionId
    response: Response


@dataclass(frozen=True, slots=True)
class TransactionFailed:
    """No answer to our request, or no ACK for our refusal of an INVITE."""

    id: TransactionId
    why: Why


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """Once for each request; to be answered by `respond`."""

    id: TransactionId
    request: Request


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The ACK for a 2xx of ours."""

    request: Request


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An INVITE that was not answered yet; 487 has been sent."""

    id: TransactionId


@dataclass(frozen=True, slots=True)
class CancelUnknown:
    """A CANCEL of an INVITE that has come by no connection of now; 481 has been sent."""

    request: Request


@dataclass(frozen=True, slots=True)
class Discarded:
    """A message that cannot be; it was refused with 400 where that was possible."""

    error: RemoteError


Event = ResponseReceived | TransactionFailed | RequestReceived | AckReceived | Cancelled | CancelUnknown | Discarded


@dataclass
class _Attempt:
    """A request of the user's while its challenges are answered."""

    id: TransactionId
    request: Request  # as the user gave it, CSeq counted on
    credentials: Credentials | None
    nonces: dict[bool, list[str]] = field(default_factory=dict)  # answered, by whether they were a proxy's
    cancelled: bool = False  # by the user, also before a CANCEL may be sent


class Agent:
    """`local` is our sent-by, `random` gives text that nobody guesses, each time another: a token (RFC 3261 §25.1).

    Over "UDP" data is one datagram at a time; over "TCP" and "TLS" a stream.
    """

    def __init__(
        self, local: str, random: Callable[[], str], *, transport: Literal["TCP", "TLS", "UDP"] = "TCP"
    ) -> None:
        self._local = local
        self._random = random
        self._transport = transport
        self._reliable = transport != "UDP"
        self._framer = StreamFramer()
        self._out: deque[bytes] = deque()
        self._events: deque[Event] = deque()
        self._clients: dict[TransactionId, Transaction] = {}
        self._servers: dict[TransactionId, Transaction] = {}
        self._attempts: dict[TransactionId, _Attempt] = {}  # by the client transaction that is under way
        self._tags: dict[TransactionId, str] = {}  # ours, by server transaction
        self._due: dict[TransactionId, float] = {}
        self._timers: list[tuple[float, TransactionId]] = []  # a heap; what `_due` no longer says is passed over

    def receive(self, data: bytes, now: float) -> None:
        """Takes what was read. RemoteError: the stream cannot be followed any more, close it and call `lost`."""
        if not self._reliable:
            if data.strip(b"\r\n"):
                self._message(data, now)
            return
        self._framer.feed(data)
        for message in self._framer.messages():
            self._message(message, now)

    def data_to_send(self) -> bytes:
        """All that is to be written, over UDP the next datagram; empty when there is none."""
        if not self._reliable:
            return self._out.popleft() if self._out else b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_timer(self) -> float | None:
        while self._timers:
            due, identity = self._timers[0]
            if self._due.get(identity) == due:
                return due
            heapq.heappop(self._timers)
        return None

    def on_timer(self, now: float) -> None:
        """May be called at any time; does what is due."""
        while (due := self.next_timer()) is not None and due <= now:
            identity = heapq.heappop(self._timers)[1]
            del self._due[identity]
            transaction = self._clients.get(identity) or self._servers[identity]
            transaction.on_timer(now)
            self._settle(identity, transaction, now)

    def next_event(self) -> Event | None:
        return self._events.popleft() if self._events else None

    def moved(self, local: str) -> None:
        """Our sent-by from here on: that of another connection."""
        self._local = local

    def lost(self) -> None:
        """The connection is gone. Our requests fail, the peer's are forgotten; the agent can go on over a new one."""
        for identity in list(self._clients):
            attempt = self._attempts.pop(identity, None)
            if self._clients.pop(identity).state in _UNANSWERED and attempt is not None:
                self._events.append(TransactionFailed(attempt.id, Why.CONNECTION_LOST))
        self._servers.clear()
        self._tags.clear()
        self._due.clear()
        self._timers.clear()
        self._out.clear()
        self._framer = StreamFramer()

    def request(self, request: Request, now: float, credentials: Credentials | None = None) -> TransactionId:
        """Sends a request, not an ACK, with a Via of ours; all events about it name the id that is given.

        With `credentials` challenges for their realm are answered, each time with the next CSeq; the last is in the
        response. A proxy and a registrar may each challenge once, and once more for a stale nonce; one challenge more,
        as any other refusal, is the final response.
        """
        if request.method == "ACK":
            raise LocalError("an ACK is no transaction: send it")
        attempt = _Attempt(TransactionId(""), request, credentials)
        attempt.id = self._start(request, attempt, now)
        return attempt.id

    def cancel(self, identity: TransactionId, now: float) -> None:
        """Cancels an INVITE of ours (RFC 3261 §9.1), as soon as its first provisional response is there.

        A final answer, which may be a 2xx that has crossed the CANCEL, or a failure within 64 T1 is still its end. What
        has its final answer is left alone.
        """
        for current, attempt in list(self._attempts.items()):
            if attempt.id == identity:
                attempt.cancelled = True
                self._cancel_ours(current, now)

    def send(self, ack: Request) -> None:
        """Sends the ACK for a 2xx, with a Via of ours. Nothing will be heard of it (RFC 3261 §13.2.2.4)."""
        self._out.append(self._with_via(ack)[0].to_bytes())

    def repeat(self, response: Response) -> None:
        """Says a 2xx to an INVITE whose transaction went with a connection once more, whole as it was (§13.3.1.4)."""
        self._out.append(response.to_bytes())

    def respond(self, identity: TransactionId, response: Response, now: float) -> bool:
        """Answers a request. `response` is made by `Response.answering`; To gets our tag where it has none.

        False where that request has its final answer, was cancelled, or is forgotten: then nothing is sent.
        """
        transaction = self._servers.get(identity)
        if transaction is None:
            return False
        matters = transaction.response(self._tagged(identity, response), now)
        self._settle(identity, transaction, now)
        return matters

    def _cancel_ours(self, identity: TransactionId, now: float) -> None:
        invite = self._clients[identity]
        if invite.cancel(now):
            self._settle(identity, invite, now)
            cancel = _cancel_of(invite.request)
            transaction = Transaction.client(cancel, self._reliable, now)
            cancel_id = _client_id(cancel.vias[0].branch, cancel.method)
            self._clients[cancel_id] = transaction
            self._settle(cancel_id, transaction, now)

    def _start(self, request: Request, attempt: _Attempt, now: float) -> TransactionId:
        sent, branch = self._with_via(request)
        transaction = Transaction.client(sent, self._reliable, now)
        identity = _client_id(branch, request.method)
        self._clients[identity] = transaction
        self._attempts[identity] = attempt
        self._settle(identity, transaction, now)
        return identity

    def _with_via(self, request: Request) -> tuple[Request, str]:
        """And its branch."""
        rport = "" if self._reliable else ";rport"
        branch = BRANCH_MAGIC + self._random()
        return request.with_first("Via", f"SIP/2.0/{self._transport} {self._local};branch={branch}{rport}"), branch

    def _tagged(self, identity: TransactionId, response: Response) -> Response:
        """RFC 3261 §8.2.6.2: the same tag in all responses to a request, but a 100."""
        if response.to.tag:
            self._tags[identity] = response.to.tag  # the user's own, in what we answer for him, too
        if response.status == 100 or response.to.tag:
            return response
        if identity not in self._tags:
            self._tags[identity] = self._random()
        return _with_tag(response, self._tags[identity])

    def _message(self, data: bytes, now: float) -> None:
        try:
            message = parse(data)
        except RemoteError as error:
            self._events.append(Discarded(error))
            return
        try:
            message.check()
            if isinstance(message, Response):
                self._response(message, now)
            else:
                self._request(message, now)
        except RemoteError as error:
            self._events.append(Discarded(error))
            if isinstance(message, Request):
                self._refuse(message, error)

    def _refuse(self, request: Request, error: RemoteError) -> None:
        """400 without a transaction (§8.2.7), as there may be no way to know the request again."""
        if request.method != "ACK" and request.header("Via") is not None:
            refusal = Response.answering(request, 400, f"Bad {error.field}")
            with contextlib.suppress(RemoteError):
                refusal = refusal if refusal.to.tag else _with_tag(refusal, self._random())
            self._out.append(refusal.to_bytes())

    def _response(self, response: Response, now: float) -> None:
        if len(response.vias) != 1:
            raise RemoteError("Via", ", ".join(map(str, response.vias)), "not ours alone")
        identity = _client_id(response.vias[0].branch, response.cseq.method)
        transaction = self._clients.get(identity)
        if transaction is not None:
            transaction.response(response, now)
            self._settle(identity, transaction, now)

    def _request(self, request: Request, now: float) -> None:
        identity = _server_id(request)
        transaction = self._servers.get(identity)
        if transaction is not None:
            transaction.again(request, now)
            self._settle(identity, transaction, now)
        elif request.method == "ACK":
            self._events.append(AckReceived(request))
        elif len(self._servers) >= TRANSACTIONS_MAX:
            full = Response.answering(request, 503, headers=(("Retry-After", str(RETRY_AFTER_S)),))
            self._out.append(_with_tag(full, self._random()).to_bytes())
        else:
            transaction = Transaction.server(request, self._reliable, now)
            self._servers[identity] = transaction
            self._settle(identity, transaction, now)

    def _cancel(self, identity: TransactionId, cancel: Request, now: float) -> None:
        """RFC 3261 §9.2."""
        invite_id = _server_id(cancel, "INVITE")
        invite = self._servers.get(invite_id)
        self.respond(identity, Response.answering(cancel, 481 if invite is None else 200), now)
        if invite is None:
            self._events.append(CancelUnknown(cancel))
        elif invite.state in (State.TRYING, State.PROCEEDING):
            self.respond(invite_id, Response.answering(invite.request, 487), now)
            self._events.append(Cancelled(invite_id))

    def _settle(self, identity: TransactionId, transaction: Transaction, now: float) -> None:
        """Does what a transaction has to do, notes its next timer, and forgets it when it is over."""
        todo, transaction.todo = transaction.todo, []
        over = transaction.state is State.TERMINATED
        if over:
            self._clients.pop(identity, None)
            self._servers.pop(identity, None)
            self._tags.pop(identity, None)
        self._note(identity, None if over else transaction.next_timer())
        for do, what in todo:
            match do, what:
                case Do.SEND, bytes(data):
                    self._out.append(data)
                case Do.PASS, Response() as response:
                    self._answered(identity, response, now)
                case Do.PASS, Request(method="ACK") as request:
                    self._events.append(AckReceived(request))
                case Do.PASS, Request(method="CANCEL") as request:
                    self._cancel(identity, request, now)
                case Do.PASS, Request() as request:
                    self._events.append(RequestReceived(identity, request))
                case Do.FAIL, _ if transaction.request.method != "CANCEL":
                    attempt = self._attempts.pop(identity, None)
                    self._events.append(TransactionFailed(attempt.id if attempt else identity, Why.TIMEOUT))
        if over:
            self._attempts.pop(identity, None)

    def _note(self, identity: TransactionId, due: float | None) -> None:
        if due is None:
            self._due.pop(identity, None)
        elif self._due.get(identity) != due:
            self._due[identity] = due
            heapq.heappush(self._timers, (due, identity))

    def _answered(self, identity: TransactionId, response: Response, now: float) -> None:
        attempt = self._attempts.get(identity)
        if attempt is None:
            return  # what a CANCEL is answered says nothing that its INVITE will not say
        if attempt.cancelled and response.status < 200:
            self._cancel_ours(identity, now)
        challenged = response.status in (401, 407) and not attempt.cancelled
        again = _authorized(attempt, response, self._random) if challenged else None
        if again is None:
            self._events.append(ResponseReceived(attempt.id, response))
        else:
            self._start(again, attempt, now)


def _authorized(attempt: _Attempt, response: Response, random: Callable[[], str]) -> Request | None:
    """The request with the answer to a challenge, or None where it is not to be answered (again)."""
    credentials = attempt.credentials
    if credentials is None:
        return None
    challenge = digest.choose(digest.challenges(response), credentials)
    if challenge is None:
        return None
    nonces = attempt.nonces.setdefault(challenge.for_proxy, [])
    once_more = len(nonces) == 1 and challenge.stale and challenge.nonce not in nonces
    if nonces and not once_more:
        return None
    nonces.append(challenge.nonce)
    request = attempt.request
    authorization = digest.authorize(
        challenge,
        method=request.method,
        uri=request.uri,
        user=credentials.user,
        ha1s=credentials.ha1s,
        cnonce=random(),
        nc=1,
        body=request.body,
    )
    name = "Proxy-Authorization" if challenge.for_proxy else "Authorization"
    attempt.request = request.with_header("CSeq", f"{request.cseq.number + 1} {request.method}").with_header(
        name, authorization
    )
    return attempt.request


def _cancel_of(invite: Request) -> Request:
    """RFC 3261 §9.1: the INVITE's own Request-URI, Via, Route, From, To and Call-ID."""
    return Request.new(
        "CANCEL",
        invite.uri,
        from_=invite.from_.text,
        to=invite.to.text,
        call_id=invite.call_id,
        cseq=invite.cseq.number,
        routes=invite.header_values("Route"),
    ).with_first("Via", invite.vias[0].text)


def _with_tag(response: Response, tag: str) -> Response:
    return response.with_header("To", f"{response.to.text};tag={tag}")


def _client_id(branch: str, method: str) -> TransactionId:
    """RFC 3261 §17.1.3: the branch of our Via and the method."""
    return TransactionId(f"> {branch} {method}")


def _server_id(request: Request, method: str = "") -> TransactionId:
    """RFC 3261 §17.2.3; an ACK belongs to its INVITE, a CANCEL is asked for by `method`."""
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.vias[0]
    if via.branch.startswith(BRANCH_MAGIC) and via.branch != BRANCH_MAGIC:
        return TransactionId(f"< {via.branch} {via.sent_by} {method}")
    # RFC 2543: the ACK for a refusal has the INVITE's own Via.
    return TransactionId(f"< {via.text} {request.call_id} {request.cseq.number} {request.from_.tag} {method}")
