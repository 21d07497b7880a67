"""The microcontroller as a source: what heart's socket says, and what it may not say."""

import json

import pytest

from drivers.ups.mcu import reading_of
from drivers.ups.model import Mains, Trouble

SEEN = {
    "mains": True,
    "battery_mv": 3912,
    "unit_ma": 1000,
    "supply_mv": 5100,
    "celsius": 31.5,
    "low": False,
    "halt": False,
}


def line(**changed: object) -> bytes:
    return json.dumps({"trouble": "", "age_s": 0.5, "telemetry": SEEN} | changed).encode()


def test_telemetry_is_a_reading() -> None:
    reading = reading_of(line(), 100.0)
    assert reading is not None
    assert (reading.at_s, reading.mains, reading.volts, reading.watts) == (99.5, Mains.ON, 3.912, 5.1)
    assert (reading.celsius, reading.low, reading.halt, reading.trouble) == (31.5, False, False, None)
    assert reading.charging is reading.amps is reading.charge_percent is reading.minutes is None


@pytest.mark.parametrize(
    ("changed", "trouble"),
    [
        ({"trouble": "silent"}, Trouble.SILENT),
        ({"trouble": "version"}, Trouble.UNKNOWN_DEVICE),
        ({"trouble": "absent"}, Trouble.UNREACHABLE),
        ({"trouble": ["x"]}, Trouble.NONSENSE),
        ({"telemetry": None}, Trouble.WAITING),
        ({"telemetry": [1]}, Trouble.NONSENSE),
        ({"age_s": None}, Trouble.NONSENSE),
        ({"age_s": 1e9}, Trouble.NONSENSE),
    ],
)
def test_what_is_not_known_is_said_so(changed: dict[str, object], trouble: Trouble) -> None:
    reading = reading_of(line(**changed), 100.0)
    assert reading is not None
    assert (reading.mains, reading.volts, reading.low, reading.trouble) == (Mains.UNKNOWN, None, None, trouble)


@pytest.mark.parametrize("noise", [b"", b"\xff\xfe", b"[" * 3000, b"5", b"null"])
def test_noise_is_nonsense(noise: bytes) -> None:
    reading = reading_of(noise, 1.0)
    assert reading is not None
    assert reading.trouble == Trouble.NONSENSE


def test_other_lines_say_nothing_of_power() -> None:
    assert reading_of(b'{"id": 3, "answer": "done"}', 1.0) is None


@pytest.mark.parametrize("name", ["battery_mv", "unit_ma", "supply_mv", "celsius", "low", "mains"])
@pytest.mark.parametrize("value", [None, "x", [], 1e300, -1e300, {}])
def test_a_field_that_cannot_be_is_not_known(name: str, value: object) -> None:
    reading = reading_of(line(telemetry=SEEN | {name: value}), 1.0)
    assert reading is not None
    field = {"battery_mv": "volts", "unit_ma": "watts", "supply_mv": "watts"}.get(name, name)
    assert getattr(reading, field) in (None, Mains.UNKNOWN)
