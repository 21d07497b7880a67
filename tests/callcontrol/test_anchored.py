"""When calls without sound are ended, and what ends them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from callcontrol.anchored import SILENT_S, Silence, bye_of
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request, Response

ASKED = Request.new("OPTIONS", "sip:legs@127.0.0.1", from_="<sip:c@h>;tag=a", to="<sip:c@h>", call_id="c", cseq=1)
BYE = (
    b"BYE sip:1001@10.98.0.11:5060;alias=10.98.0.11~5060~1 SIP/2.0\r\nMax-Forwards: 70\r\n"
    b"Route: <sip:127.0.0.1:5068;transport=tcp;lr;k=0123456789abcdef>\r\n"
    b"From: <sip:1002@r>;tag=p\r\nTo: <sip:1001@r>;tag=q\r\nCall-ID: x\r\nCSeq: 2147483647 BYE\r\n\r\n"
)
"""As cfg/75-media.cfg writes it; Via is the agent's to add."""


def handed(body: bytes, status: int = 200) -> Response:
    return Response.answering(ASKED, status, body=body)


@pytest.mark.parametrize(
    ("seen", "at_s", "lasts"),
    [
        ([], 100, False),
        ([(0, True)], SILENT_S - 0.1, False),
        ([(0, True)], SILENT_S, True),
        ([(0, True), (5, True), (10, True)], SILENT_S, True),
        ([(0, False)], 100, False),
        ([(0, True), (19, False)], 100, False),
        ([(0, True), (5, False), (6, True)], SILENT_S + 5, False),
        ([(0, True), (5, False), (6, True)], SILENT_S + 6, True),
    ],
)
def test_a_flap_is_no_silence(seen: Sequence[tuple[float, bool]], at_s: float, lasts: bool) -> None:
    silence = Silence()
    for now_s, dead in seen:
        silence.sees(dead, now_s)
    assert silence.lasts(at_s) is lasts


def test_the_bye_that_the_edge_hands_over() -> None:
    bye = bye_of(handed(BYE))
    assert bye is not None
    assert (bye.cseq.number, bye.to.tag, bye.routes[0].uri.params["k"]) == (2**31 - 1, "q", "0123456789abcdef")
    assert bye.header("Via") is None


@pytest.mark.parametrize("response", [None, handed(b"", 404), handed(BYE, 503)])
def test_nothing_to_end(response: Response | None) -> None:
    assert bye_of(response) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\x00",
        BYE[:60],
        BYE.replace(b"BYE", b"INVITE"),
        BYE.replace(b";tag=q", b""),
        BYE.replace(b"Route", b"X-Route"),
        BYE.replace(b"Call-ID: x\r\n", b""),
        BYE.replace(b"sip:1001@10.98.0.11:5060", b"<null>"),
    ],
)
def test_what_cannot_be_sent_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteError):
        bye_of(handed(body))
