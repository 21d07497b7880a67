"""Where the unit's own sound may go: to a phone, and never to ourselves, to everybody, or to others' services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.events import events_of
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.rtp import Numbering, Packet
from callcontrol.media.webrtc import Peer
from firmware.places import NoPlace, Place, Places

OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} RTP/AVP 8\r\n"


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("127.0.0.1", 40_000),
        ("224.0.0.1", 40_000),
        ("255.255.255.255", 40_000),
        ("0.0.0.0", 40_000),
        ("phone.example", 40_000),
        ("192.0.2.1", 53),
        ("192.0.2.1", 5060),
        ("192.0.2.1", 0),
    ],
)
def test_no_sound_goes_there(address: str, port: int) -> None:
    places = Places()
    with pytest.raises(NoPlace):
        asyncio.run(places.open(OFFER.format(address, port).encode()))
    assert places.room


def test_a_phone_on_this_machine_is_heard_where_there_may_be_one() -> None:
    async def opened(port: int) -> None:
        places = Places(here=True)
        try:
            place = await places.open(OFFER.format("127.0.0.1", port).encode())
            assert b"c=IN IP4 127.0.0.1" in place.answer(OFFER.format("127.0.0.1", port).encode())
        finally:
            places.close()

    asyncio.run(opened(40_000))
    with pytest.raises(NoPlace):
        asyncio.run(opened(5066))  # not to a process of ours


def test_more_lines_than_any_phone_has() -> None:
    offer = OFFER.format("192.0.2.1", 40_000) + "a=x\r\n" * 200
    with pytest.raises(NoPlace, match="lines"):
        asyncio.run(Places().open(offer.encode()))


class Quiet:
    """A wire on which nothing is sent."""

    def __init__(self) -> None:
        self.leg: Leg | None = None
        self.on_packet: Callable[[Packet], None] = lambda packet: None

    def agree(self, settings: LegSettings) -> Leg:
        self.leg = Leg(settings, Numbering(1, 1, 1))
        return self.leg

    def send(self, data: bytes | None) -> None:
        """Into nothing."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("ways", "heeded"), [("ieie", "02"), ("eiei", "02"), ("eee", "012"), ("iii", "012")])
def test_who_sends_each_key_in_two_ways_is_heeded_in_one(ways: str, heeded: str) -> None:
    """i: by an INFO, e: as an event; each way the key of its place."""
    far = ("192.0.2.9", 4_000)
    wire = Quiet()
    place = Place(OwnEnd("192.0.2.1", 30_000), wire, lambda place: None, lambda remote: remote[0])
    assert place.answer(OwnEnd(*far).offer())
    assert wire.leg is not None
    event_type = wire.leg.settings.event_type
    assert event_type is not None
    numbering = Numbering(2, 1, 1)
    for key, way in enumerate(ways):
        if way == "i":
            place.press(str(key))
            continue
        for packet in events_of(str(key), numbering, event_type):
            heard = wire.leg.receive(bytes(packet), far, 0.0)
            assert heard is not None
            wire.on_packet(heard)
    assert "".join(place.keys.get_nowait() for _ in range(place.keys.qsize())) == heeded


async def test_a_browser_has_a_place_of_its_own() -> None:
    places = Places()
    free = places.room
    place = await places.open_browser()
    assert places.room == free - 1
    assert place.answer(b"v=0\r\n") == b"", "what is no offer is answered by nothing"
    place.close()
    assert places.room == free
    assert isinstance(place.wire, Peer)
    await place.wire.closed()
