"""Session descriptions as phones write them, and as nobody should; what is answered."""

from __future__ import annotations

import contextlib
import random

import pytest

from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.offer import ABLE, Local, Negotiation, Stage, answer, offer
from callcontrol.sip.sdp import Codec, Crypto, Description, Direction, Origin

OURS = Local(Origin("rvx", 7, 1, "IN IP4 192.0.2.9"), "192.0.2.9", 20_000)

PHONE = b"""v=0
o=1001 8000 8001 IN IP4 192.0.2.1
s=A call
c=IN IP4 192.0.2.1
t=0 0
m=audio 11780 RTP/AVP 18 8 96 101 97
a=rtpmap:18 G729/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:30
a=rtcp:11781
m=text 11782 RTP/AVP 98
a=rtpmap:98 t140/1000
m=video 0 RTP/AVP 99
"""

BROWSER = b"""v=0
o=- 46117 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:63 red/48000/2
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ice-ufrag:GYSJ
a=sendrecv
"""

SECRET = (
    PHONE.replace(b"audio 11780 RTP/AVP", b"audio 11780 RTP/SAVP")
    + b"""m=audio 11790 RTP/SAVP 8
a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA
a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:BBBB|2^20|1:4
a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:CCCC|2^31
a=crypto:no
"""
)


def changed(old: bytes, new: bytes, of: bytes = PHONE) -> Description:
    assert old in of
    return Description.parse(of.replace(old, new))


def test_what_a_phone_says() -> None:
    said = Description.parse(PHONE)
    audio, text, video = said.medias
    assert said.audio is audio
    assert (audio.kind, audio.port, audio.address, audio.ptime_ms) == ("audio", 11_780, "192.0.2.1", 30)
    assert audio.codecs == (
        Codec(18, "G729", 8000),
        Codec(8, "PCMA", 8000),
        Codec(96, "opus", 48_000, 2, "useinbandfec=1"),
        Codec(101, "telephone-event", 8000, 1, "0-15"),
    )
    assert (text.kind, text.codecs[0].name, video.port) == ("text", "t140", 0)
    assert not said.holds
    assert said.to_bytes() == PHONE.replace(b"\n", b"\r\n")
    assert Description.parse(said.to_bytes()) == said


def test_what_a_browser_says_is_no_hold() -> None:
    said = Description.parse(BROWSER)
    assert said.audio is not None
    assert said.audio.direction is Direction.SENDRECV
    assert [codec.name for codec in said.audio.codecs][:3] == ["opus", "red", "G722"]
    assert said.to_bytes() == BROWSER.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        (b"a=ptime:30", b"a=sendonly", Direction.SENDONLY),
        (b"a=ptime:30", b"a=inactive", Direction.INACTIVE),
        (b"a=ptime:30", b"a=recvonly", Direction.RECVONLY),
        (b"t=0 0", b"t=0 0\na=sendonly", Direction.SENDONLY),
        (b"c=IN IP4 192.0.2.1", b"c=IN IP4 0.0.0.0", Direction.SENDONLY),
        (b"a=ptime:30", b"c=IN IP4 0.0.0.0\na=recvonly", Direction.INACTIVE),
    ],
)
def test_hold_in_all_its_ways(old: bytes, new: bytes, direction: Direction) -> None:
    said = changed(old, new)
    assert said.audio is not None
    assert said.audio.direction is direction
    assert said.holds is not direction.receives
    answered = answer(said, OURS)
    assert answered is not None
    assert answered.medias[0].direction is direction.mirrored
    back = said.with_direction(Direction.SENDRECV)
    assert back.holds is (b"0.0.0.0" in new)


def test_the_answer_keeps_the_other_s_order_and_numbers_and_all_its_media() -> None:
    answered = answer(Description.parse(PHONE), OURS)
    assert answered is not None
    assert Description.parse(answered.to_bytes()) == answered
    audio, text, video = answered.medias
    assert [(codec.payload, codec.name) for codec in audio.codecs] == [
        (8, "PCMA"),
        (96, "opus"),
        (101, "telephone-event"),
    ]
    assert (audio.port, text.port, video.port) == (20_000, 0, 0)
    assert (text.kind, text.protocol, text.formats) == ("text", "RTP/AVP", ("98",))
    assert answered.origin == OURS.origin


@pytest.mark.parametrize(
    "said",
    [
        changed(b"RTP/AVP 18 8 96 101 97", b"RTP/AVP 18 101"),
        changed(b"audio 11780", b"audio 0"),
        changed(b"audio 11780 RTP/AVP", b"audio 11780 RTP/SAVP"),
        Description.parse(BROWSER),
        Description.parse(b"v=0\no=- 1 1 IN IP4 a\ns=-\nt=0 0\n"),
    ],
)
def test_nothing_in_common_is_no_answer(said: Description) -> None:
    assert answer(said, OURS) is None


