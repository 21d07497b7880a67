"""Phrases that a machine can tell apart by ear: every one of them, after G.711 and with gaps between."""

from __future__ import annotations

from array import array
from pathlib import Path

from callcontrol.media import g711
from callcontrol.media.phrases import phrases
from hil.sound import RATE_HZ, Sound, read
from hil.spelled import PIECES, heard, spell, spelled, words


def test_every_phrase_is_told_from_every_other(tmp_path: Path) -> None:
    keys = list(phrases())
    assert len(keys) < PIECES
    spell(tmp_path, "sv", keys, ["1002"])
    said = [*keys[::7], "1002", keys[0], keys[0]]
    samples: array[int] = array("h")
    for key in said:
        samples.extend(array("h", bytes(2 * 37)))  # cut anywhere
        samples.extend(read(tmp_path / ("names" if key == "1002" else "sv") / f"{key}.wav").samples)
    coded = g711.alaw_decode(g711.alaw_encode(samples.tobytes()))
    assert [[*keys, "1002"][number] for number in spelled(Sound(RATE_HZ, array("h", coded)))] == said


def test_what_is_heard_is_read_as_words(tmp_path: Path) -> None:
    spell(tmp_path, "sv", ["no_answer"], ["1002"])
    assert heard(tmp_path / "names" / "1002.wav", ["no_answer", "1002"]) == ["1002"]
    assert words(["1002", "no_answer", "am"], {"1002": "Anna Ek"}) == "Anna Ek svarar inte"
    assert heard(tmp_path / "none.wav", []) == []
