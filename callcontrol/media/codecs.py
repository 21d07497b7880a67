"""Codecs of telephony, each from and to frames of 8 kHz: G.711 by tables, G.722 and opus by FFmpeg's (`av`).

Each object belongs to one direction of one leg, as G.722 and opus remember. `av` is loaded by the first of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, SAMPLE_BYTES

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.codeccontext import AudioCodecContext

__all__ = ["FORMATS", "Codec", "Format", "Rate", "format_of"]

MAX_PAYLOAD_S = 0.12
"""The longest packet of opus (RFC 7587 §4.2); more in one payload is not taken."""
OPUS_BITS_PER_S = 24_000
"""Speech of full band; the far side of a gateway is a telephone."""


class Codec(Protocol):
    """One direction of one leg."""

    def encode(self, frame: bytes) -> bytes:
        """The payload of one frame of 20 ms; may be empty at first."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """Sound of 8 kHz, of any length. Raises ValueError for a payload that is none of this codec."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A codec as SDP names it. `step`: units of the RTP clock in 20 ms."""

    name: str
    clock_hz: int
    payload_type: int | None  # None: dynamic
    make: Callable[[], Codec]
    silence: bytes | None = None
    """A payload that is silence whatever came before."""

    @property
    def step(self) -> int:
        return self.clock_hz // 50


class _Table:
    """G.711 remembers nothing."""

    def __init__(self, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]) -> None:
        self.encode = encode
        self._decode = decode

    def decode(self, payload: bytes) -> bytes:
        if not 0 < len(payload) <= RATE_HZ * MAX_PAYLOAD_S:
            raise ValueError(f"payload: {len(payload)} bytes")
        return self._decode(payload)


class Rate:
    """From one rate to another, sample for sample: what the filter holds back at first is given as silence, once; it is
    a millisecond or two. Of lesser rates, sound is to come in whole samples of the other."""

    def __init__(self, rate_hz: int, to_hz: int) -> None:
        from av import AudioResampler

        self._ratio = rate_hz, to_hz
        self._filter = AudioResampler("s16", "mono", to_hz)
        self._left = bytearray()

    def pcm(self, sound: bytes) -> bytes:
        return self.of(_frame(sound, self._ratio[0]))

    def of(self, wide: AudioFrame) -> bytes:
        from_hz, to_hz = self._ratio
        wanted = wide.samples * to_hz // from_hz * SAMPLE_BYTES
        for low in self._filter.resample(wide):
            self._left += bytes(low.planes[0])[: low.samples * SAMPLE_BYTES]
        given = bytes(self._left[:wanted])
        del self._left[:wanted]
        return given.rjust(wanted, b"\0")


class _Av:
    """A codec of FFmpeg at `rate_hz`, with sound of 8 kHz on our side."""

    def __init__(self, name: str, rate_hz: int, options: Mapping[str, str] | None = None) -> None:
        self._name, self._rate_hz, self._options = name, rate_hz, dict(options or {})

    def encode(self, frame: bytes) -> bytes:
        encoder, rate = self._encoder
        return b"".join(map(bytes, encoder.encode(_frame(rate.of(_frame(frame, RATE_HZ)), self._rate_hz))))

    def decode(self, payload: bytes) -> bytes:
        import av

        if not 0 < len(payload) <= RATE_HZ * MAX_PAYLOAD_S:
            raise ValueError(f"payload: {len(payload)} bytes")
        decoder, rate = self._decoder
        try:
            return b"".join(map(rate.of, decoder.decode(av.Packet(payload))))
        except av.FFmpegError as error:
            raise ValueError(f"payload: no {self._name}") from error

    @cached_property
    def _encoder(self) -> tuple[AudioCodecContext, Rate]:
        context = self._context("w")
        context.options = self._options
        if self._name == "libopus":
            context.bit_rate = OPUS_BITS_PER_S
        return context, Rate(RATE_HZ, self._rate_hz)

    @cached_property
    def _decoder(self) -> tuple[AudioCodecContext, Rate]:
        return self._context("r"), Rate(self._rate_hz, RATE_HZ)

    def _context(self, mode: Literal["r", "w"]) -> AudioCodecContext:
        from av.audio.codeccontext import AudioCodecContext

        context = AudioCodecContext.create(self._name, mode)
        assert isinstance(context, AudioCodecContext)
        context.format, context.layout, context.sample_rate = "s16", "mono", self._rate_hz
        return context


def _frame(pcm: bytes, rate_hz: int) -> AudioFrame:
    from av import AudioFrame

    frame = AudioFrame("s16", "mono", len(pcm) // SAMPLE_BYTES)
    frame.planes[0].update(pcm)
    frame.sample_rate = rate_hz
    return frame


def _alaw() -> Codec:
    return _Table(g711.alaw_encode, g711.alaw_decode)


def _ulaw() -> Codec:
    return _Table(g711.ulaw_encode, g711.ulaw_decode)


_OPUS = {"application": "lowdelay"}
"""CELT alone, 5 ms sooner. SILK's prediction reaches so far back that where a clip follows loud sound, as music that
begins again, a decoder that has heard that sound makes it four times too loud."""
FORMATS: Mapping[str, Format] = {
    "PCMA": Format("PCMA", 8000, 8, _alaw, b"\xd5" * FRAME_SAMPLES),
    "PCMU": Format("PCMU", 8000, 0, _ulaw, b"\xff" * FRAME_SAMPLES),
    "G722": Format("G722", 8000, 9, lambda: _Av("g722", 16000)),  # the clock is wrong by RFC 3551 §4.5.2, on purpose
    "opus": Format("opus", 48000, None, lambda: _Av("libopus", 48000, _OPUS)),
}
"""By the name in SDP."""


def format_of(name: str) -> Format | None:
    """Whatever the case it is written in (RFC 3551 §3)."""
    return next((each for known, each in FORMATS.items() if known.lower() == name.lower()), None)
