"""The mobile network: who can be reached by which number, how a call comes about and ends, and 112.

A *party* is a phone of the network's own (:mod:`hil.sim.modem.phones`) or a modem. Sound is asked of the other party by
whoever has a clock: a modem. Causes are those of 3GPP TS 24.008 §10.5.4.11. SMS and USSD: :mod:`hil.sim.modem.centre`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol

from hil.sim.modem.history import History
from hil.sim.modem.timers import Timer, Timers
from hil.sim.modem.voices import Voice, voice

__all__ = ["EMERGENCY", "Call", "Cause", "Network", "Party", "Settings", "Stage", "normal"]

EMERGENCY = frozenset({"112", "911", "000", "08", "110", "118", "119", "999"})
"""Known to every terminal without a SIM card (3GPP TS 22.101 §10.1.1)."""


class Cause(IntEnum):
    """Why a call ended."""

    UNALLOCATED = 1
    NORMAL = 16
    BUSY = 17
    NO_USER = 18
    NO_ANSWER = 19
    REJECTED = 21
    OUT_OF_ORDER = 27
    NO_CIRCUIT = 34
    NETWORK_OUT_OF_ORDER = 38
    TEMPORARY = 41
    PREEMPTED = 45


class Stage(StrEnum):
    """How far a call has come."""

    SETUP = "setup"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"


class Party(Protocol):
    """Someone who can call and be called. Numbers are in E.164, or as an emergency number is dialled."""

    number: str

    def reachable(self) -> bool:
        """Whether the network can find it."""

    def arrives(self, call: Call) -> None:
        """Somebody calls. It may :meth:`Call.ring`, :meth:`Call.accept` or :meth:`Call.release`."""

    def moved(self, call: Call) -> None:
        """The call has a new stage, or has ended (`call.cause`)."""

    def key(self, call: Call, digit: str) -> None:
        """The other side has pressed a key."""

    def speak(self, call: Call, samples: int, rate_hz: int) -> bytes:
        """What it says next, s16le; shorter: silence follows."""

    def hear(self, call: Call, sound: bytes, rate_hz: int) -> None:
        """What the other side said, s16le."""


@dataclass
class Settings:
    """What the network is like. Times in seconds."""

    country: str = "46"
    operator: str = "24001"
    operator_name: str = "Telia"
    setup_s: float = 1.0  # from dialling to the other side's ringing
    emergency_setup_s: float = 0.6
    rings_s: float = 30.0  # then cause 19
    ringback: str = ""  # what the caller hears until the answer; nothing, where phones ring by themselves
    announces: str = ""  # what a caller hears before the end where nobody can be found; both are of voices.py
    announces_s: float = 6.0
    sms_s: float = 0.5  # from the centre to the receiver
    report_s: float = 0.5  # from the receiver to the report
    price: float = 0.5  # of an SMS, off the balance


@dataclass(eq=False)
class Call:
    """One call. `dialled` is what was dialled, `number` whom that is."""

    network: Network
    index: int
    caller: Party
    dialled: str
    withheld: bool = False
    emergency: bool = False
    callee: Party | None = None
    stage: Stage = Stage.SETUP
    cause: Cause | None = None
    began: float = 0.0
    answered: float | None = None
    timers: list[Timer] = field(default_factory=list)
    early: Voice | None = None

    def other(self, party: Party) -> Party | None:
        """Whom a party is speaking with."""
        return self.callee if party is self.caller else self.caller

    def ring(self) -> None:
        """The callee rings."""
        if self.stage is Stage.SETUP:
            self._move(Stage.RINGING)
            self.early = voice(self.network.settings.ringback)
            self._later(self.network.settings.rings_s, lambda: self.release(Cause.NO_ANSWER))

    def accept(self) -> None:
        """The callee answers."""
        if self.stage in (Stage.SETUP, Stage.RINGING):
            self.answered = self.network.timers.now()
            self._move(Stage.ACTIVE)

    def release(self, cause: Cause = Cause.NORMAL) -> None:
        """Either side, or the network, ends it; harmless when it has ended."""
        if self.stage is Stage.ENDED:
            return
        self.cause = cause
        self.network.forget(self)
        self._move(Stage.ENDED)

    def press(self, party: Party, digit: str) -> None:
        """A party presses a key; the other hears of it."""
        other = self.other(party)
        if self.stage is Stage.ACTIVE and other is not None:
            self.network.history.note("key", call=self.index, by=party.number, digit=digit)
            other.key(self, digit)

    def announce(self, cause: Cause) -> None:
        """The network says why nobody is found, where it does, and ends it."""
        settings = self.network.settings
        if not settings.announces:
            self.release(cause)
            return
        self.early = voice(settings.announces)
        self._later(settings.announces_s, lambda: self.release(cause))

    def speak_early(self, samples: int, rate_hz: int) -> bytes:
        """What the network lets the caller hear before the answer, s16le; shorter: silence follows."""
        return b"" if self.early is None else self.early.speak(samples, rate_hz)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self.timers.append(self.network.timers.later(seconds, do))

    def _move(self, stage: Stage) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        self.stage = stage
        cause = None if self.cause is None else int(self.cause)
        self.network.history.note(
            "call", call=self.index, stage=str(stage), caller=self.caller.number, dialled=self.dialled, cause=cause
        )
        for party in (self.caller, self.callee):
            if party is not None:
                party.moved(self)


class Network:
    """Parties and their calls."""

    def __init__(self, timers: Timers, history: History, settings: Settings | None = None) -> None:
        self.timers, self.history = timers, history
        self.settings = settings or Settings()
        self.parties: dict[str, Party] = {}
        self.calls: list[Call] = []
        self.unknown: Callable[[str], Party | None] = lambda _number: None
        """Who takes calls to a number that nobody has."""
        self._numbers = itertools.count(1)

    def join(self, party: Party) -> None:
        """A party can be reached by its number; another with that number no longer."""
        self.parties[party.number] = party

    def leave(self, party: Party) -> None:
        """It cannot."""
        if self.parties.get(party.number) is party:
            del self.parties[party.number]

    def find(self, dialled: str) -> Party | None:
        """Who has a number."""
        number = normal(dialled, self.settings.country)
        return self.parties.get(dialled) or self.parties.get(number) or self.unknown(number)

    def dial(self, caller: Party, dialled: str, *, withheld: bool = False) -> Call:
        """A call begins; what comes of it is told by :meth:`Party.moved`, never before this returns."""
        emergency = dialled in EMERGENCY
        now = self.timers.now()
        call = Call(self, next(self._numbers), caller, dialled, withheld, emergency, began=now)
        self.calls.append(call)
        self.history.note("dialled", call=call.index, caller=caller.number, dialled=dialled, withheld=withheld or None)
        delay = self.settings.emergency_setup_s if emergency else self.settings.setup_s
        call.timers.append(self.timers.later(delay, lambda: self._routed(call)))
        return call

    def forget(self, call: Call) -> None:
        """It has ended."""
        if call in self.calls:
            self.calls.remove(call)

    def of(self, party: Party) -> list[Call]:
        """The calls of a party."""
        return [call for call in self.calls if party in (call.caller, call.callee)]

    def _desk(self) -> Party | None:
        """Who takes a call to 112: one of those called 112, 112-2 and so on who is not in a call, where there is."""
        desks = [party for number, party in self.parties.items() if number.partition("-")[0] == "112"]
        return next((desk for desk in desks if not self.of(desk)), self.find("112"))

    def _routed(self, call: Call) -> None:
        found = self._desk() if call.emergency else self.find(call.dialled)
        if found is None:
            call.announce(Cause.UNALLOCATED)
        elif not found.reachable():
            call.announce(Cause.NO_USER)
        elif found is call.caller:
            call.release(Cause.BUSY)
        else:
            call.callee = found
            found.arrives(call)


def normal(dialled: str, country: str) -> str:
    """A number in E.164: ``0701…`` and ``0046…`` as ``+46…``."""
    digits = dialled.replace(" ", "").replace("-", "")
    if digits.startswith("00"):
        return "+" + digits[2:]
    if digits.startswith("0"):
        return f"+{country}{digits[1:]}"
    return digits
