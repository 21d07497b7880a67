"""Tells the network that an address of ours is here now: whoever remembers another machine for it forgets that one."""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import subprocess
from collections.abc import Iterable

__all__ = ["announce", "announcement"]

ETHER_ARP = 0x0806
ARPHRD_ETHER, IPV4, REQUEST = 1, 0x0800, 1
BROADCAST = b"\xff" * 6
COMMAND_TIMEOUT_S = 5


def announcement(card: bytes, address: str) -> bytes:
    """The Ethernet frame of an ARP announcement (RFC 5227 §2.3): a request whose sender and target address are one."""
    ip = ipaddress.IPv4Address(address).packed
    head = struct.pack("!HHBBH", ARPHRD_ETHER, IPV4, len(card), len(ip), REQUEST)
    return BROADCAST + card + struct.pack("!H", ETHER_ARP) + head + card + ip + bytes(len(card)) + ip


def announce(addresses: Iterable[str]) -> None:
    """Announce those IPv4 addresses that a network card of this machine has. Raises OSError, as without CAP_NET_RAW."""
    wanted = set(addresses)
    try:
        told = subprocess.run(
            ["ip", "-json", "address", "show"], capture_output=True, timeout=COMMAND_TIMEOUT_S, check=True
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"ip address show: {error}") from error
    for link in json.loads(told.stdout):
        here = wanted & {str(info.get("local")) for info in link.get("addr_info", ())}
        if link.get("link_type") != "ether" or not here:
            continue
        card = bytes.fromhex(link["address"].replace(":", ""))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_ARP)) as wire:
            wire.bind((link["ifname"], ETHER_ARP))
            for address in sorted(here):
                wire.send(announcement(card, address))
