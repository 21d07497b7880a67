"""Codes: written once, read as they are dialled, by Python and by the edge alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.codes import Code, Dialled, Function, Own, clashes, looks_like, pattern, read, shown

CODES = (
    Code.parse(Function.GROUP_PICK_UP, "*8#"),
    Code.parse(Function.PICK_UP, "*8*N#"),
    Code.parse(Function.PARK, "77N"),
    Code.parse(Function.CALL_BACK_OFF, "#37#"),
    Code.parse(Function.CALL_BACK, "*37*N#9"),
    Code.parse(Own.REFER, "*23*R*T#"),
    Code.parse(Own.REFER, "*23*R#"),
    Code.parse(Own.REFER_OTHER, "*230*N*R*T#"),
    Code.parse(Own.FORWARD, "*21#"),
    Code.parse(Own.FORWARD, "*22#A#"),
    Code.parse(Own.CHANGE_PIN, "*74*P*P#"),
    Code.parse(Own.CALL_AS, "*75*P*N#"),
    Code.parse(Own.WITHHELD, "*42#A"),
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
        ("*23*1*1430#", Dialled(Own.REFER, reason="1", time="1430")),
        ("*23*1*1430", Dialled(Own.REFER, reason="1", time="1430")),
        ("*23*1#", Dialled(Own.REFER, reason="1")),
        ("*23*11*123#", Dialled(Own.REFER, reason="11", time="123")),  # wrong, and told so in what
        ("*23#", None),
        ("*230*1002*6*0821#", Dialled(Own.REFER_OTHER, number="1002", reason="6", time="0821")),
        ("*21#", Dialled(Own.FORWARD)),
        ("*22#00701234567#", Dialled(Own.FORWARD, number="00701234567")),
        ("*22#+46701234567#", Dialled(Own.FORWARD, number="+46701234567")),
        ("*74*123456*654321#", Dialled(Own.CHANGE_PIN, pins=("123456", "654321"))),
        ("*75*123456*1002#", Dialled(Own.CALL_AS, number="1002", pins=("123456",))),
        ("*42#0701234567", Dialled(Own.WITHHELD, number="0701234567")),
        ("1001", None),
        ("", None),
    ],
)
def test_what_a_code_asks_for(dialled: str, wanted: Dialled | None) -> None:
    assert read(dialled, CODES) == wanted


@given(st.text("0123456789*#", max_size=20))
def test_the_edge_hands_over_what_is_read_here_and_what_could_be_a_code(dialled: str) -> None:
    handed = re.compile(f"({pattern(CODES)})")
    assert bool(handed.fullmatch(dialled)) == bool(handed.fullmatch(dialled.replace("#", "%23")))
    assert bool(handed.fullmatch(dialled)) == (read(dialled, CODES) is not None or looks_like(dialled))


def test_without_codes_nothing_is_handed_over() -> None:
    assert pattern(()) == ""


@pytest.mark.parametrize(
    ("dialled", "noted"),
    [
        ("*8#", "*8"),
        ("*74*123456*654321#", "*74"),
        ("#73*123456#", "#73"),
        ("*#21#", "*#21"),
        ("**21*0701234567#", "**21"),
        ("*123456#", "*1234"),  # somebody who left out which code it was
        ("1001", "1001"),
    ],
)
def test_of_a_code_only_its_beginning_is_noted(dialled: str, noted: str) -> None:
    assert shown(dialled) == noted


def test_a_pin_is_in_nothing_that_is_printed() -> None:
    wanted = read("*74*135790*246801#", CODES)
    assert wanted is not None
    assert wanted.pins == ("135790", "246801")
    assert "135790" not in f"{wanted} {wanted!r}"


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ((Function.PICK_UP, "*8*N#"), (Function.GROUP_PICK_UP, "*8#"), False),
        ((Own.REFER, "*23*R#"), (Own.REFER, "*23*R*T#"), False),
        ((Own.REFER, "*23*R*T#"), (Own.REFER_OTHER, "*230*N*R*T#"), False),
        ((Own.FORWARD, "*21*A#"), (Own.FOLLOW_ME, "*21*N#"), True),
        ((Own.NO_ANSWER, "*211#"), (Own.FORWARD, "*21#"), False),
        ((Own.WITHHELD, "*42#A"), (Own.BACK, "*42#"), True),
        ((Function.PARK, "77N"), (Function.THREAT, "7712"), True),
        ((Function.PARK, "77N"), (Function.THREAT, "7812"), False),
        ((Own.PAST, "*4*N"), (Function.PARK, "*4*N#"), True),
        ((Own.FORWARD, "*21*A#"), (Function.THREAT, "*21*0#"), True),
        ((Own.LOCK, "*73*P#"), (Own.CHANGE_PIN, "*73*P*P#"), False),
    ],
)
def test_codes_in_each_others_way(one: tuple[Own, str], other: tuple[Own, str], clash: bool) -> None:
    pair = Code.parse(*one), Code.parse(*other)
    assert bool(list(clashes(pair))) is clash
    assert bool(list(clashes(pair[::-1]))) is clash


@given(st.text("*#1N", min_size=1, max_size=5), st.text("*#1N", min_size=1, max_size=5), st.data())
def test_codes_that_clash_not_are_never_dialled_by_each_other(one: str, other: str, data: st.DataObject) -> None:
    try:
        pair = Code.parse(Function.PARK, f"*{one}"), Code.parse(Function.PICK_UP, f"*{other}")
    except ValueError:
        return
    dialled = data.draw(st.from_regex(f"({pattern([Code(Function.PARK, '0')])}|[*#01]{{2,8}})", fullmatch=True))
    if not list(clashes(pair)) and read(dialled, pair[:1]) is not None:
        assert read(dialled, pair[1:]) is None


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (Own.LOCK, "*7P#"),  # the PIN's first digits would be noted
        (Own.CHANGE_PIN, "*74P*P#"),
        (Own.LOCK, "*7*P1#"),
        (Function.PARK, "*70#"),
        (Function.GROUP_PICK_UP, "*8*N#"),
        (Function.PARK, "N"),
        (Function.PARK, "*70*NN"),
        (Function.PARK, "a*N"),
        (Function.PARK, "*70*N.*"),
        (Function.GROUP_PICK_UP, ""),
        (Function.PARK, "*70*N1"),
        (Own.REFER, "*23*T*R#"),
        (Own.REFER, "*23*RT#"),
        (Own.REFER, "23*R#"),
        (Own.BACK, "#23*N#"),
        (Own.CHANGE_PIN, "*74*P#"),
        (Own.LOCK, "*12345678901*P#"),
    ],
)
def test_what_is_no_code(function: Function | Own, text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        Code.parse(function, text)
