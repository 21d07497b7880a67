"""Places where the unit itself is at the other end of a call's sound: a pair of ports, what is played there, the keys
and the sound that come.

A shell over callcontrol.media. Who opens a place closes it, whatever happens. aiortc is loaded by the first browser,
and by what is first played here: 0.2 s and 35 MB that the process `trunk` has no use for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.codecs import Format
from callcontrol.media.dtmf import Keys as KeysInBand
from callcontrol.media.events import Press
from callcontrol.media.given import GivenKeys
from callcontrol.media.jsep import VOICES
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.pace import turns
from callcontrol.media.pcm import Source
from callcontrol.media.rtp import Address, Packet
from callcontrol.media.sounds import Clip, Music, Player
from callcontrol.media.udp import FIRST_PORT, LAST_PORT, NoPort, Ports, Wire
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.sdp import Description, Direction

if TYPE_CHECKING:
    from callcontrol.media.webrtc import Peer

__all__ = ["AT_ONCE_MAX", "NoPlace", "Place", "Places"]

AT_ONCE_MAX = 100
"""Places at a time."""
LEAST_PORT = 1024
"""Below are services, and nobody's sound."""
SIGNALLING = range(5060, 5080)
"""SIP's ports, and those of this unit's processes."""
KEYS_MAX = 16
"""Keys that wait to be heeded; who presses more is not heard."""

log = logging.getLogger("rvx")


class NoPlace(Exception):
    """There is no room, or nowhere from which that sound is reached."""


class Places:
    """`beside`: the other side may be another process of this unit, at the ports that are for sound. `here`: phones may
    be on this very machine (`Network.here`)."""

    def __init__(self, *, beside: bool = False, here: bool = False) -> None:
        self._beside, self._here = beside, here
        self._ports: dict[str, Ports] = {}
        self._open: set[Place] = set()

    @property
    def room(self) -> int:
        """How many more there may be."""
        return AT_ONCE_MAX - len(self._open)

    async def open(self, towards: bytes) -> Place:
        return self.take(towards)

    def take(self, towards: bytes) -> Place:
        """On the address of ours by which the sound in that description is reached. Raises NoPlace."""
        try:
            media = Description.parse(towards).audio
            address = None if media is None else self._reached((media.address, media.port))
        except RemoteError as error:
            raise NoPlace(f"{type(error).__name__}: {error}") from error
        if address is None:
            raise NoPlace("no sound there that can be reached")
        return self.at(address)

    def at(self, address: str) -> Place:
        """On that address of ours, for who is to offer. Raises NoPlace."""
        if not self.room:
            raise NoPlace(f"{AT_ONCE_MAX} places are open")
        try:
            endpoint = self._ports.setdefault(address, Ports(address)).take()
        except (NoPort, OSError) as error:
            raise NoPlace(f"{type(error).__name__}: {error}") from error
        return self._opened(OwnEnd(address, endpoint.port), endpoint)

    async def open_browser(self, voices: Sequence[str] = VOICES) -> Place:
        """For a browser, which is to offer; `voices`: names of codecs, in our order. Raises NoPlace."""
        from callcontrol.media.webrtc import Peer

        peer = await Peer.open(voices)
        if not self.room:
            await peer.closed()
            raise NoPlace(f"{AT_ONCE_MAX} places are open")
        place = self._opened(peer, peer)
        peer.on_gone = place.close
        return place

    def close(self) -> None:
        for place in list(self._open):
            place.close()

    def _opened(self, end: OwnEnd | Peer, wire: Wire) -> Place:
        place = Place(end, wire, partial(self._closed, wire), self._reached)
        self._open.add(place)
        return place

    def _closed(self, wire: Wire, place: Place) -> None:
        if place in self._open:
            self._open.discard(place)
            wire.close()

    def _reached(self, remote: Address) -> str | None:
        """Our address from which sound may be sent there: whoever describes his sound must not have us send to others'
        signalling, or to ourselves."""
        host, port = remote
        if port < LEAST_PORT or port in SIGNALLING:
            return None
        return _towards(host, ourselves=self._here or (self._beside and FIRST_PORT <= port <= LAST_PORT))


