"""A region's units come back to a platform that takes but so many registrations a second."""

import json
from dataclasses import replace

import pytest

from hil.sim.fleet import Fleet, main, simulate

SMALL = Fleet(units=40, platform_per_s=8)


def test_a_thousand_units_return_in_good_order() -> None:
    report = simulate(Fleet())
    print(report)
    assert report.returned_units == report.units == 1000
    assert report.last_unit_s is not None
    # Hold-down, spread and one refresh more than the platform itself needs.
    assert report.last_unit_s <= report.ideal_s + 10 + 30 + 60
    assert report.refused <= report.phones * 0.12
    assert report.peak_per_s <= 2 * Fleet.platform_per_s


@pytest.mark.parametrize("seed", range(3))
def test_what_a_refusal_says_is_what_keeps_them_in_order(seed: int) -> None:
    obeyed = simulate(replace(SMALL, seed=seed))
    unsaid = simulate(replace(SMALL, seed=seed, retry_after_s=None))
    for report in (obeyed, unsaid):
        assert report.returned_units == SMALL.units
    assert obeyed.refused < unsaid.refused / 3
    assert obeyed.peak_per_s < unsaid.peak_per_s


@pytest.mark.parametrize(
    "fleet",
    [
        replace(SMALL, spread_s=0),
        replace(SMALL, registrations_per_s=1),
        replace(SMALL, retry_after_s=60),
        replace(SMALL, units=20, phones=(50, 500)),
        replace(SMALL, platform_per_s=10_000),
        replace(SMALL, units=1),
    ],
)
def test_every_unit_returns_whatever_is_chosen(fleet: Fleet) -> None:
    report = simulate(fleet)
    assert report.returned_units == fleet.units
    assert report.last_unit_s is not None


def test_same_seed_same_day() -> None:
    assert simulate(SMALL) == simulate(SMALL)
    assert simulate(SMALL) != simulate(replace(SMALL, seed=2))


def test_printed_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--units", "3"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["units"] == printed["returned_units"] == 3
    assert printed["figure_class"] == "S"
