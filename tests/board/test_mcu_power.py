"""The microcontroller's program with a unit, a battery and mains around it (hil/sim/mcu.py), in virtual time."""

from itertools import pairwise

import pytest

from drivers.codec import mcuwords
from hil.sim.mcu import World, part

COARSE_MS = 1000
limits = part("supply.limits")


def running(*, kernel_line: bool = True, halted_line: bool = True) -> World:
    world = World(kernel_line=kernel_line, halted_line=halted_line)
    world.go(40, 500)
    assert world.unit.state == "up"
    assert world.unit.hello is not None
    assert world.unit.hello.protocol == 1
    return world


def mains(world: World) -> bool | None:
    """As the unit was told."""
    assert world.unit.seen is not None
    return world.unit.seen.mains


@pytest.mark.parametrize("kernel_line", [True, False])
@pytest.mark.parametrize("calls", [0, None])
def test_dead_python_never_cuts_a_unit_whose_edge_lives(calls: int | None, kernel_line: bool) -> None:
    world = running(kernel_line=kernel_line)
    world.unit.calls = calls
    world.go(2)
    world.unit.heart = False
    world.go(6 * 3600, 10_000)
    assert "cut" not in world.words()
    assert world.unit.state == "up"
    assert world.warnings() == 1
    assert world.causes() == ["boot", "heart_lost"]
    world.unit.heart = True
    world.go(5)
    assert world.unit.asked > 0
    assert world.warnings() == 0
    assert world.causes()[-1] == "heart_back"


def test_a_kernels_line_that_is_not_wired_any_more_says_nothing() -> None:
    world = running()
    world.kernel_line = False
    world.go(20)
    world.unit.heart = False
    world.go(3600, 10_000)
    world.boot()
    world.go(3600, 10_000)
    assert "cut" not in world.words()


def test_a_kernel_that_hung_is_known_to_a_new_program_by_its_line() -> None:
    world = running()
    world.unit.state, world.unit.heart = "hung", False
    world.boot()
    assert world.until(lambda: "cut" in world.words(), 600, COARSE_MS)


def test_a_kernel_that_hangs_is_restarted_and_not_too_often() -> None:
    world = running()

    def hang() -> None:
        world.unit.state, world.unit.heart = "hung", False

    hang()
    times = []
    for _ in range(5):
        count = world.words().count("cut")
        assert world.until(lambda count=count: world.words().count("cut") > count, 26 * 3600, 10_000)  # type: ignore[misc]
        times.append(world.history[-1][0])
        assert world.until(lambda: world.unit.state == "booting", 60)
        hang()
    assert world.causes().count("cut_hung") == 5
    waits = [later - sooner for sooner, later in pairwise(times)]
    assert waits == sorted(waits)
    assert times[0] - 40 >= limits.WAIT_MS / 1000
    assert waits[-1] >= limits.DAY_MS / 1000


def test_how_often_it_was_restarted_outlives_the_microcontroller() -> None:
    world = running()
    world.unit.state, world.unit.heart = "hung", False
    assert world.until(lambda: "cut" in world.words(), 600, COARSE_MS)
    world.go(20)
    world.boot()
    assert world.program._decider.cycles == 1
    world.unit.state, world.unit.heart = "up", True
    world.program._decider._cycled_at -= limits.DAY_MS
    world.go(2)
    assert world.causes()[-1] == "steady"
    world.boot()
    assert world.program._decider.cycles == 0


def test_an_edge_that_was_dead_with_its_heart_is_waited_for() -> None:
    world = running()
    world.unit.edge, world.unit.calls = False, 2
    world.go(3)
    world.unit.heart = False
    world.go(limits.WAIT_CALLS_MS / 1000 - 60, COARSE_MS)
    assert "cut" not in world.words()
    assert world.until(lambda: "cut" in world.words(), 120, COARSE_MS)
    world.unit.heart = world.unit.edge = True
    assert world.until(lambda: world.words().count("up") == 2, 120, 500)


