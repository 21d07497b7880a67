"""Power as a part of a storm: three mains UPSs on the house's network, one of which keeps the unit, mains that fail in
every way, and the machine, which halts and starts as it is commanded. What is seen of it goes into the history."""

from __future__ import annotations

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from firmware.power.shedding import Role
from hil.child import ChildError
from hil.history import History
from hil.invariants import Breach
from hil.net import Net
from hil.powered.seen import Deed, Look, Span
from hil.powered.stormy import powered_breaches
from hil.sim.power.realnut import NAME
from hil.sim.power.ups import Sickness
from hil.site import Site
from hil.stormpart import Part
from hil.stormplan import Fault
from hil.ups import SimulatedUps

__all__ = ["POWER_CONFIGURATION", "Powered"]

IP, FIRST_PORT = "10.98.0.60", 34930
NAMES = ("ups", "beside", "third")
"""The first keeps the unit and the switch; the others hang on the same mains, and only tell."""
UPS_AH, UPS_W = 9.0, 60.0
WELL_CHARGE, LITTLE_CHARGE = 0.9, 0.03
MAINS_V, BROWN_V = 230, 150
BOUNCES_S = (0.1, 0.7)
GOES_S, OFF_S = 1.0, 1.5
"""From the command until the machine goes down, and how long it is without power at the least."""
MACHINE_S, WATCH_S = 0.1, 0.5
"""How often each is looked at."""
JOIN_S = 10.0
DUE_S = 2
SCREENS = "screens"
"""What is shed."""
HALTS, RESTARTS = "halts", "restarts"
"""Files that stand for what the machine is commanded."""
POWER_CONFIGURATION: dict[str, object] = {
    "halt_after_s": DUE_S, "telling_s": 3, "low_minutes": 6, "halt_minutes": 2, "alarm_after_s": 3600,
}  # fmt: skip
LIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lie", {"variables": {"ups.status": "OL"}}),
    ("lie", {"variables": {"ups.status": "OB DISCHRG LB", "battery.charge": "1", "battery.runtime": "30"}}),
    ("lie", {"variables": {"ups.status": None, "battery.charge": "nan", "battery.runtime": "-1"}}),
    ("freeze", {"on": True}),
    *(("sick", {"how": str(how)}) for how in Sickness if how is not Sickness.NONE),
)
"""What is wrong with one of them, as hil/sim/power/control.py takes it."""
MAINS_GONE = (Fault.MAINS_LOST, Fault.MAINS_BROWN, Fault.MAINS_BOUNCING, Fault.SOURCE_LIES, Fault.POWER_ENDS)
_TOLD = re.compile(rb"kind=power_(?:told by=trunk calls=(\d+)|untold by=trunk)")
"""Of calls by modem."""
_STAGE = re.compile(rb"kind=power what=halt name=(\w+)")


