"""Addresses of ours on the wire (RFC 5227): who else has them is asked, and that they are here now is told, so that
whoever remembers another machine for one forgets that."""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator

__all__ = ["announce", "announcement", "is_claim", "probe", "taken"]

ETHER_ARP = 0x0806
ARPHRD_ETHER, IPV4, REQUEST = 1, 0x0800, 1
HEAD = struct.pack("!HHBB", ARPHRD_ETHER, IPV4, 6, 4)
BROADCAST, NOBODY = b"\xff" * 6, bytes(4)
SENDER_CARD, SENDER_IP = slice(22, 28), slice(28, 32)
"""Of an Ethernet frame with ARP in it."""
COMMAND_TIMEOUT_S = 5
ASK_S = 0.5
"""How long others get to answer, of which half goes by before they are asked once more."""


def announcement(card: bytes, address: str) -> bytes:
    """The Ethernet frame of an ARP announcement (§2.3): a request whose sender and target address are one."""
    ip = ipaddress.IPv4Address(address).packed
    return _request(card, ip, ip)


def probe(card: bytes, address: str) -> bytes:
    """The frame of an ARP probe (§2.1.1): who has this address, asked by nobody, so that no memory is changed."""
    return _request(card, NOBODY, ipaddress.IPv4Address(address).packed)


def is_claim(frame: bytes, card: bytes, address: str) -> bool:
    """Whether by this frame another card than ours says that it has the address."""
    ip = ipaddress.IPv4Address(address).packed
    is_arp = frame[12:20] == struct.pack("!H", ETHER_ARP) + HEAD
    return is_arp and frame[SENDER_IP] == ip and frame[SENDER_CARD] != card


def announce(addresses: Iterable[str]) -> None:
    """Announce those IPv4 addresses that a network card of this machine has. Raises OSError, as without CAP_NET_RAW."""
    for interface, card, here in _cards(set(addresses)):
        with _wire(interface) as wire:
            for address in here:
                wire.send(announcement(card, address))


def taken(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of our own addresses that another machine on the same wire has too. Raises OSError, as :func:`announce`."""
    return tuple(
        address
        for interface, card, here in _cards(set(addresses))
        for address in here
        if _is_taken(interface, card, address)
    )


def _is_taken(interface: str, card: bytes, address: str) -> bool:
    with _wire(interface) as wire:
        wire.settimeout(ASK_S / 2)
        for _ in range(2):
            wire.send(probe(card, address))
            until = time.monotonic() + ASK_S / 2
            while time.monotonic() < until:
                try:
                    frame = wire.recv(64)
                except TimeoutError:
                    break
                if is_claim(frame, card, address):
                    return True
    return False


def _request(card: bytes, sender: bytes, target: bytes) -> bytes:
    head = BROADCAST + card + struct.pack("!H", ETHER_ARP) + HEAD + struct.pack("!H", REQUEST)
    return head + card + sender + bytes(len(card)) + target


def _wire(interface: str) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_ARP))
    try:
        wire.bind((interface, ETHER_ARP))
    except OSError:
        wire.close()
        raise
    return wire


def _cards(addresses: set[str]) -> Iterator[tuple[str, bytes, list[str]]]:
    """Each Ethernet interface that has some of them: its name, its card's address, and which."""
    try:
        told = subprocess.run(
            ["ip", "-json", "address", "show"], capture_output=True, timeout=COMMAND_TIMEOUT_S, check=True
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"ip address show: {error}") from error
    for link in json.loads(told.stdout):
        here = sorted(addresses & {str(info.get("local")) for info in link.get("addr_info", ())})
        if link.get("link_type") == "ether" and here:
            yield link["ifname"], bytes.fromhex(link["address"].replace(":", "")), here
