"""The shells: each private name of aiortc that we touch, tracks as its sender reads them, and a leg on real sockets."""

import asyncio
import inspect
import math

import av
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket

from callcontrol.media.codecs import FORMATS
from callcontrol.media.leg import LegSettings
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, clipped, loudness
from callcontrol.media.rtp import Packet
from callcontrol.media.sounds import Clip, Player
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.media.tracks import PlayedTrack, RelayedTrack, SoundTrack, frame_of, listen, pump, sound_of
from callcontrol.media.udp import NoPort, Ports

PATIENCE_S = 10


def test_the_private_names_of_aiortc_are_as_we_know_them() -> None:
    handle = RTCRtpReceiver._handle_rtp_packet
    assert inspect.iscoroutinefunction(handle)
    assert list(inspect.signature(handle).parameters) == ["self", "packet", "arrival_time_ms"]
    source = inspect.getsource(handle)
    assert "__jitter_buffer.add" in source, (
        "aiortc hands packets to its jitter buffer somewhere else now: see tracks.py"
    )
    for field in ("payload_type", "sequence_number", "timestamp", "ssrc", "payload", "marker"):
        assert hasattr(RtpPacket(), field)


async def test_a_source_is_a_track_that_keeps_time() -> None:
    track = SoundTrack(ToneSource(Tone.DIAL, frames=4))
    began = asyncio.get_running_loop().time()
    frames = [await track.recv() for _ in range(4)]
    assert asyncio.get_running_loop().time() - began >= 0.055
    assert [frame.pts for frame in frames] == [0, 160, 320, 480]
    assert loudness(sound_of(frames[3])) > 1000
    with pytest.raises(MediaStreamError):
        await track.recv()
    assert track.readyState == "ended"
    assert loudness(sound_of(av.AudioFrame("s16", "stereo", 960))) == 0, "of another shape"
    assert sound_of(frame_of(clipped([7] * FRAME_SAMPLES), 0)) == clipped([7] * FRAME_SAMPLES)


async def test_what_is_relayed_is_bounded_and_ends() -> None:
    track = RelayedTrack()
    for n in range(60):
        track.push(Packet(8, n, 2**32 - 160 + n * 160, 1, b"x"))
    assert track.dropped == 10
    assert [(await track.recv()).pts for _ in range(3)] == [0, 160, 320]
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_a_prompt_by_webrtc_is_heard_before_aiortcs_jitter_buffer() -> None:
    """Two peers on loopback: encoded clips go out unopened, and come in as they were."""
    here, there = RTCPeerConnection(), RTCPeerConnection()
    clip = Clip(clipped([int(5000 * math.sin(2 * math.pi * 1020 * n / RATE_HZ)) for n in range(4 * FRAME_SAMPLES)]))
    heard: asyncio.Queue[Packet] = asyncio.Queue()
    try:
        here.addTrack(PlayedTrack(Player([clip], again=True), FORMATS["PCMA"]))
        sender = here.getTransceivers()[0]
        codecs = RTCRtpReceiver.getCapabilities("audio")
        assert codecs is not None
        sender.setCodecPreferences([codec for codec in codecs.codecs if codec.mimeType == "audio/PCMA"])
        await here.setLocalDescription(await here.createOffer())
        await there.setRemoteDescription(RTCSessionDescription(here.localDescription.sdp, "offer"))
        listen(there.getTransceivers()[0].receiver, heard.put_nowait)
        await there.setLocalDescription(await there.createAnswer())
        await here.setRemoteDescription(RTCSessionDescription(there.localDescription.sdp, "answer"))
        got = [await asyncio.wait_for(heard.get(), PATIENCE_S) for _ in range(3)]
    finally:
        await here.close()
        await there.close()
    assert all(packet.payload in clip.encoded(FORMATS["PCMA"]) for packet in got)
    assert got[1].timestamp - got[0].timestamp in (160, 160 - 2**32)


async def test_two_legs_on_real_ports_hear_each_other() -> None:
    ports = Ports("127.0.0.1", 32700, 32703)
    one, two = await ports.open(), await ports.open()
    try:
        with pytest.raises(NoPort):
            await ports.open()
        for near, far in ((one, two), (two, one)):
            near.agree(_pcma(far.port))
        assert two.leg is not None
        two.leg.listening = True
        heard: asyncio.Queue[int] = asyncio.Queue()
        two.on_packet = lambda packet: heard.put_nowait(packet.payload_type)
        assert one.leg is not None
        one.leg.press("4")
        sending = asyncio.create_task(pump(SoundTrack(ToneSource(Tone.DIAL)), one))
        for wanted in (101, 8, 8, 8):
            while await asyncio.wait_for(heard.get(), PATIENCE_S) != wanted:
                pass
        sending.cancel()
        assert two.leg.pressed() == "4"
        assert max(loudness(two.leg.pull(n * 0.02 + 1e6)) for n in range(4)) > 500
    finally:
        one.close()
        two.close()
    for _ in range(5):  # turns of the loop, in which asyncio closes
        await asyncio.sleep(0)
    again = await ports.open()
    again.close()
    with pytest.raises(OSError, match="assign"):
        await Ports("192.0.2.1").open()


def _pcma(port: int) -> LegSettings:
    return LegSettings(format=FORMATS["PCMA"], payload_type=8, event_type=101, remote=("127.0.0.1", port))
