"""Who may ring what (E1): categories, classes, ordered calls; that no spelling passes barring; the guard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.number import DirectRange, ExtensionRange, LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.numbering import numbering_plan
from callcontrol.plan.reach import (
    DEFAULT_CLASS,
    REACH_CLASSES,
    Category,
    Guard,
    GuardLimits,
    OutgoingCall,
    category,
    may,
)

C = Category
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SITE = LocalNumbering(
    line_prefixes=("0",),
    area_code="090",
    extensions=(ExtensionRange("1", 4),),
    main_numbers=("+4690161000",),
    direct=(DirectRange("+4690161", "1", 3),),
)
SITES = [
    SITE,
    LocalNumbering(line_prefixes=("", "0"), area_code="0952", extensions=(ExtensionRange("2", 3),)),
    LocalNumbering(line_prefixes=("00", "9"), area_code="08", extensions=(ExtensionRange("", 5),)),
    LocalNumbering(line_prefixes=("0", ""), area_code="011"),
]


@dataclass(frozen=True)
class Choices:
    abroad_by_operator: bool = False


OREBRO, SAMSA = Choices(), Choices(abroad_by_operator=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("112", C.EMERGENCY),
        ("1177", C.ALWAYS),
        ("114 14", C.ALWAYS),
        ("113 13", C.ALWAYS),
        ("116 000", C.ALWAYS),
        ("116 111", C.ALWAYS),
        ("0 90 000", C.ALWAYS),
        ("1000", C.INTERNAL),
        ("0 090-12 34 56", C.GEOGRAPHIC),
        ("0 08-12 34 56", C.GEOGRAPHIC),
        ("0 010-123 45 67", C.GEOGRAPHIC),
        ("0 020-12 34 56", C.FREEPHONE),
        ("0 0771-567 567", C.SHARED_COST),
        ("0 070-123 45 67", C.MOBILE),
        ("0 072-123 45 67", C.MOBILE),
        ("0 073-123 45 67", C.MOBILE),
        ("0 076-123 45 67", C.MOBILE),
        ("0 079-123 45 67", C.MOBILE),
        ("0 075-123 45 67", C.PERSONAL),
        ("0 074-123 45 67", C.PAGER),
        ("0 0719-123 456 789", C.MACHINE),
        ("0 0378-12 34 56", C.MACHINE),
        ("0 078-12 34 56", C.OPERATOR_SERVICE),
        ("0 117 1", C.OPERATOR_SERVICE),
        ("0 114 50", C.OPERATOR_SERVICE),
        ("0 0900-123 45 67", C.PREMIUM),
        ("0 0939-12 34 56", C.PREMIUM),
        ("0 0944-12 34 56", C.PREMIUM),
        ("0 0649-12 34 56", C.PREMIUM),
        ("0 099-123 45 67", C.MASS_CALL),
        ("0 0718-12 34 56", C.MASS_CALL),
        ("0 0963-12 34 56", C.MASS_CALL),
        ("0 118 118", C.INQUIRY),
        ("0 118 999", C.INQUIRY),
        ("0 90 510", C.COMPANY),
        ("+47 22 12 34 56", C.ABROAD),
        ("+358 9 123 456", C.ABROAD),
        ("+881 612 345 678", C.ABROAD_PREMIUM),
        ("+979 123 456 789", C.ABROAD_PREMIUM),
        ("0 0681-12 34 56", C.UNKNOWN),
        ("anna", C.INVALID),
    ],
)
def test_category(text: str, expected: Category) -> None:
    assert category(parse_dialled(text, SITE)) is expected


def test_category_of_a_message() -> None:
    assert category(parse_dialled("72123", SITES[1], sms=True)) is C.PREMIUM_SMS
    assert category(parse_dialled("71123", SITES[1], sms=True)) is C.PREMIUM_SMS


@pytest.mark.parametrize(
    ("reach", "asked", "ordered", "by_operator", "choices", "allowed", "why"),
    [
        # Örebro: open for Sweden and Swedish mobiles; closed for abroad, premium-rate, number inquiry
        ("sweden", C.GEOGRAPHIC, False, False, OREBRO, True, "open"),
        ("sweden", C.MOBILE, False, False, OREBRO, True, "open"),
        ("sweden", C.FREEPHONE, False, False, OREBRO, True, "open"),
        ("sweden", C.SHARED_COST, False, False, OREBRO, True, "open"),
        ("sweden", C.ABROAD, False, False, OREBRO, False, "barred"),
        ("sweden", C.PREMIUM, False, False, OREBRO, False, "barred"),
        ("sweden", C.INQUIRY, False, False, OREBRO, False, "barred"),
        ("sweden", C.PREMIUM_SMS, False, False, OREBRO, False, "barred"),
        ("sweden", C.MASS_CALL, False, False, OREBRO, False, "barred"),
        ("sweden", C.PERSONAL, False, False, OREBRO, False, "barred"),
        ("sweden", C.MACHINE, False, False, OREBRO, False, "barred"),
        ("sweden", C.UNKNOWN, False, False, OREBRO, False, "unknown"),
        ("sweden", C.INVALID, False, False, OREBRO, False, "no_number"),
        # open always
        ("inside", C.EMERGENCY, False, False, OREBRO, True, "emergency"),
        ("inside", C.ALWAYS, False, False, OREBRO, True, "always"),
        ("inside", C.INTERNAL, False, False, OREBRO, True, "always"),
        ("inside", C.GEOGRAPHIC, False, False, OREBRO, False, "barred"),
        # Örebro: Kundtjänst cannot connect such numbers, ordered or not
        ("sweden", C.ABROAD, False, True, OREBRO, False, "operator"),
        ("sweden", C.PREMIUM, False, True, OREBRO, False, "operator"),
        ("sweden", C.ABROAD, True, True, OREBRO, False, "ordered_not_allowed"),
        # SAMSA: an ordered call abroad, by the switchboard only, and abroad only
        ("sweden", C.ABROAD, True, True, SAMSA, True, "ordered"),
        ("sweden", C.ABROAD, False, True, SAMSA, False, "operator"),
        ("sweden", C.ABROAD, True, False, SAMSA, False, "ordered_not_allowed"),
        ("sweden", C.PREMIUM, True, True, SAMSA, False, "operator"),
        ("sweden", C.ABROAD_PREMIUM, True, True, SAMSA, False, "operator"),
        # other classes
        ("abroad", C.ABROAD, False, False, OREBRO, True, "open"),
        ("abroad", C.ABROAD_PREMIUM, False, False, OREBRO, False, "barred"),
        ("inquiry", C.INQUIRY, False, False, OREBRO, True, "open"),
        ("all", C.PREMIUM, False, False, OREBRO, True, "open"),
        ("all", C.INVALID, False, False, OREBRO, False, "no_number"),
    ],
)
def test_may(
    reach: str, asked: Category, ordered: bool, by_operator: bool, choices: Choices, allowed: bool, why: str
) -> None:
    verdict = may(REACH_CLASSES[reach], asked, ordered=ordered, by_operator=by_operator, choices=choices)
    assert (verdict.allowed, verdict.why) == (allowed, why)
    assert verdict.record == (why == "ordered")


def test_the_rule_is_named() -> None:
    def rule(asked: Category) -> str:
        return may(DEFAULT_CLASS, asked, ordered=False, by_operator=False, choices=OREBRO).rule

    assert [rule(C.EMERGENCY), rule(C.ABROAD), rule(C.INVALID)] == ["A4", "E1", "B1"]


# What may leave by the class "sweden", written down once more and otherwise than the plan: digits after the plus.
OPEN_NUMBERS = re.compile(
    r"\+46(?:(?!900|939|944|99|963|718|649|378|388|389|25[245]\d{9}|67[3-8]\d{9}|71|74|75|78)[1-9]\d{5,8})"
    r"|112|1177|11313|11414|116\d{3}|90000"
)

NUMBERINGS = st.sampled_from(SITES) | st.builds(
    lambda prefixes, area, long: LocalNumbering(
        line_prefixes=tuple(prefixes), area_code=f"0{area}" if area else "", extensions=(ExtensionRange("", long),)
    ),
    st.lists(st.sampled_from(["", "0", "00", "9", "90", "000", "095"]), max_size=3, unique=True),
    st.sampled_from(["", *sorted(numbering_plan().area_codes)]),
    st.integers(2, 7),
)
SEPARATORS = st.sampled_from(["", "", "", " ", "-", ".", "/", "(", ")", "\u00a0"])
CLOSED = st.one_of(
    st.from_regex(r"(900|939|944)[1-8]\d{5}", fullmatch=True),
    st.from_regex(r"99[1-59]\d{6}", fullmatch=True),
    st.from_regex(r"75[1-8]\d{6}", fullmatch=True),
    st.from_regex(r"118\d{3}", fullmatch=True),
    st.from_regex(r"719\d{6}", fullmatch=True),
)
BEFORE = st.sampled_from(
    ["0", "00", "+46", "0046", "00046", "+460", "00460", "95100", "095100", "0951000", "0095100046", "tel:+46",
     "tel:0", "", "9", "90", "9951046", "0950095000"]
)  # fmt: skip
AFTER = st.sampled_from(["", ";ext=1", ";isub=12;ext=90", ";user=phone", ";EXT=0", "\t", " "])


def spelt(digits: str, gaps: list[str]) -> str:
    return "".join(digit + gaps[at % len(gaps)] for at, digit in enumerate(digits))


@given(
    site=NUMBERINGS,
    before=BEFORE,
    nsn=CLOSED,
    after=AFTER,
    gaps=st.lists(SEPARATORS, min_size=1, max_size=9),
    operator=st.booleans(),
    ordered=st.booleans(),
)
def test_no_spelling_of_a_closed_number_passes(
    site: LocalNumbering, before: str, nsn: str, after: str, gaps: list[str], operator: bool, ordered: bool
) -> None:
    read = parse_dialled(before + spelt(nsn, gaps) + after, site)
    where = category(read)
    verdict = may(DEFAULT_CLASS, where, ordered=ordered, by_operator=operator, choices=OREBRO)
    if verdict.allowed and where is not C.INTERNAL:
        assert OPEN_NUMBERS.fullmatch(read.e164 or read.digits)
        assert f"+46{nsn}" != read.e164
        assert read.digits != nsn


@given(
    site=NUMBERINGS,
    text=st.text(alphabet="00000011112345678999+- ();=ext:tl*#", max_size=28) | st.text(max_size=40),
    sms=st.booleans(),
)
def test_whatever_is_typed_only_open_numbers_leave(site: LocalNumbering, text: str, sms: bool) -> None:
    read = parse_dialled(text, site, sms=sms)
    where = category(read)
    if may(DEFAULT_CLASS, where, ordered=False, by_operator=True, choices=SAMSA).allowed and where is not C.INTERNAL:
        assert OPEN_NUMBERS.fullmatch(read.e164 or read.digits)


@given(text=st.text(alphabet="0123456789+", max_size=18), site=NUMBERINGS)
def test_every_number_has_a_category_and_only_nonsense_is_invalid(text: str, site: LocalNumbering) -> None:
    read = parse_dialled(text, site)
    assert (category(read) is C.INVALID) == (read.kind is NumberKind.INVALID)
    assert (category(read) is C.EMERGENCY) == (read.kind is NumberKind.EMERGENCY)


def calls(*minutes_ago: int, what: Category = C.MOBILE, lasted: int | None = 1) -> list[OutgoingCall]:
    return [
        OutgoingCall(began, what, None if lasted is None else began + timedelta(minutes=lasted))
        for began in (NOW - timedelta(minutes=m) for m in minutes_ago)
    ]


LIMITS = GuardLimits(calls=3, cost_ore=1000, ore_a_minute={C.ABROAD: 200}, other_ore_a_minute=10)


@pytest.mark.parametrize(
    ("outgoing", "counted", "cost_ore", "why"),
    [
        ([], 0, 0, "open"),
        (calls(50, 5), 2, 20, "open"),
        (calls(50, 40, 5), 3, 30, "guard_calls"),
        (calls(90, 80, 70, 61, 5), 1, 10, "open"),
        (calls(90, lasted=60), 0, 300, "open"),
        (calls(120, what=C.ABROAD, lasted=None), 0, 12000, "guard_cost"),
        (calls(6, what=C.ABROAD, lasted=5), 1, 1000, "guard_cost"),
        (calls(6, what=C.ABROAD, lasted=4), 1, 800, "open"),
        (calls(5, 4, 3, 2, 1, what=C.EMERGENCY), 0, 0, "open"),
        (calls(5, 4, 3, 2, 1, what=C.INTERNAL), 0, 0, "open"),
        (calls(-5), 1, 10, "open"),  # a clock that was set back
    ],
)
def test_guard(outgoing: list[OutgoingCall], counted: int, cost_ore: int, why: str) -> None:
    guard = Guard.at(outgoing, LIMITS, NOW)
    assert (guard.calls, guard.cost_ore) == (counted, cost_ore)
    assert guard.judge(C.MOBILE).why == why
    assert guard.allows(C.MOBILE) == (why == "open")


def test_no_guard_for_what_is_always_open() -> None:
    guard = Guard.at(calls(*range(1, 50), what=C.ABROAD, lasted=None), LIMITS, NOW)
    assert not guard.allows(C.MOBILE)
    assert guard.allows(C.EMERGENCY)
    assert guard.allows(C.ALWAYS)


def test_a_guard_may_watch_nothing() -> None:
    guard = Guard.at(calls(*range(1, 50)), GuardLimits(calls=None, cost_ore=None), NOW)
    assert guard.allows(C.PREMIUM)


@given(st.permutations(calls(70, 50, 30, 5)))
def test_the_order_of_calls_does_not_matter(outgoing: list[OutgoingCall]) -> None:
    assert Guard.at(outgoing, LIMITS, NOW) == Guard.at(calls(70, 50, 30, 5), LIMITS, NOW)
