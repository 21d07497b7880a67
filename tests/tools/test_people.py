"""``rvx people``, ``rvx referral`` and ``rvx explain FROM TO``: a municipality from the command line."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from firmware.store.staged import Overtaken, Stage
from tools.errors import DONE, FAILED, UNKNOWN, USAGE

HEADING = "kommun;enhet;id;förnamn;efternamn;titel;anknytning;mobil;skyddad;ansvar"
ROWS = (
    "Norrby;Bygg;anna;Anna;Öberg;Inspektör;1001;070-111 11 11;;bygglov",
    "Norrby;Bygg;bo;Bo;Ek;Chef;1002;;;",
    "Norrby;Bygg;siv;Siv;Lund;Kurator;1003;070-222 22 22;ja;",
    "Norrby;Bygg;ewa;Ewa;Alm;;1004;;;",
    "Norrby;Bygg;per;Per;Alm;;;;;",
)

Rvx = Callable[..., tuple[int, str, str]]


@pytest.fixture
def csv_of(tmp_path: Path) -> Callable[..., str]:
    def written(*rows: str, heading: str = HEADING) -> str:
        path = tmp_path / "people.csv"
        path.write_text("\n".join((heading, *rows)), "utf-8")
        return str(path)

    return written


@pytest.fixture
def town(rvx: Rvx, csv_of: Callable[..., str]) -> Rvx:
    assert rvx("people", "load", csv_of(*ROWS))[0] == DONE
    return rvx


def document(done: tuple[int, str, str], status: int = DONE) -> dict[str, Any]:
    assert done[0] == status, done
    found: dict[str, Any] = json.loads(done[1])
    assert found["verdict"] == ("ok" if status == DONE else "fail")
    return found


def rows_of(tmp_path: Path, sql: str, file: str = "journal") -> list[Any]:
    with closing(sqlite3.connect(tmp_path / "state" / f"{file}.db")) as db:
        return db.execute(sql).fetchall()


# people load


def test_a_file_is_taken_in(rvx: Rvx, csv_of: Callable[..., str], tmp_path: Path) -> None:
    status, out, _ = rvx("people", "load", csv_of(*ROWS))
    assert status == DONE
    assert "5 new, 0 kept (0 changed), 0 gone\n4 extensions, 1 unit in the file\n" in out
    told = document(rvx("people", "load", csv_of(*ROWS[:4], ROWS[4].replace("per", "eva")), "--json"))
    assert [told[name] for name in ("people", "new", "kept", "gone", "dry_run")] == [5, 1, 4, 1, False]
    assert stat.S_IMODE((tmp_path / "state" / "directory.db").stat().st_mode) == 0o600


def test_a_dry_run_changes_nothing(town: Rvx, csv_of: Callable[..., str]) -> None:
    status, out, _ = town("people", "load", csv_of(*ROWS[:4]), "--dry-run")
    assert status == DONE
    assert "per: gone\n" in out
    assert "0 would be new, 4 would be kept (0 would be changed), 1 would be gone" in out
    assert document(town("people", "find", "per", "--json"))["found"]


def test_faults_are_said_by_line_and_nothing_is_changed(town: Rvx, csv_of: Callable[..., str]) -> None:
    path = csv_of("Norrby;Bygg;x;X;Ek;;11299;;;", "Norrby;Bygg;y;=1;Ek;;1009;;;")
    status, out, _ = town("people", "load", path)
    assert status == USAGE
    assert f"{path}:2: anknytning: 11299: no extension begins with 112\n" in out
    assert f"{path}:3: förnamn: '=1': a formula" in out
    assert "2 faults; nothing was changed. More: rvx explain RVX-K01" in out
    told = document(town("people", "load", path, "--json"), USAGE)
    assert [(one["line"], one["column"], one["id"]) for one in told["problems"]] == [
        (2, "anknytning", "RVX-K01"),
        (3, "förnamn", "RVX-K01"),
    ]
    assert document(town("people", "show", "1001", "--json"))["person"]["id"] == "anna"


def test_a_shrunken_file_is_questioned(town: Rvx, csv_of: Callable[..., str]) -> None:
    status, _, err = town("people", "load", csv_of(ROWS[0]))
    assert status == USAGE
    assert "RVX-K02" in err
    assert town("people", "load", csv_of(ROWS[0]), "--shrunken")[0] == DONE


@pytest.mark.parametrize("data", [b"\xff\xfek\0o\0", b"PK\x03\x04\0\0"])
def test_what_is_no_csv_is_refused(data: bytes, rvx: Rvx, tmp_path: Path) -> None:
    (tmp_path / "people.xlsx").write_bytes(data)
    status, _, err = rvx("people", "load", str(tmp_path / "people.xlsx"))
    assert status == USAGE
    assert "RVX-K01" in err


def test_a_file_that_is_not_there(rvx: Rvx, tmp_path: Path) -> None:
    assert rvx("people", "load", str(tmp_path / "none"))[0] == USAGE
    assert not (tmp_path / "state").exists()


def test_a_store_that_is_damaged_is_said(town: Rvx, tmp_path: Path) -> None:
    (tmp_path / "state" / "directory.db").write_bytes(b"no database" * 1000)
    status, _, err = town("people", "find", "anna")
    assert status == UNKNOWN
    assert "RVX-J01" in err


# people find, show, export


def test_find(town: Rvx) -> None:
    status, out, _ = town("people", "find", "öberg")
    assert status == DONE
    assert "Anna Öberg" in out.splitlines()[0]
    assert "1001" in out
    assert out.endswith("1 person for 'öberg'\n")
    status, out, _ = town("people", "find", "xyzzy")
    assert (status, out) == (DONE, "nobody for 'xyzzy'\n")
    found = document(town("people", "find", "alm", "--limit", "1", "--json"))["found"]
    assert len(found) == 1
    assert found[0]["absent"] in (False, None)


@pytest.mark.parametrize(("viewer", "count"), [("public", 0), ("staff", 0), ("operator", 1)])
def test_find_as_somebody(viewer: str, count: int, town: Rvx) -> None:
    assert len(document(town("people", "find", "siv", "--as", viewer, "--json"))["found"]) == count
    assert len(document(town("people", "find", "0701111111", "--as", viewer, "--json"))["found"]) == count


def test_show(town: Rvx) -> None:
    for who in ("anna", "1001"):
        assert "070-111 11 11" in town("people", "show", who)[1]
    told = document(town("people", "show", "1001", "--as", "public", "--json"))["person"]
    assert (told["mobile"], "mobile" in told["hidden"], told["title"]) == (None, True, "Inspektör")
    for who, viewer in (("nobody", "operator"), ("siv", "staff"), ("1003", "public")):
        status, out, err = town("people", "show", who, "--as", viewer)
        assert (status, out) == (USAGE, "")
        assert "RVX-K03" in err


def test_what_is_secret_is_shown_for_a_reason_that_is_recorded(town: Rvx, tmp_path: Path) -> None:
    status, out, err = town("people", "show", "1003", "--secret")
    assert (status, out) == (USAGE, "")
    assert "RVX-A02" in err
    assert rows_of(tmp_path, "SELECT * FROM look") == []
    assert "070-222 22 22" not in town("people", "show", "1003")[1]
    status, out, _ = town("people", "show", "1003", "--secret", "--why", "polisen")
    assert status == DONE
    assert "070-222 22 22" in out
    assert rows_of(tmp_path, "SELECT subject, why FROM look") == [("siv", "polisen")]
    assert rows_of(tmp_path, "SELECT kind, subject FROM outbox") == [("look", "siv")]


def test_export_is_a_new_file_that_can_be_read_again(town: Rvx, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert town("people", "export", str(target))[0] == DONE
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    status, _, err = town("people", "export", str(target))
    assert status == USAGE
    assert "RVX-K04" in err
    cards = tmp_path / "out.vcf"
    assert town("people", "export", str(cards), "--vcard")[0] == DONE
    assert cards.read_bytes().count(b"BEGIN:VCARD\r\n") == 5
    public = tmp_path / "public.csv"
    assert document(town("people", "export", str(public), "--as", "public", "--json"))["people"] == 4
    assert "070-111" not in public.read_text("utf-8")
    assert "Siv" not in public.read_text("utf-8")
    refused = document(town("people", "load", str(public), "--json"), USAGE)["problems"]
    assert [(one["line"], one["column"]) for one in refused] == [(1, "utdrag")]


def test_an_export_of_what_is_secret_is_recorded_before_it_is_written(town: Rvx, tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    status, _, err = town("people", "export", str(target), "--secret")
    assert (status, target.exists()) == (USAGE, False)
    assert "RVX-A02" in err
    assert rows_of(tmp_path, "SELECT * FROM look") == []
    for number, words in enumerate(((), ("--vcard",)), 1):
        target = tmp_path / f"{number}.csv"
        assert town("people", "export", str(target), "--secret", "--why", "arkivet", *words)[0] == DONE
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert "222" in target.read_text("utf-8")
        assert rows_of(tmp_path, "SELECT subject, why FROM look") == [("*", "arkivet")] * number
    seen = tmp_path / "seen.csv"
    assert town("people", "export", str(seen))[0] == DONE
    assert "222" not in seen.read_text("utf-8")
    assert "(dold)" in seen.read_text("utf-8")
    told = document(town("people", "load", str(seen), "--json"))
    assert (told["kept"], told["changed"], told["gone"]) == (5, 0, 0)
    assert "070-222 22 22" in town("people", "show", "1003", "--secret", "--why", "x")[1]


def test_a_file_of_changes_is_tried_and_taken(town: Rvx, csv_of: Callable[..., str]) -> None:
    path = csv_of("ändrad;anna;Chef", "bort;per;", "bort;nobody;", heading="ändring;id;titel")
    status, _, _ = town("people", "load", path)
    assert status == USAGE
    status, out, _ = town("people", "load", path, "--changes", "--dry-run")
    assert status == DONE
    assert out.splitlines() == [
        "per: gone",
        "anna: title",
        "4 persons: 0 would be new, 4 would be kept (1 would be changed), 1 would be gone; 1 to remove was not there",
        "4 extensions, 1 unit in the file",
    ]
    assert document(town("people", "load", path, "--changes", "--json"))["changes"] == []
    assert document(town("people", "show", "1001", "--json"))["person"]["title"] == "Chef"
    status, _, err = town("people", "load", csv_of("bort;anna;", "bort;bo;", heading="ändring;id;titel"), "--changes")
    assert status == USAGE
    assert "RVX-K02" in err


def test_a_load_that_was_overtaken_says_so(
    town: Rvx, csv_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, why in ((Overtaken(), "was taken in"), (busy(), "is being taken in")):
        monkeypatch.setattr(Stage, "take_in", lambda *given, error=error: raises(error))
        status, _, err = town("people", "load", csv_of(*ROWS))
        assert status == USAGE
        assert "RVX-K07" in err
        assert why in err


def raises(error: Exception) -> None:
    raise error


def busy() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_a_class_of_reach_in_a_file_holds(rvx: Rvx, csv_of: Callable[..., str]) -> None:
    heading = "kommun;enhet;id;efternamn;anknytning;räckvidd"
    rows = ("Norrby;Bygg;anna;Ek;1001;inside", "Norrby;Bygg;bo;Ek;1002;")
    assert rvx("people", "load", csv_of(*rows, heading=heading))[0] == DONE
    assert "barred" in json.dumps(document(rvx("explain", "1001", "0090123456", "--json")))
    assert "barred" not in json.dumps(document(rvx("explain", "1002", "0090123456", "--json")))


# referral


def test_a_referral_is_set_shown_and_ended(town: Rvx) -> None:
    status, out, _ = town("referral", "set", "1001", "1002", "sjuk", "--until", "-", "--sure")
    assert status == DONE
    assert out.startswith("1001, 1002: ")
    assert "tills vidare" in out
    assert "1001 is away" in town("referral", "show", "1001")[1]
    told = document(town("referral", "show", "1002", "--json"))
    assert told["absent"]
    assert told["intervals"][0]["until"] is None
    status, out, _ = town("referral", "end", "1001")
    assert (status, out) == (DONE, "1001 is back; 1 referral ended\n")
    assert town("referral", "show", "1001")[1].startswith("1001 is in")
    status, _, err = town("referral", "end", "1001")
    assert status == USAGE
    assert "RVX-H03" in err
    found = document(town("people", "find", "ek", "--json"))["found"]
    assert [one["absent"] for one in found if one["id"] == "bo"] == [True]


@pytest.mark.parametrize("words", [("--until", "-"), ("--from", "2026-03-03T10:00", "--until", "2026-03-03T09:00")])
def test_a_doubtful_return_is_questioned(words: tuple[str, ...], town: Rvx, tmp_path: Path) -> None:
    status, out, _ = town("referral", "set", "1001", "lunch", *words)
    assert status == FAILED
    assert "Nothing was changed; --sure takes it as it is." in out
    assert document(town("referral", "set", "1001", "lunch", *words, "--json"), FAILED)["doubt"]
    assert rows_of(tmp_path, "SELECT * FROM referral") == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("1001", "luncch"), "RVX-H01"),
        (("1001", "lunch", "--until", "25:00"), "RVX-H01"),
        (("1001", "lunch", "--until", "2026-02-30"), "RVX-H01"),
        (("1001", "lunch", "--from", "i går"), "RVX-H01"),
        (("1001", "sjuk", "--until", "-", "--sure", "--information", "x" * 201), "RVX-H01"),
        (("1777", "sjuk", "--until", "-", "--sure"), "RVX-K03"),
        (("1001", "1777", "sjuk", "--until", "-", "--sure"), "RVX-K03"),
        (("1001", "sjuk", "--until", "-", "--sure", "--instead", "1777"), "RVX-K03"),
    ],
)
def test_a_referral_that_cannot_be(words: tuple[str, ...], code: str, town: Rvx, tmp_path: Path) -> None:
    status, _, err = town("referral", "set", *words)
    assert status == USAGE
    assert code in err
    assert rows_of(tmp_path, "SELECT * FROM referral") == []


def test_the_reasons_of_the_site(town: Rvx, csv_of: Callable[..., str], tmp_path: Path) -> None:
    own = """
