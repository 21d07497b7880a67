"""One modem: its power, its ports, and its command lines one after the other.

The commands are those of its parts, by duty; each part gives a table of them. `Device` holds what the parts share and
decides nothing about calls, messages or networks itself.
"""

from __future__ import annotations

import collections
from enum import StrEnum
from typing import Protocol

from hil.sim.modem.calls import Calls
from hil.sim.modem.card import Card, CardPart
from hil.sim.modem.centre import Centre
from hil.sim.modem.faults import Fault, Faults
from hil.sim.modem.general import General
from hil.sim.modem.line import Line, Text
from hil.sim.modem.messages import Messages
from hil.sim.modem.models import Model
from hil.sim.modem.pcm import Pcm
from hil.sim.modem.registration import Radio, Registration
from hil.sim.modem.request import ERROR, Answer, Handler, Later, Prompt, Reply, Request, Silence, split
from hil.sim.modem.shared import Part, Shared
from hil.sim.modem.sound import SoundPart

__all__ = ["Device", "Power", "Wires"]

WAITING_MAX = 64
"""Command lines that wait for the one before; more are lost."""
SLOW_S = 4.0
PHANTOM_URC = "+CIEV: 7,1"
"""What a fault puts where it does not belong: an indicator of no meaning to anybody."""


class Power(StrEnum):
    """Whether it can be found at its ports."""

    OFF = "off"
    BOOTING = "booting"
    ON = "on"


class Wires(Protocol):
    """The two ports of a modem, and that they come and go."""

    def write_at(self, data: bytes) -> None:
        """Said at the AT port."""

    def write_pcm(self, data: bytes) -> int:
        """Delivered at the port of sound; how many bytes were taken."""

    def present(self, there: bool) -> None:
        """The ports are there, or gone as when a plug is pulled."""


