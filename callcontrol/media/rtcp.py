"""The least of RTCP (RFC 3550 §6): reports that keep the peer from taking us for dead, its BYE, what was lost, and how
long sound is on its way.

Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from callcontrol.media.rtp import MAX_PACKET_BYTES, Numbering, Packet

__all__ = ["INTERVAL_S", "Heard", "Reception", "parse", "report"]

INTERVAL_S = 5.0
"""Between reports: the least for a small session (§6.2)."""
_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_CNAME = 1
_NTP_EPOCH_S = 2208988800  # from 1900 to 1970
_UNITS = 1 << 16
"""In a second, of times in report blocks (§6.4.1): the middle 32 bits of NTP's."""
ROUND_TRIP_MAX_S = 60.0
"""A longer one is a clock that was set, or an untruth."""
_BLOCK = struct.Struct("!IIIIII")
_MAX_PARTS = 16


@dataclass(slots=True)
class Reception:
    """What is heard of one source, counted as a report has it (§6.4.1, appendix A.3 and A.8)."""

    clock_hz: int
    ssrc: int | None = None
    received: int = 0
    jitter: float = 0.0  # units of the stream's clock
    _first: int = 0
    _highest: int = 0
    _transit: float | None = None
    _expected_before: int = 0
    _received_before: int = 0
    _sender: tuple[int, float] | None = None  # time of the last sender's report by its own clock, and when it came

    def sender_said(self, sent: int, now: float) -> None:
        """A sender's report came; `sent`: the middle 32 bits of its time."""
        self._sender = sent, now

    def heard(self, packet: Packet, now: float) -> None:
        if packet.ssrc != self.ssrc:
            self.ssrc, self.received, self.jitter, self._transit = packet.ssrc, 0, 0.0, None
            self._first = self._highest = packet.sequence
            self._expected_before = self._received_before = 0
        step = (packet.sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
        if step > 0:
            self._highest += step
        self.received += 1
        transit = now * self.clock_hz - packet.timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            if change < self.clock_hz:  # a timestamp that wrapped or jumped says nothing of the line
                self.jitter += (change - self.jitter) / 16
        self._transit = transit

    @property
    def expected(self) -> int:
        return self._highest - self._first + 1 if self.ssrc is not None else 0

    @property
    def lost(self) -> int:
        return max(0, self.expected - self.received)

    def block(self, now: float) -> bytes:
        """A report block; empty before anything was heard. Each one begins a new count of the fraction."""
        if self.ssrc is None:
            return b""
        expected, received = self.expected - self._expected_before, self.received - self._received_before
        self._expected_before, self._received_before = self.expected, self.received
        fraction = max(0, expected - received) * 256 // expected if expected > 0 else 0
        lost = min(self.lost, 0x7FFFFF)
        sent, since = (self._sender[0], round((now - self._sender[1]) * _UNITS)) if self._sender else (0, 0)
        highest, jitter = self._highest & 0xFFFFFFFF, int(self.jitter) & 0xFFFFFFFF
        return _BLOCK.pack(self.ssrc, min(fraction, 255) << 24 | lost, highest, jitter, sent, since & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a compound packet says."""

    bye: bool = False
    fraction_lost: float | None = None
    """0 to 1, of what we sent to the peer."""
    jitter: int | None = None
    sent: int | None = None
    """The middle 32 bits of a sender's report's time, by the peer's clock."""
    echoed: tuple[int, int] | None = None
    """Of ours that the peer has heard last: its time, and how long ago that was, both in units of 2⁻¹⁶ s."""
    parts: tuple[int, ...] = field(default=())
    """Packet types, in their order."""

    def round_trip_s(self, wall: float) -> float | None:
        """There and back, without the time that the peer took (§6.4.1). `wall`: now, by the clock of our reports."""
        if self.echoed is None:
            return None
        took = (_middle(wall) - sum(self.echoed)) % (1 << 32) / _UNITS
        return took if took <= ROUND_TRIP_MAX_S else None


def report(
    numbering: Numbering, reception: Reception, cname: str, wall: float, now: float, *, bye: bool = False
) -> bytes:
    """A compound packet: a sender's or receiver's report, our name, at the end of a call BYE. `wall`: s since 1970;
    `now`: the same moment by the clock by which packets come."""
    block = reception.block(now)
    count = bool(block)
    if numbering.packets:
        whole = int(wall)
        ntp = struct.pack("!II", whole + _NTP_EPOCH_S & 0xFFFFFFFF, int((wall - whole) * (1 << 32)))
        sender = ntp + struct.pack("!III", numbering.timestamp, numbering.packets, numbering.octets & 0xFFFFFFFF)
        first = _part(_SR, count, struct.pack("!I", numbering.ssrc) + sender + block)
    else:
        first = _part(_RR, count, struct.pack("!I", numbering.ssrc) + block)
    name = cname.encode()[:255]
    item = struct.pack("!IBB", numbering.ssrc, _CNAME, len(name)) + name
    described = _part(_SDES, 1, item + bytes(4 - len(item) % 4))
    return first + described + (_part(_BYE, 1, struct.pack("!I", numbering.ssrc)) if bye else b"")


def parse(data: bytes, ours: int) -> Heard:
    """Raises ValueError, with the field named. `ours`: the SSRC whose report blocks are for us."""
    if not 8 <= len(data) <= MAX_PACKET_BYTES:
        raise ValueError(f"length: {len(data)} bytes")
    bye, fraction, jitter, sent, echoed = False, None, None, None, None
    parts: list[int] = []
    at = 0
    while at < len(data):
        if len(data) - at < 4 or len(parts) >= _MAX_PARTS:
            raise ValueError("part: cut off, or too many")
        first, kind, words = struct.unpack_from("!BBH", data, at)
        if first >> 6 != 2:
            raise ValueError(f"version: {first >> 6}")
        body = data[at + 4 : at + 4 + 4 * words]
        if len(body) != 4 * words:
            raise ValueError("part: longer than the packet")
        parts.append(kind)
        bye = bye or kind == _BYE
        if kind == _SR and len(body) >= 12:
            sent = struct.unpack_from("!I", body, 6)[0]
        if kind in (_SR, _RR):
            blocks = body[24 if kind == _SR else 4 :]
            for number in range(min(first & 31, len(blocks) // _BLOCK.size)):
                ssrc, losses, _, at_peer, last, since = _BLOCK.unpack_from(blocks, number * _BLOCK.size)
                if ssrc == ours:
                    fraction, jitter = (losses >> 24) / 256, at_peer
                    echoed = (last, since) if last else None
        at += 4 + len(body)
    return Heard(bye, fraction, jitter, sent, echoed, tuple(parts))


def _middle(wall: float) -> int:
    return int((wall + _NTP_EPOCH_S) * _UNITS) & 0xFFFFFFFF


def _part(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 2 << 6 | count, kind, len(body) // 4) + body
