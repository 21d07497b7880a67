"""The unit's side of the talk with its microcontroller: bytes in, events out, time passed in.

Frames are of mcuframe.py, what they say of mcuwords.py. Orders go one at a time, are repeated until they are answered,
and given up after `TRIES`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from drivers.codec import mcuwords as words
from drivers.codec.mcuframe import Decoder, encode

__all__ = ["Answer", "Asked", "Entry", "Event", "Hello", "Order", "Talk", "Telemetry"]

REPEAT_S = 0.4
"""A microcontroller that erases its flash hears nothing for a tenth of it."""
LONG_REPEAT_S = 8.0
"""It lays out a new program."""
TRIES = 4
ORDERS_MAX = 8
"""More wait for nobody: the oldest is answered by `lost`."""
EVENTS_MAX = 512
HELLO_AGAIN_S = 2.0
"""It is asked for its HELLO so often, until it came."""


@dataclass(frozen=True, slots=True)
class Hello:
    """`protocol`: what is agreed, None where nothing can be. `slot`: "a" or "b"."""

    boot_id: int
    protocol: int | None
    program: int
    slot: str
    cause: int


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What it measures; None is "not known". `state`: a word of mcuwords.STATES; `newest`: of its log."""

    uptime_s: int
    mains: bool | None
    battery_mv: int | None
    unit_ma: int | None
    supply_mv: int | None
    celsius: float | None
    state: str
    halt: bool
    low: bool
    warns: bool
    bad_frames: int
    newest: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Of its log. `unix_s`: None where it did not know the time; `celsius` and the like as in Telemetry."""

    number: int
    uptime_s: int
    unix_s: int | None
    cause: str
    detail: int
    battery_mv: int | None
    unit_ma: int | None
    celsius: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """It has lost the heartbeat, and asks for it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One of mcuwords.COMMANDS with its fields. Two orders alike are two."""

    kind: int
    fields: tuple[int | bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`word`: of mcuwords.REFUSALS, or `lost`."""

    order: Order
    word: str


Event = Hello | Telemetry | Entry | Asked | Answer


class Talk:
    """One connection. `boot_id` is new each time, so that nothing is taken for what was ordered before."""

    def __init__(self, boot_id: int, now: float) -> None:
        self.missed = 0
        """Frames of the other side that did not come whole, by their numbers."""
        self._boot_id = boot_id
        self._decoder = Decoder(words.LENGTHS)
        self._out = bytearray()
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._orders: deque[Order] = deque()
        self._sequence = self._ordered = 0
        self._theirs: int | None = None
        self._told: Hello | None = None
        self._frame = b""
        self._tries = 0
        self._repeat_at: float | None = None
        self._hello_at = now
        self.on_timer(now)

    @property
    def bad(self) -> int:
        """What was no frame."""
        return self._decoder.bad

    @property
    def hello(self) -> Hello | None:
        """What the other side said of itself."""
        return self._told

    def receive(self, data: bytes, now: float) -> None:
        for kind, sequence, payload in self._decoder.receive(data):
            fields = words.unpack(kind, payload)
            if fields is None:
                self._decoder.bad += 1
                continue
            if self._theirs is not None:
                self.missed += (sequence - self._theirs - 1) & 0xFF
            self._theirs = sequence
            self._take(kind, fields, now)

    def beat(self, *, edge: int, calls: int | None, load: float, writable: bool, unix_s: int) -> None:
        """One heartbeat. `calls`: None where not known; `load`: of one minute, processes."""
        told = words.CALLS_UNKNOWN if calls is None else min(calls, words.CALLS_UNKNOWN - 1)
        self._put(words.BEAT, words.pack(words.BEAT, edge, told, min(int(100 * load), 0xFFFF), int(writable), unix_s))

    def order(self, order: Order, now: float) -> None:
        """Its Answer comes as an event."""
        if len(self._orders) >= ORDERS_MAX:
            self._events.append(Answer(order, "lost"))
            return
        self._orders.append(order)
        if len(self._orders) == 1:
            self._begin(now)

    def data_to_send(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_event(self) -> Event | None:
        return self._events.popleft() if self._events else None

    def next_timer(self) -> float | None:
        due = [at for at in (self._repeat_at, None if self._told else self._hello_at) if at is not None]
        return min(due, default=None)

    def on_timer(self, now: float) -> None:
        if self._told is None and now >= self._hello_at:
            self._hello_at = now + HELLO_AGAIN_S
            self._put_hello()
        if self._repeat_at is None or now < self._repeat_at:
            return
        if self._tries >= TRIES:
            self._finish("lost", now)
            return
        self._tries += 1
        self._out += self._frame
        self._repeat_at = now + self._pause(self._orders[0])

    def _take(self, kind: int, fields: tuple[int, ...], now: float) -> None:
        if kind == words.HELLO:
            low, high, boot_id, program, slot, cause = fields
            new = self._told is None or self._told.boot_id != boot_id
            self._told = Hello(boot_id, words.agreed(low, high), program, "-ab"[slot], cause)
            if new:
                self._put_hello()
                self._events.append(self._told)
        elif kind == words.TELEMETRY:
            self._events.append(_telemetry(fields))
        elif kind == words.ENTRY and fields[3] < len(words.CAUSES):
            self._events.append(_entry(fields))
        elif kind == words.ASK:
            self._events.append(Asked())
        elif kind == words.ACK and self._orders and fields[:2] == (self._orders[0].kind, self._ordered):
            self._finish(words.REFUSALS[fields[2]], now)

    def _begin(self, now: float) -> None:
        order = self._orders[0]
        self._ordered = (self._ordered + 1) & 0xFF  # not the frames': two orders in a row are never taken for one
        self._frame = encode(order.kind, self._ordered, words.pack(order.kind, *order.fields))
        self._out += self._frame
        self._tries = 1
        self._repeat_at = now + self._pause(order)

    def _finish(self, word: str, now: float) -> None:
        self._events.append(Answer(self._orders.popleft(), word))
        self._repeat_at = None
        if self._orders:
            self._begin(now)

    def _pause(self, order: Order) -> float:
        return LONG_REPEAT_S if order.kind == words.END else REPEAT_S

    def _put_hello(self) -> None:
        self._put(words.HELLO, words.pack(words.HELLO, *words.PROTOCOLS, self._boot_id, 0, 0, 0))

    def _put(self, kind: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        self._out += encode(kind, self._sequence, payload)


def _telemetry(fields: tuple[int, ...]) -> Telemetry:
    uptime_s, mains, battery_mv, unit_ma, supply_mv, tenths, state, halt, low, warns, bad, newest = fields
    return Telemetry(
        uptime_s,
        None if mains == words.MAINS_UNKNOWN else mains == words.MAINS_ON,
        _known(battery_mv),
        _known(unit_ma),
        _known(supply_mv),
        _celsius(tenths),
        words.STATES[state],
        bool(halt),
        bool(low),
        bool(warns),
        bad,
        newest,
    )


def _entry(fields: tuple[int, ...]) -> Entry:
    number, uptime_s, unix_s, cause, detail, battery_mv, unit_ma, tenths = fields
    return Entry(
        number,
        uptime_s,
        unix_s or None,
        words.CAUSES[cause],
        detail,
        _known(battery_mv),
        _known(unit_ma),
        _celsius(tenths),
    )


def _known(value: int) -> int | None:
    return None if value in (words.NOT_KNOWN, words.NOT_KNOWN_SIGNED) else value


def _celsius(tenths: int) -> float | None:
    return None if tenths == words.NOT_KNOWN_SIGNED else tenths / 10
