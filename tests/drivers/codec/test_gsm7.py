import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import gsm7

LETTERS = [chr(code) for code in range(0x2100) if gsm7.septets_of(chr(code))]


@given(st.text(LETTERS), st.integers(0, 6))
def test_what_is_packed_is_read_again(text: str, fill: int) -> None:
    septets = gsm7.encode(text)
    octets = gsm7.pack(septets, fill)
    assert len(octets) == gsm7.packed_octets(len(septets), fill)
    assert gsm7.decode(gsm7.unpack(octets, len(septets), fill)) == text


def test_the_alphabet_has_137_letters_that_swedish_needs_among_them() -> None:
    assert len(LETTERS) == 127 + 10
    assert gsm7.encode("åäöÅÄÖé€") == bytes([0x0F, 0x7B, 0x7C, 0x0E, 0x5B, 0x5C, 0x05, 0x1B, 0x65])


@pytest.mark.parametrize(
    ("octets", "count", "text"),
    [
        ("31D98C56B3DD70", 8, "1234567" + "8"),  # eight septets lie in seven octets without anything over
        ("31D98C56B3DD00", 7, "1234567"),  # seven with seven bits over, which are no @
        ("", 0, ""),
    ],
)
def test_as_the_standard_packs(octets: str, count: int, text: str) -> None:
    assert gsm7.decode(gsm7.unpack(bytes.fromhex(octets), count)) == text
    assert gsm7.pack(gsm7.encode(text)) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("septets", "text"),
    [
        (b"\x1b\x65", "€"),
        (b"\x1bA", "A"),  # not in the extension table: the basic one's letter
        (b"\x1b\x1b", " "),
        (b"a\x1b", "a "),  # cut off
    ],
)
def test_escapes_of_others(septets: bytes, text: str) -> None:
    assert gsm7.decode(septets) == text


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="'š'"):
        gsm7.encode("Miloš")
    with pytest.raises(ValueError, match="9 septets need 8 octets"):
        gsm7.unpack(bytes(7), 9)
