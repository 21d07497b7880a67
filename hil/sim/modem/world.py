"""A network and the modems in it, with their ports: what one program simulates."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.sim.modem.card import Card
from hil.sim.modem.centre import Centre
from hil.sim.modem.device import Device
from hil.sim.modem.faults import Fault
from hil.sim.modem.history import History
from hil.sim.modem.models import MODELS
from hil.sim.modem.network import Network
from hil.sim.modem.phones import SOS, Habit, Phone
from hil.sim.modem.ports import Port, PtyPort, open_port
from hil.sim.modem.registration import Radio
from hil.sim.modem.timers import LoopTimers, Timers
from hil.sim.modem.usb import UsbPort

__all__ = ["ModemPlan", "Plugged", "World", "number_of"]

TTYS_A_MODEM = 5
_ttys = itertools.count()
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
FIRST_NUMBER = 46701000001
FIRST_IMSI = 240010000000001


@dataclass(frozen=True)
class ModemPlan:
    """One modem as it is asked for. `at`, `pcm`: as :func:`~hil.sim.modem.ports.open_port` takes them, "" is none.

    `usb`: ``FOLDER@1-1.4`` instead, a place on USB below ``FOLDER/sys``, with its ttys in ``FOLDER/dev``."""

    name: str
    model: str = "generic"
    at: str = ""
    pcm: str = ""
    usb: str = ""
    number: str = ""  # "": one of its own
    pin: str = ""
    seed: int = 1
    ppm: float = 0.0
    boot_s: float = 0.0  # at the first start
    attach_s: float = 1.0
    faults: Mapping[Fault, float] | None = None

    @staticmethod
    def parse(text: str, defaults: ModemPlan) -> ModemPlan:
        """``name=a,model=sim7600,at=/run/a.at,…``; `faults` by ``+``, with a likelihood after ``:``. Raises ValueError,
        naming the word at fault."""
        fields: dict[str, object] = dict(vars(defaults))
        for entry in filter(None, text.split(",")):
            name, found, value = entry.partition("=")
            if not found or name not in fields:
                raise ValueError(f"{entry[:80]!r}: one of {', '.join(fields)} expected, and = after it")
            if name == "faults":
                fields[name] = parse_faults(value)
            else:
                fields[name] = type(fields[name])(value)  # type: ignore[call-arg]  # str, int or float
        return ModemPlan(**fields)  # type: ignore[arg-type]  # each of its field's type by now


class Plugged:
    """A modem at its ports."""

    def __init__(self, plan: ModemPlan, device: Device, history: History, timers: Timers) -> None:
        self.plan, self.device, self._history = plan, device, history
        self.at: Port | None = open_port(plan.at, device.received_at) if plan.at else None
        self.pcm: Port | None = open_port(plan.pcm, device.received_pcm) if plan.pcm else None
        folder, _, place = plan.usb.rpartition("@")
        self._dev = Path(folder) / "dev"
        self.usb = UsbPort(Path(folder) / "sys", place, timers, self._switched) if plan.usb else None
        if self.usb is not None:
            self._dev.mkdir(parents=True, exist_ok=True)
            self._named()
        device.wired(self)

    def write_at(self, data: bytes) -> None:
        if self.at is not None and (lost := len(data) - self.at.write(data)):
            self._history.note("at_lost", self.plan.name, bytes=lost)

    def write_pcm(self, data: bytes) -> int:
        return 0 if self.pcm is None else self.pcm.write(data)

    def present(self, there: bool) -> None:
        for port in (self.at, self.pcm):
            if port is not None and there:
                port.open()
            elif port is not None:
                port.close()
        if self.usb is not None and there:
            names = {number: Path(port.path).name for number, port in self._interfaces().items()}
            self.usb.appear(self.device.model.usb_id, names)
        elif self.usb is not None:
            self.usb.vanish()
            if self.device.faults.strikes(Fault.RENAMED):
                self._named()
        self._history.note("plug", self.plan.name, there=there)

    def close(self) -> None:
        """Without power, and nowhere."""
        self.device.power_off()
        if self.usb is not None:
            self.usb.close()

    def _interfaces(self) -> dict[int, PtyPort]:
        found = {self.device.model.at_interface: self.at, self.device.model.pcm_interface: self.pcm}
        return {number: port for number, port in found.items() if number is not None and isinstance(port, PtyPort)}

    def _named(self) -> None:
        """Names that no other had in this folder, as the kernel gives them."""
        base = next(_ttys) * TTYS_A_MODEM
        model = self.device.model
        self.at = PtyPort(self._dev / f"ttyUSB{base + model.at_interface}", self.device.received_at)
        if model.pcm_interface is not None:
            self.pcm = PtyPort(self._dev / f"ttyUSB{base + model.pcm_interface}", self.device.received_pcm)

    def _switched(self, on: bool) -> None:
        self._history.note("hub", self.plan.name, on=on)
        if on:
            self.device.power_on()
        else:
            self.device.power_off()

    def moved(self, at: str, pcm: str) -> None:
        """It is enumerated under other names from now; where it was it is gone. Raises ValueError."""
        self.device.power_off()
        self.at = open_port(at, self.device.received_at) if at else None
        self.pcm = open_port(pcm, self.device.received_pcm) if pcm else None


class World:
    """`history`: a file, or None. Made within a running loop, or with timers of a test's own."""

    def __init__(self, history: Path | None = None, timers: Timers | None = None) -> None:
        self.timers = timers or LoopTimers(asyncio.get_running_loop())
        self.history = History(self.timers, history)
        self.network = Network(self.timers, self.history)
        self.centre = Centre(self.network)
        self.modems: dict[str, Plugged] = {}
        self.phone(SOS, Habit(answers_after_s=1.0, sound="tone:600"))

    def phone(self, number: str, habit: Habit | None = None) -> Phone:
        """The phone with a number: a new one, or the one there is, with new habits if some are given."""
        found = self.network.parties.get(number)
        if isinstance(found, Phone):
            if habit is not None:
                found.told(habit)
            return found
        made = Phone(self.network, number, habit)
        self.network.join(made)
        return made

    def anybody(self, habit: Habit) -> None:
        """Every number of the world has a phone, with these habits at first."""
        self.network.unknown = lambda number: self.phone(number, habit) if E164.fullmatch(number) else None

    def add(self, plan: ModemPlan) -> Plugged:
        """A modem, without power yet. Raises ValueError: no such model, or the name is taken."""
        if plan.model not in MODELS:
            raise ValueError(f"model {plan.model[:40]!r}: one of {', '.join(MODELS)} expected")
        if plan.name in self.modems:
            raise ValueError(f"there is a modem {plan.name!r} already")
        count = len(self.modems)
        card = Card(
            number=plan.number or number_of(count),
            imsi=str(FIRST_IMSI + count),
            iccid=f"8946010000000000{count:03d}8",
            pin=plan.pin,
        )
        radio = Radio(attach_s=plan.attach_s)
        device = Device(plan.name, MODELS[plan.model], card, self.centre, radio=radio, seed=plan.seed, ppm=plan.ppm)
        for fault, likelihood in (plan.faults or {}).items():
            device.faults.put(fault, likelihood)
        self.modems[plan.name] = Plugged(plan, device, self.history, self.timers)
        return self.modems[plan.name]

    def start(self) -> None:
        """Power for all."""
        for modem in self.modems.values():
            modem.device.power_on(modem.plan.boot_s)

    def close(self) -> None:
        """No power, no ports; the history is whole."""
        for modem in self.modems.values():
            modem.close()
        self.history.close()


def number_of(count: int) -> str:
    """The number of the modem that comes after so many."""
    return f"+{FIRST_NUMBER + count}"


def parse_faults(text: str) -> dict[Fault, float]:
    """``glued+cut:0.5``. Raises ValueError, naming the fault."""
    found = {}
    for entry in filter(None, text.split("+")):
        name, _, likelihood = entry.partition(":")
        found[Fault(name)] = float(likelihood or 1.0)
    return found
