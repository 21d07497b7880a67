"""The referral calculus: tables of what a morning's referrals come to, and what holds of any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.absence import (
    Absent,
    Interval,
    Opening,
    Referral,
    Source,
    information_at,
    state_at,
    timeline,
)
from callcontrol.plan.schedule import STOCKHOLM

FOREVER = datetime.max.replace(tzinfo=UTC)


def at(text: str, *, fold: int = 0) -> datetime:
    """ "23 10:00" is a day of November 2026 (the 23rd is a Monday); a whole date does too."""
    whole = text if text.count("-") == 2 else f"2026-11-{text}"
    return datetime.fromisoformat(whole).replace(tzinfo=STOCKHOLM, fold=fold)


def referral(
    name: str,
    start: str,
    until: str | None,
    reason: str = "meeting",
    source: Source = Source.CALENDAR,
    *,
    set_at: str = "20 08:00",
    every: str | None = None,
    open: bool = False,  # noqa: A002
    answers_instead: str = "",
    direct: bool = False,
    information: str = "",
) -> Referral:
    return Referral(
        id=name,
        extension="1000",
        reason=reason,
        start=at(start),
        until=None if until is None else at(until),
        source=source,
        set_by="anna",
        set_at=at(set_at),
        every=every,
        open=open,
        answers_instead=answers_instead,
        direct=direct,
        information=information,
    )


def opening(when: str, *seen: str) -> Opening:
    return Opening(id=f"o{when}", extension="1000", at=at(when), seen=frozenset(seen), set_by="anna")


def told(absent: Absent | None) -> tuple[str, str | None] | None:
    """Reason, and day and time of return."""
    if absent is None:
        return None
    return absent.reason, f"{absent.back_at:%d %H:%M}" if absent.back_at else None


MEETING = referral("m", "23 10:00", "23 12:00")
LUNCH = referral("l", "23 12:00", "23 13:00", "lunch")
SICK = referral("s", "23 07:00", None, "sick", Source.MANAGER, set_at="23 06:50")
VACATION = referral("v", "23 00:00", "28 00:00", "vacation", set_at="2026-10-01")


@pytest.mark.parametrize(
    ("referrals", "openings", "moment", "expected"),
    [
        # one
        ([MEETING], [], "23 09:59", None),
        ([MEETING], [], "23 10:00", ("meeting", "23 12:00")),
        ([MEETING], [], "23 11:59", ("meeting", "23 12:00")),
        ([MEETING], [], "23 12:00", None),
        # back to back: a meeting into lunch ends at 13 (SAMSA §4.4)
        ([MEETING, LUNCH], [], "23 10:00", ("meeting", "23 13:00")),
        ([MEETING, LUNCH], [], "23 12:30", ("lunch", "23 13:00")),
        ([MEETING, LUNCH], [], "23 13:00", None),
        # a gap is a gap
        ([MEETING, referral("l", "23 12:01", "23 13:00", "lunch")], [], "23 11:00", ("meeting", "23 12:00")),
        # one within the other: the reason changes, the return does not
        ([VACATION, referral("m", "24 10:00", "24 11:00", source=Source.CODE)], [], "24 10:30",
         ("meeting", "28 00:00")),
        ([VACATION, referral("m", "24 10:00", "24 11:00", source=Source.CODE)], [], "24 11:00",
         ("vacation", "28 00:00")),
        # of equal kinds the one set last
        ([VACATION, referral("m", "24 10:00", "24 11:00")], [], "24 10:30", ("meeting", "28 00:00")),
        ([VACATION, referral("m", "24 10:00", "24 11:00", set_at="2026-09-01")], [], "24 10:30",
         ("vacation", "28 00:00")),
        # by hand governs over the calendar, though the calendar's is newer
        ([referral("h", "23 09:00", "23 11:00", "course", Source.APP, set_at="19 08:00"), MEETING], [], "23 10:30",
         ("course", "23 12:00")),
        # a manager's for somebody ill governs over that person's own calendar, and has no end
        ([SICK, MEETING], [], "23 10:30", ("sick", None)),
        ([SICK, replace(MEETING, set_at=at("23 09:00"))], [], "23 10:30", ("sick", None)),
        # but what that person sets later by hand governs over it
        ([SICK, referral("b", "23 10:00", "23 12:00", "back_at", Source.SMS, set_at="23 09:55")], [], "23 10:30",
         ("back_at", None)),
        # until further notice
        ([SICK], [], "30 10:00", ("sick", None)),
        ([SICK], [], "23 06:59", None),
        # an opening ends what it had seen
        ([MEETING], [opening("23 11:00", "m")], "23 10:30", ("meeting", "23 11:00")),
        ([MEETING], [opening("23 11:00", "m")], "23 11:00", None),
        ([MEETING, LUNCH], [opening("23 11:00", "m", "l")], "23 12:30", None),
        ([SICK, MEETING], [opening("23 10:30", "s")], "23 11:00", ("meeting", "23 12:00")),
        ([SICK], [opening("24 08:00", "s")], "24 09:00", None),
        # and no other: not what came afterwards, nor what was not known then
        ([MEETING, LUNCH], [opening("23 11:00", "m")], "23 12:30", ("lunch", "23 13:00")),
        ([MEETING, referral("n", "23 11:30", "23 12:30", "course", Source.CODE, set_at="23 11:29")],
         [opening("23 11:00", "m")], "23 11:45", ("course", "23 12:30")),
        ([MEETING, referral("n", "23 10:30", "23 12:30", "course")], [opening("23 11:00", "m")], "23 11:00",
         ("course", "23 12:30")),
        # the first opening counts; one that is too late ends nothing; one that saw nothing neither
        ([MEETING], [opening("23 11:30", "m"), opening("23 10:30", "m")], "23 10:45", None),
        ([MEETING], [opening("23 13:00", "m")], "23 11:00", ("meeting", "23 12:00")),
        ([MEETING], [opening("23 11:00")], "23 11:30", ("meeting", "23 12:00")),
        ([MEETING], [opening("23 09:00", "m")], "23 11:00", None),
        # open: information only
        ([referral("i", "23 10:00", "23 12:00", open=True)], [], "23 11:00", None),
        ([referral("i", "23 10:00", "23 14:00", open=True, source=Source.CODE), LUNCH], [], "23 12:30",
         ("lunch", "23 13:00")),
        # ends before it begins: never in force
        ([referral("x", "23 12:00", "23 10:00")], [], "23 11:00", None),
        # over midnight
        ([referral("n", "23 22:00", "24 06:00", "other")], [], "24 05:59", ("other", "24 06:00")),
        # recurring: Fridays, part-time; a bounded rule
        ([referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 00:00-24:00")], [], "27 09:00",
         ("part_time", "28 00:00")),
        ([referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 00:00-24:00")], [], "26 09:00", None),
        ([referral("d", "2026-09-01", "2026-12-11 12:00", "part_time", every="fre 8-17")], [], "2026-12-11 11:00",
         ("part_time", "11 12:00")),
        ([referral("d", "2026-09-01", "2026-12-11 12:00", "part_time", every="fre 8-17")], [],
         "2026-12-18 11:00", None),
        ([referral("d", "2026-11-27 09:00", "2026-12-18", "part_time", every="fre 8-17")], [], "27 08:30", None),
        # on a public holiday as on any Friday; and the night that had begun when it began
        ([referral("d", "2026-09-01", "2026-12-31", "part_time", every="fre 8-17")], [], "2026-12-25 10:00",
         ("part_time", "25 17:00")),
        ([referral("d", "24 01:00", "2026-12-31", "other", every="mån 22-06")], [], "24 02:00", ("other", "24 06:00")),
        # this Friday's alone is ended, or all of them
        ([referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 8-17")],
         [opening("27 09:00", "d@2026-11-27")], "27 10:00", None),
        ([referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 8-17")],
         [opening("27 09:00", "d@2026-11-27")], "2026-12-04 10:00", ("part_time", "04 17:00")),
        ([referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 8-17")],
         [opening("27 09:00", "d")], "2026-12-04 10:00", None),
        # a meeting into the recurring afternoon off
        ([referral("m", "27 11:00", "27 13:00"),
          referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 13-17")], [], "27 12:00",
         ("meeting", "27 17:00")),
        # of two with one id, the one set last
        ([MEETING, replace(MEETING, until=at("23 15:00"), set_at=at("23 09:00"))], [], "23 14:00",
         ("meeting", "23 15:00")),
    ],
)  # fmt: skip
def test_state(
    referrals: list[Referral], openings: list[Opening], moment: str, expected: tuple[str, str | None] | None
) -> None:
    now = at(moment)
    assert told(state_at(timeline(referrals, openings, now), now)) == expected
    assert told(state_at(timeline(referrals[::-1], openings[::-1], now), now)) == expected


@pytest.mark.parametrize(
    ("start", "until", "moment", "fold", "away"),
    [
        # 2026-10-25: from 03:00 back to 02:00
        ("2026-10-25 01:00", "2026-10-25 02:30", "2026-10-25 02:29", 0, True),
        ("2026-10-25 01:00", "2026-10-25 02:30", "2026-10-25 02:30", 0, False),
        ("2026-10-25 01:00", "2026-10-25 02:30", "2026-10-25 02:10", 1, False),
        ("2026-10-24 22:00", "2026-10-25 06:00", "2026-10-25 02:10", 1, True),
        # 2026-03-29: from 02:00 to 03:00
        ("2026-03-29 01:30", "2026-03-29 03:30", "2026-03-29 03:29", 0, True),
        ("2026-03-28 22:00", "2026-03-29 06:00", "2026-03-29 05:59", 0, True),
    ],
)
def test_the_nights_when_clocks_change(start: str, until: str, moment: str, fold: int, away: bool) -> None:
    now = at(moment, fold=fold)
    found = timeline([referral("n", start, until)], [], now - timedelta(days=1))
    assert (state_at(found, now) is not None) is away


def test_a_recurring_night_keeps_its_civil_time() -> None:
    night = referral("n", "2026-10-01", "2026-11-30", "other", every="lör-sön 22:00-06:00")
    for day in ("2026-10-18", "2026-10-25"):
        now = at(f"{day} 05:30")
        assert told(state_at(timeline([night], [], now), now)) == ("other", f"{now:%d} 06:00")


def test_all_that_is_known_of_an_absence() -> None:
    now = at("23 12:30")
    lunch = replace(LUNCH, answers_instead="1001", direct=True, information="på stan", source=Source.CODE)
    assert state_at(timeline([MEETING, lunch], [], now), now) == Absent(
        reason="lunch",
        since=at("23 10:00"),
        back_at=at("23 13:00"),
        answers_instead="1001",
        direct=True,
        information="på stan",
        source=Source.CODE,
        set_by="anna",
        referral="l",
        seen=frozenset({"m", "l"}),
    )


def test_being_well_again_does_not_end_tomorrows_meeting() -> None:
    """An opening has seen what has begun or begins before midnight, not all that lies within an endless illness."""
    later = referral("t", "24 10:00", "24 11:00")
    now = at("23 09:00")
    absent = state_at(timeline([SICK, MEETING, later], [], now), now)
    assert absent is not None
    assert absent.seen == {"s", "m"}
    after = timeline([SICK, MEETING, later], [opening("23 09:00", *absent.seen)], now)
    assert state_at(after, at("23 10:30")) is None
    assert told(state_at(after, at("24 10:30"))) == ("meeting", "24 11:00")


def test_one_interval_with_a_common_end() -> None:
    (found,) = timeline([LUNCH, MEETING], [], at("23 08:00"))
    assert (found.start, found.until, found.open) == (at("23 10:00"), at("23 13:00"), False)
    assert [part.referral.id for part in found.parts] == ["m", "l"]


def test_open_referrals_are_told_beside_the_others() -> None:
    home = referral("h", "23 08:00", "23 16:00", "working_from_home", open=True)
    found = timeline([home, LUNCH], [], at("23 07:00"))
    assert [(f"{i.start.astimezone(STOCKHOLM):%H:%M}", i.open) for i in found] == [
        ("08:00", True),
        ("12:00", False),
        ("13:00", True),
    ]
    assert told(information_at(found, at("23 09:00"))) == ("working_from_home", "23 12:00")
    assert told(information_at(found, at("23 14:00"))) == ("working_from_home", "23 16:00")
    assert information_at(found, at("23 12:30")) is None
    assert state_at(found, at("23 09:00")) is None


def test_what_is_over_is_left_out() -> None:
    assert timeline([MEETING], [], at("23 12:00")) == ()
    assert len(timeline([MEETING], [], at("23 11:59"))) == 1


def test_how_far_ahead_what_recurs_is_spread_out() -> None:
    fridays = referral("d", "2026-09-01", "2026-12-18", "part_time", every="fre 8-17")
    assert len(timeline([fridays], [], at("23 08:00"))) == 2
    assert len(timeline([fridays], [], at("23 08:00"), ahead=timedelta(days=60))) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": datetime(2026, 11, 23, 10)}, "start"),  # noqa: DTZ001
        ({"until": datetime(2026, 11, 23, 10)}, "until"),  # noqa: DTZ001
        ({"set_at": datetime(2026, 11, 23, 10)}, "set_at"),  # noqa: DTZ001
        ({"until": datetime(9999, 12, 31, tzinfo=UTC)}, "until"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "start"),
        ({"every": "fre 8-17", "until": None}, "until"),
        ({"every": "fre 8-17", "until": datetime(2036, 1, 1, tzinfo=UTC)}, "until"),
        ({"every": "nu 8-17"}, "every"),
        ({"every": "helgdag 8-17"}, "every"),
        ({"every": "fre 8-17; 2026-12-24 stängt"}, "every"),
        ({"every": "fre stängt"}, "every"),
    ],
)
def test_a_referral_that_cannot_be_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: "):
        replace(MEETING, **change)  # type: ignore[arg-type]


def test_an_opening_without_a_zone() -> None:
    with pytest.raises(ValueError, match=r"^at: "):
        Opening(id="o", extension="1000", at=datetime(2026, 11, 23), seen=frozenset(), set_by="anna")  # noqa: DTZ001


# ---- What holds of any referrals and openings. Times are quarters of an hour, over four days with a change of clocks.

BEGIN = datetime(2026, 10, 24, 0, tzinfo=UTC)
QUARTERS = 4 * 24 * 4
NOW = BEGIN + timedelta(hours=20)


def quarter(number: int) -> datetime:
    return BEGIN + timedelta(minutes=15 * number)


@st.composite
def some_referrals(draw: st.DrawFn) -> list[Referral]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, QUARTERS),
                st.integers(-2, 60) | st.none(),
                st.sampled_from(Source),
                st.integers(0, 5),
                st.sampled_from([False, False, True]),
                st.sampled_from([None, None, None, "lör-mån 01:00-03:30", "sön 22:00-02:15, 12-13"]),
            ),
            max_size=7,
        )
    )
    return [
        Referral(
            id=f"r{number}",
            extension="1000",
            reason=f"reason{number}",
            start=quarter(start).astimezone(STOCKHOLM if number % 2 else UTC),
            until=quarter(start + (400 if every else long))
            if long is not None
            else quarter(QUARTERS)
            if every
            else None,
            open=is_open,
            source=source,
            set_by="",
            set_at=BEGIN - timedelta(hours=set_at),
            every=every,
        )
        for number, (start, long, source, set_at, is_open, every) in enumerate(rows)
    ]


NAMES = [f"r{number}" for number in range(8)] + ["r1@2026-10-25", "r0@2026-10-26", "unknown"]
OPENINGS = st.lists(
    st.builds(
        lambda when, seen: Opening(id=str(when), extension="1000", at=quarter(when), seen=seen, set_by=""),
        st.integers(0, QUARTERS),
        st.frozensets(st.sampled_from(NAMES), max_size=4),
    ),
    max_size=3,
)
SAMPLES = [quarter(number) + timedelta(minutes=7) for number in range(0, QUARTERS + 100, 3)]


SPANS: dict[str, list[tuple[int, int, tuple[int, ...]]]] = {
    "lör-mån 01:00-03:30": [(60, 210, (5, 6, 0))],
    "sön 22:00-02:15, 12-13": [(720, 780, (6,)), (1320, 1575, (6,))],
}


def in_force(rows: Iterable[Referral], openings: Iterable[Opening], moment: datetime) -> list[Referral]:
    """Straight from the rules, one moment at a time: an oracle that knows of no intervals."""
    found = []
    for row in rows:
        if not row.start <= moment or (row.until is not None and row.until <= moment):
            continue
        occurrence = None
        if row.every is not None:
            here = moment.astimezone(STOCKHOLM)
            clock = here.hour * 60 + here.minute
            days = {here.date(): clock, here.date() - timedelta(days=1): clock + 1440}
            spans = SPANS[row.every]
            hits = [
                (day, number)
                for day, minutes in days.items()
                for number, (begins, ends, weekdays) in enumerate(spans)
                if day.weekday() in weekdays and begins <= minutes < ends
            ]
            if not hits:
                continue
            day, number = hits[0]
            occurrence = f"{row.id}@{day}" + (f".{number}" if number else "")
        if not any(
            (row.id in opening.seen or occurrence in opening.seen) and opening.at <= moment for opening in openings
        ):
            found.append(row)
    return found


@given(some_referrals(), OPENINGS)
def test_away_exactly_when_something_unended_is_in_force(rows: list[Referral], openings: list[Opening]) -> None:
    found = timeline(rows, openings, NOW)
    for moment in SAMPLES:
        if moment < NOW:
            continue
        closing = [row for row in in_force(rows, openings, moment) if not row.open]
        absent = state_at(found, moment)
        assert (absent is not None) == bool(closing)
        if absent is not None:
            best = max(closing, key=lambda row: (row.source.by_hand, row.set_at, row.id))
            assert absent.referral == best.id
            assert absent.back_at is None or absent.back_at > moment
        opened = [row for row in in_force(rows, openings, moment) if row.open]
        assert (information_at(found, moment) is not None) == (bool(opened) and not closing)


@given(some_referrals(), OPENINGS)
def test_sorted_disjoint_and_never_longer_than_its_sources(rows: list[Referral], openings: list[Opening]) -> None:
    found = timeline(rows, openings, NOW)
    for before, after in pairwise(found):
        assert before.until is not None
        assert before.until <= after.start
        assert before.until < after.start or before.open is not after.open
    for interval in found:
        assert interval.start < (interval.until or FOREVER)
        assert interval.parts[0].start == interval.start
        assert interval.parts[-1].until == interval.until
        for part, following in pairwise(interval.parts):
            assert part.until == following.start
            assert part.referral is not following.referral or part.referral.every
        for part in interval.parts:
            assert part.referral in rows
            assert part.referral.open is interval.open
            assert part.referral.start <= part.start < (part.until or FOREVER)
            assert (part.until or FOREVER) <= (part.referral.until or FOREVER)


@given(some_referrals(), OPENINGS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(
    rows: list[Referral],
    openings: list[Opening],
    random: st.random_module,  # type: ignore[valid-type]
) -> None:
    again, twice = rows + rows[:2], openings + openings
    random.shuffle(again)  # type: ignore[attr-defined]
    random.shuffle(twice)  # type: ignore[attr-defined]
    assert timeline(again, twice, NOW) == timeline(rows, openings, NOW)


@given(some_referrals(), OPENINGS, st.frozensets(st.sampled_from(NAMES)), st.integers(80, QUARTERS))
def test_an_opening_ends_exactly_what_it_had_seen(
    rows: list[Referral], openings: list[Opening], seen: frozenset[str], when: int
) -> None:
    late = Opening(id="o", extension="1000", at=quarter(when), seen=seen, set_by="")
    found = timeline(rows, [*openings, late], NOW)
    before = timeline(rows, openings, NOW)
    unseen = timeline([row for row in rows if row.id not in seen], [*openings, late], NOW)
    for moment in SAMPLES:
        if moment < NOW:
            continue
        now, other = state_at(found, moment), state_at(before if moment < late.at else unseen, moment)
        assert (now and now.referral) == (other and other.referral)


@given(some_referrals(), OPENINGS, st.integers(80, QUARTERS))
def test_an_opening_of_all_that_is_in_force_opens_the_phone(
    rows: list[Referral], openings: list[Opening], when: int
) -> None:
    moment = quarter(when)
    absent = state_at(timeline(rows, openings, moment), moment)
    if absent is None:
        return
    back = Opening(id="o", extension="1000", at=moment, seen=absent.seen, set_by="")
    after = timeline(rows, [*openings, back], moment)
    assert state_at(after, moment) is None
    assert after == timeline(rows, [*openings, back, back], moment)


@given(some_referrals(), OPENINGS)
def test_a_timeline_of_a_timeline_is_the_same_time(rows: list[Referral], openings: list[Opening]) -> None:
    """Its intervals, taken as referrals, cover what they covered."""
    found = timeline(rows, openings, NOW)
    taken = [
        replace(interval.parts[0].referral, id=f"t{n}", start=interval.start, until=interval.until, every=None)
        for n, interval in enumerate(found)
    ]
    assert bounds(timeline(taken, [], NOW)) == bounds(found)


def bounds(intervals: Iterable[Interval]) -> list[tuple[datetime, datetime | None, bool]]:
    return [(interval.start, interval.until, interval.open) for interval in intervals]


def test_a_flood_of_referrals_is_borne() -> None:
    """Thousands from a calendar gone wild, all at once: still a fraction of a second."""
    flood = [
        replace(MEETING, id=f"f{n}", start=at("23 08:00") + timedelta(minutes=n), set_at=at("20 08:00"))
        for n in range(3000)
    ]
    now = at("23 09:00")
    absent = state_at(timeline(flood, [], now), now)
    assert absent is not None
