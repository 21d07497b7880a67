"""What a cut proves of lines and gauges, and that a policy no longer believes what is shown to be wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.ups.model import Mains, Part, Reading
from firmware.config import Ups, default
from firmware.power.policy import Policy, View

CUT_S, BACK_S, END_S, LOOK_S = 120, 240, 360, 5
AMPS, ON_V, LOST_V = 0.8, 8.3, 7.9


def evening(
    ups: Ups, folder: Path, *, level: bool | None = None, amps: float | None = None, falls: bool = True
) -> tuple[list[View], dict[str, str]]:
    """Two minutes of mains, two without, two with. `level`: of a line while there is mains, None: it stands still;
    `amps`: as a gauge reads them in the cut."""
    nut = Ups(name="nut", kind="nut", keeps=("unit", "switch"))
    policy = Policy(replace(default(folder), ups=(nut, ups)), {"nut": 15.0, ups.name: 15.0})
    views, proved = [], dict[str, str]()
    for now_s in range(0, END_S, LOOK_S):
        lost = CUT_S <= now_s < BACK_S
        policy.told("nut", Reading(float(now_s), Mains.LOST if lost else Mains.ON))
        now_level = True if level is None else level is not lost
        if ups.kind == "line":
            said = {"high": now_level, "low": not now_level}.get(ups.mains_is)
            mains = Mains.UNKNOWN if said is None else Mains.ON if said else Mains.LOST
            policy.told(ups.name, Reading(float(now_s), mains))
        else:
            volts = LOST_V - 0.0001 * now_s if lost and falls else ON_V
            policy.told(ups.name, Reading(float(now_s), volts=volts, amps=amps if lost else 0.0))
        views.append(policy.look(float(now_s), levels={ups.name: now_level}))
        proved |= views[-1].proved
    return views, proved


@pytest.mark.parametrize(
    ("mains_is", "level", "setting", "doubt"),
    [
        ("high", True, 'mains_is = "high"', None),
        ("low", False, 'mains_is = "low"', None),
        ("low", True, 'mains_is = "high"', "backwards"),
        ("high", False, 'mains_is = "low"', "backwards"),
        ("unknown", True, 'mains_is = "high"', None),
        ("high", None, "unconnected", "unconnected"),
    ],
)
def test_a_line(tmp_path: Path, mains_is: str, level: bool | None, setting: str, doubt: str | None) -> None:
    views, proved = evening(Ups(name="line", kind="line", mains_is=mains_is, keeps=()), tmp_path, level=level)
    assert proved == {"line": setting}
    line = next(one for one in views[-1].believed.sources if one.name == "line")
    assert [each for each in line.doubts if each in ("backwards", "unconnected")] == ([doubt] if doubt else [])
    if mains_is != "unknown":
        believed = views[-1].believed
        assert (Part.UNIT in believed.sure) is (doubt != "backwards"), "it may be the other that lies: nothing is sure"


@pytest.mark.parametrize(
    ("out", "amps", "falls", "setting", "wrong"),
    [
        ("yes", AMPS, True, 'out_is_positive = "yes"', False),
        ("no", AMPS, True, 'out_is_positive = "no"', False),
        ("yes", -AMPS, True, 'out_is_positive = "no"', True),
        ("no", -AMPS, True, 'out_is_positive = "yes"', True),
        ("yes", -AMPS, False, None, False),  # then it may be the others that lie
        ("yes", 0.0, True, None, False),
    ],
)
def test_a_gauge_of_current(
    tmp_path: Path, out: str, amps: float, falls: bool, setting: str | None, wrong: bool
) -> None:
    gauge = Ups(name="gauge", kind="ina219", cells=2, out_is_positive=out, keeps=())
    views, proved = evening(gauge, tmp_path, amps=amps, falls=falls)
    assert proved.get("gauge") == setting
    seen = next(one for one in views[-1].believed.sources if one.name == "gauge")
    assert ("backwards" in seen.doubts) is wrong
    if wrong:
        assert seen.reading is not None
        assert (seen.reading.amps, seen.reading.volts) == (None, ON_V)
        in_the_cut = views[BACK_S // LOOK_S - 1].believed
        assert (in_the_cut.of_unit, in_the_cut.sure) == (Mains.LOST, frozenset({*in_the_cut.mains}))