@pytest.mark.parametrize("kernel_line", [True, False])
@pytest.mark.parametrize("halted_line", [True, False])
def test_a_low_battery_halts_it_and_mains_start_it(kernel_line: bool, halted_line: bool) -> None:
    world = running(kernel_line=kernel_line, halted_line=halted_line)
    world.mains, world.charge = False, 0.1
    assert world.until(lambda: "cut" in world.words(), 1800, 500)
    assert world.words()[-2:] == ["halted", "cut"]
    assert world.causes() == ["boot", "mains_lost", "low", "halt_told", "cut_halted"]
    world.go(600, COARSE_MS)
    assert world.unit.state == "off"
    world.mains = True
    world.go(30)
    assert world.unit.state == "off", "the battery does not bear a start yet"
    assert world.until(lambda: world.unit.state == "up", 3600, COARSE_MS)
    assert world.battery_mv > limits.START_MV
    world.go(15)
    assert world.unit.hello is not None
    assert world.causes()[-2:] == ["mains_back", "start"]


@pytest.mark.parametrize("after_s", [0.5, 4, 8.5, 12, 15])
def test_mains_back_at_any_moment_of_a_halt_ends_in_a_running_unit(after_s: float) -> None:
    world = running()
    world.mains = False
    world.go(5)
    world.halt()
    world.go(after_s)
    world.mains = True
    world.go(180, 500)
    assert world.unit.state == "up"
    assert world.unit.talk is not None
    assert world.program._decider.state == mcuwords.STATES.index("on")


def test_a_halt_that_is_called_off_cuts_nothing() -> None:
    world = running()
    world.order(mcuwords.HALT, 60)
    world.go(5)
    assert world.causes()[-1] == "halt_told"
    world.order(mcuwords.CANCEL)
    world.go(200, 500)
    assert [answer.word for answer in world.unit.answers] == ["done", "done"]
    assert world.causes()[-1] == "halt_cancelled"
    assert "cut" not in world.words()


@pytest.mark.parametrize("heart", [True, False])
def test_a_halt_that_was_told_and_never_came_cuts_nothing_that_lives(heart: bool) -> None:
    world = running()
    world.order(mcuwords.HALT, 60)
    world.go(5)
    world.unit.heart = heart
    world.go(1800, 5_000)
    assert "cut" not in world.words()
    assert "halt_failed" in world.causes()


def test_a_halt_that_hangs_is_cut_when_its_time_is_over() -> None:
    world = running(halted_line=False)
    world.halt(60)
    world.go(4)
    world.unit.state, world.unit.heart = "hung", False
    world.go(40, 500)
    assert "cut" not in world.words()
    assert world.until(lambda: "cut" in world.words(), 60)
    assert world.causes()[-1] == "cut_time"
    world.unit.heart = True
    assert world.until(lambda: world.unit.state == "up", 120, 500)


def test_a_halt_by_hand_rests_and_then_starts() -> None:
    world = running()
    world.unit.heart = False
    world.unit.state = "halted"
    assert world.until(lambda: "cut" in world.words(), 60)
    world.unit.heart = True
    world.go(limits.OFF_REST_MS / 1000 - 60, COARSE_MS)
    assert world.unit.state == "off"
    assert world.until(lambda: world.unit.state == "up", 180, COARSE_MS)


def test_a_battery_that_ends_before_the_halt_waits_for_its_charge() -> None:
    world = running()
    world.unit.obeys = False
    world.mains, world.charge = False, 0.02
    assert world.until(lambda: "dark" in world.words(), 3600, 500)
    assert "cut" not in world.words()
    world.go(600, COARSE_MS)
    world.mains = True
    world.go(10)
    assert world.unit.state == "off"
    assert world.until(lambda: world.unit.state == "up", 3600, COARSE_MS)
    assert world.battery_mv > limits.START_MV


def test_mains_that_come_and_go_never_start_it_on_an_empty_battery() -> None:
    world = running()
    world.mains, world.charge = False, 0.08
    assert world.until(lambda: "cut" in world.words(), 1800, 500)
    for _ in range(20):
        world.mains = not world.mains
        world.go(8)
    assert world.words().count("boot") == 1
    world.mains = True
    assert world.until(lambda: world.unit.state == "up", 3600, COARSE_MS)


