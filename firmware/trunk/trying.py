"""The dated proof of a way out: a test call by modem, with a tone both ways."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from callcontrol.media.dtmf import holds
from callcontrol.media.pace import turns
from callcontrol.media.pcm import FRAME_S
from callcontrol.media.tones import sine
from callcontrol.trunk.numbers import to_dial
from callcontrol.trunk.pool import Priority
from callcontrol.trunk.readiness import Proof, What
from drivers.modem.model import CallChanged, CallState, Event, ModemError, Sound
from firmware.trunk.lines import ModemLine
from firmware.trunk.sound import ModemEnd

__all__ = ["Busy", "try_voice"]

ANSWER_S = 45.0
"""From dialling to the answer."""
SOUND_S = 10.0
"""The tones have so long to be heard; some modems give no sound for the first seconds."""
TONE_S = 0.5
ONE_HZ, OTHER_HZ = 800, 1100
"""Neither is a key's, nor a harmonic of the other."""
HANG_UP_S = 3.0


class Busy(Exception):
    """A modem that has a call is not tried."""


class _End:
    """One end of a test call. Any other call goes before it."""

    priority = Priority.REST

    def __init__(self, line: ModemLine) -> None:
        self.line = line
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    def modem_said(self, event: Event) -> None:
        self._events.put_nowait(event)

    def give_way(self) -> None:
        self._events.put_nowait(None)

    async def until(self, *states: CallState) -> bool:
        """False: it is over before."""
        while (event := await self._events.get()) is not None:
            if isinstance(event, CallChanged):
                if event.state in states:
                    return True
                if event.state is CallState.RELEASED:
                    return False
        return False


async def try_voice(line: ModemLine, number: str, other: ModemLine | None) -> dict[What, Proof]:
    """Calls `number`, which is that of `other` where that is given: both ends are heard then. A number that gives back
    what it hears proves the same; any other proves that calls go through. Raises Busy."""
    ends = [_End(line), *([_End(other)] if other is not None else [])]
    if any(end.line.call is not None for end in ends):
        raise Busy
    for end in ends:
        end.line.take(end)
    if other is not None:
        other.expects = ends[1]
    try:
        return await _called(ends, number)
    finally:
        if other is not None:
            other.expects = None
        for end in ends:
            if end.line.call is end:
                with contextlib.suppress(ModemError, TimeoutError):
                    await asyncio.wait_for(end.line.modem.hang_up(), HANG_UP_S)
            end.line.release(end)


async def _called(ends: list[_End], number: str) -> dict[What, Proof]:
    line = ends[0].line
    try:
        async with asyncio.timeout(ANSWER_S):
            await line.modem.dial(to_dial(number, line.form))
            if len(ends) > 1:
                if not await ends[1].until(CallState.INCOMING):
                    return {What.CALLED: _proof(False, "did not ring")}
                await ends[1].line.modem.answer()
            if not await ends[0].until(CallState.ACTIVE):
                return {What.CALLED: _proof(False, "not answered")}
    except ModemError as error:
        return {What.CALLED: _proof(False, str(error))}
    except TimeoutError:
        return {What.CALLED: _proof(False, "no answer in time")}
    if len(ends) > 1:
        heard, said = await _tones((ends[0].line, OTHER_HZ, ONE_HZ), (ends[1].line, ONE_HZ, OTHER_HZ))
        return {What.CALLED: _proof(True), What.HEARD: heard, What.SAID: said}
    (echoed,) = await _tones((line, ONE_HZ, ONE_HZ))
    both = {What.HEARD: _proof(True, "echo"), What.SAID: _proof(True, "echo")} if echoed.good else {}
    return {What.CALLED: _proof(True), **both}


async def _tones(*ends: tuple[ModemLine, int, int]) -> list[Proof]:
    """Of each: whether it hears the first tone, while it says the second, until all have heard theirs."""
    sounding: list[tuple[Sound, ModemEnd] | None] = [None] * len(ends)
    saying = [sine(hz) for _, _, hz in ends]
    heard_s = [0.0] * len(ends)
    try:
        async with asyncio.timeout(SOUND_S):
            async for now in turns():
                for place, (line, hz, _) in enumerate(ends):
                    sound, known = line.modem.sound, sounding[place]
                    if known is not None and known[0] is not sound:
                        known[1].close()
                        known = sounding[place] = None
                    if sound is None:
                        continue
                    if known is None:
                        known = sounding[place] = sound, ModemEnd(sound)
                    known[1].push(next(saying[place]), now)
                    heard_s[place] += FRAME_S * holds(known[1].pull(now), hz)
                if min(heard_s) >= TONE_S:
                    break
    except TimeoutError:
        pass
    finally:
        for known in sounding:
            if known is not None:
                known[1].close()
    silent = [known is None for known in sounding]
    return [
        _proof(
            heard >= TONE_S, "" if heard >= TONE_S else "no sound from the modem" if none else f"{heard:.2f} s heard"
        )
        for heard, none in zip(heard_s, silent, strict=True)
    ]


def _proof(good: bool, detail: str = "") -> Proof:
    return Proof(datetime.now(UTC), good, detail)
