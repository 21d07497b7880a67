"""All Python dies under fifty calls: what the edge carries goes on; what `calls` has answered, tells or leads ends at
both ends by BYE, within seconds, and nobody sits in silence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from hil.net import Net
from hil.phone.hearing import Heard, Hearing, Manner
from hil.site import Site, numbers
from hil.told import crowd, open_told
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(400)]

CALLERS, AWAY, RECEPTION, PLAIN = ("1001", "1002", "1003"), "1004", "1005", "1006"
SAID_S = 25.0
"""A recording of a municipality that says much: longer than this test needs to kill what plays it."""
CARRIED, LED_ON, TOLD = 25, 13, 12
AT_ONCE = 4
SILENCE_MAX_S = 3.0
ENDED_S = 10.0
"""After `calls` is back. That is begun anew within a second by systemd."""


@dataclass
class House:
    site: Site
    callers: Hearing
    desks: Hearing

    def call(self, callee: str, count: int, manner: Manner) -> list[int]:
        """So many, some at a time: each that is not up at first (`calls` still loads its voice) is called anew."""
        found: list[int] = []
        deadline = time.monotonic() + 3 * STEP_S
        while len(found) < count:
            assert time.monotonic() < deadline, self.site.log()
            made = [
                self.callers.dial(CALLERS[n % len(CALLERS)], callee, manner)
                for n in range(min(AT_ONCE, count - len(found)))
            ]
            self.site.wait(
                lambda made=made: all(one.up_at or one.over_at for one in self.seen(made)),  # type: ignore[misc]
                STEP_S,
                "settled",
            )
            found += [one.number for one in self.seen(made) if one.up_at and not one.over_at]
        return found

    def seen(self, calls: list[int]) -> list[Heard]:
        by_number = {one.number: one for one in self.callers.calls}
        return [by_number[number] for number in calls]

    def answered(self, extension: str, since: float) -> list[Heard]:
        """What came to a desk."""
        return [one for one in self.desks.calls if one.extension == extension and one.began_at >= since]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvled") as net, ExitStack() as stack:
        site = open_told(net, numbers(1001, 6), AWAY, RECEPTION, {"reason_meeting": 1020.0}, SAID_S)
        stack.callback(site.stop)
        crowds = [crowd(site, net, 40, CALLERS), crowd(site, net, 41, (RECEPTION, PLAIN))]
        for each in crowds:
            stack.enter_context(each)
            each.wait_registered(STEP_S)
        yield House(site, *crowds)


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_python_dies_under_calls(house: House, how: str) -> None:
    count = (CARRIED, LED_ON, TOLD)
    site, since = house.site, time.monotonic()
    carried = house.call(PLAIN, count[0], Manner())
    led_on = house.call(AWAY, count[1], Manner(keys="2"))
    site.wait(
        lambda: sum(one.up_at is not None for one in house.answered(RECEPTION, since)) >= count[1], STEP_S, "led on"
    )
    told = house.call(AWAY, count[2], Manner())
    site.wait(lambda: all(one.packets for one in house.seen([*carried, *led_on, *told])), STEP_S, "all hear")
    assert not [one for one in house.seen([*carried, *led_on, *told]) if one.over_at]

    for program in (site.calls, site.unit):
        program.kill() if how == "killed" else program.stop()
    dead_at = time.monotonic()
    for program in (site.calls, site.unit):
        program.launch()
    for program in (site.calls, site.unit):
        program.wait_serving()
    back_at = time.monotonic()

    # Decided ones end at both ends, by a BYE that came.
    decided = [*led_on, *told]
    site.wait(lambda: all(one.over_at for one in house.seen(decided)), STEP_S, "the decided calls are over")
    site.wait(lambda: all(one.over_at for one in house.answered(RECEPTION, since)), STEP_S, "over at the reception too")
    for one in (*house.seen(decided), *house.answered(RECEPTION, since)):
        assert not one.by_us
        assert one.over_at is not None
        assert one.over_at - back_at < ENDED_S
    for one in house.seen(told):
        for begin, end in one.silence(time.monotonic()):
            assert end - max(begin, dead_at) < back_at - dead_at + ENDED_S
    site.wait(lambda: not any(leg.startswith("calls") for leg in map(str, site.table("legs").values())), STEP_S, "legs")

    # Carried ones go on, hear each other all the time, and end in order.
    heard = {one.number: one.packets for one in house.seen(carried)}
    site.wait(lambda: all(one.packets > heard[one.number] + 10 for one in house.seen(carried)), STEP_S, "sound goes on")
    for one in (*house.seen(carried), *house.answered(PLAIN, since)):
        assert one.over_at is None
        assert [span for span in one.silence(time.monotonic()) if span[1] - span[0] > SILENCE_MAX_S] == []
    for number in carried:
        house.callers.hang_up(number)
    site.wait(lambda: all(one.over_at for one in house.answered(PLAIN, since)), STEP_S, "hung up at both ends")
    assert {one.bye_refused for one in house.seen(carried)} == {None}
    assert not any(one.by_us for one in house.answered(PLAIN, since))

    # Each stands in the journal once.
    ids = {one.call_id for one in house.seen([*carried, *decided])}
    went_on = {one.call_id for one in house.seen(carried)}
    site.wait(lambda: went_on <= set(_records(site, ids)), STEP_S, "recorded")
    assert set(_records(site, ids).values()) == {1}
    assert "Traceback" not in (site.host.directory / "calls.log").read_text(errors="replace")


def _records(site: Site, ids: set[str]) -> Counter[str]:
    """How often each of these calls is recorded as ended."""
    with closing(site.journal()) as journal:
        return Counter(one.call_id for one in journal.records(10_000) if one.call_id in ids and one.ended_at)
