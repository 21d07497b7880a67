# ruff: noqa: E501  a row is a line
"""A file from a subscriber system: taken whole, or refused by line and column, whatever it holds."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.plan.model import Distribution, Entity, Extension, Identity, Kind, Person, Unit, Visibility
from callcontrol.plan.number import LocalNumbering
from firmware.store import people_csv
from firmware.store.people_csv import FAULTS_MAX, Parsed, decode, parse, write
from firmware.store.visible import Card, Viewer, card

NUMBERING = LocalNumbering(area_code="090")
SECRET = Viewer(id="all", sees=Visibility.SECRET)


def one(**cells: str) -> Parsed:
    """A file of one row: somebody with an extension, but for what is given by English heading."""
    row = {"municipality": "Norrby", "unit": "Bygg", "id": "anna", "given": "Anna", "family": "Öberg"}
    row |= {"extension": "1001", **cells}
    return rows(row)


def rows(*given: dict[str, str]) -> Parsed:
    text = io.StringIO()
    out = csv.DictWriter(text, list(dict.fromkeys(name for row in given for name in row)), delimiter=";")
    out.writeheader()
    out.writerows(given)
    return parse(text.getvalue(), NUMBERING)


def person(parsed: Parsed) -> Person:
    assert not parsed.faults, parsed.faults
    return parsed.people[0]


def extension(parsed: Parsed) -> Extension:
    assert not parsed.faults, parsed.faults
    return parsed.extensions[-1]


def said(parsed: Parsed) -> str:
    assert not parsed.people
    assert not parsed.extensions
    (fault,) = parsed.faults
    return f"{fault.line} {fault.column}: {fault.message}"


# Bytes


NAMES = "kommun;enhet;förnamn;efternamn;anknytning\r\nNorrby;Bygg;Åsa;Öberg;1001\r\n"


@pytest.mark.parametrize(
    "data",
    [NAMES.encode(), b"\xef\xbb\xbf" + NAMES.encode(), NAMES.encode("cp1252")],
    ids=["UTF-8", "UTF-8 with its mark", "Windows-1252"],
)
def test_an_encoding_that_is_understood(data: bytes) -> None:
    parsed = parse(decode(data), NUMBERING)
    assert (person(parsed).given, person(parsed).family) == ("Åsa", "Öberg")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (NAMES.encode("utf-16"), "save it as CSV UTF-8"),
        (NAMES.encode("utf-16-le"), "save it as CSV UTF-8"),
        (NAMES.encode("utf-16-be"), "save it as CSV UTF-8"),
        (b"PK\x03\x04\0\0", "save it as CSV UTF-8"),
        (b"kommun\n\n\x81\n", "line 3: neither"),
        (b"\xef\xbb\xbfkommun\nG\xf6ran\n", "line 2: no UTF-8"),
        ("Åsa\n".encode() + b"G\xf6ran", "line 2: no UTF-8"),
    ],
    ids=["UTF-16", "UTF-16 LE", "UTF-16 BE", "a workbook", "no encoding", "marked UTF-8 with a fault", "UTF-8 with a fault"],
)  # fmt: skip
def test_an_encoding_that_is_not(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode(data)


# Form


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter: str, end: str) -> None:
    text = end.join(delimiter.join(cells) for cells in (("kommun", "enhet", "efternamn", "id"), ("N", "B", "Ek", "x")))
    assert person(parse(text, NUMBERING)).family == "Ek"


def test_headings_in_both_languages_in_any_order_and_case() -> None:
    text = "FAMILY;Förnamn; e-POST ;Unit;KOMMUN;Id\nEk;Bo;bo@norrby.example;Bygg;Norrby;bo\n"
    found = person(parse(text, NUMBERING))
    assert (found.given, found.family, found.email) == ("Bo", "Ek", "bo@norrby.example")


@pytest.mark.parametrize(
    ("heading", "fault"),
    [
        ("kommun;enhet;efternam", "1 efternam: unknown column; did you mean efternamn?"),
        ("kommun;enhet;xyzzy", "1 xyzzy: unknown column"),
        ("kommun;enhet;unit", "1 enhet: is there twice"),
        ("enhet;efternamn;id", "1 : the column kommun is missing"),
        ("", "1 : has no rows"),
        ("kommun;enhet;efternamn", "1 : has no rows"),
        (";" * 1000, "1 : 1001 columns; there are no more than 27"),
    ],
)
def test_headings_that_will_not_do(heading: str, fault: str) -> None:
    assert said(parse(heading, NUMBERING)) == fault


def test_a_row_of_another_length_and_the_line_a_row_begins_on() -> None:
    text = 'kommun;enhet;efternamn;id\nN;"B\nx";Ek;a\n\nN;B;Ek\nN;B;;b\n'
    parsed = parse(text, NUMBERING)
    assert [(fault.line, fault.message) for fault in parsed.faults] == [
        (5, "3 columns; the heading has 4"),
        (6, "neither a name nor an extension"),
    ]


# Cells


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"municipality": ""}, "2 municipality: is empty"),
        ({"unit": " "}, "2 unit: is empty"),
        ({"family": ""}, "2 family: is empty"),
        ({"id": "an na"}, "2 id: 1 to 64 letters"),
        ({"id": "a" * 65}, "2 id: 1 to 64 letters"),
        ({"id": "", "extension": ""}, "2 id: 1 to 64 letters"),
        ({"given": "", "family": "", "extension": ""}, "2 : neither a name nor an extension"),
        ({"extension": "10 01"}, "2 extension: '10 01': digits alone"),
        ({"extension": "1" * 16}, "2 extension: "),
        ({"extension": "１００１"}, "2 extension: "),
        ({"extension": "112"}, "2 extension: 112: no extension begins with 112"),
        ({"extension": "11234"}, "2 extension: 11234: no extension begins with 112"),
        ({"kind": "svarsgrup"}, "2 kind: 'svarsgrup': not known; did you mean svarsgrupp?"),
        ({"kind": "mobil"}, "2 mobile: a mobile that is an extension has a number"),
        ({"direct_number": "1001"}, "2 direct_number: '1001': a whole number"),
        ({"mobile": "070-12"}, "2 mobile: '070-12': a whole number"),
        ({"mobile": "hej"}, "2 mobile: 'hej': a whole number"),
        ({"mobile_twin": "112"}, "2 mobile_twin: '112': a whole number"),
        ({"sms": "+"}, "2 sms: '+': a whole number"),
        ({"email": "anna(at)norrby"}, "2 email: "),
        ({"email": "a@b\r\nBcc: x@y"}, "2 email: "),
        ({"protected": "kanske"}, "2 protected: 'kanske': ja or nej"),
        ({"voicemail": "?"}, "2 voicemail: '?': ja or nej"),
        ({"reach": "mars"}, "2 reach: 'mars': not known"),
        ({"identity": "dold"}, "2 identity: 'dold': not known; did you mean dolt?"),
        ({"visibility": "lön=alla"}, "2 visibility: 'lön=alla': expected"),
        ({"visibility": "mobil=ingen"}, "2 visibility: 'mobil=ingen': expected"),
        ({"phone_hours": "när som helst"}, "2 phone_hours: "),
        ({"members": "1002"}, "2 members: only a svarsgrupp has members"),
        ({"kind": "svarsgrupp", "members": "1002"}, "2 members: 1002: no extension in this file"),
        ({"kind": "svarsgrupp", "distribution": "lika"}, "2 distribution: 'lika': not known"),
        ({"duties": "|".join(map(str, range(51)))}, "2 duties: more than 50"),
        ({"title": "x" * 1001}, "2 title: longer than 1000 characters"),
        ({"title": "x" * 10_000_000}, "2 : no CSV: a row of more than 65536 characters"),
        ({"given": "=1+1"}, "2 given: '=1+1': a formula"),
        ({"family": " @SUM(A1)"}, "2 family: '@SUM(A1)': a formula"),
        ({"given": "An\0na"}, "2 given: has a sign that is not seen (U+0000)"),
        ({"given": "An\x1bna"}, "2 given: has a sign that is not seen (U+001B)"),
        ({"given": "An\u200bna"}, "2 given: has a sign that is not seen (U+200B)"),
        ({"given": "An\u00adna"}, "2 given: has a sign that is not seen (U+00AD)"),
        ({"given": "An\u2060na"}, "2 given: has a sign that is not seen (U+2060)"),
        ({"given": "\ufeffAnna"}, "2 given: has a sign that is not seen (U+FEFF)"),
        ({"given": "\u202eannA"}, "2 given: has a sign that is not seen (U+202E)"),
        ({"given": "\u2067Anna"}, "2 given: has a sign that is not seen (U+2067)"),
        ({"given": "Anna\U000e0041"}, "2 given: has a sign that is not seen (U+E0041)"),
    ],
)  # fmt: skip
def test_a_cell_that_will_not_do(cells: dict[str, str], fault: str) -> None:
    assert said(one(**cells)).startswith(fault)


@pytest.mark.parametrize(
    ("column", "cell", "field", "value"),
    [
        ("given", "Anna  Maria ", "given", "Anna Maria"),
        ("given", "A\u030asa", "given", "Åsa"),
        ("given", "محمد", "given", "محمد"),
        ("given", "שרה", "given", "שרה"),
        ("given", "𠮷子", "given", "𠮷子"),
        ("given", "Åsa 🙂", "given", "Åsa 🙂"),
        ("given", "'=Anna", "given", "=Anna"),
        ("given", "-", "given", "-"),
        ("family", "O'Hara", "family", "O'Hara"),
        ("family", "Robert'); DROP TABLE person;--", "family", "Robert'); DROP TABLE person;--"),
        ("title", 'Chef "inne"; ute', "title", 'Chef "inne"; ute'),
        ("duties", "bygglov | attefall, bygglov", "duties", ("bygglov", "attefall")),
        ("mobile", "070-111 11 11", "mobile", "+46701111111"),
        ("mobile", "+46 (0)70 1111111", "mobile", "+46701111111"),
        ("mobile", "0046701111111", "mobile", "+46701111111"),
        ("protected", "JA", "protected", True),
        ("protected", "", "protected", False),
        ("visibility", "Mobil=alla, e-post = HEMLIG", "visibility", {"mobile": Visibility.PUBLIC, "email": Visibility.SECRET}),
    ],
)  # fmt: skip
def test_a_cell_of_a_person(column: str, cell: str, field: str, value: Any) -> None:
    assert getattr(person(one(**{column: cell})), field) == value


@pytest.mark.parametrize(
    ("cells", "field", "value"),
    [
        ({}, "person", "anna"),
        ({"id": ""}, "person", "ext-1001"),
        ({"id": "", "given": "", "family": ""}, "person", None),
        ({}, "kind", Kind.PERSON),
        ({"kind": "Jourtelefon"}, "kind", Kind.ON_CALL),
        ({"kind": "on_call"}, "kind", Kind.ON_CALL),
        ({"kind": "mobil", "mobile": "070-111 11 11"}, "mobile", "+46701111111"),
        ({"mobile": "070-111 11 11"}, "mobile", None),
        ({"direct_number": "16 10 01"}, "direct_number", "+4690161001"),
        ({"identity": "Dolt"}, "identity", Identity.WITHHELD),
        ({"voicemail": "x"}, "voicemail", True),
    ],
)
def test_a_cell_of_an_extension(cells: dict[str, str], field: str, value: Any) -> None:
    assert getattr(extension(one(**cells)), field) == value


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        ({"id": "anna"}, "3 id: anna: is on line 2 already"),
        ({"extension": "1001"}, "3 extension: 1001: is on line 2 already"),
        ({"direct_number": "+4690161001"}, "3 direct_number: +4690161001: is on line 2 already"),
    ],
)
def test_nothing_is_there_twice(second: dict[str, str], fault: str) -> None:
    first = {"municipality": "N", "unit": "B", "id": "anna", "family": "Ek", "extension": "1001"}
    first |= {"direct_number": "090-16 10 01"}
    other = first | {"id": "bo", "extension": "1002", "direct_number": "090-16 10 02"} | second
    assert said(rows(first, other)) == fault


def test_a_group_has_its_members_wherever_they_stand() -> None:
    group = {"municipality": "N", "unit": "B", "extension": "1900", "kind": "svarsgrupp", "distribution": "i tur"}
    group |= {"members": "1002|1001", "family": ""}
    others = [
        {"municipality": "N", "unit": "B", "extension": number, "family": "Ek", "kind": "", "members": ""}
        for number in ("1001", "1002")
    ]
    parsed = rows(group, *others)
    assert not parsed.faults
    assert parsed.groups == {"1900": (Distribution.IN_TURN, ("1002", "1001"))}


def test_departments_are_one_by_their_letters() -> None:
    row = {"municipality": "Norrby", "entity": "Norrby kommun", "unit": "Bygg och miljö", "id": "a", "family": "Ek"}
    parsed = rows(row, row | {"unit": "BYGG  OCH MILJÖ", "id": "b"}, row | {"entity": "Bolaget AB", "id": "c"})
    assert [unit.name for unit in parsed.units] == ["Bygg och miljö", "Bygg och miljö"]
    assert [entity.name for entity in parsed.entities] == ["Norrby kommun", "Bolaget AB"]
    assert len(parsed.municipalities) == 1


# Bombs


def test_so_many_faults_are_listed_and_the_rest_counted() -> None:
    text = "kommun;enhet;efternamn;id\n" + "N;;Ek;a\n" * 250
    parsed = parse(text, NUMBERING)
    assert (len(parsed.faults), parsed.more_faults, parsed.rows) == (FAULTS_MAX, 150, 250)
    assert parsed.faults[-1].line == FAULTS_MAX + 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('kommun;enhet\nN;"' + "B\n" * 1000, "unexpected end of data"),
        ('kommun;enhet\nN;"' + "B" * 11_000, "field larger than"),
        ('kommun;enhet\nN;"' + "B\n" * 200_000, "field larger than"),
        ("kommun;enhet\nN" + ';"\n"' * 200_000, "is a quote not closed?"),
        ("kommun;enhet\nN" + ";" * 10_000_000, "is a quote not closed?"),
        (";" * 10_000_000, "is a quote not closed?"),
        ('kommun;enhet\nN;"B"x\n', "expected after"),
    ],
    ids=["unclosed", "long", "over lines", "a row without end", "columns", "headings", "after a quote"],
)
def test_quotes_and_cells_without_end_are_refused_and_kept_small(text: str, why: str) -> None:
    assert why in said(parse(text, NUMBERING))


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_csv, "ROWS_MAX", 3)
    told: list[int] = []
    text = "kommun;enhet;efternamn;id\n" + "".join(f"N;B;Ek;a{number}\n" for number in range(100))
    parsed = parse(text, NUMBERING, told.append)
    assert said(parsed) == "5 : more than 3 rows"
    assert parsed.rows == 3


# Out again


class Known:
    """As much of a directory as a card asks for."""

    def __init__(self, parsed: Parsed) -> None:
        self.units = {unit.id: unit for unit in parsed.units}
        self.entities = {entity.id: entity for entity in parsed.entities}
        self.extensions = {one.number: one for one in parsed.extensions}

    def unit(self, unit: str) -> Unit | None:
        return self.units.get(unit)

    def entity(self, entity: str) -> Entity | None:
        return self.entities.get(entity)

    def extension(self, number: str) -> Extension | None:
        return self.extensions.get(number)

    def extensions_of(self, person: str) -> tuple[str, ...]:
        return tuple(one.number for one in self.extensions.values() if one.person == person)


def cards(parsed: Parsed) -> Iterator[Card]:
    for one in parsed.people:
        if (shown := card(one, Known(parsed), SECRET)) is not None:
            yield shown


def test_what_is_written_is_read_again() -> None:
    first = one(
        given="'=Anna", title="'+Chef", mobile="070-111 11 11", duties="bygglov|attefall", email="a@b.se",
        protected="ja", cost_centre="4711", phone_hours="mån-fre 08:00-12:00", location="-2 tr", search_words="hus",
    )  # fmt: skip
    text = io.StringIO()
    assert write(cards(first), text) == 1
    second = parse(text.getvalue(), NUMBERING)
    assert person(second) == person(first)
    assert extension(second).number == "1001"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula_to_whoever_opens_it(sign: str) -> None:
    text = io.StringIO()
    write(cards(one(given=f"'{sign}cmd|' /C calc'!A0")), text)
    (_, row) = csv.reader(io.StringIO(text.getvalue()), delimiter=";")
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# Anything

_SIGNS = st.sampled_from([*";,\t\n\r\"'=@+|0123456789 abcåäö\0\u202e\ud800\U0001f642", "112", "+46", "kommun"])


@given(heading=st.sampled_from(["", "kommun;enhet;id;efternamn;anknytning;mobil;telefontid;medlemmar;typ\n"]),
       text=st.one_of(st.text(), st.lists(_SIGNS, max_size=80).map("".join)))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_parse_takes_any_text(heading: str, text: str) -> None:
    parsed = parse(heading + text, NUMBERING)
    assert bool(parsed.faults) != bool(parsed.people or parsed.extensions)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_bytes_are_a_text_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(decode(data), NUMBERING)


@given(given=st.text(max_size=12), family=st.text(min_size=1, max_size=12), title=st.text(max_size=12))
@settings(max_examples=60, deadline=None)
def test_whoever_is_taken_comes_out_and_in_again_the_same(given: str, family: str, title: str) -> None:
    first = one(given=given, family=family, title=title)
    if not first.people:
        return
    text = io.StringIO()
    write(cards(first), text)
    assert person(parse(text.getvalue(), NUMBERING)) == person(first)
