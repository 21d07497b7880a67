"""The wire of a leg: a pair of UDP ports, by asyncio. It moves datagrams and decides nothing.

Ports are taken at random from a bounded range, even ones for RTP and the next for RTCP (RFC 3550 §11), so that a guess
at them is one in hundreds, and a port that was let go is not at once another call's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.rtcp import INTERVAL_S
from callcontrol.media.rtp import Address, Numbering, Packet

__all__ = ["Endpoint", "NoPort", "Ports", "Wire", "numbering"]

FIRST_PORT, LAST_PORT = 30000, 30999
"""For 500 legs."""
BACKLOG_BYTES = 1 << 16
"""The kernel holds this much for a socket: a tenth of a second and more of any codec."""
DATAGRAM_BYTES = 1 << 16
_EXPEDITED = 0xB8  # DSCP EF, RFC 4594 §4.1


class Wire(Protocol):
    """What carries the datagrams of a leg: an `Endpoint` here, a browser's peer (webrtc.py)."""

    leg: Leg | None
    on_packet: Callable[[Packet], None]

    def agree(self, settings: LegSettings) -> Leg: ...

    def send(self, data: bytes | None) -> None: ...

    def close(self) -> None: ...


class NoPort(Exception):
    """All ports are in use."""


class Ports:
    """The ports of one address."""

    def __init__(self, host: str, first: int = FIRST_PORT, last: int = LAST_PORT) -> None:
        self.host = host
        self._even = range(first + first % 2, last, 2)
        self._used: set[int] = set()

    def take(self) -> Endpoint:
        """A pair with room for a leg. Raises NoPort, and OSError where the address is not ours."""
        return Endpoint(*self.pair())

    def pair(self) -> tuple[int, list[socket.socket], Callable[[], None]]:
        """The even port, its socket and the next one's, and how they are let go when both are closed. Raises as
        `take`."""
        free = [port for port in self._even if port not in self._used]
        random.SystemRandom().shuffle(free)
        for port in free:
            try:
                pair = self._pair(port)
            except OSError:
                if not self._ours():
                    raise
                continue  # another program's
            self._used.add(port)
            return port, pair, partial(self._used.discard, port)
        raise NoPort(f"{self.host}: ports {self._even.start} to {self._even.stop} are in use")

    @property
    def free(self) -> int:
        """How many more legs there is room for."""
        return len(self._even) - len(self._used)

    def _pair(self, port: int) -> list[socket.socket]:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        pair: list[socket.socket] = []
        try:
            for each in (port, port + 1):
                wire = socket.socket(family, socket.SOCK_DGRAM)
                pair.append(wire)
                wire.setblocking(False)
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BACKLOG_BYTES)
                if family == socket.AF_INET:
                    wire.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
                else:
                    wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
                wire.bind((self.host, each))
        except OSError:
            for wire in pair:
                wire.close()
            raise
        return pair

    def _ours(self) -> bool:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as wire:
            try:
                wire.bind((self.host, 0))
            except OSError:
                return False
        return True


class Endpoint:
    """A pair of ports, and the leg on them once the other side's SDP is known. `on_packet` is told of sound and keys
    that were taken."""

    def __init__(self, port: int, pair: Sequence[socket.socket], free: Callable[[], None]) -> None:
        self.port = port
        self.leg: Leg | None = None
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self._free = free
        self._wires = tuple(pair)
        self._rtcp: Address | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        for wire in self._wires:
            self._loop.add_reader(wire, self._readable, wire)

    def agree(self, settings: LegSettings, *, rtcp: Address | None = None) -> Leg:
        """Offer and answer are done. `rtcp`: where reports go (RFC 3605), else one port above the sound's."""
        self._rtcp = rtcp
        if self.leg is None:
            self.leg = Leg(settings, numbering())
            self._timer = self._loop.call_later(INTERVAL_S, self._report)
        else:
            self.leg.agree(settings)
        return self.leg

    def send(self, data: bytes | None) -> None:
        """A datagram of the leg's."""
        if data and self._wires and self.leg is not None:
            _send(self._wires[0], data, self.leg.towards)

    def close(self) -> None:
        """Says BYE, and lets the ports go; once."""
        if self._timer is not None:
            self._timer.cancel()
            self._report(bye=True)
        wires, self._wires = self._wires, ()
        for wire in wires:
            self._loop.remove_reader(wire)
            wire.close()
        if wires:
            self._free()

    def received(self, data: bytes, source: Address) -> None:
        if self.leg is not None and (packet := self.leg.receive(data, source, self._loop.time())) is not None:
            self.on_packet(packet)

    def _readable(self, wire: socket.socket) -> None:
        try:
            data, source = wire.recvfrom(DATAGRAM_BYTES)
        except OSError:  # a peer that is gone says so by ICMP; that its sound is missing says more
            return
        self.received(data, (str(source[0]), int(source[1])))

    def _report(self, *, bye: bool = False) -> None:
        if self.leg is None:
            return
        host, port = self.leg.towards
        if self._wires:
            report = self.leg.report(time.time(), self._loop.time(), bye=bye)
            _send(self._wires[1], report, self._rtcp or (host, port + 1))
        if not bye:
            self._timer = self._loop.call_later(INTERVAL_S, self._report)


def _send(wire: socket.socket, data: bytes, towards: Address) -> None:
    with contextlib.suppress(OSError):  # what the kernel has no room for now is lost, as on any line
        wire.sendto(data, towards)


def numbering() -> Numbering:
    """A source of our own, beginning at random (RFC 3550 §5.1), where no number comes round again soon: who has missed
    the first ones could not tell that it has, and would open no SRTP (RFC 3711 §3.3.1)."""
    return Numbering(secrets.randbits(32), secrets.randbits(15), secrets.randbits(32))
