"""The pins of a Raspberry Pi's header, by RPi.GPIO (on a Pi of today rpi-lgpio's, which has the same name): inputs with
edges, lamps, relays, a buzzer, buttons.

The library is loaded when a pin is used, and no earlier: it exists on a Pi alone. Its edges come in a thread of its
own; here they wake the loop once, however many there are, and what they mean is judged by the levels that follow: the
library's own `bouncetime` reports the first of a bouncing contact's edges and loses the last."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

from drivers.pins import Pull

__all__ = [
    "PATTERNS",
    "Button",
    "GpioError",
    "Header",
    "Input",
    "Lamp",
    "Output",
    "Pattern",
    "Press",
    "Pressing",
]

MODULE = "RPi.GPIO"
PIPE_FOLDER = "LG_WD"
"""Of the environment, read by lgpio when it is loaded."""
LONG_PRESS_S = 2.0
PRESS_S = 0.03
"""A contact bounces for some milliseconds."""


class GpioError(Exception):
    """There is no such library, no such chip, or no right to it. `is_taken`: another process has the pin, as the unit
    itself while it runs."""

    def __init__(self, where: str, error: Exception) -> None:
        super().__init__(f"{where}: {error}")
        self.is_taken = "busy" in str(error).lower()


class Library(Protocol):
    """What of RPi.GPIO is used."""

    BCM: int
    IN: int
    OUT: int
    BOTH: int
    PUD_OFF: int
    PUD_UP: int
    PUD_DOWN: int

    def setmode(self, mode: int) -> None: ...
    def setwarnings(self, on: bool) -> None: ...
    def setup(self, channel: int, direction: int, pull_up_down: int = ..., initial: int = ...) -> None: ...
    def input(self, channel: int) -> int: ...
    def output(self, channel: int, value: bool) -> None: ...
    def add_event_detect(self, channel: int, edge: int, callback: Callable[[int], None]) -> None: ...
    def remove_event_detect(self, channel: int) -> None: ...
    def cleanup(self, channel: int) -> None: ...


class Header:
    """Holds the library. Each method raises GpioError. `folder`: where rpi-lgpio makes its pipe; None: where the
    process stands, which as a service it may not write in."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._library: Library | None = None

    def input(self, number: int, pull: Pull, stirred: Callable[[], None]) -> Input:
        """`stirred` is called in the loop, once for all edges since it was called last."""
        return Input(self._loaded(), number, pull, stirred)

    def output(self, number: int, active_high: bool = True) -> Output:
        """Off, until it is told otherwise."""
        return Output(self._loaded(), number, active_high)

    def _loaded(self) -> Library:
        if self._library is None:
            if self._folder is not None:
                os.environ.setdefault(PIPE_FOLDER, str(self._folder))
            try:
                library = cast("Library", importlib.import_module(MODULE))
                library.setwarnings(False)
                library.setmode(library.BCM)
            except Exception as error:  # each make of the library has its own, down to plain Exception
                raise GpioError(MODULE, error) from error
            self._library = library
        return self._library


class Input:
    """A pin that is read."""

    def __init__(self, library: Library, number: int, pull: Pull, stirred: Callable[[], None]) -> None:
        self._library = library
        self._number = number
        self._stirred = stirred
        self._loop = asyncio.get_running_loop()
        self._is_told = False
        pulls = {Pull.UP: library.PUD_UP, Pull.DOWN: library.PUD_DOWN, Pull.OFF: library.PUD_OFF}
        with _telling(number):
            library.setup(number, library.IN, pull_up_down=pulls[pull])
            library.add_event_detect(number, library.BOTH, self._edge)

    def read(self) -> bool:
        """The level of now. Raises GpioError."""
        with _telling(self._number):
            return bool(self._library.input(self._number))

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._library.remove_event_detect(self._number)
            self._library.cleanup(self._number)

    def _edge(self, channel: int) -> None:
        """In the library's thread."""
        if not self._is_told:
            self._is_told = True
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._in_loop)

    def _in_loop(self) -> None:
        self._is_told = False
        self._stirred()


