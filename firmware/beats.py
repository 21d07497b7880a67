"""What the two units of a pair tell each other, on the wire: a datagram every half second by each way there is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Mapping

from firmware.bounds import parse_shared
from firmware.config import Config
from firmware.standby import BEAT_EVERY_S, Beat, BeatRefused, Pair, PairView, Way, ways

__all__ = ["Beats", "holds"]

RETRY_S = 5.0
"""An address that is not there yet is tried again after this."""


class Beats:
    """Says whether this unit has the shared addresses, and hears the same of the other one; `run` for ever.

    `count` gives a number of the edge's, 0 where it is not known."""

    def __init__(self, config: Config, count: Callable[[str], int]) -> None:
        self._count = count
        self._name = config.unit.name
        self._key = config.secrets.standby.key
        self._port = config.standby.watch_port
        self._ways: Mapping[Way, tuple[str, str]] = ways(config.standby)
        self._shared = [parse_shared(entry).address for entry in config.standby.shared]
        self._pair = Pair(tuple(self._ways))

    def view(self) -> PairView:
        """What is known now."""
        return self._pair.view(self._in_service(), time.monotonic())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for way, (own, peer) in self._ways.items():
                tasks.create_task(self._by(way, own, peer))

    async def _by(self, way: Way, own: str, peer: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Ear(self._pair, way, self._key, peer), local_addr=(own, self._port)
                )
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            try:
                while not transport.is_closing():
                    word = self._count("epoch"), self._count("wait")
                    beat = Beat(self._name, self._in_service() is True, time.time_ns() // 1000, *word)
                    transport.sendto(beat.to_bytes(self._key), (peer, self._port))
                    await asyncio.sleep(BEAT_EVERY_S)
            finally:
                transport.close()

    def _in_service(self) -> bool | None:
        """One shared address here is enough: two units may have one each."""
        held = [holds(address) for address in self._shared]
        return True if True in held else None if None in held else False


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, pair: Pair, way: Way, key: str, peer: str) -> None:
        self._pair, self._way, self._key, self._peer = pair, way, key, peer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] == self._peer:
            with contextlib.suppress(BeatRefused):
                self._pair.hear(self._way, Beat.parse(data, self._key), time.monotonic())


def holds(address: str) -> bool | None:
    """Whether this machine has the address; None is not known."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return False if error.errno == errno.EADDRNOTAVAIL else None
    return True
