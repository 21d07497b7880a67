"""What goes wrong in one call, and the calls of all others: nothing of it reaches them."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Call, CallEvent, Happened, Switch
from callcontrol.edge.rpc import EdgeRpc
from firmware import waited
from firmware.config import default
from firmware.leading import Leading
from firmware.link import Link
from firmware.waited import FREED


def test_what_is_told_of_a_call_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it keep the next one from being told."""
    with closing(Leading(default(tmp_path), EdgeRpc(tmp_path / "edge.sock"), lambda note: None)) as leading:
        told: list[str] = []

        def saw(event: CallEvent) -> None:
            told.append(event.number)
            raise RuntimeError(event.number)

        monkeypatch.setattr(leading, "_announcing", SimpleNamespace(saw=saw, close=lambda: None))
        for number in ("1001", "1002"):
            leading._switch._tell(Happened.RINGING, Call("1"), number)
        leading._pump()
        assert told == ["1001", "1002"]


def test_a_fault_of_one_who_waits_ends_nothing() -> None:
    freed: list[str] = []

    class Edge:
        async def call(self, method: str, *params: object) -> Any:
            names = ("1001", "1002") if method == "htable.dump" else ()
            return [{"slot": [{"name": name, "value": FREED} for name in names]}]

    def fails(number: str, now: float) -> None:
        freed.append(number)
        raise RuntimeError(number)

    switch = cast(Switch, SimpleNamespace(freed=fails, waited_for=lambda now: set()))
    left = asyncio.run(waited._look(switch, cast(EdgeRpc, Edge()), lambda: None, {"1001", "1002"}))
    assert (freed, left) == (["1001", "1002"], set())


def test_a_timer_that_fails_holds_up_no_other() -> None:
    def fails(now: float) -> None:
        raise RuntimeError

    async def work() -> None:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
        link, rings = Link(9, lambda event, now: None), asyncio.Event()

        def ring(now: float) -> None:
            rings.set()

        link.ua.at(loop.time(), fails)
        link.ua.at(loop.time(), ring)
        link.pump()
        async with asyncio.timeout(5.0):
            await rings.wait()
        assert len(faults) == 1

    asyncio.run(work())
