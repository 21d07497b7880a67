"""How long a battery lasts, and what its discharges teach: by tables, by real batteries' curves, and by nonsense."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.power.battery import Battery, Chemistry, at, curve_of
from firmware.power.learning import learn
from firmware.power.minutes import Gauge, Minutes, Sample, estimate
from hil.discharged import Bank, banks, discharge

KNOWN = Battery(full_wh=20.0, spread=0.05, reference_w=5.0, discharges=2)
TRAINED = tuple(bank for bank in banks() if not bank.held)
NUMBER = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))


def run(seconds: float, **fields: Any) -> list[Sample]:
    """A look every ten seconds, on battery."""
    return [Sample(at_s=10.0 * n, discharging=True, **fields) for n in range(int(seconds / 10) + 1)]


def full(**fields: Any) -> Sample:
    return Sample(at_s=-10.0, discharging=False, percent=100.0, **fields)


def test_energy_is_counted() -> None:
    shown = estimate(KNOWN, [full(), *run(3600, watts=5.0)])
    assert shown.why == "learnt"
    assert shown.likely == pytest.approx(180, rel=0.02)
    assert shown.lower is not None
    assert shown.upper is not None
    assert shown.lower < 180 < shown.upper


def test_what_would_be_if_less_were_drawn() -> None:
    gauge = Gauge(KNOWN)
    for sample in [full(), *run(600, watts=10.0)]:
        gauge.feed(sample)
    now, then = gauge.left(), gauge.left(5.0)
    assert now.likely is not None
    assert then.likely is not None
    assert then.likely > 2 * now.likely  # and a little more, as less power wastes less


def test_a_sudden_load_shortens_what_is_certain_at_once() -> None:
    calm = [full(), *run(1200, watts=5.0)]
    risen = [Sample(at_s=1210.0 + 10 * n, discharging=True, watts=15.0) for n in range(12)]
    before, after = estimate(KNOWN, calm), estimate(KNOWN, [*calm, *risen])
    assert before.lower is not None
    assert after.lower is not None
    assert after.lower < before.lower / 2


@pytest.mark.parametrize(
    ("battery", "samples", "why"),
    [
        (Battery(), run(600, watts=5.0), "unknown"),
        (Battery(), run(600, volts=3.9), "unknown"),
        (Battery(), [], "unknown"),
        (Battery(full_wh=20.0), run(600), "unknown"),  # nobody knows what is drawn
        (Battery(full_wh=20.0), run(600, watts=5.0), "label"),
        (Battery(), run(600, minutes=40.0), "own"),
    ],
)
def test_what_it_rests_on(battery: Battery, samples: list[Sample], why: str) -> None:
    shown = estimate(battery, samples)
    assert shown.why == why
    assert (shown.lower is None) is (why == "unknown")


def test_of_nothing_but_percent_time_is_reckoned_by_how_it_falls() -> None:
    samples = [Sample(at_s=60.0 * n, discharging=True, percent=100.0 - n) for n in range(21)]
    assert estimate(Battery(), samples[:4]).likely is None
    shown = estimate(Battery(), samples)
    assert shown.why == "rate"
    assert shown.likely == pytest.approx(80.0)


def test_a_gap_is_not_counted_and_no_time_goes_back() -> None:
    gauge = Gauge(KNOWN)
    for sample in [full(), *run(600, watts=5.0)]:
        gauge.feed(sample)
    share = gauge.share
    gauge.feed(Sample(at_s=5_000.0, discharging=True, watts=5.0))
    assert gauge.share == share
    gauge.feed(Sample(at_s=100.0, discharging=True, watts=500.0))
    assert gauge.share == share


def test_a_gauge_that_lies_is_not_believed_at_once() -> None:
    """Of a battery that has taught what it holds."""
    honest = estimate(KNOWN, [full(), *run(1800, watts=5.0, percent=88.0)])
    lying = estimate(KNOWN, [full(), *run(1790, watts=5.0, percent=88.0), *run(1800, watts=5.0, percent=20.0)[-1:]])
    assert honest.likely is not None
    assert lying.likely == pytest.approx(honest.likely, rel=0.05)


@pytest.mark.parametrize("bank", TRAINED, ids=[bank.name for bank in TRAINED])
def test_two_discharges_teach_what_it_holds(bank: Bank) -> None:
    """It knew it by a label that says too much, or not at all."""
    battery = Battery(chemistry=bank.chemistry, cells=bank.cells, full_wh=None if bank.mains_ups else 1.15 * bank.wh)
    for number in range(2):
        battery = learn(battery, discharge(bank, number, bank.wh / 2, 1).samples, died=True)
    if not bank.mains_ups:  # of which the energy depends on the power
        assert battery.full_wh == pytest.approx(bank.wh, rel=0.06)
    assert battery.discharges == 2
    made = discharge(bank, 2, bank.wh / 2, 1)
    gauge = Gauge(battery)
    wrong = []
    for sample in made.samples:
        gauge.feed(sample)
        shown, truth = gauge.left(), (made.end_s - sample.at_s) / 60
        if truth > 60 and shown.likely is not None:
            wrong.append(abs(shown.likely - truth) / truth)
    assert sorted(wrong)[len(wrong) // 2] < 0.1


def test_a_discharge_that_ended_early_teaches_too() -> None:
    bank = TRAINED[0]
    battery = learn(Battery(cells=2, full_wh=22.0), discharge(bank, 0, 7.0, 1).samples, died=True)
    samples = discharge(bank, 1, 7.0, 1).samples
    taught = learn(battery, samples[: len(samples) * 2 // 3], died=False)
    assert taught.discharges == 2
    assert taught.full_wh == pytest.approx(bank.wh, rel=0.06)
    short = learn(battery, samples[: len(samples) // 10], died=False)
    assert (short.full_wh, short.discharges) == (battery.full_wh, 1)


def test_what_was_learnt_is_kept_as_it_was() -> None:
    bank = TRAINED[0]
    battery = learn(Battery(cells=2, full_wh=22.0), discharge(bank, 0, 7.0, 1).samples, died=True)
    assert Battery.from_json(json.loads(json.dumps(battery.to_json()))) == battery


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "battery"),
        ({"full_wh": "20"}, "full_wh"),
        ({"full_wh": -1}, "full_wh"),
        ({"full_wh": math.nan}, "full_wh"),
        ({"full_wh": True}, "full_wh"),
        ({"chemistry": "uranium"}, "chemistry"),
        ({"cells": 1.5}, "cells"),
        ({"curve": [[3.0, 0.5], [2.0, 0.6]]}, "curve"),
        ({"curve": [[3.0, 0.5]]}, "curve"),
        ({"curve": [[3.0]]}, "curve"),
        ({"curve": [[n, 0] for n in range(100)]}, "curve"),
        ({"percent": [[1, 0.2], [2, 7]]}, "percent"),
        ({"ends": "x"}, "ends"),
        ({"unheard": 1}, "unheard"),
    ],
)
def test_what_was_spoilt_is_refused_by_its_field(value: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Battery.from_json(value)


@given(
    st.lists(
        st.builds(
            Sample,
            at_s=st.floats(0, 1e6), discharging=st.booleans(), volts=NUMBER, amps=NUMBER, watts=NUMBER, percent=NUMBER,
            minutes=NUMBER, celsius=st.one_of(st.none(), st.floats(-60, 120)),
        ),
        max_size=30,
    ),
    st.sampled_from([Battery(), Battery(full_wh=20.0), KNOWN, replace(KNOWN, chemistry=Chemistry.LEAD, cells=6)]),
    st.booleans(),
)  # fmt: skip
def test_no_sample_makes_it_fail(samples: list[Sample], battery: Battery, died: bool) -> None:
    shown = estimate(battery, samples)
    known = [value for value in shown[:3] if value is not None]
    assert shown == Minutes(None, None, None, "unknown") or known == sorted(known)
    assert all(0 <= value <= 7 * 24 * 60 for value in known)
    taught = learn(battery, samples, died=died)
    assert Battery.from_json(json.loads(json.dumps(taught.to_json()))) == taught


@given(st.lists(st.tuples(st.floats(2, 4.5), st.floats(0, 1)), max_size=60))
def test_a_curve_always_rises(points: list[tuple[float, float]]) -> None:
    curve = curve_of(points)
    assert all(low[0] < high[0] and low[1] <= high[1] for low, high in pairwise(curve))
    if curve:
        assert at(curve, 0) == curve[0][1]
        assert at(curve, 9) == curve[-1][1]
