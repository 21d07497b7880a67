"""How numbers are written, what causes mean, and who rings when somebody calls back."""

from __future__ import annotations

import pytest

from callcontrol.trunk.calling_back import EmergencyMade, callers_to_ring
from callcontrol.trunk.causes import full, hunts, refusal_of
from callcontrol.trunk.numbers import Form, from_network, to_dial, wanted
from callcontrol.trunk.pool import Full


@pytest.mark.parametrize("number", ["112", "11414", "1177", "116000", "+46701234567", "+4790123456"])
def test_numbers_that_anybody_is_connected_to(number: str) -> None:
    assert wanted(number) == number


@pytest.mark.parametrize(
    "text", ["", "1001", "0701234567", "*100#", "**21*+46701234567#", "+46", "+46701234567;x", "११२", "112\r\nATH"]
)
def test_what_is_none(text: str) -> None:
    assert wanted(text) is None


@pytest.mark.parametrize(
    ("number", "form", "dialled"),
    [
        ("+46701234567", Form.E164, "+46701234567"),
        ("+46701234567", Form.NATIONAL, "0701234567"),
        ("+4790123456", Form.NATIONAL, "+4790123456"),
        ("112", Form.NATIONAL, "112"),
    ],
)
def test_as_a_modem_is_to_dial_it(number: str, form: Form, dialled: str) -> None:
    assert to_dial(number, form) == dialled


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("+46701234567", "+46701234567"),
        ("0701234567", "+46701234567"),
        ("11414", "11414"),
        ("", None),
        (None, None),
        ("7913913ABCA", None),
        ("112", None),
    ],
)
def test_who_calls(told: str | None, number: str | None) -> None:
    assert from_network(told) == number


@pytest.mark.parametrize(
    ("cause", "status"), [(1, 404), (16, 480), (17, 486), (19, 480), (21, 403), (None, 480), (99, 480)]
)
def test_what_a_caller_hears(cause: int | None, status: int) -> None:
    refusal = refusal_of(cause)
    assert refusal.status == status
    assert f"cause={cause or 38}" in dict(refusal.headers())["Reason"]


def test_no_phone_takes_the_unit_for_dead() -> None:
    statuses = {refusal_of(cause).status for cause in [None, *range(128)]} | {full(why).status for why in Full}
    assert not {status for status in statuses if status >= 500}


def test_another_modem_is_tried_only_where_the_network_failed() -> None:
    assert [cause for cause in (None, 1, 16, 17, 19, 21, 34, 38, 41, 42) if hunts(cause)] == [None, 34, 38, 41, 42]


def test_who_rings_when_somebody_calls_back() -> None:
    made = [
        EmergencyMade("m1", "1001", 0.0),
        EmergencyMade("m1", "1002", 100.0),
        EmergencyMade("m1", "1001", 200.0),
        EmergencyMade("m2", "1003", 300.0),
        EmergencyMade("m1", "", 400.0),
    ]
    assert callers_to_ring("m1", made, 500.0) == ("1001", "1002")
    assert callers_to_ring("m2", made, 500.0) == ("1003",)
    assert callers_to_ring("m1", made, 3699.0) == ("1001", "1002")
    assert callers_to_ring("m1", made, 3750.0) == ("1001",)
    assert callers_to_ring("m1", made, 4000.0) == ()
