"""drivers/gpio.py on a header whose pins are driven by the test: lamps, buttons."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.gpio import LONG_PRESS_S, PATTERNS, Button, GpioError, Header, Lamp, Pattern, Press, Pressing
from drivers.pins import Pull
from hil.sim.power.header import FakeGpio, fake_header

LAMP, RELAY, BUTTON = 17, 12, 5
PATIENCE_S = 10.0


@pytest.fixture
def gpio() -> Iterator[FakeGpio]:
    with fake_header() as fake:
        yield fake


def test_the_library_s_pipe_is_made_where_it_may_be(
    gpio: FakeGpio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LG_WD", "")
    monkeypatch.delenv("LG_WD")
    Header(tmp_path).output(LAMP)
    assert os.environ["LG_WD"] == str(tmp_path)


async def until(holds: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + PATIENCE_S
    while not holds():
        assert loop.time() < end_s
        await asyncio.sleep(0.01)


def test_without_the_library_a_pin_is_refused_and_nothing_else() -> None:
    with pytest.raises(GpioError, match=r"RPi\.GPIO"):
        Header().output(LAMP)


@pytest.mark.parametrize("active_high", [True, False])
async def test_a_lamp_shows_what_it_is_told_by_its_wiring(gpio: FakeGpio, active_high: bool) -> None:
    lamp = Lamp(Header().output(LAMP, active_high))
    assert gpio.level(LAMP) == int(not active_high)
    lamp.show(PATTERNS["on"])
    assert gpio.level(LAMP) == int(active_high)
    lamp.close()
    assert gpio.level(LAMP) == int(not active_high)


async def test_a_pattern_is_shown_as_often_as_it_says_and_ends_dark(gpio: FakeGpio) -> None:
    lamp = Lamp(Header().output(LAMP))
    lamp.show(Pattern((0.01, 0.01), 2))
    await until(lambda: lamp.shows == PATTERNS["off"])
    assert [value for _, what, _, value in gpio.history if what == "output"] == [0, 1, 0, 1, 0, 0]
    lamp.close()


async def test_a_steady_lamp_wakes_nobody(gpio: FakeGpio) -> None:
    lamp = Lamp(Header().output(LAMP))
    lamp.show(PATTERNS["slow"])
    lamp.show(PATTERNS["on"])
    await asyncio.sleep(0.05)
    assert [value for _, what, _, value in gpio.history if what == "output"] == [0, 1, 1]
    lamp.close()


async def test_a_button_that_bounces_is_pressed_once(gpio: FakeGpio) -> None:
    pressed: list[Press] = []
    button = Button(Header(), BUTTON, pressed.append, active_high=False, pull=Pull.UP)
    for level in (0, 1, 0, 1, 0):
        gpio.drive(BUTTON, bool(level))
    await asyncio.sleep(0.06)
    for level in (1, 0, 1):
        gpio.drive(BUTTON, bool(level))
    await until(lambda: bool(pressed))
    assert pressed == [Press.SHORT]
    button.close()


@pytest.mark.parametrize(
    ("levels", "pressed"),
    [
        ([(True, 0.0), (False, 0.2)], [Press.SHORT]),
        ([(True, 0.0), (False, 0.01)], []),
        ([(True, 0.0), (True, LONG_PRESS_S), (True, 9.0), (False, 9.1)], [Press.LONG]),
        ([(True, 0.0), (True, LONG_PRESS_S - 0.1), (False, LONG_PRESS_S - 0.05)], [Press.SHORT]),
        ([(False, 0.0), (False, 5.0)], []),
        ([(True, 0.0), (False, 0.5), (True, 1.0), (True, 1.0 + LONG_PRESS_S)], [Press.SHORT, Press.LONG]),
    ],
)
def test_how_long_it_is_held_says_what_is_meant(levels: list[tuple[bool, float]], pressed: list[Press]) -> None:
    pressing = Pressing()
    told = [pressing.level(is_down, at_s) for is_down, at_s in levels]
    assert [press for press in told if press] == pressed
