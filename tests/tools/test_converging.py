"""Two units and a hub agree in the end on what somebody had set, whatever is lost, late, repeated or put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware.store.joining import Joining
from firmware.store.received import Received
from firmware.store.sending import Sending
from tools.bench.sync.converging import converge

SEEDS = range(12)
MANY_SEEDS = range(1_000, 1_120)
PLANTED_SEEDS = range(200)
LONG_STEPS = 400


@pytest.mark.parametrize("seed", SEEDS)
def test_they_agree(seed: int, tmp_path: Path) -> None:
    outcome = converge(tmp_path, seed)
    assert outcome.mixtures == []
    assert outcome.set > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", MANY_SEEDS)
def test_they_agree_after_long(seed: int, tmp_path: Path) -> None:
    assert converge(tmp_path, seed, LONG_STEPS).mixtures == []


def _over_what_is_set_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Joining, "_wait", Joining._register)


def _passed_over_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Joining, "_wait", lambda self, item: None)


def _held_as_the_hub_says(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Sending.answered

    def every(self: Sending, epoch: str, sent: object, *told: Any) -> None:
        answered(self, epoch, range(1, 1_000), *told)

    monkeypatch.setattr(Sending, "answered", every)


def _a_journal_that_was_put_back_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Received, "has", lambda self, cursor: True)


def _a_hub_that_was_restored_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sending, "held", lambda self, held, backed_up: None)
    monkeypatch.setattr(Received, "live", lambda self: iter(()))


@pytest.mark.long
@pytest.mark.parametrize(
    "plant",
    [
        _over_what_is_set_here,
        _passed_over_for_good,
        _held_as_the_hub_says,
        _a_journal_that_was_put_back_goes_on,
        _a_hub_that_was_restored_is_told_nothing,
    ],
)
def test_what_is_wrong_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found = (seed for seed in PLANTED_SEEDS if converge(_made(tmp_path / str(seed)), seed, LONG_STEPS).mixtures)
    assert next(found, None) is not None


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
