"""Files laid over a directory: what they do not name stays, what cannot be is refused, and all is taken in at once."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.model import Visibility
from callcontrol.plan.number import LocalNumbering
from firmware.store.database import connect
from firmware.store.load import Bulk, load, loaded
from firmware.store.people import People
from firmware.store.people_csv import Fault, Reading, write
from firmware.store.search import index
from firmware.store.staged import Difference, Overtaken, Stage
from firmware.store.visible import Viewer, card
from hil.municipality import generate

NUMBERING = LocalNumbering(area_code="090")
HEADING = "kommun;organisation;enhet;id;förnamn;efternamn;titel;mobil;anknytning;typ;direktnummer;fördelning;medlemmar"
EVERYBODY = (
    "Norrby;Norrby kommun;Bygg;anna;Anna;Öberg;Inspektör;070-111 11 11;1001;;090-16 10 01;;",
    "Norrby;Norrby kommun;Bygg;bo;Bo;Ek;Chef;;1002;;090-16 10 02;;",
    "Norrby;Norrby kommun;Bygg;siv;Siv;Lund;Kurator;070-222 22 22;1003;;090-16 10 03;;",
    "Norrby;Norrby kommun;Bygg;;;;;;1000;reception;;;",
    "Norrby;Norrby kommun;Bygg;;;;;;1900;svarsgrupp;;i tur;1001|1002",
)
PLACED = "ändring;kommun;enhet;id;efternamn;titel;anknytning"
NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path, bulk_of: Callable[..., Bulk]) -> Iterator[sqlite3.Connection]:
    """As conftest's bulk, with more of the first than a file names."""
    with closing(connect(tmp_path / "directory.db", "directory")) as opened:
        load(opened, bulk_of(), "first", NOW)
        opened.execute("UPDATE extension SET reach = 'inside', fallback = '1000', voicemail = 1 WHERE number = '1001'")
        opened.execute("INSERT INTO role VALUES ('anna', 'operator', '*')")
        yield opened


def staged(db: sqlite3.Connection, text: str, *, changes: bool = False) -> tuple[list[Fault], Difference | None]:
    """Read, and taken in if there is no fault."""
    reading = Reading(NUMBERING, changes=changes)
    with Stage(db, changes=changes) as stage:
        stage.read(reading, io.StringIO(text))
        if reading.faults:
            return reading.faults, None
        difference = stage.difference()
        stage.take_in("file", NOW)
    return [], difference


def whole(db: sqlite3.Connection, *rows: str, heading: str = HEADING) -> Difference:
    faults, difference = staged(db, "\n".join((heading, *rows)))
    assert difference is not None, faults
    return difference


def changed(db: sqlite3.Connection, *rows: str, heading: str = "ändring;id;titel") -> Difference:
    """Applied twice, which is as once."""
    text = "\n".join((heading, *rows))
    faults, difference = staged(db, text, changes=True)
    assert difference is not None, faults
    before = dump(db)
    faults, again = staged(db, text, changes=True)
    assert again is not None, faults
    assert (again.new, again.changed, again.gone) == (0, 0, 0)
    assert dump(db) == before
    return difference


def said(db: sqlite3.Connection, *rows: str, heading: str = HEADING, changes: bool = False) -> str:
    """The one fault; nothing is changed."""
    before = dump(db)
    ((fault,), _) = staged(db, "\n".join((heading, *rows)), changes=changes)
    assert dump(db) == before
    assert not db.in_transaction
    return f"{fault.line} {fault.column}: {fault.message}"


def dump(db: sqlite3.Connection) -> list[str]:
    """What people are and are found by, but for the keys of their rows."""
    names = ", ".join(row[1] for row in db.execute("PRAGMA table_info (person)") if row[1] != "key")
    tables = ("municipality", "choice", "entity", "entity_number", "unit", "extension", "member", "role", "word")
    wanted = [f"SELECT {names} FROM person", "SELECT digits, backwards FROM digits"]
    wanted += [f"SELECT * FROM {table}" for table in tables]
    return [str(row) for sql in wanted for row in sorted(db.execute(sql), key=str)]


def column(db: sqlite3.Connection, sql: str) -> list[Any]:
    return [row[0] for row in db.execute(sql)]


# A whole file


def test_what_a_file_does_not_name_stays(db: sqlite3.Connection) -> None:
    before = dump(db)
    told = whole(db, *EVERYBODY)
    assert (told.people, told.new, told.kept, told.changed, told.gone, told.units) == (3, 0, 3, 0, 0, 1)
    assert told.listed == ()
    assert dump(db) == before


