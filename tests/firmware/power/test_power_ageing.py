"""How a battery ages, by what its discharges have shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firmware.power.ageing import trend
from firmware.store.batteries import Capacity

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def points(*wh: float, days: float = 365.25 / 4) -> list[Capacity]:
    return [Capacity(BEGAN + timedelta(days=days * n), each) for n, each in enumerate(wh)]


def test_one_that_ages_evenly_is_to_be_changed_when_it_comes_to_seventy_percent() -> None:
    found = trend(points(100, 98, 96, 94, 92))
    assert found is not None
    assert (found.wh, found.percent) == (92, 92)
    assert found.a_year_percent == pytest.approx(-8)
    assert found.change_at is not None
    assert (found.change_at - BEGAN) / timedelta(days=365.25) == pytest.approx(30 / 8)


def test_one_that_is_past_it_is_to_be_changed_now() -> None:
    found = trend(points(100, 80, 60))
    assert found is not None
    assert found.change_at == points(0, 0, 0)[-1].at


@pytest.mark.parametrize(
    "known", [points(100), points(100, 90), points(100, 90, 80, days=5), points(100, 101, 102), points(100, 99.9, 99.8)]
)
def test_of_too_little_and_of_one_that_does_not_age_no_day_is_said(known: list[Capacity]) -> None:
    found = trend(known)
    assert found is not None
    assert found.change_at is None


def test_nothing_is_known_of_one_that_was_never_discharged() -> None:
    assert trend([]) is None
