"""Keys pressed, as telephone events (RFC 4733 §2): how they are sent and how they are heard.

Theory. An event is many packets with one timestamp, that of its beginning, in which the duration grows; the last is
sent three times with the end bit, as any may be lost (§2.5.1.4). So who listens knows an event by its source and
timestamp, tells of it once, at the first packet that comes, whichever that is, and takes the longest duration for the
true one. A key that is given on to a peer of another clock is sent for as long as it is heard to be held (`lasting`).
Pure: time is the stream's own.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from callcontrol.media.pcm import FRAME_SAMPLES
from callcontrol.media.rtp import Numbering, Packet

__all__ = ["DEFAULT_MS", "KEYS", "MAX_MS", "Event", "Events", "Press", "events_along", "events_of", "lasting"]

KEYS = "0123456789*#ABCD"
"""Each at its own event code (§3.2); others, as flash (16), are not taken."""
DEFAULT_MS = 100
MIN_MS, MAX_MS = 40, 5000
END_TIMES = 3
STILL_FRAMES = 15
"""A key of which nothing more is heard for so long is no longer held: its end was lost. 300 ms."""
_END = 0x80
_LOUD_DBM0 = 10  # below 0 dBm0
_PAYLOAD = struct.Struct("!BBH")
_KEPT = 8
"""Events remembered: one whose packets come later than those of so many others is told twice."""
_RATE_MAX = 25
"""Keys per second of the stream that are believed; who sends more is no person. One key is 40 ms at least."""


@dataclass(frozen=True, slots=True)
class Event:
    """One payload. `duration`: units of the stream's clock, from the event's beginning."""

    code: int
    duration: int
    end: bool
    dbm0: int = _LOUD_DBM0

    def __bytes__(self) -> bytes:
        return _PAYLOAD.pack(self.code, (_END if self.end else 0) | self.dbm0, self.duration)

    @classmethod
    def parse(cls, payload: bytes) -> Event:
        """The first event of a payload. Raises ValueError for one that is too short."""
        if len(payload) < _PAYLOAD.size:
            raise ValueError(f"telephone-event: {len(payload)} bytes")
        code, flags, duration = _PAYLOAD.unpack_from(payload)
        return cls(code, duration, bool(flags & _END), flags & 0x3F)


@dataclass(slots=True)
class Press:
    """A key as it was heard. `ended` by its own word; else it has lasted so long as far as is known."""

    key: str
    duration: int
    ended: bool


class Events:
    """What one side hears of the other's keys."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], Press | None] = OrderedDict()
        self._latest: tuple[int, int] | None = None  # SSRC and timestamp
        self.dropped = 0
        """Events that were malformed, unknown, or came in a flood."""

    def heard(self, packet: Packet, clock_hz: int = 8000) -> Press | None:
        """The key, once for each time that it was pressed, at its first packet; else None."""
        try:
            event = Event.parse(packet.payload)
        except ValueError:
            self.dropped += 1
            return None
        name = (packet.ssrc, packet.timestamp)
        if name in self._known:
            press = self._known[name]
            if press is not None and event.duration >= press.duration:
                press.duration, press.ended = event.duration, press.ended or event.end
            return None
        press = Press(KEYS[event.code], event.duration, event.end) if event.code < len(KEYS) else None
        if press is not None and self._too_soon(name, clock_hz):
            press = None
        self._known[name] = press
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        if press is None:
            self.dropped += 1
            return None
        self._latest = name
        return press

    def _too_soon(self, name: tuple[int, int], clock_hz: int) -> bool:
        if self._latest is None or self._latest[0] != name[0]:
            return False
        since = (name[1] - self._latest[1] + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        return -clock_hz < since < clock_hz // _RATE_MAX


def lasting(press: Press, step: int) -> Iterator[bool]:
    """For each 20 ms that a key is to be given on whether it is the last. `step`: units in 20 ms of the clock by which
    it is heard, while it is heard."""
    known, still = press.duration, 0
    for frame in range(1, MAX_MS // 20):
        known, still = (press.duration, 0) if press.duration != known else (known, still + 1)
        last = frame * 20 >= MIN_MS and frame * step >= press.duration and (press.ended or still >= STILL_FRAMES)
        yield last
        if last:
            return
    yield True


def events_of(
    key: str, numbering: Numbering, payload_type: int, *, ms: int = DEFAULT_MS, step: int = FRAME_SAMPLES
) -> Iterator[Packet]:
    """The packets of one press, one to be sent each 20 ms, during which the stream's clock goes on. `step`: units of
    that clock in 20 ms. Raises ValueError for what is no key."""
    count = max(MIN_MS, min(MAX_MS, ms)) // 20
    return _events(_code(key), numbering, payload_type, (number == count for number in range(1, count + 1)), step)


def events_along(
    press: Press, heard_step: int, numbering: Numbering, payload_type: int, *, step: int = FRAME_SAMPLES
) -> Iterator[Packet]:
    """A key that is being heard, given on for as long as it is. `heard_step`: as for `lasting`."""
    return _events(_code(press.key), numbering, payload_type, lasting(press, heard_step), step)


def _code(key: str) -> int:
    code = KEYS.find(key) if len(key) == 1 else -1
    if code < 0:
        raise ValueError(f"key: {key!r}")
    return code


def _events(code: int, numbering: Numbering, payload_type: int, lasts: Iterator[bool], step: int) -> Iterator[Packet]:
    began = (numbering.timestamp + step) & 0xFFFFFFFF
    for number, last in enumerate(lasts, 1):
        for _ in range(END_TIMES if last else 1):
            event = Event(code, min(number * step, 0xFFFF), end=last)
            sent = numbering.packet(payload_type, bytes(event), after=step, marker=number == 1)
            yield Packet(payload_type, sent.sequence, began, sent.ssrc, sent.payload, sent.marker)
