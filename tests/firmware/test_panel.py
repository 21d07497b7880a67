"""What the unit's lamps say (firmware/panel.py), and whose pins are claimed (firmware/pinclaims.py)."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from drivers.gpio import PATTERNS, Header
from drivers.pins import PINMAP, Claim, clashes, parse
from firmware.config import Config, load
from firmware.config_panel import Panel as PanelSettings
from firmware.modes import Mode
from firmware.panel import Panel, Shown, shown
from firmware.pinclaims import claims
from firmware.status import Power, Problem, Severity, Status
from hil.sim.power.header import FakeGpio, fake_header

MAP = parse(PINMAP.read_text(encoding="utf-8"))
GREEN, YELLOW, RED, BUZZER, BUTTON = 17, 27, 22, 20, 5
ALL = PanelSettings(lamps="yes", buzzer="yes", button="yes")
PATIENCE_S = 10.0
LEAST = '[unit]\nname = "gw-1"\n[edge]\nlisten = ["udp:10.0.0.1:5060"]\n'
LINE = '[[ups]]\nname = "{name}"\nkind = "line"\npin = {pin}\n'


@pytest.fixture
def gpio() -> Iterator[FakeGpio]:
    with fake_header() as fake:
        yield fake


@pytest.mark.parametrize(
    ("mode", "power", "worst", "lamps"),
    [
        (Mode.NORMAL, "mains", None, Shown("on", "off", "off", "off")),
        (Mode.NORMAL, None, None, Shown("on", "off", "off", "off")),
        (Mode.NORMAL, "battery", None, Shown("on", "twice", "off", "beep")),
        (Mode.SURVIVAL, "mains", None, Shown("off", "on", "off", "off")),
        (Mode.SURVIVAL, "low", Severity.WARN, Shown("off", "fast", "slow", "three beeps")),
        (Mode.RETURNING, "mains", None, Shown("slow", "slow", "off", "off")),
        (Mode.SUSPECT, "unknown", Severity.FAIL, Shown("slow", "off", "on", "off")),
        (Mode.NORMAL, "halting", None, Shown("off", "fast", "fast", "alarm")),
        (None, None, None, Shown("off", "off", "on", "off")),
    ],
)
def test_lamps_say(mode: Mode | None, power: str | None, worst: Severity | None, lamps: Shown) -> None:
    assert shown(mode, power, worst) == lamps


def test_every_pattern_that_is_shown_exists_and_a_good_day_is_steady() -> None:
    every = {
        name
        for mode in (*Mode, None)
        for power in ("unknown", "mains", "battery", "low", "halting", None)
        for worst in (*Severity, None)
        for name in vars_of(shown(mode, power, worst))
    }
    assert every <= set(PATTERNS)
    assert all(len(PATTERNS[name].steps) < 2 for name in vars_of(shown(Mode.NORMAL, "mains", None)))


def vars_of(what: Shown) -> tuple[str, ...]:
    return what.green, what.yellow, what.red, what.sound


class Snapshot:
    """As much of a Status as is looked at."""

    def __init__(self) -> None:
        self.mode: Mode | None = Mode.NORMAL
        self.problems: tuple[Problem, ...] = ()
        self.power: Power | None = None


async def test_the_panel_shows_the_unit_and_goes_dark_with_it(gpio: FakeGpio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.panel.LOOK_S", 0.02)
    snapshot = Snapshot()
    panel = Panel(ALL, MAP, Header(), lambda: cast("Status", snapshot))
    task = asyncio.create_task(panel.run())
    await until(lambda: [gpio.level(pin) for pin in (GREEN, YELLOW, RED)] == [1, 0, 0])
    snapshot.mode = Mode.SURVIVAL
    await until(lambda: [gpio.level(pin) for pin in (GREEN, YELLOW, RED)] == [0, 1, 0])
    gpio.drive(BUTTON, False)
    await asyncio.sleep(0.05)
    gpio.drive(BUTTON, True)
    await until(lambda: [gpio.level(pin) for pin in (GREEN, YELLOW, RED)] == [1, 1, 1])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [gpio.level(pin) for pin in (GREEN, YELLOW, RED, BUZZER)] == [0, 0, 0, 0]


async def test_without_a_pi_the_panel_does_nothing_and_harms_nobody() -> None:
    panel = Panel(ALL, MAP, Header(), lambda: cast("Status", Snapshot()))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await panel.run()


async def until(holds: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + PATIENCE_S
    while not holds():
        assert loop.time() < end_s
        await asyncio.sleep(0.01)


def configured(tmp_path: Path, more: str) -> Config:
    file = tmp_path / "unit.toml"
    file.write_text(LEAST + more)
    return load(file)


def test_what_the_map_has_for_it_clashes_with_nothing(tmp_path: Path) -> None:
    config = replace(configured(tmp_path, LINE.format(name="line", pin=-1)), panel=ALL)
    wanted = claims(config, MAP)
    assert Claim(6, "ups.1.pin", "mains") in wanted
    assert len(wanted) == 6
    assert clashes(MAP, wanted) == ()


@pytest.mark.parametrize(("pin", "other"), [(GREEN, "lamp_green"), (2, "i2c_sda"), (50, "")])
def test_a_line_on_a_pin_of_another_is_found(tmp_path: Path, pin: int, other: str) -> None:
    found = clashes(MAP, claims(configured(tmp_path, LINE.format(name="line", pin=pin)), MAP))
    assert [(one.by, one.number, one.other) for one in found] == [("ups.1.pin", pin, other)]
