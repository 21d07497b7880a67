"""Sources and sinks of sound as aiortc's tracks, so that every leg, plain or WebRTC, takes sound from any of them.

A track gives, each 20 ms, a frame (`av.AudioFrame`, 8 kHz) or, where nothing needs to be encoded, a packet
(`av.Packet`), which aiortc sends as it is. `pump` does for a plain leg what aiortc's sender does for WebRTC: it sends
a track. What aiortc receives is taken before its own jitter buffer, which neither adapts nor conceals: `listen` hands
on each packet, by one private method whose shape a test guards (tests/callcontrol/media/test_aiortc.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket

from callcontrol.media.codecs import Format
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, RATE_HZ, SILENCE, Source
from callcontrol.media.rtp import Packet
from callcontrol.media.sounds import Player
from callcontrol.media.udp import Endpoint

__all__ = ["PlayedTrack", "RelayedTrack", "SoundTrack", "frame_of", "listen", "pump", "sound_of"]

BEHIND_MAX_S = 0.2
"""A track further behind than this begins anew from now: who was held up must not send a burst."""
RELAYED_MAX = 50
"""Packets that wait for a sender: a second."""
_BASE = Fraction(1, RATE_HZ)

if TYPE_CHECKING:
    EncodedPacket = av.Packet[Any]  # generic in its stubs only
else:
    EncodedPacket = av.Packet


class _Paced(MediaStreamTrack):
    """Every 20 ms by the loop's clock, without drift."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._next: float | None = None
        self._pts = -FRAME_SAMPLES

    async def _turn(self) -> float:
        """Wait for the next frame's time; gives that time."""
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._next is None or now - self._next > BEHIND_MAX_S:
            self._next = now
        elif self._next > now:
            await asyncio.sleep(self._next - now)
        turn = self._next
        self._next += FRAME_S
        self._pts += FRAME_SAMPLES
        return turn


class SoundTrack(_Paced):
    """A source of frames; it ends with the source."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    async def recv(self) -> av.AudioFrame:
        sound = self._source.pull(await self._turn())
        if sound is None:
            self.stop()
            raise MediaStreamError
        return frame_of(sound, self._pts)


class PlayedTrack(_Paced):
    """Clips that are encoded already: playing costs no encoding."""

    def __init__(self, player: Player, codec: Format) -> None:
        super().__init__()
        self._player = player
        self._codec = codec

    async def recv(self) -> EncodedPacket:
        await self._turn()
        payload = self._player.payload(self._codec)
        if payload is None:
            self.stop()
            raise MediaStreamError
        return _packet(payload, self._pts)


class RelayedTrack(MediaStreamTrack):
    """What another leg of the same codec receives, passed on unopened and unpaced."""

    kind = "audio"

    def __init__(self, clock_hz: int = RATE_HZ) -> None:
        super().__init__()
        self._packets: asyncio.Queue[Packet | None] = asyncio.Queue(RELAYED_MAX)
        self._base = Fraction(1, clock_hz)
        self._first: int | None = None
        self.dropped = 0

    def push(self, packet: Packet) -> None:
        try:
            self._packets.put_nowait(packet)
        except asyncio.QueueFull:
            self.dropped += 1

    def stop(self) -> None:
        super().stop()
        with contextlib.suppress(asyncio.QueueFull):
            self._packets.put_nowait(None)

    async def recv(self) -> EncodedPacket:
        packet = await self._packets.get() if self.readyState == "live" else None
        if packet is None:
            raise MediaStreamError
        if self._first is None:
            self._first = packet.timestamp
        return _packet(packet.payload, (packet.timestamp - self._first) & 0xFFFFFFFF, self._base)


async def pump(track: MediaStreamTrack, endpoint: Endpoint) -> None:
    """Send a track by a plain leg until it ends."""
    with contextlib.suppress(MediaStreamError):
        while True:
            given = await track.recv()
            leg = endpoint.leg
            if leg is None:
                continue
            if isinstance(given, av.Packet):
                endpoint.send(leg.send_payload(bytes(given)))
            elif isinstance(given, av.AudioFrame):
                endpoint.send(leg.send(sound_of(given)))


def listen(receiver: RTCRtpReceiver, heard: Callable[[Packet], None]) -> None:
    """Hand on each RTP packet that a WebRTC receiver takes, decrypted, before its jitter buffer; nothing is decoded."""

    async def handle(packet: RtpPacket, arrival_time_ms: int) -> None:
        heard(
            Packet(
                packet.payload_type,
                packet.sequence_number,
                packet.timestamp,
                packet.ssrc,
                packet.payload,
                bool(packet.marker),
            )
        )

    receiver._handle_rtp_packet = handle  # type: ignore[method-assign]


def frame_of(sound: bytes, pts: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
    frame.planes[0].update(sound)
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, pts, _BASE
    return frame


def sound_of(frame: av.AudioFrame) -> bytes:
    """A frame of ours as sound; silence for one that is of another shape."""
    if frame.sample_rate != RATE_HZ or frame.samples != FRAME_SAMPLES or frame.format.name != "s16":
        return SILENCE
    return bytes(frame.planes[0])[: len(SILENCE)]


def _packet(payload: bytes, pts: int, base: Fraction = _BASE) -> EncodedPacket:
    packet = av.Packet(payload)
    packet.pts, packet.time_base = pts, base
    return packet
