"""The book of the calls that a process leads: whoever comes after it finds what is up, and nothing else."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest

from callcontrol.sip.agent import Agent
from callcontrol.sip.dialog import LAST_CSEQ
from callcontrol.sip.message import Request, Response
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import UserAgent
from firmware.led import Book

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)
EDGE = "sip:127.0.0.1:5062;transport=tcp;lr;k=0a1b"
PHONE = "sip:1002@10.98.0.12:5060;alias=10.98.0.12~5061~2"


def token() -> str:
    return secrets.token_hex(8)


class Led:
    """One who calls, and the phone that answers."""

    def __init__(self, book: Book) -> None:
        self.ua = UserAgent(Agent("127.0.0.1:40000", token), "<sip:calls@127.0.0.1>", token, random.uniform)
        self.ua.turned = book.turned

    def call(self) -> Session:
        session = self.ua.invite("sip:1002@r", 0.0, from_="<sip:1001@r>", body=OFFER)
        self.answer(Request.parse(self.ua.data_to_send()), tag=token())
        return session

    def answer(self, request: Request, tag: str = "") -> None:
        headers = [("Contact", f"<{PHONE}>"), ("Record-Route", f"<{EDGE}>"), ("Content-Type", "application/sdp")]
        response = Response.answering(request, 200, headers=headers if tag else (), body=OFFER if tag else b"")
        if tag:
            response = response.with_header("To", f"{response.to.text};tag={tag}")
        self.ua.receive(response.to_bytes(), 0.0)
        if tag:
            assert self.ua.data_to_send().startswith(b"ACK ")


def test_what_is_up_is_left_and_what_is_over_is_not(tmp_path: Path) -> None:
    book = Book(tmp_path / "led")
    assert book.left() == []
    led = Led(book)
    one, other = led.call(), led.call()
    assert {one.phase, other.phase} == {Phase.UP}
    one.end(1.0)
    assert len(book.left()) == 2, "until the phone has heard it"
    led.answer(Request.parse(led.ua.data_to_send()))
    assert one.phase is Phase.OVER
    (bye,) = Book(tmp_path / "led").left()
    assert (bye.method, bye.uri, bye.call_id) == ("BYE", PHONE, other.request.call_id)
    assert [route.uri.text for route in bye.routes] == [EDGE]
    assert (bye.from_.tag, bye.cseq.number) == (other.request.from_.tag, LAST_CSEQ)
    assert bye.to.tag
    book.ended(bye)
    assert book.left() == []


@pytest.mark.parametrize("torn", [b"", b"BYE sip:1002@10.98.0.12 SIP/2.0\r\nFrom: <sip:1001@r>;tag=a\r\n"])
def test_what_it_died_over_is_nothing(tmp_path: Path, torn: bytes) -> None:
    book = Book(tmp_path / "led")
    Led(book).call()
    (file,) = (tmp_path / "led").iterdir()
    (tmp_path / "led" / "torn").write_bytes(torn)
    assert len(book.left()) == 1
    assert list((tmp_path / "led").iterdir()) == [file]


def test_a_call_is_led_where_there_is_no_disk(tmp_path: Path) -> None:
    (tmp_path / "led").write_bytes(b"")
    book = Book(tmp_path / "led")
    led = Led(book)
    session = led.call()
    assert session.phase is Phase.UP
    session.end(1.0)
    led.answer(Request.parse(led.ua.data_to_send()))
    assert (session.phase, book.left()) == (Phase.OVER, [])
