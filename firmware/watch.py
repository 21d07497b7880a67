"""Watches the platform through the edge, decides the mode by `firmware.modes`, and vouches for it at the edge."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable, Question
from callcontrol.pacing import Pace, PaceSettings
from callcontrol.records import EARLIEST
from drivers.carrier import carrier
from firmware.config import NO_PROBE, Config
from firmware.modes import Mode, ModeSettings, Path, State, When, advance, start
from firmware.signs import NodeSign, Signs, node_signs
from firmware.ticks import tick

__all__ = ["CALLS_LEASE", "CALLS_LINK", "EdgeSight", "Watch", "held_phones", "new_epoch", "table"]

LEASE_S = 10
"""For so long the edge believes what is said here of the mode."""
CALLS_LEASE = "calls"
CALLS_LINK = "link"
"""Where in the edge's table `st` the process `calls` says until when (unix s) it may be believed to be there."""
VOUCH_EVERY_S = 3.0
RETRY_S = 0.5
"""An edge that does not answer is asked again after this."""
PROBES_REMEMBERED = 30
SELDOM_S = 1.9
"""So often, in NORMAL, what is only shown is asked of the edge: every fourth look."""
HELD_EVERY_S = 5.0
"""How often the edge is asked which phones it keeps from the platform, while there are any."""
SETS = {1: Path.LINE, 2: Path.DATA}
"""The edge's dispatcher sets."""

log = logging.getLogger("rvx")
_random = random.SystemRandom()


@dataclass(frozen=True)
class EdgeSight:
    """What was last seen of the edge; `counts` is its table of numbers, `at_s` monotonic."""

    at_s: float
    nodes: tuple[NodeSign, ...]
    counts: Mapping[str, int]
    registered: int | None
    calls: bool = False  # whether the process `calls` vouches for itself
    held: tuple[str, ...] = ()  # extensions kept from the platform


