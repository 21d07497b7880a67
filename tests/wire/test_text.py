"""Real-time text (RFC 4103, H4) between real phones in a call that our switch leads: it passes both ways, follows a
transfer, and is refused by who cannot, with whom the sound goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from callcontrol.call import Happened
from callcontrol.sip.sdp import Description
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.texting import RUNNING, TextPhone
from tests.wire.test_switch import DESK_IP, PHONES, PICK_UP, REALM, TONES, Board, leg

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

TEXTING = ("1001", "1002", "1003")
PLAIN = "1004"
READ_S = 6.0
LOOK_S = 0.1
AGAIN = 3
"""liblinphone 5.1 may lose what its second sender writes first, though it comes to its port (seen on the wire), and
reads what it writes then."""

House = tuple[Board, list[TextPhone], Baresip]


@pytest.fixture
def house() -> Iterator[House]:
    with Net("txt") as net, ExitStack() as stack:
        lan = net.switch("lan")
        host = net.host("desk")
        lan.join(host, "eth0", f"{DESK_IP}/24")
        hosts = {number: net.host(f"p{number}") for number in PHONES}
        for number, ip in PHONES.items():
            lan.join(hosts[number], "eth0", f"{ip}/24")
        made = [TextPhone(hosts[number], PHONES[number], number) for number in TEXTING]
        phones = [stack.enter_context(phone) for phone in made]
        account = Account(PLAIN, "secret", REALM, f"{DESK_IP}:5060", register_s=0)
        plain = Baresip(hosts[PLAIN], PHONES[PLAIN], account, TONES[PLAIN])
        plain.start()
        stack.callback(plain.kill)
        desk = Board(host)
        stack.callback(desk.close)
        yield desk, phones, plain


def uri(number: str) -> str:
    return f"sip:{number}@{DESK_IP}"


def write(desk: Board, one: TextPhone, other: TextPhone, words: str, times: int = 1) -> None:
    """It is written, and read whole by the other; written again, at most so many `times`, where it was not."""
    other.written = ""
    for _ in range(times):
        one.write(words)
        until = time.monotonic() + READ_S
        while words not in other.written and time.monotonic() < until:
            desk.turn(LOOK_S)
        if words in other.written:
            return
    raise AssertionError(f"{other.number} has read {other.written!r} of {words!r}")


def texts_of(said: bytes) -> list[bool]:
    """Of each text in a description: whether it was taken."""
    return [media.port > 0 for media in Description.parse(said).medias if media.kind == "text"]


def test_text_passes_and_follows_a_transfer(house: House) -> None:
    desk, (one, two, three), _ = house
    one.dial(uri(two.number))
    desk.until_said(Happened.CONNECTED)
    desk.until(lambda: one.state == two.state == RUNNING, "up")
    write(desk, one, two, "Hej på dig")
    write(desk, two, one, "Åh, hej!")
    desk.events.clear()
    two.transfer(uri(three.number))
    desk.until_said(Happened.CONNECTED)
    desk.until(lambda: one.state == three.state == RUNNING, "led on")
    write(desk, one, three, "Är det du")
    write(desk, three, one, "Ja, jag", AGAIN)
    one.hang_up()
    desk.until_said(Happened.OVER)
    assert not desk.discarded


def test_two_who_have_both_called_write_to_each_other(house: House) -> None:
    """One calls, another picks that up: of two offers the unit makes two answers."""
    desk, (one, two, _), plain = house
    plain.answers = False
    one.dial(uri(PLAIN))
    desk.until_said(Happened.RINGING)
    two.dial(uri(f"{PICK_UP}{PLAIN}"))
    desk.until_said(Happened.CONNECTED)
    desk.until(lambda: one.state == two.state == RUNNING, "picked up")
    write(desk, one, two, "Hej på dig")
    write(desk, two, one, "Åh, hej!")
    two.hang_up()
    desk.until_said(Happened.OVER)


def test_who_cannot_write_is_spoken_with(house: House) -> None:
    desk, (one, *_), plain = house
    one.dial(uri(PLAIN))
    desk.until_said(Happened.CONNECTED)
    desk.until(lambda: one.state == RUNNING, "up")
    assert texts_of(leg(desk, "1001").session.remote) == [True], "it was offered"
    assert texts_of(leg(desk, "1001").session.local) == [False], "and is refused in its place"
    desk.until(lambda: plain.call.established_at is not None, "spoken with")
    plain.hang_up()
    desk.until_said(Happened.OVER)
