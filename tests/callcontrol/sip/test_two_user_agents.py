"""Two user agents, back to back, over a link that loses, doubles, delays and reorders, in virtual time.

Invariants, whatever the link and the users do: each session ends at most once at each side, and exactly once when both
have hung up and the last timer has run out; then neither side keeps anything; a call that is up and at rest is up at
both sides, and each has the other's description.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcontrol.sip.agent import Agent
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
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Local, offer
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.referred import Refer
from callcontrol.sip.sdp import Direction, Origin
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import UserAgent, UserAgentEvent
from hil.sim.lossy import Link, Transport

Kind = TypeVar("Kind")

QUIET_S = 400.0
"""Longer than any timer of a call that is being set up or ended, and than those that follow from it."""


class User:
    """Answers what must be answered; the rest waits for the test."""

    def __init__(self, name: str, host: str, transport: Transport, rng: random.Random) -> None:
        def token() -> str:
            return f"{rng.getrandbits(64):x}"

        self.name = name
        self.agent = Agent(f"{host}:5060", token, transport=transport)
        self.ua = UserAgent(self.agent, f"<sip:{name}@{host}>", token, rng.uniform)
        self.versions = 0
        self.calls: list[Session] = []
        self.seen: list[UserAgentEvent] = []
        self.ended: Counter[Session] = Counter()
        self.refers: list[Refer] = []
        self.replies = True
        self.came: Callable[[Invited, float], object] = lambda event, now: None

    def description(self, direction: Direction = Direction.SENDRECV) -> bytes:
        """Each time another, so that the two sides' views can be told apart."""
        self.versions += 1
        origin = Origin(self.name, 1, self.versions, "IN IP4 192.0.2.1")
        return offer(Local(origin, "192.0.2.1", 4_000, direction=direction)).to_bytes()

    def call(self, now: float, *, offers: bool = True) -> Session:
        session = self.ua.invite("sip:b@10.0.0.2", now, from_="<sip:a@x>", body=self.description() if offers else b"")
        self.calls.append(session)
        return session

    def saw(self, event: UserAgentEvent, now: float) -> None:
        self.seen.append(event)
        match event:
            case Invited(session):
                self.calls.append(session)
                self.came(event, now)
            case Ended(session):
                self.ended[session] += 1
            case Progressed(session, offers=True) | Answered(session, offers=True) | Offered(session):
                if self.replies:
                    session.reply(self.description(), now)
            case Referred(_, refer):
                self.refers.append(refer)

    def events(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.seen if isinstance(event, kind)]

    @property
    def ends(self) -> list[tuple[EndedBy, int]]:
        return [(event.by, event.status) for event in self.events(Ended)]


class Pair:
    def __init__(self, transport: Transport, seed: int = 1, loss: float = 0.0, delay_max_s: float = 0.02) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.a = User("a", "10.0.0.1", transport, self.rng)
        self.b = User("b", "10.0.0.2", transport, self.rng)
        self.links = [Link(transport, self.rng, loss, loss, delay_max_s) for _ in range(2)]
        self.wire: list[bytes] = []
        self.on_the_way: Callable[[bytes], bytes] = lambda data: data

    def settle(self) -> None:
        while True:
            busy = False
            for user, link in zip((self.a, self.b), self.links, strict=True):
                while (event := user.ua.next_event()) is not None:
                    user.saw(event, self.now)
                    busy = True
                while data := user.ua.data_to_send():
                    self.wire.append(data)
                    link.send(data, self.now)
                    busy = True
            if not busy:
                return

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        self.settle()
        while True:
            times = [self.links[0].next(), self.links[1].next(), self.a.ua.next_timer(), self.b.ua.next_timer()]
            due = min((time for time in times if time is not None), default=None)
            if due is None or due > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, due)
            for user, link in ((self.b, self.links[0]), (self.a, self.links[1])):
                for data in link.take(self.now):
                    user.ua.receive(self.on_the_way(data), self.now)
                user.ua.on_timer(self.now)
            self.settle()

    def sent(self, method: str) -> int:
        return sum(data.startswith(method.encode() + b" ") for data in self.wire)

    def up(self, *, offers: bool = True, rings: bool = False) -> tuple[Session, Session]:
        """A call that is answered at once."""

        def came(event: Invited, now: float) -> None:
            if rings:
                assert event.session.ring(183, now, self.b.description())
            else:
                event.session.ring(180, now)
            assert event.session.answer(self.b.description(), now)

        self.b.came = came
        calling = self.a.call(self.now, offers=offers)
        self.run(15.0)
        called = self.b.calls[-1]
        self.check_agreed(calling, called)
        return calling, called

    def check_agreed(self, one: Session, other: Session) -> None:
        assert (one.phase, other.phase) == (Phase.UP, Phase.UP)
        assert (one.local, one.remote) == (other.remote, other.local)

    def check(self) -> None:
        assert max([*self.a.ended.values(), *self.b.ended.values()], default=0) <= 1

    def check_quiet(self) -> None:
        for user in (self.a, self.b):
            assert set(user.ended) == set(user.calls)
            assert all(count == 1 for count in user.ended.values())
            assert user.ua.next_timer() is None
            assert user.ua.sessions == 0
            for owner in (user.ua, user.agent):
                kept = {k: v for k, v in vars(owner).items() if isinstance(v, dict | list | set) and v}
                assert not kept


