"""G.711 (ITU-T G.711): A-law, which Europe's telephones speak, and µ-law, by tables.

One table look-up a sample costs some 10 µs a frame; a codec library's call costs more than the work.
"""

from __future__ import annotations

from array import array
from functools import cache
from itertools import chain
from typing import NamedTuple

__all__ = ["alaw_decode", "alaw_encode", "ulaw_decode", "ulaw_encode"]

_SIGN = 0x80
_ALAW_TOGGLE = 0x55  # every other bit is sent inverted
_ULAW_BIAS = 132
_CODES = 128  # of each sign
_NEGATIVE = 32768


class _Tables(NamedTuple):
    first: bytes  # the byte of a decoded sample that comes first in memory
    second: bytes
    encode: bytes  # by the sample's 16 bits


def alaw_decode(payload: bytes) -> bytes:
    return _decode(payload, _alaw())


def alaw_encode(pcm: bytes) -> bytes:
    return _encode(pcm, _alaw())


def ulaw_decode(payload: bytes) -> bytes:
    return _decode(payload, _ulaw())


def ulaw_encode(pcm: bytes) -> bytes:
    return _encode(pcm, _ulaw())


def _decode(payload: bytes, tables: _Tables) -> bytes:
    pcm = bytearray(2 * len(payload))
    pcm[0::2] = payload.translate(tables.first)
    pcm[1::2] = payload.translate(tables.second)
    return bytes(pcm)


def _encode(pcm: bytes, tables: _Tables) -> bytes:
    return bytes(map(tables.encode.__getitem__, array("H", pcm)))


def _tables(decoded: list[int], positive: bytes, negative: bytes) -> _Tables:
    """`positive` from 0 up, `negative` from -1 down."""
    both = array("h", decoded).tobytes()
    return _Tables(both[0::2], both[1::2], positive + negative[::-1])


@cache
def _alaw() -> _Tables:
    """Table 1a: 16 steps to a segment, the first two segments alike, each further one twice as coarse."""

    def decoded(code: int) -> int:
        code ^= _ALAW_TOGGLE
        segment, step = (code >> 4) & 7, code & 15
        value = (step << 4) + 8 if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
        return value if code & _SIGN else -value

    widths = [16 if code < 32 else 16 << ((code >> 4) - 1) for code in range(_CODES)]
    positive = _runs(widths, [(code ^ _ALAW_TOGGLE) | _SIGN for code in range(_CODES)])
    negative = _runs(widths, [code ^ _ALAW_TOGGLE for code in range(_CODES)])
    return _tables([decoded(code) for code in range(256)], positive, negative)


@cache
def _ulaw() -> _Tables:
    """Table 2a, with the bias that makes every segment twice as long as the one before."""

    def decoded(code: int) -> int:
        code = ~code & 0xFF
        value = (((code & 15) << 3) + _ULAW_BIAS << ((code >> 4) & 7)) - _ULAW_BIAS
        return -value if code & _SIGN else value

    widths = [4, *(8 << (code >> 4) for code in range(1, _CODES))]
    positive = _runs(widths, [0xFF - code for code in range(_CODES)])
    negative = _runs(widths, [0x7F - code for code in range(_CODES)])
    return _tables([decoded(code) for code in range(256)], positive, negative[1:] + negative[-1:])


def _runs(widths: list[int], codes: list[int]) -> bytes:
    """Each code as often as there are samples of it; the last one to the end of the range."""
    found = bytes(chain.from_iterable([code] * width for code, width in zip(codes, widths, strict=True)))
    return found[:_NEGATIVE].ljust(_NEGATIVE, bytes([codes[-1]]))
