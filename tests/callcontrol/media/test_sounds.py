"""Codecs, tones, keys in band, the bridge, recordings, clips and music."""

import math
import random
import shutil
import struct
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from callcontrol.media import g711
from callcontrol.media.bridge import MAX_MEMBERS, Bridge, Member
from callcontrol.media.codecs import FORMATS, format_of
from callcontrol.media.dtmf import Keys
from callcontrol.media.events import KEYS
from callcontrol.media.pcm import FRAME_BYTES, FRAME_SAMPLES, FULL, RATE_HZ, SILENCE, clipped, frames, loudness, samples
from callcontrol.media.recorder import HEADER_BYTES, WAITING_MAX, Disk, Recorder, mend, read_recording
from callcontrol.media.sounds import Clip, Music, Player, built_in_music, load, trimmed
from callcontrol.media.tones import LEVEL, Tone, ToneSource, key_frames

TEST_HZ = 1020
"""Not 1,000: a part of the rate would hide how a codec rounds."""


def test_g711_is_the_tables_of_the_recommendation() -> None:
    """ITU-T G.711: values at the ends of both laws, every code there and back, and no step wider than its segment."""
    assert list(samples(g711.alaw_decode(bytes([0xD5, 0x55, 0xAA, 0x2A, 0x80])))) == [8, -8, 32256, -32256, 5504]
    assert list(samples(g711.ulaw_decode(bytes([0xFF, 0x7F, 0x80, 0x00, 0xF0])))) == [0, 0, 32124, -32124, 120]
    codes = bytes(range(256))
    assert g711.alaw_encode(g711.alaw_decode(codes)) == codes
    assert g711.ulaw_encode(g711.ulaw_decode(codes)) == codes.replace(b"\x7f", b"\xff"), "one zero is enough"
    values = clipped(list(range(-FULL - 1, FULL + 1, 7)))
    for encode, decode in ((g711.alaw_encode, g711.alaw_decode), (g711.ulaw_encode, g711.ulaw_decode)):
        again = samples(decode(encode(values)))
        for value, found in zip(samples(values), again, strict=True):
            assert abs(value - found) <= max(16, abs(value) / 32 + 132 / 16)


@pytest.mark.parametrize(("name", "least_db"), [("PCMA", 36), ("PCMU", 36), ("G722", 45), ("opus", 30)])
def test_a_tone_comes_through_each_codec(name: str, least_db: float) -> None:
    codec = format_of(name.lower())
    assert codec is not None
    near, far = codec.make(), codec.make()
    tone = _sine(TEST_HZ, 0.5)
    heard = b"".join(far.decode(near.encode(frame)) for frame in frames(tone))
    assert len(heard) == len(tone), "no frame is held back"
    assert _ratio_db(heard[FRAME_BYTES * 5 :], TEST_HZ) >= least_db
    assert codec.step == codec.clock_hz // 50
    for bad in (b"", bytes(3000)):
        with pytest.raises(ValueError, match="payload"):
            far.decode(bad)


def test_tones_are_those_that_swedes_know() -> None:
    heard = {tone: _shape(ToneSource(tone), 12) for tone in Tone}
    assert heard[Tone.RINGING] == [(425, 1.0), (0, 5.0), (425, 1.0), (0, 5.0)]
    assert heard[Tone.BUSY][:3] == [(425, 0.25), (0, 0.25), (425, 0.25)]
    assert heard[Tone.CONGESTION][:3] == [(425, 0.25), (0, 0.75), (425, 0.25)]
    assert heard[Tone.DIAL] == [(425, 12.0)]
    assert [hz for hz, _ in heard[Tone.SPECIAL] if hz][:4] == [950, 1400, 1800, 950]
    assert heard[Tone.RECALL][:7] == [(425, 0.1), (0, 0.1)] * 3 + [(425, 11.4)]
    assert len({tuple(shape) for shape in heard.values()}) == len(Tone), "no two alike"
    source = ToneSource(Tone.DIAL, frames=2)
    assert [source.pull(0.0) is None for _ in range(3)] == [False, False, True]


