"""What callers are told, word for word; and the voice that says it, by recordings and by espeak-ng."""

import math
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from callcontrol.media.pcm import FRAME_BYTES, RATE_HZ, clipped, loudness
from callcontrol.media.phrases import (
    LANGUAGES,
    Choice,
    Piece,
    Sentence,
    because,
    choices,
    number,
    phrase,
    phrases,
    said,
    text,
    when,
)
from callcontrol.media.recorder import Disk, Recorder
from callcontrol.media.sounds import Clip
from callcontrol.media.speech import Speaker, SpeechError, speak
from callcontrol.media.voice import Recordings, Voice, load_recordings, pieces_of
from callcontrol.plan.catalogue import catalogue
from callcontrol.plan.reasons import MX_ONE, SWEDISH
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Say

NOW = datetime(2026, 11, 22, 11, 5, tzinfo=STOCKHOLM)  # a Sunday
NAMES = {"1001": "Anna Andersson"}

REFERRED = [
    ("lunch", "2026-11-22T13:05", "är på lunch och är tillbaka klockan tretton noll fem."),
    ("lunch", "2026-11-22T13:05", "is at lunch and will be back at one oh five p.m."),
    ("sick", "", "är frånvarande tills vidare."),
    ("part_time", "2026-11-23T08:00", "är ledig och är tillbaka i morgon klockan åtta."),
    ("part_time", "2026-11-23T08:00", "is off work and will be back tomorrow at eight a.m."),
    ("meeting", "2026-11-26T14:30", "är i möte och är tillbaka på torsdag klockan fjorton trettio."),
    ("meeting", "2026-11-26T12:00", "is in a meeting and will be back on Thursday at noon."),
    ("vacation", "2026-12-24T08:00", "har semester och är tillbaka den tjugofjärde december."),
    ("vacation", "2026-12-24T08:00", "is on vacation and will be back on the twenty-fourth of December."),
    ("the site's own", "2026-11-22T10:00", "är frånvarande."),
]


def test_who_is_away_is_told_why_and_until_when() -> None:
    for reason, back, expected in REFERRED:
        language = "en" if expected.startswith("is ") else "sv"
        moment = datetime.fromisoformat(back).replace(tzinfo=STOCKHOLM).isoformat() if back else ""
        step = Say(rule="C2", words="referred", fill=(("name", "1001"), ("reason", reason), ("back_at", moment)))
        assert text(said(step, NOW, language, NAMES.get)) == f"Anna Andersson {expected}"
    unnamed = Say(rule="C2", words="referred", fill=(("name", "1002"), ("reason", "sick"), ("back_at", "")))
    assert text(said(unnamed, NOW, "sv", NAMES.get)) == "Den du söker är frånvarande tills vidare."


def test_nothing_of_the_plan_is_left_unsaid() -> None:
    """Every key of the plan's catalogue, and every reason that comes ready, in both languages."""
    fill = (
        ("name", "1001"),
        ("reason", "lunch"),
        ("back_at", ""),
        ("unit", "Bygglov"),
        ("text", "Vi flyttar"),
        ("opens_at", ""),
    )
    for language in LANGUAGES:
        for key in catalogue()["say"]:
            assert text(said(Say(rule="", words=key, fill=fill), NOW, language, NAMES.get)), key
        for key in catalogue()["why"]:
            assert text(because(key, "1001", language, NAMES.get)), key
    for reason in (*SWEDISH, *MX_ONE):
        assert reason.public or f"reason_{reason.key}" in phrases(), reason.key
    opens = "2026-11-23T07:45:00+01:00"
    step = Say(rule="B4", words="phone_hours", fill=(("opens_at", opens),))
    assert (
        text(said(step, NOW, "sv", NAMES.get)) == "Telefontiden är slut. Vi svarar igen i morgon klockan sju fyrtiofem."
    )
    assert text(because("busy", "1001", "sv", NAMES.get)) == "Anna Andersson är upptagen i ett annat samtal."
    assert text(because("unknown", "9", "en", NAMES.get)) == "The number you have dialled is not in use."
    given = [Choice("1", "for_message"), Choice("3", "for_instead", "1001")]
    assert text(choices(given, "sv", NAMES.get)) == (
        "Tryck ett för att lämna ett meddelande. Tryck tre för att tala med Anna Andersson."
    )


