"""Phones of the network's own: they answer, refuse, ring out, hang up, press keys and make sound, as they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hil.sim.modem.network import Call, Cause, Network, Stage
from hil.sim.modem.timers import Timer
from hil.sim.modem.voices import KEY_MS, Ear, Voice, voice

__all__ = ["SOS", "Habit", "Phone"]

SOS = "112"
KEY_EVERY_S = 2 * KEY_MS / 1000


@dataclass(frozen=True)
class Habit:
    """What a phone does when it is called. Times in seconds."""

    answers_after_s: float | None = 0.3  # from ringing; None: never by itself
    refuses: int | None = None  # with this cause, at once
    hangs_up_after_s: float | None = None  # from the answer
    keys: str = ""
    keys_after_s: float = 0.5  # from the answer
    sound: str = "silence"  # of voices.py
    off: bool = False  # switched off: cannot be found


class Phone:
    """One subscriber, who is busy while in a call."""

    def __init__(self, network: Network, number: str, habit: Habit | None = None) -> None:
        self.network, self.number = network, number
        self.habit = habit or Habit()
        self.call: Call | None = None
        self.inbox: list[str] = []
        self._voice: Voice = voice(self.habit.sound)
        self._tones: Voice = voice("silence")
        self._tones_end = 0.0
        self._ear = Ear()
        self._timers: list[Timer] = []

    def told(self, habit: Habit) -> None:
        """New habits, from now; a new sound at once. Raises VoiceError."""
        if habit.sound != self.habit.sound:
            self._voice = voice(habit.sound)
        self.habit = habit

    def dial(self, number: str, *, withheld: bool = False) -> Call:
        """Call somebody."""
        self._ear = Ear()
        self._voice = voice(self.habit.sound)
        self.call = self.network.dial(self, number, withheld=withheld)
        return self.call

    def answer(self) -> None:
        """Take the call that rings."""
        if self.call is not None:
            self.call.accept()

    def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """End the call there is."""
        if self.call is not None:
            self.call.release(cause)

    def press(self, keys: str) -> None:
        """Keys, one after the other; their tones are heard instead of what it says."""
        self._tones, self._tones_end = voice(f"keys:{keys}"), self.network.timers.now() + len(keys) * KEY_EVERY_S
        for at, digit in enumerate(keys):
            self._later(at * KEY_EVERY_S, lambda digit=digit: self._press(digit))  # type: ignore[misc]

    def say(self, sound: str) -> None:
        """Another sound from now. Raises VoiceError."""
        self.told(replace(self.habit, sound=sound))

    def reachable(self) -> bool:
        return not self.habit.off

    def arrives(self, call: Call) -> None:
        if self.habit.refuses is not None:
            call.release(Cause(self.habit.refuses))
        elif self.call is not None:
            call.release(Cause.BUSY)
        else:
            self.call, self._ear, self._voice = call, Ear(), voice(self.habit.sound)
            call.ring()
            if self.habit.answers_after_s is not None:
                self._later(self.habit.answers_after_s, call.accept)

    def moved(self, call: Call) -> None:
        if call is not self.call:
            return
        if call.stage is Stage.ACTIVE:
            if self.number.partition("-")[0] == SOS:
                self.network.history.note("sos", call=call.index, caller=call.caller.number, after_s=self._since(call))
            if self.habit.keys:
                self._later(self.habit.keys_after_s, lambda: self.press(self.habit.keys))
            if self.habit.hangs_up_after_s is not None:
                self._later(self.habit.hangs_up_after_s, call.release)
        elif call.stage is Stage.ENDED:
            self.call = None
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()
            self.network.history.note("heard", call=call.index, by=self.number, heard=self._ear.told())

    def key(self, call: Call, digit: str) -> None:
        """The network has noted it."""

    def speak(self, call: Call, samples: int, rate_hz: int) -> bytes:
        pressing = self.network.timers.now() < self._tones_end
        return (self._tones if pressing else self._voice).speak(samples, rate_hz)

    def hear(self, call: Call, sound: bytes, rate_hz: int) -> None:
        self._voice.hear(sound, rate_hz)
        known = len(self._ear.tones.heard)
        if self._ear.hear(sound, rate_hz):
            self.network.history.note("onset", call=call.index, by=self.number)
        for hz in self._ear.tones.heard[known:]:
            self.network.history.note("tone", call=call.index, by=self.number, hz=hz)

    def _press(self, digit: str) -> None:
        if self.call is not None:
            self.call.press(self, digit)

    def _since(self, call: Call) -> float:
        return round(self.network.timers.now() - call.began, 3)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self._timers.append(self.network.timers.later(seconds, do))
