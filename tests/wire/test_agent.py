"""Our agent against platforms that others made: registers by digest, is refused, calls and is called, through them."""

from __future__ import annotations

import itertools
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from callcontrol.digest import ha1
from callcontrol.sip.agent import (
    AckReceived,
    Agent,
    Event,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
    TransactionId,
)
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Credentials
from callcontrol.sip.message import Request, Response
from hil.net import Host, Net
from hil.platform.asterisk import AsteriskPlatform
from hil.platform.kamailio import KamailioPlatform

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

REALM = "region.example"
PLATFORM_IP, PHONE_IP = "10.97.0.1", "10.97.0.2"
USERS = {"1001": "one", "1002": "two"}
STEP_S = 30.0
MOMENT_S = 0.01
QUIET_S = 1.5
"""Longer than a platform waits before it sends again what was not acknowledged."""
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 10.97.0.2\r\ns=-\r\nc=IN IP4 10.97.0.2\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)
Transport = Literal["TCP", "UDP"]


class Phone:
    """An agent, its socket, and who it is; those in a room go on together."""

    def __init__(
        self, room: list[Phone], host: Host, user: str, port: int, transport: Transport, password: str = ""
    ) -> None:
        room.append(self)
        self._room = room
        self.user, self.at = user, f"{PHONE_IP}:{port}"
        self._socket = host.socket(socket.SOCK_STREAM if transport == "TCP" else socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((PHONE_IP, port))
        self._socket.connect((PLATFORM_IP, 5060))
        self._socket.settimeout(MOMENT_S)
        self._agent = Agent(self.at, lambda: secrets.token_hex(8), transport=transport)
        self.contact = f'<sip:{user}@{self.at};transport={transport.lower()}>;+sip.instance="<urn:uuid:{user}>"'
        secret = password or USERS[user]
        self.credentials = Credentials(user, REALM, {"md5": ha1(user, REALM, secret, "md5")})
        self.events: deque[Event] = deque()
        self._cseqs = itertools.count(1, 10)
        self._call_id = secrets.token_hex(8)

    def close(self) -> None:
        self._socket.close()

    def request(self, method: str, to: str = "", *headers: tuple[str, str], body: bytes = b"") -> Request:
        return Request.new(
            method,
            f"sip:{to}@{REALM}" if to else f"sip:{REALM}",
            from_=f"<sip:{self.user}@{REALM}>;tag={secrets.token_hex(4)}",
            to=f"<sip:{to or self.user}@{REALM}>",
            call_id=self._call_id if method == "REGISTER" else secrets.token_hex(8),
            cseq=next(self._cseqs),
            headers=(*headers, *((("Content-Type", "application/sdp"),) if body else ())),
            body=body,
        )

    def ask(self, request: Request) -> Response:
        """Sends it and gives the final answer."""
        identity = self.begin(request)
        return self.final(identity)

    def begin(self, request: Request) -> TransactionId:
        identity = self._agent.request(request, time.monotonic(), self.credentials)
        self._write()
        return identity

    def final(self, identity: TransactionId) -> Response:
        def of_it(event: Event) -> bool:
            assert not isinstance(event, TransactionFailed), event
            return isinstance(event, ResponseReceived) and event.id == identity and event.response.status >= 200

        event = self.wait(of_it)
        assert isinstance(event, ResponseReceived)
        return event.response

    def answer(self, event: RequestReceived, status: int, body: bytes = b"") -> None:
        headers = [("Contact", self.contact.partition(";+")[0])]
        headers += [("Content-Type", "application/sdp")] if body else []
        response = Response.answering(event.request, status, headers=headers, body=body)
        assert self._agent.respond(event.id, response, time.monotonic())
        self._write()

    def send(self, ack: Request) -> None:
        self._agent.send(ack)
        self._write()

    def asked(self, method: str) -> RequestReceived:
        event = self.wait(lambda event: isinstance(event, RequestReceived) and event.request.method == method)
        assert isinstance(event, RequestReceived)
        return event

    def wait(self, wanted: Callable[[Event], bool]) -> Event:
        """The first such event; those before it are passed over, but an OPTIONS, which is answered."""
        until = time.monotonic() + STEP_S
        while time.monotonic() < until:
            while self.events:
                event = self.events.popleft()
                if wanted(event):
                    return event
                if isinstance(event, RequestReceived) and event.request.method == "OPTIONS":
                    self.answer(event, 200)
            for phone in self._room:
                phone.turn()
        raise AssertionError(f"{self.user}: not within {STEP_S} s")

    def turn(self) -> None:
        """Reads what is there, or comes within a moment, and does what is due."""
        self._agent.on_timer(time.monotonic())
        try:
            data = self._socket.recv(65_536)
            assert data, "the platform closed the connection"
            self._agent.receive(data, time.monotonic())
        except TimeoutError:
            pass
        while (event := self._agent.next_event()) is not None:
            self.events.append(event)
        self._write()

    def _write(self) -> None:
        while data := self._agent.data_to_send():
            self._socket.sendall(data)


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with Net("sip") as net:
        platform, phones = net.host("platform"), net.host("phones")
        net.link(platform, "eth0", f"{PLATFORM_IP}/24", phones, "eth0", f"{PHONE_IP}/24")
        yield platform, phones


def registers(phone: Phone) -> None:
    contact = ("Contact", phone.contact)
    accepted = phone.ask(phone.request("REGISTER", "", contact, ("Expires", "60")))
    assert accepted.status == 200
    (bound,) = accepted.contacts
    assert bound.uri.text == f"sip:{phone.user}@{phone.at};transport={phone.contact.partition('transport=')[2][:3]}"
    again = phone.ask(phone.request("REGISTER", "", contact, ("Expires", "60")))
    assert (again.status, len(again.contacts)) == (200, 1)


def calls(caller: Phone, callee: Phone) -> None:
    """The callee refuses, then answers; the caller ends it."""
    refused = caller.begin(caller.request("INVITE", callee.user, ("Contact", caller.contact), body=SDP))
    callee.answer(callee.asked("INVITE"), 486)
    assert caller.final(refused).status == 486
    call = caller.begin(caller.request("INVITE", callee.user, ("Contact", caller.contact), body=SDP))
    rung = callee.asked("INVITE")
    callee.answer(rung, 180)
    callee.answer(rung, 200, SDP)
    answer = caller.final(call)
    assert answer.status == 200
    dialog = Dialog.of_answer(answer)
    caller.send(dialog.ack())
    callee.wait(lambda event: isinstance(event, AckReceived))
    ended = caller.begin(dialog.bye())
    callee.answer(callee.asked("BYE"), 200)
    assert caller.final(ended).status == 200


def quiet(room: list[Phone]) -> None:
    """Nobody is asked anything any more."""
    until = time.monotonic() + QUIET_S
    while time.monotonic() < until:
        for phone in room:
            phone.turn()
    assert not [event for phone in room for event in phone.events if isinstance(event, RequestReceived)]


@pytest.fixture
def room() -> Iterator[list[Phone]]:
    phones: list[Phone] = []
    yield phones
    for phone in phones:
        phone.close()


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_kamailio(hosts: tuple[Host, Host], room: list[Phone], transport: Transport) -> None:
    platform = KamailioPlatform(hosts[0], PLATFORM_IP, realm=REALM, users=USERS)
    platform.start()
    one, two = Phone(room, hosts[1], "1001", 5071, transport), Phone(room, hosts[1], "1002", 5072, transport)
    wrong = Phone(room, hosts[1], "1001", 5073, transport, "wrong")
    registers(one)
    registers(two)
    asked = platform.seen()["REGISTER"]
    # By UDP one that is slow to be answered is sent again.
    assert asked == 8 or (transport == "UDP" and asked > 8), "four times, each challenged once"
    assert wrong.ask(wrong.request("REGISTER", "", ("Contact", wrong.contact))).status == 401
    tried = platform.seen()["REGISTER"] - asked
    assert tried == 2 or (transport == "UDP" and tried > 2), "a wrong password is tried once"
    assert one.ask(one.request("OPTIONS")).status == 200
    assert one.ask(one.request("INVITE", "1999", ("Contact", one.contact), body=SDP)).status == 404
    calls(one, two)
    quiet(room)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_asterisk(hosts: tuple[Host, Host], room: list[Phone]) -> None:
    platform = AsteriskPlatform(hosts[0], PLATFORM_IP, realm=REALM, users=USERS, path=False)
    platform.start()
    one, two = Phone(room, hosts[1], "1001", 5071, "UDP"), Phone(room, hosts[1], "1002", 5072, "UDP")
    wrong = Phone(room, hosts[1], "1001", 5073, "UDP", "wrong")
    registers(one)
    registers(two)
    assert wrong.ask(wrong.request("REGISTER", "", ("Contact", wrong.contact))).status == 401
    assert one.ask(one.request("INVITE", "1999", ("Contact", one.contact), body=SDP)).status == 404
    calls(one, two)
    platform.stop()
