"""The sound of calls by mobile data: from phones to the platform and back, unopened, counted on the way.

A call has a pair of ports inside, where its phone sends, and one outside, where the platform does; what comes in by one
goes out by the other, if it comes from who was described (`callcontrol.media.rtp.Latch`). Who asks for places is the
edge (`firmware.data.control`). A stream that sends more than sound does is cut down to it: a picture, or a flood, takes
no call its place."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from callcontrol.media import rtcp, rtp
from callcontrol.media.rtp import Address, Latch
from callcontrol.media.udp import NoPort, Ports
from firmware.data.control import FEATURES, PROTOCOL, Command, CommandError, Kind, Side, answer_of, parse

__all__ = ["Relay", "Tally"]

FIRST_PORT, LAST_PORT = 31000, 31799
"""On both sides, beside those of `calls` (callcontrol/media/udp.py)."""
CALLS_MAX = 120
"""Calls at once: twenty more than `[data] calls_max` may be, which is the edge's bound for all but 112."""
UNANSWERED_S = 200.0
"""A call that rings has a place for so long: longer than the edge lets it ring."""
SILENT_S = 300.0
"""One that is up and on hold may be silent for so long, RTCP included."""
LOOK_EVERY_S = 5.0
STREAM_BPS = 128_000
"""A stream may send so much, with all of its headers inside the tunnel; G.711 at 10 ms takes 96,000."""
BURST_BYTES = 32_000
DATAGRAM_BYTES = 1 << 11
READS_A_TURN = 32
SOUND_HZ = 8000
HEADERS_BYTES = 28
"""IP and UDP."""

log = logging.getLogger("rvx")


@dataclass
class Tally:
    """Counts since the relay began; sound alone, at the outside."""

    packets_in: int = 0  # from the platform
    lost_in: int = 0
    reported: float | None = None  # share of what we sent that was lost, as the platform's last report has it
    bytes_out: int = 0
    bytes_in: int = 0


class Stream:
    """One stream of a call: two pairs of ports, and what goes between them."""

    def __init__(self, inside: Ports, outside: Ports, tally: Tally) -> None:
        """Raises NoPort, and OSError where an address is not ours."""
        self._loop = asyncio.get_running_loop()
        self.tally = tally
        self._own = outside.host
        self.heard_s = self._loop.time()
        self.latches: dict[Side, Latch] = {}
        self._reception = rtcp.Reception(SOUND_HZ)
        self._counted = (0, 0)
        self._source: int | None = None
        self._tokens = {side: float(BURST_BYTES) for side in Side}
        self._filled_s = dict.fromkeys(Side, self.heard_s)
        self._pairs: dict[Side, list[socket.socket]] = {}
        self._free: list[Callable[[], None]] = []
        self.ports: dict[Side, int] = {}
        try:
            for side, ports in ((Side.INSIDE, inside), (Side.OUTSIDE, outside)):
                self.ports[side], self._pairs[side], free = ports.pair()
                self._free.append(free)
        except (NoPort, OSError):
            self.close()
            raise
        for side, pair in self._pairs.items():
            for number, wire in enumerate(pair):
                self._loop.add_reader(wire, self._readable, side, number, wire)

    def describe(self, side: Side, host: str, port: int) -> None:
        """Who is on that side wants it there; another place than before opens the latch again."""
        latch = self.latches.get(side)
        if latch is None or latch.expected != (host, port):
            self.latches[side] = Latch((host, port))

    def close(self) -> None:
        for pair in self._pairs.values():
            for wire in pair:
                self._loop.remove_reader(wire)
                wire.close()
        for free in self._free:
            free()
        self._pairs, self._free = {}, []

    def _readable(self, side: Side, number: int, wire: socket.socket) -> None:
        for _ in range(READS_A_TURN):
            try:
                data, source = wire.recvfrom(DATAGRAM_BYTES)
            except OSError:
                return
            self._pass(side, number, data, (str(source[0]), int(source[1])))

    def _pass(self, side: Side, number: int, data: bytes, source: Address) -> None:
        here, there = self.latches.get(side), self.latches.get(side.other)
        if here is None or there is None:
            return
        if number == 0:
            try:
                packet = None if rtp.is_rtcp(data) else rtp.parse(data)
            except ValueError:
                return
            if not here.takes(source) or not self._within(side, len(data)):
                return
            if packet is not None and there.expected[0] != self._own and source[0] != self._own:
                self._count(side, packet, len(data))
        elif source[0] != here.towards[0]:
            return
        self.heard_s = self._loop.time()
        if number == 1 or rtp.is_rtcp(data):
            self._reported(side, data)
        host, port = there.towards
        if port == 0:
            return
        with contextlib.suppress(OSError):  # what the kernel has no room for now is lost, as on any line
            self._pairs[side.other][number].sendto(data, (host, port + number))

    def _within(self, side: Side, length: int) -> bool:
        now = self._loop.time()
        tokens = self._tokens[side] + (now - self._filled_s[side]) * STREAM_BPS / 8
        self._filled_s[side] = now
        cost = length + HEADERS_BYTES
        self._tokens[side] = min(tokens, BURST_BYTES) - (cost if tokens >= cost else 0)
        return tokens >= cost

    def _count(self, side: Side, packet: rtp.Packet, length: int) -> None:
        if side is Side.INSIDE:
            self._source = packet.ssrc
            self.tally.bytes_out += length + HEADERS_BYTES
            return
        self._reception.heard(packet, self._loop.time())
        self.tally.bytes_in += length + HEADERS_BYTES
        received, lost = self._counted
        if self._reception.received < received:  # another source
            received, lost = 0, 0
        self.tally.packets_in += self._reception.received - received
        self.tally.lost_in += self._reception.lost - lost
        self._counted = (self._reception.received, self._reception.lost)

    def _reported(self, side: Side, data: bytes) -> None:
        if side is Side.INSIDE or self._source is None:
            return
        with contextlib.suppress(ValueError):
            heard = rtcp.parse(data, self._source)
            if heard.fraction_lost is not None:
                self.tally.reported = heard.fraction_lost


