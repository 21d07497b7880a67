"""One leg by RTP: what comes in and what goes out of one call's sound, as a core without sockets or clock.

In: a datagram is taken when it comes from the latched source (and, with SRTP, is what the key says), and is sound of
the agreed codec, a key, comfort noise or RTCP; all else is dropped and counted. Sound is handed back as it came, to
pass on unopened, or is put into the playout, when somebody here listens.

Out: `send` encodes a frame, `send_payload` sends what is encoded already, `relay` passes on what another leg of the
same codec received: its gaps in time and number are kept, so that the far end sees what was lost and conceals it
itself. While a key is being sent it takes the place of sound (RFC 4733 §2.5.1.2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from callcontrol.media import rtcp
from callcontrol.media.codecs import Codec, Format
from callcontrol.media.events import DEFAULT_MS, Events, Press, events_along, events_of
from callcontrol.media.playout import Playout
from callcontrol.media.rtp import Address, Latch, Numbering, Packet, is_rtcp, parse
from callcontrol.media.srtp import Keys, Secured

__all__ = ["Drops", "Leg", "LegSettings"]

MAX_KEYS = 64
"""Keys that wait to be sent, and keys heard that wait to be read."""
BETWEEN_KEYS = 4
"""Frames of sound between two keys: 80 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSettings:
    """What the offer and the answer have agreed on. Payload types are those that both sides use."""

    format: Format
    payload_type: int
    event_type: int | None = None
    comfort_type: int | None = None
    remote: Address
    hosts: frozenset[str] = frozenset()
    """From where it may come as well: see `Latch`."""
    keys: Keys | None = None
    sends: bool = True
    receives: bool = True


@dataclass(slots=True)
class Drops:
    """Datagrams that were not taken, by why."""

    elsewhere: int = 0
    malformed: int = 0
    forged: int = 0
    unknown: int = 0
    """Of a payload type that was not agreed on."""


