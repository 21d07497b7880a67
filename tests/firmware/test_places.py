"""Where the unit's own sound may go: to a phone, and never to ourselves, to everybody, or to others' services."""

from __future__ import annotations

import asyncio

import pytest

from firmware.places import NoPlace, Places

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


def test_more_lines_than_any_phone_has() -> None:
    offer = OFFER.format("192.0.2.1", 40_000) + "a=x\r\n" * 200
    with pytest.raises(NoPlace, match="lines"):
        asyncio.run(Places().open(offer.encode()))