class Powered(Part):
    """`lock` guards the history. `halted(on)` is called when the machine goes down, and when it has power again: all
    its programs end in order, its memory is lost; and begin."""

    faults = MAINS_GONE

    def __init__(
        self, net: Net, history: History, lock: threading.RLock, seed: int, halted: Callable[[bool], None]
    ) -> None:
        self._halted = halted
        self._host = net.host("power")
        self._history = history
        self._lock = lock
        self._chance = random.Random(f"lies {seed}")
        self._folder = net.directory / "machine"
        self._folder.mkdir()
        self._site: Site | None = None
        self._ups = {
            name: SimulatedUps(self._host, IP, port=FIRST_PORT + number, real=False, watts=UPS_W, ah=UPS_AH)
            for number, name in enumerate(NAMES)
        }
        self._open = ExitStack()
        self._asking, self._reading = threading.Lock(), threading.Lock()
        self._over = threading.Event()
        self._up = threading.Event()  # the machine, and not going down
        self._up.set()
        self._in_force: set[Fault] = set()
        self._bouncing: threading.Event | None = None
        self._liar = ""
        self._threads: list[threading.Thread] = []
        self._log = Path()
        self._read = 0
        self._started_at = ""
        history.power.watchers, history.power.due_s = len(NAMES), DUE_S
        history.power.loads = {SCREENS: (NAMES[0], Role.REST)}

    def tables(self) -> dict[str, list[dict[str, object]]]:
        """Of the unit's configuration."""
        keeps = {NAMES[0]: ["unit", "switch"]}
        ups = [
            {
                "name": name, "kind": "nut", "url": f"nut://{IP}:{FIRST_PORT + number}/{NAME}",
                "keeps": keeps.get(name, []), "chemistry": "lead", "cells": 12, "capacity_wh": 200,
            }
            for number, name in enumerate(NAMES)
        ]  # fmt: skip
        return {"ups": ups, "load": [{"name": SCREENS, "kind": "screen", "at_minutes": 5}]}

    def configuration(self) -> dict[str, object]:
        """`[power]`."""
        commands = {f"{word}_command": ["touch", str(self._folder / file)] for word, file in _COMMANDS.items()}
        return POWER_CONFIGURATION | commands

    def join(self, site: Site) -> None:
        """The UPSs are on the network of this site, before it is started. Raises ChildError."""
        self._site, self._log = site, site.host.directory / "unit.log"
        site.switch.join(self._host, "eth0", f"{IP}/24")
        for ups in self._ups.values():
            self._open.enter_context(ups)
        self._each("battery", charge=WELL_CHARGE)

    def start(self) -> None:
        for work in (self._lead_machine, self._watch):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._over.set()
        if self._bouncing is not None:
            self._bouncing.set()
        for thread in self._threads:
            thread.join(JOIN_S)
        self._open.close()

    def change(self, fault: Fault, on: bool) -> None:
        """Strike or mend one of MAINS_GONE; mains are what those in force say together. Raises OSError where a
        simulator is gone."""
        (self._in_force.add if on else self._in_force.discard)(fault)
        try:
            if fault is Fault.MAINS_BOUNCING:
                self._bounce(on)
            elif fault is Fault.SOURCE_LIES:
                self._lie(on)
            elif fault is Fault.POWER_ENDS:
                self._each("battery", charge=LITTLE_CHARGE if on else WELL_CHARGE)
            self._each("mains", volts=self._volts())
        except ChildError as error:
            raise OSError(str(error)) from error

    def breaches(self, now: float) -> list[Breach]:
        return powered_breaches(self._history, now)

    def wait_up(self, patience_s: float) -> None:
        """Until a machine that is down has begun again."""
        self._up.wait(patience_s)

    # ---- mains

    def _volts(self) -> int:
        dark = self._in_force - {Fault.MAINS_BROWN, Fault.MAINS_BOUNCING}
        return 0 if dark else BROWN_V if Fault.MAINS_BROWN in self._in_force else MAINS_V

    def _bounce(self, on: bool) -> None:
        if self._bouncing is not None:
            self._bouncing.set()
            self._bouncing = None
        if on:
            self._bouncing = over = threading.Event()
            self._threads.append(threading.Thread(target=self._keep_bouncing, args=(over,), daemon=True))
            self._threads[-1].start()

    def _keep_bouncing(self, over: threading.Event) -> None:
        there = True
        while not over.wait(self._chance.uniform(*BOUNCES_S)):
            there = not there
            with contextlib.suppress(ChildError):
                self._each("mains", volts=self._volts() if there else 0)

    def _lie(self, on: bool) -> None:
        now = time.monotonic()
        if on:
            self._liar = self._chance.choice(NAMES)
            word, facts = self._chance.choice(LIES)
            self._ask(self._liar, word, **facts)
            with self._lock:
                self._history.power.lies.append((self._liar, Span(now)))
            return
        for word, facts in (("lie", {"variables": {}}), ("freeze", {"on": False}), ("sick", {"how": "none"})):
            self._ask(self._liar, word, **facts)
        with self._lock:
            self._history.power.lies[-1][1].until = now

    def _each(self, word: str, **facts: Any) -> None:
        for name in NAMES:
            self._ask(name, word, **facts)

    def _ask(self, name: str, word: str, **facts: Any) -> dict[str, Any]:
        with self._asking:
            return self._ups[name].ask(word, **facts)

    # ---- a thread: the machine

    def _lead_machine(self) -> None:
        goes_at = down_at = None
        again = False
        while not self._over.wait(MACHINE_S):
            now = time.monotonic()
            if self._commanded(HALTS):
                with contextlib.suppress(OSError):
                    self._see_log()  # what was said before it
                self._did(time.monotonic(), Deed.HALTS)
                again = False
                if down_at is None and goes_at is None:
                    goes_at = now + GOES_S
                    self._up.clear()
            if self._commanded(RESTARTS):
                self._did(now, Deed.RESTARTS)
                again = True
            if goes_at is not None and now >= goes_at:
                goes_at = None
                self._halted(True)
                down_at = time.monotonic()
                self._did(down_at, Deed.DOWN)
                for file in (HALTS, RESTARTS):
                    self._commanded(file)
            elif down_at is not None and now >= down_at + OFF_S and (again or not self._in_force):
                down_at = None
                self._halted(False)
                self._up.set()

    def _commanded(self, file: str) -> bool:
        try:
            (self._folder / file).unlink()
        except FileNotFoundError:
            return False
        return True

    def _did(self, at: float, deed: Deed) -> None:
        with self._lock:
            self._history.power.did(at, deed)

    # ---- a thread: what is true, and what the unit says

    def _watch(self) -> None:
        while not self._over.wait(WATCH_S):
            with contextlib.suppress(ChildError, OSError, ValueError):
                self._see_log()
                self._see()

    def _see(self) -> None:
        assert self._site is not None
        truth = self._ask(NAMES[0], "status")["truth"]
        now = time.monotonic()
        with self._lock:
            self._history.power.mains(now, not truth["on_battery"])
        left = None if truth["lasts_s"] is None else truth["lasts_s"] / 60
        status = self._site.status()
        power = status["power"]
        if power is None:
            return
        with self._lock:
            if status["started_at"] != self._started_at:
                self._started_at = status["started_at"]
                self._history.power.did(now, Deed.BEGAN, power["shed"])
            self._history.power.looks.append(
                Look(
                    time.monotonic(), {"unit": left, "switch": left}, power["state"] or "unknown", power["minutes"],
                    power["halt"] or "running", frozenset(power["shed"]), truth["low"],
                )
            )  # fmt: skip

    def _see_log(self) -> None:
        """In which order last words are said, stands in the unit's log alone."""
        with self._reading:  # also while it is noted: who reads next finds it noted
            with self._log.open("rb") as file:
                file.seek(self._read)
                lines = file.read().split(b"\n")
            self._read += sum(len(line) + 1 for line in lines[:-1])
            now = time.monotonic()
            for line in lines[:-1]:
                if told := _TOLD.search(line):
                    self._did(now, Deed.TOLD)
                    with self._lock:
                        self._history.power.told.append((now, None if told[1] is None else int(told[1])))
                elif (stage := _STAGE.search(line)) and (deed := _STAGES.get(stage[1])) is not None:
                    self._did(now, deed)


_COMMANDS = {"halt": HALTS, "restart": RESTARTS}
_STAGES = {b"telling": Deed.HALTING, b"commanded": Deed.FLUSHED}
"""What a new stage says of the one before it."""
