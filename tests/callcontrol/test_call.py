"""Calls led back to back: phones, each a user agent of its own, around one switch; who hears whom, and who is left.

A phone hears whoever has the address that its session was told last. The link is UDP in virtual time, lossy or not.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcontrol.call import CallEvent, Camps, Dial, Happened, Leg, Onward, Refused, Ringing, Switch
from callcontrol.call.joining import ANONYMOUS, TRANSFERS_MAX
from callcontrol.call.waiting import PARK_S, SLOTS_OF_ONE_MAX
from callcontrol.refusal import Refusal
from callcontrol.sip.agent import Agent, Discarded
from callcontrol.sip.events import Answered, Ended, Invited, Notified, Offered, Progressed, Referred, Told
from callcontrol.sip.info import DTMF_RELAY
from callcontrol.sip.message import Request, Response, parse
from callcontrol.sip.offer import Local, answer, matched, offer, silent
from callcontrol.sip.refer import ReferTo, status_of
from callcontrol.sip.sdp import Codec, Description, Direction, Origin
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import UserAgent

DOMAIN = "kommun.example"
OURS = "10.0.0.1"
OWN = "10.0.0.77"
"""Where the unit's own sound is."""
CLOSED = Refusal(403, "Spärrat / Barred", 21, "call rejected")
CUT_SHORT = ("no answer in the ACK",)
"""Said of whoever hangs up before it has answered an offer: its ACK is empty, and a BYE follows."""
UNKNOWN = Refusal(404, "Finns Inte / Not Found", 1, "unallocated number")


def described(address: str, version: int, direction: Direction = Direction.SENDRECV) -> bytes:
    origin = Origin("p", 1, version, f"IN IP4 {address}")
    return offer(Local(origin, address, 4_000, direction=direction)).to_bytes()


class Phone:
    """Lifts after it has rung, or as the test says; answers all offers with itself."""

    def __init__(self, number: str, host: str, rng: random.Random) -> None:
        def token() -> str:
            return f"{rng.getrandbits(64):x}"

        self.number, self.host = number, host
        self.agent = Agent(f"{host}:5060", token, transport="UDP")
        self.ua = UserAgent(self.agent, f"<sip:{number}@{host}>", token, rng.uniform)
        self.versions = itertools.count(1)
        self.calls: list[Session] = []
        self.notified: list[int] = []
        self.statuses: list[int] = []
        self.told: list[tuple[str, bytes]] = []
        self.ended: Counter[Session] = Counter()
        self.lies: Callable[[bytes], bytes] | None = None
        """What becomes of its descriptions."""
        self.meek = False
        """Asked for an offer it says again what it was last told, as some do who are on hold."""
        self.does: Callable[[Phone, Session, float], object] = lambda phone, session, now: phone.lift(session, now)

    def says(self, direction: Direction = Direction.SENDRECV) -> bytes:
        said = described(self.host, next(self.versions), direction)
        return said if self.lies is None else self.lies(said)

    def reply(self, session: Session, body: bytes, now: float) -> None:
        asked = body or (session.remote if self.meek else b"")
        sound = Description.parse(asked).audio if asked else None
        session.reply(self.says(sound.direction.mirrored if sound is not None else Direction.SENDRECV), now)

    def lift(self, session: Session, now: float) -> None:
        session.ring(180, now)
        session.answer(self.says(), now)

    def dials(self, number: str, now: float, *, offers: bool = True) -> Session:
        body = self.says() if offers else b""
        session = self.ua.invite(f"sip:{number}@{OURS}", now, from_=f"<sip:{self.number}@{DOMAIN}>", body=body)
        self.calls.append(session)
        return session

    @property
    def call(self) -> Session:
        """The one that is up."""
        (session,) = (session for session in self.calls if session.phase is Phase.UP)
        return session

    def hears(self) -> str:
        """The address whose sound it has asked for; "-": nobody's."""
        sound = Description.parse(self.call.remote).audio
        assert sound is not None
        return sound.address if sound.direction.sends else "-"

    def settle(self, now: float) -> None:
        while (event := self.ua.next_event()) is not None:
            match event:
                case Invited(session):
                    self.calls.append(session)
                    self.does(self, session, now)
                case Progressed(session, _, body, True) | Answered(session, _, body, True) | Offered(session, body):
                    self.reply(session, body, now)
                case Notified(_, status):
                    self.notified.append(status)
                case Told(_, content_type, body):
                    self.told.append((content_type, body))
                case Ended(session, _, status):
                    self.ended[session] += 1
                    self.statuses.append(status)
                case Discarded(error):
                    assert self.lies or error.why in CUT_SHORT


