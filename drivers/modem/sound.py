"""The sound of calls: raw PCM on a port of its own, moved as it comes (pacing is for whoever uses it), and turned on
and off with the call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from drivers.codec.at import Command, Rank, Verdict
from drivers.link import Link, LinkError, open_link
from drivers.modem.calls import SETTING_UP
from drivers.modem.generic import GENERIC, Dialect
from drivers.modem.model import SAMPLE_BYTES, SOUND_HZ, CallState
from drivers.modem.port import Port

__all__ = ["CallSound", "ModemSound"]

KEPT_S = 1
"""Of what nobody has read so much is kept, the newest."""
LOOK_S, SHARE_MIN = 5.0, 0.5
"""Of the sound that should come in that time so much must."""

log = logging.getLogger("rvx")


class ModemSound:
    """A :class:`drivers.modem.model.Sound`. `received`: bytes that the modem delivered, of all time."""

    def __init__(self, rate_hz: int = SOUND_HZ) -> None:
        self.rate_hz = rate_hz
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
        too_much = len(self._came) - KEPT_S * self.rate_hz * SAMPLE_BYTES
        if too_much > 0:
            del self._came[: too_much + too_much % SAMPLE_BYTES]
        self._news.set()

    def _lost(self, reason: str) -> None:
        self._link = None
        self._news.set()


class CallSound:
    """Of whichever call a modem has. `is_broken`: a modem that must be told twice to turn its sound on, says that it
    is off, or gives too little, has lost it, though some may come; only a new start mends that."""

    # Turning on takes several commands and a port that is opened in a thread, and the call may be over before: one task
    # follows, so that nothing is turned on after it was turned off, and no port stays open that nobody knows of.

    def __init__(self, port: Port, name: str) -> None:
        self.dialect: Dialect = GENERIC
        self.url = ""
        self.current: ModemSound | None = None
        self.is_broken = False
        self._port = port
        self._name = name
        self._is_tried = self._is_tried_early = False
        self._is_doubted = False
        """It was not turned on: by a modem that lost it, or because the call was over by then."""
        self._looked_at, self._looked_bytes = 0.0, 0

    def said(self, line: str) -> bool:
        """Whether it was about sound: that the modem takes none for a while, or again."""
        if not self.dialect.busy or not line.startswith((self.dialect.busy, self.dialect.free)):
            return False
        if self.current is not None:
            self.current.flow(line.startswith(self.dialect.free))
        return True

    async def follow(self, states: Collection[CallState]) -> None:
        """To be called when calls may have changed, and now and then, by one task alone. Raises ModemError."""
        if not self.dialect.sound_on or not self.url:
            return
        is_up = CallState.ACTIVE in states
        is_early = self.dialect.sound_early and not is_up and not SETTING_UP.isdisjoint(states)
        if is_up and not self._is_tried:
            self._is_tried = True
            if self.current is None:
                self.current = await self._open()
            self._look_anew(self.current)
        elif is_up and self.current is not None:
            self.is_broken |= self._is_doubted
            self._judge(self.current)
        elif is_early and not self._is_tried_early:
            self._is_tried_early = True
            self.current = await self._open(is_early=True)
        elif (self._is_tried or self._is_tried_early) and not is_up and not is_early and CallState.HELD not in states:
            self._is_tried = self._is_tried_early = self._is_doubted = False
            self.close()
            for text in self.dialect.sound_off:
                await self._port.ask(Command(text, rank=Rank.CALL))

    def close(self) -> None:
        if self.current is not None:
            self.current.close()
            self.current = None

    async def _open(self, *, is_early: bool = False) -> ModemSound | None:
        """What is not to be had early is tried again when the call is up, and is no fault before."""
        sound = ModemSound(2 * SOUND_HZ if await self._says(self.dialect.is_wide) else SOUND_HZ)
        try:
            await sound.open(self.url)
        except LinkError as error:
            log.warning("rvx-event kind=no_sound modem=%s reason=%s", self._name, error.reason)
            self.is_broken |= not is_early
            return None
        try:
            is_on = await self._turn_on()
        except BaseException:  # nobody else knows of it
            sound.close()
            raise
        if is_on or not is_early:
            self._is_doubted = not is_on
            return sound
        sound.close()
        return None

    async def _turn_on(self) -> bool:
        """Whether it was at once."""
        is_on = True
        for text in self.dialect.sound_on:
            command = Command(text, rank=Rank.CALL)
            if (await self._port.ask(command)).verdict is not Verdict.OK:
                is_on = False
                await self._port.ask(Command(text, rank=Rank.CALL))
        return is_on and await self._says(self.dialect.sound_is) is not False

    async def _says(self, expected: tuple[str, str] | None) -> bool | None:
        """Whether the modem answers a question so; None where it does not answer it."""
        if expected is None:
            return None
        said = await self._port.ask(Command(expected[0], rank=Rank.CALL))
        return any(line.startswith(expected[1]) for line in said.lines) if said.lines else None

    def _look_anew(self, sound: ModemSound | None) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        self._looked_bytes = 0 if sound is None else sound.received

    def _judge(self, sound: ModemSound) -> None:
        now = asyncio.get_running_loop().time()
        passed = now - self._looked_at
        if passed >= LOOK_S:
            if sound.received - self._looked_bytes < passed * sound.rate_hz * SAMPLE_BYTES * SHARE_MIN:
                self.is_broken = True
            self._look_anew(sound)
