"""The last 24 hours, as a curve and as a picture."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from firmware.store.power import PowerMinute
from tools.curve import curve
from tools.output import WIDTH
from tools.picture import picture

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = [
    PowerMinute(
        NOW - timedelta(minutes=minutes), "battery" if minutes < 60 else "mains", "lost" if minutes < 60 else "on",
        25.0, 60.0, 100.0 - (60 - minutes) / 2 if minutes < 60 else 100.0, 90.0, 120.0,
    )
    for minutes in range(1_440, 0, -1)
]  # fmt: skip


def test_a_curve_fits_the_screen_and_names_what_it_shows() -> None:
    lines = curve(DAY, NOW)
    assert max(map(len, lines)) <= WIDTH
    assert "strömavbrott / power cut" in lines[-1]


def test_a_picture_is_whole_and_says_what_is_simulated() -> None:
    assert ET.fromstring(picture(DAY, NOW)).tag.endswith("svg")
    assert "SIMULER" in picture(DAY, NOW, simulated=True).upper()


def test_nothing_known_is_drawn_as_that() -> None:
    assert "okänt / not known" in curve(DAY[:1], NOW)[-1]
    assert ET.fromstring(picture([], NOW)).tag.endswith("svg")
