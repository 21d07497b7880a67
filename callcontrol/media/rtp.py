"""RTP packets (RFC 3550 §5.1), the numbering of what is sent, and the one latch to whom a stream is heard from.

Theory of the latch. A phone behind a translator sends from another address than its SDP says, so the first packet may
tell where it is. That is also how a stranger steals a call (RTPbleed): whoever sends first, or later, is answered. So a
latch closes once, at the first valid packet, and only to who may be expected: the very address that the SDP names, or
its host with another port, or, where the leg says so, the host that the signalling came from. What comes from elsewhere
afterwards is dropped and counted. Only new SDP opens it again.

Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

__all__ = ["MAX_PACKET_BYTES", "Address", "Latch", "Numbering", "Packet", "is_rtcp", "parse"]

MAX_PACKET_BYTES = 1500
_HEADER = struct.Struct("!BBHII")
_VERSION = 2
_MARKER = 0x80
_RTCP_TYPES = range(192, 224)  # RFC 5761 §4

Address = tuple[str, int]
"""Host as text, and port."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a packet says; sources and extension of the header are passed over."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def __bytes__(self) -> bytes:
        second = self.payload_type | (_MARKER if self.marker else 0)
        return _HEADER.pack(_VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of one port that both share is RTCP (RFC 5761 §4)."""
    return len(data) > 1 and data[1] in _RTCP_TYPES


def parse(data: bytes) -> Packet:
    """Raises ValueError, with the field named, for what is no RTP."""
    if not _HEADER.size <= len(data) <= MAX_PACKET_BYTES:
        raise ValueError(f"length: {len(data)} bytes")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != _VERSION:
        raise ValueError(f"version: {first >> 6}")
    start, end = _HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:  # extension, §5.3.1
        if start + 4 > end:
            raise ValueError("extension: cut off")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:  # padding, its own length last
        if not 1 <= data[-1] <= end - start:
            raise ValueError(f"padding: {data[-1]} bytes")
        end -= data[-1]
    if start > end:
        raise ValueError("header: longer than the packet")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & _MARKER))


@dataclass(slots=True)
class Numbering:
    """Numbers what is sent as one source. Start values are to be random (§5.1), and so are passed in."""

    ssrc: int
    sequence: int
    timestamp: int
    packets: int = 0
    octets: int = 0

    def packet(self, payload_type: int, payload: bytes, *, after: int = 0, marker: bool = False) -> Packet:
        """The next packet, `after` units of the stream's clock later than the one before."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + after) & 0xFFFFFFFF
        self.packets += 1
        self.octets += len(payload)
        return Packet(payload_type, self.sequence, self.timestamp, self.ssrc, payload, marker)


@dataclass(slots=True)
class Latch:
    """From whom a stream is taken. `expected` is the address of the SDP; `hosts`, who else it may be."""

    expected: Address
    hosts: frozenset[str] = frozenset()
    source: Address | None = field(default=None, init=False)
    dropped: int = field(default=0, init=False)
    """Datagrams from elsewhere."""

    def takes(self, source: Address) -> bool:
        """Whether a valid packet from there is taken. The first one that may be closes the latch."""
        if self.source is None and (source[0] == self.expected[0] or source[0] in self.hosts):
            self.source = source
        if source == self.source:
            return True
        self.dropped += 1
        return False

    @property
    def towards(self) -> Address:
        """Where to send: to who was heard, before that to whom the SDP names."""
        return self.source or self.expected
