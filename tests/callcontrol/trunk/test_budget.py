"""How many calls a way by data bears, and how much of what may be sent has been."""

import pytest

from callcontrol.trunk.budget import (
    CALM_S,
    MEASURED_S,
    Bearing,
    BudgetSettings,
    Level,
    Rooms,
    Seen,
    Usage,
    advance,
    call_bps,
    level_of,
    rooms,
    train_bps,
)

SETTINGS = BudgetSettings(calls_max=20, calls_unmeasured=2)
BPS = call_bps()
MBIT = 1_000_000.0


def after(bearing: Bearing, *seen: Seen) -> Bearing:
    for one in seen:
        bearing = advance(bearing, one, SETTINGS, BPS)
    return bearing


def bears(bearing: Bearing, settings: BudgetSettings = SETTINGS) -> int:
    return bearing.calls(settings, BPS)


@pytest.mark.parametrize(
    ("ptime_ms", "tunnel", "bps"), [(20, True, 107_200), (40, True, 85_600), (60, True, 78_400), (20, False, 80_000)]
)
def test_a_call_of_g711_takes(ptime_ms: int, tunnel: bool, bps: float) -> None:
    """20 ms: 200 bytes, filled to 208, and 60 of WireGuard, UDP and IP, 50 times a second."""
    assert call_bps(ptime_ms=ptime_ms, tunnel=tunnel) == pytest.approx(bps)


def test_what_was_never_measured_bears_what_the_site_says() -> None:
    assert bears(Bearing()) == 2


def test_a_train_says_how_many() -> None:
    assert bears(after(Bearing(), Seen(0, 0, capacity_bps=MBIT))) == 7
    assert bears(after(Bearing(), Seen(0, 0, capacity_bps=100 * MBIT))) == SETTINGS.calls_max
    assert bears(after(Bearing(), Seen(0, 0, capacity_bps=10_000))) == 1


def test_a_train_among_calls_sees_what_they_leave() -> None:
    alone = after(Bearing(), Seen(0, 0, capacity_bps=MBIT))
    among = after(Bearing(), Seen(0, 4, capacity_bps=MBIT - 4 * BPS))
    assert bears(alone) == bears(among)


@pytest.mark.parametrize("bad", [{"loss": 0.1}, {"rtt_ms": 400.0}])
def test_what_calls_show_takes_one_away_and_a_calm_minute_gives_it_back(bad: dict[str, float]) -> None:
    good = after(Bearing(), Seen(0, 0, rtt_ms=60.0, capacity_bps=MBIT), Seen(5, 7, loss=0.0, rtt_ms=60.0))
    once = after(good, Seen(10, 7, **bad))
    assert bears(once) == 7
    worse = after(once, Seen(15, 7, **bad))
    assert bears(worse) == 6
    calm = [Seen(20 + 5 * n, 6, loss=0.0, rtt_ms=70.0) for n in range(round(CALM_S / 5) + 1)]
    assert bears(after(worse, *calm)) == 7


def test_loss_without_calls_says_nothing() -> None:
    assert after(Bearing(), Seen(0, 0, loss=1.0), Seen(5, 0, loss=1.0)).cap is None


def test_a_measure_grows_old() -> None:
    bearing = after(Bearing(), Seen(0, 0, capacity_bps=MBIT), Seen(MEASURED_S + 1, 0))
    assert bears(bearing) == 2


@pytest.mark.parametrize(
    ("arrived", "bps"),
    [([0.1, 0.2, 0.3, 0.4], 3 * 1000 * 8 / 0.3), ([0.1, 0.2, 0.3], None), ([0.1] * 4, None)],
)
def test_trains(arrived: list[float], bps: float | None) -> None:
    assert train_bps([1000] * len(arrived), arrived) == (None if bps is None else pytest.approx(bps))


def test_usage_by_day_and_month() -> None:
    usage = Usage().seen(5_000, "2026-11-29")
    assert (usage.day_bytes, usage.counter) == (0, 5_000)  # what was counted before us is not ours
    usage = usage.seen(6_000, "2026-11-29").seen(8_000, "2026-11-30")
    assert (usage.day_bytes, usage.month_bytes) == (2_000, 3_000)
    usage = usage.seen(500, "2026-11-30")  # the modem came anew
    assert (usage.day_bytes, usage.month_bytes) == (2_500, 3_500)
    usage = usage.seen(600, "2026-12-01")
    assert (usage.day_bytes, usage.month_bytes) == (100, 100)
    assert usage.seen(None, "2026-12-01") == usage
    assert usage.seen(700, "").day == "2026-12-01"


@pytest.mark.parametrize(
    ("day_mb", "month_mb", "level"),
    [(79, 0, Level.OK), (80, 0, Level.ALARM), (100, 0, Level.SPENT), (0, 800, Level.ALARM), (0, 1000, Level.SPENT)],
)
def test_levels(day_mb: int, month_mb: int, level: Level) -> None:
    settings = BudgetSettings(20, 2, mb_per_day=100, mb_per_month=1000)
    assert level_of(Usage("2026-11-22", day_mb * 10**6, month_mb * 10**6), settings) is level
    assert level_of(Usage("2026-11-22", day_mb * 10**6, month_mb * 10**6), SETTINGS) is Level.OK


@pytest.mark.parametrize(
    ("calls", "borne", "level", "room"),
    [
        (0, 3, Level.OK, Rooms(3, 3)),
        (3, 3, Level.OK, Rooms(0, 1)),
        (4, 3, Level.OK, Rooms(0, 0)),
        (1, 3, Level.SPENT, Rooms(0, 2)),
    ],
)
def test_rooms(calls: int, borne: int, level: Level, room: Rooms) -> None:
    assert rooms(calls, borne, level) == room
