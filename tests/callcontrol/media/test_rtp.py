"""RTP, RTCP, SRTP, telephone events, comfort noise, the latch, and a leg made of them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.media import comfort, rtcp
from callcontrol.media.codecs import FORMATS
from callcontrol.media.events import Event, Events, events_of
from callcontrol.media.leg import MAX_KEYS, Leg, LegSettings
from callcontrol.media.pcm import FRAME_BYTES, SILENCE, loudness
from callcontrol.media.rtp import Latch, Numbering, Packet, is_rtcp, parse
from callcontrol.media.srtp import Keys, Secured, new_key, parse_key
from callcontrol.sip.sdp import SUITES

PHONE, STRANGER = ("10.0.0.5", 4000), ("10.0.0.9", 4000)
# RFC 3550 §5.1, written by hand: version 2, marker, PCMA, one contributing source, an extension of one word, two
# bytes of padding.
FULL = bytes.fromhex("b188 0102 00000a00 deadbeef 00000001 bede0001 10ff0000 d5d5 0002".replace(" ", ""))
# RFC 4733 §2.5.1: digit 1, end, volume 10, 800 units.
DIGIT_1 = bytes.fromhex("018a0320")


def test_packets_are_read_and_written_as_the_rfc_has_them() -> None:
    packet = parse(FULL)
    assert packet == Packet(8, 0x0102, 0x0A00, 0xDEADBEEF, b"\xd5\xd5", marker=True)
    assert parse(bytes(packet)) == packet
    bad = {
        "length": FULL[:11],
        "version": b"\x31" + FULL[1:],
        "padding": FULL[:-1] + b"\xff",
        "extension": b"\x9f" + FULL[1:16],
        "header": bytes.fromhex("8f080102000000000000000000000000"),
    }
    for field, data in bad.items():
        with pytest.raises(ValueError, match=field):
            parse(data)


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_nothing_that_comes_by_wire_is_worse_than_a_value_error(data: bytes) -> None:
    leg = _leg(event_type=101, comfort_type=13)
    leg.listening = True
    leg.receive(data, PHONE, 0.0)
    leg.receive(bytes([0x80, 8]) + data, PHONE, 0.0)
    leg.receive(bytes([0x80, 101]) + data, PHONE, 0.0)
    leg.receive(bytes([0x80, 13]) + data, PHONE, 0.0)
    leg.receive(bytes([0x81, 200]) + data, PHONE, 0.0)
    assert len(leg.pull(0.02)) == FRAME_BYTES


def test_a_latch_closes_once_and_only_to_whom_it_may() -> None:
    latch = Latch(("10.0.0.5", 4000), frozenset({"192.0.2.7"}))
    assert not latch.takes(("10.0.0.9", 4000))
    assert latch.towards == ("10.0.0.5", 4000)
    assert latch.takes(("192.0.2.7", 61234))
    assert latch.towards == ("192.0.2.7", 61234)
    assert not latch.takes(("10.0.0.5", 4000)), "closed: not even to whom the SDP names"
    assert latch.dropped == 2


def test_an_event_is_sent_and_heard_once_whatever_is_lost() -> None:
    assert Event.parse(DIGIT_1) == Event(1, 800, end=True)
    assert bytes(Event(1, 800, end=True)) == DIGIT_1
    numbering = Numbering(1, 65530, 2**32 - 320)
    packets = [packet for key in "5#" for packet in events_of(key, numbering, 101, ms=100)]
    first = [Event.parse(packet.payload) for packet in packets[:7]]
    assert [event.duration for event in first] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in first] == [False] * 4 + [True] * 3
    assert {packet.timestamp for packet in packets[:7]} == {2**32 - 160}
    assert [packet.marker for packet in packets[:7]] == [True] + [False] * 6
    assert [packet.sequence for packet in packets[:7]] == [65531, 65532, 65533, 65534, 65535, 0, 1]
    for left in (packets, packets[6::-1] + packets[:6:-1], [packets[6], packets[13]], packets + packets):
        events = Events()
        heard = [press for packet in left if (press := events.heard(packet))]
        assert sorted(press.key for press in heard) == ["#", "5"]
        assert all(press.ended and press.duration == 800 for press in heard)
    with pytest.raises(ValueError, match="key"):
        events_of("x", numbering, 101)


def test_a_flood_of_keys_is_no_person() -> None:
    events = Events()
    heard = [events.heard(Packet(101, n, n * 8, 7, bytes(Event(n % 10, 80, end=True)))) for n in range(8000)]
    assert sum(press is not None for press in heard) <= 8.0 * 25 + 1
    assert events.heard(Packet(101, 1, 999_999, 7, b"\x10\x80")) is None, "cut off"
    assert events.heard(Packet(101, 2, 999_999, 7, bytes(Event(16, 80, end=True)))) is None, "flash is no key"


def test_reports_say_what_was_lost() -> None:
    numbering, reception = Numbering(1, 0, 0), rtcp.Reception(8000)
    for n in (*range(65500, 65536), *range(10)):
        if n != 3:
            reception.heard(Packet(8, n, 0, 2, b""), 0.0)
    assert (reception.expected, reception.lost) == (46, 1)
    data = rtcp.report(numbering, reception, "rvx", 1_800_000_000.5, 0.0, bye=True)
    assert is_rtcp(data)
    heard = rtcp.parse(data, ours=2)
    assert heard.bye
    assert heard.parts == (201, 202, 203)
    assert heard.fraction_lost == 5 / 256
    numbering.packet(8, b"x")
    assert rtcp.parse(rtcp.report(numbering, reception, "rvx", 0.0, 0.0), ours=2).fraction_lost == 0.0
    with pytest.raises(ValueError, match="part"):
        rtcp.parse(data[:-2], ours=2)
    assert len(data) % 4 == 0


def test_how_long_sound_is_on_its_way_is_told_by_both() -> None:
    """A clock of each, 20 ms there, 30 ms back; the peer answers after 1.5 s."""
    leg, peer = _leg(), _leg()
    peer.receive(leg.send_payload(b"p") or b"", PHONE, 500.02)
    peer.receive(leg.report(1_800_000_000.0, 10.0), PHONE, 500.02)
    assert leg.round_trip_s is None
    leg.receive(peer.report(7.0, 501.52), PHONE, 11.55)
    assert leg.round_trip_s == pytest.approx(0.05, abs=0.001)
    leg.receive(peer.report(7.0, 501.52), PHONE, 900.0)
    assert leg.round_trip_s == pytest.approx(0.05, abs=0.001), "what cannot be is passed over"


def test_comfort_noise_is_as_loud_as_the_peer_says() -> None:
    assert comfort.level_of(comfort.payload(50)) == 50
    assert loudness(b"".join(comfort.noise(50))) == pytest.approx(32767 * 10 ** (-2.5), rel=0.1)
    assert comfort.noise(100)[0] == SILENCE
    leg = _leg(comfort_type=13)
    leg.receive(bytes(Packet(13, 1, 0, 9, comfort.payload(50))), PHONE, 0.0)
    assert loudness(leg.pull(0.02)) > 50


def test_srtp_opens_only_what_has_the_key() -> None:
    ours, theirs = new_key(), new_key()
    inline = "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"
    assert parse_key(f"{inline}|2^20") == b"0123456789abcdef0123456789abcd"
    for text in ("inline:!!", "inline:aGVq", f"{inline}|1:4", "other:x"):
        with pytest.raises(ValueError, match="crypto"):
            parse_key(text)
    for suite in SUITES:
        near, far = Secured(Keys(suite, ours, theirs)), Secured(Keys(suite, theirs, ours))
        sent = near.seal(bytes(Packet(8, 1, 160, 7, b"\xd5" * 160)))
        assert far.opened(sent) == bytes(Packet(8, 1, 160, 7, b"\xd5" * 160))
        assert far.opened(sent) is None, "repeated"
        assert far.opened(sent[:-1] + bytes([sent[-1] ^ 1])) is None
        assert far.rejected == 2
        report = rtcp.report(Numbering(7, 0, 0), rtcp.Reception(8000), "rvx", 0.0, 0.0)
        assert far.opened(near.seal_rtcp(report), rtcp=True) == report


def test_a_leg_takes_what_was_agreed_on_from_one_source_and_counts_the_rest() -> None:
    leg = _leg(event_type=101)
    sound = Packet(8, 1, 160, 9, b"\xd5" * 160)
    assert leg.receive(bytes(sound), STRANGER, 0.0) is None
    assert leg.receive(bytes(Packet(0, 1, 160, 9, b"")), PHONE, 0.0) is None
    assert leg.receive(b"\0" * 40, PHONE, 0.0) is None
    assert not leg.latched
    assert leg.receive(bytes(sound), PHONE, 0.0) == sound
    assert leg.receive(bytes(sound), STRANGER, 0.0) is None
    assert (leg.drops.elsewhere, leg.drops.unknown, leg.drops.malformed) == (2, 1, 1)
    peer = _leg(event_type=101)
    peer.press("7")
    for _ in range(8):
        leg.receive(peer.send(SILENCE) or b"", PHONE, 0.0)
    assert leg.pressed() == "7"
    assert leg.pressed() == ""
    leg.receive(peer.report(0.0, 0.0, bye=True), PHONE, 0.0)
    assert leg.peer_said_bye
    with pytest.raises(ValueError, match="events"):
        _leg().press("1")
    for _ in range(MAX_KEYS):
        leg.press("1")
    with pytest.raises(ValueError, match="wait"):
        leg.press("1")


def test_what_comes_after_a_silence_says_so() -> None:
    leg = _leg()
    marked = [parse(leg.send_payload(b"p") or b"").marker for _ in range(2)]
    leg.begins = True  # something else is played
    marked += [parse(leg.send_payload(b"p") or b"").marker for _ in range(2)]
    assert leg.send_payload(b"") is None  # a codec's own silence
    marked.append(parse(leg.send_payload(b"p") or b"").marker)
    assert marked == [True, False, True, False, True]


def test_sound_is_passed_on_unopened_with_its_gaps() -> None:
    """A prompt, then what another leg hears, with a packet lost and two in the wrong order."""
    leg = _leg()
    sent = [parse(leg.send_payload(b"p") or b"")]
    for sequence in (9, 11, 10, 13):
        sent.append(parse(leg.relay(Packet(8, sequence, sequence * 160, 5, b"x")) or b""))
    sent.append(parse(leg.send_payload(b"p") or b""))
    first = sent[0]
    assert [(packet.sequence - first.sequence) & 0xFFFF for packet in sent] == [0, 1, 3, 2, 5, 6]
    assert [(packet.timestamp - first.timestamp) & 0xFFFFFFFF for packet in sent] == [0, 160, 480, 320, 800, 960]
    assert {packet.ssrc for packet in sent} == {first.ssrc}
    assert leg.relay(Packet(101, 1, 1, 5, DIGIT_1), event=True) is None, "the peer takes none"
    assert struct.unpack_from("!B", leg.report(0.0, 0.0), 1) == (200,)


def _leg(event_type: int | None = None, comfort_type: int | None = None) -> Leg:
    agreed = LegSettings(
        format=FORMATS["PCMA"], payload_type=8, event_type=event_type, comfort_type=comfort_type, remote=PHONE
    )
    return Leg(agreed, Numbering(77, 65530, 2**32 - 500))
