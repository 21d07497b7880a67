"""Real phones in a call that our switch leads: answered, held, taken back, transferred, and who hears whom."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from callcontrol.call import CallEvent, Dial, Happened, Leg, Switch
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited, SessionEvent
from hil.desk import Desk
from hil.net import Host, Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.sound import holds

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

REALM = "kommun.example"
DESK_IP = "10.96.0.1"
PHONES = {"1001": "10.96.0.11", "1002": "10.96.0.12", "1003": "10.96.0.13", "1004": "10.96.0.14"}
TONES = {"1001": 500.0, "1002": 700.0, "1003": 1_100.0, "1004": 1_500.0}
PICK_UP, FETCH = "81", "71"
HEARD_S = 1.0


class Board(Desk):
    """The switch, with what a plan would say: a phone may call any of the others."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, DESK_IP, self._happens)
        self.switch = Switch(self.ua, self, REALM)
        self.events: list[CallEvent] = []

    def to(self, wanting: str, number: str) -> Dial | Refusal:
        if number in PHONES:
            return Dial(number, f"sip:{number}@{PHONES[number]}")
        return Refusal(404, "Finns Inte / Not Found", 1, "unallocated number")

    def until_said(self, what: Happened) -> None:
        self.until(lambda: any(event.what is what for event in self.events), what.name)

    def _happens(self, event: SessionEvent, now: float) -> None:
        match event:
            case Invited(session, request, _, None):
                caller, number = request.from_.uri.user, request.request_uri.user
                dial = self.to(caller, number)
                if number.startswith(PICK_UP):
                    assert self.switch.pick_up(number.removeprefix(PICK_UP), event, caller, now)
                elif number.startswith(FETCH):
                    assert self.switch.fetch(number.removeprefix(FETCH), event, caller, now)
                elif isinstance(dial, Refusal):
                    session.refuse(dial.status, now, dial.phrase)
                else:
                    self.switch.connect(event, caller, [dial], now)
            case _:
                self.switch.saw(event, now)
        while (said := self.switch.next_event()) is not None:
            self.events.append(said)


House = tuple[Board, Baresip, Baresip, Linphone, Linphone]


@pytest.fixture
def house() -> Iterator[House]:
    with Net("swi") as net:
        lan = net.switch("lan")
        host = net.host("desk")
        lan.join(host, "eth0", f"{DESK_IP}/24")
        desk = Board(host)
        hosts = {number: net.host(f"p{number}") for number in PHONES}
        for number, ip in PHONES.items():
            lan.join(hosts[number], "eth0", f"{ip}/24")
        accounts = {number: Account(number, "secret", REALM, f"{DESK_IP}:5060", register_s=0) for number in PHONES}
        one, two = (
            Baresip(hosts[number], PHONES[number], accounts[number], TONES[number]) for number in ("1001", "1002")
        )
        three, four = (
            Linphone(hosts[number], PHONES[number], accounts[number], TONES[number]) for number in ("1003", "1004")
        )
        phones = (one, two, three, four)
        for phone in phones:
            phone.start()
        yield desk, one, two, three, four
        for phone in phones:
            phone.kill()
        desk.close()


def hears(desk: Board, one: Baresip | Linphone, other: Baresip | Linphone) -> None:
    desk.until(lambda: holds(one.heard(), other.tone_hz, HEARD_S), f"{one.account.extension} hears")


def closed(desk: Board, phone: Baresip | Linphone) -> None:
    desk.until(lambda: phone.call.closed_at is not None, f"{phone.account.extension} is out")


def test_held_taken_back_and_transferred(house: House) -> None:
    desk, one, two, three, _ = house
    one.dial("1002")
    desk.until_said(Happened.CONNECTED)
    hears(desk, one, two)
    hears(desk, two, one)
    two.hold()
    desk.until(lambda: b"a=sendonly" in leg(desk, "1002").session.remote, "held")
    two.resume()
    desk.until(lambda: b"a=sendrecv" in leg(desk, "1002").session.remote, "taken back")
    desk.events.clear()
    two.transfer("1003")
    desk.until_said(Happened.CONNECTED)
    closed(desk, two)
    hears(desk, three, one)
    three.hang_up()
    desk.until_said(Happened.OVER)
    closed(desk, one)
    assert not desk.discarded


@pytest.mark.long
def test_attended_transfer(house: House) -> None:
    """linphone talks with one, holds, calls another, and joins the two (REFER with Replaces). What baresip hears, which
    was held, is not looked at: it throws away what a second sender says (hil/phone/baresip.py)."""
    desk, one, _, three, four = house
    one.dial("1003")
    desk.until_said(Happened.CONNECTED)
    hears(desk, one, three)
    three.hold()
    desk.until(lambda: b"a=sendonly" in leg(desk, "1003").session.remote, "held")
    desk.events.clear()
    three.dial("1004")
    desk.until_said(Happened.CONNECTED)
    desk.until(lambda: all(side.answered for call in desk.switch.calls for side in call.sides), "acknowledged")
    three.join(1, 2)
    desk.until_said(Happened.TRANSFERRED)
    closed(desk, three)
    hears(desk, four, one)
    told = leg(desk, "1001").session.local.decode()
    assert PHONES["1004"] in told
    assert not re.search(r"^a=(sendonly|recvonly|inactive)", told, re.MULTILINE)
    one.hang_up()
    desk.until_said(Happened.OVER)
    closed(desk, four)
    assert not desk.discarded


def test_picked_up_parked_and_fetched(house: House) -> None:
    """Two who have both called hear each other; then the one of them waits, and the phone that rang takes it."""
    desk, one, two, three, _ = house
    two.answers = False
    three.dial("1002")
    desk.until_said(Happened.RINGING)
    one.dial(f"{PICK_UP}1002")
    desk.until_said(Happened.CONNECTED)
    hears(desk, one, three)
    hears(desk, three, one)
    closed(desk, two)
    desk.until(lambda: leg(desk, "1001").answered and leg(desk, "1003").answered, "acknowledged")
    assert desk.switch.park(leg(desk, "1001"), "1", time.monotonic())
    closed(desk, one)
    two.dial(f"{FETCH}1")
    desk.until_said(Happened.FETCHED)
    hears(desk, two, three)
    two.hang_up()
    desk.until_said(Happened.OVER)
    closed(desk, three)
    assert not desk.discarded


def leg(desk: Board, number: str) -> Leg:
    (found,) = (leg for call in desk.switch.calls for leg in call.sides if leg.number == number)
    return found
