"""A gauge on an I2C bus as a Source: the bus's calls, which block for as long as the kernel waits, in one thread of its
own; one look at a time, bounded; a bus that fails is opened anew, ever more seldom.

Gauges send the high byte first and SMBus's words have the low byte first: `read_word` and `write_word` turn them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from drivers.pace import left_s
from drivers.ups.model import Reading, Trouble, unknown
from drivers.ups.telling import BackOff, Teller

__all__ = ["EVERY_LOOK_S", "Bus", "Gauge", "I2cSource", "Words", "open_bus", "read_word", "write_word"]

EVERY_LOOK_S = 1.0
ANSWER_S = 3.0
"""A look is some five transfers; the kernel gives one up after a second at the most, and one is tried twice."""
FRESH_S = 15.0
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0

Words = tuple[int, ...]


class Bus(Protocol):
    """What of smbus2's SMBus is used. Raises OSError: EREMOTEIO or ENXIO where nobody acknowledges, ETIMEDOUT."""

    def read_word_data(self, i2c_addr: int, register: int) -> int: ...

    def write_word_data(self, i2c_addr: int, register: int, value: int) -> None: ...

    def close(self) -> None: ...


class Gauge(Protocol):
    """One chip."""

    def look(self, bus: Bus) -> Words:
        """In the thread: its registers. Raises OSError."""

    def judge(self, words: Words, at_s: float) -> Reading:
        """In the loop: what they say. Whatever they are."""


def open_bus(number: int) -> Bus:
    """``/dev/i2c-NUMBER``. Raises OSError."""
    from smbus2 import SMBus

    return SMBus(number)


def read_word(bus: Bus, address: int, register: int) -> int:
    """Tried twice: what else hangs on a bus disturbs a transfer now and then."""
    with contextlib.suppress(OSError):
        return _turned(bus.read_word_data(address, register))
    return _turned(bus.read_word_data(address, register))


def write_word(bus: Bus, address: int, register: int, value: int) -> None:
    bus.write_word_data(address, register, _turned(value))


class I2cSource:
    """A Source. `open_by`: what opens the bus, in the thread."""

    fresh_s = FRESH_S

    def __init__(self, name: str, number: int, gauge: Gauge, open_by: Callable[[int], Bus] = open_bus) -> None:
        self.name = name
        self._number = number
        self._gauge = gauge
        self._open_by = open_by
        self._bus: Bus | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: asyncio.Future[Words] | None = None

    async def run(self, told: Callable[[Reading], None]) -> None:
        loop = asyncio.get_running_loop()
        teller = Teller(told)
        retry = BackOff(FIRST_RETRY_S, LAST_RETRY_S)
        try:
            while True:
                at_s = loop.time()
                answer = await self._look()
                if isinstance(answer, Trouble):
                    teller.tell(unknown(at_s, answer))
                    await asyncio.sleep(retry.failed())
                else:
                    teller.tell(self._gauge.judge(answer, at_s))
                    retry.worked()
                    await asyncio.sleep(left_s(loop.time(), EVERY_LOOK_S))
        finally:
            await self.close()

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.submit(self._let_go)
            thread.shutdown(wait=False)

    async def _look(self) -> Words | Trouble:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, f"i2c-{self._number}")
        if self._under_way is None:
            self._under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread)
        under_way = self._under_way
        done, _ = await asyncio.wait((under_way,), timeout=ANSWER_S)
        if not done:
            return Trouble.SILENT  # still asked; nothing else is, until the kernel gives it up
        self._under_way = None
        error = under_way.exception()
        if error is None:
            return under_way.result()
        return _trouble(error) if isinstance(error, OSError) else Trouble.NONSENSE

    def _in_thread(self) -> Words:
        try:
            if self._bus is None:
                self._bus = self._open_by(self._number)
            return self._gauge.look(self._bus)
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()


def _turned(word: int) -> int:
    return (word & 0xFF) << 8 | (word >> 8) & 0xFF


def _trouble(error: OSError) -> Trouble:
    if error.errno in (errno.ETIMEDOUT, errno.EAGAIN):
        return Trouble.SILENT
    if error.errno in (errno.EACCES, errno.EPERM, errno.EBUSY):
        return Trouble.REFUSED  # or a driver of the kernel's has the chip
    return Trouble.UNREACHABLE