class Watch:
    """`changed(state)` is awaited after each change of mode or path; `edge_is_new()` is told when an edge is met;
    `calls_up()` is how many calls are up that the unit decided, None where not known."""

    def __init__(
        self,
        config: Config,
        edge: EdgeRpc,
        changed: Callable[[State], Awaitable[None]],
        edge_is_new: Callable[[], None],
        calls_up: Callable[[], int | None],
    ) -> None:
        self._config = config
        self._edge = edge
        self._changed = changed
        self._edge_is_new = edge_is_new
        self._calls_up = calls_up
        self._settings = ModeSettings(
            good_probes=config.returning.good_probes,
            hold_down_s=config.returning.hold_down_s,
            hold_down_max_s=config.returning.hold_down_max_s,
            register_s=config.edge.register_s,
            when=When(config.returning.when),
            hour_min=_minutes(config.returning.hour),
            longest_wait_s=config.returning.longest_wait_s,
            registrations_per_s=config.returning.registrations_per_s,
        )
        self._pace = Pace(PaceSettings(config.returning.registrations_per_s, config.returning.spread_s), _random.random)
        self._probes: list[float] = []
        self._vouched_s: float | None = None
        self._calls_until = 0  # unix s; this and the next one are asked seldom
        self._registered: int | None = None
        self._asked_at_s = 0.0
        self._held: tuple[str, ...] = ()
        self._held_at_s = -HELD_EVERY_S
        self.state: State | None = None
        self.mode_at = datetime.now(UTC)
        self.sight: EdgeSight | None = None  # None: the edge does not answer

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._sample()
            except (EdgeUnreachable, EdgeError) as error:
                if self.sight is not None:
                    log.warning("rvx-event kind=edge_silent why=%s", str(error).replace(" ", "_"))
                self.sight = None
                self._vouched_s = None
            pause_s = RETRY_S if self.sight is None or self.state is None else self.state.next_sample_s
            await tick(pause_s)

    def count(self, name: str) -> int:
        """A number of the edge's; 0 when it has none or is not seen."""
        return self.sight.counts.get(name, 0) if self.sight else 0

    @property
    def mode(self) -> Mode | None:
        """None while it is not known, or the edge not seen."""
        return self.state.mode if self.state and self.sight else None

    @property
    def lease_left_s(self) -> float | None:
        """How long the edge still believes us; None when it was never told."""
        return None if self._vouched_s is None else self._vouched_s + LEASE_S - time.monotonic()

    async def _sample(self) -> None:
        if self.state is None or self.sight is None:
            await self._meet()
        sight = await self._look()
        before = self.state
        assert before is not None
        self.sight = sight
        self.state = state = advance(before, self._signs(sight), self._settings)
        if state.mode is not before.mode or state.path is not before.path:
            await self._change(before, state)
        elif self._vouched_s is None or sight.at_s - self._vouched_s >= VOUCH_EVERY_S:
            await self._vouch(state)

    async def _meet(self) -> None:
        """A new edge, or a new unit: begin with what the edge has kept of the mode."""
        held = table(await self._edge.call("htable.dump", "st"))
        if self.state is None:
            mode = Mode.SURVIVAL if held.get("mode") == Mode.SURVIVAL else Mode.SUSPECT
            path = Path.DATA if held.get("path") == Path.DATA else Path.LINE
            self.state = start(time.monotonic(), self._settings, mode, path)
        self._edge_is_new()

    async def _look(self) -> EdgeSight:
        now = time.monotonic()
        asked: dict[str, Question] = {"nodes": ("dispatcher.list",)} if self._config.platform.nodes else {}
        asked["counts"] = ("htable.dump", "count")
        if self._seldom_due(now):
            asked |= {"state": ("htable.dump", "st"), "registered": ("stats.get_statistics", "registered_users")}
        told = dict(zip(asked, await self._edge.call_all(*asked.values()), strict=True))
        if "state" in told:
            until = table(told["state"]).get(CALLS_LEASE, 0)
            self._calls_until = until if isinstance(until, int) else 0
            self._registered, self._asked_at_s = _statistic(told["registered"]), now
        nodes = node_signs(told.get("nodes"), SETS)
        if self._config.platform.probe == NO_PROBE:
            # What the dispatcher believes of a node that it does not ask is no knowledge.
            nodes = tuple(replace(node, serving=None) for node in nodes)
        numbers = {name: value for name, value in table(told["counts"]).items() if isinstance(value, int)}
        # Timer A is the line's; a call by data has its own.
        by_line = (node.probe_ms for node in nodes if node.path is Path.LINE)
        worst = max((ms for ms in by_line if ms is not None), default=None)
        if worst is not None:
            self._probes = [*self._probes[1 - PROBES_REMEMBERED :], worst]
        await self._ask_held(numbers.get("held_until", 0))
        calls = self._calls_until > time.time()
        return EdgeSight(time.monotonic(), nodes, numbers, self._registered, calls, self._held)

    def _seldom_due(self, now: float) -> bool:
        """Whether it is asked until when `calls` vouches, and how many are registered: each time where a decision
        hangs on it."""
        steady = self.state is not None and self.state.mode is Mode.NORMAL and self.sight is not None
        return not steady or now - self._asked_at_s >= SELDOM_S

    async def _ask_held(self, until: int) -> None:
        now = time.monotonic()
        if until <= time.time():
            self._held, self._held_at_s = (), now - HELD_EVERY_S
        elif now - self._held_at_s >= HELD_EVERY_S:
            self._held_at_s = now
            with contextlib.suppress(EdgeError):  # more of them than an answer holds
                self._held = held_phones(table(await self._edge.call("htable.dump", "wrong")), time.time())

    def _signs(self, sight: EdgeSight) -> Signs:
        interface = self._config.network.platform_interface
        return Signs(
            now_s=sight.at_s,
            nodes=sight.nodes,
            answered=sight.counts.get("answered", 0),
            unanswered=sight.counts.get("unanswered", 0),
            diverted=sight.counts.get("diverted", 0),
            carrier=carrier(interface) if interface else None,
            confirmed=sight.counts.get("confirmed", 0),
            registered=sight.registered,
            calls_up=self._calls_up(),
            local_min=_local_minute(),
            held_back=sight.counts.get("wait", 0) > time.time(),
            stalled=sight.counts.get("stalled", 0),
            carried=sight.counts.get("carried", 0),
            outside_failed=sight.counts.get("outside_failed", 0),
            outside_carried=sight.counts.get("outside_carried", 0),
            probed=self._config.platform.probe != NO_PROBE,
        )

    async def _change(self, before: State, state: State) -> None:
        self.mode_at = datetime.now(UTC)
        log.warning(
            "rvx-event kind=mode mode=%s was=%s path=%s cause=%s reason=%s",
            *(state.mode, before.mode, state.path, state.cause or "-", state.reason),
        )
        if state.path is not before.path or (state.mode is Mode.SURVIVAL and before.mode is not Mode.SURVIVAL):
            # What the platform had confirmed before this moment is no longer known, or leads by the path that is left.
            await self._edge.call("htable.seti", "count", "confirmed", 0)
            await self._edge.call("htable.seti", "count", "epoch", new_epoch(self.count("epoch"), time.time()))
        if state.mode is Mode.RETURNING:
            self._pace.returned(time.monotonic())
            wait = int(time.time() + self._pace.wait_left_s(time.monotonic()))
            if wait > max(time.time(), self.count("wait")):
                await self._edge.call("htable.seti", "count", "wait", wait)
        await self._vouch(state)
        await self._edge.call("htable.store", "st")
        await self._edge.call("htable.store", "count")
        await self._changed(state)

    async def _vouch(self, state: State) -> None:
        """Tells the edge mode and path, and for how long it may believe that."""
        told: list[Question] = [
            ("htable.seti", "st", "lease", int(time.time()) + LEASE_S),
            ("htable.sets", "st", "mode", state.mode.value),
            ("htable.sets", "st", "path", state.path.value),
        ]
        if self._probes and not self.count("rtt_next"):
            # Timer A, before there are calls to measure: by the worst probe.
            bounds = self._config.survival
            wait_ms = min(bounds.first_response_max_ms, max(bounds.first_response_min_ms, 4 * max(self._probes)))
            told.append(("htable.seti", "count", "timer_a", int(wait_ms)))
        await self._edge.call_all(*told)
        self._vouched_s = time.monotonic()


