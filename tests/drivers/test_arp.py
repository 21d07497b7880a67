"""The frame that tells a network where an address is now."""

from drivers.arp import announce, announcement

CARD = bytes.fromhex("02005e005301")


def test_the_frame_is_that_of_rfc_5227() -> None:
    frame = announcement(CARD, "10.98.0.1")
    assert frame.hex(" ") == (
        "ff ff ff ff ff ff 02 00 5e 00 53 01 08 06"  # to everybody, from the card, ARP
        " 00 01 08 00 06 04 00 01"  # Ethernet, IPv4, their lengths, a request
        " 02 00 5e 00 53 01 0a 62 00 01"  # sender
        " 00 00 00 00 00 00 0a 62 00 01"  # target: the same address
    )


def test_addresses_of_others_are_not_announced() -> None:
    announce(["192.0.2.77"])
