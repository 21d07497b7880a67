"""The frames by which a network is asked who has an address, and told where it is now."""

import pytest

from drivers.arp import announce, announcement, is_claim, probe, taken

CARD, OTHER = bytes.fromhex("02005e005301"), bytes.fromhex("02005e005302")


def test_the_frames_are_those_of_rfc_5227() -> None:
    head = (
        "ff ff ff ff ff ff 02 00 5e 00 53 01 08 06"  # to everybody, from the card, ARP
        " 00 01 08 00 06 04 00 01"  # Ethernet, IPv4, their lengths, a request
        " 02 00 5e 00 53 01"  # the sender's card
    )
    ip, nobody, no_card = " 0a 62 00 01", " 00 00 00 00", " 00 00 00 00 00 00"
    assert announcement(CARD, "10.98.0.1").hex(" ") == head + ip + no_card + ip
    assert probe(CARD, "10.98.0.1").hex(" ") == head + nobody + no_card + ip


def test_who_claims_an_address() -> None:
    assert is_claim(announcement(OTHER, "10.98.0.1"), CARD, "10.98.0.1")
    assert is_claim(announcement(OTHER, "10.98.0.1") + bytes(18), CARD, "10.98.0.1"), "filled up to 60 bytes"
    assert not is_claim(announcement(OTHER, "10.98.0.2"), CARD, "10.98.0.1")
    assert not is_claim(announcement(CARD, "10.98.0.1"), CARD, "10.98.0.1"), "our own"
    assert not is_claim(probe(OTHER, "10.98.0.1"), CARD, "10.98.0.1"), "it asks, as we do"


@pytest.mark.parametrize("length", range(0, 42, 3))
def test_a_cut_frame_claims_nothing_wrong(length: int) -> None:
    frame = announcement(OTHER, "10.98.0.1")[:length]
    assert is_claim(frame, CARD, "10.98.0.1") == (length >= 32)


def test_addresses_of_others_are_no_matter_of_ours() -> None:
    announce(["192.0.2.77"])
    assert taken(["192.0.2.77"]) == ()
