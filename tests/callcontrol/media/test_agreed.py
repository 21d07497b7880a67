"""What two ends agree on: both must read the same of an offer and its answer."""

from __future__ import annotations

import pytest

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.rtp import Numbering
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.offer import ABLE, EVENT
from callcontrol.sip.sdp import Direction

ONE, OTHER = ("192.0.2.1", 30000), ("192.0.2.2", 30002)


def ends(name: str = "", *, secure: bool = False, direction: Direction = Direction.SENDRECV) -> list[LegSettings]:
    """What the one who offers and the one who answers have of it."""
    able = [codec for codec in ABLE if not name or codec.name in (name, EVENT, "CN")]
    one, other = OwnEnd(*ONE, able), OwnEnd(*OTHER)
    offered = one.offer(direction, secure=secure)
    answered = other.answer(offered)
    assert answered is not None
    settings = one.agreed(offered, answered[0])
    assert settings is not None
    return [settings, answered[1]]


@pytest.mark.parametrize(
    ("name", "event", "comfort"), [("PCMA", 101, 13), ("PCMU", 101, 13), ("G722", 101, 13), ("opus", 110, None)]
)
def test_both_read_the_same(name: str, event: int, comfort: int | None) -> None:
    offerer, answerer = ends(name)
    assert (offerer.remote, answerer.remote) == (OTHER, ONE)
    for settings in (offerer, answerer):
        assert (settings.format.name, settings.event_type, settings.comfort_type) == (name, event, comfort)
        assert settings.sends
        assert settings.receives
        assert settings.keys is None


def test_one_voice_of_all_is_answered() -> None:
    found = OwnEnd(*OTHER).answer(OwnEnd(*ONE).offer())
    assert found is not None
    assert b"m=audio 30002 RTP/AVP 8 101 13\r\n" in found[0]


def test_events_of_8_khz_beside_any_voice() -> None:
    """As baresip offers them."""
    offered = OwnEnd(*ONE).offer().replace(b"8 0 9 111 101 110 13", b"111 101")
    found = OwnEnd(*OTHER).answer(offered)
    assert found is not None
    assert (found[1].format.name, found[1].event_type) == ("opus", 101)


@pytest.mark.parametrize(
    ("direction", "hears", "is_heard"),
    [(Direction.SENDONLY, False, True), (Direction.RECVONLY, True, False), (Direction.INACTIVE, False, False)],
)
def test_who_is_to_be_heard(direction: Direction, hears: bool, is_heard: bool) -> None:
    offerer, answerer = ends(direction=direction)
    assert (offerer.sends, offerer.receives) == (is_heard, hears)
    assert (answerer.sends, answerer.receives) == (hears, is_heard)


def test_what_the_one_seals_the_other_opens() -> None:
    one, other = (Leg(settings, Numbering(1, 2, 3)) for settings in ends("PCMA", secure=True))
    for sender, hearer, source in ((one, other, ONE), (other, one, OTHER)):
        sealed = sender.send_payload(bytes(160))
        assert sealed is not None
        assert len(sealed) > 12 + 160, "with its tag of authentication"
        packet = hearer.receive(sealed, source, 0.0)
        assert packet is not None
        assert packet.payload == bytes(160)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"RTP/AVP 8 0 9 111 101 110 13", b"RTP/AVP 3 18"),
        (b"RTP/AVP 8 0 9 111 101 110 13", b"RTP/AVP 101"),
        (b"RTP/AVP", b"RTP/SAVP"),
        (b"m=audio 30000", b"m=audio 0"),
        (b"m=audio", b"m=video"),
    ],
)
def test_nothing_in_common(old: bytes, new: bytes) -> None:
    offered = OwnEnd(*ONE).offer()
    assert old in offered
    assert OwnEnd(*OTHER).answer(offered.replace(old, new)) is None


def test_an_answer_that_takes_nothing() -> None:
    one = OwnEnd(*ONE)
    offered = one.offer()
    answered = OwnEnd(*OTHER).answer(offered)
    assert answered is not None
    assert one.agreed(offered, answered[0].replace(b"m=audio 30002", b"m=audio 0")) is None


def offered_with(key: bytes) -> bytes:
    head, found, rest = OwnEnd(*ONE).offer(secure=True).partition(b"inline:")
    assert found
    return head + key + rest[40:].replace(b"inline:", b"outline:")


@pytest.mark.parametrize("key", [b"inline:", b"inline:!", b"outline:AAAA"])
def test_no_key_is_nothing_in_common(key: bytes) -> None:
    assert OwnEnd(*OTHER).answer(offered_with(key)) is None


@pytest.mark.parametrize("key", [b"inline:AAAA", b"inline:" + b"A" * 44])
def test_a_key_that_is_none(key: bytes) -> None:
    with pytest.raises(RemoteError, match="crypto"):
        OwnEnd(*OTHER).answer(offered_with(key))


def test_no_answer_to_our_key() -> None:
    one, other = OwnEnd(*ONE), OwnEnd(*OTHER)
    offered = one.offer(secure=True)
    answered = other.answer(offered)
    assert answered is not None
    lines = [line for line in answered[0].split(b"\r\n") if b"crypto" not in line]
    with pytest.raises(RemoteError, match="crypto"):
        one.agreed(offered, b"\r\n".join(lines))
