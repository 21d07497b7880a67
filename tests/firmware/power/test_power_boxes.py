"""Boxes that answering takes: what their silence means, and what is then promised."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.reach import Pinger, Seen
from drivers.ups.model import Mains, Part, Reading
from firmware.config import Config, Reach, Ups, default
from firmware.power.boxes import Boxes
from firmware.power.keeper import Last, PowerKeeper
from firmware.power.opening import open_boxes
from firmware.power.policy import Policy
from firmware.power.until import Left, until

ON, LOST, NOT_KNOWN = Mains.ON, Mains.LOST, Mains.UNKNOWN
KNOWN = {part: Left(90.0, 100.0, 110.0) for part in Part}


@pytest.mark.parametrize(
    ("evening", "reached", "gone"),
    [
        ([(ON, True), (LOST, True)], True, False),
        ([(ON, True), (LOST, False)], False, True),
        ([(NOT_KNOWN, True), (LOST, False)], False, True),
        ([(ON, True), (ON, False)], False, False),
        ([(ON, False), (LOST, False)], False, False),  # it never answers pings
        ([(ON, True), (ON, False), (LOST, False)], False, False),  # it was silent before mains went
        ([(LOST, True), (LOST, False)], False, False),  # the process began in the outage
        ([(ON, True), (LOST, False), (LOST, True)], True, False),
        ([(ON, True), (LOST, False), (ON, False)], False, False),
        ([(ON, True), (LOST, None)], None, False),
    ],
)
def test_what_silence_means(evening: list[tuple[Mains, bool | None]], reached: bool | None, gone: bool) -> None:
    boxes, now_s = Boxes({Part.ROUTER: "10.0.0.254"}), 0.0
    for mains, seen in evening:
        now_s += 10.0
        boxes.take(Part.ROUTER, Seen(now_s, seen, 0.5 if seen else None))
        (box,) = boxes.look(mains, now_s)
    assert (box.reached, box.gone, box.rtt_ms) == (reached, gone, 0.5 if reached else None)


def test_what_was_seen_long_ago_is_not_known() -> None:
    boxes = Boxes({Part.ROUTER: "10.0.0.254", Part.FIBRE: "10.0.0.253"})
    boxes.take(Part.ROUTER, Seen(0.0, True, 0.5))
    assert [box.reached for box in boxes.look(ON, Pinger.fresh_s)] == [True, None]
    assert [box.reached for box in boxes.look(ON, Pinger.fresh_s + 1)] == [None, None]
    boxes.take(Part.ROUTER, Seen(40.0, False))
    assert not boxes.look(LOST, 40.0 + Pinger.fresh_s + 1)[0].gone


def test_nothing_is_promised_by_what_is_gone() -> None:
    found = until(KNOWN, None, gone=[Part.FIBRE])
    assert (found.minutes, found.limits, found.inside, found.likely) == (0.0, Part.FIBRE, 90.0, 0.0)
    found = until(KNOWN, None, gone=[Part.SWITCH])
    assert (found.minutes, found.limits, found.inside) == (0.0, Part.SWITCH, 0.0)
    found = until({}, None, gone=[Part.ROUTER])
    assert (found.minutes, found.limits, found.inside) == (0.0, Part.ROUTER, None)
    assert Part.ROUTER not in found.unknown


def config_in(folder: Path) -> Config:
    ups = Ups(name="ups", kind="nut", keeps=("unit", "switch", "router"))
    return replace(default(folder), ups=(ups,), reach=(Reach(what="router", address="10.0.0.254"),))


def test_a_router_that_went_with_the_mains_ends_the_promise_and_sheds_nothing(tmp_path: Path) -> None:
    policy = Policy(config_in(tmp_path), {"ups": 1e9})
    for now_s, mains, reached in ((0.0, ON, True), (10.0, LOST, True), (20.0, LOST, False)):
        policy.told("ups", Reading(now_s, mains, minutes=200.0, charge_percent=90.0))
        policy.told_box(Part.ROUTER, Seen(now_s, reached))
        view = policy.look(now_s)
        if reached:
            assert view.until.minutes
    assert (view.until.minutes, view.until.limits, view.order) == (0.0, Part.ROUTER, None)
    assert view.until.inside


class Deaf(Pinger):
    async def look(self) -> Seen:
        return Seen(asyncio.get_running_loop().time(), False)


def test_the_keeper_asks_each_box(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert [(box.name, box.address) for box in open_boxes(config)] == [("router", "10.0.0.254")]

    async def play() -> bool | None:
        seen: asyncio.Queue[bool | None] = asyncio.Queue()
        keeper = PowerKeeper(
            config,
            Last(),
            sources=(),
            boxes=[Deaf("router", "10.0.0.254")],
            watched=lambda view: seen.put_nowait(view.boxes[0].reached),
        )
        task = asyncio.create_task(keeper.run())
        async with asyncio.timeout(5.0):
            while (reached := await seen.get()) is None:
                pass
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return reached

    assert asyncio.run(play()) is False
