"""A browser's sound: a leg (leg.py) whose datagrams go by ICE, DTLS and SRTP (RFC 8834, RFC 8827), by aiortc.

aiortc's senders and receivers are not used: its jitter buffer neither adapts nor conceals, it knows no keys, and it
numbers anew what it relays. So its transport alone is: what it has opened is handed to the leg as it came, and what the
leg sends it seals. All that a leg can, playout, keys both ways, unopened relaying, reports, a browser's has as well.
The private names that this takes are three of `RTCDtlsTransport`; a test guards them
(tests/callcontrol/media/test_aiortc.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)

from callcontrol.media.jsep import PEER, VOICES, Candidate, Transport, answer, answered_with
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.rtcp import INTERVAL_S
from callcontrol.media.rtp import Packet
from callcontrol.media.udp import numbering
from callcontrol.sip.errors import RemoteError

__all__ = ["Peer"]

CONNECT_S = 20.0
"""For ICE and DTLS together."""
WAITING_MAX = 50
"""Datagrams that wait to be sent: a second."""
SILENT_S, LOOKED_S = 10.0, 1.0
"""A browser that is to be heard sends all the time, muted or not: after so long without a packet, looked for so often,
its page or its network is dead. ICE's own consent would see that after half a minute."""
ADDRESSES_MAX = 8
"""Of ours that a browser is told."""

log = logging.getLogger("rvx")


class _Dtls(RTCDtlsTransport):
    """Hands on what comes, opened, as it is."""

    def __init__(self, ice: RTCIceTransport, received: Callable[[bytes], None]) -> None:
        super().__init__(ice, [RTCCertificate.generateCertificate()])
        # Later, so that a fault of who hears it does not end the transport.
        self._later = asyncio.get_running_loop().call_soon
        self._received = received

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._later(self._received, data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._later(self._received, data)


class Peer:
    """One browser's leg, as `udp.Endpoint` is a telephone's. `on_packet` is told of sound and keys that were taken,
    `on_gone` once that the browser is gone, or was never reached."""

    def __init__(self, voices: Sequence[str]) -> None:
        self.leg: Leg | None = None
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self.on_gone: Callable[[], None] = lambda: None
        self.dropped = 0
        """Datagrams that could not be sent fast enough."""
        self._voices = voices
        self._ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        self._dtls = _Dtls(self._ice, self._came)
        self._dtls.on("statechange", self._changed)
        self._numbering = numbering()
        self._theirs: Transport | None = None
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._gone = False
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, voices: Sequence[str] = VOICES) -> Peer:
        """On all addresses of ours. `voices`: names of codecs, in our order of preference."""
        peer = cls(voices)
        await peer._ice.iceGatherer.gather()
        return peer

    @property
    def connected(self) -> bool:
        return self._dtls.state == "connected"

    def answer(self, offered: bytes) -> tuple[bytes, LegSettings] | None:
        """Ours to the browser's offer; the first one is connected to. None: nothing in common. Raises RemoteError."""
        found = answer(offered, self._voices)
        if found is None:
            return None
        if self._theirs is None:
            self._theirs = found.theirs
            self._task = asyncio.create_task(self._run(found.theirs))
        elif (found.theirs.ufrag, found.theirs.fingerprints) != (self._theirs.ufrag, self._theirs.fingerprints):
            raise RemoteError("SDP a=ice-ufrag", found.theirs.ufrag, "ICE began anew, or somebody else did")
        return answered_with(found, self._ours(), self._numbering.ssrc), found.settings

    def agree(self, settings: LegSettings) -> Leg:
        """Offer and answer are done."""
        if self.leg is None:
            self.leg = Leg(settings, self._numbering)
        else:
            self.leg.agree(settings)
        return self.leg

    def send(self, data: bytes | None) -> None:
        """A datagram of the leg's. None is sent before the browser is reached."""
        if not data or not self.connected:
            return
        try:
            self._waiting.put_nowait(data)
        except asyncio.QueueFull:
            self.dropped += 1

    def close(self) -> None:
        """Says BYE, and lets the ports go, soon."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._end())

    async def closed(self) -> None:
        """All is let go."""
        self.close()
        assert self._closing is not None
        await self._closing

    def _ours(self) -> Transport:
        gatherer = self._ice.iceGatherer
        ice, dtls = gatherer.getLocalParameters(), self._dtls.getLocalParameters()
        prints = tuple((one.algorithm, one.value) for one in dtls.fingerprints if one.algorithm == "sha-256")
        candidates = [
            Candidate(one.foundation, one.priority, one.ip, one.port, one.type) for one in gatherer.getLocalCandidates()
        ]
        return Transport(ice.usernameFragment or "", ice.password or "", prints, tuple(candidates[:ADDRESSES_MAX]))

    async def _run(self, theirs: Transport) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CONNECT_S):
                await self._connect(theirs)
            if self.connected:
                beside = [asyncio.create_task(self._report()), asyncio.create_task(self._look())]
                try:
                    while True:
                        await self._dtls._send_rtp(await self._waiting.get())
                finally:
                    for task in beside:
                        task.cancel()
        self._tell_gone()

    async def _connect(self, theirs: Transport) -> None:
        for one in theirs.candidates:
            await self._ice.addRemoteCandidate(
                RTCIceCandidate(
                    component=1,
                    foundation=one.foundation,
                    ip=one.address,
                    port=one.port,
                    priority=one.priority,
                    protocol="udp",
                    type=one.kind,
                )
            )
        await self._ice.addRemoteCandidate(None)
        await self._ice.start(RTCIceParameters(usernameFragment=theirs.ufrag, password=theirs.password))
        if self._ice.state == "completed":
            prints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in theirs.fingerprints]
            await self._dtls.start(RTCDtlsParameters(prints))

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            if self.leg is not None:
                self.send(self.leg.report(time.time(), asyncio.get_running_loop().time()))

    async def _look(self) -> None:
        since = self._loop.time()
        while True:
            await asyncio.sleep(LOOKED_S)
            now = self._loop.time()
            if self.leg is None or not self.leg.settings.receives:
                since = now
            elif now - max(since, self.leg.heard_at or since) > SILENT_S:
                self._tell_gone()
                return

    def _came(self, data: bytes) -> None:
        if self.leg is not None and (packet := self.leg.receive(data, PEER, self._loop.time())) is not None:
            self.on_packet(packet)

    def _changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._tell_gone()

    def _tell_gone(self) -> None:
        if not self._gone:
            self._gone = True
            if self._closing is None:
                log.info("rvx-event kind=browser_gone ice=%s dtls=%s", self._ice.state, self._dtls.state)
                self.on_gone()

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.leg is not None and self.connected:
            with contextlib.suppress(ConnectionError):
                await self._dtls._send_rtp(self.leg.report(time.time(), asyncio.get_running_loop().time(), bye=True))
        await self._dtls.stop()
        await self._ice.stop()
