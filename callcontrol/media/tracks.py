"""Sources of sound as aiortc's tracks, so that every leg, a telephone's or a browser's, takes sound from any of them.

A track gives, each 20 ms, a frame (`av.AudioFrame`, 8 kHz) or, where nothing needs to be encoded, a packet
(`av.Packet`), which is sent as it is. `pump` sends a track by a leg.
"""

from __future__ import annotations

import asyncio
import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from callcontrol.media.codecs import Format
from callcontrol.media.pace import BEHIND_MAX_S
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, RATE_HZ, SILENCE, Source
from callcontrol.media.sounds import Player
from callcontrol.media.udp import Wire

__all__ = ["PlayedTrack", "SoundTrack", "frame_of", "pump", "sound_of"]

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


async def pump(track: MediaStreamTrack, wire: Wire) -> None:
    """Send a track by a leg until it ends."""
    if wire.leg is not None:
        wire.leg.begins = True
    with contextlib.suppress(MediaStreamError):
        while True:
            given = await track.recv()
            leg = wire.leg
            if leg is None:
                continue
            if isinstance(given, av.Packet):
                wire.send(leg.send_payload(bytes(given)))
            elif isinstance(given, av.AudioFrame):
                wire.send(leg.send(sound_of(given)))


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


def _packet(payload: bytes, pts: int) -> EncodedPacket:
    packet = av.Packet(payload)
    packet.pts, packet.time_base = pts, _BASE
    return packet
