"""Our agent and real phones, call by call: what each of them can is a table in docs/phones.md."""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from callcontrol.sip import expiry
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
    SessionEvent,
)
from callcontrol.sip.expiry import MIN_SE_S
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Local, answer, offer
from callcontrol.sip.refer import ReferTo, Replaces
from callcontrol.sip.sdp import Codec, Description, Direction, Origin
from callcontrol.sip.session import Phase, Session
from hil.desk import Desk
from hil.net import Host, Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(240)]

REALM = "kommun.example"
DESK_IP, PHONE_IP = "10.96.0.1", "10.96.0.11"
NUMBER = "1001"
PCMA = (Codec(8, "PCMA", 8000),)
STILL_S = 1.0
"""While nobody looks, what the phone says waits in our socket."""
REFRESHED_S = 75.0
"""A session of 90 s is refreshed after 45."""

Phone = Baresip | Linphone
Kind = TypeVar("Kind")


class Ours(Desk):
    """An agent that answers all offers; calls that come are taken by `takes`."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, DESK_IP, self._happens, session_s=MIN_SE_S)
        self.events: list[SessionEvent] = []
        self.takes: Callable[[Session, float], object] = lambda session, now: session.ring(180, now)
        self._versions = itertools.count(1)
        self._sound = host.socket(socket.SOCK_DGRAM)
        self._packets = itertools.count(1)

    def close(self) -> None:
        super().close()
        self._sound.close()

    def turn(self, for_s: float) -> None:
        """With a little sound: linphone hangs up on whoever is silent for 30 s."""
        super().turn(for_s)
        for session in {event.session for event in self.events if isinstance(event, Invited | Answered)}:
            sound = Description.parse(session.remote).audio if session.phase is Phase.UP else None
            if sound is not None:
                at = next(self._packets)
                self._sound.sendto(
                    struct.pack("!BBHII", 0x80, 8, at, at * 160, 1) + b"\xd5" * 160, (PHONE_IP, sound.port)
                )

    def local(self, direction: Direction = Direction.SENDRECV) -> Local:
        origin = Origin("desk", 1, next(self._versions), f"IN IP4 {DESK_IP}")
        return Local(origin, DESK_IP, 40_000, able=PCMA, direction=direction)

    def says(self, direction: Direction = Direction.SENDRECV) -> bytes:
        return offer(self.local(direction)).to_bytes()

    def calls(self, replaces: Replaces | None = None) -> Session:
        uri, now = f"sip:{NUMBER}@{PHONE_IP}", time.monotonic()
        return self.ua.invite(uri, now, from_=f"<sip:desk@{REALM}>", body=self.says(), replaces=replaces)

    def up(self) -> Session:
        session = self.calls()
        self.until(lambda: session.phase is Phase.UP, "up")
        return session

    def called(self, phone: Phone, number: str = "2001") -> Session:
        """Dialled by the phone; it rings here, and no more."""
        self.events.clear()
        phone.dial(f"sip:{number}@{DESK_IP}")
        self.until(lambda: bool(self.of(Invited)), "called")
        return self.of(Invited)[-1].session

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def asks(self, session: Session, body: bytes) -> Direction:
        """An offer of ours; which way the phone answers that its sound goes."""
        self.events.clear()
        assert session.offer(body, time.monotonic())
        self.until(lambda: bool(self.of(Agreed)), "agreed")
        sound = Description.parse(self.of(Agreed)[-1].body).audio
        assert sound is not None
        return sound.direction

    def ends(self, session: Session) -> None:
        session.end(time.monotonic())
        self.until(lambda: session.phase is Phase.OVER, "over")

    def answers(self, method: str) -> list[int]:
        """The final statuses that the phone has given to our requests of that method."""
        return [m.status for m in self.came if isinstance(m, Response) and m.cseq.method == method and m.status >= 200]

    def asked(self, method: str) -> int:
        """How many requests of that method the phone has sent, sent again or not."""
        return sum(isinstance(message, Request) and message.method == method for message in self.came)

    def _happens(self, event: SessionEvent, now: float) -> None:
        self.events.append(event)
        match event:
            case Invited(session):
                self.takes(session, now)
            case Progressed(session, _, body, True) | Answered(session, _, body, True) | Offered(session, body):
                sound = Description.parse(body).audio if body else None
                session.reply(self.says(sound.direction.mirrored if sound is not None else Direction.SENDRECV), now)


House = tuple[Ours, Phone]


@contextmanager
def _house(kind: str, **more: int) -> Iterator[House]:
    with Net("fon") as net:
        lan = net.switch("lan")
        host, place = net.host("desk"), net.host("phone")
        lan.join(host, "eth0", f"{DESK_IP}/24")
        lan.join(place, "eth0", f"{PHONE_IP}/24")
        ours = Ours(host)
        account = Account(NUMBER, "secret", REALM, f"{DESK_IP}:5060", register_s=0)
        phone: Phone
        if kind == "baresip":
            phone = Baresip(place, PHONE_IP, account, 500.0)
        else:
            phone = Linphone(place, PHONE_IP, account, 500.0, options=("100rel", "timer"), sip=more)
        try:
            phone.start()
            yield ours, phone
        finally:
            phone.kill()
            ours.close()


@pytest.fixture(params=["baresip", "linphone"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with _house(request.param) as house:
        yield house


@pytest.fixture
def linphone() -> Iterator[House]:
    with _house("linphone") as house:
        yield house


def test_held_in_every_writing_offers_that_cross_and_a_late_answer(house: House) -> None:
    ours, phone = house
    session = ours.up()
    assert ours.asks(session, ours.says(Direction.SENDONLY)) is Direction.RECVONLY
    assert ours.asks(session, ours.says()) is Direction.SENDRECV
    before_3264 = ours.says().replace(f"c=IN IP4 {DESK_IP}".encode(), b"c=IN IP4 0.0.0.0")
    assert ours.asks(session, before_3264) is Direction.SENDRECV  # it says nothing of it, and sends nowhere
    assert ours.asks(session, ours.says(Direction.INACTIVE)) is Direction.INACTIVE
    assert ours.asks(session, ours.says()) is Direction.SENDRECV

    # Its offer lies in our socket when ours is made: both are refused (491), and made again.
    phone.hold()
    time.sleep(STILL_S)
    ours.events.clear()
    assert session.offer(ours.says(), time.monotonic())
    ours.until(lambda: bool(ours.of(Agreed)), "agreed")
    if isinstance(phone, Baresip):  # linphone asks once only
        ours.until(lambda: bool(ours.of(Offered)), "the phone's as well")
    assert not ours.of(OfferRefused)
    assert [m.status for m in ours.sent if isinstance(m, Response) and m.status == 491]
    assert session.phase is Phase.UP
    ours.ends(session)
    ours.until(lambda: phone.call.closed_at is not None, "hung up")

    # The 200 lies in our socket when the call is given up: acknowledged, and ended.
    ours.events.clear()
    late = ours.calls()
    ours.until(lambda: bool(ours.of(Progressed)), "rings")
    time.sleep(STILL_S)
    ours.ends(late)
    ours.until(lambda: phone.call.closed_at is not None, "hung up")
    assert [(event.by, event.session) for event in ours.of(Ended)] == [(EndedBy.LOCAL, late)]
    assert ours.answers("BYE")[-1] == 200
    assert not ours.discarded


def test_early_answers_are_acknowledged_and_offers_changed_before_anybody_lifts(linphone: House) -> None:
    """100rel and UPDATE (RFC 3262, 3311): linphone dials, hears a 183, and what is agreed on changes before the 200."""
    ours, phone = linphone

    def early(session: Session, now: float) -> None:
        made = answer(Description.parse(session.remote), ours.local())
        assert made is not None
        session.ring(183, now, made.to_bytes())

    ours.takes = early
    session = ours.called(phone)
    ours.until(lambda: ours.asked("PRACK") > 0, "acknowledged")
    assert ours.asks(session, ours.says()) is Direction.SENDRECV
    assert ours.answers("UPDATE") == [200]
    assert session.answer(b"", time.monotonic())
    ours.until(lambda: ours.asked("ACK") > 0, "up")
    ours.ends(session)
    assert not ours.discarded


def test_a_call_is_taken_over_early_or_up_and_referred(linphone: House) -> None:
    """INVITE with Replaces (RFC 3891) of a call that linphone has dialled and nobody answered, and of one that is up;
    and REFER with Replaces, by which it is to take over one itself."""
    ours, phone = linphone
    early = ours.called(phone)
    time.sleep(STILL_S)  # it has heard that it rings
    taking = ours.calls(early.replaces)
    ours.until(lambda: taking.phase is Phase.UP and early.phase is Phase.OVER, "taken over early")
    again = ours.calls(taking.replaces)
    ours.until(lambda: again.phase is Phase.UP and taking.phase is Phase.OVER, "taken over")
    ours.ends(again)

    again = ours.up()  # in one that has come by Replaces linphone would say that once more

    ours.events.clear()
    replaces = Replaces("nobody@here", "to", "from")
    assert again.refer(ReferTo(ReferTo.parse(f"<sip:2002@{DESK_IP}>").uri, replaces), time.monotonic())
    ours.until(lambda: bool(ours.of(Notified)) and ours.of(Notified)[-1].final, "told of it")
    assert [event.status for event in ours.of(Notified)] == [100, 481]
    assert again.phase is Phase.UP
    ours.ends(again)


@pytest.mark.parametrize("by", ["ours", "phone"])
def test_a_session_is_refreshed(by: str) -> None:
    """RFC 4028, by UPDATE: linphone is called and refreshes; it dials and leaves that to who is called."""
    on = {"value": MIN_SE_S, "min_value": MIN_SE_S, "enabled": 1, "refresher_value": 1}
    with _house("linphone", **{f"session_expires_{key}": value for key, value in on.items()}) as (ours, phone):
        if by == "phone":
            session = ours.up()
            ours.until(lambda: ours.asked("UPDATE") > 0, "refreshed", REFRESHED_S)
        else:
            session = ours.called(phone)
            assert session.answer(ours.says(), time.monotonic())
            ours.until(lambda: session.phase is Phase.UP and ours.asked("ACK") > 0, "up")
            ours.until(lambda: ours.answers("UPDATE") == [200], "refreshed", REFRESHED_S)
        assert session.phase is Phase.UP
        ours.ends(session)
        assert not ours.discarded


def test_a_session_of_which_the_phone_knows_nothing_is_refreshed_by_us() -> None:
    """baresip knows neither timers nor UPDATE: whom it calls says the same offer again, which it takes."""
    with _house("baresip") as (ours, phone):
        session = ours.called(phone)
        granted = expiry.granted(session.request)
        assert (granted.refresher, session.branch is not None and session.branch.updates) == ("uas", False)
        assert session.answer(ours.says(), time.monotonic())
        ours.until(lambda: session.phase is Phase.UP and ours.asked("ACK") > 0, "up")
        session.offering.refresh(time.monotonic())  # half an hour later
        ours.until(lambda: ours.answers("INVITE") == [200], "refreshed")
        assert session.phase is Phase.UP
        ours.ends(session)
        assert not ours.discarded