class House:
    """The switch, its phones, and what a plan would say."""

    def __init__(self, seed: int = 1, loss: float = 0.0, *, music: bool = False) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.loss = loss
        agent = Agent(f"{OURS}:5060", lambda: f"{self.rng.getrandbits(64):x}", transport="UDP")
        self.agent = agent
        self.ua = UserAgent(agent, f"<sip:rvx@{OURS}>", lambda: f"{self.rng.getrandbits(64):x}", self.rng.uniform)
        self.played: set[str] = set()
        self.switch = Switch(self.ua, self, DOMAIN, self if music else None)
        self.phones = {f"10{at:02}": Phone(f"10{at:02}", f"10.0.1.{at}", self.rng) for at in range(1, 6)}
        self.by_host = {phone.host: phone for phone in self.phones.values()}
        self.events: list[CallEvent] = []
        self.way: list[tuple[float, int, Phone | None, bytes]] = []
        self.count = itertools.count()
        self.slot, self.camps = "", False

    # a Route
    def to(self, wanting: str, number: str) -> Dial | Refusal:
        if number in self.phones:
            return Dial(number, f"sip:{number}@{self.phones[number].host}")
        return CLOSED if number.startswith("00") else UNKNOWN

    # a Sound
    def offer(self, leg: str, towards: bytes) -> bytes:
        assert towards
        self.played.add(leg)
        return described("10.0.0.99", 1, Direction.SENDONLY)

    def answer(self, leg: str, offered: bytes) -> bytes:
        self.played.add(leg)
        made = answer(
            Description.parse(offered),
            Local(Origin("m", 0, 0, "IN IP4 10.0.0.99"), "10.0.0.99", 4_000, direction=Direction.SENDONLY),
        )
        return made.to_bytes() if made is not None else b""

    def agreed(self, leg: str, body: bytes) -> None:
        assert leg in self.played

    def close(self, leg: str) -> None:
        self.played.discard(leg)

    def own(self, offered: bytes) -> bytes:
        """The unit's own answer to an offer."""
        made = answer(Description.parse(offered), Local(Origin("u", 0, 0, f"IN IP4 {OWN}"), OWN, 4_000))
        return made.to_bytes() if made is not None else b""

    @property
    def lied_to(self) -> bool:
        return any(phone.lies is not None for phone in self.phones.values())

    def phone(self, at: int) -> Phone:
        return self.phones[f"10{at:02}"]

    def leg(self, phone: Phone) -> Leg:
        """The switch's side of the phone's call."""
        (leg,) = (leg for leg in self.switch._legs.values() if leg.number == phone.number and leg.answered)
        return leg

    def settle(self) -> None:
        while True:
            before = next(self.count)
            while (event := self.ua.next_event()) is not None:
                if isinstance(event, Discarded):
                    assert self.lied_to or event.error.why in CUT_SHORT
                elif isinstance(event, Invited) and event.replaces is None:
                    self.invited(event)
                else:
                    self.switch.saw(event, self.now)
            while (said := self.switch.next_event()) is not None:
                self.events.append(said)
            while data := self.ua.data_to_send():
                self.send(self.by_host.get(self.host_of(data)), data)
            for phone in self.phones.values():
                phone.settle(self.now)
                while data := phone.ua.data_to_send():
                    self.send(None, data)
            if next(self.count) == before + 1:
                return

    def host_of(self, data: bytes) -> str:
        message = parse(data)
        return message.request_uri.host if isinstance(message, Request) else message.vias[0].host

    def send(self, to: Phone | None, data: bytes) -> None:
        if self.rng.random() >= self.loss:
            heapq.heappush(self.way, (self.now + self.rng.uniform(0.001, 0.02), next(self.count), to, data))

    def invited(self, event: Invited) -> None:
        caller, number = event.request.from_.uri.user, event.request.request_uri.user
        if number == "told":
            done = self.switch.answer(event, caller, self.own, self.now) is not None
        elif number.startswith("*8"):
            done = self.switch.pick_up(number[2:], event, caller, self.now)
        elif number.startswith("*7"):
            done = self.switch.fetch(number[2:], event, caller, self.now)
        elif number.startswith("*6"):
            self.switch.camp_on(event, caller, number[2:], self.now)
            done = True
        else:
            dial = [self.to(caller, one) for one in number.split(".")]
            dials = [one for one in dial if isinstance(one, Dial)]
            done = bool(dials)
            if done:
                self.switch.connect(event, caller, dials, self.now)
        if not done:
            event.session.refuse(404, self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        self.settle()
        while True:
            times = [self.ua.next_timer(), *(phone.ua.next_timer() for phone in self.phones.values())]
            due = min([time for time in times if time is not None] + [entry[0] for entry in self.way[:1]], default=None)
            if due is None or due > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, due)
            while self.way and self.way[0][0] <= self.now:
                _, _, to, data = heapq.heappop(self.way)
                (self.ua if to is None else to.ua).receive(data, self.now)
            self.ua.on_timer(self.now)
            for phone in self.phones.values():
                phone.ua.on_timer(self.now)
            self.settle()

    def talk(self, *pairs: tuple[Phone, Phone]) -> None:
        """Those hear each other, and nobody else is in a call."""
        for one, other in pairs:
            assert (one.hears(), other.hears()) == (other.host, one.host)
        busy = {phone.number for phone in self.phones.values() if any(s.phase is Phase.UP for s in phone.calls)}
        assert busy == {phone.number for pair in pairs for phone in pair}

    def connected(self, *, offers: bool = True) -> tuple[Phone, Phone]:
        one, other = self.phone(1), self.phone(2)
        one.dials(other.number, self.now, offers=offers)
        self.run(3.0 if not self.loss else 20.0)
        self.talk((one, other))
        return one, other

    def check_over(self) -> None:
        """Nobody is in a call, each session has ended once, and nothing is kept."""
        self.run(400.0)
        for phone in self.phones.values():
            assert all(phone.ended[session] == 1 for session in phone.calls)
            assert phone.ua.next_timer() is None
        assert not self.switch.calls
        assert not self.played
        assert self.ua.sessions == 0
        assert self.ua.next_timer() is None
        calls = [event.call for event in self.events if event.what is Happened.OVER]
        assert len(calls) == len(set(map(id, calls)))


def whats(house: House) -> list[Happened]:
    return [event.what for event in house.events]


@pytest.mark.parametrize("offers", [True, False])
@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_a_call_is_led_on_and_ends_at_both(offers: bool, loss: float) -> None:
    house = House(seed=3, loss=loss)
    _, other = house.connected(offers=offers)
    other.call.end(house.now)
    house.check_over()
    assert whats(house)[-1] is Happened.OVER


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_the_unit_answers_itself_and_leads_on(loss: float) -> None:
    """To the first who lifts; until then, and over an offer of his or one that he asks for, he hears it."""
    house = House(seed=5, loss=loss)
    one, third = house.phone(1), house.phone(3)
    house.phone(2).does = lambda phone, session, now: session.refuse(486, now)
    one.dials("told", house.now)
    house.run(20.0)
    assert one.hears() == OWN
    for body in (one.says(), b""):
        one.call.offer(body, house.now)
        house.run(20.0)
        assert one.hears() == OWN
    house.switch.lead_on(house.leg(one), ["0046", "1002", "1003"], house.now)
    house.run(40.0)
    house.talk((one, third))
    assert whats(house).count(Happened.CONNECTED) == 1
    third.call.end(house.now)
    house.check_over()


