from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.plan.reasons import MX_ONE, SWEDISH, Doubt, DoubtKind, ReasonTable
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smscommand import TEXT_MAX, Away, Back, Silent, Unclear, read

NOW = datetime(2026, 3, 3, 11, 0, tzinfo=STOCKHOLM)  # a Tuesday


def told(text: str, reasons: ReasonTable = SWEDISH) -> tuple[str, str | None, str | None]:
    """Key, return and doubt, shortly."""
    found = read(text, reasons, NOW, NOW)
    assert isinstance(found, Away), found
    until = f"{found.until:%m-%d %H:%M}" if found.until else None
    return found.reason.key, until, found.doubt.kind.value if found.doubt else None


@pytest.mark.parametrize(
    ("text", "key", "until"),
    [
        ("LUNCH 1300", "lunch", "03-03 13:00"),
        ("lunch", "lunch", "03-03 13:00"),
        ("MÖTE 1430", "meeting", "03-03 14:30"),
        ("mote 14.30", "meeting", "03-03 14:30"),
        ("  Möte   14:30! ", "meeting", "03-03 14:30"),
        ("Mo\u0308te kl 14", "meeting", "03-03 14:00"),  # a letter and its dots apart, as some phones send it
        ("meeting klockan 14", "meeting", "03-03 14:00"),
        ("SAM 1430", "meeting", "03-03 14:30"),
        ("Gått för dagen", "gone_for_the_day", "03-04 08:00"),
        ("gone for the day", "gone_for_the_day", "03-04 08:00"),
        ("VAB", "care_of_child", "03-04 08:00"),
        ("arbetar hemma 16", "working_from_home", "03-03 16:00"),
        ("working from home", "working_from_home", "03-04 08:00"),
        ("semester 10/3", "vacation", "03-10 08:00"),
        ("SEMESTER 0310", "vacation", "03-10 08:00"),
        ("vacation 2026-03-10", "vacation", "03-10 08:00"),
        ("semester 2/3 ja", "vacation", "03-02 08:00"),  # next year's
        ("sjuk", "sick", None),
        ("lunch tills vidare ja", "lunch", None),
    ],
)
def test_who_is_away_and_until_when(text: str, key: str, until: str | None) -> None:
    assert told(text) == (key, until, None)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("lunch 1700", DoubtKind.AFTER_HOURS),
        ("lunch 0900", DoubtKind.TOO_LONG),  # tomorrow's nine
        ("lunch tills vidare", DoubtKind.NO_END),
        ("semester 24/12", DoubtKind.NOT_WORKED),
    ],
)
def test_what_is_odd_is_asked_about_unless_it_is_meant(text: str, doubt: DoubtKind) -> None:
    assert told(text)[2] == doubt
    assert told(f"{text} JA")[2] is None
    assert told(f"{text} yes")[2] is None


@pytest.mark.parametrize("text", ["ÅTER", "åter", "ater", "Tillbaka.", "back", "INNE"])
def test_who_is_back(text: str) -> None:
    assert read(text, SWEDISH, NOW, NOW) == Back()


def test_what_was_said_long_ago_means_that_day() -> None:
    found = read("LUNCH 1300", SWEDISH, NOW, NOW + timedelta(hours=4))
    assert isinstance(found, Away)
    assert (found.until, found.doubt) == (NOW + timedelta(hours=2), Doubt(DoubtKind.PAST))


def test_back_at_a_time_is_a_reason_where_the_site_has_it() -> None:
    assert told("Åter klockan 14", MX_ONE)[:2] == ("back_at", "03-03 14:00")
    assert read("ÅTER 1400", SWEDISH, NOW, NOW) == Unclear()


@pytest.mark.parametrize("text", ["STOP", "stopp", "Stop all", "Sluta!"])
def test_who_wants_to_hear_no_more(text: str) -> None:
    assert read(text, SWEDISH, NOW, NOW) == Silent()


@pytest.mark.parametrize(
    "text",
    ["", "hej", "lunch kanske", "lunch 2500", "lunch 13-14", "semester 31/2", "möte imorgon", "1300", "ja",
     "lunch 1300\0", "Jag kör och läser inte SMS just nu", "lunch " + "1" * TEXT_MAX],
)  # fmt: skip
def test_what_is_no_command(text: str) -> None:
    assert read(text, SWEDISH, NOW, NOW) == Unclear()


WORDS = st.sampled_from(["lunch", "möte", "13", "1300", "24/12", "29/2", "ja", "åter", "kl"])


@settings(max_examples=50)
@given(st.text(max_size=200) | st.lists(WORDS).map(" ".join))
def test_any_text_is_read(text: str) -> None:
    found = read(text, SWEDISH, NOW, NOW)
    if isinstance(found, Away) and found.until is not None:
        assert found.until.tzinfo is not None
