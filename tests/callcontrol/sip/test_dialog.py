"""The ACK and the BYE for an answer that comes late, from nothing but the answer."""

from __future__ import annotations

import pytest

from callcontrol.sip.dialog import Dialog
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Response

LATE = (
    "SIP/2.0 200 OK\r\n"
    "Via: SIP/2.0/UDP 10.99.0.1:5060;branch=z9hG4bKedge\r\nVia: SIP/2.0/UDP phone;branch=z9hG4bKphone\r\n"
    "Record-Route: <sip:10.99.0.2;lr;did=1>\r\nRecord-Route: <sip:10.99.0.1;lr;k=key>, <sip:inner;lr>\r\n"
    'From: "Åke" <sip:1001@region>;tag=f\r\nTo: <sip:1002@region>;tag=t\r\nCall-ID: c\r\nCSeq: 17 INVITE\r\n'
    "Contact: <sip:1002@10.99.0.9:5062;transport=udp;ob>;+sip.instance=x\r\nContent-Length: 0\r\n\r\n"
).encode()


def test_ack_and_bye_follow_the_route_back() -> None:
    dialog = Dialog.of_answer(Response.parse(LATE))
    for request, cseq in ((dialog.ack(), "17 ACK"), (dialog.bye(), "18 BYE")):
        assert request.uri == "sip:1002@10.99.0.9:5062;transport=udp;ob"
        assert [route.text for route in request.routes] == [
            "<sip:inner;lr>",
            "<sip:10.99.0.1;lr;k=key>",
            "<sip:10.99.0.2;lr;did=1>",
        ]
        assert str(request.cseq) == cseq
        assert (request.from_.text, request.to.text) == ('"Åke" <sip:1001@region>;tag=f', "<sip:1002@region>;tag=t")
        assert (request.call_id, request.header("Max-Forwards")) == ("c", "70")
        assert request.header("Via") is None


def test_without_a_route_it_goes_straight() -> None:
    bye = Dialog.of_answer(Response.parse(LATE).with_header("Record-Route")).bye()
    assert bye.routes == ()


def test_a_strict_router_stands_in_the_request_uri() -> None:
    """RFC 3261 §12.2.1.1."""
    answer = Response.parse(LATE).with_header("Record-Route", "<sip:far;lr>", "<sip:strict>")
    ack = Dialog.of_answer(answer).ack()
    assert ack.uri == "sip:strict"
    assert [str(route) for route in ack.routes] == ["<sip:far;lr>", "<sip:1002@10.99.0.9:5062;transport=udp;ob>"]


@pytest.mark.parametrize(
    ("header", "values", "field"),
    [
        ("Contact", (), "Contact"),
        ("Contact", ("*",), "Contact"),
        ("Contact", ("<sip:a>, <sip:b>",), "Contact"),
        ("To", ("<sip:1002@region>",), "To"),
        ("CSeq", ("17 BYE",), "CSeq"),
        ("Record-Route", ("<sip:a;lr",), "Record-Route"),
    ],
)
def test_what_makes_no_dialog(header: str, values: tuple[str, ...], field: str) -> None:
    with pytest.raises(RemoteError) as refused:
        Dialog.of_answer(Response.parse(LATE).with_header(header, *values))
    assert refused.value.field == field


def test_a_refusal_makes_no_dialog() -> None:
    with pytest.raises(RemoteError, match="486"):
        Dialog.of_answer(Response.parse(LATE.replace(b"200 OK", b"486 No")))
