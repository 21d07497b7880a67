"""Sound of messages, threats and greetings, sent before the row that names it: by its SHA-256, in pieces, from where it
was cut."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware.paths import Paths, recording_of
from firmware.sync.client import Client, Refused, Unreached
from firmware.sync.sending import Pace
from firmware.sync.wire import SOUND_PIECE_MAX

__all__ = ["Sound", "send_sound", "sound_of"]

LEAST_PIECE = 8 << 10
BEGUN_ANEW_MAX = 3


@dataclass(frozen=True, slots=True)
class Sound:
    file: Path
    sha256: str
    bytes: int


def sound_of(paths: Paths, kind: str, body: str) -> Sound | None:
    """What a row of the outbox names; None where it names none, or that is deleted. Raises OSError."""
    folder = {"message": paths.messages, "threat": paths.threats, "greeting": paths.greetings}.get(kind)
    if folder is None:
        return None
    told = json.loads(body)
    name = told.get("id")
    if not isinstance(name, str) or not name.isalnum() or "deleted" in told or "ended" in told:
        return None
    file = recording_of(folder, name)
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256")
            size = opened.tell()
            return Sound(file, found.hexdigest(), size) if size else None
    except FileNotFoundError:
        return None


async def send_sound(client: Client, sound: Sound, stop: Callable[[], bool]) -> bool:
    """All of it; False: `stop` said that something else comes first. Raises Unreached, Refused, OSError."""
    path, loop = f"/v1/sound/{sound.sha256}", asyncio.get_running_loop()
    pace, anew = Pace(), 0
    try:
        offset = _offset((await client.ask("HEAD", path)).headers.get("Upload-Offset", ""), sound)
    except Refused as refused:
        if refused.error != "not_found" and refused.status != 404:
            raise
        offset = 0
    while offset < sound.bytes:
        if stop():
            return False
        size = max(LEAST_PIECE, min(SOUND_PIECE_MAX, pace.bytes))
        piece = await asyncio.to_thread(_piece, sound.file, offset, size)
        if not piece:
            raise OSError(f"{sound.file.name} is shorter than it was")
        headers = {
            "Upload-Offset": str(offset), "Upload-Length": str(sound.bytes),
            "Content-Type": "application/offset+octet-stream",
        }  # fmt: skip
        began = loop.time()
        try:
            answer = await client.ask("PATCH", path, data=piece, headers=headers)
        except Refused as refused:
            if refused.error == "offset" and refused.offset is not None:
                again = _offset(str(refused.offset), sound)
            elif refused.error == "hash":
                again = 0
            else:
                raise
            anew += again <= offset
            if anew > BEGUN_ANEW_MAX:
                raise Unreached("not_understood", f"{path[:20]}…: begun anew too often") from None
            offset = again
            continue
        pace = pace.went(len(piece), loop.time() - began)
        offset = _offset(answer.headers.get("Upload-Offset", str(offset + len(piece))), sound)
    return True


def _offset(text: str, sound: Sound) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) <= sound.bytes):
        raise Unreached("not_understood", "Upload-Offset is no number within it")
    return int(text)


def _piece(file: Path, offset: int, size: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read(size)
