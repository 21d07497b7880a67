import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.codec import gsm7
from drivers.codec.sms_fields import Address, Alphabet, Concatenation, UserData
from drivers.codec.sms_pdu import DeliverPdu, parse
from drivers.codec.sms_text import WAIT, WAITING_MAX, Reassembly, Received, split

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNA = Address.of("+46701234567")


def came(user: UserData, sender: Address = ANNA) -> DeliverPdu:
    """As it is after the air."""
    read = parse(b"\0" + DeliverPdu(sender=sender, user=user, sent_at=NOW).to_bytes())
    assert isinstance(read, DeliverPdu)
    return read


def joined(parts: list[UserData], order: list[int]) -> list[Received]:
    reassembly = Reassembly()
    return [one for key in order for one in reassembly.push(key, came(parts[key]), NOW)]


@settings(max_examples=60)
@given(st.text(st.sampled_from("ab€[å😋š\n") | st.characters(codec="utf-8"), max_size=700), st.booleans(), st.randoms())
def test_what_is_split_is_joined_in_any_order_and_no_letter_is_cut(
    text: str, wide: bool, chance: random.Random
) -> None:
    parts = list(split(text, 200, wide=wide))
    assert "".join(part.text for part in parts) == text  # each readable by itself
    order = list(range(len(parts)))
    chance.shuffle(order)
    (whole,) = joined(parts, order)
    assert (whole.text, whole.complete, sorted(whole.parts)) == (text, True, sorted(order))


@pytest.mark.parametrize(
    ("text", "wide", "lengths"),
    [
        ("a" * 160, False, [160]),
        ("a" * 161, False, [153, 8]),
        ("a" * 161, True, [152, 9]),
        ("€" * 80, False, [160]),
        ("€" * 81, False, [152, 10]),  # 76 pairs, not 76 and a half
        ("å" * 152 + "€", False, [154]),
        ("å" * 152 + "€" * 5, False, [152, 10]),
        ("š" * 70, False, [140]),
        ("š" * 71, False, [134, 8]),
        ("š" * 66 + "😋" * 3, False, [132, 12]),  # 67 units have room
        ("š" * 71, True, [132, 10]),
    ],
)
def test_where_it_is_cut(text: str, wide: bool, lengths: list[int]) -> None:
    assert [len(part.units) for part in split(text, 1, wide=wide)] == lengths


def test_a_text_of_too_many_parts_is_refused() -> None:
    assert len(split("a" * 153 * 3, 1, parts_max=3)) == 3
    with pytest.raises(ValueError, match="a text of 4 parts; 3 at the most"):
        split("a" * (153 * 3 + 1), 1, parts_max=3)


@pytest.mark.parametrize(
    ("alphabet", "units", "text"),
    [(Alphabet.GSM7, gsm7.encode("5 €"), "5 €"), (Alphabet.UCS2, "åh 😋".encode("utf-16-be"), "åh 😋")],
)
def test_what_others_have_cut_within_a_letter_is_whole_again(alphabet: Alphabet, units: bytes, text: str) -> None:
    cut = len(units) - (1 if alphabet is Alphabet.GSM7 else 2)
    pieces = [units[:cut], units[cut:]]
    parts = [UserData(alphabet, piece, Concatenation(3, 2, number)) for number, piece in enumerate(pieces, 1)]
    assert [one.text for one in joined(parts, [1, 0])] == [text]


def test_parts_of_two_alphabets_are_one_text() -> None:
    parts = [
        UserData(Alphabet.GSM7, gsm7.encode("kaffe "), Concatenation(3, 2, 1)),
        UserData(Alphabet.UCS2, "☕".encode("utf-16-be"), Concatenation(3, 2, 2)),
    ]
    assert [one.text for one in joined(parts, [0, 1])] == ["kaffe ☕"]


def test_a_part_that_comes_twice_is_passed_over() -> None:
    parts = list(split("a" * 200, 9))
    assert len(joined(parts, [0, 0, 1])) == 1


def test_a_reference_used_again_begins_a_new_message() -> None:
    first, second = split("a" * 200, 9), split("b" * 200, 9)
    told = joined([first[0], second[0], second[1]], [0, 1, 2])
    assert [(one.text, one.complete) for one in told] == [("a" * 153 + "[…]", False), ("b" * 200, True)]


def test_senders_are_kept_apart() -> None:
    parts = split("a" * 200, 9)
    reassembly = Reassembly()
    assert reassembly.push(1, came(parts[0]), NOW) == ()
    assert reassembly.push(2, came(parts[1], Address("Anna", 0xD0)), NOW) == ()


def test_what_never_comes_whole_is_given_as_far_as_it_came() -> None:
    parts = split("a" * 153 * 4, 9)
    reassembly = Reassembly()
    reassembly.push(1, came(parts[1]), NOW)
    reassembly.push(2, came(parts[3]), NOW + timedelta(hours=1))
    assert reassembly.expired(NOW + WAIT - timedelta(seconds=1)) == ()
    (one,) = reassembly.expired(NOW + WAIT)
    assert (one.text, one.complete, one.parts) == ("[…]" + "a" * 153 + "[…]" + "a" * 153, False, (1, 2))
    assert reassembly.expired(NOW + 2 * WAIT) == ()


def test_no_more_than_so_many_are_waited_for() -> None:
    reassembly = Reassembly()
    part = split("a" * 200, 9)[0]
    told = [
        one
        for key in range(WAITING_MAX + 1)
        for one in reassembly.push(key, came(part, Address.of(f"+4670{key}")), NOW + timedelta(seconds=key))
    ]
    assert [one.parts for one in told] == [(0,)]  # the oldest