class Output:
    """A pin that is set."""

    def __init__(self, library: Library, number: int, active_high: bool) -> None:
        self._library = library
        self._number = number
        self._active_high = active_high
        with _telling(number):
            library.setup(number, library.OUT, initial=int(not active_high))
        self.is_on = False

    def set(self, on: bool) -> None:
        """Raises GpioError."""
        with _telling(self._number):
            self._library.output(self._number, on == self._active_high)
        self.is_on = on

    def close(self) -> None:
        """Off, and nobody's."""
        with contextlib.suppress(GpioError):
            self.set(False)
        with contextlib.suppress(Exception):
            self._library.cleanup(self._number)


@dataclass(frozen=True, slots=True)
class Pattern:
    """`steps`: seconds on, off, on, … ; `times`: how often, 0 for ever. Without steps it is off, with one it stays
    on."""

    steps: tuple[float, ...] = ()
    times: int = 0


PATTERNS = {
    "off": Pattern(),
    "on": Pattern((0.0,)),
    "slow": Pattern((0.5, 1.5)),
    "fast": Pattern((0.1, 0.4)),
    "twice": Pattern((0.1, 0.2, 0.1, 1.6)),
    "beep": Pattern((0.2, 0.2), 1),
    "three beeps": Pattern((0.2, 0.2), 3),
    "alarm": Pattern((0.5, 0.5), 10),
}
"""By name. Steady ones cost nothing; the others wake the machine at each step."""


class Lamp:
    """A lamp, or a buzzer: shows one pattern at a time."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._timer: asyncio.TimerHandle | None = None
        self.shows = PATTERNS["off"]

    def show(self, pattern: Pattern) -> None:
        """From its beginning, unless it shows it already. Raises GpioError."""
        if pattern == self.shows and not pattern.times:
            return
        self._stop()
        self.shows = pattern
        if len(pattern.steps) < 2:
            self._output.set(bool(pattern.steps))
        else:
            self._step(0)

    def close(self) -> None:
        self._stop()
        self._output.close()

    def _step(self, place: int) -> None:
        steps, times = self.shows.steps, self.shows.times
        is_over = bool(times) and place >= times * len(steps)
        with contextlib.suppress(GpioError):  # a lamp is not worth more
            self._output.set(not is_over and place % len(steps) % 2 == 0)
        if is_over:
            self.shows = PATTERNS["off"]
            return
        later_s = steps[place % len(steps)]
        self._timer = asyncio.get_running_loop().call_later(later_s, self._step, place + 1)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Press(StrEnum):
    SHORT = "short"
    LONG = "long"


@dataclass
class Pressing:
    """What a contact's levels mean: pure. A short press is told when it is let go, a long one while it is held."""

    _since_s: float | None = None
    _is_told: bool = False

    def level(self, is_down: bool, now_s: float) -> Press | None:
        if not is_down:
            since_s, self._since_s = self._since_s, None
            was_told, self._is_told = self._is_told, False
            return Press.SHORT if since_s is not None and not was_told and now_s - since_s >= PRESS_S else None
        if self._since_s is None:
            self._since_s = now_s
        if self._is_told or now_s - self._since_s < LONG_PRESS_S:
            return None
        self._is_told = True
        return Press.LONG

    @property
    def long_at_s(self) -> float | None:
        """When to look again, if it is still held."""
        return None if self._since_s is None or self._is_told else self._since_s + LONG_PRESS_S


class Button:
    """`pressed` is called in the loop. Raises GpioError when it cannot be opened."""

    def __init__(
        self, header: Header, number: int, pressed: Callable[[Press], None], active_high: bool, pull: Pull
    ) -> None:
        self._pressed = pressed
        self._active_high = active_high
        self._pressing = Pressing()
        self._timer: asyncio.TimerHandle | None = None
        self._input = header.input(number, pull, self._look)

    def close(self) -> None:
        self._stop()
        self._input.close()

    def _look(self) -> None:
        self._stop()
        loop = asyncio.get_running_loop()
        try:
            is_down = self._input.read() == self._active_high
        except GpioError:
            return
        press = self._pressing.level(is_down, loop.time())
        due_s = self._pressing.long_at_s
        if due_s is not None:
            self._timer = loop.call_at(due_s, self._look)
        if press is not None:
            self._pressed(press)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@contextlib.contextmanager
def _telling(number: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise GpioError(f"pin {number}", error) from error
