"""A storm's town at two units: whichever serves dies, loses its cables or its line, or hangs, again and again."""

from __future__ import annotations

import pytest

from hil.net import Net
from hil.takeovers import Takeovers, Trouble

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(600)]

SEED = 7
TAKEOVER_S = 15.0
"""Patience of a test; the bench measures."""


def test_a_town_hardly_notices_which_unit_serves() -> None:
    told: list[str] = []
    with Net("rvpair") as net:
        takeovers = Takeovers(net, SEED, lambda kind, words: told.append(f"{kind}: {words}"))
        try:
            day = takeovers.play(len(Trouble))
        finally:
            takeovers.close()
    assert day.broken == [], "\n".join(told)
    assert {trouble for trouble, _ in day.takeovers_s} == set(Trouble)
    assert max(took_s for _, took_s in day.takeovers_s) < TAKEOVER_S
    assert day.calls > 20
