"""Codes: written once, read as they are dialled, by Python and by the edge alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.codes import Code, Dialled, Function, pattern, read

CODES = (
    Code.parse(Function.GROUP_PICK_UP, "*8#"),
    Code.parse(Function.PICK_UP, "*8*N#"),
    Code.parse(Function.PARK, "77N"),
    Code.parse(Function.CALL_BACK_OFF, "#37#"),
    Code.parse(Function.CALL_BACK, "*37*N#9"),
)


@pytest.mark.parametrize(
    ("dialled", "wanted"),
    [
        ("*8#", Dialled(Function.GROUP_PICK_UP)),
        ("*8", Dialled(Function.GROUP_PICK_UP)),
        ("*8*1001#", Dialled(Function.PICK_UP, "1001")),
        ("*8*1001", Dialled(Function.PICK_UP, "1001")),
        ("771", Dialled(Function.PARK, "1")),
        ("#37#", Dialled(Function.CALL_BACK_OFF)),
        ("*37*1001#9", Dialled(Function.CALL_BACK, "1001")),
        ("*37*1001#", None),
        ("*8*", None),
        ("*8*1001##", None),
        ("*8*" + "1" * 16, None),
        ("77", None),
        ("1001", None),
        ("", None),
    ],
)
def test_what_a_code_asks_for(dialled: str, wanted: Dialled | None) -> None:
    assert read(dialled, CODES) == wanted


@given(st.text("0123456789*#", max_size=20))
def test_the_edge_hands_over_what_is_read_here_and_nothing_else(dialled: str) -> None:
    handed = re.compile(f"({pattern(CODES)})")
    assert bool(handed.fullmatch(dialled)) == bool(handed.fullmatch(dialled.replace("#", "%23")))
    assert bool(handed.fullmatch(dialled)) == (read(dialled, CODES) is not None)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (Function.PARK, "*70#"),
        (Function.GROUP_PICK_UP, "*8*N#"),
        (Function.PARK, "N"),
        (Function.PARK, "*70*NN"),
        (Function.PARK, "a*N"),
        (Function.PARK, "*70*N.*"),
        (Function.GROUP_PICK_UP, ""),
    ],
)
def test_what_is_no_code(function: Function, text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        Code.parse(function, text)
