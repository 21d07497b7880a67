"""The bench's call in virtual time, and that it sees what drops out."""

import pytest

from callcontrol.media.elastic import Inflow
from tools.bench.trunk.clocks import carry


@pytest.mark.parametrize("ppm", [100.0, -100.0])
def test_a_tone_is_carried_both_ways_whatever_the_clocks(ppm: float) -> None:
    found = carry(0.3, ppm)
    assert found.dropouts == 0
    assert found.minutes == pytest.approx(0.3, abs=0.05)
    assert found.drift_ppm == pytest.approx(ppm, abs=20)


def test_what_drops_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled, count = Inflow.pull, iter(range(10_000))

    def pull(self: Inflow, now: float) -> bytes:
        frame = pulled(self, now)
        return bytes(len(frame)) if next(count) % 100 == 99 else frame

    monkeypatch.setattr(Inflow, "pull", pull)
    assert carry(0.1, 0.0).dropouts >= 3
