"""The sound that ``rvx bench trunk`` measures, as a process of its own: calls between modems' ports and phones.

``python -m tools.bench.trunk.joined FIRST_PORT PCM…``: a call for each port of sound; its phone is at 127.0.0.1, ports
``FIRST_PORT``, two above and so on. Says on standard output, as JSON, the ports where the phones' sound is taken, and
goes on until standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.codecs import FORMATS
from callcontrol.media.leg import LegSettings
from callcontrol.media.udp import Ports
from drivers.modem.sound import ModemSound
from firmware.places import Place
from firmware.trunk.sound import CallSound

__all__ = ["HOST", "PORTS_APART"]

HOST = "127.0.0.1"
PORTS_APART = 2


@dataclass(frozen=True)
class _Modem:
    """In a call that has begun."""

    sound: ModemSound


async def _joined(first_port: int, urls: Sequence[str]) -> None:
    ports = Ports(HOST)
    calls: list[CallSound] = []
    sounds: list[ModemSound] = []
    ours: list[int] = []
    for n, url in enumerate(urls):
        wire = ports.take()
        phone = (HOST, first_port + PORTS_APART * n)
        wire.agree(LegSettings(format=FORMATS["PCMA"], payload_type=8, remote=phone))
        call = CallSound(Place(OwnEnd(HOST, wire.port), wire, lambda place: place.wire.close(), lambda remote: HOST))
        sound = ModemSound()
        await sound.open(url)
        call.join(_Modem(sound))
        calls.append(call)
        sounds.append(sound)
        ours.append(wire.port)
    print(json.dumps(ours), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for call, sound in zip(calls, sounds, strict=True):
        call.close()
        sound.close()


if __name__ == "__main__":
    asyncio.run(_joined(int(sys.argv[1]), sys.argv[2:]))
