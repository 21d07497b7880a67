"""Voicemail being left, listened to and greeted for, for a power cut to fall into; each promise is acknowledged on
standard output when it is made (hil/powercut.py).

``python -m hil.voicemailwork FOLDER [--unsafe nosync|early]``: with a fault planted, which the replay must find. While
somebody speaks what is promised is that no more than a second is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from callcontrol.media.g711 import alaw_decode, alaw_encode
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S
from callcontrol.media.recorder import GATHERED_FRAMES, Disk, read_recording
from callcontrol.media.tones import Tone, tone_pcm
from callcontrol.voicemail import Deed, What
from firmware.mailboxes import Mailboxes
from firmware.messages import Kept, Messages, Recording
from firmware.paths import Paths
from firmware.recordings import recording_of
from firmware.store.mailbox import Mailbox
from firmware.store.messages import MessageRows

__all__ = ["check", "main"]

OWNER, CALLER = "1001", "1002"
ROUNDS = 3
FRAMES = 130
"""Of a message; told of every few."""
TOLD_FRAMES = 10
LOST_FRAMES = round(1.0 / FRAME_S)
LEAST_FRAMES = round(0.5 / FRAME_S)
"""Less is no message (callcontrol/leaving.py)."""
FRAME = tone_pcm(Tone.RECORDING)[1][:FRAME_BYTES]
READ_BACK = alaw_decode(alaw_encode(FRAME))


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.voicemailwork")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--unsafe", choices=["nosync", "early"], default="")
    args = parser.parse_args(words)
    if args.unsafe == "nosync":
        os.fsync = os.fdatasync = lambda fd: None
    asyncio.run(_work(args.folder, early=args.unsafe == "early"))
    return 0


async def _work(folder: Path, *, early: bool) -> None:
    paths = Paths(folder)
    messages, mailboxes = Messages(paths), Mailboxes(paths)
    for each in (messages, mailboxes):
        await asyncio.wrap_future(each.recovered)
    for number in range(ROUNDS):
        recording = messages.begin(OWNER, CALLER, f"call{number}", "busy")
        name = recording.recorder.path.stem
        for count in range(1, FRAMES + 1):
            recording.push(FRAME)
            if count % GATHERED_FRAMES == 0:
                await _written(messages._disk)
            if count % TOLD_FRAMES == 0:
                _told("spoken", name, count)
        if await asyncio.wrap_future(recording.finish()) is not Kept.YES:
            raise AssertionError("a message that was not kept")
        _told("message", name, FRAMES)
        for what in (What.HEARD, What.KEEP, What.DISCARD)[: number + 1]:
            await _do(mailboxes, Deed(what, name), None)
            _told(what.name.lower(), name, 0)
        greeting = mailboxes.record()
        for count in range(1, FRAMES + 1):
            greeting.push(FRAME)
            if count % GATHERED_FRAMES == 0:
                await _written(mailboxes._disk)
            if early and count == GATHERED_FRAMES:
                await _use(mailboxes, greeting)
        await asyncio.wrap_future(greeting.finish())
        if not early:
            await _use(mailboxes, greeting)
    for each in (messages, mailboxes):
        each.close()


async def _use(mailboxes: Mailboxes, greeting: Recording) -> None:
    await _do(mailboxes, Deed(What.USE_PERSONAL), greeting)
    _told("greeting", greeting.recorder.path.stem, FRAMES)


async def _do(mailboxes: Mailboxes, deed: Deed, recording: Recording | None) -> None:
    if not await mailboxes.do(OWNER, deed, OWNER, recording, None):
        raise AssertionError(f"{deed} was not done")


async def _written(disk: Disk) -> None:
    """As in a call, in which half a second passes meanwhile."""
    await asyncio.wrap_future(disk.finish(lambda: None))


def check(folder: Path, acknowledged: Iterable[bytes]) -> list[str]:
    """What is lost, or half done, on a disk that a cut left, once the unit has started again."""
    promised = [tuple(json.loads(line)) for line in acknowledged]
    paths = Paths(folder)
    try:
        for begin in (Messages, Mailboxes):
            started = begin(paths)
            started.recovered.result()
            started.close()
        with closing(MessageRows.open(paths.journal)) as rows, closing(Mailbox.open(paths.journal)) as store:
            return [*_of_messages(paths, rows, store, promised), *_of_greetings(paths, store, promised)]
    except (OSError, sqlite3.Error, ValueError) as error:
        return [f"not opened: {error}"]


def _of_messages(
    paths: Paths, rows: MessageRows, store: Mailbox, promised: list[tuple[str, str, int]]
) -> Iterable[str]:
    spoken = {name: count for kind, name, count in promised if kind == "spoken"}
    whole = {name for kind, name, _ in promised if kind == "message"}
    there = rows.all()
    for name, count in spoken.items():
        least = FRAMES if name in whole else count - LOST_FRAMES
        if least < LEAST_FRAMES:
            continue
        if name not in there or there[name].length_ms is None:
            yield f"message {name}: gone, of {count} frames"
        elif (found := _frames(paths.messages, name)) < least:
            yield f"message {name}: {found} frames of {count}"
    held = {each.id: each for each in store.of(OWNER)}
    for kind, name, _ in promised:
        gone = name not in held
        if (kind == "discard" and not gone) or (kind in ("heard", "keep") and gone and not _discarding(store, name)):
            yield f"{kind} {name}: {'there' if not gone else 'not there'}"
        elif kind in ("heard", "keep") and not gone:
            at = held[name].heard_at if kind == "heard" else held[name].kept_at
            if at is None:
                yield f"{kind} {name}: not any more"
    for name, message in there.items():
        if message.length_ms is None or not recording_of(paths.messages, name).exists():
            yield f"message {name}: a row without sound"


def _discarding(store: Mailbox, name: str) -> bool:
    """What is being put away may be so before that is acknowledged."""
    sql = "SELECT 1 FROM outbox WHERE kind = 'message_state' AND body LIKE '%discarded_at%' AND body LIKE ?"
    return store._db.execute(sql, (f"%{name}%",)).fetchone() is not None


def _of_greetings(paths: Paths, store: Mailbox, promised: list[tuple[str, str, int]]) -> Iterable[str]:
    used = [name for kind, name, _ in promised if kind == "greeting"]
    now = store.greetings(OWNER)
    if used and not now:
        yield f"greeting {used[-1]}: gone"
    if used and now and now[0].id in used[:-1]:
        yield f"greeting {used[-1]}: the one before it is used"
    for greeting in now:
        try:
            if (found := _frames(paths.greetings, greeting.id)) != FRAMES:
                yield f"greeting {greeting.id}: {found} frames"
        except (OSError, ValueError) as error:
            yield f"greeting {greeting.id}: {error}"
    files = {path.stem for path in paths.greetings.glob("*.wav")}
    if files - {greeting.id for greeting in now}:
        yield "greetings that nobody uses"


def _frames(folder: Path, name: str) -> int:
    """Of what was said, from its beginning."""
    sound = read_recording(recording_of(folder, name))
    count = len(sound) // FRAME_BYTES
    return next((at for at in range(count) if sound[at * FRAME_BYTES : (at + 1) * FRAME_BYTES] != READ_BACK), count)


def _told(kind: str, name: str, count: int) -> None:
    os.write(sys.stdout.fileno(), json.dumps([kind, name, count]).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
