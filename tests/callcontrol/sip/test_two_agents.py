"""Two agents, back to back, over a link that loses, doubles, delays and reorders, in virtual time.

Invariants, whatever the link does: each request reaches the other's user at most once; each gets exactly one end, a
final answer or a failure; an answer is the one that the other gave; after the last timer neither side keeps anything.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcontrol.digest import ha1
from callcontrol.sip.agent import (
    AckReceived,
    Agent,
    Discarded,
    Event,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
    TransactionId,
)
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Credentials, authorize, challenges
from callcontrol.sip.message import Request, Response
from hil.sim.lossy import Link, Transport

REALM = "region.example"
USER = "1001"
CREDENTIALS = Credentials(USER, REALM, {"md5": ha1(USER, REALM, "secret", "md5")})
CONTACT = ("Contact", "<sip:b@10.0.0.2>")
QUIET_S = 200.0
"""Longer than any timer, and than those that follow from it."""

DELAY_MAX_S = 0.4
"""The last INVITE goes out after 31.5 s, and who refused the first forgets it after 32: over a slower link the RFC
itself takes a late one for another call."""


class Pair:
    """A client, a server whose user answers by a plan, and what both have seen."""

    def __init__(self, transport: Transport, seed: int, *, loss: float, doubled: float, delay_max_s: float) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.client = Agent("10.0.0.1:5070", self.token, transport=transport)
        self.server = Agent("10.0.0.2:5060", self.token, transport=transport)
        self.links = [Link(transport, self.rng, loss, doubled, delay_max_s) for _ in range(2)]
        self.cseqs = itertools.count(1)
        self.asked: dict[TransactionId, Request] = {}
        self.ends: defaultdict[TransactionId, list[Event]] = defaultdict(list)
        self.provisional: Counter[TransactionId] = Counter()
        self.came: Counter[tuple[str, int, str]] = Counter()
        self.given: dict[str, int] = {}
        self.acks: Counter[str] = Counter()
        self.unanswered: dict[TransactionId, Request] = {}
        self.plan: Callable[[Request], int | None] = lambda request: 200

    def token(self) -> str:
        return f"{self.rng.getrandbits(64):x}"

    def ask(self, method: str, credentials: Credentials | None = None) -> TransactionId:
        request = Request.new(
            method,
            "sip:b@10.0.0.2",
            from_="<sip:a@x>;tag=f",
            to="<sip:b@x>",
            call_id=self.token(),
            cseq=next(self.cseqs),
        )
        identity = self.client.request(request, self.now, credentials)
        assert identity not in self.asked
        self.asked[identity] = request
        self.settle()
        return identity

    def answer(self, identity: TransactionId, request: Request, status: int) -> None:
        if request.method == "REGISTER" and "Authorization" not in dict(request.headers):
            nonce = ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{self.token()}", qop="auth"')
            response = Response.answering(request, 401, headers=(nonce,))
        else:
            response = Response.answering(request, status, headers=(CONTACT,) if status < 300 else ())
        if self.server.respond(identity, response, self.now) and response.status >= 200:
            self.given[request.call_id] = response.status
            self.unanswered.pop(identity, None)

    def settle(self) -> None:
        """Lets both users see and answer, and the link take what is there."""
        while True:
            while (event := self.client.next_event()) is not None:
                self._of_client(event)
            while (event := self.server.next_event()) is not None:
                self._of_server(event)
            sent = False
            for agent, link in zip((self.client, self.server), self.links, strict=True):
                while data := agent.data_to_send():
                    link.send(data, self.now)
                    sent = True
            if not sent:
                return

    def _of_client(self, event: Event) -> None:
        if isinstance(event, ResponseReceived) and event.response.status < 200:
            self.provisional[event.id] += 1
        elif isinstance(event, ResponseReceived):
            if event.response.cseq.method == "INVITE" and event.response.status < 300:
                self.client.send(Dialog.of_answer(event.response).ack())
            if not (self.ends[event.id] and self._again(event)):
                self.ends[event.id].append(event)
        elif isinstance(event, TransactionFailed):
            self.ends[event.id].append(event)
        else:
            assert isinstance(event, Discarded)

    def _again(self, event: ResponseReceived) -> bool:
        """An INVITE's 2xx is passed each time that it comes."""
        before = self.ends[event.id][0]
        return isinstance(before, ResponseReceived) and event.response == before.response

    def _of_server(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            request = event.request
            self.came[request.call_id, request.cseq.number, request.method] += 1
            self.unanswered[event.id] = request
            if (status := self.plan(request)) is not None:
                self.answer(event.id, request, status)
        elif isinstance(event, AckReceived):
            self.acks[event.request.call_id] += 1
        else:
            assert isinstance(event, TransactionFailed | Discarded)

    def step(self, until: float) -> bool:
        """Goes on to what happens next, if that is by then."""
        times = [self.links[0].next(), self.links[1].next(), self.client.next_timer(), self.server.next_timer()]
        due = min((time for time in times if time is not None), default=None)
        if due is None or due > until:
            self.now = max(self.now, until)
            return False
        self.now = max(self.now, due)
        for agent, link in ((self.server, self.links[0]), (self.client, self.links[1])):
            for data in link.take(self.now):
                agent.receive(data, self.now)
        self.client.on_timer(self.now)
        self.server.on_timer(self.now)
        self.settle()
        return True

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.step(until):
            pass

    def check(self) -> None:
        assert not [key for key, count in self.came.items() if count > 1]
        for identity, ends in self.ends.items():
            assert len(ends) <= 1
            for end in ends:
                if isinstance(end, ResponseReceived) and end.response.status not in (401, 487):
                    assert end.response.status == self.given[self.asked[identity].call_id]

    def check_quiet(self) -> None:
        """Once all is answered and the last timer has run out."""
        assert {identity for identity, ends in self.ends.items() if len(ends) == 1} == set(self.asked)
        for agent in (self.client, self.server):
            assert agent.next_timer() is None
            kept = {name: value for name, value in vars(agent).items() if isinstance(value, dict | list) and value}
            assert not kept


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
def test_every_request_has_one_end(transport: Transport, loss: float) -> None:
    pair = Pair(transport, seed=1, loss=loss, doubled=0.1, delay_max_s=0.4)
    pair.plan = lambda request: {"INVITE": 486, "REGISTER": 200, "OPTIONS": 200, "BYE": 481}[request.method]
    for _ in range(50):
        for method in ("INVITE", "REGISTER", "OPTIONS", "BYE"):
            pair.ask(method, CREDENTIALS if method == "REGISTER" else None)
        pair.run(0.1)
    pair.run(QUIET_S)
    pair.check()
    pair.check_quiet()
    failed = [end for ends in pair.ends.values() for end in ends if isinstance(end, TransactionFailed)]
    assert len(failed) <= {0.0: 0, 0.1: 0, 0.3: 2, 0.6: 100}[0.0 if transport == "TCP" else loss]


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_a_call_is_answered_acknowledged_and_ended(transport: Transport) -> None:
    pair = Pair(transport, seed=2, loss=0.0, doubled=0.0, delay_max_s=0.05)
    call = pair.ask("INVITE")
    pair.run(1.0)
    (end,) = pair.ends[call]
    assert isinstance(end, ResponseReceived)
    dialog = Dialog.of_answer(end.response)
    assert pair.acks == {dialog.call_id: 1}
    ended = pair.client.request(dialog.bye(), pair.now)
    pair.asked[ended] = dialog.bye()
    pair.run(QUIET_S)
    pair.check_quiet()
    assert sorted(method for _, _, method in pair.came) == ["BYE", "INVITE"]


def test_the_server_would_let_it_in() -> None:
    """The answer to the challenge is right, by a count of our own from what came over the wire."""
    pair = Pair("TCP", seed=3, loss=0.0, doubled=0.0, delay_max_s=0.0)
    seen: list[Request] = []

    def plan(request: Request) -> int:
        seen.append(request)
        return 200

    pair.plan = plan
    pair.ask("REGISTER", CREDENTIALS)
    pair.run(QUIET_S)
    pair.check_quiet()
    given = seen[1].header("Authorization")
    assert given is not None
    asked = challenges(Response((("WWW-Authenticate", given),), b"", 401, ""))[0]
    cnonce = given.partition('cnonce="')[2].partition('"')[0]
    assert given == authorize(
        asked, method="REGISTER", uri=seen[1].uri, user=USER, ha1s=CREDENTIALS.ha1s, cnonce=cnonce, nc=1
    )


class Agents(RuleBasedStateMachine):
    """Any order of questions, answers, cancels, pauses and bad links."""

    pair: Pair

    @initialize(transport=st.sampled_from(["TCP", "UDP"]), seed=st.integers(0, 1_000))
    def connect(self, transport: Transport, seed: int) -> None:
        self.pair = Pair(transport, seed, loss=0.0, doubled=0.0, delay_max_s=0.0)
        self.pair.plan = lambda request: None

    @rule(loss=st.floats(0, 0.9), doubled=st.floats(0, 0.9), delay_max_s=st.floats(0, DELAY_MAX_S))
    def weather(self, loss: float, doubled: float, delay_max_s: float) -> None:
        for link in self.pair.links:
            link.loss, link.doubled, link.delay_max_s = loss, doubled, delay_max_s

    @rule(method=st.sampled_from(["INVITE", "REGISTER", "OPTIONS", "BYE"]))
    def ask(self, method: str) -> None:
        self.pair.ask(method, CREDENTIALS if method == "REGISTER" else None)

    @rule(data=st.data(), status=st.sampled_from([100, 180, 200, 302, 404, 486, 603]))
    def answer(self, data: st.DataObject, status: int) -> None:
        if self.pair.unanswered:
            identity = data.draw(st.sampled_from(sorted(self.pair.unanswered)))
            self.pair.answer(identity, self.pair.unanswered[identity], status)
            self.pair.settle()

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.pair.run(seconds)

    @rule(garbage=st.binary(max_size=60), to_client=st.booleans())
    def garbage(self, garbage: bytes, to_client: bool) -> None:
        """A datagram of nobody's."""
        if self.pair.links[0].transport == "UDP":
            self.pair.links[to_client].send(b"X" + garbage, self.pair.now)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "pair"):
            self.pair.check()

    def teardown(self) -> None:
        if not hasattr(self, "pair"):
            return
        self.pair.plan = lambda request: 480
        for _ in range(2):  # a provisional answer keeps a client waiting, an answer given now may be a challenge
            for identity, request in list(self.pair.unanswered.items()):
                self.pair.answer(identity, request, 480)
            self.pair.settle()
            self.pair.run(QUIET_S)
        self.pair.check()
        if self.pair.links[0].transport == "TCP":  # over UDP all of an answer may have been lost
            self.pair.check_quiet()


TestAgents = Agents.TestCase
TestAgents.settings = settings(stateful_step_count=30)
