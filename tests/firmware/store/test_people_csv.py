# ruff: noqa: E501  a row is a line
"""A file from a subscriber system: taken whole, or refused by line and column, whatever it holds."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.model import Extension, Identity, Kind, Person, Visibility
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store.people_csv import Fault, Reading, opened
from firmware.store.people_csv.cells import Faulty, clean, harmless
from firmware.store.people_csv.rows import FAULTS_MAX
from firmware.store.people_csv.source import encoding_of

NUMBERING = LocalNumbering(area_code="090")


@dataclass
class Parsed:
    """What came of a file, with one department for everybody."""

    people: list[Person]
    extensions: list[Extension]
    rows: int
    faults: list[Fault]
    more_faults: int


def parse(text: str, told: Callable[[int], None] = lambda rows: None, *, changes: bool = False) -> Parsed:
    reading = Reading(NUMBERING, changes=changes)
    people, extensions = [], []
    for row in reading.rows(io.StringIO(text, newline=""), told):
        if row.person is not None:
            people.append(Person(**{"id": row.id, "given": "", "family": "", "unit": "bygg", **row.person}))
        if row.extension:
            made: dict[str, Any] = {"number": row.extension, "kind": Kind.PERSON, "reach": DEFAULT_CLASS, **row.phone}
            for name in ("members", "distribution"):
                made.pop(name, None)
            extensions.append(Extension(unit="bygg", **made))
    return Parsed(people, extensions, reading.count, reading.faults, reading.more_faults)


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
    return parse(text.getvalue())


def person(parsed: Parsed) -> Person:
    assert not parsed.faults, parsed.faults
    return parsed.people[0]


def extension(parsed: Parsed) -> Extension:
    assert not parsed.faults, parsed.faults
    return parsed.extensions[-1]


def said(parsed: Parsed) -> str:
    (fault,) = parsed.faults
    return f"{fault.line} {fault.column}: {fault.message}"


# Bytes


def decoded(data: bytes) -> str:
    return data.decode(encoding_of(io.BytesIO(data)))


NAMES = "kommun;enhet;förnamn;efternamn;anknytning\r\nNorrby;Bygg;Åsa;Öberg;1001\r\n"


@pytest.mark.parametrize(
    "data",
    [NAMES.encode(), b"\xef\xbb\xbf" + NAMES.encode(), NAMES.encode("cp1252")],
    ids=["UTF-8", "UTF-8 with its mark", "Windows-1252"],
)
def test_an_encoding_that_is_understood(data: bytes) -> None:
    parsed = parse(decoded(data))
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
        decoded(data)


def test_a_file_is_opened_as_it_is_written_and_a_pipe_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, pipe = tmp_path / "people.csv", tmp_path / "pipe"
    path.write_bytes(NAMES.encode("cp1252"))
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(NAMES.encode(),))
    writer.start()
    for source in (path, pipe):
        with opened(source) as file:
            (row,) = Reading(NUMBERING).rows(file)
            assert row.person is not None
            assert row.person["given"] == "Åsa"
    writer.join()
    monkeypatch.setattr("firmware.store.people_csv.source.BYTES_MAX", 10)
    with pytest.raises(ValueError, match="larger than"), opened(path):
        pytest.fail("opened")


# Form


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter: str, end: str) -> None:
    text = end.join(delimiter.join(cells) for cells in (("kommun", "enhet", "efternamn", "id"), ("N", "B", "Ek", "x")))
    assert person(parse(text)).family == "Ek"


def test_headings_in_both_languages_in_any_order_and_case() -> None:
    text = "FAMILY;Förnamn; e-POST ;Unit;KOMMUN;Id\nEk;Bo;bo@norrby.example;Bygg;Norrby;bo\n"
    found = person(parse(text))
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
        (";" * 1000, "1 : 1001 columns; there are no more than 30"),
    ],
)
def test_headings_that_will_not_do(heading: str, fault: str) -> None:
    assert said(parse(heading)) == fault


def test_a_row_of_another_length_and_the_line_a_row_begins_on() -> None:
    text = 'kommun;enhet;efternamn;id\nN;"B\nx";Ek;a\n\nN;B;Ek\nN;B;;b\n'
    parsed = parse(text)
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
        ({"direct_number": "16 10 01"}, "direct_number", "+4690161001"),
        ({"identity": "Dolt"}, "identity", Identity.WITHHELD),
        ({"voicemail": "x"}, "voicemail", True),
    ],
)
def test_a_cell_of_an_extension(cells: dict[str, str], field: str, value: Any) -> None:
    assert getattr(extension(one(**cells)), field) == value


@pytest.mark.parametrize("mark", ["(dold)", "(Hidden)", "(oförändrad)", "(unchanged)"])
def test_what_a_row_does_not_name_is_not_in_it(mark: str) -> None:
    reading = Reading(NUMBERING)
    text = f"kommun;enhet;id;efternamn;titel;mobil;anknytning;räckvidd\nN;{mark};anna;Ek;{mark};;1001;{mark}\n"
    (row,) = reading.rows(io.StringIO(text))
    assert not reading.faults
    assert (row.place, row.person) == (None, {"family": "Ek", "mobile": None})
    assert row.phone == {"mobile": None, "person": "anna"}


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("ny;anna;Ek;1001", ("add", "anna", True, "1001")),
        ("Ändrad;;Ek;1001", ("change", "ext-1001", True, "1001")),
        ("change;anna;;1005", ("change", "anna", False, "1005")),
        ("bort;anna;Ek;1001", ("remove", "anna", True, "1001")),
        ("bort;anna;;1001", ("remove", "anna", False, "1001")),
        ("bort;anna;;", ("remove", "anna", True, "")),
        ("remove;;;1001", ("remove", "", False, "1001")),
    ],
)
def test_of_whom_a_change_is(text: str, of: tuple[str, str, bool, str]) -> None:
    reading = Reading(NUMBERING, changes=True)
    (row,) = reading.rows(io.StringIO(f"ändring;id;efternamn;anknytning\n{text}\n"))
    assert (row.action, row.id, row.person is not None, row.extension) == of


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id;titel\nanna;Chef", "1 : the column ändring is missing"),
        ("ändring;titel\nny;Chef", "1 : neither a column id nor anknytning"),
        ("ändring;id;enhet\nny;anna;Bygg", "1 : the column kommun is missing"),
        ("ändring;id;organisation\nny;anna;AB", "1 : the column kommun is missing"),
        ("ändring;id\n;anna", "2 ändring: '': not known"),
        ("ändring;id\nbrot;anna", "2 ändring: 'brot': not known; did you mean bort?"),
        ("ändring;id\n(oförändrad);anna", "2 ändring: must be said"),
        ("ändring;id\nny;(dold)", "2 id: must be said"),
        ("ändring;id;efternamn\nändrad;anna;", "2 : neither a name nor an extension"),
        ("ändring;id;förnamn;efternamn\nändrad;anna;Eva;", "2 efternamn: is empty"),
    ],
)
def test_changes_that_will_not_do(text: str, fault: str) -> None:
    assert said(parse(text, changes=True)).startswith(fault)


def test_a_file_of_changes_is_no_whole_one() -> None:
    assert said(parse("kommun;enhet;ändring\n")) == "1 ändring: a file of changes: load it with --changes"
    assert said(parse("kommun;enhet;utdrag\n")).startswith("1 utdrag: an extract lacks")


# Bombs


def test_so_many_faults_are_listed_and_the_rest_counted() -> None:
    text = "kommun;enhet;efternamn;id\n" + "N;;Ek;a\n" * 250
    parsed = parse(text)
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
    assert why in said(parse(text))


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.store.people_csv.rows.ROWS_MAX", 3)
    told: list[int] = []
    text = "kommun;enhet;efternamn;id\n" + "".join(f"N;B;Ek;a{number}\n" for number in range(100))
    parsed = parse(text, told.append)
    assert said(parsed).startswith("1 : more than 3 rows")
    assert (parsed.rows, told) == (0, [])


# Anything

_SIGNS = st.sampled_from([*";,\t\n\r\"'=@+|0123456789 abcåäö\0\u202e\ud800\U0001f642", "112", "+46", "kommun"])


@given(heading=st.sampled_from(["", "kommun;enhet;id;efternamn;anknytning;mobil;telefontid;medlemmar;typ\n"]),
       text=st.one_of(st.text(), st.lists(_SIGNS, max_size=80).map("".join)))  # fmt: skip
def test_parse_takes_any_text(heading: str, text: str) -> None:
    parsed = parse(heading + text)
    assert parsed.faults or parsed.people or parsed.extensions


@given(st.binary(max_size=200))
def test_bytes_are_a_text_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(decoded(data))


@given(st.one_of(st.text(max_size=12), st.lists(_SIGNS, max_size=8).map("".join)))
def test_what_is_taken_comes_out_harmless_and_in_again_the_same(text: str) -> None:
    with contextlib.suppress(Faulty):
        taken = clean(text)
        assert clean(harmless(taken)) == taken
        assert not harmless(taken).startswith(("=", "@", "-", "\t", "\r"))
