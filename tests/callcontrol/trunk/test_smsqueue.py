from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.trunk.smsqueue import (
    ENDED,
    RULES,
    Happened,
    Kind,
    Outcome,
    State,
    Try,
    back_off,
    following,
    receiver,
    refused,
    same_number,
    settled,
)

PERHAPS, TAKEN, REFUSED, PUT_OFF, NOT = (
    Outcome.DOUBTFUL, Outcome.TAKEN, Outcome.REFUSED, Outcome.PUT_OFF, Outcome.NOT_TAKEN,
)  # fmt: skip


def test_every_kind_has_its_rule_and_alarms_go_first() -> None:
    assert set(RULES) == set(Kind)
    assert all(RULES[Kind.ALARM].priority < rule.priority for kind, rule in RULES.items() if kind is not Kind.ALARM)
    assert all(rule.doubt <= rule.valid for rule in RULES.values())


def test_what_is_delivered_or_failed_stays_so_and_what_is_unknown_may_be_known_later() -> None:
    for happened in Happened:
        assert following(State.DELIVERED, happened) is None
        assert following(State.FAILED, happened) is None
    assert {following(State.UNKNOWN, one) for one in Happened} == {None, State.DELIVERED, State.FAILED}


def test_nothing_is_sent_again_but_what_did_not_go() -> None:
    back = {(state, one) for state in State for one in Happened if following(state, one) is State.WAITING}
    assert back == {(State.SENDING, Happened.PUT_OFF), (State.PERHAPS, Happened.NOT_TAKEN)}


def test_each_state_comes_to_an_end_by_time_alone() -> None:
    assert {following(state, Happened.TOO_LATE) for state in (State.WAITING, State.PERHAPS, State.SENT)} <= ENDED


@pytest.mark.parametrize(
    ("code", "happened"),
    [(None, Happened.PUT_OFF), (42, Happened.PUT_OFF), (331, Happened.PUT_OFF), (500, Happened.PUT_OFF),
     (1, Happened.REFUSED), (21, Happened.REFUSED), (332, Happened.DOUBTFUL)],
)  # fmt: skip
def test_refusals(code: int | None, happened: Happened) -> None:
    assert refused(code) is happened


def test_the_pauses_grow_and_end() -> None:
    pauses = [back_off(tries) for tries in range(9)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pauses[1]
    assert pauses[-1] == pauses[5]


def tries(*entries: tuple[Outcome, int | None]) -> list[Try]:
    return [Try(place, outcome, reference) for place, (outcome, reference) in enumerate(entries)]


COUNTS = ((TAKEN, 7), (TAKEN, 8), (TAKEN, 9))


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (((PERHAPS, None), (TAKEN, 10)), {3: None}),
        (((PERHAPS, None), (TAKEN, 11)), {3: 10}),
        (((PERHAPS, None), (TAKEN, 12)), {}),  # somebody else uses the SIM
        (((PERHAPS, None),), {}),  # nothing has gone since
        (((PERHAPS, None), (PERHAPS, None), (TAKEN, 10)), {3: None, 4: None}),
        (((PERHAPS, None), (PERHAPS, None), (TAKEN, 12)), {3: 10, 4: 11}),
        (((PERHAPS, None), (PERHAPS, None), (TAKEN, 11)), {}),  # one of the two
        (((PERHAPS, None), (REFUSED, None), (TAKEN, 10)), {3: None}),
        (((PERHAPS, None), (REFUSED, None), (TAKEN, 11)), {}),  # the one or the other
        (((PERHAPS, None), (PUT_OFF, None), (TAKEN, 12)), {3: 10}),
        (((NOT, None), (PERHAPS, None), (TAKEN, 11)), {4: 10}),
    ],
)
def test_references_tell_what_went(after: tuple[tuple[Outcome, int | None], ...], found: dict[int, bool]) -> None:
    assert settled(tries(*COUNTS, *after)) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (254, 255, {2: None}),
        (254, 0, {2: 255}),
        (254, 1, {2: 255}),  # there is no 0
        (255, 0, {2: None}),
        (255, 1, {}),  # was it 0, or is there none?
        (255, 2, {2: 1}),
        (120, 1, {}),  # began anew in between
    ],
)
def test_where_the_count_begins_anew(before: int, after: int, found: dict[int, int | None]) -> None:
    told = tries((TAKEN, before - 1), (TAKEN, before), (PERHAPS, None), (TAKEN, after), (TAKEN, after + 1 & 0xFF))
    assert settled([*told, *tries((TAKEN, after + 2 & 0xFF))]) == found


