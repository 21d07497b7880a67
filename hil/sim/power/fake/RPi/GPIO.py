"""A fake of RPi.GPIO with edges: what is driven from outside is read, and calls back in a thread of its own, as the
library does. `drive` and `history` are the tests'."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

BCM, BOARD = 11, 10
OUT, IN = 0, 1
LOW, HIGH = 0, 1
PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
RISING, FALLING, BOTH = 31, 32, 33
CHANNELS = range(28)
VERSION = "0.7.2"

history: list[tuple[float, str, int, int]] = []
"""Time, what, channel, value."""

taken: set[int] = set()
"""Pins that another process has."""

_mode: int | None = None
_directions: dict[int, int] = {}
_levels: dict[int, int] = {}
_watched: dict[int, tuple[int, Callable[[int], None] | None, float, float]] = {}
_edges: queue.SimpleQueue[tuple[Callable[[int], None], int] | None] = queue.SimpleQueue()
_thread: threading.Thread | None = None


class LgpioError(Exception):
    """What lgpio raises: a plain Exception, not RuntimeError as RPi.GPIO itself."""


def setwarnings(on: bool) -> None:
    pass


def setmode(mode: int) -> None:
    global _mode
    if _mode not in (None, mode):
        raise ValueError("A different mode has already been set!")
    _mode = mode


def setup(channel: int, direction: int, pull_up_down: int = PUD_OFF, initial: int | None = None) -> None:
    _check(channel)
    if channel in taken:
        raise LgpioError("GPIO busy")
    _directions[channel] = direction
    if direction == OUT and initial is not None:
        output(channel, initial)
    elif direction == IN:
        _levels.setdefault(channel, HIGH if pull_up_down == PUD_UP else LOW)


def input(channel: int) -> int:  # noqa: A001
    _check(channel)
    if channel not in _directions:
        raise RuntimeError("You must setup() the GPIO channel first")
    return _levels.get(channel, LOW)


def output(channel: int, value: bool | int) -> None:
    _check(channel)
    if _directions.get(channel) != OUT:
        raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
    _levels[channel] = int(value)
    history.append((time.monotonic(), "output", channel, int(value)))


def add_event_detect(
    channel: int, edge: int, callback: Callable[[int], None] | None = None, bouncetime: int = 0
) -> None:
    """`bouncetime`: milliseconds in which further edges are not told, the last among them."""
    global _thread
    _check(channel)
    if _directions.get(channel) != IN:
        raise RuntimeError("You must setup() the GPIO channel as an input first")
    if channel in _watched:
        raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
    _watched[channel] = (edge, callback, bouncetime / 1000, float("-inf"))
    if _thread is None:
        _thread = threading.Thread(target=_call_back, name="RPi.GPIO", daemon=True)
        _thread.start()


def remove_event_detect(channel: int) -> None:
    _watched.pop(channel, None)


def cleanup(channel: int | None = None) -> None:
    for each in [channel] if channel is not None else list(_directions):
        _directions.pop(each, None)
        _watched.pop(each, None)


def drive(channel: int, level: bool | int) -> None:
    """From outside: the level of an input."""
    value = int(level)
    if _levels.get(channel) == value:
        return
    _levels[channel] = value
    now = time.monotonic()
    history.append((now, "drive", channel, value))
    if channel not in _watched:
        return
    edge, callback, bounce_s, last = _watched[channel]
    if callback is None or edge not in (BOTH, RISING if value else FALLING) or now - last < bounce_s:
        return
    _watched[channel] = (edge, callback, bounce_s, now)
    _edges.put((callback, channel))


def level(channel: int) -> int:
    """What is on a pin, whoever put it there."""
    return _levels.get(channel, LOW)


def reset() -> None:
    """As after a start of the machine."""
    global _mode
    _mode = None
    for each in (_directions, _levels, _watched, history, taken):
        each.clear()


def _call_back() -> None:
    while (edge := _edges.get()) is not None:
        callback, channel = edge
        callback(channel)


def _check(channel: int) -> None:
    if _mode is None:
        raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)")
    if channel not in CHANNELS:
        raise ValueError("The channel sent is invalid on a Raspberry Pi")