def test_who_is_not_in_it_is_gone_and_who_stays_keeps_all(db: sqlite3.Connection) -> None:
    told = whole(db, EVERYBODY[0].replace("Inspektör", "Chef"), EVERYBODY[3], EVERYBODY[4].replace("|1002", ""))
    assert (told.people, told.kept, told.changed, told.gone, told.extensions) == (1, 1, 1, 2, 3)
    gone = [(name, "gone") for name in ("bo", "siv", "1002", "1003")]
    assert set(told.listed) == {("anna", "title"), ("1900", "members"), *gone}
    assert column(db, "SELECT reach FROM extension WHERE number = '1001'") == ["inside"]
    assert column(db, "SELECT person FROM role") == ["anna"]
    assert column(db, "SELECT count(*) FROM found WHERE found MATCH 'siv'") == [0]
    assert column(db, "SELECT count(*) FROM found WHERE found MATCH 'chef'") == [1]
    assert column(db, "SELECT telephony_contact FROM unit") == ["anna"]


def test_a_number_that_passes_to_another_begins_anew(db: sqlite3.Connection) -> None:
    anna, bo, *rest = EVERYBODY
    whole(
        db,
        anna.replace("10 01", "10 02").replace("1001", "1002"),
        bo.replace("10 02", "10 01").replace("1002", "1001"),
        *rest,
    )
    sql = "SELECT person, reach, voicemail, direct_number FROM extension WHERE number IN ('1001', '1002')"
    assert db.execute(sql).fetchall() == [("bo", "sweden", 0, "+4690161001"), ("anna", "sweden", 0, "+4690161002")]


def test_departments_are_one_by_their_letters(db: sqlite3.Connection) -> None:
    rows = ("a;NORRBY;Norrby  KOMMUN;bygg", "b;Norrby;Norrby kommun;Vård", "c;Norrby;Bolaget AB;Bygg")
    added = (f"ny;{row};Ek" for row in rows)
    told = changed(db, *added, heading="ändring;id;kommun;organisation;enhet;efternamn")
    assert (told.new, told.units) == (3, 3)
    assert column(db, "SELECT unit FROM person WHERE family = 'Ek' AND given = '' ORDER BY id") == [
        *("bygg", "kommun/vård", "norrby/bolaget-ab/bygg")
    ]
    assert column(db, "SELECT name FROM entity ORDER BY id") == ["Norrby kommun", "Bolaget AB"]
    assert column(db, "SELECT value FROM choice WHERE name = 'signals'") == [3]


def test_where_no_entity_is_named_one_stays_where_one_is(db: sqlite3.Connection) -> None:
    rows = ("Norrby;Bygg;anna;Öberg", "Norrby;bygg;bo;Ek", "Norrby;Bygg;siv;Lund")
    assert whole(db, *rows, heading="kommun;enhet;id;efternamn").changed == 0
    assert column(db, "SELECT id FROM unit") == ["bygg"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("Norrby;;Bygg;anna;;Ek;;;;;;;", "7 id: anna: is on line 2 already"),
        ("Norrby;;Bygg;ny;;Ek;;;1001;;;;", "7 anknytning: 1001: is on line 2 already"),
        ("Norrby;;Bygg;ny;;Ek;;;1005;;+46 90 161001;;", "7 direktnummer: +4690161001: is on line 2 already"),
        ("Norrby;;Bygg;ny;;Ek;;;1005;mobil;;;", "7 mobil: a mobile that is an extension has a number"),
        ("Norrby;;Bygg;ny;;Ek;;;1005;;;;1001", "7 medlemmar: only a svarsgrupp has members"),
        ("Norrby;;Bygg;;;;;;1005;svarsgrupp;;;1777", "7 medlemmar: 1777: no extension"),
        ("Norrby;;Bygg;nobody;;;;;1005;;;;", "7 id: nobody: nobody has this id"),
        ("Norrby;;(dold);ny;;Ek;;;1005;;;;", "7 enhet: somebody new has one"),
    ],
)
def test_rows_that_cannot_be(row: str, fault: str, db: sqlite3.Connection) -> None:
    assert said(db, *EVERYBODY, row) == fault


def test_a_group_has_its_members_wherever_they_stand(db: sqlite3.Connection) -> None:
    whole(db, EVERYBODY[4].replace("1001|1002", "1003|1001"), *EVERYBODY[:4])
    assert column(db, "SELECT extension FROM member ORDER BY place") == ["1003", "1001"]


# Changes


