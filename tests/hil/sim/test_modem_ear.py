"""What a simulated subscriber says it has heard."""

from __future__ import annotations

from hil.sim.modem.voices import Ear, voice

RATE_HZ = 8000


def said(sound: str, ms: int) -> bytes:
    return voice(sound).speak(RATE_HZ * ms // 1000, RATE_HZ)


def test_tones_are_told_one_by_one() -> None:
    """Short ones, keys say, are none; the same one after a pause is another."""
    ear = Ear()
    for sound, ms in (("tone:480", 900), ("tone:700", 60), ("tone:640", 1500), ("silence", 300), ("tone:640", 700)):
        data = said(sound, ms)
        for at in range(0, len(data), 37):
            ear.hear(data[at : at + 37], RATE_HZ)
    tones = ear.told()["tones"]
    assert isinstance(tones, list)
    assert [min((480, 640, 700), key=lambda hz: abs(hz - tone)) for tone in tones] == [480, 640, 640]
    assert all(abs(tone - near) <= 20 for tone, near in zip(tones, (480, 640, 640), strict=True))
