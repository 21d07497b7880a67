"""The sound that ``rvx bench calls`` measures, as a process of its own: calls of two plain legs, joined.

``python -m tools.bench.bridging MODE CALLS FIRST_PORT``: the phones of call *n* are at 127.0.0.1, ports
``FIRST_PORT + 4 n`` and two above. Says on standard output, as JSON, the ports where each phone's sound is taken, and
when standard input ends, of each of them in that order how many samples were concealed, and how many played.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

from callcontrol.media.codecs import FORMATS
from callcontrol.media.leg import LegSettings
from callcontrol.media.rtp import Packet
from callcontrol.media.udp import Endpoint, Ports

__all__ = ["DECODED", "HOST", "PASSED", "PHONE_PORTS"]

PASSED, DECODED = "passed", "decoded"
HOST = "127.0.0.1"
PHONE_PORTS = 4
"""Between one call's phones and the next one's."""


async def _bridge(mode: str, calls: int, first_port: int) -> None:
    ports = Ports(HOST)
    pairs: list[tuple[Endpoint, Endpoint]] = []
    for n in range(calls):
        pair = ports.take(), ports.take()
        for number, endpoint in enumerate(pair):
            phone = (HOST, first_port + PHONE_PORTS * n + 2 * number)
            leg = endpoint.agree(LegSettings(format=FORMATS["PCMA"], payload_type=8, remote=phone))
            leg.listening = mode == DECODED
        pairs.append(pair)
    tasks = []
    for one, other in pairs:
        for near, far in ((one, other), (other, one)):
            if mode == PASSED:
                near.on_packet = partial(_pass, far)
            else:
                tasks.append(asyncio.create_task(_decode(near, far)))
    print(json.dumps([(one.port, other.port) for one, other in pairs]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    counts = [endpoint.leg.playout.counts for pair in pairs for endpoint in pair if endpoint.leg and mode == DECODED]
    print(json.dumps([(count.concealed, count.played) for count in counts]), flush=True)
    for task in tasks:
        task.cancel()
    for pair in pairs:
        for endpoint in pair:
            endpoint.close()


def _pass(to: Endpoint, packet: Packet) -> None:
    if to.leg is not None:
        to.send(to.leg.relay(packet))


async def _decode(near: Endpoint, to: Endpoint) -> None:
    """As `calls` does: a track over what the leg hears."""
    from callcontrol.media.tracks import SoundTrack, pump

    assert near.leg is not None
    await pump(SoundTrack(near.leg), to)


if __name__ == "__main__":
    asyncio.run(_bridge(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