def test_changes_of_a_day(db: sqlite3.Connection) -> None:
    told = changed(db, "ändrad;anna;Rektor", "bort;siv;", "bort;nobody;")
    assert (told.people, told.new, told.changed, told.gone, told.missing, told.extensions) == (2, 0, 1, 1, 1, 4)
    assert db.execute("SELECT given, title, mobile FROM person ORDER BY id").fetchall() == [
        *(("Anna", "Rektor", "+46701111111"), ("Bo", "Chef", None))
    ]
    assert column(db, "SELECT number FROM extension ORDER BY number") == ["1000", "1001", "1002", "1900"]
    assert column(db, "SELECT person FROM role") == ["anna"]


def test_a_number_is_taken_from_one_and_given_to_another(db: sqlite3.Connection) -> None:
    told = changed(db, "ny;Norrby;Bygg;eva;Alm;Lärare;1001", "bort;;;;;;1001", heading=PLACED)
    assert (told.new, told.gone, told.extensions) == (1, 0, 5)
    assert db.execute("SELECT person, voicemail FROM extension WHERE number = '1001'").fetchall() == [("eva", 0)]
    assert column(db, "SELECT extension FROM member ORDER BY place") == ["1001", "1002"]
    changed(db, "bort;Norrby;Bygg;eva;Alm;;1001", heading=PLACED)
    assert column(db, "SELECT extension FROM member") == ["1002"]


def test_a_second_phone_comes_and_goes(db: sqlite3.Connection) -> None:
    changed(db, "ny;anna;1005", heading="ändring;id;anknytning")
    assert column(db, "SELECT number FROM extension WHERE person = 'anna' ORDER BY number") == ["1001", "1005"]
    changed(db, "bort;anna;Öberg;", heading="ändring;id;efternamn;anknytning")
    assert column(db, "SELECT number FROM extension WHERE person IS NOT NULL") == ["1002", "1003"]


def test_a_number_alone_is_removed_where_no_name_stands_beside_the_id(db: sqlite3.Connection) -> None:
    told = changed(db, "bort;anna;1001", "bort;bo;1003", heading="ändring;id;anknytning")
    assert (told.gone, told.missing) == (0, 1)
    assert column(db, "SELECT number FROM extension WHERE person IS NOT NULL") == ["1002", "1003"]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (("ändrad;Norrby;Bygg;eva;Alm;;",), "2 id: eva: is not there: a new one is ny"),
        (("ändrad;Norrby;Bygg;;;;1777",), "2 anknytning: 1777: is not there: a new one is ny"),
        (("ny;Norrby;Bygg;anna;Öberg;Chef;",), "2 id: is there already, with another title: a change is ändrad"),
        (("ny;Norrby;Bygg;eva;Alm;;1001",), "2 anknytning: 1001: is somebody else's, until a line takes it"),
        (("bort;;;anna;Öberg;;", "ändrad;Norrby;Bygg;anna;Öberg;;"), "3 id: anna: is removed on another line"),
        (("bort;;;anna;;;", "bort;;;anna;;;"), "3 id: anna: is removed on a line before"),
        (("bort;;;anna;;;", "ny;Norrby;Bygg;anna;;;1005"), "3 id: anna: nobody has this id"),
        (("ny;Norrby;Bygg;eva;;;1005",), "2 id: eva: nobody has this id"),
    ],
)
def test_changes_that_cannot_be(rows: tuple[str, ...], fault: str, db: sqlite3.Connection) -> None:
    assert said(db, *rows, heading=PLACED, changes=True).startswith(fault)


def test_a_direct_number_of_somebody_who_is_not_in_the_file(db: sqlite3.Connection) -> None:
    fault = said(db, "ändrad;anna;1001;090-16 10 02", heading="ändring;id;anknytning;direktnummer", changes=True)
    assert fault == "2 direktnummer: +4690161002: is another extension's"


def indexed(db: sqlite3.Connection) -> list[Any]:
    """All that people are found by; and whether it hangs together."""
    db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.term USING fts5vocab (main, found, instance)")
    db.execute("INSERT INTO found (found) VALUES ('integrity-check')")
    tables = ("term", "word", "spelling", "digits")
    return [sorted(db.execute(f"SELECT * FROM {table}"), key=str) for table in tables]


