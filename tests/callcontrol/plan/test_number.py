"""Numbers as dialled in Sweden, row by row; and that 112 is 112 in all writings."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callcontrol.plan.number import (
    TEXT_MAX,
    Clash,
    Collision,
    DirectRange,
    ExtensionRange,
    LocalNumbering,
    NumberKind,
    collisions,
    parse_dialled,
    pretty,
    search_forms,
)
from callcontrol.plan.numbering import numbering_plan

K = NumberKind

# Umeå: a line by 0, four digits inside, +46 90 16 10 00 is 1000.
UMEA = LocalNumbering(
    line_prefixes=("0",),
    area_code="090",
    extensions=(ExtensionRange("1", 4), ExtensionRange("7", 5)),
    main_numbers=("+4690161000",),
    direct=(DirectRange("+4690161", "1", 3),),
)
# Numbers outside are dialled as they are, or behind a 0.
BARE = LocalNumbering(line_prefixes=("", "0"), area_code="0952", extensions=(ExtensionRange("2", 3),))
EITHER = LocalNumbering(line_prefixes=("0", ""), area_code="0952", extensions=(ExtensionRange("2", 3),))
# A line by 00, and no area of its own.
DOUBLE = LocalNumbering(line_prefixes=("00",), extensions=(ExtensionRange("", 3),))
# Norrköping: its area code with some digits more looks like a short number.
NORRKOPING = LocalNumbering(line_prefixes=("0", ""), area_code="011", extensions=(ExtensionRange("5", 4),))


@pytest.mark.parametrize(
    ("numbering", "text", "kind", "goes_out"),
    [
        # inside
        (UMEA, "1000", K.EXTENSION, "1000"),
        (UMEA, "10-00", K.EXTENSION, "1000"),
        (UMEA, "71234", K.EXTENSION, "71234"),
        (BARE, "299", K.EXTENSION, "299"),
        (DOUBLE, "011", K.EXTENSION, "011"),
        # a line, then as on the public network
        (UMEA, "0161000", K.NATIONAL, "+4690161000"),
        (UMEA, "0 090-16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "0 08-123 456 78", K.NATIONAL, "+46812345678"),
        (UMEA, "0 070-123 45 67", K.NATIONAL, "+46701234567"),
        (UMEA, "0 00 47 22 12 34 56", K.INTERNATIONAL, "+4722123456"),
        (UMEA, "0 0046 (0)90 16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "0 0046 90 16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "0 011-23 45 67", K.NATIONAL, "+4611234567"),
        (UMEA, "0 118 118", K.SHORT, "118118"),
        (UMEA, "0 90 510", K.SHORT, "90510"),
        (UMEA, "0 9510 08-123 456 78", K.NATIONAL, "+46812345678"),
        (UMEA, "0 9510 00 47 22 12 34 56", K.INTERNATIONAL, "+4722123456"),
        (UMEA, "0 020-12 34 56", K.NATIONAL, "+4620123456"),
        (UMEA, "0 0771-567 567", K.NATIONAL, "+46771567567"),
        (UMEA, "0 0681-12 34 56", K.NATIONAL, "+46681123456"),
        # without a line prefix
        (BARE, "0952-123 45", K.NATIONAL, "+4695212345"),
        (BARE, "123 45", K.NATIONAL, "+4695212345"),
        (BARE, "0 123 45", K.NATIONAL, "+4695212345"),
        (BARE, "070-123 45 67", K.NATIONAL, "+46701234567"),
        (BARE, "0 070-123 45 67", K.INTERNATIONAL, "+701234567"),  # read as 00 70…: barred, and never a surprise
        (BARE, "0047 22 12 34 56", K.INTERNATIONAL, "+4722123456"),
        (BARE, "72123", K.NATIONAL, "+4695272123"),
        (EITHER, "0 070-123 45 67", K.NATIONAL, "+46701234567"),
        (EITHER, "070-123 45 67", K.NATIONAL, "+46701234567"),
        (EITHER, "0952-123 45", K.NATIONAL, "+4695212345"),
        (EITHER, "0 0952-123 45", K.NATIONAL, "+4695212345"),
        (EITHER, "0 123 45", K.NATIONAL, "+4695212345"),
        (EITHER, "123 45", K.NATIONAL, "+4695212345"),
        (EITHER, "0 0047 22 12 34 56", K.INTERNATIONAL, "+4722123456"),
        (EITHER, "0047 22 12 34 56", K.INTERNATIONAL, "+4722123456"),
        (DOUBLE, "00 070-123 45 67", K.NATIONAL, "+46701234567"),
        (DOUBLE, "00 0046 70 123 45 67", K.NATIONAL, "+46701234567"),
        # with + there is no line prefix
        (UMEA, "+46 90 16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "+46 (0)90-16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "+46 090 16 10 00", K.NATIONAL, "+4690161000"),
        (UMEA, "tel:+46-90-16-10-00", K.NATIONAL, "+4690161000"),
        (UMEA, "TEL:+46-90-16-10-00;ext=1234;isub=5", K.NATIONAL, "+4690161000"),
        (UMEA, "+46701234567;ext=5", K.NATIONAL, "+46701234567"),
        (UMEA, "+1 (212) 555-0123", K.INTERNATIONAL, "+12125550123"),
        # the short numbers that are always open, however they are dialled
        (UMEA, "1177", K.SHORT, "1177"),
        (UMEA, "01177", K.SHORT, "1177"),
        (UMEA, "00 1177", K.SHORT, "1177"),
        (UMEA, "114 14", K.SHORT, "11414"),
        (UMEA, "0-113 13", K.SHORT, "11313"),
        (UMEA, "116 000", K.SHORT, "116000"),
        (UMEA, "116 111", K.SHORT, "116111"),
        (UMEA, "+46 1177", K.SHORT, "1177"),
        (DOUBLE, "00 11414", K.SHORT, "11414"),
        # a short number in disguise is what it is
        (UMEA, "0 0118118", K.SHORT, "118118"),
        (UMEA, "+46 118 118", K.SHORT, "118118"),
        (UMEA, "0 0046 118118", K.SHORT, "118118"),
    ],
)
def test_read(numbering: LocalNumbering, text: str, kind: NumberKind, goes_out: str) -> None:
    read = parse_dialled(text, numbering)
    assert (read.kind, read.e164 or read.digits) == (kind, goes_out)
    assert read.why == ""


@pytest.mark.parametrize(
    ("numbering", "text", "why"),
    [
        (UMEA, "", "empty"),
        (UMEA, " \t", "empty"),
        (UMEA, "0" * (TEXT_MAX + 1), "too_long"),
        (UMEA, "anna", "characters"),
        (UMEA, "0 08-ABCDEF", "characters"),
        (UMEA, "١١٢٣", "characters"),
        (UMEA, "１０００", "characters"),
        (UMEA, "10\u202e00", "characters"),
        (UMEA, "\u200f1000", "characters"),
        (UMEA, "1000\x00", "characters"),
        (UMEA, "0 08-12 34 56,,1", "characters"),
        (UMEA, "0 08-12 34 56 p1", "characters"),
        (UMEA, "++46901610", "characters"),
        (UMEA, "46+901610", "characters"),
        (UMEA, "tel:0900123456;phone-context=+46", "characters"),
        (UMEA, "sip:1000@example.se", "characters"),
        (UMEA, "*23*1*1300#", "code"),
        (UMEA, "#31#0701234567", "code"),
        (UMEA, "*42#0701234567", "code"),
        (UMEA, "1123", "begins_112"),
        (UMEA, "112112", "begins_112"),
        (UMEA, "0 1121234", "begins_112"),
        (UMEA, "0 115 555", "local"),
        (UMEA, "0 9510", "local"),
        (UMEA, "0 9510 9510 08-12345678", "local"),
        (UMEA, "0 08-1234", "length"),
        (UMEA, "0 070-123 45 678", "length"),
        (UMEA, "0 00 47", "length"),
        (UMEA, "+123456789012345678", "length"),
        (UMEA, "+0046901610", "no_such_number"),
        (UMEA, "+46 00 90 161000", "no_such_number"),
        (UMEA, "0", "no_such_number"),
        (UMEA, "555", "no_such_number"),
        (UMEA, "+", "characters"),
        (DOUBLE, "00 123456", "no_area_code"),
        (NORRKOPING, "0 2", "length"),  # not 011-2, which is no 112
        (NORRKOPING, "2", "length"),
        (NORRKOPING, "77", "length"),
        (NORRKOPING, "0 8118", "length"),
    ],
)
def test_no_number(numbering: LocalNumbering, text: str, why: str) -> None:
    read = parse_dialled(text, numbering)
    assert (read.kind, read.why) == (K.INVALID, why)
    assert (read.digits, read.e164, read.extension) == ("", None, None)


@pytest.mark.parametrize("numbering", [UMEA, BARE, DOUBLE, NORRKOPING])
@pytest.mark.parametrize(
    "text",
    ["112", "0112", "00112", "+112", "0-112", "0 112", "000112", "1-1-2", " 112 ", "+46112", "+46 (0)112", "tel:112",
     "tel:112;phone-context=+46", "\u202a112\u202c", "urn:service:sos", "URN:service:sos.police"],
)  # fmt: skip
def test_112_in_all_writings(numbering: LocalNumbering, text: str) -> None:
    read = parse_dialled(text, numbering)
    assert (read.kind, read.digits) == (K.EMERGENCY, "112")


def test_112_is_never_an_extension() -> None:
    wide = LocalNumbering(extensions=(ExtensionRange("", 3), ExtensionRange("112", 6)))
    assert parse_dialled("112", wide).kind is K.EMERGENCY
    assert parse_dialled("112345", wide).kind is K.INVALID
    assert not wide.is_extension("112")


def test_a_line_prefix_of_another_digit() -> None:
    nine = LocalNumbering(line_prefixes=("9",), area_code="090", extensions=(ExtensionRange("9", 4),))
    assert parse_dialled("9112", nine).kind is K.EMERGENCY
    assert parse_dialled("9123", nine).kind is K.EXTENSION
    assert parse_dialled("9 0701234567", nine).e164 == "+46701234567"


def test_sms_short_numbers() -> None:
    assert parse_dialled("72123", BARE, sms=True).kind is K.SHORT
    assert parse_dialled("0701234567", BARE, sms=True).e164 == "+46701234567"


@pytest.mark.parametrize(
    ("text", "extension", "main"),
    [
        ("0 090-16 10 00", "1000", True),
        ("+46 90 16 11 77", "1177", False),
        ("+46 90 16 20 00", None, False),
        ("+46 90 16 10 0", None, False),
    ],
)
def test_our_own_numbers(text: str, extension: str | None, main: bool) -> None:
    read = parse_dialled(text, UMEA)
    assert (read.extension, read.main) == (extension, main)


def test_direct_numbers_there_and_back() -> None:
    assert UMEA.number_of("1234") == "+4690161234"
    assert UMEA.extension_of("+4690161234") == "1234"
    assert UMEA.number_of("71234") is None


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"line_prefixes": ("x",)}, "line prefix: 'x'"),
        ({"area_code": "90"}, "area code: '90'"),
        ({"area_code": "0999"}, "area code: '0999'"),
        ({"main_numbers": ("090161000",)}, "main number: '090161000'"),
    ],
)
def test_a_numbering_that_cannot_be(change: dict[str, object], part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)):
        LocalNumbering(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("prefix", "length"), [("12", 1), ("x", 4), ("", 0), ("1", 11)])
def test_an_extension_range_that_cannot_be(prefix: str, length: int) -> None:
    with pytest.raises(ValueError, match="extension range"):
        ExtensionRange(prefix, length)


@pytest.mark.parametrize(
    ("number", "extension", "digits"), [("090161", "1", 3), ("+4690161", "x", 3), ("+4690161", "1", 9)]
)
def test_a_direct_range_that_cannot_be(number: str, extension: str, digits: int) -> None:
    with pytest.raises(ValueError, match="direct-dial range"):
        DirectRange(number, extension, digits)


@pytest.mark.parametrize(
    ("extensions", "codes", "clashes"),
    [
        (["1000", "71234"], ["*21*", "#21#", "9"], []),
        (["1120"], [], [("1120", Clash.EMERGENCY, "112")]),
        (["11"], [], [
            ("11", Clash.EMERGENCY, "112"), ("11", Clash.RANGE, ""),
            ("11", Clash.SHORT, "11313"), ("11", Clash.SHORT, "11414"),
            ("11", Clash.SHORT, "116000"), ("11", Clash.SHORT, "1177"),
        ]),
        (["1177"], [], [("1177", Clash.SHORT, "1177")]),
        (["1141"], [], [("1141", Clash.SHORT, "11414")]),
        (["0123"], [], [("0123", Clash.LINE_PREFIX, "0"), ("0123", Clash.RANGE, "")]),
        (["1000", "100"], [], [("100", Clash.RANGE, ""), ("1000", Clash.EXTENSION, "100")]),
        (["1000"], ["1", "*61*", "*61*"], [
            ("*61*", Clash.CODE, "*61*"), ("1", Clash.EMERGENCY, "112"), ("1", Clash.SHORT, "11313"),
            ("1", Clash.SHORT, "11414"), ("1", Clash.SHORT, "116000"), ("1", Clash.SHORT, "1177"),
            ("1000", Clash.CODE, "1"),
            ("1", Clash.EXTENSION, "1"),
        ]),
    ],
)  # fmt: skip
def test_collisions(extensions: list[str], codes: list[str], clashes: list[tuple[str, Clash, str]]) -> None:
    assert collisions(UMEA, extensions, codes) == tuple(sorted(Collision(*clash) for clash in clashes))


def test_an_extension_hides_a_number_of_the_area() -> None:
    site = LocalNumbering(line_prefixes=("",), area_code="0952", extensions=(ExtensionRange("", 5),))
    assert collisions(site, ["12345", "90510"], []) == (
        Collision("12345", Clash.LOCAL_NUMBER, "+4695212345"),
        Collision("90510", Clash.SHORT, "90510"),
    )


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+4690161000", "090-16 10 00"),
        ("+469016100", "090-161 00"),
        ("+46901610000", "090-161 00 00"),
        ("+46812345678", "08-123 456 78"),
        ("+4681234567", "08-123 45 67"),
        ("+468123456", "08-12 34 56"),
        ("+4695212345", "0952-123 45"),
        ("+46952123456", "0952-12 34 56"),
        ("+46701234567", "070-123 45 67"),
        ("+46101234567", "010-123 45 67"),
        ("+4620123456", "020-12 34 56"),
        ("11414", "114 14"),
        ("116000", "116 000"),
        ("1177", "1177"),
        ("112", "112"),
        ("1000", "1000"),
        ("+4722123456", "+4722123456"),
        ("+46681123456", "+46681123456"),
        ("+46x", "+46x"),
        ("", ""),
    ],
)
def test_pretty(number: str, shown: str) -> None:
    assert pretty(number) == shown


@pytest.mark.parametrize(
    "text",
    ["090-16 10 00", "+46 90 161000", "0046 90 16 10 00", "0046 (0)90 16 10 00", "161000", "(0)90-161000", "16 10",
     "tel:+46-90-16-10-00", "0 090 16 10 00", "000 46 90 16", "090", "09016"],
)  # fmt: skip
def test_found_however_it_is_written(text: str) -> None:
    forms = search_forms(text)
    assert forms
    assert all(form in "4690161000" for form in forms)


@pytest.mark.parametrize("text", ["", "0", "+", "00", "anna", "Anna 1000", "١١٢", "1" * (TEXT_MAX + 1)])
def test_no_number_to_search_for(text: str) -> None:
    assert search_forms(text) == ()


def test_the_plan_has_the_264_areas_of_pts() -> None:
    assert len(numbering_plan().area_codes) == 264


def test_every_entry_has_its_source() -> None:
    plan = numbering_plan()
    assert {entry.source for entry in plan.entries} <= set(plan.sources)
    assert all(entry.what for entry in plan.entries)


TEXTS = st.text(alphabet="0123456789+- ().*#", max_size=24) | st.text(max_size=TEXT_MAX + 8)
NUMBERINGS = st.sampled_from([UMEA, BARE, DOUBLE, NORRKOPING])


@given(text=TEXTS, numbering=NUMBERINGS)
def test_reading_never_fails_and_is_read_again_as_itself(text: str, numbering: LocalNumbering) -> None:
    read = parse_dialled(text, numbering)
    search_forms(text)
    if read.e164:
        assert parse_dialled(read.e164, numbering) == read
        assert parse_dialled(pretty(read.e164) if read.kind is not K.NATIONAL else read.e164, BARE).e164 == read.e164
    elif read.kind is not K.INVALID:
        assert parse_dialled(read.digits, numbering).kind in (read.kind, K.INVALID, K.EXTENSION, K.NATIONAL)


@given(nsn=st.from_regex(r"(90|8|952|70)[1-9][0-9]{5}", fullmatch=True), cut=st.integers(1, 9))
def test_what_is_shown_can_be_dialled_and_found(nsn: str, cut: int) -> None:
    e164 = "+46" + nsn
    shown = pretty(e164)
    if shown != e164:
        assert parse_dialled(shown, BARE).e164 == e164
    assert all(form in e164 for form in search_forms(shown[:cut]))


@given(zeros=st.integers(0, 6), gaps=st.lists(st.sampled_from(["", " ", "-", "."]), min_size=9, max_size=9))
@example(zeros=0, gaps=[""] * 9)
def test_112_with_any_zeros_and_gaps(zeros: int, gaps: list[str]) -> None:
    text = "".join(digit + gap for digit, gap in zip("0" * zeros + "112", gaps, strict=False))
    for numbering in (UMEA, BARE, DOUBLE):
        assert parse_dialled(text, numbering).kind is K.EMERGENCY


@given(text=TEXTS, numbering=NUMBERINGS)
def test_nothing_else_is_112(text: str, numbering: LocalNumbering) -> None:
    if parse_dialled(text, numbering).kind is K.EMERGENCY:
        digits = "".join(letter for letter in text if letter in "0123456789")
        assert re.fullmatch(r"0*(460*)?112", digits) or text.strip().lower().startswith("urn:service:sos")
