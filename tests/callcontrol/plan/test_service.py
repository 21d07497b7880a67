"""Night and lunch service (B10), as tables; and that no key holds a reception for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.schedule import STOCKHOLM, Schedule
from callcontrol.plan.service import (
    OPENED_MAX,
    Key,
    OnCall,
    Pressed,
    Served,
    Service,
    press,
    served_at,
    serving,
    turned,
)

HOURS = Schedule.parse("mån-fre 08:00-16:30; kortdag 08:00-12:00")
LUNCH = Schedule.parse("mån-fre 12:00-13:00")
SOCIAL = OnCall(
    name="socialjouren", number="+4690161900", hours=Schedule.parse("mån-fre 17:00-08:00; lör-sön dygnet runt")
)
WATER = OnCall(name="vattenjouren", number="1900")
SERVICE = Service(entity="n/n", hours=HOURS, lunch=LUNCH, on_call=(SOCIAL, WATER))
ALWAYS = Service(entity="n/n", hours=Schedule.parse("mån-sön dygnet runt; helgdag dygnet runt; afton dygnet runt"))
NEVER = Service(entity="n/n", hours=Schedule.parse("mån-sön stängt"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    ("now", "state", "until", "opens"),
    [
        pytest.param("2026-11-23 07:59", "night", "2026-11-23 08:00", "2026-11-23 08:00", id="before"),
        pytest.param("2026-11-23 08:00", "open", "2026-11-23 12:00", None, id="opens"),
        pytest.param("2026-11-23 12:00", "lunch", "2026-11-23 13:00", "2026-11-23 13:00", id="lunch"),
        pytest.param("2026-11-23 13:00", "open", "2026-11-23 16:30", None, id="after-lunch"),
        pytest.param("2026-11-23 16:30", "night", "2026-11-24 08:00", "2026-11-24 08:00", id="closes"),
        pytest.param("2026-11-27 18:00", "night", "2026-11-30 08:00", "2026-11-30 08:00", id="weekend"),
        pytest.param("2026-12-23 11:00", "open", "2026-12-23 12:00", None, id="short-day"),
        # Christmas eve is a Thursday, and the weekend follows.
        pytest.param("2026-12-23 12:00", "night", "2026-12-28 08:00", "2026-12-28 08:00", id="christmas"),
        pytest.param("2027-01-05 23:00", "night", "2027-01-07 08:00", "2027-01-07 08:00", id="epiphany"),
    ],
)
def test_by_the_hours(now: str, state: str, until: str, opens: str | None) -> None:
    found = serving(SERVICE, None, at(now))
    assert (found.state, found.by_key, found.until) == (state, False, at(until))
    assert found.opens_at == (at(opens) if opens else None)


@pytest.mark.parametrize(
    ("key", "now", "until", "opens"),
    [
        pytest.param("night", "2026-11-23 15:00", "2026-11-24 08:00", "2026-11-24 08:00", id="closed-early"),
        pytest.param("night", "2026-11-23 12:30", "2026-11-24 08:00", "2026-11-24 08:00", id="from-lunch"),
        pytest.param("night", "2026-11-27 15:00", "2026-11-30 08:00", "2026-11-30 08:00", id="friday"),
        pytest.param("night", "2026-11-23 20:00", "2026-11-24 08:00", "2026-11-24 08:00", id="at-night"),
        pytest.param("open", "2026-11-23 07:30", "2026-11-23 08:00", None, id="opened-early"),
        pytest.param("open", "2026-11-28 10:00", "2026-11-28 18:00", None, id="a-saturday-of-storm"),
        pytest.param("open", "2026-11-23 12:10", "2026-11-23 13:00", None, id="no-lunch-today"),
        pytest.param("lunch", "2026-11-23 11:00", "2026-11-23 13:00", "2026-11-23 13:00", id="early-lunch"),
        pytest.param("lunch", "2026-11-23 12:20", "2026-11-23 13:00", "2026-11-23 13:00", id="in-lunch"),
        pytest.param("lunch", "2026-11-23 14:00", "2026-11-23 15:00", "2026-11-23 15:00", id="late-lunch"),
        pytest.param("lunch", "2026-11-23 16:00", "2026-11-23 16:30", "2026-11-24 08:00", id="into-the-night"),
    ],
)
def test_a_key_lies_over_the_hours_and_ends_by_itself(key: str, now: str, until: str, opens: str | None) -> None:
    pressed = press(SERVICE, Key(key), "1000", at(now))
    assert pressed is not None
    assert (pressed.state, pressed.until, pressed.set_by) == (key, at(until), "1000")
    found = serving(SERVICE, pressed, at(now))
    assert (found.state, found.by_key, found.until) == (key, True, at(until))
    assert found.opens_at == (at(opens) if opens else None)
    over = serving(SERVICE, pressed, at(until))
    assert over == serving(SERVICE, None, at(until))


@pytest.mark.parametrize(
    ("key", "now"),
    [
        pytest.param("open", "2026-11-23 10:00", id="open-already"),
        pytest.param("hours", "2026-11-23 10:00", id="back-to-the-hours"),
        pytest.param("hours", "2026-11-23 20:00", id="back-at-night"),
    ],
)
def test_what_the_hours_say_is_not_kept(key: str, now: str) -> None:
    assert press(SERVICE, Key(key), "1000", at(now)) is None


def test_who_is_always_there_is_closed_until_the_key_is_turned_back() -> None:
    now = at("2026-11-23 10:00")
    pressed = press(ALWAYS, Key.NIGHT, "1000", now)
    assert pressed is not None
    assert pressed.until is None
    found = serving(ALWAYS, pressed, now + timedelta(days=300))
    assert (found.state, found.until, found.opens_at) == (Served.NIGHT, None, None)


@pytest.mark.parametrize("key", [Key.NIGHT, Key.LUNCH, Key.OPEN])
def test_a_key_of_a_clock_that_was_wrong_holds_for_nobody(key: Key) -> None:
    """A unit whose clock was years ahead would have closed its reception until then."""
    pressed = press(SERVICE, key, "1900", at("2040-03-05 17:00" if key is Key.OPEN else "2040-03-05 09:00"))
    assert pressed is not None
    assert served_at(SERVICE, pressed, at("2026-11-23 09:00")) is Served.OPEN
    assert served_at(SERVICE, pressed, at("2026-11-23 17:00")) is Served.NIGHT


def test_a_clock_that_is_set_right_by_minutes_turns_no_key_back() -> None:
    pressed = press(SERVICE, Key.NIGHT, "1900", at("2026-11-23 09:20"))
    assert served_at(SERVICE, pressed, at("2026-11-23 09:00")) is Served.NIGHT


def test_who_is_never_there_is_open_for_a_day_of_work() -> None:
    now = at("2026-11-23 10:00")
    pressed = press(NEVER, Key.OPEN, "1000", now)
    assert pressed is not None
    assert pressed.until == now + OPENED_MAX
    assert serving(NEVER, None, now).opens_at is None


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param("2026-11-23 10:00", [], id="open"),
        pytest.param("2026-11-23 12:30", ["vattenjouren"], id="lunch"),
        pytest.param("2026-11-23 22:00", ["socialjouren", "vattenjouren"], id="night"),
        pytest.param("2026-11-28 12:00", ["socialjouren", "vattenjouren"], id="saturday"),
    ],
)
def test_on_call_numbers_are_told_in_their_own_hours(now: str, told: list[str]) -> None:
    assert [each.name for each in serving(SERVICE, None, at(now)).on_call] == told


def test_the_one_key_turns() -> None:
    assert [turned(state) for state in Served] == [Key.NIGHT, Key.OPEN, Key.OPEN]


MINUTES = st.integers(0, 400 * 24 * 60)
SPANS = st.sampled_from(
    [
        "mån-fre 08:00-16:30",
        "mån-sön 22:00-06:00",
        "ons 10:00-12:00",
        "mån-sön dygnet runt",
        "mån-fre 08:00-12:00, 13:00-17:00",
    ]
)


@given(
    hours=SPANS,
    lunch=st.none() | st.sampled_from(["mån-fre 12:00-13:00", "mån-sön 08:00-09:00", "mån-sön dygnet runt"]),
    key=st.sampled_from(list(Key)),
    minute=MINUTES,
    later=st.integers(0, 10 * 24 * 60),
)
def test_whatever_is_pressed(hours: str, lunch: str | None, key: Key, minute: int, later: int) -> None:
    """What a key sets ends later than it began, and the hours hold from then on; when it is said to open it is open;
    what it is now it is until its end."""
    service = Service(
        entity="e", hours=Schedule.parse(hours), lunch=Schedule.parse(lunch) if lunch is not None else None
    )
    pressed_at = at("2026-01-01 00:00") + timedelta(minutes=minute)
    pressed: Pressed | None = press(service, key, "1000", pressed_at)
    if pressed is not None and pressed.until is not None:
        assert pressed.until > pressed_at
        assert served_at(service, pressed, pressed.until) == served_at(service, None, pressed.until)
    now = pressed_at + timedelta(minutes=later)
    found = serving(service, pressed, now)
    if found.opens_at is not None:
        assert found.opens_at > now
        assert served_at(service, pressed, found.opens_at) is Served.OPEN
    if found.until is not None:
        assert found.until > now
        assert served_at(service, pressed, found.until - timedelta(seconds=1)) is found.state
