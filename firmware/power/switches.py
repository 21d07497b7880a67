"""Does what was decided to be shed: ports of the switch, relays, and what sysfs has (drivers/saving.py). What stood
there is known before anything is switched, and outlives this process in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from drivers.gpio import Header
from drivers.saving import Kind, Saver
from drivers.usb import SYSFS
from firmware.config import Config, Load
from firmware.power.phones import PROTECTED, ports
from firmware.power.relays import RelayFault, Relays

if TYPE_CHECKING:
    from drivers.poe import PoeSwitch

__all__ = ["SwitchFault", "Switches"]


T = TypeVar("T")


class SwitchFault(Exception):
    """It could not be switched; the text says what and why."""


class Switches:
    """`protected`: ports of protected telephones. `thread` is where files are written. `header`: of the relays,
    where a rig has its own."""

    def __init__(
        self,
        config: Config,
        poe: PoeSwitch | None,
        protected: Callable[[], Collection[str]],
        thread: Executor,
        root: Path = SYSFS,
        header: Header | None = None,
    ) -> None:
        self._table = config.load
        self._loads = {load.name: load for load in config.load}
        self._places = {modem.name: modem.usb_path for modem in config.modem}
        self._poe = poe
        self._protected = protected
        self._thread = thread
        self._root = root
        self._relays = Relays(header or Header(config.paths.run))

    async def before(self, name: str) -> Mapping[str, str]:
        """What will be there to have it back; empty where there is nothing to switch off."""
        if self._is_poe(name):
            return dict.fromkeys(ports(self._table, name, self._protected()), "on")
        if (relay := self._relay(name)) is not None:
            return {relay: "on"}
        return await self._in_thread(self._saver(self._loads[name]).before)

    def again(self, names: Iterable[str]) -> None:
        """What was shed when the process before this one ended, and needs one to stay so. Raises SwitchFault."""
        for relay in filter(None, map(self._relay, names)):
            self._pull(relay)

    def close(self) -> None:
        self._relays.close()

    def empty(self) -> frozenset[str]:
        """Loads of ports that have none now: all of them are protected, or none is."""
        names = (PROTECTED, *(load.name for load in self._table if load.kind == "poe"))
        return frozenset(name for name in names if not ports(self._table, name, self._protected()))

    async def off(self, name: str, before: Mapping[str, str]) -> None:
        """Raises SwitchFault, when what could be done is done."""
        if self._is_poe(name):
            await self._ports(before, on=False)
        elif (relay := self._relay(name)) is not None:
            self._pull(relay)
        else:
            await self._in_thread(self._saver(self._loads[name]).off)

    async def back(self, name: str, before: Mapping[str, str]) -> None:
        """Raises SwitchFault. What is in no configuration any more is left alone."""
        if self._is_poe(name):
            await self._ports(before, on=True)
        elif (relay := self._relay(name)) is not None:
            self._relays.release(relay)
        elif (load := self._loads.get(name)) is not None:
            await self._in_thread(lambda: self._saver(load).back(before))

    def _is_poe(self, name: str) -> bool:
        return name == PROTECTED or (name in self._loads and self._loads[name].kind == "poe")

    def _relay(self, name: str) -> str | None:
        load = self._loads.get(name)
        return load.what if load is not None and load.kind == "relay" else None

    def _pull(self, relay: str) -> None:
        try:
            self._relays.pull(relay)
        except RelayFault as error:
            raise SwitchFault(str(error)) from error

    async def _ports(self, ports: Iterable[str], *, on: bool) -> None:
        from drivers.snmp import SnmpError

        fault = "there is no switch ([poe] address)" if self._poe is None else ""
        for port in ports:
            if self._poe is not None:
                try:
                    await self._poe.set_port(port, on)
                except (SnmpError, ValueError) as error:
                    fault = f"{port}: {error}"
        if fault:
            raise SwitchFault(fault)

    def _saver(self, load: Load) -> Saver:
        which = self._places.get(load.what, "") if load.kind == "modem" else load.what or "*"
        return Saver(Kind(load.kind), which, self._root)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OSError as error:
            raise SwitchFault(str(error)) from error
