"""Opening hours: as written, on holidays, over midnight, in the two nights when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.holidays import DayKind, HolidayRules
from callcontrol.plan.schedule import (
    RULES_MAX,
    STOCKHOLM,
    TEXT_MAX,
    DateRule,
    Schedule,
    ScheduleError,
    Span,
    local_moment,
)

OFFICE = "mån-fre 08:00-12:00, 13:00-16:30; lör stängt; helgdag stängt"
NIGHT = "mån-sön 22:00-06:00; helgdag som vanligt; afton som vanligt"


def at(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM, fold=fold)


def shown(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M%z}"


@pytest.mark.parametrize(
    ("schedule", "moment", "is_open", "next_open", "next_close"),
    [
        (OFFICE, "2026-11-23 07:59", False, "2026-11-23 08:00+0100", "2026-11-23 07:59+0100"),
        (OFFICE, "2026-11-23 08:00", True, "2026-11-23 08:00+0100", "2026-11-23 12:00+0100"),
        (OFFICE, "2026-11-23 12:00", False, "2026-11-23 13:00+0100", "2026-11-23 12:00+0100"),
        (OFFICE, "2026-11-23 16:29", True, "2026-11-23 16:29+0100", "2026-11-23 16:30+0100"),
        (OFFICE, "2026-11-20 16:30", False, "2026-11-23 08:00+0100", "2026-11-20 16:30+0100"),  # a Friday
        (OFFICE, "2026-12-23 17:00", False, "2026-12-28 08:00+0100", "2026-12-23 17:00+0100"),  # over Christmas
        (OFFICE, "2026-05-13 17:00", False, "2026-05-15 08:00+0200", "2026-05-13 17:00+0200"),  # Ascension Day
        (OFFICE, "2026-05-14 09:00", False, "2026-05-15 08:00+0200", "2026-05-14 09:00+0200"),
        (OFFICE, "2026-12-24 09:00", False, "2026-12-28 08:00+0100", "2026-12-24 09:00+0100"),
        (OFFICE, "2026-04-30 09:00", True, "2026-04-30 09:00+0200", "2026-04-30 12:00+0200"),  # short days not said
        (OFFICE + "; kortdag 08:00-11:00", "2026-04-30 11:00", False, "2026-05-04 08:00+0200", "2026-04-30 11:00+0200"),
        (OFFICE + "; afton 9-12", "2026-12-24 09:00", True, "2026-12-24 09:00+0100", "2026-12-24 12:00+0100"),
        (OFFICE + "; 2026-12-24 10-11", "2026-12-24 09:00", False, "2026-12-24 10:00+0100", "2026-12-24 09:00+0100"),
        (OFFICE + "; 2026-12-24 som vanligt", "2026-12-24 09:00", True, "2026-12-24 09:00+0100",
         "2026-12-24 12:00+0100"),
        (OFFICE + "; 2026-06-15..2026-08-15 mån-fre 9-15; 2026-07-01 stängt", "2026-07-01 10:00", False,
         "2026-07-02 09:00+0200", "2026-07-01 10:00+0200"),
        (OFFICE + "; 2026-06-15..2026-08-15 mån-fre 9-15", "2026-07-04 10:00", False, "2026-07-06 09:00+0200",
         "2026-07-04 10:00+0200"),
        # over midnight; the span belongs to the day on which it begins
        (NIGHT, "2026-11-23 22:00", True, "2026-11-23 22:00+0100", "2026-11-24 06:00+0100"),
        (NIGHT, "2026-11-24 05:59", True, "2026-11-24 05:59+0100", "2026-11-24 06:00+0100"),
        (NIGHT, "2026-11-24 06:00", False, "2026-11-24 22:00+0100", "2026-11-24 06:00+0100"),
        ("fre 22:00-06:00", "2026-11-21 03:00", True, "2026-11-21 03:00+0100", "2026-11-21 06:00+0100"),
        ("fre 22:00-06:00", "2026-11-22 03:00", False, "2026-11-27 22:00+0100", "2026-11-22 03:00+0100"),
        # a night that begins on a working day goes on into the holiday, and none begins there
        ("mån-fre 22:00-06:00", "2026-05-14 02:00", True, "2026-05-14 02:00+0200", "2026-05-14 06:00+0200"),
        ("mån-fre 22:00-06:00", "2026-05-15 02:00", False, "2026-05-15 22:00+0200", "2026-05-15 02:00+0200"),
        # spans that meet at midnight are one
        ("fre 08:00-24:00; lör 00:00-12:00", "2026-11-20 09:00", True, "2026-11-20 09:00+0100",
         "2026-11-21 12:00+0100"),
        # never, and always
        ("mån-sön stängt", "2026-11-23 09:00", False, None, "2026-11-23 09:00+0100"),
        ("mån-sön dygnet runt; helgdag dygnet runt; afton dygnet runt", "2026-11-23 09:00", True,
         "2026-11-23 09:00+0100", None),
        ("2027-06-01 9-10", "2026-11-23 09:00", False, "2027-06-01 09:00+0200", "2026-11-23 09:00+0100"),
        ("2029-06-01 9-10", "2026-11-23 09:00", False, None, "2026-11-23 09:00+0100"),
    ],
)  # fmt: skip
def test_hours(schedule: str, moment: str, is_open: bool, next_open: str | None, next_close: str | None) -> None:
    read = Schedule.parse(schedule)
    assert read.open_at(at(moment)) is is_open
    assert shown(read.next_open(at(moment))) == next_open
    assert shown(read.next_close(at(moment))) == next_close


@pytest.mark.parametrize(
    ("schedule", "moment", "fold", "is_open", "closes"),
    [
        # 2026-03-29: from 02:00 to 03:00, an hour is missing
        ("sön 01:00-02:30", "2026-03-29 01:59", 0, True, "2026-03-29 03:30+0200"),
        ("sön 01:00-02:30", "2026-03-29 03:29", 0, True, "2026-03-29 03:30+0200"),
        ("sön 02:30-04:00", "2026-03-29 03:29", 0, False, "2026-03-29 03:29+0200"),
        ("sön 02:30-04:00", "2026-03-29 03:30", 0, True, "2026-03-29 04:00+0200"),
        ("sön 02:30-03:15", "2026-03-29 03:10", 0, False, "2026-03-29 03:10+0200"),  # swallowed whole
        ("lör 22:00-06:00", "2026-03-29 04:00", 0, True, "2026-03-29 06:00+0200"),
        # 2026-10-25: from 03:00 back to 02:00, an hour comes twice
        ("sön 01:00-02:30", "2026-10-25 02:45", 0, True, "2026-10-25 02:30+0100"),
        ("sön 01:00-02:30", "2026-10-25 02:15", 1, True, "2026-10-25 02:30+0100"),
        ("sön 01:00-02:30", "2026-10-25 02:30", 1, False, "2026-10-25 02:30+0100"),
        ("sön 02:30-04:00", "2026-10-25 02:29", 0, False, "2026-10-25 02:29+0200"),
        ("sön 02:30-04:00", "2026-10-25 02:10", 1, True, "2026-10-25 04:00+0100"),
        ("lör 22:00-06:00", "2026-10-25 02:30", 1, True, "2026-10-25 06:00+0100"),
    ],
)
def test_the_nights_when_clocks_change(schedule: str, moment: str, fold: int, is_open: bool, closes: str) -> None:
    read = Schedule.parse(schedule + "; helgdag som vanligt")
    assert read.open_at(at(moment, fold=fold)) is is_open
    assert shown(read.next_close(at(moment, fold=fold))) == closes


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (OFFICE, "mån-fre 08:00-12:00, 13:00-16:30; helgdag stängt"),
        ("mon-fri 8-16", "mån-fre 08:00-16:00"),
        ("Mån, Ons 8.00–12.00", "mån, ons 08:00-12:00"),
        ("mån-tor, lör 08:00 - 12:00", "mån-tor, lör 08:00-12:00"),
        ("fre-mån 10-12", "mån, fre-sön 10:00-12:00"),
        ("sön-mån 10-12", "mån, sön 10:00-12:00"),
        ("mån 08:00-12:00, 12:00-13:00", "mån 08:00-13:00"),
        ("mån 13-14, 8-9", "mån 08:00-09:00, 13:00-14:00"),
        ("mån always; holiday as usual; eve closed", "mån dygnet runt; afton stängt; helgdag som vanligt"),
        ("mån 22-06", "mån 22:00-06:00"),
        ("mån 08:00-24:00", "mån 08:00-24:00"),
        ("stängt", None),
        ("mån-sön stängt", "mån-sön stängt"),
        ("lo\u0308r 8-9", "lör 08:00-09:00"),
        ("mån 8-9\n2026-12-23: 8-9", None),
        ("2026-12-23 8-9; 2026-06-15..2026-08-15 mån-fre stängt",
         "2026-12-23 08:00-09:00; 2026-06-15..2026-08-15 mån-fre stängt"),
    ],
)  # fmt: skip
def test_read_and_written(text: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(ScheduleError):
            Schedule.parse(text)
    else:
        read = Schedule.parse(text)
        assert str(read) == written
        assert Schedule.parse(written) == read


@pytest.mark.parametrize(
    ("text", "part", "why"),
    [
        ("", "", "tomt schema"),
        (" ; ", " ; ", "tomt schema"),
        ("mån 8-9; tis", "tis", "ingen tid"),
        ("mån 8-9; foo 8-9", "foo 8-9", "ingen dag"),
        ("mån 8-9; mån-fre 9-10", "mån-fre 9-10", "sagt två gånger"),
        ("helgdag stängt; helgdag 8-9", "helgdag 8-9", "sagt två gånger"),
        ("8-9", "8-9", "inga dagar"),
        ("mån 25-26", "mån 25-26", "en tid som inte finns"),
        ("mån 08:60-09:00", "mån 08:60-09:00", "en tid som inte finns"),
        ("mån 08:00-08:00", "mån 08:00-08:00", "en tid som inte finns"),
        ("mån 24:00-01:00", "mån 24:00-01:00", "en tid som inte finns"),
        ("mån 8-12, 11-13", "mån 8-12, 11-13", "tider som överlappar"),
        ("mån 8-12 13-16", "mån 8-12 13-16", "ingen tid"),
        ("mån 8-9, foo", "mån 8-9, foo", "ingen tid"),
        ("2026-02-30 8-9", "2026-02-30 8-9", "inget datum"),
        ("2026-12-24..2026-12-23 8-9", "2026-12-24..2026-12-23 8-9", "slutar innan det börjar"),
        ("mån som vanligt", "mån som vanligt", "en veckodag kan inte vara som vanligt"),
        ("mån " + ", ".join(f"{n:02}:00-{n:02}:30" for n in range(20)), None, "fler än 12 tider"),
        ("; ".join(f"20{n:02}-01-01 8-9" for n in range(99)) * 3, None, "längre än"),
        (";".join(["mån 8-9"] * (RULES_MAX + 1)), "mån 8-9", "fler än"),
        ("m" * (TEXT_MAX + 1), None, "längre än"),
        ("mån ٨-٩", "mån ٨-٩", "ingen tid"),
    ],
)
def test_errors_name_the_part(text: str, part: str | None, why: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Schedule.parse(text)
    assert why in caught.value.why
    assert part in (None, caught.value.part)


def test_a_site_has_its_own_days() -> None:
    rules = HolidayRules(eves_closed=False, closed=frozenset({date(2026, 5, 15)}), worked=frozenset({date(2026, 6, 6)}))
    read = Schedule.parse("mån-sön 8-16", rules)
    assert not read.open_at(at("2026-05-15 09:00"))
    assert read.open_at(at("2026-06-06 09:00"))
    assert read.open_at(at("2026-12-24 09:00"))


def test_the_later_part_holds() -> None:
    read = Schedule.parse("mån 8-9; 2026-11-01..2026-11-30 10-11; 2026-11-20..2026-11-25 12-13")
    assert read.hours(date(2026, 11, 23)) == (Span(720, 780),)
    assert read.hours(date(2026, 11, 30)) == (Span(600, 660),)


@pytest.mark.parametrize(("begins", "ends"), [(-1, 60), (1440, 1500), (60, 60), (60, 1501)])
def test_a_span_that_cannot_be(begins: int, ends: int) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(begins, ends)


def test_local_moment() -> None:
    day = date(2026, 10, 25)
    assert shown(local_moment(day, time(2, 30))) == "2026-10-25 02:30+0200"
    assert shown(local_moment(day, time(2, 30), last=True)) == "2026-10-25 02:30+0100"
    assert shown(local_moment(date(2026, 3, 29), time(2, 30))) == "2026-03-29 03:30+0200"
    assert shown(local_moment(date(2026, 3, 29), time(2, 30), last=True)) == "2026-03-29 03:30+0200"


def day_hours(quarters: set[int], over_midnight: bool) -> tuple[Span, ...]:
    times = sorted(quarters)
    spans = [Span(begins * 15, ends * 15) for begins, ends in zip(times[::2], times[1::2], strict=False)]
    if spans and over_midnight and spans[0].begins > 60:
        spans[-1] = Span(spans[-1].begins, 1440 + 45)
    return tuple(spans)


HOURS = st.builds(day_hours, st.sets(st.integers(0, 95), max_size=6), st.booleans())


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Of three days' hours, dealt out over the week, the kinds of days, and spells of dates."""
    choices = draw(st.tuples(HOURS, HOURS, HOURS))
    choice = st.integers(0, 3).map(lambda n: (*choices, None)[n])
    weekly = draw(st.integers(0, 3**7 - 1))
    kinds = {kind: draw(choice) for kind in (DayKind.EVE, DayKind.HOLIDAY, DayKind.SHORT) if draw(st.booleans())}
    spells = draw(st.lists(st.tuples(st.integers(0, 364), st.integers(0, 60), choice), max_size=2))
    return Schedule(
        weekly=tuple(choices[weekly // 3**day % 3] for day in range(7)),
        kinds=tuple(sorted(kinds.items())),
        dates=tuple(
            DateRule(
                date(2026, 1, 1) + timedelta(days=first),
                date(2026, 1, 1) + timedelta(days=first + long),
                hours,
                frozenset(range(first % 7, 7)),
            )
            for first, long, hours in spells
        ),
    )


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(schedule=schedules())
def test_what_is_written_is_read_as_the_same(schedule: Schedule) -> None:
    again = Schedule.parse(str(schedule))
    assert again == schedule
    assert str(again) == str(schedule)


@given(schedule=schedules(), moment=MOMENTS)
def test_next_open_and_next_close_agree_with_open_at(schedule: Schedule, moment: datetime) -> None:
    opens, closes = schedule.next_open(moment), schedule.next_close(moment)
    if schedule.open_at(moment):
        assert opens is not None
        assert opens.astimezone(UTC) == moment
        assert closes is None or closes.astimezone(UTC) > moment
    else:
        assert closes is not None
        assert closes.astimezone(UTC) == moment
    for change, is_open in ((opens, True), (closes, False)):
        if change is not None:
            assert schedule.open_at(change) is is_open
            assert change.astimezone(UTC) >= moment
            if change.astimezone(UTC) > moment:
                assert schedule.open_at(change.astimezone(UTC) - timedelta(seconds=1)) is not is_open


@given(schedule=schedules(), moment=MOMENTS, hours=st.integers(0, 24 * 30))
def test_nothing_changes_between(schedule: Schedule, moment: datetime, hours: int) -> None:
    """Sampled each hour: up to the next opening it is closed, up to the next closing it is open."""
    later = moment + timedelta(hours=hours)
    change = schedule.next_close(moment) if schedule.open_at(moment) else schedule.next_open(moment)
    if change is None or later < change.astimezone(UTC):
        assert schedule.open_at(later) is schedule.open_at(moment) or hours > 24 * 390


@given(st.text(max_size=80) | st.text(alphabet="mån-fre 0128:,;.stängt2026", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = Schedule.parse(text)
    except ScheduleError:
        return
    assert Schedule.parse(str(read)) == read
