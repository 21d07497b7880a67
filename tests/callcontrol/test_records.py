"""The fold of accounting lines: any order, any cut, any noise."""

from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.records import LINE_MAX_BYTES, Outcome, Parsed, Record, Tried, Way, join, outcome_of, parse, parse_line

T0 = 1_763_772_000


def line(
    method: str = "INVITE",
    code: int = 200,
    at: float = 0,
    tags: tuple[str, str] = ("a-tag", "b-tag"),
    call_id: str = "c1@phone",
    parties: tuple[str, str] = ("201", "202"),
    way: str = "local",
    emergency: str = "0",
    why: str = "<null>",
    reason: str = "Reason",
) -> bytes:
    moment = T0 + at
    fields = [
        method,
        *tags,
        call_id,
        str(code),
        reason,
        str(int(moment)),
        *parties,
        way,
        emergency,
        f"{moment:.6f}",
        why,
    ]
    return "|".join(fields).encode() + b"\n"


def record(*lines: bytes) -> Record:
    parsed = parse(b"".join(lines))
    assert parsed.garbage == 0
    return reduce(join, parsed.records)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0, UTC) + timedelta(seconds=seconds)


ANSWERED = line(at=5)
ENDED = line("BYE", at=65)
ENDED_BY_CALLEE = line("BYE", at=65, tags=("b-tag", "a-tag"), parties=("202", "201"), way="none")
CHALLENGED = line(code=407, at=0, tags=("a-tag", "x-tag"))
TRIED_PLATFORM = line(code=408, at=1, way="platform")


@pytest.mark.parametrize(
    ("lines", "outcome", "answered", "ended"),
    [
        ([ANSWERED], Outcome.ANSWERED, 5, None),
        ([ANSWERED, ENDED], Outcome.ANSWERED, 5, 65),
        ([ENDED, ANSWERED], Outcome.ANSWERED, 5, 65),
        ([ANSWERED, ENDED_BY_CALLEE], Outcome.ANSWERED, 5, 65),
        ([ENDED_BY_CALLEE, CHALLENGED, TRIED_PLATFORM, ANSWERED], Outcome.ANSWERED, 5, 65),
        ([ENDED], Outcome.ANSWERED, None, 65),
        ([CHALLENGED], Outcome.REFUSED, None, 0),
        ([line(code=486, at=3), CHALLENGED], Outcome.BUSY, None, 3),
        ([line("BYE", code=481, at=9), ANSWERED], Outcome.ANSWERED, 5, 9),
    ],
)
def test_a_call(lines: list[bytes], outcome: Outcome, answered: float | None, ended: float | None) -> None:
    found = record(*lines)
    assert found.outcome is outcome
    assert found.answered_at == (None if answered is None else at(answered))
    assert found.ended_at == (None if ended is None else at(ended))


def test_every_column_arrives() -> None:
    assert record(line(at=1.25, emergency="1", way="gateway")) == Record(
        call_id="c1@phone",
        from_tag="a-tag",
        to_tag="b-tag",
        caller="201",
        callee="202",
        began_at=at(1.25),
        answered_at=at(1.25),
        ended_at=None,
        way=Way.GATEWAY,
        outcome=Outcome.ANSWERED,
        sip_code=200,
        emergency=True,
        time_certain=True,
    )


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (202, Outcome.ANSWERED),
        (302, Outcome.FAILED),
        (403, Outcome.REFUSED),
        (404, Outcome.UNKNOWN_NUMBER),
        (408, Outcome.NO_ANSWER),
        (480, Outcome.NOT_REGISTERED),
        (486, Outcome.BUSY),
        (487, Outcome.CANCELLED),
        (503, Outcome.FAILED),
        (600, Outcome.BUSY),
        (699, Outcome.FAILED),
    ],
)
def test_what_a_code_means(code: int, outcome: Outcome) -> None:
    found = record(line(code=code))
    assert (found.outcome, found.sip_code) == (outcome, code)


def test_the_caller_is_the_invites_whoever_hung_up() -> None:
    for order in permutations((ENDED_BY_CALLEE, CHALLENGED, ANSWERED)):
        found = record(*order)
        assert (found.from_tag, found.caller, found.callee, found.way) == ("a-tag", "201", "202", Way.LOCAL)


def test_of_ways_tried_one_after_the_other_the_last_is_told_and_an_emergency_stays_one() -> None:
    found = record(line(code=503, at=1, way="platform", emergency="1"), line(code=480, at=2, way="gateway"))
    assert (found.way, found.sip_code, found.emergency, found.began_at) == (Way.GATEWAY, 480, True, at(1))


@pytest.mark.parametrize(
    ("time", "micros", "expected"),
    [
        ("1763772000", "1763772000.25", datetime(2025, 11, 22, 0, 40, 0, 250_000, UTC)),
        ("1763772000", "", datetime(2025, 11, 22, 0, 40, tzinfo=UTC)),
        ("2025-11-22 01:40:00", "<null>", datetime(2025, 11, 22, 0, 40, tzinfo=UTC)),
    ],
)
def test_the_ways_of_writing_time(time: str, micros: str, expected: datetime) -> None:
    text = f"INVITE|a|b|c|200|OK|{time}|201|202|local|0|{micros}|".encode()
    found = parse_line(text, timezone(timedelta(hours=1)))
    assert found
    assert found.began_at == expected


def test_a_time_before_all_time_is_garbage() -> None:
    text = b"INVITE|a|b|c|200|OK|0001-01-01 00:00:00|201|202|local|0|x"
    assert parse(text + b"\n", timezone(timedelta(hours=1))).garbage == 1


