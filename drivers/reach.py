"""Whether a router or a fibre box is there: by ICMP echo (RFC 792), which every such box answers on the side of the
house. It tells whether the box has power, and nothing of for how long; that is a setting, or its UPS's to say
(drivers/ups/upsmib.py). What follows from silence is firmware/power/boxes.py's."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers.pace import left_s

__all__ = ["Pinger", "Seen"]

EVERY_S = 10.0
ANSWER_S = 1.0
TRIES = 3
"""A box is away when so many in a row are not answered."""
ECHO_REQUEST, ECHO_REPLY = 8, 0
HEAD = struct.Struct("!BBHHH")
PAYLOAD_BYTES = 16
PACKET_MAX_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Seen:
    """`reached` None: this machine may not ask, or has no way there; that says nothing of the box."""

    at_s: float
    reached: bool | None
    rtt_ms: float | None = None


class Pinger:
    """Of one address. Asks by the kernel's own echo sockets (icmp(7)), which need no right where
    net.ipv4.ping_group_range lets, and by a raw one where it does not, as root may."""

    fresh_s = 3 * EVERY_S

    def __init__(self, name: str, address: str, *, every_s: float = EVERY_S) -> None:
        """Raises ValueError: no IPv4 address."""
        self.name = name
        self.address = str(ipaddress.IPv4Address(address))
        self._every_s = every_s
        self._sequence = 0

    async def run(self, told: Callable[[Seen], None]) -> None:
        """Until cancelled."""
        while True:
            told(await self.look())
            await asyncio.sleep(left_s(asyncio.get_running_loop().time(), self._every_s))

    async def look(self) -> Seen:
        """Never raises."""
        at_s = time.monotonic()
        for _ in range(TRIES):
            try:
                rtt_s = await self._ask()
            except OSError:
                return Seen(at_s, None)
            if rtt_s is not None:
                return Seen(at_s, True, round(1000 * rtt_s, 2))
        return Seen(at_s, False)

    async def _ask(self) -> float | None:
        """Seconds until the answer. None: there is none. Raises OSError: it cannot be asked."""
        loop = asyncio.get_running_loop()
        self._sequence = (self._sequence + 1) & 0xFFFF
        payload = os.urandom(PAYLOAD_BYTES)
        with contextlib.closing(_socket()) as sock:
            sock.setblocking(False)
            began = time.monotonic()
            await loop.sock_sendto(sock, _echo(self._sequence, payload), (self.address, 0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    while True:
                        data, (sender, *_) = await loop.sock_recvfrom(sock, PACKET_MAX_BYTES)
                        if sender == self.address and _is_answer(data, self._sequence, payload):
                            return time.monotonic() - began
        return None


def _socket() -> socket.socket:
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except PermissionError:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def _echo(sequence: int, payload: bytes) -> bytes:
    number = os.getpid() & 0xFFFF
    bare = HEAD.pack(ECHO_REQUEST, 0, 0, number, sequence) + payload
    return HEAD.pack(ECHO_REQUEST, 0, _checksum(bare), number, sequence) + payload


def _is_answer(data: bytes, sequence: int, payload: bytes) -> bool:
    """Of an echo socket without, of a raw one with the head of IP before it."""
    if data[:1] and data[0] >> 4 == 4:
        data = data[4 * (data[0] & 0xF) :]
    if len(data) < HEAD.size:
        return False
    kind, _, _, _, number = HEAD.unpack_from(data)
    return kind == ECHO_REPLY and number == sequence and data[HEAD.size :] == payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1])) + (
        data[-1] << 8 if len(data) & 1 else 0
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