def test_keys_are_heard_in_band_and_nothing_else_is() -> None:
    chance = random.Random(1)
    said = "".join(chance.choice(KEYS) for _ in range(20))
    short = b"".join(_pressed(key, 40) for key in said)
    for name in ("PCMA", "PCMU", "G722"):
        one, other, ears = FORMATS[name].make(), FORMATS[name].make(), Keys()
        assert "".join(ears.heard(other.decode(one.encode(frame))) for frame in frames(short)) == said, name
    noisy = clipped([value + int(chance.gauss(0, 300)) for value in samples(_pressed("5", 400))])
    assert Keys().heard(noisy) == "5", "held, it is one"
    too_short = b"".join(_pressed("5", 20) for _ in range(10))
    assert Keys().heard(too_short) == ""
    both = clipped(
        [int(3000 * math.sin(n / 5) + 3000 * math.sin(n / 3.1) + 3000 * math.sin(n / 7)) for n in range(4000)]
    )
    assert Keys().heard(both + built_in_music().pcm[: 100 * FRAME_BYTES]) == ""


def test_on_a_bridge_each_hears_the_others() -> None:
    bridge = Bridge()
    for name in ("a", "b", "c"):
        bridge.join(name)
    bridge.join("recorder", Member(speaks=False))
    bridge.join("muted", Member(speaks=False))
    bridge.join("whisper", Member(only_to=frozenset({"a"})))
    said = {name: clipped([n] * FRAME_SAMPLES) for n, name in enumerate(("a", "b", "c", "muted", "whisper"), 1)}
    heard = {name: samples(frame)[0] for name, frame in bridge.mixed(said).items()}
    assert heard == {"a": 2 + 3 + 5, "b": 1 + 3, "c": 1 + 2, "recorder": 6, "muted": 6, "whisper": 6}
    loud = clipped([30_000] * FRAME_SAMPLES)
    assert samples(bridge.mixed({"a": loud, "b": loud})["c"])[0] == FULL
    assert bridge.mixed({"a": b"short"})["b"] == SILENCE
    bridge.leave("a")
    with pytest.raises(ValueError, match="b is on"):
        bridge.join("b")
    for n in range(MAX_MEMBERS - len(bridge)):
        bridge.join(str(n))
    with pytest.raises(ValueError, match="on the bridge"):
        bridge.join("one more")


def test_a_recording_is_whole_wherever_it_is_cut(tmp_path: Path) -> None:
    disk = Disk()
    recorder = Recorder(tmp_path / "a.wav", disk)
    tone = _sine(TEST_HZ, 1.3)
    for frame in frames(tone):
        recorder.push(frame)
    torn = tmp_path / "torn.wav"
    disk.do(lambda: shutil.copyfile(recorder.path, torn))  # as if the power went now
    recorder.close()
    disk.close()
    assert recorder.failed is None
    assert read_recording(recorder.path) == g711.alaw_decode(g711.alaw_encode(tone))
    assert load(recorder.path).pcm == read_recording(recorder.path), "as any program reads it"
    assert not mend(recorder.path)
    assert len(read_recording(torn)) == 2 * 8000, "all but what was gathered since the last half second"
    assert mend(torn)
    assert struct.unpack_from("<I", torn.read_bytes(), HEADER_BYTES - 4) == (8000,)
    for cut in (0, 3, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, 5000):
        torn.write_bytes(recorder.path.read_bytes()[:cut])
        mend(torn)
        assert len(read_recording(torn)) == 2 * max(0, cut - HEADER_BYTES)
    torn.write_bytes(b"something else entirely" * 9)
    with pytest.raises(ValueError, match="no recording"):
        mend(torn)


