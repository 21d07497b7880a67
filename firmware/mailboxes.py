"""Mailboxes as `calls` serves them: what lies in one, what its owner does with it, and the sounds of both, messages and
greetings; the shell over firmware/store/mailbox.py for callcontrol/voicemail.py.

A greeting is recorded into a file of its own, closed and synced, and only then its row says that it is used. What
nobody has decided to use is gone at the next start at the latest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TypeVar

from callcontrol.leaving import QUIET
from callcontrol.media.pcm import frames, loudness
from callcontrol.media.recorder import Recorder, read_recording
from callcontrol.media.sounds import Clip
from callcontrol.voicemail import Deed, Mine, Note, What
from firmware.messages import Kept, Recording
from firmware.paths import Paths
from firmware.recordings import Recordings, new_name, recording_of
from firmware.store.mailbox import Greeting, GreetingKind, Mailbox, Settings

__all__ = ["GREETING_MAX_S", "Mailboxes"]

GREETING_MAX_S = 60.0
GREETINGS_MAX = 20_000
BYTES_MAX = 1 << 30
"""Of all greetings."""
CLIPS_MAX = 8
"""Greetings that are kept in memory, those that were heard last: each is a megabyte and more."""

LEFT_FRAMES = 10
"""Of silence before and after what was said."""

T = TypeVar("T")


class Mailboxes(Recordings[Mailbox]):
    """What cannot be done or read is said (False, None) and logged; nothing raises."""

    def __init__(self, paths: Paths) -> None:
        self._messages = paths.messages
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        super().__init__("mailboxes", paths.greetings, paths.journal, Mailbox)

    async def mine(self, extension: str) -> Mine | None:
        """A mailbox as it is now."""
        return await self._in_thread(lambda: self._mine(extension))

    async def do(
        self, extension: str, deed: Deed, by: str, recording: Recording | None, until: datetime | None
    ) -> bool:
        """`recording`: the greeting that was recorded last; `until`: of a temporary one."""
        return bool(await self._in_thread(lambda: self._do_deed(extension, deed, by, recording, until)))

    async def message(self, extension: str, name: str) -> Clip | None:
        """Its sound, without the silence around it."""
        return await self._in_thread(lambda: self._message(extension, name))

    async def greeting(self, extension: str) -> Clip | None:
        """What callers hear now, where something was recorded."""
        return await self._in_thread(lambda: self._greeting(extension))

    async def room(self) -> bool:
        """Whether one more greeting may be recorded."""
        return bool(await self._in_thread(lambda: self._has_room(BYTES_MAX, GREETINGS_MAX)))

    def record(self) -> Recording:
        """A greeting, where there is `room`; when it is finished it is on the disk, and nothing more."""
        recorder = Recorder(self._path(new_name()), self._disk)
        return Recording(recorder, lambda one, closed: self._thread.submit(self._recorded, one, closed), GREETING_MAX_S)

    async def recorded(self, recording: Recording) -> Clip | None:
        """How that sounds."""
        return await self._in_thread(lambda: _clip(read_recording(recording.recorder.path)))

    # ---- in the thread

    async def _in_thread(self, work: Callable[[], T | None]) -> T | None:
        return await asyncio.wrap_future(self._thread.submit(self._safely, work, None))

    def _mine(self, extension: str) -> Mine:
        store = self._opened()
        kinds = {
            each.kind for each in store.greetings(extension) if each.until is None or _now() < each.until
        }  # one whose time is over is none
        return Mine(
            notes=tuple(
                Note(id=held.id, caller=held.caller, left_at=held.left_at, heard=held.heard_at is not None)
                for held in store.of(extension)
            ),
            personal=GreetingKind.PERSONAL in kinds,
            temporary=GreetingKind.TEMPORARY in kinds,
            takes_messages=store.settings(extension).takes_messages,
        )

    def _do_deed(
        self, extension: str, deed: Deed, by: str, recording: Recording | None, until: datetime | None
    ) -> bool:
        store, now = self._opened(), _now()
        match deed.what:
            case What.HEARD:
                store.heard(extension, deed.message, by, now)
            case What.KEEP:
                store.keep(extension, deed.message, by, now)
            case What.DISCARD:
                store.discard(extension, deed.message, by, now)
            case What.USE_PERSONAL | What.USE_TEMPORARY:
                return recording is not None and self._use(extension, deed.what, by, recording, until)
            case What.FORGET_RECORDING:
                if recording is not None:
                    recording.recorder.path.unlink(missing_ok=True)
            case What.END_TEMPORARY:
                self._unused(store.end_greeting(extension, GreetingKind.TEMPORARY, by, now))
            case What.END_PERSONAL:
                self._unused(store.end_greeting(extension, GreetingKind.PERSONAL, by, now))
            case What.TAKE_MESSAGES | What.TAKE_NONE:
                takes = deed.what is What.TAKE_MESSAGES
                store.set(extension, Settings(takes_messages=takes, mail=store.settings(extension).mail), by, now)
        return True

    def _use(self, extension: str, what: What, by: str, recording: Recording, until: datetime | None) -> bool:
        name, temporary = recording.recorder.path.stem, what is What.USE_TEMPORARY
        if recording.recorder.failed is not None:
            return False
        greeting = Greeting(
            extension=extension, kind=GreetingKind.TEMPORARY if temporary else GreetingKind.PERSONAL, id=name,
            length_ms=self._length_ms(name), until=until if temporary else None, set_at=_now(), set_by=by,
        )  # fmt: skip
        self._unused(self._opened().greet(greeting))
        return True

    def _unused(self, name: str | None) -> None:
        if name is not None:
            self._clips.pop(name, None)
            self._path(name).unlink(missing_ok=True)

    def _message(self, extension: str, name: str) -> Clip | None:
        held = self._opened().one(extension, name)
        return None if held is None else _clip(read_recording(recording_of(self._messages, held.id)))

    def _greeting(self, extension: str) -> Clip | None:
        greeting = self._opened().greeting(extension, _now())
        if greeting is None:
            return None
        if greeting.id not in self._clips:
            self._clips[greeting.id] = _clip(read_recording(self._path(greeting.id)))
            if len(self._clips) > CLIPS_MAX:
                self._clips.popitem(last=False)
        self._clips.move_to_end(greeting.id)
        return self._clips[greeting.id]

    def _recorded(self, recording: Recording, closed: Future[object]) -> Kept:
        closed.result()
        if recording.leaving.is_message and recording.recorder.failed is None:
            return Kept.YES
        with contextlib.suppress(OSError):
            recording.recorder.path.unlink(missing_ok=True)
        return Kept.LOST if recording.leaving.is_message else Kept.NO_MESSAGE

    def _recover(self) -> None:
        used = self._opened().all_greetings()
        for path in self._folder.glob(recording_of(self._folder, "*").name):
            if path.stem not in used and path.is_file() and not path.is_symlink():
                path.unlink()


def _clip(sound: bytes) -> Clip:
    """Without the silence at both ends, but for a little; looked at from the ends, as it may be minutes long."""
    found = list(frames(sound))
    loud = (place for place, frame in enumerate(found) if loudness(frame) >= QUIET)
    first = next(loud, len(found))
    after = next((at for at in range(len(found), first, -1) if loudness(found[at - 1]) >= QUIET), first)
    return Clip(b"".join(found[max(first - LEFT_FRAMES, 0) : after + LEFT_FRAMES]))


def _now() -> datetime:
    return datetime.now(UTC)
