"""The storm is tested itself: of twenty bugs planted on purpose it finds at least nineteen."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.planted import BUGS, Planted, find

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(7200)]

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 4.0
PLANTED, FOUND = 20, 19


def test_planted_bugs_are_found() -> None:
    found: list[Planted] = []
    for bug in sorted((ROOT / BUGS).glob("*.patch")):
        found.append(find(ROOT, bug, MINUTES))
        print(
            f"{found[-1].bug}: {found[-1].rule or 'not found'}, {found[-1].seconds:.0f} s; {found[-1].why}", flush=True
        )
    assert len(found) >= PLANTED
    missed = [each.bug for each in found if each.rule is None]
    assert len(found) - len(missed) >= FOUND, missed
