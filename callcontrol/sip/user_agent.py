"""A user agent that makes and takes calls: sessions above the transactions of `agent`, behind the same five verbs.

    ua.receive(data, now)   ua.data_to_send()   ua.next_timer()   ua.on_timer(now)   ua.next_event()

and `invite`. What comes of a call is told by the events of `session`; what cannot be is Discarded, as in `agent`.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from callcontrol.sip import expiry
from callcontrol.sip.agent import (
    AckReceived,
    Agent,
    Cancelled,
    CancelUnknown,
    Discarded,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
    TransactionId,
)
from callcontrol.sip.described import ALLOW, SUPPORTED, description, typed
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Ended, Referred, SessionEvent
from callcontrol.sip.message import Request, Response
from callcontrol.sip.refer import ReferTo, Replaces
from callcontrol.sip.referred import refer_outside
from callcontrol.sip.sdp import CONTENT_TYPE
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.shared import Heard
from callcontrol.sip.transaction import GIVE_UP_S

__all__ = ["SESSIONS_MAX", "UserAgent", "UserAgentEvent"]

SESSIONS_MAX = 1_000
"""Calls at a time, both sides of one counted; an INVITE more is refused with 503."""

UserAgentEvent = SessionEvent | Discarded

_OPTIONS = frozenset(option.strip() for option in SUPPORTED.split(","))


@dataclass(eq=False)
class _Alarm:
    do: Callable[[float], None] | None

    def cancel(self) -> None:
        self.do = None


@dataclass
class _Clock:
    """Timers by their time; a cancelled one is passed over."""

    _heap: list[tuple[float, int, _Alarm]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, when: float, do: Callable[[float], None]) -> _Alarm:
        alarm = _Alarm(do)
        heapq.heappush(self._heap, (when, next(self._count), alarm))
        return alarm

    def next(self) -> float | None:
        while self._heap and self._heap[0][2].do is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        while (due := self.next()) is not None and due <= now:
            do = heapq.heappop(self._heap)[2].do
            if do is not None:
                do(now)


class UserAgent:
    """`contact`: the value of our Contact. `random` gives tokens that nobody guesses (RFC 3261 §25.1), `uniform` a
    number between two others, for waits that two sides must not share. `session_s`: after so long a call of ours that
    nobody has refreshed is to end (RFC 4028)."""

    def __init__(
        self,
        agent: Agent,
        contact: str,
        random: Callable[[], str],
        uniform: Callable[[float, float], float],
        *,
        session_s: int = expiry.SESSION_S,
    ) -> None:
        self.session_s = session_s
        self.for_others = False
        """An INVITE that would replace a call which is none of ours comes as any other; else it is refused (481)."""
        self.contact = contact
        self.random = random
        self.uniform = uniform
        self.turned: Callable[[Session], object] = lambda session: None
        """Hears of each call that comes up or is over, before anybody else does."""
        self._agent = agent
        self._clock = _Clock()
        self._events: deque[UserAgentEvent] = deque()
        self._heard: dict[TransactionId, tuple[Heard, bool]] = {}  # and whether it is an INVITE
        self._sessions: set[Session] = set()
        self._dialogs: dict[tuple[str, str, str], Session] = {}
        self._invites: dict[TransactionId, Session] = {}  # of the peer's, first and later ones
        self._merged: dict[tuple[str, str, int], Session] = {}

    # ---- the five verbs

    def receive(self, data: bytes, now: float) -> None:
        """RemoteError: the stream cannot be followed any more, close it and call `lost`."""
        try:
            self._agent.receive(data, now)
        finally:
            self._pump(now)

    def data_to_send(self) -> bytes:
        return self._agent.data_to_send()

    def next_timer(self) -> float | None:
        due = [when for when in (self._agent.next_timer(), self._clock.next()) if when is not None]
        return min(due, default=None)

    def on_timer(self, now: float) -> None:
        self._agent.on_timer(now)
        self._pump(now)
        self._clock.run(now)
        self._pump(now)

    def next_event(self) -> UserAgentEvent | None:
        return self._events.popleft() if self._events else None

    def moved(self, local: str, contact: str) -> None:
        """Another connection, with our sent-by and Contact from here on."""
        self._agent.moved(local)
        self.contact = contact

    def lost(self, now: float) -> None:
        """The connection is gone. Calls that were being set up end, but for those that outlive it; those that are up go
        on over the next one."""
        self._agent.lost()
        self._invites.clear()
        for session in list(self._sessions):
            session.lost(now)
        self._pump(now)

    # ---- calls

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    def invite(
        self,
        uri: str,
        now: float,
        *,
        from_: str,
        to: str = "",
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        routes: Iterable[str] = (),
        replaces: Replaces | None = None,
        max_forwards: int = 70,
        early: bool = True,
        credentials: Credentials | None = None,
    ) -> Session:
        """Calls. `from_` and `to` (the URI, where it is not given) without tags; an empty body leaves the offer to the
        other side. With credentials a challenge of their realm is answered. `early`: provisional answers may be
        reliable, and so hold an offer that is to be answered before anybody has lifted."""
        said = [
            ("Contact", self.contact),
            ("Allow", ALLOW),
            ("Supported", SUPPORTED if early else ", ".join(sorted(_OPTIONS - {"100rel"}))),
            *([("Replaces", str(replaces)), ("Require", "replaces")] if replaces else []),
            *headers,
            *typed(body),
        ]
        request = Request.new(
            "INVITE",
            uri,
            from_=f"{from_};tag={self.random()}",
            to=to or f"<{uri}>",
            call_id=self.random(),
            cseq=1,
            routes=routes,
            headers=said,
            body=body,
        ).with_header("Max-Forwards", str(max_forwards))
        session = Session(self, True, request, credentials)
        self._sessions.add(session)
        session.start(now)
        return session

    def find(self, replaces: Replaces) -> Session | None:
        """The session that an INVITE would replace (RFC 3891 §3)."""
        return self._dialogs.get((replaces.call_id, replaces.to_tag, replaces.from_tag))

    # ---- what sessions need

    def ask(self, request: Request, now: float, credentials: Credentials | None, heard: Heard) -> TransactionId:
        identity = self._agent.request(request, now, credentials)
        self._heard[identity] = heard, request.method == "INVITE"
        return identity

    def cancel(self, identity: TransactionId, now: float) -> None:
        self._agent.cancel(identity, now)

    def respond(self, identity: TransactionId, response: Response, now: float) -> bool:
        if response.status >= 200:
            self._invites.pop(identity, None)
        return self._agent.respond(identity, response, now)

    def repeat(self, response: Response) -> None:
        self._agent.repeat(response)

    def acknowledge(self, ack: Request) -> None:
        self._agent.send(ack)

    def at(self, when: float, do: Callable[[float], None]) -> _Alarm:
        return self._clock.at(when, do)

    def emit(self, event: SessionEvent) -> None:
        if isinstance(event, Ended):
            self._sessions.discard(event.session)
            first = event.session.request
            self._merged.pop((first.call_id, first.from_.tag, first.cseq.number), None)
        self._events.append(event)

    def hold(self, key: tuple[str, str, str], session: Session) -> None:
        self._dialogs[key] = session

    def release(self, keys: Iterable[tuple[str, str, str]]) -> None:
        for key in keys:
            self._dialogs.pop(key, None)

    # ---- what comes

    def _pump(self, now: float) -> None:
        while (event := self._agent.next_event()) is not None:
            try:
                self._came(event, now)
            except RemoteError as error:
                self._events.append(Discarded(error))

    def _came(self, event: object, now: float) -> None:
        match event:
            case ResponseReceived(identity, response):
                self._answered(identity, response, now)
            case TransactionFailed(identity, _):
                if (waiting := self._heard.pop(identity, None)) is not None:
                    waiting[0](None, now)
            case RequestReceived(identity, request):
                try:
                    self._asked(identity, request, now)
                except RemoteError as error:
                    self._refuse_bad(identity, request, error, now)
                    raise
            case AckReceived(request):
                session = self._dialogs.get((request.call_id, request.to.tag, request.from_.tag))
                if session is not None:
                    session.acked(request, now)
            case Cancelled(identity):
                if (session := self._invites.pop(identity, None)) is not None:
                    session.cancelled(identity, now)
            case CancelUnknown(request):
                key = request.call_id, request.from_.tag, request.cseq.number
                if (session := self._merged.get(key)) is not None:
                    session.cancelled_adrift(now)
            case Discarded():
                self._events.append(event)

    def _answered(self, identity: TransactionId, response: Response, now: float) -> None:
        waiting = self._heard.get(identity)
        if waiting is None:
            return
        heard, invite = waiting
        if response.status >= 200 and not (invite and response.status < 300):
            del self._heard[identity]
        elif response.status >= 200:
            # 2xx to an INVITE come again, and from other phones, until timer M is over.
            self._clock.at(now + GIVE_UP_S, lambda then: self._deaf(identity))
        try:
            heard(response, now)
        except RemoteError:
            if identity not in self._heard:  # a final answer that cannot be read is none
                heard(None, now)
            raise

    def _deaf(self, identity: TransactionId) -> None:
        self._heard.pop(identity, None)

    def _refuse_bad(self, identity: TransactionId, request: Request, error: RemoteError, now: float) -> None:
        if error.field == "Content-Type":
            refusal = Response.answering(request, 415, headers=(("Accept", CONTENT_TYPE),))
        else:
            refusal = Response.answering(request, 400, f"Bad {error.field}")
        self.respond(identity, refusal, now)

    def _asked(self, identity: TransactionId, request: Request, now: float) -> None:
        if unknown := sorted(request.options("Require") - _OPTIONS):
            self._refuse(identity, request, 420, now, (("Unsupported", ", ".join(unknown)),))
            return
        if request.to.tag:
            session = self._dialogs.get((request.call_id, request.to.tag, request.from_.tag))
            if session is None:
                if request.method == "REFER":
                    self._referred(identity, request)
                else:
                    self._refuse(identity, request, 481, now)
                return
            if request.method == "INVITE":
                self._invites[identity] = session
            session.asked(identity, request, now)
            return
        match request.method:
            case "INVITE":
                self._invited(identity, request, now)
            case "REFER":
                self._referred(identity, request)
            case "OPTIONS":
                said = (("Allow", ALLOW), ("Supported", SUPPORTED), ("Accept", CONTENT_TYPE))
                self._refuse(identity, request, 200, now, said)
            case "BYE" | "PRACK" | "UPDATE" | "NOTIFY" | "INFO":
                self._refuse(identity, request, 481, now)
            case _:
                self._refuse(identity, request, 405, now, (("Allow", ALLOW),))

    def _referred(self, identity: TransactionId, request: Request) -> None:
        """Outside of a call, or in one of which we are no part: what to do with it is the user's to know."""
        tag = "" if request.to.tag else self.random()
        self._events.append(Referred(None, refer_outside(self, identity, request, ReferTo.of(request), tag)))

    def _invited(self, identity: TransactionId, request: Request, now: float) -> None:
        offer = description(request)
        merged = (request.call_id, request.from_.tag, request.cseq.number)
        if (first := self._merged.get(merged)) is not None:
            if first.came_again(identity, request, now):
                self._invites[identity] = first
            else:  # the same call by another way (RFC 3261 §8.2.2.2)
                self._refuse(identity, request, 482, now)
        elif len(self._sessions) >= SESSIONS_MAX:
            self._refuse(identity, request, 503, now, (("Retry-After", "10"),))
        elif expiry.too_brief(request):
            self._refuse(identity, request, 422, now, (("Min-SE", str(expiry.MIN_SE_S)),))
        else:
            replaces = Replaces.of(request)
            replaced = None if replaces is None else self.find(replaces)
            others = replaces is not None and replaced is None and self.for_others
            if replaces is not None and not others and (status := _not_replaced(replaces, replaced)):
                self._refuse(identity, request, status, now)
                return
            session = Session(self, False, request, tag=self.random())
            session.invited(identity, offer, replaced)
            self._sessions.add(session)
            self._invites[identity] = session
            self._merged[merged] = session

    def _refuse(
        self,
        identity: TransactionId,
        request: Request,
        status: int,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.respond(identity, Response.answering(request, status, headers=headers), now)


def _not_replaced(replaces: Replaces, session: Session | None) -> int:
    """RFC 3891 §3: the refusal of an INVITE that would replace what it cannot; 0: it may."""
    if session is None or session.phase in (Phase.RINGING, Phase.CANCELLING):
        return 481
    if session.phase is Phase.ENDING:
        return 603
    return 486 if replaces.early_only and session.phase is Phase.UP else 0
