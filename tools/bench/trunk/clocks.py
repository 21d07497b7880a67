"""Calls whose modem and phone have clocks of their own, in virtual time: what drops out of a tone both ways.

The simulator's modem (hil/sim/modem), with its AT commands and its own clock; the phone is a leg of ours at the far end
of a line with jitter, off by as much the other way. Between them stands what a call stands on: elastic.py, level.py,
leg.py, step by step as firmware/trunk/sound.py takes them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from callcontrol.media.codecs import FORMATS
from callcontrol.media.elastic import Inflow, Outflow
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.level import Level
from callcontrol.media.pcm import FRAME_S, RATE_HZ
from callcontrol.media.rtp import Address, Numbering
from callcontrol.media.tones import sine
from hil.sim.modem.phones import Habit
from hil.sim.modem.timers import OwnTimers
from hil.sim.modem.voices import Ear
from hil.sim.modem.world import ModemPlan, World

__all__ = ["HZ", "Carried", "carry"]

HZ = 1020
DIALLED = "+46701234567"
JITTER_S = 0.005
"""By so much, at the most, a packet or a delivery comes later than it was sent."""
AT_S = 3.0
"""For a command of AT."""
NEAR, FAR = ("192.0.2.1", 4000), ("192.0.2.2", 4000)
PCMA = FORMATS["PCMA"]


@dataclass(frozen=True)
class Carried:
    """`dropouts`: silences of more than 5 ms, at the modem's far end and at the phone; `minutes` of tone at either, the
    lesser. `drift_ppm`: as it was found."""

    minutes: float
    dropouts: int
    drift_ppm: float | None


def carry(minutes: float, ppm: float) -> Carried:
    """A call of so many minutes; the modem's clock is fast by `ppm`, the phone's slow by as much."""
    call = _Call(ppm)
    call.timers.advance(60 * minutes)
    return call.ended()


class _Call:
    """By timers that pass when they are told to; the modem's ports are this object."""

    def __init__(self, ppm: float) -> None:
        self.timers = OwnTimers()
        self._dice = random.Random(11)  # noqa: S311  # jitter
        self._leg, self._phone = (
            Leg(LegSettings(format=PCMA, payload_type=8, remote=remote), Numbering(1, 1, 1)) for remote in (FAR, NEAR)
        )
        self._leg.listening = self._phone.listening = True
        self._inflow = Inflow()
        self._outflow = Outflow(self._inflow.clock)
        self._heard, self._said = Level(), Level()
        self._tone, self._ear = sine(HZ), Ear()
        self._world = World(timers=self.timers)
        self._world.phone(DIALLED, Habit(answers_after_s=0.5, sound=f"tone:{HZ}"))
        self._modem = self._world.add(ModemPlan("m", "sim7600", ppm=ppm, boot_s=0.1)).device
        self._modem.wired(self)
        self._world.start()
        self.timers.advance(AT_S)
        for command in (f"ATD{DIALLED};", "AT+CPCMREG=1"):
            self._say(command)
        self._every(FRAME_S, self._step)
        self._every(FRAME_S / (1 - ppm / 1e6), self._phone_step)

    def ended(self) -> Carried:
        drift = self._inflow.clock.drift_ppm
        self._say("AT+CHUP")
        heard = next(entry for entry in self._world.history.entries if entry["what"] == "heard")["heard"]
        self._world.close()
        loud_ms = min(heard["loud_ms"], self._ear.loud_ms)
        return Carried(loud_ms / 60_000, heard["dropouts"] + self._ear.dropouts, drift)

    # ---- the modem's ports

    def write_at(self, data: bytes) -> None:
        """Its answers are the driver's to read."""

    def write_pcm(self, data: bytes) -> int:
        self._later(lambda: self._inflow.push(data, self.timers.now()))
        return len(data)

    def present(self, there: bool) -> None:
        """It stays."""

    def _say(self, command: str) -> None:
        self._modem.received_at(f"{command}\r".encode())
        self.timers.advance(AT_S)

    # ---- each 20 ms of the two clocks that are not the modem's

    def _step(self) -> None:
        now = self.timers.now()
        if data := self._outflow.push(self._said.of(self._leg.pull(now)), now):
            self._modem.received_pcm(data)
        packet = self._leg.send(self._heard.of(self._inflow.pull(now)))
        self._later(lambda: self._arrived(self._phone, packet, NEAR))

    def _phone_step(self) -> None:
        packet = self._phone.send(next(self._tone))
        self._later(lambda: self._arrived(self._leg, packet, FAR))
        self._ear.hear(self._phone.pull(self.timers.now()), RATE_HZ)

    def _arrived(self, leg: Leg, packet: bytes | None, source: Address) -> None:
        if packet is not None:
            leg.receive(packet, source, self.timers.now())

    def _later(self, do: Callable[[], None]) -> None:
        self.timers.later(self._dice.uniform(0, JITTER_S), do)

    def _every(self, seconds: float, do: Callable[[], None]) -> None:
        began, count = self.timers.now(), itertools.count(1)

        def again() -> None:
            self.timers.later(began + next(count) * seconds - self.timers.now(), again)
            do()

        again()
