"""What ends an answer that came too late."""

from __future__ import annotations

import pytest

from callcontrol.late import REMEMBERED_MAX, REMEMBERED_S, LateAnswers
from callcontrol.sip.errors import RemoteError

ROUTES = (
    "<sip:10.99.0.2;lr>",
    "<sip:10.99.0.1;lr;r2=on;k=0123456789abcdef>, <sip:10.98.0.1;lr;r2=on;k=0123456789abcdef>",
)


def answer(
    call_id: str = "a",
    to: str = "<sip:1002@r>;tag=p",
    cseq: str = "2 INVITE",
    status: int = 200,
    contact: str = "sip:x@y",
) -> bytes:
    routes = "".join(f"Record-Route: {route}\r\n" for route in ROUTES)
    return (
        f"SIP/2.0 {status} OK\r\nVia: SIP/2.0/UDP 10.99.0.1;branch=z9hG4bK1\r\n{routes}From: <sip:1001@r>;tag=c\r\n"
        f"To: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: <sip:x@y>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_each_copy_is_acknowledged_and_the_first_ended() -> None:
    late = LateAnswers()
    first, again = late.receive(answer(), 0.0), late.receive(answer(), 0.5)
    assert first.bye is not None
    assert again.bye is None
    assert first.ack == again.ack
    assert (first.ack.method, first.ack.uri, first.ack.cseq.number) == ("ACK", "sip:x@y", 2)
    assert (first.bye.method, first.bye.cseq.number, first.bye.to.tag) == ("BYE", 3, "p")
    nearest = [route.text for route in first.bye.routes]
    assert nearest[0].startswith("<sip:10.98.0.1"), "the caller's side of this unit, then the platform"
    assert nearest[-1] == "<sip:10.99.0.2;lr>"


def test_another_branch_and_another_time_are_another_answer() -> None:
    late = LateAnswers()
    late.receive(answer(), 0.0)
    assert late.receive(answer(to="<sip:1002@r>;tag=q"), 0.1).bye is not None
    assert late.receive(answer(), REMEMBERED_S).bye is not None


def test_what_is_remembered_has_an_end() -> None:
    late = LateAnswers()
    for number in range(REMEMBERED_MAX + 50):
        late._until_s[(str(number), "c", "p")] = 1e9
    late.receive(answer(), 0.0)
    assert len(late._until_s) <= REMEMBERED_MAX


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 100,
        answer()[:120],
        answer(status=180),
        answer(cseq="2 BYE"),
        answer(to="<sip:1002@r>"),
        answer().replace(b"Contact", b"X-Contact"),
        b"INVITE sip:x@y SIP/2.0\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteError):
        LateAnswers().receive(data, 0.0)
