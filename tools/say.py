"""``rvx say``: what a caller would hear, played or written to a file."""

import argparse
import asyncio
import io
import shutil
import subprocess
import wave
from pathlib import Path

from callcontrol.media.pcm import RATE_HZ, SAMPLE_BYTES
from callcontrol.media.sounds import joined
from callcontrol.media.speech import Speaker, SpeechError
from callcontrol.media.voice import Voice, load_recordings, pieces_of
from tools.errors import DONE, UserError
from tools.output import Output

__all__ = ["run"]

_PLAYERS = (("aplay", "-q"), ("pw-play",), ("paplay",))
"""The first that is there plays the file that is named last."""


def run(args: argparse.Namespace) -> int:
    """Exit code 0, also where a recording is not used; that is told."""
    out = Output.of(args)
    language = "en" if args.english else "sv"
    recordings = load_recordings(Path(args.recordings) if args.recordings else None)
    sentence = pieces_of(" ".join(args.text), language)
    try:
        clips = asyncio.run(Voice(recordings, Speaker()).say([sentence], language, strict=True))
    except SpeechError as error:
        raise UserError("RVX-M02", f"{error}.") from error
    clip = joined(clips)
    wav = _wav(clip.pcm)
    if args.out:
        try:
            Path(args.out).write_bytes(wav)
        except OSError as error:
            raise UserError("RVX-M03", f"{args.out}: {error.strerror}.") from error
    elif not out.json:
        _play(wav)
    pieces = [
        {"text": piece.text, "phrase": piece.key, "recorded": recordings.of(piece, language) is not None}
        for piece in sentence
    ]
    if out.json:
        problems = [{"id": "RVX-M04", "severity": "warn", "observed": fault} for fault in recordings.faults]
        seconds = round(len(clip.pcm) / RATE_HZ / SAMPLE_BYTES, 2)
        out.document("ok", problems, language=language, seconds=seconds, out=args.out, pieces=pieces)
        return DONE
    for fault in recordings.faults:
        out.note(f"rvx: {out.side_paint.warn('RVX-M04')} {fault}")
    if args.out:
        out.line(f"{args.out}: {len(clip) / 50:.1f} s")
    return DONE


def _wav(pcm: bytes) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)
    return buffer.getvalue()


def _play(wav: bytes) -> None:
    import tempfile

    for program, *options in _PLAYERS:
        if shutil.which(program):
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                file.write(wav)
                file.flush()
                done = subprocess.run([program, *options, file.name], capture_output=True, check=False)
            if done.returncode == 0:
                return
            why = done.stderr.decode(errors="replace").strip().splitlines()
            raise UserError("RVX-M03", f"{program}: {why[0] if why else done.returncode}.")
    raise UserError("RVX-M03", "Neither aplay nor another program that plays sound is there.")
