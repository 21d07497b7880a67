"""Transactions: who sends what again, how often, and when it is given up (RFC 3261 §17, RFC 6026).

Four machines, in the RFC's names. TABLE says where an input leads from a state and what is done; RUNNING which timers
run in a state; what does not stand in them is nothing that matters there. Nothing outside this file changes a state.

Inputs are messages by their class, timers, and, of a server, the responses that the user gives. Two states are finer
than the RFC's: a server INVITE to which nothing was answered yet is TRYING, as only there a 100 is owed within 200 ms;
a client INVITE for which a CANCEL was sent is CANCELLED, as only then its answer is not waited for without end (§9.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from callcontrol.sip.message import Request, Response

__all__ = ["T1_S", "Do", "Input", "Kind", "State", "Transaction"]

T1_S = 0.5
"""An estimate of the round trip (§17.1.1.1)."""
T2_S = 4.0
"""The longest pause between two retransmissions, but for an INVITE."""
T4_S = 5.0
"""How long a message may stay in the network."""
GIVE_UP_S = 64 * T1_S
TRYING_S = 0.2
"""Within that an INVITE is answered, by a 100 if by nothing better (§17.2.1)."""


class Kind(Enum):
    CLIENT_INVITE = auto()
    CLIENT = auto()
    SERVER_INVITE = auto()
    SERVER = auto()


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    CANCELLED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Input(Enum):
    """A message, or a timer by its letter. PROVISIONAL, SUCCESS and REFUSAL are, of a server, the user's responses."""

    PROVISIONAL = auto()  # 100–199
    SUCCESS = auto()  # 200–299
    REFUSAL = auto()  # 300–699
    REQUEST = auto()  # the same again
    ACK = auto()
    CANCEL = auto()  # the user's
    TRYING = auto()  # a timer too
    A = auto()
    B = auto()
    D = auto()
    E = auto()
    F = auto()
    G = auto()
    H = auto()
    I = auto()  # noqa: E741
    J = auto()
    K = auto()
    L = auto()
    M = auto()


class Do(Enum):
    """What the owner of a transaction is told to do."""

    SEND = auto()  # the bytes that are given
    PASS = auto()  # the message to the user
    FAIL = auto()  # tell the user that it is given up


class _Act(Enum):
    AGAIN = auto()  # the request, or the last response, if there is one
    SEND = auto()  # the user's response
    SEND_100 = auto()
    SEND_ACK = auto()
    PASS = auto()
    FAIL = auto()


_A = _Act
_S = State

