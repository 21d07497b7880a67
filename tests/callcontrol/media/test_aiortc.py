"""The shells: each private name of aiortc that we touch, tracks, a browser's leg, and a telephone's on real sockets."""

import asyncio
import inspect
import math
import re

import av
import pytest
from aiortc import RTCConfiguration, RTCDtlsTransport, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from callcontrol.media.codecs import FORMATS
from callcontrol.media.leg import Drops, LegSettings
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, SILENCE, clipped, loudness
from callcontrol.media.rtp import Packet
from callcontrol.media.sounds import Clip, Player
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.media.tracks import PlayedTrack, SoundTrack, frame_of, pump, sound_of
from callcontrol.media.udp import NoPort, Ports
from callcontrol.media.webrtc import Peer
from callcontrol.sip.errors import RemoteError

PATIENCE_S = 10


def test_the_private_names_of_aiortc_are_as_we_know_them() -> None:
    """Where this fails after an upgrade, webrtc.py must be read again beside aiortc's rtcdtlstransport.py."""
    for name, parameters in (
        ("_handle_rtp_data", ["self", "data", "arrival_time_ms"]),
        ("_handle_rtcp_data", ["self", "data"]),
        ("_send_rtp", ["self", "data"]),
    ):
        method = getattr(RTCDtlsTransport, name, None)
        assert method is not None, f"RTCDtlsTransport.{name} is gone"
        assert inspect.iscoroutinefunction(method), f"RTCDtlsTransport.{name} is no coroutine any more"
        assert list(inspect.signature(method).parameters) == parameters, f"RTCDtlsTransport.{name} takes other things"
    received = inspect.getsource(RTCDtlsTransport._recv_next)
    for handed_on in ("self._handle_rtp_data(data, arrival_time_ms=", "self._handle_rtcp_data(data)"):
        assert handed_on in received, "what is decrypted goes elsewhere now"
    sent = inspect.getsource(RTCDtlsTransport._send_rtp)
    for word in ("is_rtcp(data)", "protect_rtcp(data)", "protect(data)"):
        assert word in sent, "_send_rtp seals otherwise now"


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


async def test_a_browser_is_heard_and_hears() -> None:
    """aiortc's whole peer plays the browser."""
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    played: asyncio.Queue[Packet] = asyncio.Queue()
    clip = Clip(clipped([int(5000 * math.sin(2 * math.pi * 1020 * n / RATE_HZ)) for n in range(4 * FRAME_SAMPLES)]))
    peer = await Peer.open(("PCMA",))
    peer.on_packet = played.put_nowait
    gone = asyncio.Event()
    peer.on_gone = gone.set
    sending = None
    try:
        browser.addTrack(PlayedTrack(Player([clip], again=True), FORMATS["PCMA"]))
        await browser.setLocalDescription(await browser.createOffer())
        offered = browser.localDescription.sdp.encode()
        answered = peer.answer(offered)
        assert answered is not None
        leg = peer.agree(answered[1])
        sending = asyncio.create_task(pump(SoundTrack(ToneSource(Tone.DIAL)), peer))
        await browser.setRemoteDescription(RTCSessionDescription(answered[0].decode(), "answer"))
        got = [await asyncio.wait_for(played.get(), PATIENCE_S) for _ in range(3)]
        assert all(packet.payload in clip.encoded(FORMATS["PCMA"]) for packet in got), "unopened"
        track = browser.getReceivers()[0].track
        frames = [await asyncio.wait_for(track.recv(), PATIENCE_S) for _ in range(3)]
        assert any(bytes(frame.planes[0]).strip(b"\0") for frame in frames if isinstance(frame, av.AudioFrame))
        assert peer.connected
        assert leg.drops == Drops()
        again = peer.answer(offered)
        assert again is not None, "a new offer of the same browser"
        with pytest.raises(RemoteError, match="ice-ufrag"):
            peer.answer(offered.replace(b"a=ice-ufrag:", b"a=ice-ufrag:x"))
        await browser.close()
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
    finally:
        if sending is not None:
            sending.cancel()
        await browser.close()
        await peer.closed()
    assert peer.leg is not None
    peer.send(peer.leg.send(SILENCE))  # nobody is there, and nobody minds


async def test_a_browser_that_falls_silent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callcontrol.media.webrtc.SILENT_S", 0.1)
    monkeypatch.setattr("callcontrol.media.webrtc.LOOKED_S", 0.02)
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer = await Peer.open()
    heard, gone = asyncio.Event(), asyncio.Event()
    peer.on_packet, peer.on_gone = lambda packet: heard.set(), gone.set
    said = SoundTrack(ToneSource(Tone.DIAL))
    try:
        browser.addTrack(said)
        await browser.setLocalDescription(await browser.createOffer())
        answered = peer.answer(browser.localDescription.sdp.encode())
        assert answered is not None
        peer.agree(answered[1])
        await browser.setRemoteDescription(RTCSessionDescription(answered[0].decode(), "answer"))
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        said.stop()
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        assert peer.connected, "its transport is there still"
    finally:
        await browser.close()
        await peer.closed()


async def test_who_has_another_certificate_than_it_offered_is_not_spoken_with() -> None:
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer = await Peer.open()
    gone = asyncio.Event()
    peer.on_gone = gone.set
    try:
        browser.addTrack(SoundTrack(ToneSource(Tone.DIAL)))
        await browser.setLocalDescription(await browser.createOffer())
        offered = re.sub(r"(a=fingerprint:\S+ )..", r"\g<1>00", browser.localDescription.sdp)
        answered = peer.answer(offered.encode())
        assert answered is not None
        peer.on_packet = lambda packet: pytest.fail("sound was taken")
        leg = peer.agree(answered[1])
        await browser.setRemoteDescription(RTCSessionDescription(answered[0].decode(), "answer"))
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        assert not peer.connected
        peer.send(leg.send(SILENCE))
        assert leg.heard_at is None
    finally:
        await browser.close()
        await peer.closed()


async def test_two_legs_on_real_ports_hear_each_other() -> None:
    ports = Ports("127.0.0.1", 32700, 32703)
    one, two = ports.take(), ports.take()
    try:
        with pytest.raises(NoPort):
            ports.take()
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
    again = ports.take()
    again.close()
    with pytest.raises(OSError, match="assign"):
        Ports("192.0.2.1").take()


def _pcma(port: int) -> LegSettings:
    return LegSettings(format=FORMATS["PCMA"], payload_type=8, event_type=101, remote=("127.0.0.1", port))
