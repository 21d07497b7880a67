"""Messages that callers leave: their sound, its row, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from callcontrol.media.g711 import alaw_decode, alaw_encode
from callcontrol.media.pcm import FRAME_BYTES
from callcontrol.media.recorder import HEADER_BYTES, mend, read_recording
from callcontrol.media.tones import Tone, tone_pcm
from firmware.messages import Kept, Messages
from firmware.paths import Paths
from firmware.recordings import BYTES_A_MS
from hil.storework.part import Left, Part, Told

__all__ = ["DELETING", "Speaking", "leave"]

SPOKEN = [tone_pcm(Tone.RECORDING)[1][:FRAME_BYTES]] * 45
"""Of a message: a second, less a little."""
READ_BACK = alaw_decode(b"".join(map(alaw_encode, SPOKEN)))
"""As A-law gives it back."""
DELETING = "9001"
"""Whose message is deleted (archiving.py)."""


class Speaking(Part):
    found: ClassVar = {"message": "SELECT 1 FROM message WHERE id = ? AND length_ms IS NOT NULL"}
    outbox: ClassVar = {"message": "SELECT id FROM message WHERE length_ms IS NOT NULL"}

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._messages = Messages(Paths(folder))
        self.open.callback(self._messages.close)
        self._messages.recovered.result()

    def round(self, number: int, now: datetime) -> None:
        self.told("message", leave(self._messages, "1001", f"call{number}"))

    @classmethod
    def recovered(cls, folder: Path, now: datetime) -> None:
        messages = Messages(Paths(folder))
        messages.recovered.result()
        messages.close()

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """Sound that was promised and is not whole, files and rows without each other, headers that say what is not
        so."""
        promised = left.names("message")
        rows = dict(left.journal.execute("SELECT id, length_ms FROM message"))
        deleting = {name for (name,) in left.journal.execute("SELECT id FROM message WHERE extension = ?", (DELETING,))}
        files = {path.stem: path for path in (left.folder / "messages").glob("*.wav")}
        if rows.keys() - deleting != files.keys() - deleting:  # sound goes before its row
            yield f"messages: rows {sorted(rows)}, files {sorted(files)}"
        for name, path in files.items():
            if name in promised and read_recording(path) != READ_BACK:
                yield f"message {name}: not what was said"
            if mend(path) or rows.get(name) != (path.stat().st_size - HEADER_BYTES) // BYTES_A_MS:
                yield f"message {name}: {rows.get(name)} ms, {path.stat().st_size} bytes"


def leave(messages: Messages, extension: str, call: str) -> str:
    """One message, kept; its name."""
    recording = messages.begin(extension, "1002", call, "busy")
    for frame in SPOKEN:
        recording.push(frame)
    if recording.finish().result() is not Kept.YES:
        raise AssertionError("a message that was not kept")
    return recording.recorder.path.stem
