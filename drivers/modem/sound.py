"""The sound of one call: raw PCM on a port of its own, moved as it comes; pacing is for whoever uses it."""

from __future__ import annotations

import asyncio

from drivers.link import Link, open_link
from drivers.modem.model import SAMPLE_BYTES, SOUND_HZ

__all__ = ["ModemSound"]

KEPT_BYTES = SOUND_HZ * SAMPLE_BYTES
"""A second of what nobody has read; of more the oldest is dropped."""


class ModemSound:
    """A :class:`drivers.modem.model.Sound`. `received`: bytes that the modem delivered, of all time."""

    def __init__(self) -> None:
        self.received = 0
        self._link: Link | None = None
        self._takes = True
        self._came = bytearray()
        self._odd = b""
        self._news = asyncio.Event()

    async def open(self, url: str) -> None:
        """Raises LinkError."""
        self._link = await open_link(url, self._receive, self._lost)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._lost("closed")

    @property
    def is_open(self) -> bool:
        return self._link is not None

    @property
    def ready(self) -> bool:
        return self._link is not None and self._takes

    def flow(self, takes: bool) -> None:
        """The modem said whether it takes sound."""
        self._takes = takes

    async def read(self) -> bytes:
        while len(self._came) < SAMPLE_BYTES and self._link is not None:
            self._news.clear()
            await self._news.wait()
        if self._link is None:
            return b""
        whole = len(self._came) // SAMPLE_BYTES * SAMPLE_BYTES
        data = bytes(self._came[:whole])
        del self._came[:whole]
        return data

    def write(self, data: bytes) -> None:
        if self._link is None or not self._takes:
            return
        # A sample of which the device took a half is finished first: everything after would be noise.
        data = self._odd + data
        taken = self._link.offer(data)
        if taken % SAMPLE_BYTES:
            self._odd = data[taken : taken + 1]
        elif taken or not self._odd:
            self._odd = b""

    def _receive(self, data: bytes) -> None:
        self.received += len(data)
        self._came += data
        too_much = len(self._came) - KEPT_BYTES
        if too_much > 0:
            del self._came[: too_much + too_much % SAMPLE_BYTES]
        self._news.set()

    def _lost(self, reason: str) -> None:
        self._link = None
        self._news.set()
