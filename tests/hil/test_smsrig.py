"""Short messages while processes die."""

from dataclasses import replace
from pathlib import Path

import pytest

from callcontrol.trunk import smsqueue
from hil.smsrig import send


def test_none_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    outcome = send(40, 3, tmp_path)
    assert outcome.sent == 40
    assert outcome.restarts >= 1
    assert (outcome.lost, outcome.doubled, outcome.failed) == (0, 0, 0)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 6))
def test_nor_of_very_many(tmp_path: Path, seed: int) -> None:
    outcome = send(1_000, seed, tmp_path)
    assert outcome == replace(outcome, sent=1_000, lost=0, doubled=0, failed=0)


@pytest.mark.long
def test_a_queue_that_sends_what_is_in_doubt_again_at_once_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault planted."""
    states = {**smsqueue._NEXT, smsqueue.State.SENDING: {
        **smsqueue._NEXT[smsqueue.State.SENDING], smsqueue.Happened.DOUBTFUL: smsqueue.State.WAITING,
    }}  # fmt: skip
    monkeypatch.setattr(smsqueue, "_NEXT", states)
    assert send(150, 3, tmp_path).doubled