def test_a_few_are_indexed_as_all_are(db: sqlite3.Connection) -> None:
    load(db, generate(40), "generated", NOW)
    ids = column(db, "SELECT id FROM person ORDER BY id")
    phone = column(db, "SELECT number FROM extension WHERE person IS NOT NULL ORDER BY number")
    names = ("ändring", "kommun", "organisation", "enhet", "id", "förnamn", "efternamn", "mobil", "anknytning")
    place = {"kommun": "Norrby", "organisation": "Norrbys kommun", "enhet": "Ny enhet"}

    def row(action: str, **cells: str) -> str:
        return ";".join({"ändring": action, **cells}.get(name, "") for name in names)

    rows = (
        row("ändrad", **place, id=ids[0], förnamn="Kjell", efternamn="Zetterqvist", mobil="070-123 45 67"),
        row("ändrad", **place, id=ids[4], förnamn="Bo", efternamn="Ek"),
        row("ny", **place, id=ids[3], anknytning="999999"),
        row("bort", id=ids[1]),
        row("bort", anknytning=phone[2]),
        row("ny", **place, id="ny", förnamn="Åsa", efternamn="Ek", anknytning=phone[2]),
    )
    heading = ";".join(names)
    told = changed(db, *rows, heading=heading)
    assert (told.new, told.gone) == (1, 1)
    few = indexed(db)
    index(db)
    assert indexed(db) == few


# Out and in again

ODD_PHONES = (
    "fallback = '100000', announcement = '=Hej', identity = 'withheld', voicemail = 1",
    "hours = 'mån-fre 08:00-12:00', kind = 'on_call'",
    "kind = 'hunt', distribution = 'longest_idle', direct_number = NULL",
    "kind = 'mobile', mobile = '+46701234567', mobile_twin = '+46707654321'",
    "person = 'p1'",
    "reach = 'inside', person = NULL",
)
NEW = (
    "SELECT given, family, mobile, sms, visibility FROM person ORDER BY id",
    "SELECT number, kind, mobile, hours, announcement, fallback FROM extension ORDER BY number",
    "SELECT * FROM member",
)


@pytest.mark.parametrize("sees", [Visibility.OPERATOR, Visibility.SECRET])
def test_an_export_that_is_loaded_again_loses_nothing(sees: Visibility, db: sqlite3.Connection, tmp_path: Path) -> None:
    load(db, generate(30), "generated", NOW)
    numbers = column(db, "SELECT number FROM extension WHERE person IS NOT NULL ORDER BY number")
    people = column(db, "SELECT id FROM person ORDER BY id")
    for sets, number in zip(ODD_PHONES, numbers, strict=False):
        db.execute(f"UPDATE extension SET {sets.replace('p1', people[0])} WHERE number = ?", (number,))
    db.executemany("INSERT INTO member VALUES (?, ?, ?)", [(numbers[2], place, numbers[place]) for place in range(2)])
    seen = '{"mobile": "secret", "title": "public"}'
    db.execute("UPDATE person SET protected = 1, deputy = id, sms = '+4712345678' WHERE id = ?", (people[1],))
    db.execute("UPDATE person SET mobile = '+46701111111', visibility = ? WHERE id = ?", (seen, people[2]))
    index(db)
    before = dump(db)
    text = io.StringIO(newline="")
    with closing(People.open(tmp_path / "directory.db", tmp_path / "journal.db", NUMBERING)) as known:
        known.look_again()
        viewer = Viewer(id="x", sees=sees)
        cards = [shown for name in people if (one := known.person(name)) and (shown := card(one, known, viewer))]
        nobodys = column(db, "SELECT number FROM extension WHERE person IS NULL")
        others = [phone for number in nobodys if (phone := known.extension(number))]
        assert write(cards, others, known, text) == len(people)
    assert ("(dold)" in text.getvalue()) is (sees is Visibility.OPERATOR)
    faults, told = staged(db, text.getvalue())
    assert (faults, told and told.listed) == ([], ())
    assert dump(db) == before
    if sees is Visibility.SECRET:
        with closing(connect(tmp_path / "new.db", "directory")) as new:
            assert staged(new, text.getvalue())[0] == []
            assert [new.execute(sql).fetchall() for sql in NEW] == [db.execute(sql).fetchall() for sql in NEW]


# Two at once


def test_who_did_not_see_what_another_took_in_is_refused(
    db: sqlite3.Connection, bulk_of: Callable[..., Bulk], tmp_path: Path
) -> None:
    reading = Reading(NUMBERING)
    with closing(connect(tmp_path / "directory.db", "directory")) as other, Stage(db) as stage:
        stage.read(reading, io.StringIO("\n".join((HEADING, *EVERYBODY))))
        load(other, bulk_of(people=()), "other", NOW)
        with pytest.raises(Overtaken):
            stage.take_in("mine", NOW)
    found = loaded(db)
    assert found is not None
    assert (found.source, found.people) == ("other", 0)
    assert not db.in_transaction
