"""Echoes by ICMP (RFC 792): how long the way takes, and how much it carries. Who may send none measures nothing, and
says so."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time

from callcontrol.trunk.budget import train_bps

__all__ = ["Echo"]

_HEADER = struct.Struct("!BBHHH")
_REQUEST, _REPLY = 8, 0
TRAIN, TRAIN_BYTES = 12, 1000
"""Packets of a train: 12 kB each way, long enough to fill what a radio sends at once."""
TRAIN_S = 4.0
"""A train that is not whole by then is measured by what came."""
SMALL_BYTES = 24
NONCE_BYTES = 8


class Echo:
    """Towards one host, from one address of ours."""

    def __init__(self, host: str, own: str) -> None:
        self._host, self._own = host, own

    async def rtt_ms(self, timeout_s: float = 1.0) -> float | None:
        """Of one small packet; None: nothing came back, or none may be sent."""
        came = await self._send([SMALL_BYTES], timeout_s)
        return None if not came else came[0][2] * 1000

    async def capacity_bps(self) -> float | None:
        """What the slower direction carries, IP packets and all; None: not known."""
        came = await self._send([TRAIN_BYTES] * TRAIN, TRAIN_S)
        return train_bps([size for _, size, _ in came], [at for _, _, at in came])

    async def _send(self, sizes: list[int], timeout_s: float) -> list[tuple[int, int, float]]:
        """(number, bytes of the IP packet, seconds after the sending began) of each that came back, in that order."""
        wire = _open()
        if wire is None:
            return []
        nonce = os.urandom(NONCE_BYTES)
        loop = asyncio.get_running_loop()
        came: list[tuple[int, int, float]] = []
        with wire, contextlib.suppress(OSError):
            wire.setblocking(False)
            wire.bind((self._own, 0))
            wire.connect((self._host, 0))
            began = time.monotonic()
            for number, size in enumerate(sizes):
                wire.send(_packet(number, nonce + bytes(size - NONCE_BYTES)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while len(came) < len(sizes):
                        data = await loop.sock_recv(wire, 2048)
                        at = time.monotonic() - began
                        known = _number(data, nonce)
                        if known is not None and known < len(sizes):
                            came.append((known, sizes[known] + _HEADER.size + 20, at))
        return came


def _open() -> socket.socket | None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):  # the second needs a right, the first a setting of the kernel
        with contextlib.suppress(OSError):
            return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
    return None


def _packet(number: int, payload: bytes) -> bytes:
    ident = os.getpid() & 0xFFFF
    blank = _HEADER.pack(_REQUEST, 0, 0, ident, number) + payload
    return _HEADER.pack(_REQUEST, 0, _checksum(blank), ident, number) + payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _number(data: bytes, nonce: bytes) -> int | None:
    """The number of a reply to us, with or without its IP header."""
    start = (data[0] & 0x0F) * 4 if data and data[0] >> 4 == 4 else 0
    if len(data) < start + _HEADER.size + NONCE_BYTES:
        return None
    header: tuple[int, ...] = _HEADER.unpack_from(data, start)
    payload = data[start + _HEADER.size :]
    number = header[-1]
    return number if header[0] == _REPLY and payload.startswith(nonce) else None