def test_the_unit_leads_on_in_vain_or_is_left() -> None:
    house = House()
    one = house.phone(1)
    house.phone(2).does = lambda phone, session, now: session.refuse(486, now)
    for numbers in (["1002"], ["0046"], []):
        one.dials("told", house.now)
        house.run(2.0)
        house.switch.lead_on(house.leg(one), numbers, house.now)
        house.run(5.0)
        assert all(session.phase is Phase.OVER for session in one.calls)
    house.phone(2).does = lambda phone, session, now: session.ring(180, now)
    one.dials("told", house.now)
    house.run(2.0)
    house.switch.lead_on(house.leg(one), ["1002"], house.now)
    house.run(2.0)
    one.call.end(house.now)
    house.check_over()


def test_the_unit_stays_where_it_leads_on_in_vain_and_asks_to() -> None:
    """As whom the caller proved to be the next is called; and who answers has the call for good."""
    house = House()
    one, third = house.phone(1), house.phone(3)
    house.phone(2).does = lambda phone, session, now: session.refuse(486, now)
    one.dials("told", house.now)
    house.run(2.0)
    unreached: list[Refused] = []
    for numbers, status in ((["1002"], 486), (["0046"], 403), ([], 480)):
        house.switch.lead_on(house.leg(one), numbers, house.now, unreached.append)
        house.run(5.0)
        assert one.call.phase is Phase.UP
        assert [refused.status for refused in unreached] == [status]
        unreached.clear()
    house.leg(one).acts_as = "1007"
    house.switch.lead_on(house.leg(one), ["1003"], house.now, unreached.append)
    house.run(10.0)
    house.talk((one, third))
    assert third.call.request.from_.uri.user == "1007"
    third.call.end(house.now)
    house.check_over()
    assert unreached == []


def test_keys_by_info_go_to_whoever_is_at_the_other_end() -> None:
    """To the unit's own end; and, as they came, to the phone that one talks with."""
    house = House()
    one, third = house.phone(1), house.phone(3)
    one.dials("told", house.now)
    house.run(2.0)
    pressed: list[str] = []
    house.leg(one).pressed = pressed.append
    for kind, body in ((DTMF_RELAY, b"Signal=5\r\nDuration=160\r\n"), ("text/plain", b"5"), (DTMF_RELAY, b"Signal=#")):
        one.call.tell(kind, body, house.now)
        house.run(1.0)
    assert pressed == ["5", "#"]
    house.switch.lead_on(house.leg(one), ["1003"], house.now)
    house.run(10.0)
    one.call.tell(DTMF_RELAY, b"Signal=7", house.now)
    one.call.tell("text/plain", b"7", house.now)
    house.run(1.0)
    assert pressed == ["5", "#"]
    assert third.told == [(DTMF_RELAY, b"Signal=7")]
    third.call.end(house.now)
    house.check_over()


def test_the_unit_answers_nobody_without_common_sound_or_who_is_gone() -> None:
    house = House()
    one = house.phone(1)
    house.own = lambda offered: b""  # type: ignore[method-assign]
    one.dials("told", house.now)
    house.run(2.0)
    assert one.statuses == [404]
    house.check_over()


def test_early_sound_and_several_phones() -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)
    other.does = lambda phone, session, now: session.ring(183, now, phone.says())
    one.dials("1002", house.now)
    house.run(1.0)
    assert other.calls[-1].phase is Phase.RINGING
    other.calls[-1].answer(b"", house.now)
    house.run(1.0)
    house.talk((one, other))
    one.call.end(house.now)
    house.run(1.0)
    third.does = lambda phone, session, now: session.ring(180, now)
    other.does = lambda phone, session, now: session.ring(180, now)
    one.dials("1002.1003", house.now)
    house.run(1.0)
    third.calls[-1].answer(third.says(), house.now)
    house.run(1.0)
    house.talk((one, third))
    one.call.end(house.now)
    house.check_over()


def test_who_is_refused_and_who_gives_up() -> None:
    house = House()
    one, other = house.phone(1), house.phone(2)
    other.does = lambda phone, session, now: session.refuse(486, now)
    one.dials("1002", house.now)
    house.run(1.0)
    assert one.statuses == [486]
    other.does = lambda phone, session, now: session.ring(180, now)
    calling = one.dials("1002", house.now)
    house.run(1.0)
    calling.end(house.now)
    house.check_over()
    assert one.statuses == [486, 487]


@pytest.mark.parametrize("music", [True, False])
def test_hold_and_back(music: bool) -> None:
    house = House(music=music)
    one, other = house.connected()
    for phone in (one, other):
        waiting = other if phone is one else one
        phone.call.offer(phone.says(Direction.SENDONLY), house.now)
        house.run(1.0)
        assert waiting.hears() == ("10.0.0.99" if music else phone.host)
        assert phone.hears() == "-"
        phone.call.offer(phone.says(), house.now)
        house.run(1.0)
        house.talk((one, other))
    one.call.end(house.now)
    house.check_over()


def test_a_phone_that_has_music_of_its_own_elsewhere_is_left_to_it() -> None:
    """RFC 7088: it holds with the address of a place that plays."""
    house = House(music=True)
    one, other = house.connected()
    one.call.offer(described("10.0.9.9", 5_000, Direction.SENDONLY), house.now)
    house.run(1.0)
    assert other.hears() == "10.0.9.9"
    assert not house.played
    one.call.offer(one.says(), house.now)
    house.run(1.0)
    house.talk((one, other))


def test_who_waits_and_offers_again_goes_on_hearing_music() -> None:
    """As phones do that refresh their session."""
    house = House(music=True)
    one, other = house.connected()
    one.call.offer(one.says(Direction.SENDONLY), house.now)
    house.run(1.0)
    other.call.offer(other.says(), house.now)
    house.run(1.0)
    assert other.hears() == "10.0.0.99"
    one.call.offer(one.says(), house.now)
    house.run(1.0)
    house.talk((one, other))
    assert not house.played


def test_both_hold_at_once() -> None:
    """Who comes second is told to try again, and does (491); each offer reaches the other."""
    house = House()
    one, other = house.connected()
    offered = [phone.says(Direction.SENDONLY) for phone in (one, other)]
    for phone, body in zip((one, other), offered, strict=True):
        phone.call.offer(body, house.now)
    house.run(10.0)
    assert [offer.count(b"sendonly") for offer in (one.call.local, other.call.remote)] == [1, 1]
    assert not house.leg(one).session.busy
    assert not house.leg(other).session.busy
    for phone in (one, other):
        phone.call.offer(phone.says(), house.now)
        house.run(5.0)
    house.talk((one, other))


