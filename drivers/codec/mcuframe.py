"""Frames between the unit and its microcontroller: COBS, a header, and two checks.

On the wire: COBS (Cheshire and Baker 1999) of header, payload and checks, then a zero byte. Header: version of the
frame, type, sequence. Checks: Fletcher-16 of header and payload, CRC-16/CCITT-FALSE of all before it, both with the
greater byte first. Each alone lets one in 65,000 of what a burst has made of a frame pass; they have nothing in common,
so that both together let through one in four thousand million. A type that is not known, or a payload that is not as
long as its type's, is no frame either.

This file runs in CPython and in MicroPython alike: no types from elsewhere, no dataclasses, whole numbers only."""

__all__ = [
    "FRAME_MAX",
    "PAYLOAD_MAX",
    "VERSION",
    "Decoder",
    "cobs_decode",
    "cobs_encode",
    "crc16",
    "decode",
    "encode",
    "fletcher16",
]

VERSION = 1
"""Of the frame, not of what it says: that is agreed by HELLO."""
HEADER, CHECKS = 3, 4
PAYLOAD_MAX = 112
FRAME_MAX = 1 + HEADER + PAYLOAD_MAX + CHECKS + 1
"""Bytes on the wire, zero byte included: under the 254 from which COBS takes a second byte, and under 128."""
RUN_MAX = 254
"""Bytes without a zero that COBS tells of by one."""
CRC_START, CRC_POLYNOMIAL = 0xFFFF, 0x1021


def crc16(data: bytes, crc: int = CRC_START) -> int:
    """CRC-16/CCITT-FALSE; of b"123456789" 0x29B1."""
    # Four bits at a time. What they add is a plain product, as the polynomial's own bits lie five apart at the least.
    for byte in data:
        crc = ((crc << 4) & 0xFFFF) ^ (((crc >> 12) ^ (byte >> 4)) * CRC_POLYNOMIAL)
        crc = ((crc << 4) & 0xFFFF) ^ (((crc >> 12) ^ (byte & 15)) * CRC_POLYNOMIAL)
    return crc


def fletcher16(data: bytes) -> int:
    """Fletcher's sum modulo 255, begun with 1 so that leading zeros count; of b"abcde" 0xCDF1."""
    low, high = 1, 0
    for byte in data:
        low = (low + byte) % 255
        high = (high + low) % 255
    return high << 8 | low


def cobs_encode(data: bytes) -> bytes:
    """Without a zero byte in it, and without one at its end."""
    out = bytearray()
    runs = data.split(b"\0")
    for place, run in enumerate(runs):
        while len(run) > RUN_MAX or (len(run) == RUN_MAX and place + 1 < len(runs)):
            out.append(RUN_MAX + 1)
            out += run[:RUN_MAX]
            run = run[RUN_MAX:]  # noqa: PLW2901  what is left of it
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def cobs_decode(data: bytes) -> "bytes | None":
    """None where it is not what `cobs_encode` makes."""
    out = bytearray()
    at = 0
    while at < len(data):
        run = data[at]
        if run == 0 or at + run > len(data):
            return None
        piece = data[at + 1 : at + run]
        if 0 in piece:
            return None
        out.extend(piece)
        at += run
        if run < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def encode(kind: int, sequence: int, payload: bytes) -> bytes:
    """One frame as it goes on the wire. Raises ValueError where it would be none."""
    if len(payload) > PAYLOAD_MAX or not 0 < kind < 256 or not 0 <= sequence < 256:
        raise ValueError("type, sequence or length")
    body = bytes((VERSION, kind, sequence)) + payload
    body += fletcher16(body).to_bytes(2, "big")
    return cobs_encode(body + crc16(body).to_bytes(2, "big")) + b"\0"


def decode(data: bytes, lengths: "dict[int, tuple[int, int]]") -> "tuple[int, int, bytes] | None":
    """Type, sequence and payload of what stood before a zero byte; None where it is no frame. `lengths`: of each type
    that there is, the least and most bytes of its payload."""
    body = cobs_decode(data)
    if body is None or len(body) < HEADER + CHECKS or body[0] != VERSION:
        return None
    payload = body[HEADER:-CHECKS]
    least, most = lengths.get(body[1], (1, 0))
    if not least <= len(payload) <= most:
        return None
    if crc16(body[:-2]) != body[-2] << 8 | body[-1] or fletcher16(body[:-CHECKS]) != body[-4] << 8 | body[-3]:
        return None
    return body[1], body[2], payload


class Decoder:
    """Of a stream, in pieces of any size; holds one frame's bytes at the most. `bad` counts what was no frame."""

    def __init__(self, lengths: "dict[int, tuple[int, int]]") -> None:
        self.bad = 0
        self._lengths = lengths
        self._held = bytearray()
        self._skip = False  # until the next zero byte

    def receive(self, data: bytes) -> "list[tuple[int, int, bytes]]":
        """The frames that are whole now."""
        found = []
        for byte in data:
            if byte:
                if len(self._held) < FRAME_MAX - 1:
                    self._held.append(byte)
                else:
                    self._skip = True
                continue
            if self._held:
                frame = None if self._skip else decode(bytes(self._held), self._lengths)
                if frame is None:
                    self.bad += 1
                else:
                    found.append(frame)
            self._held = bytearray()
            self._skip = False
        return found
