"""Evenings of power are tested themselves: they find every bug that is planted on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.powered.planted import BREAKS, POWER_BUGS, find_in_evenings
from hil.powered.rules import POWER_RULES

ROOT = Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / POWER_BUGS).glob("*.patch"))


def test_every_bug_says_what_breaks_and_every_rule_has_one() -> None:
    assert [patch.stem for patch in PATCHES] == sorted(BREAKS)
    assert {rule for breaks in BREAKS.values() for rule in breaks.rules} == set(POWER_RULES)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bug", PATCHES, ids=lambda bug: bug.stem)
def test_it_is_found(bug: Path) -> None:
    found = find_in_evenings(ROOT, bug)
    assert found.rule is not None, found.why