TRANSPORTS: list[Transport] = ["TCP", "UDP"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("offers", [True, False])
@pytest.mark.parametrize("rings", [True, False])
def test_a_call_is_set_up_held_taken_back_and_ended(transport: Transport, offers: bool, rings: bool) -> None:
    """With and without an early description by a reliable 183; the offer by the caller or by the called."""
    for loss in (0.0, 0.2) if transport == "UDP" else (0.0,):
        pair = Pair(transport, seed=4, loss=loss)
        calling, called = pair.up(offers=offers, rings=rings)
        assert (pair.sent("PRACK") > 0) is rings
        held = pair.b.description(Direction.SENDONLY)
        assert called.offer(held, pair.now)
        pair.run(15.0)
        pair.check_agreed(calling, called)
        assert calling.remote == held
        assert calling.offer(b"", pair.now)  # the other side makes the offer
        pair.run(15.0)
        pair.check_agreed(calling, called)
        assert calling.remote != held
        called.end(pair.now)
        pair.run(QUIET_S)
        assert pair.a.ends == [(EndedBy.REMOTE, 200)]
        pair.check_quiet()


def test_who_refuses_and_who_gives_up() -> None:
    pair = Pair("TCP")
    pair.b.came = lambda event, now: event.session.refuse(486, now)
    pair.a.call(pair.now)
    pair.run(1.0)
    pair.b.came = lambda event, now: event.session.ring(180, now)
    pair.a.call(pair.now)
    pair.run(1.0)
    pair.a.calls[-1].end(pair.now)
    pair.run(1.0)
    pair.a.call(pair.now)  # rings for ever
    pair.run(QUIET_S)
    assert pair.a.ends == [
        (EndedBy.REMOTE, 486),
        (EndedBy.LOCAL, 487),
        (EndedBy.TIMEOUT, 487),
    ]
    assert [by for by, _ in pair.b.ends] == [
        EndedBy.LOCAL,
        EndedBy.REMOTE,
        EndedBy.REMOTE,
    ]
    pair.check_quiet()


def test_an_answer_that_crosses_a_cancel_is_acknowledged_and_ended() -> None:
    pair = Pair("UDP", delay_max_s=0.0)
    pair.b.came = lambda event, now: event.session.ring(180, now)
    calling = pair.a.call(pair.now)
    pair.run(1.0)
    calling.end(pair.now)
    pair.b.calls[-1].answer(pair.b.description(), pair.now)
    pair.run(QUIET_S)
    assert (pair.sent("CANCEL"), pair.sent("ACK"), pair.sent("BYE")) == (1, 1, 1)
    assert not pair.a.events(Answered)
    pair.check_quiet()


def test_a_cancel_waits_for_the_first_word() -> None:
    pair = Pair("UDP")
    calling = pair.a.call(pair.now)
    calling.end(pair.now)
    pair.settle()
    assert pair.sent("CANCEL") == 0
    pair.run(QUIET_S)
    assert pair.sent("CANCEL") == 1
    pair.check_quiet()


def test_offers_that_cross_are_both_made() -> None:
    """RFC 3261 §14.1: 491 to both, and again at different times."""
    pair = Pair("TCP")
    calling, called = pair.up()
    calling.offer(pair.a.description(Direction.SENDONLY), pair.now)
    called.offer(pair.b.description(Direction.INACTIVE), pair.now)
    pair.run(10.0)
    assert len(pair.a.events(Agreed)) == len(pair.b.events(Agreed)) == 1
    assert sum(b"SIP/2.0 491" in data for data in pair.wire) >= 2
    pair.check_agreed(calling, called)


def test_an_offer_may_be_refused_and_the_old_one_holds() -> None:
    pair = Pair("TCP")
    calling, called = pair.up()
    pair.b.replies = False
    before = calling.local
    calling.offer(pair.a.description(), pair.now)
    pair.run(1.0)
    assert called.reject(pair.now)
    assert not called.reject(pair.now)
    pair.run(1.0)
    assert pair.a.events(OfferRefused) == [OfferRefused(calling, 488)]
    assert calling.local == before
    pair.check_agreed(calling, called)
    calling.offer(pair.a.description(), pair.now)  # nobody answers: it is cancelled, and the call goes on
    pair.run(40.0)
    assert pair.b.events(Withdrawn) == [Withdrawn(called)]
    assert not called.reply(pair.b.description(), pair.now)
    pair.check_agreed(calling, called)


def test_an_update_before_the_call_is_up() -> None:
    pair = Pair("UDP", loss=0.2)
    pair.b.came = lambda event, now: event.session.ring(183, now, pair.b.description())
    calling = pair.a.call(pair.now)
    pair.run(15.0)
    called = pair.b.calls[-1]
    assert calling.offer(pair.a.description(), pair.now)
    pair.run(15.0)
    assert called.offer(pair.b.description(), pair.now)
    pair.run(15.0)
    assert pair.sent("UPDATE") >= 2
    assert (len(pair.a.events(Agreed)), len(pair.b.events(Agreed))) == (1, 1)
    called.answer(b"", pair.now)
    pair.run(15.0)
    pair.check_agreed(calling, called)


@pytest.mark.parametrize("updates", [True, False])
def test_a_session_is_refreshed_and_one_whose_other_side_is_gone_ends(updates: bool) -> None:
    pair = Pair("UDP")
    if not updates:
        pair.on_the_way = lambda data: data.replace(b"PRACK, UPDATE, ", b"PRACK, ")
    calling, called = pair.up()
    pair.run(3_600.0)
    pair.check_agreed(calling, called)
    assert (pair.sent("UPDATE"), pair.sent("INVITE")) == ((4, 1) if updates else (0, 5))
    assert not [*pair.a.events(Agreed), *pair.b.events(Agreed), *pair.a.events(Offered), *pair.b.events(Offered)]
    for link in pair.links:
        link.loss = 1.0
    pair.run(4_000.0)
    assert pair.a.ends == pair.b.ends == [(EndedBy.TIMEOUT, 200)]
    pair.check_quiet()


@pytest.mark.parametrize("silent", [False, True])
def test_a_refer_is_taken_and_told_of(silent: bool) -> None:
    pair = Pair("UDP", loss=0.1)
    calling, _ = pair.up()
    headers = [("Refer-Sub", "false"), ("Supported", "norefersub")] if silent else []
    assert calling.refer(ReferTo.parse("<sip:1003@x>"), pair.now, headers)
    pair.run(15.0)
    (refer,) = pair.b.refers
    assert refer.to.uri.user == "1003"
    assert refer.accept(pair.now)
    assert not refer.accept(pair.now)
    refer.note(180, pair.now)
    pair.run(15.0)
    refer.note(200, pair.now)
    refer.note(200, pair.now)
    pair.run(10.0)
    notified = pair.a.events(Notified)
    assert [event.final for event in notified].count(True) == 1
    assert [event.status for event in notified if event.final] == [202 if silent else 200]
    assert (pair.sent("NOTIFY") == 0) is silent


def test_refers_are_refused_and_bounded() -> None:
    pair = Pair("TCP")
    calling, _ = pair.up()
    for _ in range(6):
        calling.refer(ReferTo.parse("<sip:1003@x>"), pair.now)
    pair.run(2.0)
    assert [event.status for event in pair.a.events(Notified)] == [500, 500]
    pair.b.refers[0].refuse(603, pair.now)
    calling.refer(ReferTo.parse("<sip:1003@x>"), pair.now)
    pair.run(2.0)
    assert [event.status for event in pair.a.events(Notified)] == [500, 500, 603]
    assert len(pair.b.refers) == 5


def test_a_call_takes_the_place_of_another() -> None:
    pair = Pair("TCP")
    calling, called = pair.up()
    there = calling.replaces
    assert there is not None
    pair.b.came = lambda event, now: event.session.answer(pair.b.description(), now)
    second = pair.a.ua.invite("sip:b@10.0.0.2", pair.now, from_="<sip:c@x>", body=pair.a.description(), replaces=there)
    pair.a.calls.append(second)
    pair.run(1.0)
    assert pair.b.events(Invited)[-1].replaces is called
    called.end(pair.now)
    pair.run(1.0)
    third = pair.a.ua.invite("sip:b@10.0.0.2", pair.now, from_="<sip:c@x>", body=pair.a.description(), replaces=there)
    pair.a.calls.append(third)
    pair.run(1.0)
    end = pair.a.seen[-1]
    assert isinstance(end, Ended)
    assert (end.session, end.status) == (third, 481)
    pair.b.ua.for_others = True  # somebody else may know it
    pair.b.came = lambda event, now: event.session.refuse(302, now)
    last = pair.a.ua.invite("sip:b@10.0.0.2", pair.now, from_="<sip:c@x>", body=pair.a.description(), replaces=there)
    pair.a.calls.append(last)
    pair.run(1.0)
    assert pair.b.events(Invited)[-1].replaces is None
    end = pair.a.seen[-1]
    assert isinstance(end, Ended)
    assert end.status == 302
    second.end(pair.now)
    pair.run(QUIET_S)
    pair.check_quiet()


def test_two_phones_answer_and_one_call_is_left() -> None:
    """A fork between us (RFC 3261 §13.2.2.4): the second's 2xx is acknowledged and ended."""
    pair = Pair("UDP", delay_max_s=0.0)
    pair.b.came = lambda event, now: (event.session.ring(180, now), event.session.answer(pair.b.description(), now))
    calling = pair.a.call(pair.now)
    pair.run(0.1)
    answer = next(data for data in pair.wire if data.startswith(b"SIP/2.0 200") and b"INVITE" in data)
    tag = Response.parse(answer).to.tag
    for kind in (b"second", b"third"):
        for _ in range(3):
            pair.a.ua.receive(answer.replace(tag.encode(), kind), pair.now)
    pair.run(1.0)
    assert pair.sent("ACK") == 1 + 2 * 3
    byes = [data for data in pair.wire if data.startswith(b"BYE")]
    assert {Request.parse(data).to.tag for data in byes} == {"second", "third"}
    assert calling.phase is Phase.UP
    calling.end(pair.now)
    pair.run(QUIET_S)
    pair.check_quiet()


def test_a_lost_connection_ends_what_is_set_up_and_nothing_else() -> None:
    pair = Pair("TCP")
    up, _ = pair.up()
    pair.b.came = lambda event, now: event.session.ring(180, now)
    ringing = pair.a.call(pair.now)
    pair.run(1.0)
    for user in (pair.a, pair.b):
        user.ua.lost(pair.now)
    pair.links = [Link("TCP", pair.rng) for _ in range(2)]
    pair.settle()
    assert [end.session for end in pair.a.events(Ended)] == [ringing]
    up.end(pair.now)
    pair.run(QUIET_S)
    pair.check_quiet()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_bye_that_goes_with_the_connection_is_said_again_by_the_next(lost: int) -> None:
    """And that one may be lost as well: who begins anew may do so twice."""
    pair = Pair("TCP")
    up, other = pair.up()
    up.end(pair.now)
    for _ in range(lost):
        for user in (pair.a, pair.b):
            user.ua.lost(pair.now)
        pair.links = [Link("TCP", pair.rng) for _ in range(2)]
    pair.run(1.0)
    assert [end.session for user in (pair.a, pair.b) for end in user.events(Ended)] == [up, other]
    pair.run(QUIET_S)
    pair.check_quiet()


def test_who_keeps_a_book_hears_of_what_comes_up_and_is_over() -> None:
    pair = Pair("TCP")
    books: list[list[tuple[Session, Phase]]] = [[], []]
    for user, book in zip((pair.a, pair.b), books, strict=True):
        user.ua.turned = lambda session, book=book: book.append((session, session.phase))  # type: ignore[misc]
    calling, called = pair.up()
    assert books == [[(calling, Phase.UP)], [(called, Phase.UP)]]
    calling.end(pair.now)
    pair.run(QUIET_S)
    assert books == [[(calling, Phase.UP), (calling, Phase.OVER)], [(called, Phase.UP), (called, Phase.OVER)]]


def test_an_info_and_a_question() -> None:
    pair = Pair("TCP")
    calling, called = pair.up()
    calling.tell("application/dtmf-relay", b"Signal=5\r\n", pair.now)
    pair.run(1.0)
    assert pair.b.events(Told) == [Told(called, "application/dtmf-relay", b"Signal=5\r\n")]


DEEDS = ["call", "ring", "early", "answer", "answer", "refuse", "end", "offer", "offer", "ask", "refer", "reject"]


def act(user: User, session: Session, deed: str, now: float) -> None:
    """One thing that a user does, whether it is the time for it or not."""
    match deed:
        case "ring" | "early" if not session.outgoing:
            session.ring(180, now, user.description() if deed == "early" and session.request.body else b"")
        case "answer":
            session.answer(user.description(), now)
        case "refuse":
            session.refuse(486, now)
        case "end":
            session.end(now)
        case "offer":
            session.offer(user.description(Direction.SENDONLY), now)
        case "ask":
            session.offer(b"", now)
        case "refer":
            session.refer(ReferTo.parse("<sip:1003@x>"), now)
            for refer in user.refers[-2:]:
                refer.accept(now)
                refer.note(180, now)
        case "reject":
            user.replies = not user.replies
            if not session.reject(now):
                session.reply(user.description(), now)


def check_at_rest(pair: Pair) -> None:
    """What is up is up at both, and both know the same; and it can be ended."""
    for link in pair.links:
        link.loss, link.delay_max_s = 0.0, 0.0
    for user in (pair.a, pair.b):
        user.replies = True
    pair.run(250.0)
    pair.check()
    of_a = {session.request.call_id: session for session in pair.a.calls}
    for session in pair.b.calls:
        other = of_a.get(session.request.call_id)
        if other is not None and other.phase is Phase.UP and not (session.busy or other.busy):
            pair.check_agreed(other, session)
    for user in (pair.a, pair.b):
        for session in user.calls:
            session.end(pair.now)
    pair.run(QUIET_S)
    pair.check_quiet()


DAYS = 12


def test_any_order_of_what_users_do() -> None:
    for seed in range(DAYS):
        rng = random.Random(seed)
        pair = Pair(rng.choice(TRANSPORTS), seed, rng.choice([0.0, 0.0, 0.2]), rng.choice([0.0, 0.05, 0.3]))
        for _ in range(40):
            user = rng.choice([pair.a, pair.b])
            alive = [session for session in user.calls if session.phase is not Phase.OVER]
            deed = rng.choice(DEEDS)
            if deed == "call" or not alive:
                user.call(pair.now, offers=rng.random() < 0.7)
            else:
                act(user, rng.choice(alive), deed, pair.now)
            pair.settle()
            pair.check()
            pair.run(rng.choice([0.0, 0.01, 0.3, 3.0]))
        check_at_rest(pair)


class Users(RuleBasedStateMachine):
    """The same, chosen so that a fault is found again in its shortest form."""

    pair: Pair

    @initialize(transport=st.sampled_from(TRANSPORTS), seed=st.integers(0, 1_000), loss=st.sampled_from([0.0, 0.2]))
    def connect(self, transport: Transport, seed: int, loss: float) -> None:
        self.pair = Pair(transport, seed, loss, delay_max_s=0.1)

    def alive(self) -> list[tuple[User, Session]]:
        users = (self.pair.a, self.pair.b)
        return [(user, session) for user in users for session in user.calls if session.phase is not Phase.OVER]

    @rule(by_a=st.booleans(), offers=st.booleans(), seconds=st.sampled_from([0.0, 0.3]))
    def call(self, by_a: bool, offers: bool, seconds: float) -> None:
        (self.pair.a if by_a else self.pair.b).call(self.pair.now, offers=offers)
        self.pair.run(seconds)

    @precondition(lambda self: hasattr(self, "pair") and self.alive())
    @rule(data=st.data(), deed=st.sampled_from(DEEDS), seconds=st.sampled_from([0.0, 0.3]))
    def deed(self, data: st.DataObject, deed: str, seconds: float) -> None:
        act(*data.draw(st.sampled_from(self.alive())), deed, self.pair.now)
        self.pair.run(seconds)

    @rule()
    def wait(self) -> None:
        self.pair.run(33.0)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "pair"):
            self.pair.settle()
            self.pair.check()

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            check_at_rest(self.pair)


TestUsers = Users.TestCase
TestUsers.settings = settings(max_examples=10, stateful_step_count=20)
