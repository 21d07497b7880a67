"""A far end with our own sound: answers every call at once, plays a tone of 1,020 Hz that was encoded before, and tells
at the end what it has heard. Signalling is the least that a phone puts up with; the sound is callcontrol/media.

``python -m hil.sim.answering IP HZ``: SIP by UDP at port 5060. Who is dialled names the codec ("pcma", "g722", …). An
offer with SDES (RFC 4568) is answered with it. For each call that ended, one line of JSON: the codec, the keys that
came, in how many tenths of a second the tone of HZ was heard, packets, what was dropped.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Protocol

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.codecs import FORMATS, format_of
from callcontrol.media.pace import turns
from callcontrol.media.pcm import RATE_HZ, clipped, samples
from callcontrol.media.rtp import Address
from callcontrol.media.sounds import Clip, Player
from callcontrol.media.tracks import PlayedTrack, pump
from callcontrol.media.udp import Ports, Wire
from callcontrol.sip.offer import ABLE, EVENT

__all__ = ["PLAYED_HZ", "Answering", "Call", "Told", "prepare"]

PLAYED_HZ = 1020
_TURN = 2 * math.pi * PLAYED_HZ / RATE_HZ
_TONE = Clip(clipped([int(9000 * math.sin(_TURN * n)) for n in range(RATE_HZ)]))  # whole periods in a second
_BLOCK = RATE_HZ // 10
_SHARE = 0.8
_LOUD = 1e4
"""Mean square of what is sound at all."""


class Told(Protocol):
    """What is at the unit's end of a call, once it has begun."""

    def end(self) -> str:
        """A line of JSON on what was heard; the wire is closed."""
        ...


class Call:
    """Plays the tone, and listens for another."""

    def __init__(self, wire: Wire, hz: float) -> None:
        assert wire.leg is not None
        self._wire, self._leg, self._hz = wire, wire.leg, hz
        self._leg.listening = True
        self._heard = bytearray()
        self.keys = ""
        play = PlayedTrack(Player([_TONE], again=True), self._leg.settings.format)
        self._tasks = [asyncio.create_task(pump(play, wire)), asyncio.create_task(self._listen())]

    async def _listen(self) -> None:
        async for now in turns():
            self._heard += self._leg.pull(now)
            self.keys += self._leg.pressed()

    def end(self) -> str:
        for task in self._tasks:
            task.cancel()
        leg = self._leg
        self.keys += leg.pressed()
        name = leg.settings.format.name
        told = {"codec": name, "keys": self.keys, "tenths": self._tenths(), "peer_lost": leg.peer_lost}
        self._wire.close()
        return json.dumps(told | {"counts": asdict(leg.playout.counts), "drops": asdict(leg.drops)})

    def _tenths(self) -> int:
        values = samples(bytes(self._heard))
        return sum(self._is_tone(values[at : at + _BLOCK]) for at in range(0, len(values) - _BLOCK, _BLOCK))

    def _is_tone(self, values: Sequence[int]) -> bool:
        turn = 2 * math.pi * self._hz / RATE_HZ
        cosine = sum(value * math.cos(turn * n) for n, value in enumerate(values))
        sine = sum(value * math.sin(turn * n) for n, value in enumerate(values))
        power = sum(value * value for value in values)
        return power > len(values) * _LOUD and (cosine**2 + sine**2) * 2 / len(values) > _SHARE * power


class Answering(asyncio.DatagramProtocol):
    """`begin` is given the wire of each call that was answered."""

    def __init__(self, ip: str, begin: Callable[[Wire], Told]) -> None:
        self._ip, self._begin = ip, begin
        self._ports = Ports(ip)
        self._calls: dict[str, Told | None] = {}
        self._answers: dict[str, str] = {}
        self._wire: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        text = data.decode("utf-8", "replace")
        method, call_id = text.split(" ", 1)[0], _header(text, "Call-ID")
        if method == "INVITE":
            self._invited(text, call_id, addr)
        elif method in ("BYE", "CANCEL"):
            self._say(_response(text, self._ip), addr)
            if (call := self._calls.get(call_id)) is not None:
                self._calls[call_id] = None
                print(call.end(), flush=True)
        elif method in ("REGISTER", "OPTIONS"):
            contact = f"Contact: {_header(text, 'Contact')};expires=60\r\n" if method == "REGISTER" else ""
            self._say(_response(text, self._ip, contact), addr)

    def _invited(self, text: str, call_id: str, addr: Address) -> None:
        if call_id not in self._calls:
            self._calls[call_id] = None
            codec = format_of(re.split("[:@]", text.split(" ", 2)[1])[1])
            assert codec is not None
            endpoint = self._ports.take()
            able = [one for one in ABLE if one.name in (codec.name, EVENT)]
            agreed = OwnEnd(self._ip, endpoint.port, able).answer(text.partition("\r\n\r\n")[2].encode())
            assert agreed is not None
            self._answers[call_id] = agreed[0].decode()
            endpoint.agree(agreed[1])
            self._calls[call_id] = self._begin(endpoint)
        if answer := self._answers.get(call_id):
            self._say(_response(text, self._ip, "Content-Type: application/sdp\r\n", answer), addr)

    def _say(self, text: str, addr: Address) -> None:
        assert self._wire is not None
        self._wire.sendto(text.encode(), addr)


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _response(request: str, ip: str, more: str = "", body: str = "") -> str:
    vias = "".join(f"Via: {via}\r\n" for via in re.findall(r"^Via:[ \t]*(.*?)\r?$", request, re.MULTILINE))
    to = _header(request, "To")
    to += "" if ";tag=" in to else ";tag=answering"
    same = "".join(f"{name}: {_header(request, name)}\r\n" for name in ("From", "Call-ID", "CSeq"))
    contact = "" if "Contact:" in more else f"Contact: <sip:{ip}:5060>\r\n"
    return (
        f"SIP/2.0 200 OK\r\n{vias}To: {to}\r\n{same}{contact}{more}Content-Length: {len(body.encode())}\r\n\r\n{body}"
    )


def prepare() -> None:
    """The tone is encoded before anybody is to hear it."""
    for codec in FORMATS.values():
        _TONE.encoded(codec)


async def _serve(ip: str, hz: float) -> None:
    prepare()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Answering(ip, lambda wire: Call(wire, hz)), local_addr=(ip, 5060))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