def test_numbers_and_times_are_read_as_people_read_them() -> None:
    assert text([number("1005", "sv")]) == "tio noll fem."
    assert text([number("471", "sv")]) == "fyra sju ett."
    assert text([number("0471-77", "en")]) == "zero four seven one seven seven."
    assert when(NOW, NOW, "sv") == ()
    midnight = datetime(2026, 11, 23, 0, 0, tzinfo=STOCKHOLM)
    assert text([when(midnight, NOW, "en")]) == "tomorrow at midnight."
    assert phrases()["n99"] == ("nittionio", "ninety-nine")
    assert phrases()["date31"] == ("trettioförsta", "thirty-first")
    with pytest.raises(KeyError):
        phrase("no such phrase", "sv")


def test_recordings_are_checked_when_they_are_loaded(tmp_path: Path) -> None:
    _write(tmp_path / "sv" / "reason_lunch.wav", 0.5)
    _write(tmp_path / "names" / "1001.wav", 0.5)
    _write(tmp_path / "sv" / "reason_lunhc.wav", 0.5)
    _write(tmp_path / "sv" / "press.wav", 0.5, loud=1)
    _write(tmp_path / "sv" / "busy.wav", 31)
    _write(tmp_path / "fi" / "busy.wav", 0.1)
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "busy.wav").write_bytes(b"no sound")
    found = load_recordings(tmp_path)
    assert set(found.clips) == {("sv", "reason_lunch")}
    assert set(found.names) == {"1001"}
    assert "reason_lunch" not in found.missing["sv"]
    assert {"reason_lunch", "busy"} <= set(found.missing["en"])
    told = "\n".join(found.faults)
    for word in (
        "did you mean reason_lunch?",
        "press.wav: silent",
        "longer than 30 s",
        "none of sv, en, names",
        "en/busy",
    ):
        assert word in told
    assert len(found.faults) == 5
    assert load_recordings(tmp_path / "gone").faults
    assert load_recordings(None).faults == ()


async def test_recordings_are_said_and_the_rest_is_spoken_in_one_breath() -> None:
    recorded, name = Clip(b"\1\0" * 160), Clip(b"\2\0" * 160)
    speaker = _Speaker()
    voice = Voice(Recordings({("sv", "reason_lunch"): recorded}, {"1001": name}), speaker)
    back = datetime(2026, 11, 22, 13, 5, tzinfo=STOCKHOLM).isoformat()
    step = Say(rule="", words="referred", fill=(("name", "1001"), ("reason", "lunch"), ("back_at", back)))
    sentences = said(step, NOW, "sv", NAMES.get)
    clips = await voice.say(sentences, "sv")
    assert clips[:2] == [name, recorded]
    assert speaker.said == ["och är tillbaka klockan tretton noll fem"]
    speaker.broken = True
    assert (await voice.say(sentences, "sv"))[:2] == [name, recorded], "what is recorded is said all the same"


def test_free_text_finds_the_phrases_in_it() -> None:
    found: Sentence = pieces_of("Anna är på lunch och är tillbaka klockan tretton.", "sv")
    assert [(piece.key, piece.text) for piece in found] == [
        (None, "Anna"),
        ("reason_lunch", "är på lunch"),
        ("and_back", "och är tillbaka"),
        ("clock", "klockan"),
        ("n13", "tretton."),
    ]
    assert pieces_of("hej hej", "sv") == (Piece("hej hej"),)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_espeak_says_what_nobody_recorded() -> None:
    clip = await Speaker().say("Åsa Öberg\0 <break/>", "sv")
    assert 0.5 < len(clip) / 50 < 5
    assert loudness(clip.pcm) > 500
    assert len(clip.pcm) % FRAME_BYTES == 0
    assert len(speak(" \n\x07", "sv")) == 0


def _write(path: Path, seconds: float, loud: float = 6000) -> None:
    path.parent.mkdir(exist_ok=True)
    disk = Disk()
    recorder = Recorder(path, disk)
    frame = clipped([int(loud * math.sin(2 * math.pi * 250 * n / RATE_HZ)) for n in range(160)])
    for _ in range(int(seconds * 50)):
        recorder.push(frame)
    recorder.close()
    disk.close()


class _Speaker(Speaker):
    """Remembers what it was to say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.broken = False

    async def say(self, text: str, language: str = "sv") -> Clip:
        if self.broken:
            raise SpeechError("none")
        self.said.append(text)
        return Clip(b"\3\0" * 160)
