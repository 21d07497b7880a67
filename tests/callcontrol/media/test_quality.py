"""What is left of Swedish speech, and of a tone, on the way through two legs and a line: STOI, delay, dropouts.

The speech is espeak-ng's, the line is this file's: packets come with up to 5 ms of jitter, and of some lines 3 % do
not. Beyond the codec's and the line's, the delay is the playout's.
"""

import math
import random
import shutil
from functools import cache

import numpy
import pytest
from numpy.typing import NDArray

from callcontrol.media.codecs import FORMATS
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, FULL, RATE_HZ, clipped, frames
from callcontrol.media.rtp import Numbering
from callcontrol.media.speech import speak

ONE, OTHER = ("192.0.2.1", 4000), ("192.0.2.2", 4000)
TEXT = (
    "Du har kommit till Norrby kommun. Åsa Öberg är i ett möte och väntas åter klockan fjorton och trettio. "
    "Tryck två för receptionen, eller lämna ett meddelande efter tonen."
)
STOI_MIN = 0.95
JITTER_S = 0.005
DELAY_MAX_S = 0.06
TONE_HZ = 1020
LOST = 0.03


@cache
def speech() -> bytes:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    return speak(TEXT).pcm


def tone(seconds: int) -> bytes:
    turn = 2 * math.pi * TONE_HZ / RATE_HZ
    return clipped([int(FULL / 4 * math.sin(turn * n)) for n in range(seconds * RATE_HZ)])


def through(name: str, sound: bytes, lost: float = 0) -> bytes:
    """Said by one leg, heard by the other; as long as it was, and half a second."""
    known = FORMATS[name]
    number = 111 if known.payload_type is None else known.payload_type
    said, heard = (
        Leg(LegSettings(format=known, payload_type=number, remote=remote), Numbering(1, 1, 1))
        for remote in (OTHER, ONE)
    )
    heard.listening = True
    dice = random.Random(4)
    found: list[bytes] = []
    under_way: list[tuple[float, bytes]] = []
    whole = [*frames(sound), *frames(bytes(RATE_HZ))]
    for number, frame in enumerate(whole):
        now = number * FRAME_S
        data = said.send(frame)
        if data and dice.random() >= lost:
            under_way.append((now + dice.random() * JITTER_S, data))
        for at, due in [one for one in under_way if one[0] <= now]:
            under_way.remove((at, due))
            heard.receive(due, ONE, at)
        found.append(heard.pull(now))
    return b"".join(found)


def values(sound: bytes) -> NDArray[numpy.float64]:
    return numpy.frombuffer(sound, "<i2").astype(numpy.float64)


def judged(said: bytes, heard: bytes) -> tuple[float, float]:
    """STOI, 0 to 1, and the delay in s at which the two are most alike."""
    from pystoi import stoi  # brings all of scipy, half a second for whoever only collects tests

    one, other = values(said), values(heard)
    size = 1 << (len(one) + len(other)).bit_length()
    alike = numpy.fft.irfft(numpy.fft.rfft(other, size) * numpy.conj(numpy.fft.rfft(one, size)))
    delay = int(alike[: len(other) - len(one)].argmax())
    return float(stoi(one, other[delay : delay + len(one)], RATE_HZ)), delay / RATE_HZ


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_speech_stays_what_it_was(name: str) -> None:
    found, delay = judged(speech(), through(name, speech()))
    assert found >= STOI_MIN
    assert delay <= DELAY_MAX_S


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_speech_is_understood_where_three_packets_of_a_hundred_are_lost(name: str) -> None:
    found, delay = judged(speech(), through(name, speech(), LOST))
    assert found >= STOI_MIN
    assert delay <= DELAY_MAX_S


@pytest.mark.parametrize(("name", "lost"), [(name, lost) for name in sorted(FORMATS) for lost in (0, LOST)])
def test_a_tone_does_not_drop_out(name: str, lost: float) -> None:
    heard = values(through(name, tone(4), lost))
    block = FRAME_SAMPLES // 2
    loud = [bool((heard[at : at + block] ** 2).mean() > (FULL / 4 / 2) ** 2 / 2) for at in range(0, len(heard), block)]
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    longest = max(map(len, "".join(" -"[each] for each in loud[first:last]).split("-")))
    assert longest * 10 <= (40 if lost else 0)
    assert last - first >= 390