@pytest.mark.parametrize("references", [(0, 0, 0), (7, 9, 11), (7,), (1, 2), (9, 8, 7, 6)])
def test_a_modem_that_does_not_count_is_not_believed(references: tuple[int, ...]) -> None:
    told: list[tuple[Outcome, int | None]] = [(TAKEN, one) for one in references]
    assert settled(tries(*told, (PERHAPS, None), (TAKEN, references[-1] + 1))) == {}


REFUSAL_COUNTS_NOT = (*COUNTS, (PUT_OFF, None), (TAKEN, 10))
REFUSAL_COUNTS = (*COUNTS, (PUT_OFF, None), (TAKEN, 11))


@pytest.mark.parametrize(
    ("seen", "after", "found"),
    [
        (REFUSAL_COUNTS_NOT, 11, {6: None}),
        (REFUSAL_COUNTS_NOT, 12, {6: 11}),
        (REFUSAL_COUNTS_NOT, 13, {}),
        (REFUSAL_COUNTS, 12, {6: None}),
        (REFUSAL_COUNTS, 13, {}),  # the one or the other
        (REFUSAL_COUNTS, 14, {6: 13}),
    ],
)
def test_whether_a_refusal_counts_is_seen_where_nothing_else_lies_between(
    seen: tuple[tuple[Outcome, int | None], ...], after: int, found: dict[int, int | None]
) -> None:
    assert settled(tries(*seen, (PUT_OFF, None), (PERHAPS, None), (TAKEN, after))) == found


def test_a_refusal_of_another_code_may_count() -> None:
    seen = tries(*COUNTS, (PUT_OFF, None), (TAKEN, 10), (PUT_OFF, None), (PERHAPS, None), (TAKEN, 12))
    assert settled(seen) == {6: 11}
    assert settled([*seen[:5], replace(seen[5], code=28), *seen[6:]]) == {}


@given(st.integers(0, 255), st.lists(st.sampled_from(["ok", "crash before", "crash after", "refused"]), max_size=40))
def test_what_the_references_tell_is_so(first: int, events: list[str]) -> None:
    """A SIM that counts, and a process that dies before or after it has."""
    reference = first
    told: list[tuple[Outcome, int | None]] = [(TAKEN, first)]
    went: dict[int, int | None] = {}
    for event in events:
        if event in ("ok", "crash after"):
            reference = (reference + 1) % 256
        if event == "ok":
            told.append((TAKEN, reference))
        elif event == "refused":
            told.append((PUT_OFF, None))
        else:
            went[len(told)] = reference if event == "crash after" else None
            told.append((PERHAPS, None))
    assert settled(tries(*told)).items() <= went.items()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+46701234567", "+46701234567", True),
        ("+46701234567", "0701234567", True),
        ("+46701234567", "46701234567", True),
        ("+46701234567", "701234567", True),
        ("+46701234567", "+47701234567", False),
        ("+46701234567", "0701234568", False),
        ("+46701234567", "4567", False),
        ("72456", "72456", True),
    ],
)
def test_a_receiver_in_another_writing(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same
    assert same_number(other, one) is same


@pytest.mark.parametrize(
    ("text", "number", "why"),
    [
        ("+46701234567", "+46701234567", ""),
        ("070-123 45 67", "+46701234567", ""),
        ("0046 70 123 45 67", "+46701234567", ""),
        ("72456", None, "premium_sms"),
        ("71000", None, "premium_sms"),
        ("+46900123456", None, "premium"),
        ("112", None, "emergency"),
        ("1177", None, "always"),
        ("090-16 10 00", None, "geographic"),
        ("+4740123456", None, "abroad"),
        ("+88213300000", None, "abroad_premium"),
        ("Telia", None, "no_number"),
        ("", None, "no_number"),
    ],
)
def test_who_may_be_sent_one(text: str, number: str | None, why: str) -> None:
    found = receiver(text)
    assert (found.number, found.why) == (number, why)


def test_abroad_is_a_choice() -> None:
    assert receiver("+4740123456", abroad=True).number == "+4740123456"
    assert receiver("+88213300000", abroad=True).number is None