def test_a_bouncing_line_is_lost_mains_and_told_once() -> None:
    world = running()
    world.line = lambda now: now // 150 % 2 == 0
    world.go(30, 10)
    assert mains(world) is False
    world.line = None
    world.go(5, 10)
    assert mains(world) is True
    assert world.causes() == ["boot", "mains_lost", "bouncing", "mains_back"]


def test_a_spike_is_no_loss_and_a_loss_is_told_within_100_ms() -> None:
    world = running()
    at = world.now
    world.line = lambda now: now - at > 30
    world.go(1, 10)
    assert mains(world) is True
    world.line = lambda now: False
    assert world.until(lambda: mains(world) is False, 0.1, 10)


def test_a_battery_that_cannot_be_measured_orders_nothing_and_starts_late() -> None:
    world = running()
    world.battery_known, world.mains = False, False
    world.go(60, 500)
    assert world.unit.seen is not None
    assert world.unit.seen.battery_mv is None
    assert not world.unit.seen.halt
    world.halt()
    assert world.until(lambda: "cut" in world.words(), 60)
    world.mains = True
    world.go(limits.BATTERY_UNKNOWN_MS / 1000 - 60, COARSE_MS)
    assert world.unit.state == "off"
    assert world.until(lambda: world.unit.state == "up", 200, COARSE_MS)


def test_a_watchdog_of_the_microcontroller_touches_nothing() -> None:
    world = running()
    world.unit.calls = 5
    world.boot()
    world.go(30)
    world.unit.heart = False
    world.boot()
    world.go(3600, COARSE_MS)
    assert "cut" not in world.words()
    assert world.fed_at == world.now


@pytest.mark.parametrize("kernel_line", [True, False])
def test_a_brown_out_of_the_microcontroller_alone_touches_nothing(kernel_line: bool) -> None:
    """Even where the battery was low, Python is dead, and its start looks like one from nothing."""
    world = running(kernel_line=kernel_line)
    world.unit.obeys = False
    world.mains, world.charge = False, 0.06
    assert world.until(lambda: "low" in world.causes(), 600, 500)
    world.unit.heart = False
    world.program, world._nothing = None, True
    world.mains = True
    world.go(900, 5_000)
    assert "cut" not in world.words()
    assert world.unit.state == "up"


def test_a_cut_outlives_the_microcontroller() -> None:
    world = running()
    world.mains, world.charge = False, 0.1
    assert world.until(lambda: "cut" in world.words(), 1800, 500)
    world.boot()
    world.go(60, 500)
    assert world.unit.state == "off"


def test_the_log_is_read_over_the_wire() -> None:
    world = running()
    world.mains = False
    world.go(2)
    world.order(mcuwords.READ_LOG, 0)
    world.go(1)
    assert [entry.cause for entry in world.unit.entries] == ["boot", "mains_lost"]
    assert world.unit.entries[-1].unix_s is not None
    assert world.unit.entries[-1].battery_mv is not None


def test_an_order_that_comes_twice_is_done_once() -> None:
    world = running()
    talk = world.unit.talk
    assert talk is not None
    world.order(mcuwords.HALT, 60)
    frame = talk._frame
    world.go(1)
    world.order(mcuwords.CANCEL)
    world.go(2)
    world._to_mcu += frame * 3
    world.go(1)
    assert world.causes()[-1] == "halt_told"  # another one, as it is not the last that was answered
    world.order(mcuwords.CANCEL)
    frame = talk._frame
    world.go(1)
    world._to_mcu += frame * 3
    world.go(1)
    assert world.causes().count("halt_cancelled") == 2


def test_nothing_is_ordered_before_hello() -> None:
    world = World()
    world.go(0.2)
    frame = part("mcuframe").encode(mcuwords.HALT, 1, mcuwords.pack(mcuwords.HALT, 60))
    world._to_mcu += frame
    world._to_unit.clear()
    world.program.step()
    [(kind, _, payload)] = part("mcuframe").Decoder(mcuwords.LENGTHS).receive(bytes(world._to_unit))
    assert (kind, mcuwords.REFUSALS[payload[2]]) == (mcuwords.ACK, "hello_first")
    assert "halt_told" not in world.causes()