@pytest.mark.parametrize(("seconds", "certain"), [(1_763_772_000, True), (86_400, False)])
def test_a_clock_that_was_not_set_is_said(seconds: int, certain: bool) -> None:
    found = parse_line(f"INVITE|a|b|c|200|OK|{seconds}|201|202|local|0||".encode())
    assert found
    assert found.time_certain is certain


def test_what_the_edge_did_not_know_is_empty() -> None:
    rang = parse_line(b"INVITE|a||c|480|Temporarily Unavailable|1763772000|1001|1002|local|<null>||no_answer")
    assert rang is not None
    assert rang.outcome is Outcome.NO_ANSWER
    for code, why, outcome in (
        (200, "no_answer", Outcome.ANSWERED),  # a colleague answered
        (486, "no_answer", Outcome.BUSY),
        (200, "no_way", Outcome.ANSWERED),  # a number of ours, dialled as from outside
        (403, "no_way", Outcome.REFUSED),
        (480, "no_way", Outcome.FAILED),
    ):
        assert outcome_of(code, why) is outcome
    found = parse_line(b"INVITE|a||c|480|Gone|1763772000|<null>||<null>|<null>||")
    assert found
    assert (found.to_tag, found.caller, found.callee, found.way, found.emergency) == ("", "", "", Way.NONE, False)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"|||||||||||",
        b"INVITE|a|b|c|200|OK|1763772000|201|202|local|0",
        b"INVITE||b|c|200|OK|1763772000|201|202|local|0|",
        b"INVITE|a|b||200|OK|1763772000|201|202|local|0|",
        b"INVITE|a|b|c|180|Ringing|1763772000|201|202|local|0|",
        b"INVITE|a|b|c|2\xc2\xb20|OK|1763772000|201|202|local|0|",
        b"INVITE|a|b|c|200|OK|never|201|202|local|0|soon",
        b"INVITE|a|b|c|200|OK|9999-99-99 00:00:00|201|202|local|0|",
        b"REGISTER|a|b|c|200|OK|1763772000|201|202|local|0|",
        b"INVITE|a|b|c\x1b[2J|200|OK|1763772000|201|202|local|0|",
        b"INVITE|a|b|" + b"c" * 600 + b"|200|OK|1763772000|201|202|local|0|",
        b"x" * (LINE_MAX_BYTES + 1),
    ],
)
def test_garbage_is_counted_and_skipped(garbage: bytes) -> None:
    parsed = parse(ANSWERED + garbage + b"\n" + ENDED)
    assert (len(parsed.records), parsed.garbage) == (2, 1)


@pytest.mark.parametrize("before", [b"\0" * 4096, b"INVITE|half|a-li", b"INVITE|a|b|c|200|OK|17637"])
def test_a_line_after_a_torn_one_is_saved(before: bytes) -> None:
    assert parse(before + ANSWERED).records == parse(ANSWERED).records


def test_bytes_that_are_no_text_stay_apart() -> None:
    one, other = (parse_line(line(call_id="c").replace(b"|c|", raw).rstrip(b"\n")) for raw in (b"|\xff|", b"|\xfe|"))
    assert one
    assert other
    assert one.call_id != other.call_id


@given(st.binary(max_size=2000))
def test_nothing_raises_and_only_whole_lines_are_taken(noise: bytes) -> None:
    parsed = parse(noise)
    assert parsed.taken == noise.rfind(b"\n") + 1
    assert len(parsed.records) + parsed.garbage == noise.count(b"\n")


@given(st.lists(st.sampled_from([ANSWERED, ENDED, CHALLENGED, b"noise\n", b"\0\0\n"]), max_size=6), st.data())
def test_read_in_any_pieces_it_is_the_same(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(lines)
    records: list[Record] = []
    garbage = position = end = 0
    while position < len(whole):
        end = data.draw(st.integers(min(end + 1, len(whole)), len(whole)))
        piece = parse(whole[position:end])
        records += piece.records
        garbage += piece.garbage
        position += piece.taken
    assert Parsed(tuple(records), position, garbage) == parse(whole)


thin = st.builds(
    line,
    method=st.sampled_from(["INVITE", "BYE"]),
    code=st.sampled_from([200, 202, 407, 408, 480, 486, 503]),
    at=st.integers(0, 9),
    tags=st.sampled_from([("a", "b"), ("b", "a"), ("a", "x"), ("a", "")]),
    parties=st.sampled_from([("201", "202"), ("202", "201"), ("", "")]),
    way=st.sampled_from([*Way, "other"]),
    emergency=st.sampled_from(["0", "1"]),
).map(record)


@given(thin, thin, thin)
def test_join_is_a_semilattice(one: Record, two: Record, three: Record) -> None:
    assert join(one, one) == one
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(join(one, two), two) == join(one, two)


@pytest.mark.parametrize(
    ("code", "reason", "emergency", "way", "status"),
    [
        (100, "P", "1", "platform", None),
        (100, "D", "1", "platform_data", None),
        (199, "G 503", "1", "gateway", 503),
        (199, "M 408", "1", "modem", 408),
        (100, "P", "0", None, None),
        (100, "X", "1", None, None),
        (100, "P 503", "1", None, None),
        (199, "P", "1", None, None),
        (199, "P 200", "1", None, None),
        (199, "Early Dialog Terminated", "1", None, None),
        (180, "P", "1", None, None),
    ],
)
def test_ways_tried_for_112(code: int, reason: str, emergency: str, way: str | None, status: int | None) -> None:
    read = parse(line(code=code, reason=reason, emergency=emergency, at=3) + ANSWERED)
    assert read.tried == (() if way is None else (Tried("c1@phone", at(3), way, status),))
    assert (len(read.records), read.garbage) == (1, int(way is None))
