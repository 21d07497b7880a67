"""The voice that says sentences: the municipality's recordings where there are any, espeak-ng for the rest.

A folder of recordings is `sv/KEY.wav` and `en/KEY.wav` by the keys of the catalogue (phrases.py), and
`names/NUMBER.wav` of the extensions and units whose names somebody has spoken themselves, and of what entities say (a -
stands for the / of an id). It is checked when it is loaded: a file that is nothing known, cannot be read, is silent or
far too long is told of by name, and the rest is used.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callcontrol.media.pcm import RATE_HZ, SAMPLE_BYTES, SILENCE, loudness
from callcontrol.media.phrases import LANGUAGES, Piece, Sentence, phrases
from callcontrol.media.sounds import SUFFIXES, Clip, load, trimmed
from callcontrol.media.speech import Speaker, SpeechError

__all__ = ["PAUSE", "Recordings", "Voice", "load_recordings", "pieces_of"]

PHRASE_MAX_S = 30
MAX_FILES = 5000
AUDIBLE = 50.0
"""Root mean square below which a recording is taken for silent: -56 dB of overload."""
_NAMES = "names"
PAUSE = Clip(SILENCE * 13)
"""Between sentences: a quarter of a second."""
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Recordings:
    """`missing`: what of each language is not recorded. `faults`: a sentence for each file that is not used."""

    clips: dict[tuple[str, str], Clip] = field(default_factory=dict)  # by language and key
    names: dict[str, Clip] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def of(self, piece: Piece, language: str) -> Clip | None:
        if piece.key is not None:
            return self.clips.get((language, piece.key))
        return self.names.get(piece.name.replace("/", "-")) if piece.name else None


def load_recordings(folder: Path | None) -> Recordings:
    """All files of a folder. Blocks. Never fails: what is wrong is in `faults`."""
    found = Recordings()
    faults: list[str] = []
    if folder is not None and folder.is_dir():
        files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if len(files) > MAX_FILES:
            faults.append(f"{folder}: more than {MAX_FILES} files; the rest is not read")
        for path in files[:MAX_FILES]:
            if fault := _take(path, found):
                faults.append(fault)
    elif folder is not None:
        faults.append(f"{folder}: no such folder")
    missing = {
        language: tuple(key for key, words in phrases().items() if words[number] and (language, key) not in found.clips)
        for number, language in enumerate(LANGUAGES)
    }
    return Recordings(found.clips, found.names, missing, tuple(faults))


def _take(path: Path, found: Recordings) -> str | None:
    """What is wrong with a file, which then is not used."""
    kind, key = path.parent.name, path.stem
    if kind not in (*LANGUAGES, _NAMES):
        return f"{path}: its folder is none of {', '.join((*LANGUAGES, _NAMES))}"
    if kind in LANGUAGES and key not in phrases():
        near = difflib.get_close_matches(key, phrases(), n=1, cutoff=_ALIKE)
        return f"{path}: no phrase has this name{f'; did you mean {near[0]}?' if near else ''}"
    try:
        clip = load(path)
    except ValueError as error:
        return str(error)
    if len(clip.pcm) > PHRASE_MAX_S * RATE_HZ * SAMPLE_BYTES:
        return f"{path}: longer than {PHRASE_MAX_S} s"
    if loudness(clip.pcm) < AUDIBLE:
        return f"{path}: silent"
    clip = trimmed(clip.pcm)
    if kind == _NAMES:
        found.names[key] = clip
    else:
        found.clips[kind, key] = clip
    return None


class Voice:
    """Says sentences."""

    def __init__(self, recordings: Recordings, speaker: Speaker) -> None:
        self._recordings = recordings
        self._speaker = speaker

    async def say(self, sentences: Sequence[Sentence], language: str, *, strict: bool = False) -> list[Clip]:
        """The clips to play, one after the other. Pieces in a row that nobody has recorded are spoken as one, so that
        they sound like it. Where nothing can be spoken, what is recorded is said, and the rest left out; `strict`: that
        raises SpeechError."""
        clips: list[Clip] = []
        for sentence in sentences:
            for part in self._parts(sentence, language):
                if isinstance(part, Clip):
                    clips.append(part)
                    continue
                try:
                    clips.append(await self._speaker.say(part, language))
                except SpeechError:
                    if strict:
                        raise
            clips.append(PAUSE)
        return clips

    def _parts(self, sentence: Sentence, language: str) -> list[Clip | str]:
        """Recordings, and what is to be spoken."""
        parts: list[Clip | str] = []
        for piece in sentence:
            clip = self._recordings.of(piece, language)
            last = parts[-1] if parts else None
            if clip is not None:
                parts.append(clip)
            elif isinstance(last, str):
                parts[-1] = f"{last} {piece.text}".strip()
            elif piece.text:
                parts.append(piece.text)
        return parts


def pieces_of(text: str, language: str) -> Sentence:
    """Free text as pieces: the longest phrases of the catalogue that it holds, word for word, and what is between."""
    number = LANGUAGES.index(language)
    by_words = {tuple(words[number].lower().split()): key for key, words in phrases().items() if words[number]}
    longest = max(map(len, by_words))
    words = text.split()
    found: list[Piece] = []
    between: list[str] = []
    at = 0
    while at < len(words):
        for count in range(min(longest, len(words) - at), 0, -1):
            part = words[at : at + count]
            key = by_words.get(tuple(word.lower().rstrip(".,;:!?") for word in part))
            if key is not None:
                if between:
                    found.append(Piece(" ".join(between)))
                    between = []
                found.append(Piece(" ".join(part), key))
                at += count
                break
        else:
            between.append(words[at])
            at += 1
    if between:
        found.append(Piece(" ".join(between)))
    return tuple(found)
