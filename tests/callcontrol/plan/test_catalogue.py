"""Each word that the code asks the catalogue for by a value of an enumeration is there."""

import pytest

from callcontrol.plan.catalogue import catalogue
from callcontrol.plan.numbering import Category
from callcontrol.plan.reasons import DoubtKind
from firmware.signs import Cause

CATEGORIES = set(Category) - {Category.INVALID}


@pytest.mark.parametrize(("part", "keys"), [("category", CATEGORIES), ("cause", set(Cause)), ("doubt", set(DoubtKind))])
def test_every_value_has_its_words(part: str, keys: set[str]) -> None:
    assert {str(key) for key in keys} <= catalogue()[part].keys()
