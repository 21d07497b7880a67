"""PINs, and how often they may be guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.plan.pins import (
    AT_PAGES,
    BY_ADDRESS_MAX,
    BY_CALLER_MAX,
    COUNTED,
    OF_EXTENSION_MAX,
    OF_PAGES_MAX,
    OF_UNIT_MAX,
    Guess,
    Pin,
    allows,
    fault_of,
    fits,
    heeded,
    is_full,
    kept,
)

PIN = "804715"
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MOBILE = "+46701112233"


@pytest.mark.parametrize(
    ("pin", "good"),
    [
        (PIN, True),
        ("80471", False),
        ("8047150000001", False),
        ("80471a", False),
        ("٨٠٤٧١٥", False),
        ("111111", False),
        ("123456", False),
        ("876543", False),
        ("890123", False),
        ("991001", False),
        ("", False),
    ],
)
def test_what_can_be_a_pin(pin: str, good: bool) -> None:
    assert (fault_of(pin, "1001") is None) is good


def test_it_is_known_and_does_not_show() -> None:
    pin = kept(PIN)
    assert [fits(PIN, pin), fits("804716", pin), fits("", pin), fits(PIN, None)] == [True, False, False, False]
    assert pin != kept(PIN), "each has a salt of its own"
    assert pin.hash not in repr(pin)
    assert Pin(pin.hash) == pin


@pytest.mark.parametrize(
    "row",
    [
        "",
        None,
        b"$argon2id$",
        "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,
        "$argon2id$v=19$m=4194304,t=99,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,  # a row that would take all memory
    ],
)
def test_a_row_that_cannot_be_one(row: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Pin(row)  # type: ignore[arg-type]


def guesses(count: int, caller: str = MOBILE, extension: str = "1001") -> list[Guess]:
    """One a second, the last one just now."""
    return [
        Guess(NOW - timedelta(seconds=count - 1 - each), caller.format(each), extension.format(each))
        for each in range(count)
    ]


@pytest.mark.parametrize(
    ("known", "may"),
    [
        (guesses(BY_CALLER_MAX - 1, extension="{}"), True),
        (guesses(BY_CALLER_MAX, extension="{}"), False),
        (guesses(BY_CALLER_MAX, "", "{}"), True),
        (guesses(OF_EXTENSION_MAX - 1, "+4670{}"), True),
        (guesses(OF_EXTENSION_MAX, "+4670{}"), False),
        (guesses(OF_UNIT_MAX - 1, "+4670{}", "{}"), True),
        (guesses(OF_UNIT_MAX, "+4670{}", "{}"), False),
    ],
)
def test_how_often_one_may_guess(known: list[Guess], may: bool) -> None:
    assert heeded(known, MOBILE, "1001", NOW) is may
    assert heeded(known, MOBILE, "1001", NOW + COUNTED), "an hour later"
    assert heeded(known, MOBILE, "1001", NOW - timedelta(days=2)) is may, "a clock that went back"


def test_what_is_full_is_one_extension_or_one_caller() -> None:
    of_one = guesses(OF_EXTENSION_MAX, "+4670{}")
    assert is_full(of_one, MOBILE, "1001", NOW)
    assert not is_full(of_one, MOBILE, "1002", NOW)
    assert allows(of_one, MOBILE, NOW)
    assert not allows(guesses(BY_CALLER_MAX), MOBILE, NOW)


@pytest.mark.parametrize(
    ("known", "caller", "may"),
    [
        (guesses(BY_ADDRESS_MAX - 1, f"{AT_PAGES}10.0.0.1", "{}"), f"{AT_PAGES}10.0.0.1", True),
        (guesses(BY_ADDRESS_MAX, f"{AT_PAGES}10.0.0.1", "{}"), f"{AT_PAGES}10.0.0.1", False),
        (guesses(BY_ADDRESS_MAX, f"{AT_PAGES}10.0.0.1", "{}"), f"{AT_PAGES}10.0.0.2", True),
        (guesses(OF_PAGES_MAX, AT_PAGES + "10.0.0.{}", "{}"), f"{AT_PAGES}10.0.1.1", False),
        (guesses(OF_PAGES_MAX, AT_PAGES + "10.0.0.{}", "{}"), MOBILE, True),
        (guesses(OF_UNIT_MAX, "+4670{}", "{}"), f"{AT_PAGES}10.0.0.1", True),
    ],
)
def test_pages_and_telephones_do_not_lock_each_other_out(known: list[Guess], caller: str, may: bool) -> None:
    assert allows(known, caller, NOW) is may
    assert heeded(known, caller, "4711", NOW) is may


def test_of_one_extension_they_are_counted_together() -> None:
    known = [*guesses(OF_EXTENSION_MAX - 2, f"{AT_PAGES}10.0.0.1"), *guesses(2)]
    assert not heeded(known, f"{AT_PAGES}10.0.0.9", "1001", NOW)
    assert not heeded(known, "+46709999999", "1001", NOW)
    assert heeded(known, "+46709999999", "1002", NOW)