@pytest.mark.parametrize("music", [True, False])
@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_a_blind_transfer(music: bool, loss: float) -> None:
    house = House(seed=7, loss=loss, music=music)
    one, other = house.connected()
    third = house.phone(3)
    third.does = lambda phone, session, now: session.ring(180, now)
    other.call.refer(ReferTo.parse(f"<sip:1003@{DOMAIN}>"), house.now)
    house.run(15.0)
    assert one.hears() == ("10.0.0.99" if music else "-")
    third.calls[-1].answer(third.says(), house.now)
    house.run(15.0)
    house.talk((one, third))
    assert (other.notified[0], other.notified[-1]) == (100, 200)
    one.call.end(house.now)
    house.check_over()


class Clicker:
    """A program that asks for somebody's phone to be rung: REFERs outside of any call, and the notes that come."""

    HOST = "10.0.9.9"

    def __init__(self, house: House) -> None:
        self.house, self.sent = house, house.send
        self.answered: list[int] = []
        self.notified: list[int] = []
        house.send = self.hears  # type: ignore[method-assign]

    def hears(self, to: Phone | None, data: bytes) -> None:
        message = parse(data)
        if to is not None or self.house.host_of(data) != self.HOST:
            self.sent(to, data)
        elif isinstance(message, Response):
            self.answered.append(message.status)
        else:
            self.notified.append(status_of(message.body))
            self.sent(None, Response.answering(message, 200).to_bytes())

    def refers(self, caller: str, to: str) -> bool:
        token = f"{self.house.rng.getrandbits(64):x}"
        request = Request.new(
            "REFER", f"sip:rvx@{OURS}", from_=f"<sip:{caller}@{DOMAIN}>;tag={token}", to=f"<sip:{caller}@{DOMAIN}>",
            call_id=token, cseq=1, headers=[("Refer-To", to), ("Contact", f"<sip:cti@{self.HOST}>")],
        )  # fmt: skip
        via = ("Via", f"SIP/2.0/UDP {self.HOST}:5060;branch=z9hG4bK{token}")
        self.house.ua.receive(Request((via, *request.headers), b"", "REFER", request.uri).to_bytes(), self.house.now)
        (event,) = iter(self.house.ua.next_event, None)
        assert isinstance(event, Referred)
        return self.house.switch.dial_for(caller, event.refer, self.house.now)


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_who_clicks_is_rung_first_and_then_the_other(loss: float) -> None:
    house = House(loss=loss)
    clicker, one, other = Clicker(house), house.phone(1), house.phone(2)
    one.does = lambda phone, session, now: session.ring(180, now)
    assert clicker.refers("1001", f"<sip:1002@{DOMAIN}>")
    house.run(15.0)
    (ringing,) = one.calls
    assert ringing.request.from_.uri.user == "1002"
    assert not other.calls
    assert not clicker.refers("1001", f"<sip:1003@{DOMAIN}>")  # one at a time
    one.lift(ringing, house.now)
    house.run(20.0)
    house.talk((one, other))
    assert (clicker.notified[0], clicker.notified[-1]) == (100, 200)
    one.call.end(house.now)
    house.check_over()


def test_who_may_not_call_clicks_in_vain_and_so_does_who_does_not_lift() -> None:
    house = House()
    clicker, one = Clicker(house), house.phone(1)
    for to in (f"<sip:0046123@{DOMAIN}>", f"<sip:1002@{DOMAIN}?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>"):
        assert not clicker.refers("1001", to)
    assert not one.calls
    one.does = lambda phone, session, now: session.refuse(486, now)
    assert clicker.refers("1001", f"<sip:1002@{DOMAIN}>")
    house.run(5.0)
    assert (clicker.answered, clicker.notified) == ([403, 486, 202], [100, 486])
    one.does = lambda phone, session, now: phone.lift(session, now)
    house.phone(2).does = lambda phone, session, now: session.refuse(480, now)
    assert clicker.refers("1001", f"<sip:1002@{DOMAIN}>")
    house.run(5.0)
    assert clicker.notified[2:] == [100, 480]
    house.check_over()


def test_a_transfer_to_what_is_closed_or_busy_leaves_the_two_talking() -> None:
    house = House()
    one, other = house.connected()
    for number, notified in (("0046123", [403]), ("999", [404]), ("1003", [100, 486])):
        house.phone(3).does = lambda phone, session, now: session.refuse(486, now)
        other.notified.clear()
        other.call.refer(ReferTo.parse(f"<sip:{number}@{DOMAIN}>"), house.now)
        house.run(5.0)
        assert other.notified == notified
        house.talk((one, other))
    assert [event.status for event in house.events if event.what is Happened.REFUSED] == [403, 404]
    assert Happened.RECALLED not in whats(house)
    one.call.end(house.now)
    house.check_over()


def test_who_transfers_and_goes_is_called_back() -> None:
    """B1: never in nothing."""
    house = House()
    one, other = house.connected()
    house.phone(3).does = lambda phone, session, now: session.ring(180, now)
    other.call.refer(ReferTo.parse(f"<sip:1003@{DOMAIN}>"), house.now)
    house.run(1.0)
    other.call.end(house.now)
    house.run(1.0)
    house.phone(3).calls[-1].refuse(486, house.now)
    house.run(2.0)
    assert Happened.RECALLED in whats(house)
    house.talk((one, other))
    other.call.end(house.now)
    house.check_over()


def test_transfers_are_bounded() -> None:
    house = House()
    one, _other = house.connected()
    for at in range(TRANSFERS_MAX + 1):
        house.run(5.0)
        house.phone(2 + at % 2).call.refer(ReferTo.parse(f"<sip:{1003 - at % 2}@{DOMAIN}>"), house.now)
    house.run(5.0)
    assert [event.status for event in house.events if event.what is Happened.REFUSED] == [482]
    house.talk((one, house.phone(3)))
    one.call.end(house.now)
    house.check_over()


