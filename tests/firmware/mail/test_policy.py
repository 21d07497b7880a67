"""What an answer means for a mail, and what may become of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.mail.policy import (
    BACK_OFF,
    ENDED,
    SERVER_BACK_OFF,
    Happened,
    Stage,
    State,
    address,
    back_off,
    following,
    meaning,
    one_line,
    server_back_off,
)

TAKEN, UNREACHED, PUT_OFF, REFUSED, DOUBTFUL = (
    Happened.TAKEN, Happened.UNREACHED, Happened.PUT_OFF, Happened.REFUSED, Happened.DOUBTFUL,
)  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "code", "happened"),
    [
        (Stage.GREETING, None, UNREACHED),
        (Stage.GREETING, 554, UNREACHED),  # "no SMTP service here": nobody's mail was judged
        (Stage.TLS, 454, UNREACHED),
        (Stage.LOGIN, 535, UNREACHED),
        (Stage.SENDER, 550, UNREACHED),  # a wrong sender refuses every mail
        (Stage.SENDER, 552, REFUSED),  # but one that is too big is this one
        (Stage.SENDER, 421, UNREACHED),
        (Stage.RECIPIENT, 550, REFUSED),
        (Stage.RECIPIENT, 450, PUT_OFF),  # greylisted
        (Stage.RECIPIENT, 421, PUT_OFF),
        (Stage.RECIPIENT, None, PUT_OFF),
        (Stage.DATA, 554, REFUSED),
        (Stage.DATA, None, PUT_OFF),  # its end was not sent: it was not taken
        (Stage.END, 250, TAKEN),
        (Stage.END, 452, PUT_OFF),
        (Stage.END, 421, PUT_OFF),
        (Stage.END, 554, REFUSED),
        (Stage.END, None, DOUBTFUL),
        (Stage.END, 354, DOUBTFUL),  # no answer that SMTP knows there
        (Stage.END, 999, DOUBTFUL),
    ],
)
def test_meaning(stage: Stage, code: int | None, happened: Happened) -> None:
    assert meaning(stage, code) is happened


@given(st.sampled_from(Stage), st.none() | st.integers(0, 999))
def test_nothing_is_taken_but_by_a_yes_to_its_last_line_and_no_doubt_is_anywhere_else(
    stage: Stage, code: int | None
) -> None:
    happened = meaning(stage, code)
    assert (happened is TAKEN) == (stage is Stage.END and code is not None and 200 <= code < 300)
    if happened is DOUBTFUL:
        assert stage is Stage.END
    if stage is Stage.END and code is None:
        assert happened is DOUBTFUL


def test_what_is_sent_stays_so() -> None:
    assert all(following(State.SENT, happened) is None for happened in Happened)
    for state in ENDED:
        assert {happened for happened in Happened if following(state, happened)} <= {Happened.AGAIN}


def test_pauses_grow_and_stay_at_the_last() -> None:
    assert tuple(map(back_off, range(1, len(BACK_OFF) + 1))) == BACK_OFF
    assert back_off(0) == BACK_OFF[0]
    assert back_off(99) == BACK_OFF[-1]
    assert tuple(map(server_back_off, range(1, len(SERVER_BACK_OFF) + 1))) == SERVER_BACK_OFF
    assert server_back_off(10_000) == SERVER_BACK_OFF[-1]


@given(st.text(max_size=80))
def test_an_address_is_one_word_with_one_at(text: str) -> None:
    try:
        address(text)
    except ValueError:
        return
    assert text.count("@") == 1
    assert not set(text) & set("<>\"',;: \r\n\t\0")


@pytest.mark.parametrize("text", ["anna@norrby.example", "a.b+c@x.se", "anna.öberg@norrby.example", "o'hara@x.se"])
def test_addresses(text: str) -> None:
    if "'" in text:
        with pytest.raises(ValueError, match="address"):
            address(text)
    else:
        assert address(text) == text


@given(st.text(max_size=300), st.integers(2, 100))
def test_a_line_is_one(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line == one_line(line, most)
    assert len(line.splitlines()) <= 1
