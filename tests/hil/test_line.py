"""The line's core: commands, delay, loss, cuts, order; no sockets and no clock."""

from __future__ import annotations

import random

import pytest

from hil.sim.line import IN_FLIGHT_MAX, Conditions, LineError, Transit, parse_command


def transit(**conditions: float) -> Transit:
    return Transit(Conditions(**conditions), random.Random(1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delay 20", Conditions(delay_ms=20, loss_percent=1)),
        (" loss  0.5\n", Conditions(loss_percent=0.5)),
        ("jitter 150", Conditions(jitter_ms=150, loss_percent=1)),
        ("rate 1000", Conditions(rate_kbit=1000, loss_percent=1)),
        ("cut both", Conditions(loss_percent=1, cut=frozenset({"ab", "ba"}))),
        ("cut ab", Conditions(loss_percent=1, cut=frozenset({"ab"}))),
        ("cut ba", Conditions(loss_percent=1, cut=frozenset({"ba"}))),
        ("mend", Conditions(loss_percent=1)),
    ],
)
def test_commands(text: str, expected: Conditions) -> None:
    assert parse_command(Conditions(loss_percent=1), text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cut",
        "cut all",
        "delay",
        "delay x",
        "delay -1",
        "delay nan",
        "rate -1",
        "loss 101",
        "loss 1 2",
        "stop",
        "x" * 9000,
    ],
)
def test_bad_commands_say_what_is_wrong(text: str) -> None:
    with pytest.raises(LineError) as error:
        parse_command(Conditions(), text)
    assert len(str(error.value)) < 150


def test_half_the_round_trip_each_way() -> None:
    line = transit(delay_ms=20)
    line.enter("ab", b"there", 1.0)
    assert line.next_due() == pytest.approx(1.010)
    assert line.leave(1.009) == []
    assert line.leave(1.0101) == [("ab", b"there")]
    assert line.next_due() is None


def test_a_shorter_delay_lets_no_frame_overtake() -> None:
    line = transit(delay_ms=100)
    line.enter("ab", b"1", 1.0)
    line.conditions = Conditions()
    line.enter("ab", b"2", 1.001)
    assert line.leave(1.002) == []
    assert line.leave(1.051) == [("ab", b"1"), ("ab", b"2")]


def test_a_narrow_line_sends_one_after_the_other_and_keeps_no_more_than_half_a_second() -> None:
    line = transit(rate_kbit=70)
    for _ in range(100):
        line.enter("ab", bytes(100), 1.0)  # 11.4 ms each
    assert len(line.leave(1.0501)) == 4
    assert len(line.leave(9.0)) == 40  # those of half a second, and the one that crossed it
    assert (line.passed["ab"], line.lost["ab"]) == (44, 56)
    line.enter("ba", bytes(100), 9.0)  # the other direction has a turn of its own
    assert len(line.leave(9.02)) == 1


def test_jitter_keeps_the_order_and_its_bound() -> None:
    line = transit(delay_ms=20, jitter_ms=150)
    for number in range(200):
        line.enter("ab", str(number).encode(), number / 100)
    assert line.leave(0.009) == []
    assert [int(frame) for _, frame in line.leave(1.99 + 0.16)] == list(range(200))


def test_a_cut_is_one_way_and_takes_what_is_on_its_way() -> None:
    line = transit(delay_ms=20)
    line.enter("ab", b"on its way", 1.0)
    line.enter("ba", b"back", 1.0)
    line.conditions = parse_command(line.conditions, "cut ab")
    line.enter("ab", b"too late", 1.001)
    assert line.leave(2.0) == [("ba", b"back")]
    assert line.lost == {"ab": 2, "ba": 0}


def test_loss_is_seeded_and_about_right() -> None:
    def passed() -> list[bytes]:
        line = transit(loss_percent=20)
        for number in range(5_000):
            line.enter("ab", str(number).encode(), 0.0)
        return [frame for _, frame in line.leave(0.0)]

    assert passed() == passed()
    assert 3_850 < len(passed()) < 4_150  # five standard deviations


def test_what_is_on_its_way_is_bounded() -> None:
    line = transit(delay_ms=1_000)
    for _ in range(IN_FLIGHT_MAX + 5):
        line.enter("ab", b"", 0.0)
    assert line.lost["ab"] == 5