def test_who_sends_each_other_round_is_stopped() -> None:
    """A refers B to C, C refers B to A, A refers B to C …, each as soon as it has the call."""
    house = House()
    one, other = house.connected()
    for number in ("1003", "1001") * TRANSFERS_MAX:
        by = next(phone for phone in (one, house.phone(3)) if any(s.phase is Phase.UP for s in phone.calls))
        by.notified.clear()
        by.call.refer(ReferTo.parse(f"<sip:{number}@{DOMAIN}>"), house.now)
        house.run(5.0)
        if by.notified == [482]:
            break
    else:
        pytest.fail("never stopped")
    house.talk((by, other))
    other.call.end(house.now)
    house.check_over()


HOSTILE: list[Callable[[bytes, random.Random], bytes]] = [
    lambda said, rng: said[: rng.randrange(len(said))],
    lambda said, rng: said.replace(rng.choice(said.split()), rng.randbytes(3)),
    lambda said, rng: b"".join(rng.sample(lines := said.splitlines(keepends=True), len(lines))),
    lambda said, rng: said + b"a=x\r\n" * 200,
    lambda said, rng: said.replace(b" 4000 ", b" 0 "),
    lambda said, rng: said.replace(b"m=audio", b"m=video"),
    lambda said, rng: said + said[said.index(b"m=") :] * rng.randrange(9),
    lambda said, rng: said.replace(b"PCMA", b"G723").replace(b"PCMU", b"G728"),
    lambda said, rng: said.replace(b"RTP/AVP", rng.choice((b"UDP/TLS/RTP/SAVPF", b"RTP/SAVP", b"TCP/BFCP", b"x"))),
    lambda said, rng: said.replace(b"a=sendrecv", rng.choice((b"a=inactive", b"a=sendonly\r\na=recvonly", b"a="))),
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_descriptions_that_lie_end_calls_at_both_and_nothing_else(
    hostile: Callable[[bytes, random.Random], bytes],
) -> None:
    """In offers and answers, first and later ones, held and transferred: each call ends once at each phone."""
    for seed in range(6):
        house = House(seed, music=bool(seed % 2))
        one, other = house.phone(1), house.phone(2)
        liar = (one, other)[seed // 2 % 2]
        if seed > 1:
            liar.lies = lambda said, rng=house.rng: hostile(said, rng)
        one.dials(other.number, house.now, offers=seed % 3 > 0)
        house.run(2.0)
        liar.lies = lambda said, rng=house.rng: hostile(said, rng)
        for session in liar.calls:
            if session.phase is Phase.UP:
                session.offer(liar.says(Direction.SENDONLY), house.now)
        house.run(2.0)
        for session in other.calls:
            if session.phase is Phase.UP:
                session.refer(ReferTo.parse(f"<sip:1003@{DOMAIN}>"), house.now)
        house.run(5.0)
        for phone in house.phones.values():
            for session in phone.calls:
                session.end(house.now)
        house.check_over()


@pytest.mark.parametrize("lifted", [True, False])
@pytest.mark.parametrize("music", [True, False])
def test_an_attended_transfer(lifted: bool, music: bool) -> None:
    house = House(music=music)
    one, other = house.connected()
    third = house.phone(3)
    first = other.call
    first.offer(other.says(Direction.SENDONLY), house.now)
    house.run(1.0)
    if not lifted:
        third.does = lambda phone, session, now: session.ring(180, now)
    second = other.dials("1003", house.now)
    house.run(1.0)
    there = second.replaces
    assert there is not None
    first.refer(ReferTo(ReferTo.parse(f"<sip:1003@{DOMAIN}>").uri, there), house.now)
    house.run(5.0)
    if not lifted:
        third.calls[-1].answer(third.says(), house.now)
        house.run(5.0)
    house.talk((one, third))
    assert other.notified[-1] == 200
    third.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("held", [Direction.SENDONLY, Direction.INACTIVE])
def test_who_was_held_and_says_so_again_is_heard_by_the_next(held: Direction) -> None:
    house = House()
    one, other = house.connected()
    third, first = house.phone(3), other.call
    one.meek = True
    first.offer(other.says(held), house.now)
    house.run(1.0)
    other.dials("1003", house.now)
    house.run(1.0)
    there = other.calls[-1].replaces
    first.refer(ReferTo(ReferTo.parse(f"<sip:1003@{DOMAIN}>").uri, there), house.now)
    house.run(5.0)
    house.talk((one, third))
    # Who holds by itself is taken at its word.
    one.call.offer(one.says(Direction.SENDONLY), house.now)
    house.run(1.0)
    assert third.hears() == one.host
    assert one.hears() == "-"
    third.call.end(house.now)
    house.check_over()


def test_nobody_disposes_of_another_s_call() -> None:
    house = House()
    one, _ = house.connected()
    house.phone(4).dials("1005", house.now)
    house.run(1.0)
    there = house.phone(4).call.replaces
    assert there is not None
    one.call.refer(ReferTo(ReferTo.parse(f"<sip:1005@{DOMAIN}>").uri, there), house.now)
    house.run(1.0)
    assert one.notified == [403]


def test_a_call_that_takes_the_place_of_one() -> None:
    """By Replaces, as some phones transfer: to a leg that is up, and to one that rings."""
    for lifts in (True, False):
        house = House()
        one, other, third = house.phone(1), house.phone(2), house.phone(3)
        if not lifts:
            other.does = lambda phone, session, now: session.ring(180, now)
        one.dials("1002", house.now)
        house.run(1.0)
        there = other.calls[-1].replaces
        assert there is not None
        session = third.ua.invite(
            f"sip:1002@{OURS}", house.now, from_=f"<sip:1003@{DOMAIN}>", body=third.says(), replaces=there
        )
        third.calls.append(session)
        house.run(3.0)
        house.talk((one, third))
        one.call.end(house.now)
        house.check_over()


@pytest.mark.parametrize("music", [True, False])
def test_park_and_fetch(music: bool) -> None:
    house = House(music=music)
    one, other = house.connected()
    assert house.switch.park(house.leg(other), "71", house.now)
    house.run(5.0)
    assert one.hears() == ("10.0.0.99" if music else "-")
    assert not any(session.phase is Phase.UP for session in other.calls)
    third = house.phone(3)
    third.dials("*772", house.now)
    third.dials("*771", house.now)
    house.run(2.0)
    assert third.statuses == [404]
    house.talk((one, third))
    assert house.switch.park(house.leg(third), "71", house.now)
    house.run(PARK_S + 5.0)  # nobody fetches it
    house.talk((one, third))
    one.call.end(house.now)
    house.check_over()
    assert whats(house).count(Happened.RECALLED) == 1


@pytest.mark.parametrize("offers", [True, False])
def test_pick_up(offers: bool) -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)
    other.does = lambda phone, session, now: session.ring(180, now)
    one.dials("1002", house.now, offers=offers)
    house.run(1.0)
    third.dials("*81004", house.now)
    third.dials("*81002", house.now)
    house.run(2.0)
    assert third.statuses == [404]
    assert other.statuses == [487]
    house.talk((one, third))
    third.call.end(house.now)
    house.check_over()


def test_camp_on_and_call_back() -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)
    third.dials("*61002", house.now)
    house.run(1.0)
    house.switch.freed("1004", house.now)
    house.switch.freed("1002", house.now)
    house.run(1.0)
    house.talk((third, other))
    assert house.switch.call_back("1001", "1002", house.now)
    third.call.end(house.now)
    house.run(1.0)
    house.switch.freed("1002", house.now)
    house.switch.freed("1002", house.now)
    house.run(2.0)
    house.talk((one, other))
    other.call.end(house.now)
    house.run(1.0)
    one.dials("*61002", house.now)
    house.check_over()
    assert one.statuses[-1] == 486