def test_srtp_by_the_better_suite_that_both_know() -> None:
    said = Description.parse(SECRET)
    assert said.medias[-1].cryptos[1] == Crypto(2, "AES_CM_128_HMAC_SHA1_32", "BBBB", "|2^20|1:4")
    assert answer(said, OURS) is None
    local = Local(OURS.origin, OURS.address, OURS.port, crypto_key="DDDD")
    answered = answer(said, local)
    assert answered is not None
    assert [media.port for media in answered.medias] == [0, 0, 0, 20_000]
    assert answered.medias[-1].cryptos == (Crypto(3, "AES_CM_128_HMAC_SHA1_80", "DDDD"),)
    assert "DDDD" not in repr(answered.medias[-1].cryptos)
    offered = offer(local)
    assert offered.medias[0].secure
    assert [crypto.tag for crypto in offered.medias[0].cryptos] == [1, 2]


def test_our_offer_is_answered_by_ourselves() -> None:
    offered = Description.parse(offer(OURS).to_bytes())
    answered = answer(offered, Local(Origin("b", 1, 1, "IN IP6 2001:db8::1"), "2001:db8::1", 4))
    assert answered is not None
    assert answered.medias[0].codecs == tuple(ABLE)
    assert Description.parse(answered.to_bytes()).medias[0].address == "2001:db8::1"


REFUSED = [
    (PHONE.replace(b"v=0", b"v=1"), "SDP v="),
    (PHONE.replace(b"o=1001", b"x=1001"), "SDP o="),
    (PHONE.replace(b"8000 8001", b"x y"), "SDP o="),
    (b"", "SDP"),
    (b"v=0", "SDP o="),
    (PHONE + b"a=x\n" * 200, "SDP"),
    (PHONE + b"a=" + b"x" * 2_001, "SDP"),
    (PHONE + b"m=audio 1 RTP/AVP 0\n" * 6, "SDP m="),
    (PHONE.replace(b"11780", b"70000"), "SDP m="),
    (PHONE.replace(b"11780", b"-1"), "SDP m="),
    (PHONE.replace(b"18 8 96", b"18 8 128"), "SDP m="),
    (PHONE.replace(b"18 8 96", b"18 x 96"), "SDP m="),
    (PHONE.replace(b"18 8 96", b"8 " * 60), "SDP m="),
    (PHONE.replace(b"PCMA/8000", b"PCMA"), "SDP a=rtpmap"),
    (PHONE.replace(b"c=IN IP4 192.0.2.1\n", b""), "SDP c="),
    (PHONE.replace(b"c=IN IP4 192.0.2.1", b"c=IN IP4 a b"), "SDP c="),
    (PHONE.replace(b"a=ptime:30", b"a=\x00"), "SDP"),
    (PHONE.replace(b"a=ptime:30", b""), "SDP"),
]


def test_what_cannot_be_is_refused_by_its_line() -> None:
    for body, field in REFUSED:
        with pytest.raises(RemoteError) as refused:
            Description.parse(body)
        assert refused.value.field == field, body


def test_truncated_and_noisy_ones_never_break() -> None:
    rng = random.Random(4566)
    for body in (PHONE, BROWSER, SECRET):
        for end in range(0, len(body), 7):
            noisy = bytearray(body)
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
            for hostile in (body[:end], bytes(noisy)):
                with contextlib.suppress(RemoteError):
                    said = Description.parse(hostile)
                    answer(said, OURS)
                    assert Description.parse(said.to_bytes()) == said


def test_a_line_break_is_never_written() -> None:
    with pytest.raises(LocalError, match="line break"):
        Description.new(Origin("a\r\nm=audio 1 RTP/AVP 0", 1, 1, "IN IP4 a"), "a", []).to_bytes()


def test_whose_turn_it_is() -> None:
    talk = Negotiation()
    talk.sends(b"1")
    with pytest.raises(LocalError):
        talk.sends(b"2")
    assert talk.receives(b"3") is False
    assert talk.receives(b"4") is True
    with pytest.raises(RemoteError):
        talk.receives(b"5")
    talk.refused()
    assert (talk.stage, talk.local, talk.remote) == (Stage.STABLE, b"1", b"3")
    talk.sends(b"6")
    talk.refused()
    assert (talk.local, talk.remote, talk.tried) == (b"1", b"3", b"6")
