"""A far end for a browser with our own sound (callcontrol/media/webrtc.py), alone or joined to a telephone.

``python -m hil.sim.joining IP HZ``: telephones call by SIP at UDP port 5060, as `hil.sim.answering` has it. A browser
is told of by a line of JSON on standard input: ``{"offer": SDP, "codec": NAME, "does": WHAT}``, answered by one with
``answer``. WHAT: "prompt", it hears the tone of 1,020 Hz, and HZ is listened for; "echo", it hears itself; "phone", it
is joined to the next telephone that calls. ``{"keys": true}`` asks for those that came by now; ``{"end": true}`` ends
the browser's call; a line tells of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from callcontrol.media.joint import Joint
from callcontrol.media.rtp import Packet
from callcontrol.media.udp import Wire
from callcontrol.media.webrtc import Peer
from hil.sim.answering import Answering, Call, Told, prepare

__all__: list[str] = []


class _Echo:
    """What comes goes back, unopened."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._packets = 0
        wire.on_packet = self._came

    def end(self) -> str:
        self._wire.close()
        return json.dumps({"packets": self._packets})

    def _came(self, packet: Packet) -> None:
        assert self._wire.leg is not None
        self._packets += 1
        self._wire.send(self._wire.leg.relay(packet))


class _Joined:
    """A telephone and the browser; either's end is the joint's."""

    def __init__(self, phone: Wire, browser: Wire) -> None:
        self._phone, self._browser = phone, browser
        self._joint = Joint(phone, browser)

    def end(self) -> str:
        unopened = self._joint.unopened
        self._joint.close()
        self._phone.close()
        assert self._browser.leg is not None
        return json.dumps({"unopened": unopened, "drops": asdict(self._browser.leg.drops)})


class _Joining:
    def __init__(self, hz: float) -> None:
        self._hz = hz
        self._peer: Peer | None = None
        self._told: Told | None = None

    def phone(self, wire: Wire) -> Told:
        assert self._peer is not None
        return _Joined(wire, self._peer)

    async def heed(self, said: dict[str, Any]) -> str:
        if "end" in said:
            assert self._peer is not None
            told = self._told.end() if self._told is not None else "{}"
            await self._peer.closed()
            return told
        if "keys" in said:
            assert isinstance(self._told, Call)
            return json.dumps({"keys": self._told.keys})
        self._peer = peer = await Peer.open((said["codec"],))
        answered = peer.answer(said["offer"].encode())
        assert answered is not None
        peer.agree(answered[1])
        match said["does"]:
            case "prompt":
                self._told = Call(peer, self._hz)
            case "echo":
                self._told = _Echo(peer)
            case _:
                self._told = None
        return json.dumps({"answer": answered[0].decode()})


async def _serve(ip: str, hz: float) -> None:
    prepare()
    joining = _Joining(hz)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Answering(ip, joining.phone), local_addr=(ip, 5060))
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        print(await joining.heed(json.loads(line)), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