def leads(house: House, numbers: str, onward: Onward | None, for_s: float | None = None) -> None:
    """What is called next is led to `numbers`, parted by dots, in that way."""

    def invited(event: Invited) -> None:
        dials = [Dial(number, f"sip:{number}@{house.phones[number].host}") for number in numbers.split(".")]
        house.switch.connect(event, event.request.from_.uri.user, dials, house.now, for_s, onward)

    house.invited = invited  # type: ignore[method-assign]


def refuses(status: int) -> Callable[[Phone, Session, float], object]:
    return lambda phone, session, now: session.refuse(status, now)


def rings(phone: Phone, session: Session, now: float) -> None:
    session.ring(180, now)


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ((503, 486), 486),
        ((404, 407), 407),
        ((486, 603), 603),
    ],
)
def test_of_several_refusals_the_best_is_the_caller_s(statuses: tuple[int, ...], best: int) -> None:
    house = House()
    for phone, status in zip((house.phone(2), house.phone(3)), statuses, strict=True):
        phone.does = refuses(status)
    leads(house, "1002.1003", None)
    house.phone(1).dials("x", house.now)
    house.check_over()
    assert house.phone(1).statuses == [best]


def test_who_declines_for_all_ends_the_others_ringing() -> None:
    house = House()
    house.phone(2).does, house.phone(3).does = rings, refuses(603)
    leads(house, "1002.1003", None)
    house.phone(1).dials("x", house.now)
    house.run(2.0)
    assert house.phone(1).statuses == [603]
    house.check_over()


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_the_next_step_is_asked_for_after_its_time_and_after_a_refusal(loss: float) -> None:
    house = House(loss=loss)
    steps = [Ringing([Dial("1003", "sip:1003@10.0.1.3")], 8.0), Ringing([Dial("1004", "sip:1004@10.0.1.4")], 8.0)]
    heard: list[tuple[int, str, bool]] = []

    def onward(refused: Refused) -> Ringing:
        heard.append((refused.status, refused.number, refused.rang))
        return steps.pop(0)

    house.phone(2).does, house.phone(3).does = rings, refuses(486)
    leads(house, "1002", onward, 8.0)
    house.phone(1).dials("x", house.now)
    house.run(30.0)
    assert heard == [(408, "1002", True), (486, "1003", False)]
    house.talk((house.phone(1), house.phone(4)))
    house.phone(1).call.end(house.now)
    house.check_over()


def test_who_gives_up_or_lifts_is_no_more_asked_about() -> None:
    house = House()
    asked: list[Refused] = []
    leads(house, "1002", asked.append, 5.0)
    one, other = house.phone(1), house.phone(2)
    one.dials("x", house.now)
    house.run(20.0)
    house.talk((one, other))
    one.call.end(house.now)
    other.does = rings
    session = one.dials("x", house.now)
    house.run(2.0)
    session.end(house.now)
    house.check_over()
    assert not asked


def test_a_caller_is_refused_let_go_or_waits_by_what_comes_next() -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)
    other.does = refuses(486)
    leads(house, "1002", lambda refused: CLOSED)
    one.dials("x", house.now)
    house.run(2.0)
    assert one.statuses == [403]

    leads(house, "1002", lambda refused: None)
    session = one.dials("x", house.now)
    house.run(2.0)
    assert (session.phase, house.switch.calls) == (Phase.CALLING, [])
    session.end(house.now)
    house.run(2.0)

    leads(house, "1002", lambda refused: Camps("1002"))
    third.dials("x", house.now)
    house.run(2.0)
    assert house.switch.waited_for(house.now) == {"1002"}
    house.switch.freed("1002", house.now)  # and is busy again
    house.run(2.0)
    assert house.switch.waited_for(house.now) == {"1002"}
    other.does = Phone.lift
    house.switch.freed("1002", house.now)
    house.run(2.0)
    house.talk((third, other))
    assert house.switch.waited_for(house.now) == set()
    third.call.end(house.now)
    house.check_over()


def test_who_is_busy_when_called_back_is_called_back_later_unless_it_has_cancelled() -> None:
    house = House()
    one, other = house.phone(1), house.phone(2)
    one.does = refuses(486)
    assert house.switch.call_back("1001", "1002", house.now)
    house.switch.freed("1002", house.now)
    house.run(2.0)
    assert house.switch.waited_for(house.now) == {"1002"}
    one.does = Phone.lift
    house.switch.freed("1002", house.now)
    house.run(2.0)
    house.talk((one, other))
    one.call.end(house.now)
    house.run(1.0)
    assert house.switch.call_back("1001", "1002", house.now)
    assert house.switch.no_call_backs("1001") == 1
    house.switch.freed("1002", house.now)
    house.check_over()
    assert not house.switch.calls


