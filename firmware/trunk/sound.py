"""A telephone call's sound: between a modem and the SIP side, by our clock in the middle.

A shell over callcontrol.media. One task a call takes, every 20 ms, a frame from each side and gives it to the other.
The modem's clock is met at the modem (callcontrol/media/elastic.py), the phone's at its leg (playout.py). Levels are
controlled both ways. The call does not depend on it: a modem whose sound stops is told of (`trouble`), and heard again
when it comes again.

How the process `trunk` uses it:

    sounds = Sounds()                       # one a process
    sound = sounds.towards(invite.body)     # or sounds.at(address), for an INVITE of ours; both raise NoPlace
    answer = sound.answer(invite.body)      # b"": nothing in common, 488
    sound.overhear(modem)                   # a call is dialled: what the network lets hear before the answer is heard
    sound.began = ...                       # told when that begins: the SIP side is to be told by a 183
    sound.join(modem)                       # once, when it is answered: its sound is heard when there is any
    sound.pressed = ...                     # told of each key of the phone that the modem is to send
    sound.press("5")                        # a key that the modem has told of
    sound.part(); await sound.play(clips)   # pre-emption: the tone and the sentence, then BYE
    sound.close()                           # whatever happened; once
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from callcontrol.media.dtmf import holds
from callcontrol.media.elastic import Inflow, Outflow
from callcontrol.media.level import Level
from callcontrol.media.pace import turns
from callcontrol.media.pcm import FRAME_S, FULL, RATE_HZ, SILENCE, loudness
from callcontrol.media.sounds import Clip, Player
from callcontrol.media.tones import sine
from drivers.modem.model import Sound
from firmware.places import Place, Places

__all__ = ["CallSound", "ModemEnd", "SoundStatus", "Sounding", "Sounds", "Trouble", "heard_tone"]

STOPPED_S = 1.0
"""A modem that delivers nothing for so long, while its sound is open, has stopped."""
SILENT_S = 20.0
"""Nothing but zeros for so long is no room and no network: one of the modem's faults."""
EARLY_S = 0.06
"""Before the answer a modem is heard from when it has given sound for so long at a stretch: with VoLTE many networks
give silence until then, and who is called by SIP would hear that instead of its phone's own ringing."""
EARLY_LOUD = FULL * 10 ** (-45 / 20)
"""What is fainter is silence, or noise of the line: -45 dBov; tones and words of networks are at -10 to -25."""
RATE_PPM = 20_000
"""What comes at a rate further off than this is lost on the way, or of another rate."""

log = logging.getLogger("rvx")


class Trouble(StrEnum):
    """What is wrong with a modem's sound while a call is up."""

    NONE = ""
    STOPPED = "stopped"
    RATE = "rate"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """Of one call until now. `drift_ppm`: the modem's clock against ours; `round_trip_s`: to the phone and back. None
    where not known (yet)."""

    drift_ppm: float | None = None
    concealed_s: float = 0.0
    skipped_s: float = 0.0
    stalls: int = 0
    trouble: Trouble = Trouble.NONE
    round_trip_s: float | None = None

    def __str__(self) -> str:
        drift = "-" if self.drift_ppm is None else f"{self.drift_ppm:g}"
        took = "-" if self.round_trip_s is None else f"{self.round_trip_s:.3f}"
        lost = f"concealed_s={self.concealed_s:.2f} skipped_s={self.skipped_s:.2f} stalls={self.stalls}"
        return f"drift_ppm={drift} {lost} trouble={self.trouble or 'none'} round_trip_s={took}"


class Sounding(Protocol):
    """What a modem has of sound: None before the call has any, and while the modem is mended; another one after it."""

    @property
    def sound(self) -> Sound | None: ...


