"""A tone is found where it is, only where it is, and in recordings that still grow."""

from __future__ import annotations

import math
import random
import struct
from array import array
from pathlib import Path

import pytest

from hil import sound


def wav(
    path: Path, samples: array[int], *, rate_hz: int = 8000, channels: int = 1, kind: int = 1, bits: int = 16
) -> Path:
    """A wav as a phone writes it during a call: the lengths say nothing yet."""
    frame = channels * bits // 8
    head = b"RIFF\0\0\0\0WAVE" + b"LIST\x03\0\0\0abc\0"
    head += b"fmt " + struct.pack("<IHHIIHH", 16, kind, channels, rate_hz, rate_hz * frame, frame, bits)
    path.write_bytes(head + b"data\0\0\0\0" + samples.tobytes())
    return path


def sine(hz: float, seconds: float, *, amplitude: float = 9000, rate_hz: int = 8000) -> array[int]:
    step = 2 * math.pi * hz / rate_hz
    return array("h", (round(amplitude * math.sin(step * i)) for i in range(round(seconds * rate_hz))))


def test_a_written_tone_is_read_and_found(tmp_path: Path) -> None:
    path = sound.write_tone(tmp_path / "tone.wav", 700, 2)
    assert sound.read(path).rate_hz == 8000
    assert sound.read(path).seconds == 2
    assert sound.seconds_of(path, 700) == pytest.approx(2)
    assert sound.holds(path, 700)


@pytest.mark.parametrize("hz", [500, 680, 720, 1100, 1400, 2100])
def test_another_tone_is_not_found(tmp_path: Path, hz: float) -> None:
    assert sound.seconds_of(sound.write_tone(tmp_path / "tone.wav", 700, 2), hz) == 0


def test_only_the_time_of_the_tone_counts(tmp_path: Path) -> None:
    path = wav(tmp_path / "mixed.wav", sine(425, 1) + sine(700, 0.4) + array("h", bytes(16000)) + sine(700, 0.3))
    assert sound.seconds_of(path, 700) == pytest.approx(0.7, abs=0.06)
    assert sound.holds(path, 700)
    assert not sound.holds(path, 700, least_s=1)


def test_noise_and_near_silence_hold_nothing(tmp_path: Path) -> None:
    rand = random.Random(1)
    noise = array("h", (rand.randint(-9000, 9000) for _ in range(16000)))
    assert sound.seconds_of(wav(tmp_path / "noise.wav", noise), 700) == 0
    assert sound.seconds_of(wav(tmp_path / "faint.wav", sine(700, 2, amplitude=100)), 700) == 0


def test_a_tone_survives_some_noise(tmp_path: Path) -> None:
    rand = random.Random(1)
    noisy = array("h", (sample + rand.randint(-1500, 1500) for sample in sine(700, 2)))
    assert sound.holds(wav(tmp_path / "noisy.wav", noisy), 700, least_s=1.9)


def test_other_rates_and_the_first_of_two_channels(tmp_path: Path) -> None:
    assert sound.holds(wav(tmp_path / "wide.wav", sine(700, 1, rate_hz=48000), rate_hz=48000), 700)
    left_and_silence = array("h", (sample for one in sine(700, 1) for sample in (one, 0)))
    assert sound.holds(wav(tmp_path / "two.wav", left_and_silence, channels=2), 700)


def test_a_growing_recording_is_read_so_far(tmp_path: Path) -> None:
    path = wav(tmp_path / "growing.wav", sine(700, 1))
    with path.open("ab") as file:
        file.write(sine(700, 0.2).tobytes() + b"\x01")  # half a sample, just being written
    assert sound.seconds_of(path, 700) == pytest.approx(1.2, abs=0.06)


def test_a_recording_without_its_header_is_read_as_g711(tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(bytes(44) + sine(700, 1).tobytes())
    assert sound.holds(path, 700, least_s=0.9)


def test_no_recording_holds_nothing(tmp_path: Path) -> None:
    assert sound.seconds_of(tmp_path / "none.wav", 700) == 0
    (tmp_path / "empty.wav").touch()
    assert not sound.holds(tmp_path / "empty.wav", 700)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"OggS" + bytes(40), "RIFF and WAVE expected"),
        (b"RIFF\0\0\0\0WAVE", "no data yet"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "data before its format"),
    ],
)
def test_what_is_no_wav_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "odd.wav").write_bytes(content)
    with pytest.raises(sound.SoundError, match=says):
        sound.read(tmp_path / "odd.wav")


def test_eight_bits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sound.SoundError, match="8 bits"):
        sound.read(wav(tmp_path / "eight.wav", sine(700, 0.1), bits=8))
