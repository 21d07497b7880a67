"""PINs of who is led out from outside, and how often they may be guessed."""

from __future__ import annotations

import pytest

from callcontrol.trunk import pins
from callcontrol.trunk.pins import (
    BY_CALLER_MAX,
    HOUR_S,
    OF_EXTENSION_MAX,
    OF_UNIT_MAX,
    Guesses,
    Pin,
    fault_of,
    fits,
    kept,
)

PIN, SALT = "804715", bytes(16)
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


def test_it_is_known_and_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "SCRYPT_N", 1 << 10)
    pin = kept(PIN, SALT)
    assert [fits(PIN, pin), fits("804716", pin), fits("", pin), fits(PIN, None)] == [True, False, False, False]
    assert pin != kept(PIN, bytes(15) + b"1")
    assert pin.hash.hex() not in repr(pin)


@pytest.mark.parametrize(("salt", "hash_"), [(b"", bytes(32)), (SALT, b"x"), ("0" * 16, bytes(32)), (SALT, None)])
def test_a_row_that_cannot_be_one(salt: object, hash_: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Pin(salt, hash_)  # type: ignore[arg-type]


def test_a_caller_has_so_many_guesses_in_an_hour() -> None:
    guesses = Guesses()
    heeded = [guesses.begin(MOBILE, f"10{number:02}", float(number)).heeded for number in range(BY_CALLER_MAX + 2)]
    assert heeded == [True] * BY_CALLER_MAX + [False] * 2
    assert not guesses.allows(MOBILE, 10.0)
    assert guesses.allows("", 10.0)
    assert guesses.allows(MOBILE, HOUR_S), "the first is forgotten"


def test_an_extension_has_so_many_whoever_calls() -> None:
    guesses = Guesses()
    heeded = [guesses.begin(f"+4670000000{number}", "1001", 0.0).heeded for number in range(OF_EXTENSION_MAX + 1)]
    assert heeded == [True] * OF_EXTENSION_MAX + [False]
    assert guesses.is_full("1001")
    assert guesses.begin("+46709999999", "1002", 0.0).heeded


def test_all_have_so_many_and_nothing_grows() -> None:
    guesses = Guesses()
    heeded = [guesses.begin(f"+467{number:08}", f"{number:04}", 0.0).heeded for number in range(1000)]
    assert sum(heeded) == OF_UNIT_MAX
    assert len(guesses._all) == OF_UNIT_MAX


def test_what_was_right_does_not_count_but_while_it_is_judged() -> None:
    """So many calls at once have no more guesses than one."""
    guesses = Guesses()
    judged = [guesses.begin(MOBILE, "1001", 0.0) for _ in range(BY_CALLER_MAX)]
    assert not guesses.allows(MOBILE, 0.0)
    guesses.right(judged[0])
    assert guesses.allows(MOBILE, 0.0)
