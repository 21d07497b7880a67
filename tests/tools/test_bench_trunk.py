"""``rvx bench trunk``: which keys are told of calls and data, and what is said of few samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tools.bench.figures import LEAST_SAMPLES, flat, missed
from tools.bench.trunk import calls, data

KEYS = {
    "dial_to_atd_ms_p95", "emergency_atd_free_ms_p99", "emergency_atd_busy_ms_p99", "emergency_refused",
    "calls_lost_by_us", "trunk_restart_s",
}  # fmt: skip


class _Building:
    """Each call to a mobile takes 8 ms; of those to 112 one is not carried."""

    site = None
    attempted, carried, lost = 2 * LEAST_SAMPLES, 3 * LEAST_SAMPLES, 0

    def __init__(self, refused: int) -> None:
        self.refused = refused
        self._left = refused

    def ordinary(self) -> float:
        return 8.0

    def sos(self) -> float:
        self._left -= 1
        return math.inf if self._left >= 0 else 12.0

    def busy(self, count: int) -> list[float]:
        return [610.0] * count


@pytest.mark.parametrize(
    ("counts", "refused", "unknown", "bad"),
    [
        (calls.Counts(20, 20, 20, 20), 0, set(), set()),
        (
            calls.Counts(19, 20, 19, 19), 0,
            {"dial_to_atd_ms_p95", "emergency_atd_busy_ms_p99", "trunk_restart_s"}, set(),
        ),
        # The worst of them never came: there is no percentile, and both goals are missed.
        (
            calls.Counts(20, 20, 20, 20), 1, {"emergency_atd_free_ms_p99"},
            {"emergency_atd_free_ms_p99", "emergency_refused"},
        ),
    ],
)  # fmt: skip
def test_what_is_told(
    counts: calls.Counts, refused: int, unknown: set[str], bad: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def house() -> Iterator[_Building]:
        yield _Building(refused)

    monkeypatch.setattr(calls, "QUICK", counts)
    monkeypatch.setattr(calls, "_house", house)
    monkeypatch.setattr(calls, "_killed", lambda site: 0.4)
    figures, _ = calls.measure(lambda _: None, quick=True)
    told = flat(figures)
    assert KEYS | {"emergency_attempted", "samples"} <= set(told)
    assert {key for key in KEYS if told[key] is None} == unknown
    assert {figure.key for figure in missed(figures)} == bad


def test_data_is_not_run_in_haste() -> None:
    figures, _ = data.measure(lambda _: None, quick=True)
    assert {figure.key: figure.value for figure in figures} == {
        "wan_failover_s_p95": None,
        "calls_per_mbit": None,
        "data_at_rest_mb_per_day": None,
    }