class ModemEnd:
    """A modem's sound as a source and a sink of frames. Each of the two is to be asked once in 20 ms."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.trouble = Trouble.NONE
        self._in = Inflow(sound.rate_hz)
        self._out = Outflow(self._in.clock, sound.rate_hz)
        self._heard, self._said = Level(), Level()
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._last_sound = self._began
        self._task = asyncio.create_task(self._read())

    def pull(self, now: float) -> bytes:
        """What is heard there; silence where nothing came."""
        frame = self._in.pull(now)
        if frame != SILENCE:
            self._last_sound = now
            frame = self._heard.of(frame)
        self._judge(now)
        return frame

    def push(self, frame: bytes, now: float) -> None:
        """What is said there."""
        if self.sound.ready and (data := self._out.push(self._said.of(frame), now)):
            self.sound.write(data)

    def status(self) -> SoundStatus:
        counts, clock = self._in.counts, self._in.clock
        drift = clock.drift_ppm
        return SoundStatus(
            None if drift is None else round(drift, 1),
            counts.concealed / RATE_HZ,
            counts.skipped / RATE_HZ,
            counts.stalls,
            self.trouble,
        )

    def close(self) -> None:
        self._task.cancel()

    async def _read(self) -> None:
        while data := await self.sound.read():
            self._in.push(data, self._loop.time())

    def _judge(self, now: float) -> None:
        clock = self._in.clock
        off = clock.off_ppm
        if now - (clock.last_at or self._began) > STOPPED_S:
            self.trouble = Trouble.STOPPED
        elif off is not None and abs(off) > RATE_PPM:
            self.trouble = Trouble.RATE
        elif now - self._last_sound > SILENT_S:
            self.trouble = Trouble.SILENT
        else:
            self.trouble = Trouble.NONE


class Sounds:
    """The places of the process, for all calls; `here` as of `Places`."""

    def __init__(self, *, here: bool = False) -> None:
        self._places = Places(beside=True, here=here)

    def towards(self, offered: bytes) -> CallSound:
        """For a call that came, at the address of ours by which its sound is reached. Raises NoPlace."""
        return CallSound(self._places.take(offered))

    def at(self, address: str) -> CallSound:
        """For a call of ours. Raises NoPlace."""
        return CallSound(self._places.at(address))

    def close(self) -> None:
        self._places.close()


class CallSound:
    """One call's. It is made of a place that it closes."""

    def __init__(self, place: Place) -> None:
        self.pressed: Callable[[str], None] = lambda key: None
        self.began: Callable[[], None] = lambda: None
        self._place = place
        self._modem: Sounding | None = None
        self._end: ModemEnd | None = None  # of its sound, while it has any
        self._is_up = self._is_heard = False
        self._loud_s = 0.0  # at a stretch, before the answer
        self._status = SoundStatus()
        self._player: Player | None = None
        self._played = asyncio.Event()
        self._faulty = False  # and said so
        self._tasks = [asyncio.create_task(self._turn()), asyncio.create_task(self._press())]

    # ---- what is agreed on

    def answer(self, offered: bytes) -> bytes:
        """Ours; empty where there is nothing in common."""
        return self._place.answer(offered)

    def offer(self) -> bytes:
        return self._place.offer()

    def agreed(self, answered: bytes) -> bool:
        """The answer to our last offer. False: there is nothing in common."""
        return self._place.agreed(answered)

    # ---- who is joined to whom

    def overhear(self, modem: Sounding) -> None:
        """Before the answer: the network is heard once it gives more than silence, of which `began` is told; nothing is
        said there."""
        self.part()
        self._modem, self._is_up, self._is_heard, self._loud_s = modem, False, False, 0.0

    def join(self, modem: Sounding) -> None:
        """From now the two sides hear each other, as far as the modem has sound."""
        self.part()
        self._modem, self._is_up, self._is_heard = modem, True, True

    def part(self) -> None:
        """The modem's call is over; the SIP side hears only what is played."""
        self._modem = None
        self._look()

    async def play(self, clips: Sequence[Clip]) -> None:
        """To the SIP side, instead of what the modem says; returns at its end, or when something else is played."""
        self._played.set()
        self._player, self._played = Player(clips), asyncio.Event()
        await self._played.wait()

    def press(self, key: str) -> None:
        """A key to the SIP side, as an event; nothing to one that takes none: it hears the tone itself."""
        if self._place.leg is not None:
            with contextlib.suppress(ValueError):
                self._place.leg.press(key)

    def status(self) -> SoundStatus:
        """Of the modem that is joined, or was last."""
        if self._end is not None:
            self._status = self._end.status()
        leg = self._place.leg
        return replace(self._status, round_trip_s=None if leg is None else leg.round_trip_s)

    def close(self) -> None:
        """Once; says BYE by RTCP, and lets the ports go."""
        self.part()
        self._played.set()
        for task in self._tasks:
            task.cancel()
        self._place.close()

    async def _turn(self) -> None:
        async for now in turns():
            try:
                self._step(now)
            except Exception:  # one frame's; silence for good would be the call's
                if not self._faulty:
                    self._faulty = True
                    log.exception("rvx-event kind=fault of=sound")

    def _step(self, now: float) -> None:
        said = self._place.heard(now)
        heard = None
        self._look()
        if self._end is not None:
            if said and self._is_up:
                self._end.push(said, now)
            before, heard = self._end.trouble, self._end.pull(now)
            if not self._is_heard:
                heard = self._early(heard)
            elif self._is_up and self._end.trouble is not before:
                log.warning("rvx-event kind=modem_sound trouble=%s", self._end.trouble or "none")
        if self._player is not None:
            heard = self._player.pull(now)
            if heard is None:
                self._player = None
                self._played.set()
                return
        if heard is not None:
            self._place.say(heard)

    def _early(self, frame: bytes) -> bytes | None:
        self._loud_s = self._loud_s + FRAME_S if loudness(frame) >= EARLY_LOUD else 0.0
        if self._loud_s < EARLY_S:
            return None
        self._is_heard = True
        self.began()
        return frame

    def _look(self) -> None:
        """The end of the sound that the modem has now."""
        sound = None if self._modem is None else self._modem.sound
        if self._end is not None and self._end.sound is not sound:
            if self._is_up:
                log.info("rvx-event kind=modem_sound %s", self.status())
            self._end.close()
            self._end = None
        if sound is not None and self._end is None:
            self._end = ModemEnd(sound)

    async def _press(self) -> None:
        """Keys that are in the sound go with it: the other side must not hear them twice."""
        while True:
            key = await self._place.keys.get()
            if not self._place.keys_in_sound:
                self.pressed(key)


async def heard_tone(sound: Sound, hz: int, *, least_s: float, within_s: float, saying_hz: int | None = None) -> bool:
    """Whether a modem's call gives a tone for so long in all, within a time, while another is said there: the proof
    of a way out."""
    end, heard_s = ModemEnd(sound), 0.0
    said = None if saying_hz is None else sine(saying_hz)
    try:
        async with asyncio.timeout(within_s):
            async for now in turns():
                end.push(SILENCE if said is None else next(said), now)
                heard_s += FRAME_S * holds(end.pull(now), hz)
                if heard_s >= least_s:
                    return True
    except TimeoutError:
        pass
    finally:
        end.close()
    return False
