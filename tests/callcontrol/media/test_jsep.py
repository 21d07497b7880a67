"""A browser's offer and what it is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.media.jsep import CANDIDATES_MAX, PEER, Candidate, Transport, answer, answered_with
from callcontrol.sip.errors import RemoteError

PRINT = ":".join(["AB"] * 32)
OFFER = f"""\
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 50000 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.7
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 network-id 1
a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active
a=candidate:3 1 udp 2122260222 0a8d6d4e-6ab4-4f2c-9d1a-1a1a1a1a1a1a.local 50001 typ host
a=ice-ufrag:mxVR
a=ice-pwd:qH4kjYjC2kVwFhG8m1Kp3xTa
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
"""
"""Shortened from Chromium's."""
OURS = Transport("ufra", "p" * 22, (("sha-256", PRINT),), (Candidate("1", 2130706431, "192.0.2.1", 40000),))


@pytest.mark.parametrize(
    ("voice", "payload", "event", "formats"),
    [
        ("PCMA", 8, 126, b"8 126"),
        ("PCMU", 0, 126, b"0 126"),
        ("G722", 9, 126, b"9 126"),
        ("opus", 111, 110, b"111 110"),
    ],
)
def test_one_voice_with_its_keys_is_answered(voice: str, payload: int, event: int, formats: bytes) -> None:
    agreed = answer(OFFER.encode(), (voice,))
    assert agreed is not None
    settings = agreed.settings
    assert (settings.format.name, settings.payload_type, settings.event_type) == (voice, payload, event)
    assert settings.comfort_type is None
    assert settings.remote == PEER
    said = answered_with(agreed, OURS, 77)
    assert b"m=audio 9 UDP/TLS/RTP/SAVPF " + formats + b"\r\n" in said
    for line in (
        "mid:0",
        "rtcp-mux",
        "setup:active",
        f"fingerprint:sha-256 {PRINT}",
        "group:BUNDLE 0",
        "ssrc:77 cname:rvx",
    ):
        assert f"\r\na={line}\r\n".encode() in said
    assert b"\r\na=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\n" in said


def test_how_it_is_reached() -> None:
    agreed = answer(OFFER.encode())
    assert agreed is not None
    assert agreed.settings.format.name == "PCMA", "our order, not the browser's"
    assert agreed.theirs == Transport(
        "mxVR", "qH4kjYjC2kVwFhG8m1Kp3xTa", (("sha-256", PRINT),), (Candidate("1", 2122260223, "192.0.2.7", 50000),)
    )
    many = "".join(f"a=candidate:9 1 UDP 1 192.0.2.7 {port} typ host\r\n" for port in range(4001, 4040))
    bounded = answer(OFFER.replace("a=setup", f"{many}a=setup").encode())
    assert bounded is not None
    assert len(bounded.theirs.candidates) == CANDIDATES_MAX


def test_other_media_are_refused_in_their_places() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n"
    agreed = answer((OFFER + video).encode())
    assert agreed is not None
    said = answered_with(agreed, OURS, 1)
    assert said.index(b"m=audio 9 ") < said.index(b"m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n")
    assert b"a=group:BUNDLE 0\r\n" in said


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("a=rtcp-mux\n", "", "rtcp-mux"),
        ("a=setup:actpass", "a=setup:active", "setup"),
        ("a=ice-ufrag:mxVR", "a=ice-ufrag:m", "ice-ufrag"),
        ("a=ice-ufrag:mxVR", "a=ice-ufrag:mx\tVR", "ice-ufrag"),
        ("a=ice-pwd:qH4kjYjC2kVwFhG8m1Kp3xTa", "a=ice-pwd:short", "ice-pwd"),
        ("sha-256", "md5", "fingerprint"),
        ("sha-256", "sha-1", "fingerprint"),
        (PRINT, PRINT[:-1], "fingerprint"),
        ("192.0.2.7 50000 typ", "192.0.2.777 50000 typ", "candidate"),
        ("192.0.2.7 50000 typ", "192.0.2.7 0 typ", "candidate"),
        ("192.0.2.7 50000 typ", "192.0.2.7 53 typ", "candidate"),
        ("192.0.2.7 50000 typ", "127.0.0.1 50000 typ", "candidate"),
        ("192.0.2.7 50000 typ", "ff02::1 50000 typ", "candidate"),
        ("udp 2122260223 ", f"udp {1 << 32} ", "candidate"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "m="),
        ("m=audio 50000", "m=audio 0", "m="),
        ("v=0", "v=1", "v="),
    ],
)
def test_what_is_no_browsers_offer_is_refused_by_its_line(old: str, new: str, field: str) -> None:
    assert old in OFFER
    with pytest.raises(RemoteError, match=field):
        answer(OFFER.replace(old, new).encode())


@given(st.data())
def test_whatever_comes_is_answered_or_refused_by_its_line(data: st.DataObject) -> None:
    """Lines left out, said twice, in another order, or with bytes of anybody's."""
    lines = OFFER.encode().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(("out", "twice", "elsewhere", "broken"))):
            case "out" if len(lines) > 1:
                del lines[at]
            case "twice":
                lines.insert(at, lines[at])
            case "elsewhere":
                lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case _:
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + data.draw(st.binary(max_size=8)) + lines[at][cut + 1 :]
    agreed, field = None, "SDP"
    try:
        agreed = answer(b"\r\n".join(lines) + b"\r\n")
    except RemoteError as error:
        field = error.field
    assert field.startswith("SDP")
    if agreed is not None:
        assert answered_with(agreed, OURS, 1).startswith(b"v=0\r\n")
        assert 0 < len(agreed.theirs.candidates) <= CANDIDATES_MAX


def test_nothing_in_common() -> None:
    assert answer(OFFER.replace("PCMA", "GSM-EFR").replace(" 0 8 ", " 0 98 ").encode(), ("PCMA",)) is None
    assert answer(OFFER.encode(), ()) is None