@dataclass
class Held:
    """One call as the edge sees it: one way in and one way out."""

    began_s: float
    tags: dict[Side, str] = field(default_factory=dict)
    answered: bool = False
    streams: dict[int, Stream] = field(default_factory=dict)


class Relay(asyncio.DatagramProtocol):
    """All calls by data. `serve` binds it to its port; `calls` is how many are up or being set up."""

    def __init__(self, inside: str, outside: str) -> None:
        self._inside = Ports(inside, FIRST_PORT, LAST_PORT)
        self._outside = Ports(outside, FIRST_PORT, LAST_PORT)
        self._own = outside
        self._held: dict[str, list[Held]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.tally = Tally()

    @property
    def calls(self) -> int:
        """By the way to the platform. A call whose two halves are both here, by way of the platform, takes none of
        it."""
        return sum(not self._comes_back(held) for each in self._held.values() for held in each)

    async def serve(self, port: int) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                self.expire(loop.time())
        finally:
            self._transport.close()
            self.close()

    def close(self) -> None:
        for call_id in list(self._held):
            self._end(call_id)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            command = parse(data)
        except CommandError as error:
            log.warning("rvx-event kind=relay_refused why=%s", str(error).replace(" ", "_"))
            with contextlib.suppress(IndexError, UnicodeDecodeError):
                if self._transport is not None:
                    self._transport.sendto(f"{data.split()[0][:64].decode('ascii')} E1\n".encode(), addr)
            return
        if self._transport is not None:
            self._transport.sendto(answer_of(command, self.do(command)), addr)

    def do(self, command: Command) -> str:
        """What is asked, done; and what is said to it."""
        if command.kind is Kind.VERSION:
            return PROTOCOL
        if command.kind is Kind.FEATURE:
            return str(int(command.feature in FEATURES))
        if command.kind is Kind.DELETE:
            self._end(command.call_id)
            return "0"
        try:
            return self._place(command)
        except (NoPort, OSError) as error:
            log.warning("rvx-event kind=relay_full why=%s", str(error).replace(" ", "_"))
            return "E7"

    def expire(self, now_s: float) -> None:
        """Ends what was never answered, or has been silent for long: the edge may have died over it."""
        for call_id, calls in list(self._held.items()):
            heard = max((stream.heard_s for held in calls for stream in held.streams.values()), default=0.0)
            began = max(held.began_s for held in calls)
            limit = SILENT_S if any(held.answered for held in calls) else UNANSWERED_S
            if now_s - max(heard, began) > limit:
                self._end(call_id)

    def _place(self, command: Command) -> str:
        """The place that the other side is told."""
        came = command.came
        if command.kind is Kind.ANSWER:
            held = self._find(command.call_id, came.other, command.from_tag)
            if held is None:
                return "E8"
            held.tags[came] = command.to_tag
            held.answered = True
        else:
            held = self._find(command.call_id, came, command.from_tag) or self._begin(command)
            if held is None:
                return "E7"
        stream = held.streams.get(command.stream)
        if stream is None:
            stream = held.streams[command.stream] = Stream(self._inside, self._outside, self.tally)
        stream.describe(came, command.host, command.port)
        to = came.other
        return f"{stream.ports[to]} {self._inside.host if to is Side.INSIDE else self._outside.host}"

    def _find(self, call_id: str, side: Side, tag: str) -> Held | None:
        return next((held for held in self._held.get(call_id, []) if held.tags.get(side) == tag), None)

    def _begin(self, command: Command) -> Held | None:
        if sum(map(len, self._held.values())) >= CALLS_MAX:
            return None
        held = Held(asyncio.get_running_loop().time(), {command.came: command.from_tag})
        self._held.setdefault(command.call_id, []).append(held)
        return held

    def _comes_back(self, held: Held) -> bool:
        outside = [stream.latches.get(Side.OUTSIDE) for stream in held.streams.values()]
        return bool(outside) and all(latch is not None and latch.expected[0] == self._own for latch in outside)

    def _end(self, call_id: str) -> None:
        for held in self._held.pop(call_id, []):
            for stream in held.streams.values():
                stream.close()
