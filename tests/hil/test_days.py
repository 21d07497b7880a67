"""False survival: hours of a bad line and a tired platform, in virtual time, by the real cores."""

from __future__ import annotations

import pytest

from firmware import signs
from hil.sim.days import Weather, observe_days

DAYS = {
    "loss": Weather(loss_percent=1),
    "jitter": Weather(jitter_s=0.150),
    "pauses": Weather(pause_s=2),
    "load": Weather(load_percent=95),
    "all of it": Weather(loss_percent=1, jitter_s=0.150, pause_s=2, load_percent=95),
    "all of it, in a busy house": Weather(
        loss_percent=1, jitter_s=0.150, pause_s=2, load_percent=95, call_each_s=0.5, register_each_s=0.5
    ),
}
DIVERTED_MAX = 0.02
"""Of calls: those that fall into a pause, and what little the loss does."""


@pytest.mark.parametrize("weather", DAYS.values(), ids=DAYS)
def test_a_platform_that_lives_stays_master(weather: Weather) -> None:
    found = observe_days(1, 1, weather)
    assert found.survivals == []
    assert found.diverted <= max(3, DIVERTED_MAX * found.calls)


@pytest.mark.long
@pytest.mark.parametrize("weather", DAYS.values(), ids=DAYS)
@pytest.mark.parametrize("seed", range(10))
def test_for_many_hours(weather: Weather, seed: int) -> None:
    found = observe_days(seed, 10, weather)
    assert found.survivals == []
    assert found.diverted <= DIVERTED_MAX * found.calls


def test_two_lost_probes_would_not_be_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours above are hard enough: a unit that believes two lost probes is deceived in them."""
    monkeypatch.setattr(signs, "DEAD_PROBES", 2)
    assert any(observe_days(seed, 1, DAYS["pauses"]).survivals for seed in range(3))


def test_the_same_seed_gives_the_same_hours() -> None:
    assert observe_days(7, 0.1, DAYS["all of it"]) == observe_days(7, 0.1, DAYS["all of it"])
