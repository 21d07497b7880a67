"""drivers/ups/model.py: what is not a number within its bounds is not known."""

import math

import pytest

from drivers.ups.model import Mains, Reading, Trouble, bounded, unknown


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -0.1, 100.1])
def test_what_is_no_number_within_bounds_is_not_known(value: float | None) -> None:
    assert bounded(value, 0.0, 100.0) is None


def test_bounds_belong_to_the_range() -> None:
    assert (bounded(0.0, 0.0, 100.0), bounded(100.0, 0.0, 100.0)) == (0.0, 100.0)


def test_a_source_that_tells_nothing_orders_nothing_and_says_why() -> None:
    assert unknown(7.0, Trouble.STALE) == Reading(7.0, Mains.UNKNOWN, halt=False, trouble="stale")