def held_phones(rows: Mapping[str, object], now_s: float) -> tuple[str, ...]:
    """From the edge's table `wrong`, extension|source -> wrong answers|kept until: those kept at `now_s`, unix time."""
    found = set()
    for name, row in rows.items():
        until = str(row).partition("|")[2]
        if until.isdigit() and int(until) > now_s:
            extension = name.partition("|")[0]
            found.add("phones not known here" if extension == "-" else extension)
    return tuple(sorted(found))


def new_epoch(last: int, now_s: float) -> int:
    """What the next epoch after `last` is called: the unix time of its beginning, so that of two units none begins one
    that the other has had."""
    return max(last + 1, int(now_s))


def _minutes(hour: str) -> int:
    """Of "HH:MM", from midnight."""
    hours, _, minutes = hour.partition(":")
    return int(hours) * 60 + int(minutes)


def _local_minute() -> int | None:
    """Minutes since local midnight; None where the clock is not set."""
    now = datetime.now().astimezone()
    return now.hour * 60 + now.minute if now >= EARLIEST else None


def table(dump: object) -> dict[str, Any]:
    """Kamailio's answer to `htable.dump` as name -> value."""
    if not isinstance(dump, list):
        return {}
    return {cell["name"]: cell.get("value") for slot in dump for cell in slot.get("slot", ())}


def _statistic(answer: object) -> int | None:
    """From `["usrloc:registered_users = 3"]`."""
    if isinstance(answer, list) and answer:
        number = str(answer[0]).rpartition("=")[2].strip()
        return int(number) if number.isdigit() else None
    return None
