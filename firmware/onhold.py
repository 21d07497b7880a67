"""Music for who waits: a place of its own for each leg, until it talks again. What `call.Switch` knows as `Sound`.

All hear the same place of the music, as from a radio. What phones speak most is encoded when it is loaded; for another
codec each frame is encoded as it is sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callcontrol.call.joining import is_secure
from callcontrol.media.codecs import format_of
from callcontrol.media.sounds import Clip, Music
from callcontrol.sip.sdp import Direction
from firmware.places import NoPlace, Place, Places

__all__ = ["OnHold", "music_of"]

USUAL = "PCMA"

log = logging.getLogger("rvx")


@dataclass(eq=False)
class _Waiting:
    place: Place
    task: asyncio.Task[None] | None = None


class OnHold:
    def __init__(self, places: Places, music: Music) -> None:
        self._places = places
        self._music = music
        self._waiting: dict[str, _Waiting] = {}

    def offer(self, leg: str, towards: bytes) -> bytes:
        waiting = self._take(leg, towards)
        return b"" if waiting is None else waiting.place.offer(Direction.SENDONLY, secure=is_secure(towards))

    def agreed(self, leg: str, body: bytes) -> None:
        waiting = self._waiting.get(leg)
        if waiting is not None and waiting.place.agreed(body):
            self._play(waiting)

    def answer(self, leg: str, offered: bytes) -> bytes:
        waiting = self._take(leg, offered)
        body = b"" if waiting is None else waiting.place.answer(offered)
        if waiting is not None and body:
            self._play(waiting)
        return body

    def close(self, leg: str) -> None:
        waiting = self._waiting.pop(leg, None)
        if waiting is not None:
            if waiting.task is not None:
                waiting.task.cancel()
            waiting.place.close()

    def break_in(self, clips: Sequence[Clip]) -> int:
        """All who wait hear that now, then music again; how many they are."""
        hearing = [waiting for waiting in self._waiting.values() if waiting.task is not None]
        for waiting in hearing:
            self._play(waiting, clips)
        return len(hearing)

    def close_all(self) -> None:
        for leg in list(self._waiting):
            self.close(leg)

    def _take(self, leg: str, towards: bytes) -> _Waiting | None:
        if leg not in self._waiting:
            try:
                self._waiting[leg] = _Waiting(self._places.take(towards))
            except NoPlace as why:
                log.warning("rvx-event kind=unspoken why=%s", str(why).replace(" ", "_"))
        return self._waiting.get(leg)

    def _play(self, waiting: _Waiting, first: Sequence[Clip] = ()) -> None:
        """From now on by what was agreed on now."""
        if waiting.task is not None:
            waiting.task.cancel()
        waiting.task = asyncio.create_task(self._heard(waiting.place, first))

    async def _heard(self, place: Place, first: Sequence[Clip]) -> None:
        if first:
            await place.play(first)
        await place.music(self._music)


def music_of(folder: str) -> Music:
    """The files of a folder, else the built-in tune; ready to be played. Blocks."""
    music = Music()
    if folder:
        try:
            music = Music.of(Path(folder))
        except (ValueError, OSError) as error:
            log.warning("rvx-event kind=recording_unused why=%s", str(error).replace(" ", "_"))
    usual = format_of(USUAL)
    assert usual is not None
    music.encode(usual)
    return music