class Device:
    """Powered on by :meth:`power_on`; `received_at` and `received_pcm` take what came in at its ports."""

    def __init__(
        self, name: str, model: Model, card: Card, centre: Centre, *, radio: Radio, seed: int, ppm: float = 0.0
    ) -> None:
        network = centre.network
        self.name, self.model = name, model
        self.faults = Faults(seed, lambda fault: network.history.note("fault", name, fault=str(fault)))
        self.power = Power.OFF
        self._timers, self._history = network.timers, network.history
        self._wires: Wires | None = None
        self._waiting: collections.deque[str | Text] = collections.deque()
        self._asked: Prompt | None = None
        self._busy = False
        self._late: list[str] = []
        self._era = 0
        self.hung = False
        self.line = Line(self._send, self._timers, self.faults)
        shared = Shared(
            name, model, network, centre, self._timers, self._history, self.faults, self.unsolicited, self.reset
        )
        self.card = CardPart(shared, card)
        self.registration = Registration(shared, self.card, radio)
        self.pcm = Pcm(shared, self._deliver, ppm)
        self.calls = Calls(shared, self.registration, self.card, self.pcm)
        self.sound = SoundPart(shared, self.calls, self.pcm)
        self.messages = Messages(shared, self.card, self.registration)
        self.general = General(shared, self.registration, self.line)
        self._parts: tuple[Part, ...] = (
            *(self.general, self.card, self.registration),
            *(self.calls, self.sound, self.messages),
        )
        self._commands: dict[str, Handler] = {}
        for part in self._parts:
            self._commands.update(part.commands())

    def wired(self, wires: Wires) -> None:
        """Its ports."""
        self._wires = wires

    def power_on(self, boot_s: float | None = None) -> None:
        """Begins to start; harmless when it has. `boot_s`: instead of the model's."""
        if self.power is not Power.OFF:
            return
        self.power = Power.BOOTING
        self._era += 1
        era = self._era
        self._note("power", on=True)
        self._timers.later(self.model.boot_s if boot_s is None else boot_s, lambda: self._booted(era))

    def power_off(self) -> None:
        """As when its power or its plug is pulled."""
        if self.power is Power.OFF:
            return
        self._era += 1
        was_on = self.power is Power.ON
        self.power = Power.OFF
        self._note("power", on=False)
        self._busy, self._asked, self.hung = False, None, False
        self._waiting.clear()
        self._late.clear()
        for part in reversed(self._parts):
            part.stop()
        self.line.reset()
        if was_on and self._wires is not None:
            self._wires.present(False)

    def reset(self) -> None:
        """Begins anew: gone from its ports, and back after its boot."""
        self.power_off()
        self.power_on()

    def hang(self) -> None:
        """Hears and says nothing any more, until it is without power for a moment."""
        self.hung = True
        self._note("hung")

    def received_at(self, data: bytes) -> None:
        """Bytes at the AT port."""
        self._note("at_in", data=data)
        if self.power is not Power.ON:
            return
        if self.faults.strikes(Fault.HANG):
            self.hang()
        if self.hung:
            return
        for found in self.line.receive(data):
            if isinstance(found, str) and not found.strip():
                continue
            if len(self._waiting) < WAITING_MAX:
                self._waiting.append(found)
        self._next()

    def received_pcm(self, data: bytes) -> None:
        """Bytes at the port of sound."""
        if self.power is Power.ON:
            self.pcm.taken(data)

    def unsolicited(self, text: str) -> None:
        """A line that nobody asked for: said now, or after the answer that is due."""
        if self.power is not Power.ON or self.hung or self.faults.strikes(Fault.LOST_URC):
            return
        if self._busy or self.line.prompting:
            self._late.append(text)
        else:
            self.line.unsolicited(text)

    def _booted(self, era: int) -> None:
        if era != self._era:
            return
        self.power = Power.ON
        if self._wires is not None:
            self._wires.present(True)
        for text in self.model.boot_lines:
            if text == "+CPIN: READY" and not self.card.ready:
                continue
            self.line.unsolicited(text)
        for part in self._parts:
            part.start()

    def _send(self, data: bytes) -> None:
        if self.power is Power.ON and not self.hung and self._wires is not None:
            self._note("at_out", data=data)
            self._wires.write_at(data)

    def _deliver(self, data: bytes) -> int:
        return 0 if self._wires is None else self._wires.write_pcm(data)

    def _next(self) -> None:
        """Take what waits, until something takes its time."""
        while self._waiting and not self._busy:
            found = self._waiting.popleft()
            if isinstance(found, Text):
                self._text(found)
            else:
                self._run(found)

    def _text(self, found: Text) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        self._busy = True
        self._finish([], Answer() if found.text is None else asked.take(found.text))

    def _run(self, line: str) -> None:
        requests = split(line)
        if requests is None:
            return
        self._busy = True
        if self.faults.strikes(Fault.NO_ANSWER):
            self._busy = False
            return
        if self.faults.strikes(Fault.SLOW):
            era = self._era
            self._timers.later(SLOW_S, lambda: self._each(requests) if era == self._era else None)
            return
        self._each(requests)

    def _each(self, requests: list[Request]) -> None:
        """The commands of a line in order, until one of them fails or takes its time."""
        lines: list[str] = []
        reply: Reply = Answer()
        for at, request in enumerate(requests):
            reply = self._one(request)
            last = at == len(requests) - 1
            if last or not isinstance(reply, Answer) or reply.final != "OK":
                break
            lines.extend(reply.lines)
            if reply.then is not None:
                reply.then()
        if len(lines) > 1 and self.faults.strikes(Fault.ORDER):
            lines.reverse()
        self._finish(lines, reply)

    def _one(self, request: Request) -> Reply:
        handler = self._commands.get(request.name)
        if handler is None:
            return ERROR
        try:
            return handler(request)
        except ValueError:
            return ERROR

    def _finish(self, lines: list[str], reply: Reply) -> None:
        era = self._era
        if isinstance(reply, Later):
            make = reply.make
            self._timers.later(reply.seconds, lambda: self._finish(lines, make()) if era == self._era else None)
        elif isinstance(reply, Prompt):
            self._asked = reply
            self._busy = False
            self.line.prompt()
        elif isinstance(reply, Silence):
            self._busy = False
        else:
            self._answer([*lines, *reply.lines], reply)

    def _answer(self, lines: list[str], reply: Answer) -> None:
        inside = None
        if self.faults.strikes(Fault.INSIDE):
            inside = self._late.pop(0) if self._late else PHANTOM_URC
        self.line.answer(lines, self.general.worded(reply.final), inside)
        self._busy = False
        late, self._late = self._late, []
        for text in late:
            self.line.unsolicited(text)
        if reply.then is not None:
            reply.then()
        self._next()

    def _note(self, what: str, **facts: object) -> None:
        self._history.note(what, self.name, **facts)
