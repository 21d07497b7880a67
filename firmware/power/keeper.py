"""Power, as a part of the process `unit`: sources run, the policy looks at each change and each `LOOK_EVERY_S`, what it
decides is done and kept. Decides nothing itself. Its thread alone touches the journal and sysfs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from drivers.clock import clock
from drivers.pace import left_s
from drivers.ups.line import MainsLine
from drivers.ups.model import Mains, Part, Reading, Source, Tested, Trouble
from drivers.usb import SYSFS
from firmware.config import Config
from firmware.power.ageing import Trend
from firmware.power.discharging import Discharge, OnPurpose, as_ordered
from firmware.power.ending import Ending, Halted, given
from firmware.power.opening import open_boxes, open_poe, open_sources
from firmware.power.policy import Policy, View
from firmware.power.remembered import Found, boot_of, keep, recall, trends
from firmware.power.shedding import Order
from firmware.power.shown import minute_of, shown
from firmware.power.states import PowerState
from firmware.power.switches import Switches, SwitchFault
from firmware.power.told import Told
from firmware.power.watchman import tell_watchman
from firmware.status import Power
from firmware.store import StoreError
from firmware.store.batteries import BatteryRows
from firmware.store.database import connect
from firmware.store.power import PowerRows
from firmware.store.protections import protections

if TYPE_CHECKING:
    from drivers.poe import PoeSwitch
    from drivers.reach import Pinger, Seen

__all__ = ["Last", "PowerKeeper"]

LOOK_EVERY_S = 5.0
NAME_MAX = 16
"""Characters of a source's name."""

log = logging.getLogger("rvx")
T = TypeVar("T")


class Last:
    """What the unit can do for its last words. `tell` says to calls that it will end, `minutes` being left."""

    async def tell(self, minutes: float | None) -> None:
        """Until they have heard it."""

    async def carry_on(self) -> None:
        """It does not end after all."""

    async def flush(self) -> None:
        """All that is to be remembered is on the disk."""

    def busy(self) -> Collection[str]:
        """Loads of the configuration that carry a call."""
        return ()

    def serves(self) -> bool:
        """Whether the platform does, by its line."""
        return False

    def quiet(self) -> bool:
        """Whether it is known that nobody is in a call."""
        return False


