"""A modem's driver and the simulated modem that it keeps, in one loop: what both of them say happened.

For tests of anything that is a :class:`drivers.modem.model.Modem`, best in a time of its own (hil/sim/owntime.py)."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar

from drivers.modem.kept import open_modem
from drivers.modem.model import Back, CallChanged, CallState, Event, Gone, Modem, ModemError, ModemSettings
from hil.sim.modem.faults import Fault
from hil.sim.modem.ports import TcpPort
from hil.sim.modem.world import ModemPlan, Plugged, World
from hil.sim.owntime import OwnTimeLoop

__all__ = ["ModemBench", "NotInTime", "Opens", "Pins", "in_own_time"]

NAME = "m"
START_TIMEOUT_S = 120.0
LOOK_S = 0.05
LOOPBACK = "tcp:127.0.0.1:0"

P = ParamSpec("P")
E = TypeVar("E")


class NotInTime(Exception):
    """What was waited for did not happen."""


class Pins:
    """A :class:`drivers.modem.model.PinGuard` in memory; `tried` counts."""

    def __init__(self) -> None:
        self._barred: set[str] = set()
        self.tried = 0

    def may_try(self, sim: str) -> bool:
        return sim not in self._barred

    def trying(self, sim: str) -> None:
        self.tried += 1
        self._barred.add(sim)

    def accepted(self, sim: str) -> None:
        self._barred.discard(sim)


class Opens(Protocol):
    """Whose drivers are tried."""

    def __call__(self, settings: ModemSettings, *, pins: Pins) -> Modem: ...


class ModemBench:
    """An async context manager: the modem has power and its driver is started; where `waits`, until it is Back and
    registered. `plan`: as in ModemPlan."""

    def __init__(
        self, model: str, opens: Opens = open_modem, *, waits: bool = True, pin: str = "", **plan: Any
    ) -> None:
        self.world = World()
        self.modem: Plugged = self.world.add(ModemPlan(NAME, model, LOOPBACK, LOOPBACK, **plan))
        self.device, self.number = self.modem.device, self.modem.device.calls.number
        self.events: list[Event] = []
        self.complaints: list[str] = []
        self.pins = Pins()
        self._opens, self._pin, self._waits = opens, pin, waits
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> ModemBench:
        self._loop.set_exception_handler(lambda _loop, context: self.complaints.append(str(context)))
        self.world.start()
        await asyncio.sleep(self.modem.plan.boot_s + 0.001)  # its ports have numbers then, and keep them
        self.driver = self._opened()
        await self.driver.start()
        if self._waits:
            await self.event(Back)
            await self.until(lambda: self.device.registration.served, "registered")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.driver.close()
        self.world.close()
        if error is None:
            assert not self.complaints, self.complaints

    def _opened(self) -> Modem:
        at, pcm = self.modem.at, self.modem.pcm
        assert isinstance(at, TcpPort)
        assert isinstance(pcm, TcpPort)
        urls = (f"socket://127.0.0.1:{at.port}", f"socket://127.0.0.1:{pcm.port}")
        has_sound = self.device.model.pcm_interface is not None
        settings = ModemSettings(NAME, urls[0], urls[1] if has_sound else "", pin=self._pin)
        driver = self._opens(settings, pins=self.pins)
        driver.subscribe(self.events.append)
        return driver

    async def restart(self) -> None:
        """The driver's process ends without a word, and another begins."""
        await self.driver.close()
        self.driver = self._opened()
        await self.driver.start()

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Raises NotInTime."""
        ends = self._loop.time() + timeout_s
        while not holds():
            if self._loop.time() > ends:
                said = [f"{entry['at']:.1f} {entry['what']} {entry.get('data', '')!r}" for entry in self._last()]
                raise NotInTime(f"{what}: not within {timeout_s} s; {self.events[-8:]}; {said}")
            await asyncio.sleep(LOOK_S)

    async def event(self, kind: type[E], since: int = 0, timeout_s: float = START_TIMEOUT_S, **facts: Any) -> E:
        """The first event of a kind with these facts, of those from number `since` on. Raises NotInTime."""
        found: list[E] = []

        def came() -> bool:
            found[:] = [
                event
                for event in self.events[since:]
                if isinstance(event, kind) and all(getattr(event, name) == fact for name, fact in facts.items())
            ]
            return bool(found)

        await self.until(came, f"{kind.__name__} {facts}", timeout_s)
        return found[0]

    async def call(self, number: str = "+46709999999") -> None:
        """A call out that is up. Raises ModemError and NotInTime."""
        since = len(self.events)
        await self.driver.dial(number)
        await self.event(CallChanged, since, state=CallState.ACTIVE)

    async def ended(self, since: int, timeout_s: float = START_TIMEOUT_S) -> CallChanged:
        """The end of a call."""
        return await self.event(CallChanged, since, timeout_s, state=CallState.RELEASED)

    async def try_to(self, work: Awaitable[object]) -> bool:
        """Whether it could be done; a modem may refuse, but never raise anything else than ModemError."""
        try:
            await work
        except ModemError:
            return False
        return True

    def put(self, *faults: Fault, likelihood: float = 1.0) -> None:
        """Faults, from now."""
        for fault in faults:
            self.device.faults.put(fault, likelihood)

    def calls(self) -> list[list[CallChanged]]:
        """The calls that were told, each from its first event to its last."""
        found: list[list[CallChanged]] = []
        for event in self.events:
            if not isinstance(event, CallChanged):
                continue
            open_ones = [call for call in found if call[-1].state is not CallState.RELEASED]
            same = next((call for call in open_ones if call[-1].index == event.index), None)
            if same is None:
                found.append([event])
            else:
                same.append(event)
        return found

    def judged(self) -> list[str]:
        """What the driver told that no modem may tell: calls that end twice or never begin, Back without Gone."""
        found = [f"only ended: {call}" for call in self.calls() if call[0].state is CallState.RELEASED]
        there = [type(event) for event in self.events if isinstance(event, Back | Gone)]
        found += [f"twice in a row: {kind.__name__}" for kind, after in itertools.pairwise(there) if kind is after]
        return found

    def _last(self) -> Iterable[dict[str, Any]]:
        return list(self.world.history.entries)[-12:]


def in_own_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """An async test as one that runs in a loop of its own time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=OwnTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
