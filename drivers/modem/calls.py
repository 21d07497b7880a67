"""The calls of one modem, from what it lists (`+CLCC`) and what it says between. Pure: the time is handed in.

The list is the truth; what is said unasked only makes it known sooner. As a list may be older than what was said, for
`SURE_S` a call that was said is not missed in it, and one that was said to be over is not found in it again.

Of calls that are no speech (data, fax, and the data call that EG25-G lists for ever) nothing is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from drivers.codec.at_lines import Ccinfo, Clcc, Clip
from drivers.modem.model import CALLS_MAX, CallChanged, CallState

__all__ = ["CAUSES", "SETTING_UP", "Calls"]

SURE_S = 1.0
DIALLED_SURE_S = 4.0
"""From the order to dial until a modem lists the call."""
STATES = {
    0: CallState.ACTIVE,
    1: CallState.HELD,
    2: CallState.DIALING,
    3: CallState.ALERTING,
    4: CallState.INCOMING,
    5: CallState.WAITING,
    6: None,
}
"""27.007 §7.18; 6, which some list, is over."""
CAUSES = {"BUSY": 17, "NO ANSWER": 19, "NO DIALTONE": 41, "NO CARRIER": None}
"""Q.850, of V.250's result codes; NO CARRIER does not say why."""
SETTING_UP = frozenset({CallState.DIALING, CallState.ALERTING})
RINGING = (CallState.INCOMING, CallState.WAITING)


@dataclass(slots=True)
class _Call:
    told: CallChanged
    index: int | None  # the modem's
    sure_until: float
    cause: int | None = None


class Calls:
    """Each method gives what is to be told. Indexes told are ours, the lowest free one, as a modem may not have told
    its own when a call is dialled."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._over: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def states(self) -> tuple[CallState, ...]:
        return tuple(call.told.state for call in self._calls.values())

    def dialled(self, number: str, now: float) -> list[CallChanged]:
        """A modem took the order; it may have told of the call before that."""
        for ours, call in self._calls.items():
            if call.told.outgoing and call.told.state in SETTING_UP:
                return self._change(ours, call.told.state, number, False)
        return self._new(CallState.DIALING, None, number, True, now + DIALLED_SURE_S)

    def listed(self, lines: Iterable[Clcc], now: float) -> list[CallChanged]:
        """A whole list."""
        told: list[CallChanged] = []
        speech = [line for line in lines if line.voice and STATES[line.stat] is not None]
        bound = [self._bind(line.index, line.outgoing) for line in speech]
        for known, call in list(self._calls.items()):
            if known not in bound and now >= call.sure_until:
                told += self._end(known, now)
        for line, ours in zip(speech, bound, strict=True):
            state = STATES[line.stat]
            if state is None or (ours is None and now < self._over.get(line.index, now)):
                continue
            if ours is None:
                told += self._new(state, line.index, line.number, line.outgoing, now, line.withheld)
            else:
                self._calls[ours].sure_until = now
                told += self._change(ours, state, line.number, line.withheld)
        return told

    def told(self, line: Ccinfo, now: float) -> list[CallChanged]:
        """One call, said unasked."""
        if not line.voice:
            return []
        ours = self._bind(line.index, line.outgoing)
        state = None if line.stat is None else STATES[line.stat]
        if state is None:
            return [] if ours is None else self._end(ours, now)
        if ours is None:
            return self._new(state, line.index, line.number, line.outgoing, now + SURE_S)
        self._calls[ours].sure_until = now + SURE_S
        return self._change(ours, state, line.number, False)

    def presented(self, clip: Clip) -> list[CallChanged]:
        """`+CLIP`, of whichever call rings; without one it is known by the list."""
        ringing = [ours for ours, call in self._calls.items() if call.told.state in RINGING]
        if len(ringing) != 1:
            return []
        return self._change(ringing[0], self._calls[ringing[0]].told.state, clip.number, clip.withheld)

    def result(self, cause: int | None, now: float) -> list[CallChanged]:
        """NO CARRIER and the like: of the only call, or one of several that the list will miss."""
        for call in self._calls.values():
            call.cause = cause
            call.sure_until = now
        return self._end(next(iter(self._calls)), now) if len(self._calls) == 1 else []

    def hanging_up(self, now: float) -> None:
        """We have told it to: what the next list misses is over."""
        for call in self._calls.values():
            call.sure_until = now

    def hung_up(self, now: float) -> list[CallChanged]:
        """By us, and the modem has said so; or the modem is gone."""
        return [event for ours in list(self._calls) for event in self._end(ours, now)]

    def _bind(self, index: int, outgoing: bool) -> int | None:
        """Our call of that index of the modem's; a dialled call that has none yet takes it."""
        for ours, call in self._calls.items():
            if call.index == index and call.told.outgoing == outgoing:
                return ours
        for ours, call in self._calls.items():
            if call.index is None and outgoing:
                call.index = index
                return ours
        return None

    def _new(
        self,
        state: CallState,
        index: int | None,
        number: str | None,
        outgoing: bool,
        sure_until: float,
        withheld: bool = False,
    ) -> list[CallChanged]:
        ours = next((each for each in range(1, CALLS_MAX + 1) if each not in self._calls), None)
        if ours is None:
            return []
        told = CallChanged(ours, state, number, withheld, None, outgoing)
        self._calls[ours] = _Call(told, index, sure_until)
        return [told]

    def _change(self, ours: int, state: CallState, number: str | None, withheld: bool) -> list[CallChanged]:
        call = self._calls[ours]
        told = replace(
            call.told, state=state, number=call.told.number or number, withheld=call.told.withheld or withheld
        )
        if told == call.told:
            return []
        call.told = told
        return [told]

    def _end(self, ours: int, now: float) -> list[CallChanged]:
        call = self._calls.pop(ours)
        self._over = {index: until for index, until in self._over.items() if until > now}
        if call.index is not None:
            self._over[call.index] = now + SURE_S
        return [replace(call.told, state=CallState.RELEASED, cause=call.cause)]