class Place:
    """One end of one call. `keys`: what was pressed, by events, in the sound itself, or put there by the signalling."""

    def __init__(
        self,
        end: OwnEnd | Peer,
        wire: Wire,
        closed: Callable[[Place], None],
        reached: Callable[[Address], str | None],
    ) -> None:
        self.keys: asyncio.Queue[str] = asyncio.Queue(KEYS_MAX)
        self.wire = wire
        self._end = end
        self._offered = b""
        self._closed = closed
        self._reached = reached
        wire.on_packet = self._came
        self._in_band: _InBand | None = None
        self._signalled: bool | None = None
        self._given = GivenKeys()
        self.on_press: Callable[[Press, int], None] | None = None
        """Meanwhile told of each event, with the units in 20 ms of its clock."""

    # ---- what is agreed on

    def answer(self, offered: bytes) -> bytes:
        """Ours; empty where there is nothing in common."""
        with self._judged():
            found = self._end.answer(offered)
            if found is not None:
                self._agree(found[1])
                return found[0]
        return b""

    def offer(self, direction: Direction = Direction.SENDRECV, *, secure: bool = False) -> bytes:
        """Not to a browser, which offers itself."""
        assert isinstance(self._end, OwnEnd)
        self._offered = self._end.offer(direction, secure=secure)
        return self._offered

    def agreed(self, answered: bytes) -> bool:
        """The answer to our last offer. False: there is nothing in common."""
        assert isinstance(self._end, OwnEnd)
        with self._judged():
            settings = self._end.agreed(self._offered, answered)
            if settings is not None:
                self._agree(settings)
                return True
        return False

    @property
    def leg(self) -> Leg | None:
        """None until something is agreed on."""
        return self.wire.leg

    @property
    def format(self) -> Format:
        """That was agreed on."""
        assert self.leg is not None
        return self.leg.settings.format

    @property
    def keys_in_sound(self) -> bool:
        """Whether keys come in the sound itself."""
        return self._in_band is not None and self._signalled is False

    @property
    def holds(self) -> bool:
        """It is agreed that nothing is heard there."""
        return self.leg is not None and not self.leg.settings.sends

    # ---- what is heard there

    async def play(self, clips: Sequence[Clip], *, again: bool = False) -> None:
        """To its end, or again and again; what was never sent in this codec is encoded first, beside the loop."""
        if any(not clip.is_encoded(self.format) for clip in clips):
            await asyncio.to_thread(_encode, clips, self.format)
        from callcontrol.media.tracks import PlayedTrack, pump

        await pump(PlayedTrack(Player(clips, again=again), self.format), self.wire)

    async def music(self, music: Music) -> None:
        """Where it is just now, on and on."""
        from callcontrol.media.tracks import PlayedTrack, SoundTrack, pump

        player = music.player(asyncio.get_running_loop().time())
        ready = music.is_encoded(self.format)
        await pump(PlayedTrack(player, self.format) if ready else SoundTrack(player), self.wire)

    async def sound(self, source: Source) -> None:
        """To its end."""
        from callcontrol.media.tracks import SoundTrack, pump

        await pump(SoundTrack(source), self.wire)

    def say(self, frame: bytes) -> None:
        """20 ms of sound, by who keeps the time himself."""
        if self.leg is not None:
            self.wire.send(self.leg.send(self._given.over(frame)))

    def give(self, press: Press, step: int) -> None:
        """A key that is heard elsewhere; while somebody says frames here."""
        if self.leg is not None:
            self._given.press(press, step, self.leg)

    # ---- what comes from there

    def heard(self, now: float) -> bytes:
        """The next 20 ms of what comes, for who keeps the time himself."""
        if self.leg is None:
            return b""
        self.leg.listening = True
        return self.leg.pull(now)

    async def listen(self, sink: Callable[[bytes], object]) -> None:
        """Hands on what comes, frame by frame in time, until cancelled, or until `sink` says True."""
        async for now in turns():
            if sink(self.heard(now)) is True:
                return

    def take_back(self) -> None:
        """What comes from there comes here again, after the wire was joined to another (callcontrol/media/joint.py)."""
        self.wire.on_packet = self._came

    def press(self, key: str) -> None:
        """A key that came by the signalling."""
        self._press(key, signalled=True)

    def close(self) -> None:
        """Says BYE by RTCP, and lets the ports go; once."""
        self._closed(self)

    def _agree(self, settings: LegSettings) -> None:
        """Raises RemoteError where its sound cannot be there."""
        if isinstance(self._end, OwnEnd) and settings.sends and self._reached(settings.remote) is None:
            raise RemoteError("SDP c=", settings.remote[0], "no place for sound")
        self.wire.agree(settings)
        if settings.event_type is not None:
            self._in_band = None
        elif self._in_band is None or self._in_band.format != settings.format:
            self._in_band = _InBand(settings.format)

    def _came(self, packet: Packet) -> None:
        leg = self.leg
        assert leg is not None
        presses = leg.presses()
        if self.on_press is not None:
            for press in presses:
                self.on_press(press, leg.settings.format.step)
        keys = "".join(press.key for press in presses)
        if self._in_band is not None and packet.payload_type == leg.settings.payload_type:
            keys += self._in_band.heard(packet.payload)
        for key in keys:
            self._press(key, signalled=False)

    def _press(self, key: str, *, signalled: bool) -> None:
        """Who sends each key in two ways is heeded in that of the first one."""
        if self._signalled is None:
            self._signalled = signalled
        if self._signalled is signalled:
            with contextlib.suppress(asyncio.QueueFull):
                self.keys.put_nowait(key)

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except RemoteError as error:
            log.warning("rvx-event kind=unspoken field=%s", error.field.replace(" ", "_"))


class _InBand:
    """Keys in the sound itself, where the other side sends no events."""

    def __init__(self, known: Format) -> None:
        self.format = known
        self._decode = known.make().decode
        self._keys = KeysInBand()

    def heard(self, payload: bytes) -> str:
        try:
            return self._keys.heard(self._decode(payload))
        except ValueError:
            return ""


def _towards(remote: str, *, ourselves: bool = False) -> str | None:
    """The address of ours from which the kernel would send there; None for a name, for this machine unless that is
    wanted, for more than one, or where it cannot."""
    try:
        address = IPv4Address(remote)
        if address.is_multicast or address.is_unspecified or (address.is_loopback and not ourselves):
            return None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((remote, 9))
            own = str(probe.getsockname()[0])
            return None if own == remote and not ourselves else own
    except (ValueError, OSError):
        return None


def _encode(clips: Sequence[Clip], known: Format) -> None:
    for clip in clips:
        clip.encoded(known)
