"""Two sources on one battery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.ups.model import Mains, Part, Reading
from firmware.config import Ups, default
from firmware.power.joining import joined
from firmware.power.policy import Policy, View
from firmware.power.sources import Seen

UNIT = frozenset({Part.UNIT})
GAUGE = Seen("gauge", UNIT, Reading(1.0, volts=3.9, charge_percent=80.0), 0.0, None)
AMPS = Seen("amps", UNIT, Reading(1.0, volts=3.8, amps=0.5, watts=1.9), 0.0, None)
SAME = {"amps": "gauge"}


def test_what_one_lacks_the_other_tells() -> None:
    (both,) = joined([AMPS, GAUGE], SAME)
    assert both == replace(GAUGE, reading=Reading(1.0, volts=3.9, charge_percent=80.0, amps=0.5, watts=1.9))


def test_who_tells_nothing_leaves_it_to_the_other() -> None:
    silent = replace(GAUGE, reading=None)
    assert joined([AMPS, silent], SAME) == (AMPS, silent)
    assert joined([replace(AMPS, reading=None), GAUGE], SAME) == (GAUGE,)
    assert joined([AMPS, GAUGE], {}) == (AMPS, GAUGE)
    assert joined([AMPS], SAME) == (AMPS,)


@pytest.mark.parametrize("known", [True, False])
def test_minutes_are_counted_by_both(tmp_path: Path, known: bool) -> None:
    """A gauge of charge alone does not know what is drawn, one of current alone not how full the battery is."""
    ups = (
        Ups(name="gauge", kind="max1704x", cells=1, capacity_wh=20),
        Ups(name="amps", kind="ina219", cells=1, capacity_wh=20, battery_of="gauge" if known else ""),
        Ups(name="line", kind="line", keeps=()),
    )
    policy = Policy(replace(default(tmp_path), ups=ups), {each.name: 15.0 for each in ups})

    def look(now_s: float, mains: Mains, percent: float) -> View:
        policy.told("gauge", Reading(now_s, volts=3.7, charge_percent=percent))
        policy.told("amps", Reading(now_s, volts=3.7, amps=1.0, watts=3.7))
        policy.told("line", Reading(now_s, mains))
        return policy.look(now_s)

    look(0.0, Mains.ON, 50.0)
    for turn in range(1, 60):
        view = look(10.0 * turn, Mains.LOST, 50.0 - turn / 12)
    assert set(view.left) == ({"gauge"} if known else {"gauge", "amps"})
    likely = view.left["gauge"].likely
    if known:
        assert likely is not None
        assert 0 < likely < 60 * 20 * 0.5 / 3.7, "half of the label's energy at most, at what is drawn"
    else:
        assert view.left["amps"].likely != likely