@pytest.mark.parametrize(
    ("from_", "privacy", "shown"),
    [
        ('"Anna \\"A\\" Ek" <sip:1001@h>', "", f'"Anna \\"A\\" Ek" <sip:1001@{DOMAIN}>'),
        ('"Åsa\x07 Öberg" <sip:1001@h>', "", f'"Åsa Öberg" <sip:1001@{DOMAIN}>'),
        ("<sip:1001@h>", "none", f"<sip:1001@{DOMAIN}>"),
        ('"Anonymous" <sip:1001@h>', "id;critical", ANONYMOUS),
        ("<sip:1001@h>", "header; user", ANONYMOUS),
    ],
)
def test_who_calls_is_shown_by_name_or_not_at_all(from_: str, privacy: str, shown: str) -> None:
    house = House()
    one, other = house.phone(1), house.phone(2)
    headers = [("Privacy", privacy)] if privacy else []
    one.calls.append(one.ua.invite(f"sip:1002@{OURS}", house.now, from_=from_, body=one.says(), headers=headers))
    house.run(2.0)
    request = other.call.request
    assert request.from_.text.partition(";tag=")[0] == shown
    assert request.header("P-Asserted-Identity") == f"<sip:1001@{DOMAIN}>"
    assert request.header("Privacy") == ("id" if shown == ANONYMOUS else None)
    one.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("free", [True, False])
def test_whom_the_unit_has_answered_waits_for_a_busy_phone(free: bool) -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)
    one.dials("told", house.now)
    house.run(1.0)
    house.switch.wait_for(house.leg(one), "1002", ["1003"], house.now)
    house.run(60.0)
    assert (one.hears(), house.switch.waited_for(house.now)) == (OWN, {"1002"})
    if free:
        house.switch.freed("1002", house.now)
    house.run(80.0)
    house.talk((one, other if free else third))
    one.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("by", [["1002"], ["0046123", "1002"], []], ids=["back", "barred", "nobody"])
def test_who_is_sent_to_a_slot_waits_and_is_led_back_in_vain(by: list[str]) -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)

    def invited(event: Invited) -> None:
        number = event.request.from_.uri.user
        if event.request.request_uri.user == "fetch":
            assert house.switch.fetch("7", event, number, house.now)
        else:
            assert house.switch.wait_in("7", event, number, [*by, "1003"], house.now)

    house.invited = invited  # type: ignore[method-assign]
    one.dials("park", house.now)
    house.run(1.0)
    assert one.hears() == "-"
    third.dials("fetch", house.now)
    house.run(2.0)
    house.talk((one, third))
    one.call.end(house.now)
    house.run(1.0)
    one.dials("park", house.now)
    house.run(PARK_S + 5.0)
    house.talk((one, other if by else third))
    one.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("sent_by", ["1002", "0046123", "112", "1002\r\nP-Led: 1"])
def test_who_is_said_to_have_sent_a_caller_to_a_slot_is_called_by_the_callers_rights(sent_by: str) -> None:
    house = House()
    one = house.phone(1)
    asked: list[tuple[str, str]] = []
    allowed = house.to

    def to(wanting: str, number: str) -> Dial | Refusal:
        asked.append((wanting, number))
        return allowed(wanting, number)

    house.to = to  # type: ignore[method-assign]

    def invited(event: Invited) -> None:
        assert house.switch.wait_in("7", event, "1001", [sent_by], house.now)

    house.invited = invited  # type: ignore[method-assign]
    one.dials("park", house.now)
    house.run(PARK_S + 5.0)
    assert asked == [("1001", sent_by)]
    if sent_by == "1002":
        one.call.end(house.now)
    house.check_over()


def test_no_phone_holds_all_slots() -> None:
    house = House()
    one, other = house.phone(1), house.phone(2)
    parked: list[bool] = []

    def invited(event: Invited) -> None:
        number = event.request.from_.uri.user
        parked.append(house.switch.wait_in(str(len(parked)), event, number, [], house.now))
        if not parked[-1]:
            assert house.switch.slots_full(number)
            event.session.refuse(486, house.now)

    house.invited = invited  # type: ignore[method-assign]
    for phone in (*[one] * (SLOTS_OF_ONE_MAX + 1), other):
        phone.dials("park", house.now)
        house.run(1.0)
    assert parked == [*[True] * SLOTS_OF_ONE_MAX, False, True]
    for call in house.switch.calls:
        house.switch.end(call, house.now)
    house.check_over()


def test_a_fault_when_time_is_up_leaves_nobody_waiting() -> None:
    house = House()
    _, other = house.connected()

    def fails(wanting: str, number: str) -> Dial | Refusal:
        raise RuntimeError(number)

    house.to = fails  # type: ignore[method-assign]
    assert house.switch.park(house.leg(other), "7", house.now)
    with pytest.raises(RuntimeError, match="1002"):
        house.run(PARK_S + 5.0)
    house.run(5.0)
    assert house.switch.legs == 0
    house.check_over()


def test_a_diversion_asks_what_the_diverting_phone_may() -> None:
    house = House()
    one, other, third = house.phone(1), house.phone(2), house.phone(3)

    def diverts(number: str) -> Callable[[Phone, Session, float], object]:
        contact = ("Contact", f"<sip:{number}@{DOMAIN}>") if number else ("X", "y")
        return lambda phone, session, now: session.refuse(302, now, headers=[contact])

    for number, statuses in (("0046123", [403]), ("", [404]), ("1003", [])):
        other.does = diverts(number)
        one.statuses.clear()
        one.dials("1002", house.now)
        house.run(2.0)
        assert one.statuses == statuses
    house.talk((one, third))
    third.does = diverts("1002")
    house.phone(4).dials("1002", house.now)
    house.run(10.0)
    assert house.phone(4).statuses == [482]
    one.call.end(house.now)
    house.check_over()


