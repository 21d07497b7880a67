"""A table of the edge's: what has changed is pushed, and no more; what could not be is pushed anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from firmware.pushed import BackOff, Pushed


class Edge:
    """Kamailio's htable as far as it is asked; fails when told to."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.calls: list[str] = []
        self.fault: Exception | None = None

    async def call(self, method: str, *params: Any) -> None:
        self.calls.append(method)
        if self.fault is not None:
            raise self.fault
        if method == "htable.sets":
            self.rows[params[1]] = params[2]
        elif method == "htable.delete":
            if params[1] not in self.rows:
                raise EdgeError(method, 500, "no such key")
            del self.rows[params[1]]


def push(pushed: Pushed, rows: dict[str, str]) -> None:
    asyncio.run(pushed.push(rows))


def made() -> tuple[Edge, Pushed]:
    edge = Edge()
    return edge, Pushed(edge, "ask")  # type: ignore[arg-type]


def test_only_what_has_changed() -> None:
    edge, pushed = made()
    push(pushed, {"1": "ask", "2": "blocked"})
    edge.calls.clear()
    push(pushed, {"1": "ask", "2": "blocked"})
    assert edge.calls == []
    push(pushed, {"1": "blocked", "3": "ask"})
    assert edge.calls == ["htable.sets", "htable.sets", "htable.delete", "htable.store"]
    assert edge.rows == {"1": "blocked", "3": "ask"}


def test_what_the_edge_had_before_is_taken_away() -> None:
    edge, pushed = made()
    edge.rows = {"8": "ask", "9": "ask"}
    pushed.holds(["8", "9", "10"])
    assert pushed.swept
    push(pushed, {"8": "ask"})
    assert edge.rows == {"8": "ask"}


@pytest.mark.parametrize("fault", [EdgeUnreachable("away"), EdgeError("htable.sets", 500, "full")], ids=str)
def test_what_could_not_be_pushed_is_pushed_anew(fault: Exception) -> None:
    edge, pushed = made()
    push(pushed, {"1": "ask"})
    edge.fault = fault
    push(pushed, {"1": "ask", "2": "ask"})
    assert not pushed.swept
    edge.fault, edge.rows = None, {}
    push(pushed, {"1": "ask", "2": "ask"})
    assert edge.rows == {"1": "ask", "2": "ask"}


def test_an_edge_that_is_new_is_given_all() -> None:
    edge, pushed = made()
    push(pushed, {"1": "ask"})
    edge.rows = {}
    pushed.forget()
    push(pushed, {"1": "ask"})
    assert edge.rows == {"1": "ask"}


def test_what_the_edge_holds_beyond_is_learnt_later() -> None:
    edge, pushed = made()
    edge.rows = {"1": "ask", "9": "blocked"}
    push(pushed, {"1": "blocked"})
    assert edge.rows == {"1": "blocked", "9": "blocked"}
    pushed.holds(["1", "9"])
    edge.calls.clear()
    push(pushed, {"1": "blocked"})
    assert edge.rows == {"1": "blocked"}
    assert edge.calls == ["htable.delete", "htable.store"]


def test_what_fails_is_tried_ever_more_seldom() -> None:
    tries = BackOff(2, 15)
    now, waited = 0.0, []
    for _ in range(5):
        before = now
        while not tries.due(now):
            now += 1
        waited.append(now - before)
        tries.failed(now)
    assert waited == [0, 2, 4, 8, 15]
    tries.well()
    assert tries.due(0)