@dataclass(slots=True)
class Leg:
    """`numbering` is to begin at random."""

    settings: LegSettings
    numbering: Numbering
    cname: str = "rvx"
    drops: Drops = field(default_factory=Drops)
    peer_said_bye: bool = False
    peer_lost: float | None = None
    """Of what we sent, 0 to 1, by its last report."""
    round_trip_s: float | None = None
    """To the peer and back, by its last report; None where it has not told."""
    listening: bool = False
    """Whether sound goes into the playout, for `pull`; else it is only handed back."""
    heard_at: float | None = None
    """When sound came last."""
    begins: bool = True
    """The next sound that is sent is the first after a silence, which its packet says (RFC 3551 §4.1)."""

    _latch: Latch = field(init=False)
    _secured: Secured | None = field(init=False)
    _reception: rtcp.Reception = field(init=False)
    _playout: Playout | None = field(init=False, default=None)
    _encoder: Codec | None = field(init=False, default=None)
    _events: Events = field(init=False, default_factory=Events)
    _pressed: deque[Press] = field(init=False)
    _to_press: deque[Iterator[Packet]] = field(init=False)
    _pause: int = field(init=False, default=0)
    _wall_less_now: float | None = field(init=False, default=None)  # at our last report
    _relayed: tuple[int, int, int] | None = field(init=False, default=None)  # SSRC; what its numbers are ours by

    def __post_init__(self) -> None:
        self._pressed, self._to_press = deque(maxlen=MAX_KEYS), deque()
        self.agree(self.settings)

    def agree(self, settings: LegSettings) -> None:
        """New SDP. The latch opens only where the other side's address has changed."""
        before = getattr(self, "_latch", None)
        if before is None or settings.remote != self.settings.remote or settings.hosts != self.settings.hosts:
            self._latch = Latch(settings.remote, settings.hosts)
        if before is None or settings.keys != self.settings.keys:
            self._secured = Secured(settings.keys) if settings.keys else None
        if before is None or settings.format != self.settings.format:
            self._reception = rtcp.Reception(settings.format.clock_hz)
            self._playout = self._encoder = None
        self.settings = settings

    @property
    def towards(self) -> Address:
        """Where to send to."""
        return self._latch.towards

    @property
    def latched(self) -> bool:
        return self._latch.source is not None

    @property
    def playout(self) -> Playout:
        """Made when somebody listens."""
        if self._playout is None:
            self._playout = Playout(self.settings.format.make().decode, self.settings.format.clock_hz)
        return self._playout

    def receive(self, data: bytes, source: Address, now: float) -> Packet | None:
        """A datagram. Gives the packet, where it is sound, or a key that came as an event, to be passed on."""
        if self._latch.source is not None and source != self._latch.source and not is_rtcp(data):
            self._latch.dropped += 1  # before it costs anything
            self.drops.elsewhere = self._latch.dropped
            return None
        if is_rtcp(data):
            self._receive_rtcp(data, source, now)
            return None
        packet = self._opened(data)
        if packet is None:
            return None
        settings = self.settings
        if packet.payload_type not in (settings.payload_type, settings.event_type, settings.comfort_type):
            self.drops.unknown += 1
            return None
        if not self._latch.takes(source):
            self.drops.elsewhere = self._latch.dropped
            return None
        if not settings.receives:
            return None
        self._reception.heard(packet, now)
        self.heard_at = now
        if packet.payload_type == settings.event_type:
            press = self._events.heard(packet, settings.format.clock_hz)
            if press is not None:
                self._pressed.append(press)
            if self.listening:
                self.playout.passed_by(packet)
        elif packet.payload_type != settings.payload_type:
            self.playout.comfort(packet.payload)
            self.playout.passed_by(packet)
            return None
        elif self.listening:
            self.playout.push(packet, now)
        return packet

    def presses(self) -> list[Press]:
        """The keys heard since the last call, each once; what is known of one that is held grows on."""
        found = list(self._pressed)
        self._pressed.clear()
        return found

    def pressed(self) -> str:
        """The same as text."""
        return "".join(press.key for press in self.presses())

    def pull(self, now: float) -> bytes:
        """The next frame of what is heard; see `Playout`."""
        return self.playout.pull(now)

    def press(self, key: str, ms: int = DEFAULT_MS) -> None:
        """Send a key. Raises ValueError where it is none, where the peer takes none, or when too many wait."""
        event_type, step = self._events_wanted(), self.settings.format.step
        self._to_press.append(events_of(key, self.numbering, event_type, ms=ms, step=step))

    def press_along(self, press: Press, heard_step: int) -> None:
        """Send a key on for as long as it is heard from another leg (`events.lasting`). Raises as `press`."""
        event_type, step = self._events_wanted(), self.settings.format.step
        self._to_press.append(events_along(press, heard_step, self.numbering, event_type, step=step))

    def send(self, frame: bytes) -> bytes | None:
        """A frame of sound as a datagram; None: nothing to send now."""
        if not self.settings.sends:
            return None
        if self._encoder is None:
            self._encoder = self.settings.format.make()
        return self.send_payload(self._encoder.encode(frame))

    def send_payload(self, payload: bytes) -> bytes | None:
        """20 ms that are encoded already."""
        if not self.settings.sends:
            return None
        if (event := self._event()) is not None:
            return self._sealed(event)
        self._pause = max(0, self._pause - 1)
        step = self.settings.format.step
        if not payload:
            self.numbering.timestamp = (self.numbering.timestamp + step) & 0xFFFFFFFF
            self.begins = True
            return None
        first, self.begins = self.begins, False
        self._relayed = None
        return self._sealed(self.numbering.packet(self.settings.payload_type, payload, after=step, marker=first))

    def relay(self, packet: Packet, *, event: bool = False) -> bytes | None:
        """What another leg of the same codec received, unopened. `event`: a key, with its sender's timing;
        dropped where the peer takes none."""
        settings = self.settings
        payload_type = settings.event_type if event else settings.payload_type
        if not settings.sends or payload_type is None:
            return None
        if (own := self._event()) is not None:
            return self._sealed(own)
        numbering = self.numbering
        if self._relayed is None or self._relayed[0] != packet.ssrc:
            step = settings.format.step
            self._relayed = (
                packet.ssrc,
                numbering.sequence + 1 - packet.sequence,
                numbering.timestamp + step - packet.timestamp,
            )
        sequence = (packet.sequence + self._relayed[1]) & 0xFFFF
        timestamp = (packet.timestamp + self._relayed[2]) & 0xFFFFFFFF
        if _later(sequence, numbering.sequence, 16):
            numbering.sequence = sequence
        if _later(timestamp, numbering.timestamp, 32):
            numbering.timestamp = timestamp
        numbering.packets += 1
        numbering.octets += len(packet.payload)
        return self._sealed(Packet(payload_type, sequence, timestamp, numbering.ssrc, packet.payload, packet.marker))

    def report(self, wall: float, now: float, *, bye: bool = False) -> bytes:
        """An RTCP datagram, each `rtcp.INTERVAL_S` and at the end. `wall`: s since 1970, at `now`."""
        self._wall_less_now = wall - now
        data = rtcp.report(self.numbering, self._reception, self.cname, wall, now, bye=bye)
        return self._secured.seal_rtcp(data) if self._secured else data

    @property
    def lost(self) -> tuple[int, int]:
        """Packets lost on the way here, of how many expected."""
        return self._reception.lost, self._reception.expected

    def _events_wanted(self) -> int:
        if self.settings.event_type is None:
            raise ValueError("the peer takes no telephone events")
        if len(self._to_press) >= MAX_KEYS:
            raise ValueError(f"{MAX_KEYS} keys wait")
        return self.settings.event_type

    def _event(self) -> Packet | None:
        """The next packet of a key that is being sent."""
        if self._pause or not self._to_press:
            return None
        packet = next(self._to_press[0], None)
        if packet is None:
            self._to_press.popleft()
            self._pause = BETWEEN_KEYS
            self._relayed = None
        return packet

    def _opened(self, data: bytes) -> Packet | None:
        if self._secured is not None:
            opened = self._secured.opened(data)
            if opened is None:
                self.drops.forged += 1
                return None
            data = opened
        try:
            return parse(data)
        except ValueError:
            self.drops.malformed += 1
            return None

    def _receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """Taken only from the host that sound comes from, or is expected from; it never closes the latch."""
        if source[0] != self._latch.towards[0]:
            self.drops.elsewhere += 1
            return
        if self._secured is not None:
            opened = self._secured.opened(data, rtcp=True)
            if opened is None:
                self.drops.forged += 1
                return
            data = opened
        try:
            heard = rtcp.parse(data, self.numbering.ssrc)
        except ValueError:
            self.drops.malformed += 1
            return
        self.peer_said_bye = self.peer_said_bye or heard.bye
        self.peer_lost = heard.fraction_lost if heard.fraction_lost is not None else self.peer_lost
        if heard.sent is not None:
            self._reception.sender_said(heard.sent, now)
        if self._wall_less_now is not None and (took := heard.round_trip_s(now + self._wall_less_now)) is not None:
            self.round_trip_s = took

    def _sealed(self, packet: Packet) -> bytes:
        data = bytes(packet)
        return self._secured.seal(data) if self._secured else data


def _later(one: int, other: int, bits: int) -> bool:
    return 0 < (one - other) % (1 << bits) < 1 << bits - 1
