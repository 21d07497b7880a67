"""Power in words: what is promised, what is not known, what is wrong."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from firmware.power.problems import power_problems
from firmware.status import Power, PowerBox, PowerSource
from tools.errors.catalog import CATALOG
from tools.powershown import power_rows, until_words

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BATTERY = Power(
    state="battery", mains="lost", sure=True, until="2026-03-02T13:35:00.000Z", minutes=95.0, limits="router",
    mobile_minutes=240.0, sources=(PowerSource("ups", charge_percent=81.0),),
)  # fmt: skip
MAINS = Power(state="mains", mains="on")


def text(power: Power) -> str:
    return "\n".join("  ".join(row) for row in power_rows(power, NOW))


def test_until_when_and_what_ends_it() -> None:
    swedish, english = until_words(BATTERY, NOW)
    assert swedish == "Du kan svara till 14:35 (routern tar slut först)"
    assert english == "You can answer until 14:35 (the router ends first)"
    tomorrow = replace(BATTERY, until="2026-03-03T01:00:00.000Z")
    assert until_words(tomorrow, NOW)[0].startswith("Du kan svara till 3/3 02:00")
    assert "mobile network typically 240 min more" in text(BATTERY)


def test_nothing_is_promised_where_nothing_is_known() -> None:
    unknown = replace(BATTERY, until=None, minutes=None, unknown=("switch", "fibre"))
    assert until_words(unknown, NOW)[0] == "Hur länge du kan svara är inte känt: switchen"


def test_a_box_that_went_with_the_mains_is_named() -> None:
    gone = replace(BATTERY, minutes=0.0, inside_minutes=95.0, boxes=(PowerBox("router", "10.0.0.9", False, gone=True),))
    assert until_words(gone, NOW) == (
        "Routern gick med strömmen; inom huset till 14:35",
        "The router went with the mains; within the house until 14:35",
    )
    assert "routern svarar inte" in text(gone)
    assert until_words(replace(gone, inside_minutes=0.0), NOW)[0] == "Routern gick med strömmen"
    assert "om routern svarar är inte känt" in text(replace(BATTERY, boxes=(PowerBox("router", "10.0.0.9"),)))


def test_what_is_simulated_is_said() -> None:
    assert "SIMULERAD / SIMULATED" in text(replace(BATTERY, simulated=True))
    assert "SIMULATED" not in text(BATTERY)


@pytest.mark.parametrize(
    ("power", "codes"),
    [
        (None, []),
        (MAINS, []),
        (BATTERY, ["RVX-W04"]),
        (replace(BATTERY, state="low"), ["RVX-W05"]),
        (replace(BATTERY, state="halting", halt="telling"), ["RVX-W06"]),
        (Power(), ["RVX-W07"]),
        (replace(BATTERY, sources=(PowerSource("line", doubts=("outvoted",)),)), ["RVX-W04", "RVX-W08"]),
        (
            Power(state="mains", mains="on", sources=(PowerSource("ups", trouble="silent", doubts=("old",)),)),
            ["RVX-W09"],
        ),
        (replace(MAINS, boxes=(PowerBox("fibre", "10.0.0.9", False), PowerBox("router", "10.0.0.8"))), ["RVX-W13"]),
        (replace(MAINS, sources=(PowerSource("line", doubts=("backwards",)),)), ["RVX-W14"]),
        (replace(BATTERY, shed=("wifi",), faults=("m2: denied",)), ["RVX-W04", "RVX-W10", "RVX-W11"]),
    ],
)
def test_what_is_wrong(power: Power | None, codes: list[str]) -> None:
    found = [problem.id for problem in power_problems(power)]
    assert found == codes
    assert set(found) <= set(CATALOG)