TABLE: dict[tuple[Kind, State, Input], tuple[State, tuple[_Act, ...]]] = {
    # §17.1.1, RFC 6026 §7.2
    (Kind.CLIENT_INVITE, _S.CALLING, Input.A): (_S.CALLING, (_A.AGAIN,)),
    (Kind.CLIENT_INVITE, _S.CALLING, Input.B): (_S.TERMINATED, (_A.FAIL,)),
    (Kind.CLIENT_INVITE, _S.CALLING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.CALLING, Input.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.CALLING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND_ACK, _A.PASS)),
    (Kind.CLIENT_INVITE, _S.PROCEEDING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.PROCEEDING, Input.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.PROCEEDING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND_ACK, _A.PASS)),
    (Kind.CLIENT_INVITE, _S.PROCEEDING, Input.CANCEL): (_S.CANCELLED, ()),
    (Kind.CLIENT_INVITE, _S.CANCELLED, Input.PROVISIONAL): (_S.CANCELLED, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.CANCELLED, Input.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.CANCELLED, Input.REFUSAL): (_S.COMPLETED, (_A.SEND_ACK, _A.PASS)),
    (Kind.CLIENT_INVITE, _S.CANCELLED, Input.B): (_S.TERMINATED, (_A.FAIL,)),
    (Kind.CLIENT_INVITE, _S.COMPLETED, Input.REFUSAL): (_S.COMPLETED, (_A.SEND_ACK,)),
    (Kind.CLIENT_INVITE, _S.COMPLETED, Input.D): (_S.TERMINATED, ()),
    (Kind.CLIENT_INVITE, _S.ACCEPTED, Input.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
    (Kind.CLIENT_INVITE, _S.ACCEPTED, Input.M): (_S.TERMINATED, ()),
    # §17.1.2
    (Kind.CLIENT, _S.TRYING, Input.E): (_S.TRYING, (_A.AGAIN,)),
    (Kind.CLIENT, _S.TRYING, Input.F): (_S.TERMINATED, (_A.FAIL,)),
    (Kind.CLIENT, _S.TRYING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (Kind.CLIENT, _S.TRYING, Input.SUCCESS): (_S.COMPLETED, (_A.PASS,)),
    (Kind.CLIENT, _S.TRYING, Input.REFUSAL): (_S.COMPLETED, (_A.PASS,)),
    (Kind.CLIENT, _S.PROCEEDING, Input.E): (_S.PROCEEDING, (_A.AGAIN,)),
    (Kind.CLIENT, _S.PROCEEDING, Input.F): (_S.TERMINATED, (_A.FAIL,)),
    (Kind.CLIENT, _S.PROCEEDING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (Kind.CLIENT, _S.PROCEEDING, Input.SUCCESS): (_S.COMPLETED, (_A.PASS,)),
    (Kind.CLIENT, _S.PROCEEDING, Input.REFUSAL): (_S.COMPLETED, (_A.PASS,)),
    (Kind.CLIENT, _S.COMPLETED, Input.K): (_S.TERMINATED, ()),
    # §17.2.1, RFC 6026 §7.1
    (Kind.SERVER_INVITE, _S.TRYING, Input.TRYING): (_S.PROCEEDING, (_A.SEND_100,)),
    (Kind.SERVER_INVITE, _S.TRYING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.TRYING, Input.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.TRYING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.PROCEEDING, Input.REQUEST): (_S.PROCEEDING, (_A.AGAIN,)),
    (Kind.SERVER_INVITE, _S.PROCEEDING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.PROCEEDING, Input.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.PROCEEDING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.COMPLETED, Input.REQUEST): (_S.COMPLETED, (_A.AGAIN,)),
    (Kind.SERVER_INVITE, _S.COMPLETED, Input.G): (_S.COMPLETED, (_A.AGAIN,)),
    (Kind.SERVER_INVITE, _S.COMPLETED, Input.H): (_S.TERMINATED, (_A.FAIL,)),
    (Kind.SERVER_INVITE, _S.COMPLETED, Input.ACK): (_S.CONFIRMED, ()),
    (Kind.SERVER_INVITE, _S.CONFIRMED, Input.I): (_S.TERMINATED, ()),
    (Kind.SERVER_INVITE, _S.ACCEPTED, Input.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
    (Kind.SERVER_INVITE, _S.ACCEPTED, Input.ACK): (_S.ACCEPTED, (_A.PASS,)),
    (Kind.SERVER_INVITE, _S.ACCEPTED, Input.L): (_S.TERMINATED, ()),
    # §17.2.2
    (Kind.SERVER, _S.TRYING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (Kind.SERVER, _S.TRYING, Input.SUCCESS): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER, _S.TRYING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER, _S.PROCEEDING, Input.REQUEST): (_S.PROCEEDING, (_A.AGAIN,)),
    (Kind.SERVER, _S.PROCEEDING, Input.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (Kind.SERVER, _S.PROCEEDING, Input.SUCCESS): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER, _S.PROCEEDING, Input.REFUSAL): (_S.COMPLETED, (_A.SEND,)),
    (Kind.SERVER, _S.COMPLETED, Input.REQUEST): (_S.COMPLETED, (_A.AGAIN,)),
    (Kind.SERVER, _S.COMPLETED, Input.J): (_S.TERMINATED, ()),
}

FIRST: dict[Kind, State] = {
    Kind.CLIENT_INVITE: _S.CALLING,
    Kind.CLIENT: _S.TRYING,
    Kind.SERVER_INVITE: _S.TRYING,
    Kind.SERVER: _S.TRYING,
}

RUNNING: dict[tuple[Kind, State], tuple[Input, ...]] = {
    (Kind.CLIENT_INVITE, _S.CALLING): (Input.A, Input.B),
    (Kind.CLIENT_INVITE, _S.CANCELLED): (Input.B,),
    (Kind.CLIENT_INVITE, _S.COMPLETED): (Input.D,),
    (Kind.CLIENT_INVITE, _S.ACCEPTED): (Input.M,),
    (Kind.CLIENT, _S.TRYING): (Input.E, Input.F),
    (Kind.CLIENT, _S.PROCEEDING): (Input.E, Input.F),
    (Kind.CLIENT, _S.COMPLETED): (Input.K,),
    (Kind.SERVER_INVITE, _S.TRYING): (Input.TRYING,),
    (Kind.SERVER_INVITE, _S.COMPLETED): (Input.G, Input.H),
    (Kind.SERVER_INVITE, _S.CONFIRMED): (Input.I,),
    (Kind.SERVER_INVITE, _S.ACCEPTED): (Input.L,),
    (Kind.SERVER, _S.COMPLETED): (Input.J,),
}
"""A timer starts when such a state is entered, goes on into the next that has it too, and stops in one that has not."""

LENGTH_S: dict[Input, tuple[float | None, float]] = {
    Input.TRYING: (TRYING_S, TRYING_S),
    Input.A: (None, T1_S),
    Input.B: (GIVE_UP_S, GIVE_UP_S),
    Input.D: (0.0, GIVE_UP_S),
    Input.E: (None, T1_S),
    Input.F: (GIVE_UP_S, GIVE_UP_S),
    Input.G: (None, T1_S),
    Input.H: (GIVE_UP_S, GIVE_UP_S),
    Input.I: (0.0, T4_S),
    Input.J: (0.0, GIVE_UP_S),
    Input.K: (0.0, T4_S),
    Input.L: (GIVE_UP_S, GIVE_UP_S),
    Input.M: (GIVE_UP_S, GIVE_UP_S),
}
"""Seconds over a reliable transport (None: the timer does not run there, 0: it is over at once), and over another."""

DOUBLING: dict[Input, float] = {Input.A: GIVE_UP_S, Input.E: T2_S, Input.G: T2_S}
"""Timers that start again when they have run out, each time twice as long, up to that."""


@dataclass
class Transaction:
    """One request and what becomes of it. What is to be done is added to `todo`, for the owner to take out."""

    kind: Kind
    request: Request
    reliable: bool
    state: State = field(init=False)
    todo: list[tuple[Do, bytes | Request | Response | None]] = field(default_factory=list)
    _timers: dict[Input, float] = field(default_factory=dict)
    _intervals: dict[Input, float] = field(default_factory=dict)
    _last: bytes | None = None  # what AGAIN sends

    @classmethod
    def client(cls, request: Request, reliable: bool, now: float) -> Transaction:
        """`request` has our Via. It is sent."""
        kind = Kind.CLIENT_INVITE if request.method == "INVITE" else Kind.CLIENT
        transaction = cls(kind, request, reliable)
        transaction._send(request.to_bytes())
        transaction._enter(FIRST[kind], now)
        return transaction

    @classmethod
    def server(cls, request: Request, reliable: bool, now: float) -> Transaction:
        """`request` has just come. It is passed to the user."""
        kind = Kind.SERVER_INVITE if request.method == "INVITE" else Kind.SERVER
        transaction = cls(kind, request, reliable)
        transaction.todo.append((Do.PASS, request))
        transaction._enter(FIRST[kind], now)
        return transaction

    def response(self, response: Response, now: float) -> bool:
        """Of a client the peer's, of a server the user's. Says whether it matters in this state."""
        return self._step(_class_of(response.status), response, now)

    def cancel(self, now: float) -> bool:
        """Of a client INVITE: its CANCEL is sent now (§9.1). False where it may not be: too early, or too late."""
        return self._step(Input.CANCEL, None, now)

    def again(self, request: Request, now: float) -> None:
        """The request has come again, or an ACK for it."""
        self._step(Input.ACK if request.method == "ACK" else Input.REQUEST, request, now)

    def next_timer(self) -> float | None:
        return min(self._timers.values(), default=None)

    def on_timer(self, now: float) -> None:
        """Does what is due by then. A machine that slept through retransmissions sends one, not all of them."""
        for timer, due in sorted(self._timers.items(), key=lambda item: item[1]):
            if due <= now and timer in self._timers:
                del self._timers[timer]
                if timer in DOUBLING:
                    self._intervals[timer] = min(2 * self._intervals[timer], DOUBLING[timer])
                    if self.kind is Kind.CLIENT and self.state is State.PROCEEDING:
                        self._intervals[timer] = T2_S
                    self._timers[timer] = now + self._intervals[timer]
                self._step(timer, None, now)

    def _step(self, given: Input, message: Request | Response | None, now: float) -> bool:
        rule = TABLE.get((self.kind, self.state, given))
        if rule is None:
            return False
        state, acts = rule
        for act in acts:
            self._act(act, message)
        if state is not self.state:
            self._enter(state, now)
        return True

    def _act(self, act: _Act, message: Request | Response | None) -> None:
        match act:
            case _Act.AGAIN if self._last is not None:
                self.todo.append((Do.SEND, self._last))
            case _Act.SEND:
                assert message is not None
                self._send(message.to_bytes())
            case _Act.SEND_100:
                self._send(Response.answering(self.request, 100).to_bytes())
            case _Act.SEND_ACK:
                assert isinstance(message, Response)
                self.todo.append((Do.SEND, _ack(self.request, message).to_bytes()))
            case _Act.PASS:
                self.todo.append((Do.PASS, message))
            case _Act.FAIL:
                self.todo.append((Do.FAIL, None))

    def _send(self, data: bytes) -> None:
        self._last = data
        self.todo.append((Do.SEND, data))

    def _enter(self, state: State, now: float) -> None:
        self.state = state
        running = RUNNING.get((self.kind, state), ())
        self._timers = {timer: due for timer, due in self._timers.items() if timer in running}
        for timer in running:
            length = LENGTH_S[timer][0 if self.reliable else 1]
            if length is not None and timer not in self._timers:
                self._timers[timer], self._intervals[timer] = now + length, length
                if length == 0.0:
                    self._step(timer, None, now)
                    return


def _class_of(status: int) -> Input:
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.REFUSAL


def _ack(invite: Request, refusal: Response) -> Request:
    """RFC 3261 §17.1.1.3: the INVITE's own Via, Route and From, the To of the response."""
    return Request.new(
        "ACK",
        invite.uri,
        from_=invite.from_.text,
        to=refusal.to.text,
        call_id=invite.call_id,
        cseq=invite.cseq.number,
        routes=invite.header_values("Route"),
    ).with_first("Via", invite.vias[0].text)
