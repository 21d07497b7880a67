"""Ready sets: what people know by heart, and two exchanges' habits beside each other."""

from __future__ import annotations

import pytest

from callcontrol.plan.codes import Code, Dialled, Function, Own, clashes, read
from callcontrol.plan.codesets import SETS, codes_of
from callcontrol.plan.number import Clash, LocalNumbering, collisions
from firmware.config import Codes


@pytest.mark.parametrize("name", SETS)
def test_no_set_is_in_its_own_way_or_in_that_of_numbers(name: str) -> None:
    codes = codes_of((name,), {})
    assert not list(clashes(codes))
    assert len(codes) == sum(len(texts) for texts in SETS[name].values()), "none was left out"
    befores = list(dict.fromkeys(code.before for code in codes))
    site = LocalNumbering(line_prefixes=("0",), area_code="090", extensions=(), direct=())
    assert {one.clash for one in collisions(site, ["1001", "90100"], befores)} == {Clash.RANGE}


def test_the_ready_functions_and_the_ready_sets_live_together() -> None:
    both = Codes(sets=("mx-one", "public")).table
    assert not list(clashes(both))
    assert {code.does for code in both} == {*Function, *Own}


@pytest.mark.parametrize(
    ("sets", "dialled", "wanted"),
    [
        (("mx-one", "public"), "*21*1002#", Dialled(Own.FOLLOW_ME, number="1002")),
        (("public", "mx-one"), "*21*1002#", Dialled(Own.FORWARD, number="1002")),
        (("mx-one", "public"), "*61*1002#", Dialled(Own.NO_ANSWER, number="1002")),
        (("mx-one",), "*61*1002#", None),
        (("mx-one", "public"), "*#21#", Dialled(Own.STATUS)),
        (("mx-one",), "*23*6*0821#", Dialled(Own.REFER, reason="6", time="0821")),
        ((), "*23*6*0821#", None),
    ],
)
def test_the_first_set_has_what_two_want(sets: tuple[str, ...], dialled: str, wanted: Dialled | None) -> None:
    assert read(dialled, codes_of(sets, {})) == wanted


def test_the_sites_own_is_in_place_of_a_sets_and_a_function_is_never_hidden() -> None:
    own = codes_of(("mx-one",), {Own.BACK: ("*99#",), Own.REFER: ()})
    assert read("*99#", own) == Dialled(Own.BACK)
    assert read("#23#", own) is None
    assert read("*23*1#", own) is None
    park = Code.parse(Function.PARK, "*21*N#")
    assert Own.FOLLOW_ME not in {code.does for code in codes_of(("mx-one",), {}, (park,))}


def test_the_configuration_says_them() -> None:
    table = Codes(refer="*23*R*T# *24*R#", back="", park="").table
    assert read("*24*1#", table) == Dialled(Own.REFER, reason="1")
    assert read("#23#", table) is None
    assert read("*70*1#", table) is None