class PowerKeeper:
    """`run` for ever. `sources`, `boxes`, `poe`, `sysfs`, `thread`, `command` (which gives one to the machine, and
    whether it was taken) and `boot` (which names the kernel's run) are a rig's to give. `watched` is called after each
    look."""

    def __init__(
        self,
        config: Config,
        last: Last,
        *,
        sources: Sequence[Source] | None = None,
        watched: Callable[[View], None] | None = None,
        boxes: Sequence[Pinger] | None = None,
        poe: PoeSwitch | None = None,
        sysfs: Path = SYSFS,
        thread: Executor | None = None,
        command: Callable[[Sequence[str]], Awaitable[bool]] = given,
        boot: str | None = None,
    ) -> None:
        self._config = config
        self._last = last
        self._sources = open_sources(config) if sources is None else tuple(sources)
        self._boxes = open_boxes(config) if boxes is None else tuple(boxes)
        self._fresh_s = {source.name: source.fresh_s for source in self._sources}
        self._policy = Policy(config, self._fresh_s)
        self._watched = watched
        self._thread = thread or ThreadPoolExecutor(1, "power")
        self._db: sqlite3.Connection | None = None
        self._told: Told | None = None
        self._poe = poe or open_poe(config)
        self._protected: frozenset[str] = frozenset()  # ports
        self._switches = Switches(config, self._poe, lambda: self._protected, self._thread, sysfs)
        self._purpose = OnPurpose((), 0, 0.0, {})
        self._ordering: asyncio.Task[None] | None = None
        self._trends: dict[str, Trend] = {}
        self._off: dict[str, dict[str, str]] = {}
        self._faults: dict[str, str] = {}
        self._stirred = asyncio.Event()
        self._boot = boot_of() if boot is None else boot
        self._signs: dict[str, object] = {}
        self._reached: dict[Part, bool | None] = {}
        self._minute_at: datetime | None = None
        self._lost_at: datetime | None = None
        self._was: PowerState | None = None
        self._doubts: frozenset[tuple[str, str]] = frozenset()
        self.view: View | None = None
        self._state_at: datetime | None = None
        self._time_certain = True
        self._had_mains = False  # while this process has run: a start in an outage may not know what time it is
        self.ending = Ending(
            tell=self._tell,
            carry_on=last.carry_on,
            flush=last.flush,
            watchman=self._tell_watchman,
            halt=config.power.halt_command,
            restart=config.power.restart_command,
            command=command,
            halted=Halted(config.paths.halted),
            telling_s=config.power.telling_s,
            noted=lambda stage, why: self._note("halt", stage, why),
        )

    @property
    def shed(self) -> tuple[str, ...]:
        """Loads that are off, those that went first before."""
        return tuple(self._off)

    @property
    def _faults_told(self) -> tuple[str, ...]:
        return tuple(f"{name}: {why}" for name, why in self._faults.items())

    def shown(self, now: datetime) -> Power:
        """For the one snapshot."""
        return shown(
            self._config,
            self.view,
            now,
            state_at=self._state_at,
            time_certain=self._time_certain,
            loads=self._policy.loads,
            shed=self.shed,
            faults=self._faults_told,
            stage=self.ending.stage,
            discharging=self._purpose.of,
            trends=self._trends,
        )

    async def run(self) -> None:
        """Until cancelled."""
        await self._begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                for source in self._sources:
                    tasks.create_task(source.run(self._telling(source.name)))
                for box in self._boxes:
                    tasks.create_task(box.run(partial(self._told_box, Part(box.name))))
                tasks.create_task(self._look_for_ever())
        finally:
            await self.ending.close()
            if self._ordering is not None:
                self._ordering.cancel()
            for source in self._sources:
                await source.close()
            self._switches.close()
            self._thread.submit(self._close)
            await asyncio.to_thread(self._thread.shutdown)

    # ---- what sources tell

    def _telling(self, name: str) -> Callable[[Reading], None]:
        def told(reading: Reading) -> None:
            if self._purpose.hushed == name:
                reading = as_ordered(reading)
            self._policy.told(name, reading)
            signs = reading.mains, reading.low, reading.halt, reading.trouble
            if self._signs.get(name) != signs:
                self._signs[name] = signs
                self._stirred.set()

        return told

    def _told_box(self, part: Part, seen: Seen) -> None:
        self._policy.told_box(part, seen)
        if self._reached.get(part) is not seen.reached:
            self._reached[part] = seen.reached
            self._stirred.set()

    # ---- looking, and doing

    async def _look_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._look(loop.time(), datetime.now(UTC))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s(loop.time(), LOOK_EVERY_S)):
                    await self._stirred.wait()
            self._stirred.clear()

    async def _look(self, now_s: float, now: datetime) -> None:
        view = self._policy.look(now_s, self._off, self._last.busy(), self._switches.empty(), self._levels())
        self.view = view
        state = view.powered.state
        if state is not self._was:
            self._minute_at = None
            self._was, self._state_at = state, now - timedelta(seconds=now_s - view.powered.since_s)
            self._note("state", state.value, view.powered.why)
        self.ending.see(halting=view.halting, why=view.powered.why)
        if self._watched is not None:
            self._watched(view)
        self._note_doubts(view)
        await self._note_outage(view, now)
        if view.looks or view.over:
            await self._in_store(lambda rows: keep(BatteryRows(self._opened()), view, self._boot, now))
        learnt = [name for name, taught in view.over.items() if taught is not None]
        for name in learnt:
            self._note("learnt", name, "")
        if learnt:
            await self._read_trends()
        for name, setting in view.proved.items():
            self._note("proved", name, setting)
        if view.order is not None:
            await self._switch(view.order, now)
        await self._discharge(view, now_s, now)
        if self._minute_at is None or now.replace(second=0, microsecond=0) != self._minute_at:
            self._minute_at = now.replace(second=0, microsecond=0)
            await self._each_minute(view, now)

    async def _discharge(self, view: View, now_s: float, now: datetime) -> None:
        """One that is due begins, one that is done ends; another process after this one knows of it."""
        if self._ordering is not None and not self._ordering.done():
            return
        was = self._purpose.of
        order = self._purpose.look(view, now_s, now, serves=self._last.serves(), quiet=self._last.quiet())
        if order is not None:
            self._note("discharge", order.name, f"{order.command} {order.why}")
            self._ordering = asyncio.create_task(self._order(order))
        elif was and not self._purpose.of:
            self._note("discharged", was, "")
            await self._in_store(lambda rows: self._config.paths.discharging.unlink(missing_ok=True))

    async def _order(self, order: Discharge) -> None:
        place = self._config.paths.discharging
        if self._purpose.began_with(order):
            await self._in_store(lambda rows: place.write_text(order.name, "ascii"))
        source: object = next((one for one in self._sources if one.name == order.name), None)
        trouble = await source.order_test(order.command) if isinstance(source, Tested) else Trouble.UNKNOWN_DEVICE
        if trouble is not None:
            self._note("discharge_refused", order.name, trouble)
            if self._purpose.began_with(order):
                self._purpose.refused()
                await self._in_store(lambda rows: place.unlink(missing_ok=True))

    def _levels(self) -> dict[str, bool | None]:
        return {source.name: source.level for source in self._sources if isinstance(source, MainsLine)}

    async def _each_minute(self, view: View, now: datetime) -> None:
        await self._in_store(lambda rows: rows.minute(minute_of(view, now)))
        await self._read_protected()
        if self._told is not None:
            told = self._told
            await self._in_store(lambda rows: told.look(now, view.until.minutes))

    async def _note_outage(self, view: View, now: datetime) -> None:
        mains = view.believed.of_unit
        self._had_mains = self._had_mains or mains is Mains.ON
        if mains is Mains.LOST and self._lost_at is None:
            self._lost_at = now
            told = None if self._had_mains else await asyncio.to_thread(clock)
            self._time_certain = certain = self._had_mains or (told is not None and told.synchronised)
            await self._in_store(lambda rows: rows.outage_begin(now, time_certain=certain))
        elif mains is Mains.ON and self._lost_at is not None:
            self._lost_at, self._time_certain = None, True
            await self._in_store(lambda rows: rows.outage_end(now))

    def _note_doubts(self, view: View) -> None:
        doubts = frozenset((one.name, doubt) for one in view.believed.sources for doubt in one.doubts)
        for name, doubt in doubts - self._doubts:
            self._note("doubt", name, doubt)
        self._doubts = doubts

    async def _switch(self, order: Order, now: datetime) -> None:
        """Never silently: what is to be had back is on the disk first, then it is done, and told."""
        name = order.name
        try:
            if order.off:
                before = dict(await self._switches.before(name))
                await self._in_store(lambda rows: rows.shed(name, now, before))
                self._off[name] = before
                if before:
                    await self._switches.off(name, before)
            else:
                await self._switches.back(name, self._off.pop(name, {}))
                await self._in_store(lambda rows: rows.back(name))
            self._faults.pop(name, None)
        except SwitchFault as error:
            self._faults[name] = str(error)
            log.error("rvx-event kind=shed_fault name=%s why=%s", name, str(error).replace(" ", "_"))
        gain = "" if order.gain is None else f" gain={order.gain:.0f}min"
        left = "" if order.minutes is None else f" left={order.minutes:.0f}min"
        self._note("shed" if order.off else "back", name, f"{order.why}{left}{gain}")
        if self._told is not None and any(load.name == name and load.kind == "poe" for load in self._policy.loads):
            told = self._told
            await self._in_store(
                lambda rows: told.shed(name, next((one.id for one in rows.outages(1)), 0), off=order.off, now=now)
            )

    async def _tell(self) -> None:
        await self._last.tell(self.view.until.minutes if self.view else None)

    async def _tell_watchman(self, halts: bool) -> None:
        if any(ups.kind == "mcu" for ups in self._config.ups):
            await tell_watchman(self._config.paths.heart_socket, halts=halts)

    def _note(self, what: str, name: str, detail: str) -> None:
        """In the log at once, in the journal when it can be."""
        log.info("rvx-event kind=power what=%s name=%s detail=%s", what, name, detail.replace(" ", "_") or "-")
        now = datetime.now(UTC)
        self._thread.submit(self._in_thread, lambda rows: rows.event(now, what, name, detail))

    # ---- the journal

    async def _begin(self) -> None:
        """What the process before this one has left: batteries, what is shed, an outage that goes on, a halt."""
        halted = Halted(self._config.paths.halted).take()
        if halted is not None:
            self._note("began", "after_halt", f"{halted[1]} {halted[0].isoformat()}")

        def read(rows: PowerRows) -> tuple[dict[str, dict[str, str]], Found, datetime | None, bool]:
            batteries = BatteryRows(self._opened())
            learnt = recall(batteries, self._config.ups, self._boot, datetime.now(UTC), halted=halted is not None)
            last = next(iter(rows.outages(1)), None)
            open_ = last is not None and last.ended_at is None
            return rows.shed_now(), learnt, last.began_at if last and open_ else None, last is None or last.time_certain

        found = await self._in_store(read)
        if found is not None:
            self._off, learnt, self._lost_at, certain = found
            self._time_certain = certain or self._lost_at is None
            self._policy = Policy(self._config, self._fresh_s, learnt.learnt, learnt.under_way)
            for name in learnt.died:
                self._note("learnt", name, "by a discharge that the machine went with")
        await self._read_protected()
        await self._read_trends()
        await self._in_store(self._read_purpose)
        try:
            self._switches.again(self._off)
        except SwitchFault as error:
            log.error("rvx-event kind=shed_fault name=relays why=%s", str(error).replace(" ", "_"))

    def _read_purpose(self, _: PowerRows) -> None:
        rows, place = BatteryRows(self._opened()), self._config.paths.discharging
        capacities = {ups.name: rows.capacities(ups.name) for ups in self._config.ups if ups.discharge_days}
        taught = {name: found[-1].at for name, found in capacities.items() if found}
        of = place.read_text("ascii")[:NAME_MAX] if place.exists() else ""
        power = self._config.power
        self._purpose = OnPurpose(self._config.ups, power.discharge_hour, power.low_minutes, taught, of)

    async def _read_trends(self) -> None:
        """At the start, and with each lesson: nothing else changes them."""
        read = await self._in_store(lambda _: trends(BatteryRows(self._opened()), self._config.ups))
        self._trends = self._trends if read is None else read

    async def _read_protected(self) -> None:
        """Where the register cannot be read, what was read of it last holds."""
        read = await self._in_store(lambda rows: frozenset(one.port for one in protections(self._opened()) if one.port))
        self._protected = self._protected if read is None else read

    async def _in_store(self, work: Callable[[PowerRows], T]) -> T | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, work)

    def _in_thread(self, work: Callable[[PowerRows], T]) -> T | None:
        """None, and logged, when the store does not do it: power is looked after without it."""
        try:
            return work(PowerRows(self._opened()))
        except (StoreError, sqlite3.Error, OSError, ValueError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = connect(self._config.paths.journal, "journal")
            self._told = Told(self._config, self._db)
        return self._db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