[reason.norrby.fika]
sv = "Fika"
en = "Coffee"
public = ["Paus", "Break"]
returns = "15 min"
digit = "7"

[reason.norrby.uppdrag]
sv = "Uppdrag"
en = "Errand"
returns = "asked"
"""
    file = tmp_path / "organisation.toml"
    file.write_text(own, "utf-8")
    assert town("people", "organisation", str(file))[0] == DONE
    for name in ("fika", "7", "Coffee"):
        assert town("referral", "set", "1001", name, "--sure")[1].startswith("1001: Fika, åter ")
    assert "Fika" in town("referral", "show", "1001")[1]
    said = town("explain", "1002", "1001", "--mode", "survival")[1]
    assert "1001 är hänvisad: paus, åter" in said
    assert "1001 is away: break, back" in said
    status, out, _ = town("referral", "set", "1002", "uppdrag")
    assert (status, "it is to be said when they are back" in out, "Did you mean" in out) == (FAILED, True, True)
    assert town("referral", "set", "1002", "uppdrag", "--sure")[0] == DONE
    assert "no reason here" in town("referral", "set", "1002", "fikka")[2]
    # All of it stays when people are loaded again; the hours decide when somebody is back, and what is odd.
    file.write_text('[municipality.norrby]\nworking_hours = "mån-fre 06:15-14:00"\n', "utf-8")
    assert town("people", "organisation", str(file))[0] == DONE
    assert town("people", "load", csv_of(*ROWS))[0] == DONE
    assert "Fika" in town("referral", "set", "1001", "fika", "--sure")[1]
    assert "åter 2035-03-06 06:15" in town("referral", "set", "1001", "fika", "--until", "2035-03-06", "--sure")[1]
    assert "that is after working hours" in town("referral", "set", "1001", "fika", "--until", "2035-03-06T15:00")[1]
    file.write_text('[municipality.norrby]\nworking_hours = "whenever"\n', "utf-8")
    assert "working_hours: " in town("people", "organisation", str(file))[1]


def test_of_nobody_nothing_is_shown(town: Rvx) -> None:
    for action in ("show", "end"):
        status, _, err = town("referral", action, "1777")
        assert status == USAGE
        assert "RVX-K03" in err


# explain FROM TO


def test_a_call_is_explained(town: Rvx) -> None:
    status, out, _ = town("explain", "1002", "1001")
    assert status == DONE
    assert "ring 1001 Anna Öberg" in out
    assert "Siv" not in town("explain", "1002", "1003")[1]
    made = document(town("explain", "1002", "1001", "--json"))["plan"]
    assert made["steps"][0]["step"] == "ring"
    assert all(step["rule"] for step in made["steps"])
    town("referral", "set", "1001", "sjuk", "--until", "-", "--sure")
    assert "tills vidare" in town("explain", "1002", "1001")[1]
    assert document(town("explain", "-", "112", "--json"))["plan"]["steps"]
    assert "0 av 60 samtal ut, 0.00 av 200 kr" in town("explain", "1002", "+46701234567", "--mode", "survival")[1]
    guard = document(town("explain", "1002", "+46701234567", "--json"))["guard"]
    assert guard == {"calls": 0, "calls_limit": 60, "cost_ore": 0, "cost_limit_ore": 20_000}


@pytest.mark.parametrize("words", [("--at", "i morgon"), ("--presence", "1001=asleep"), ("--presence", "1001")])
def test_a_call_that_is_not_understood(words: tuple[str, ...], town: Rvx) -> None:
    status, _, err = town("explain", "1002", "1001", *words)
    assert status == USAGE
    assert "RVX-A02" in err
