"""Rooms of sound: each leg that passes the unit has a place, and all in one room hear each other.

A shell over callcontrol.media. Two who need nothing of the room are joined as they are (callcontrol/media/joint.py):
unopened where both have one codec. Any other room keeps the time itself, and mixes (callcontrol/media/room.py)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from callcontrol.call import End, Said
from callcontrol.media.events import Press
from callcontrol.media.joint import Joint
from callcontrol.media.pace import turns
from callcontrol.media.pcm import FRAME_S, Source
from callcontrol.media.room import Room
from callcontrol.media.sounds import Clip, Music, Player
from callcontrol.media.tones import Tone, ToneSource
from firmware.places import NoPlace, Place, Places

__all__ = ["MIXED_MAX", "Mixing"]

MIXED_MAX = 40
"""Legs in rooms at a time, of all places: mixed, each costs a 50th of a core."""
AGAIN_S = 1.0
"""After a fault a room is mixed again."""
_INTRUSION_FRAMES = round(0.8 / FRAME_S)
"""Two tones of 300 ms with 100 ms after each."""
_FRAMES = {Said.JOINED: 10, Said.LEFT: 5, Said.LAST: 50}
_TONES = {
    Said.JOINED: Tone.WAITING,
    Said.LEFT: Tone.WAITING,
    Said.LAST: Tone.CONGESTION,
    Said.INTRUSION: Tone.INTRUSION,
}

log = logging.getLogger("rvx")


class Mixing:
    """What `call.Switch` knows as `Through`."""

    def __init__(self, places: Places, music: Music) -> None:
        self._places = places
        self._music = music
        self._rooms: dict[str, _Sounding] = {}

    def join(self, room: str, leg: str, towards: bytes, *, intrudes: bool = False) -> End | None:
        if sum(len(one.places) for one in self._rooms.values()) >= MIXED_MAX:
            log.warning("rvx-event kind=rooms_full")
            return None
        try:
            place = self._places.take(towards)
        except NoPlace as why:
            log.warning("rvx-event kind=unspoken why=%s", str(why).replace(" ", "_"))
            return None
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = _Sounding(self._music.player(asyncio.get_running_loop().time()))
        found.join(leg, place, _INTRUSION_FRAMES if intrudes else 0)
        return _Way(place, found.judge)

    def leave(self, room: str, leg: str) -> None:
        found = self._rooms.get(room)
        if found is not None:
            found.leave(leg)
            if not found.places:
                found.close()
                del self._rooms[room]

    def say(self, room: str, what: Said) -> None:
        found = self._rooms.get(room)
        if found is not None:
            found.say(ToneSource(_TONES[what], _FRAMES.get(what)))

    def break_in(self, clips: Sequence[Clip]) -> int:
        """All in all rooms hear that over each other; how many they are."""
        for room in self._rooms.values():
            room.say(Player(clips))
        return sum(place.leg is not None for room in self._rooms.values() for place in room.places.values())

    def keep(self, room: str, sink: Callable[[bytes], object], closed: Callable[[], object]) -> bool:
        """All that is heard there goes to `sink`; `closed` is told when that is over. False: nobody is there."""
        found = self._rooms.get(room)
        if found is None:
            return False
        found.keep(sink, closed)
        return True

    def close(self) -> None:
        for room in self._rooms.values():
            room.close()
        self._rooms.clear()


class _Way:
    """A place whose room is told when something was agreed on there."""

    def __init__(self, place: Place, judge: Callable[[], None]) -> None:
        self._place = place
        self._judge = judge

    def answer(self, offered: bytes) -> bytes:
        answered = self._place.answer(offered)
        self._judge()
        return answered

    def offer(self, *, secure: bool = False) -> bytes:
        return self._place.offer(secure=secure)

    def agreed(self, answered: bytes) -> bool:
        agreed = self._place.agreed(answered)
        self._judge()
        return agreed


class _Sounding:
    """One room: by a joint, or by a task that mixes."""

    def __init__(self, alone: Source) -> None:
        self.places: dict[str, Place] = {}
        self._room = Room(alone)
        self._joint: Joint | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed: Callable[[], object] | None = None

    def join(self, leg: str, place: Place, after_frames: int) -> None:
        self.places[leg] = place
        place.on_press = partial(self._press, place)
        self._room.join(leg, after_frames)
        self.judge()

    def leave(self, leg: str) -> None:
        place = self.places.pop(leg, None)
        if place is not None:
            self._room.leave(leg)
            self._part()
            place.close()
            self.judge()

    def say(self, source: Source) -> None:
        self._room.say(source)
        self.judge()

    def keep(self, sink: Callable[[bytes], object], closed: Callable[[], object]) -> None:
        self._room.keep(sink)
        self._closed = closed
        self.judge()

    def judge(self) -> None:
        """Who hears whom, and how, as it is now."""
        if self._are_left_to_each_other:
            if self._joint is not None:
                self._joint.agreed()
                return
            self._still()
            one, other = self.places.values()
            self._joint = Joint(one.wire, other.wire)
            return
        self._part()
        if self._task is None and any(place.leg is not None for place in self.places.values()):
            self._task = asyncio.create_task(self._mix())
            self._task.add_done_callback(self._mixed)

    def close(self) -> None:
        self._part()
        self._still()
        for place in self.places.values():
            place.close()
        self.places.clear()
        if self._closed is not None:
            self._closed()

    @property
    def _are_left_to_each_other(self) -> bool:
        places = self.places.values()
        talk = all(place.leg is not None and not place.holds for place in places)
        return len(places) == 2 and talk and not self._room.speaks

    def _press(self, by: Place, press: Press, step: int) -> None:
        """While it is mixed here; a joint sees to keys itself."""
        for place in self.places.values():
            if place is not by:
                place.give(press, step)

    def _part(self) -> None:
        if self._joint is not None:
            self._joint.close()
            self._joint = None
            for place in self.places.values():
                place.take_back()

    def _still(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _mixed(self, task: asyncio.Task[None]) -> None:
        """A fault leaves nobody in silence: it is begun anew."""
        if task.cancelled() or (fault := task.exception()) is None:
            return
        log.error("rvx-event kind=fault of=room", exc_info=fault)
        if self._task is task:
            self._task = None
            asyncio.get_running_loop().call_later(AGAIN_S, self.judge)

    async def _mix(self) -> None:
        async for now in turns():
            said = {name: place.heard(now) for name, place in self.places.items()}
            hold = [name for name, place in self.places.items() if place.holds]
            heard = self._room.step(said, now, hold)
            for name, frame in heard.items():
                self.places[name].say(frame)
            if self._are_left_to_each_other:
                self._task = None
                self.judge()
                return