def test_two_offers_as_answers() -> None:
    one = Description.parse(described("192.0.2.1", 1))
    few = Local(Origin("b", 1, 1, "IN IP4 b"), "192.0.2.2", 6, (Codec(96, "opus", 48_000, 2), Codec(97, "PCMA", 8000)))
    answered = matched(one, offer(few))
    assert answered is not None
    assert [codec.payload for codec in answered.medias[0].codecs] == [96, 97]
    back = matched(offer(few), one)
    assert back is not None
    assert [codec.payload for codec in back.medias[0].codecs] == [8, 111]
    gsm = Local(Origin("b", 1, 1, "IN IP4 b"), "192.0.2.2", 6, (Codec(3, "GSM", 8000),))
    assert matched(one, offer(gsm)) is None
    still = Description.parse(silent(one).to_bytes())
    assert still.medias[0].direction is Direction.INACTIVE
    assert still.medias[0].codecs == one.medias[0].codecs


def act(house: House, phone: Phone, session: Session, what: str) -> None:
    """One thing that a hand does at a phone."""
    now = house.now
    match what:
        case "lift":
            session.answer(phone.says(), now)
        case "end":
            session.end(now)
        case "refuse":
            session.refuse(486, now)
        case "hold":
            session.offer(phone.says(Direction.SENDONLY), now)
        case "back":
            session.offer(phone.says(), now)
        case "ask":
            session.offer(b"", now)
        case "blind":
            session.refer(ReferTo.parse("<sip:1005@x>"), now)
        case "attended":
            second = next((s.replaces for s in phone.calls if s is not session and s.phase is Phase.UP), None)
            session.refer(ReferTo(ReferTo.parse("<sip:1005@x>").uri, second), now)
        case "replace":
            there = session.replaces
            uri, from_ = f"sip:1002@{OURS}", f"<sip:{phone.number}@{DOMAIN}>"
            if there is not None:
                phone.calls.append(phone.ua.invite(uri, now, from_=from_, body=phone.says(), replaces=there))


def moody(house: House) -> Callable[[Phone, Session, float], None]:
    """Lifts, rings on, refuses or diverts, by chance."""

    def does(phone: Phone, session: Session, now: float) -> None:
        session.ring(180, now)
        what = house.rng.random()
        if what < 0.6:
            session.answer(phone.says(), now)
        elif what < 0.7:
            session.refuse(302, now, headers=[("Contact", "<sip:1004@x>")])
        elif what < 0.8:
            session.refuse(486, now)

    return does


DIALLED = ["1001", "1002", "1003", "1002.1003.1004", "*81002", "*71", "*61003"]
DEEDS = ["lift", "end", "refuse", "hold", "back", "ask", "blind", "blind", "attended", "attended", "replace"]


def check_at_rest(house: House) -> None:
    """Who is still in a call talks with somebody, and neither waits for the other's word."""
    for phone in house.phones.values():
        phone.does = lambda phone, session, now: session.refuse(486, now)
    house.loss = 0.0
    house.run(1_000.0)
    for call in house.switch.calls:
        left = [(leg.number, leg.session.phase, leg in call.sides) for leg in house.switch._legs.values()]
        assert len(call.sides) == 2, (left, len(call.ringing), call.slot, call.by, call.aside)
        one, other = call.sides
        assert one.answered
        assert other.answered
        assert (one.owes, other.owes, one.asked, other.asked) == (None, None, None, None)
        for leg, partner in ((one, other), (other, one)):
            if not leg.music:
                heard, said = (
                    Description.parse(leg.session.local).audio,
                    Description.parse(partner.session.remote).audio,
                )
                assert heard is not None
                assert said is not None
                where = (call.id, leg.name, partner.name, partner.music)
                assert heard.address in (said.address, "0.0.0.0"), where
    for call in house.switch.calls:
        house.switch.end(call, house.now)
    house.check_over()


DAYS = 4


def test_any_order_of_what_people_do() -> None:
    for seed in range(DAYS):
        rng = random.Random(seed)
        house = House(seed, rng.choice([0.0, 0.0, 0.1]), music=rng.random() < 0.5)
        for phone in house.phones.values():
            phone.does = moody(house)
        for _ in range(40):
            phone = rng.choice(list(house.phones.values()))
            alive = [session for session in phone.calls if session.phase is not Phase.OVER]
            legs = [leg for leg in house.switch._legs.values() if leg.answered]
            if not alive or rng.random() < 0.15:
                phone.dials(rng.choice(DIALLED), house.now, offers=rng.random() < 0.8)
            elif legs and rng.random() < 0.1:
                house.switch.park(rng.choice(legs), "1", house.now)
            elif rng.random() < 0.05:
                house.switch.freed("1003", house.now)
            else:
                act(house, phone, rng.choice(alive), rng.choice(DEEDS))
            house.run(rng.choice([0.0, 0.02, 0.5, 5.0]))
        check_at_rest(house)


class Hands(RuleBasedStateMachine):
    """The same, chosen so that a fault is found again in its shortest form."""

    house: House

    @initialize(seed=st.integers(0, 1_000), music=st.booleans())
    def begin(self, seed: int, music: bool) -> None:
        self.house = House(seed, music=music)
        for phone in self.house.phones.values():
            phone.does = moody(self.house)

    @rule(by=st.integers(1, 5), number=st.sampled_from(DIALLED), seconds=st.sampled_from([0.02, 1.0]))
    def dial(self, by: int, number: str, seconds: float) -> None:
        self.house.phone(by).dials(number, self.house.now)
        self.house.run(seconds)

    @rule(data=st.data(), what=st.sampled_from(DEEDS), seconds=st.sampled_from([0.0, 1.0]))
    def deed(self, data: st.DataObject, what: str, seconds: float) -> None:
        alive = [(p, s) for p in self.house.phones.values() for s in p.calls if s.phase is not Phase.OVER]
        if alive:
            act(self.house, *data.draw(st.sampled_from(alive)), what)
            self.house.run(seconds)

    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        legs = [leg for leg in self.house.switch._legs.values() if leg.answered]
        if legs:
            self.house.switch.park(data.draw(st.sampled_from(legs)), "1", self.house.now)

    @rule()
    def wait(self) -> None:
        self.house.run(40.0)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "house"):
            self.house.settle()

    def teardown(self) -> None:
        if hasattr(self, "house"):
            check_at_rest(self.house)


TestHands = Hands.TestCase
TestHands.settings = settings(max_examples=5, stateful_step_count=15)
