"""What a UPS says by UPS-MIB, and what it should not."""

from __future__ import annotations

import pytest

from drivers.snmp import Oid, SnmpError, Value
from drivers.ups.model import Mains, Trouble
from drivers.ups.upsmib import (
    ASKED,
    BATTERY_CURRENT,
    BATTERY_STATUS,
    BATTERY_TEMPERATURE,
    BATTERY_VOLTAGE,
    CHARGE_REMAINING,
    MINUTES_REMAINING,
    OUTPUT_LOAD,
    OUTPUT_POWER,
    OUTPUT_SOURCE,
    reading_of,
)

ON_MAINS: dict[Oid, Value] = {
    BATTERY_STATUS: 2,
    MINUTES_REMAINING: 87,
    CHARGE_REMAINING: 100,
    BATTERY_VOLTAGE: 272,
    BATTERY_CURRENT: 0,
    BATTERY_TEMPERATURE: 24,
    OUTPUT_SOURCE: 3,
    OUTPUT_POWER: 31,
    OUTPUT_LOAD: 5,
}
NOTHING: dict[Oid, Value] = dict.fromkeys(ASKED)


def test_on_mains_and_on_the_battery() -> None:
    on = reading_of(3.0, ON_MAINS)
    assert (on.at_s, on.mains, on.minutes, on.charge_percent, on.volts, on.amps) == (3.0, Mains.ON, 87, 100, 27.2, None)
    assert (on.watts, on.load_percent, on.low, on.celsius, on.trouble) == (31, 5, False, 24, None)
    lost = reading_of(4.0, ON_MAINS | {OUTPUT_SOURCE: 5, BATTERY_CURRENT: -21, BATTERY_STATUS: 3})
    assert (lost.mains, lost.amps, lost.low) == (Mains.LOST, 2.1, True)


@pytest.mark.parametrize(
    ("source", "mains", "trouble"),
    [
        (4, Mains.ON, Trouble.BYPASSED),
        (2, Mains.UNKNOWN, Trouble.OFF),
        (1, Mains.UNKNOWN, Trouble.MISSING),
        (6, Mains.ON, None),
        (99, Mains.UNKNOWN, Trouble.MISSING),
        (None, Mains.UNKNOWN, Trouble.MISSING),
    ],
)
def test_where_its_output_comes_from(source: int | None, mains: Mains, trouble: Trouble | None) -> None:
    reading = reading_of(0.0, ON_MAINS | {OUTPUT_SOURCE: source})
    assert (reading.mains, reading.trouble) == (mains, trouble)


def test_what_makers_put_where_they_measure_nothing_is_not_known() -> None:
    wild: dict[Oid, Value] = {
        BATTERY_VOLTAGE: 0,
        BATTERY_TEMPERATURE: 0,
        MINUTES_REMAINING: 65535,
        CHARGE_REMAINING: -1,
        OUTPUT_POWER: 0,
        OUTPUT_LOAD: 2**31 - 1,
        BATTERY_STATUS: 1,
        BATTERY_CURRENT: 65535,
    }
    reading = reading_of(0.0, ON_MAINS | wild | {OUTPUT_SOURCE: 5})
    assert (reading.volts, reading.celsius, reading.minutes, reading.charge_percent) == (None, None, None, None)
    assert (reading.watts, reading.load_percent, reading.low, reading.amps) == (None, None, None, None)
    assert (reading.mains, reading.trouble) == (Mains.LOST, None)


def test_no_such_table_and_a_number_that_is_a_text() -> None:
    with pytest.raises(SnmpError, match="no UPS-MIB") as none:
        reading_of(0.0, NOTHING)
    assert none.value.trouble is Trouble.UNKNOWN_DEVICE
    with pytest.raises(SnmpError, match="upsEstimatedMinutesRemaining is a text, expected a number"):
        reading_of(0.0, ON_MAINS | {MINUTES_REMAINING: b"87 min"})
