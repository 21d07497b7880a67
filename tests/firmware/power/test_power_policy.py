"""States, until when, what is shed, the last words, who is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.trunk.smsalarms import END, START, STARTS_A_DAY, Outage
from drivers.ups.model import Mains, Part, Reading
from firmware.power import alarms, halting
from firmware.power.halting import Do, Happened, Stage
from firmware.power.shedding import Role, Sheddable, Shedding, gain_minutes, in_order
from firmware.power.sources import Believed, Seen
from firmware.power.states import TABLE, Powered, PowerState, Sign, Thresholds, step
from firmware.power.until import Left, part_minutes, until, until_clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = Thresholds(low_minutes=15, halt_minutes=4, halt_percent=5, halt_after_s=10)
UNIT = frozenset({Part.UNIT})


def believed(mains: Mains, sure: bool = True, halt: str | None = None, **values: float) -> Believed:
    reading = Reading(0.0, mains, **values)  # type: ignore[arg-type]
    return Believed((Seen("ups", UNIT, reading, 0.0, None),), {Part.UNIT: mains}, UNIT if sure else frozenset(), halt)


# States


def test_the_table_knows_every_sign_in_every_state() -> None:
    assert set(TABLE) == {(state, sign) for state in PowerState for sign in Sign}


def test_an_evening() -> None:
    powered, seen = Powered(), []
    for at_s, mains, minutes in (
        (0, Mains.ON, 200.0),
        (10, Mains.LOST, 120.0),
        (20, Mains.LOST, 15.0),
        (30, Mains.LOST, 17.0),  # not yet surely above
        (40, Mains.LOST, 40.0),
        (50, Mains.UNKNOWN, None),
        (60, Mains.LOST, 3.0),
        (71, Mains.LOST, 3.0),
        (75, Mains.UNKNOWN, None),
        (80, Mains.ON, 5.0),
    ):
        powered = step(powered, believed(mains), minutes, LIMITS, float(at_s))
        seen.append(powered.state.value)
    assert seen == ["mains", "battery", "low", "low", "battery", "unknown", "low", "halting", "halting", "mains"]


@pytest.mark.parametrize(
    ("seen", "minutes", "state"),
    [
        (believed(Mains.LOST), 4.0, PowerState.HALTING),
        (believed(Mains.LOST, sure=False), 4.0, PowerState.LOW),
        (believed(Mains.LOST, charge_percent=4.0), None, PowerState.HALTING),
        (believed(Mains.LOST, charge_percent=60.0), None, PowerState.BATTERY),
        (believed(Mains.LOST, low=True), None, PowerState.HALTING),
        (believed(Mains.LOST, low=True, charge_percent=60.0), None, PowerState.LOW),
        (believed(Mains.ON, low=True), 1.0, PowerState.MAINS),
        (believed(Mains.UNKNOWN), 1.0, PowerState.UNKNOWN),
        (believed(Mains.ON, halt="ups"), None, PowerState.HALTING),
    ],
)
def test_what_halts_and_what_does_not(seen: Believed, minutes: float | None, state: PowerState) -> None:
    powered = step(Powered(), seen, minutes, LIMITS, 0.0)
    assert step(powered, seen, minutes, LIMITS, 10.0).state is state


def test_a_halt_that_is_due_for_a_moment_is_none() -> None:
    powered = step(Powered(), believed(Mains.LOST), 4.0, LIMITS, 0.0)
    powered = step(powered, believed(Mains.LOST), 9.0, LIMITS, 9.0)
    assert step(powered, believed(Mains.LOST), 4.0, LIMITS, 11.0).state is PowerState.LOW


# Until


def test_the_least_of_what_is_kept_is_guaranteed() -> None:
    parts = part_minutes(
        [(frozenset({Part.UNIT, Part.SWITCH}), Left(90, 110, 130)), (frozenset({Part.ROUTER}), Left(30, 40, 50))]
    )
    found = until(parts, 120.0, 20.0)
    assert (found.minutes, found.limits, found.likely, found.inside) == (30, Part.ROUTER, 40, 90)
    assert (found.unknown, found.mobile) == ((Part.FIBRE,), 100.0)


def test_nothing_is_guaranteed_where_nothing_is_known_of_the_switch() -> None:
    found = until({Part.UNIT: Left(90, 100, 110)}, None)
    assert (found.minutes, found.limits, found.inside, found.mobile) == (None, None, None, None)


def test_on_two_batteries_the_better_one_counts() -> None:
    assert part_minutes([(UNIT, Left(5, 6, 7)), (UNIT, Left(50, 60, 70)), (UNIT, Left())])[Part.UNIT].lower == 50


@given(st.floats(0, 3000), st.integers(0, 86_400))
def test_no_time_is_told_that_is_not_certain(minutes: float, second: int) -> None:
    now = NOON + timedelta(seconds=second)
    assert until_clock(minutes, now) <= now + timedelta(minutes=minutes)


# Shedding

LOADS = (
    Sheddable("phones", "poe", Part.SWITCH, 60, Role.REST, 40),
    Sheddable("jour", "poe", Part.SWITCH, 60, Role.ON_CALL, 5),
    Sheddable("reception", "poe", Part.SWITCH, 60, Role.RECEPTION, 5),
    Sheddable("sos", "poe", Part.SWITCH, 60, Role.EMERGENCY, 5),
    Sheddable("m2", "modem", Part.UNIT, 30, watts=2),
    Sheddable("wifi", "wifi", Part.UNIT, 90, watts=1),
)
BATTERY = Powered(PowerState.BATTERY, 0.0)


def all_of(shedding: Shedding, powered: Powered, minutes: float | None, off: set[str], **more: object) -> list[str]:
    """What is ordered in an hour, once a second, done at once."""
    done = []
    for at_s in range(3_600):
        order = shedding.order(powered, dict.fromkeys(Part, minutes), off, float(at_s), **more)  # type: ignore[arg-type]
        if order is not None:
            done.append(order.name if order.off else f"+{order.name}")
            (off.add if order.off else off.discard)(order.name)
    return done


def test_in_the_declared_order_and_back_in_the_reverse() -> None:
    shedding, off = Shedding(LOADS), set[str]()
    assert all_of(shedding, BATTERY, 30.0, off) == ["wifi", "phones", "m2", "reception", "jour", "sos"]
    back = all_of(Shedding(LOADS), Powered(PowerState.MAINS, 0.0), 30.0, off)
    assert back == ["+sos", "+jour", "+reception", "+m2", "+phones", "+wifi"]


def test_one_step_at_a_time_and_what_was_gained_is_told() -> None:
    shedding = Shedding(LOADS)
    minutes = dict.fromkeys(Part, 50.0)
    first = shedding.order(BATTERY, minutes, (), 0.0, watts={Part.UNIT: 6.0})
    assert first is not None
    assert (first.name, first.why, first.minutes) == ("wifi", "minutes", 50.0)
    assert first.gain == pytest.approx(10.0)
    assert shedding.order(BATTERY, minutes, {"wifi"}, 19.0) is None
    second = shedding.order(BATTERY, minutes, {"wifi"}, 20.0)
    assert second is not None
    assert (second.name, second.gain) == ("phones", None)


def test_what_carries_a_call_is_let_be() -> None:
    shedding, off = Shedding(LOADS), set[str]()
    assert all_of(shedding, BATTERY, 20.0, off, busy={"m2", "phones"}) == ["wifi", "phones"]
    assert "m2" not in off


def test_what_has_nothing_in_it_is_left_out() -> None:
    off = set[str]()
    assert all_of(Shedding(LOADS), BATTERY, 30.0, off, empty={"phones", "jour"}) == ["wifi", "m2", "reception", "sos"]


def test_minutes_around_the_threshold_switch_nothing_to_and_fro() -> None:
    shedding, off, done = Shedding(LOADS[5:]), set[str](), []
    for at_s in range(7_200):
        minutes = {Part.UNIT: 89.0 if at_s // 60 % 2 else 100.0}
        if (order := shedding.order(BATTERY, minutes, off, float(at_s))) is not None:
            done.append(order.off)
            (off.add if order.off else off.discard)(order.name)
    assert done == [True]


def test_nothing_is_shed_on_what_is_not_known_and_dark_phones_come_back() -> None:
    assert all_of(Shedding(LOADS), BATTERY, None, set()) == []
    assert all_of(Shedding(LOADS), Powered(PowerState.UNKNOWN, 0.0), 1.0, set()) == []
    shedding = Shedding(LOADS)
    unknown = Powered(PowerState.UNKNOWN, 0.0)
    assert shedding.order(unknown, {}, {"sos"}, 1_799.0) is None
    order = shedding.order(unknown, {}, {"sos"}, 1_800.0)
    assert order is not None
    assert (order.off, order.why) == (False, "unknown")


@given(st.permutations(LOADS), st.lists(st.integers(1, 200), min_size=6, max_size=6))
def test_phones_of_a_role_are_last_whatever_their_minutes(loads: list[Sheddable], minutes: list[int]) -> None:
    """The invariant: roles never go back along the order (A5)."""
    ordered = in_order(replace(load, at_minutes=at) for load, at in zip(loads, minutes, strict=True))
    roles = [list(Role).index(load.role) for load in ordered]
    assert roles == sorted(roles)


def test_a_gain_is_known_only_where_both_loads_are() -> None:
    assert gain_minutes(60, 10, 40) == pytest.approx(20)
    assert [gain_minutes(None, 1, 2), gain_minutes(60, 0, 40), gain_minutes(60, 50, 40), gain_minutes(60, 5, None)] == [
        None
    ] * 4


# Halting


@given(st.lists(st.sampled_from(list(Happened)), max_size=40))
def test_mains_back_at_any_moment_ends_in_a_running_unit(happened: list[Happened]) -> None:
    """Whatever came before: after BACK it runs, or has been told to start again after a halt."""
    stage, done = Stage.RUNNING, [Do.NOTHING]
    for one in [*happened, Happened.BACK]:
        stage, do = halting.after(stage, one)
        done.append(do)
    assert stage in (Stage.RUNNING, Stage.STARTING_AGAIN)
    halts = [at for at, do in enumerate(done) if do is Do.HALT]
    ends = [at for at, do in enumerate(done) if do in (Do.RESTART, Do.CARRY_ON)]
    assert not halts or halts[-1] < ends[-1]


@given(st.lists(st.sampled_from(list(Happened)), max_size=40))
def test_the_command_comes_only_after_all_was_flushed_and_while_a_halt_is_due(happened: list[Happened]) -> None:
    stage, due = Stage.RUNNING, False
    for one in happened:
        due = {Happened.HALT: True, Happened.BACK: False}.get(one, due)
        before = stage
        stage, do = halting.after(stage, one)
        if do is Do.HALT:
            assert due
            assert before in (Stage.FLUSHING, Stage.STARTING_AGAIN)


def test_a_halt_that_nothing_disturbs() -> None:
    stage, done = Stage.RUNNING, []
    for one in (Happened.HALT, Happened.DONE, Happened.DONE):
        stage, do = halting.after(stage, one)
        done.append(do)
    assert (stage, done) == (Stage.COMMANDED, [Do.TELL, Do.FLUSH, Do.HALT])


# Alarms

ALARMS = alarms.Alarms(after=timedelta(seconds=60), minutes=(60, 15), pause=timedelta(minutes=5))


def test_who_is_told_what() -> None:
    lasts = Outage(1, NOON, None, "mains")
    over = replace(lasts, ended_at=NOON + timedelta(hours=1))

    def told(
        outage: Outage, before: tuple[str, ...], minutes: float, left: float | None, starts: int = 0
    ) -> str | None:
        return alarms.due(outage, before, starts, left, ALARMS, NOON + timedelta(minutes=minutes))

    assert told(lasts, (), 0.5, 200.0) is None
    assert told(lasts, (), 1, 200.0) == START
    assert told(lasts, (), 1, 200.0, STARTS_A_DAY) is None
    assert told(lasts, (START,), 10, 100.0) is None
    assert told(lasts, (START,), 10, 60.0) == "60"
    assert told(lasts, (START, "60"), 11, 59.0) is None
    assert told(lasts, (START,), 12, 14.0) == "15"
    assert told(lasts, (START, "15"), 13, 59.0) is None
    assert told(lasts, (START,), 12, None) is None
    assert told(over, (START,), 64, None) is None
    assert told(over, (START,), 65, None) == END
    assert told(over, (), 65, None) is None
    assert told(over, (START, END), 65, None) is None