def test_a_disk_that_is_slow_or_gone_holds_nobody_up(tmp_path: Path) -> None:
    disk = Disk()
    gone = Recorder(tmp_path / "nowhere" / "a.wav", disk)
    recorder = Recorder(tmp_path / "a.wav", disk)
    held = threading.Event()
    disk.do(lambda: held.wait(10))
    for _ in range(WAITING_MAX - 2):
        disk.do(lambda: None)
    for _ in range(100):
        recorder.push(SILENCE)
    assert 50 <= recorder.lost_frames <= 100
    held.set()
    gone.push(SILENCE)
    recorder.close().result(10)
    disk.close()
    assert isinstance(gone.failed, FileNotFoundError)
    assert len(read_recording(recorder.path)) == 100 * FRAME_BYTES, "what was lost is silence"


def test_clips_are_encoded_once_and_music_goes_on() -> None:
    clip = Clip(_sine(TEST_HZ, 0.05))
    assert len(clip) == 3
    payloads = clip.encoded(FORMATS["PCMA"])
    assert clip.encoded(FORMATS["PCMA"]) is payloads
    player = Player([clip, Clip(b""), clip])
    assert [player.payload(FORMATS["PCMA"]) for _ in range(7)] == [*payloads, *payloads, None]
    music = Music()
    assert (
        music.player(1.0).pull(0) == music.player(1.0 + len(built_in_music()) / 50).pull(0) != music.player(2.0).pull(0)
    )
    assert loudness(built_in_music().pcm) < FULL / 20
    assert max(map(abs, samples(built_in_music().pcm))) < FULL / 4
    silent_ends = Clip(bytes(FRAME_BYTES * 20) + _sine(TEST_HZ, 0.1) + bytes(FRAME_BYTES * 20))
    assert 5 <= len(trimmed(silent_ends.pcm)) <= 9


def _sine(hz: float, seconds: float) -> bytes:
    return clipped([int(LEVEL * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(round(seconds * RATE_HZ))])


def _ratio_db(pcm: bytes, hz: float) -> float:
    """Of a tone to all else."""
    values = samples(pcm)
    turn = 2 * math.pi * hz / RATE_HZ
    cosine = 2 / len(values) * sum(value * math.cos(turn * n) for n, value in enumerate(values))
    sine = 2 / len(values) * sum(value * math.sin(turn * n) for n, value in enumerate(values))
    rest = [value - cosine * math.cos(turn * n) - sine * math.sin(turn * n) for n, value in enumerate(values)]
    return 10 * math.log10((cosine**2 + sine**2) / 2 * len(rest) / sum(value * value for value in rest))


def _shape(source: ToneSource, seconds: int) -> list[tuple[int, float]]:
    """Frequency (by zero crossings, in 25 Hz) and length, by blocks of 10 ms."""
    pcm = b"".join(source.pull(0.0) or b"" for _ in range(seconds * 50))
    found: list[tuple[int, float]] = []
    size = FRAME_BYTES // 10  # 2 ms
    loud = [loudness(pcm[at : at + size]) > 500 for at in range(0, len(pcm), size)]
    start = 0
    for at in range(1, len(loud) + 1):
        if at == len(loud) or loud[at] != loud[start]:
            part = samples(pcm[start * size : at * size])
            crossings = sum(one < 0 <= other for one, other in pairwise(part))
            hz = round(crossings / (len(part) / RATE_HZ) / 25) * 25 if loud[start] else 0
            if found and (found[-1][0] == hz or at - start < 3):
                found[-1] = found[-1][0], found[-1][1] + (at - start) * 0.002
            else:
                found.append((hz, (at - start) * 0.002))
            start = at
    return [(hz, round(length, 2)) for hz, length in found]


def _pressed(key: str, ms: int) -> bytes:
    """A key that is held for so long, and a pause."""
    count = ms // 20
    return b"".join(key_frames(key, (number == count for number in range(1, count + 1))))
