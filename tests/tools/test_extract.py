"""``rvx extract``: the order is written down before anything is shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from firmware.store.journal import Journal
from tools.errors import DONE

Rvx = Callable[..., tuple[int, str, str]]
PEOPLE = """kommun;enhet;id;förnamn;efternamn;anknytning;kostnadsställe
Norrby;Bygg;anna;Anna;Öberg;1001;4711
Norrby;Bygg;eva;Eva;Ek;1002;
"""
ROLES = """[[role]]
person = "eva"
role = "budget_manager"
scope = "norrby/norrby/bygg"
"""
ORDER = ("extract", "make", "1001", "--since", "2026-11-01", "--until", "2026-11-30", "--why", "hög kostnad")


@pytest.fixture(autouse=True)
def directory(rvx: Rvx, tmp_path: Path) -> None:
    for name, text in (("people.csv", PEOPLE), ("organisation.toml", ROLES)):
        (tmp_path / name).write_text(text, "utf-8")
    assert rvx("people", "load", str(tmp_path / "people.csv"))[0] == DONE
    assert rvx("people", "organisation", str(tmp_path / "organisation.toml"))[0] == DONE
    with closing(Journal.open(tmp_path / "state" / "journal.db")) as journal:
        journal._db.execute(
            "INSERT INTO record (call_id, from_tag, to_tag, caller, callee, began_at, answered_at, ended_at, way,"
            " outcome, sip_code, emergency, time_certain) VALUES ('c', 'f', 't', '1001', '00701234567',"
            " '2026-11-10T10:00:00.000000Z', '2026-11-10T10:00:05.000000Z', '2026-11-10T10:02:06.000000Z', 'modem',"
            " 'answered', 200, 0, 1)"
        )


def test_made_for_who_may_and_written_down(rvx: Rvx, tmp_path: Path) -> None:
    status, out, _ = rvx(*ORDER, "--asked-by", "eva")
    assert status == DONE
    assert "2026-11-10 11:00  070-123 4 xxx  en mobil  2:01" in out
    told = json.loads(rvx(*ORDER, "--asked-by", "Berit Chef", "--whole-numbers", "--json")[1])["extract"]
    assert (told["calls"][0]["number"], told["cost_centre"], told["who"]) == ("070-123 45 67", "4711", "Anna Öberg")
    made = json.loads(rvx("extract", "list", "--json")[1])["extracts"]
    assert sorted((one["asked_by"], one["why"], one["whole"]) for one in made) == [
        ("Berit Chef", "hög kostnad", True), ("eva", "hög kostnad", False),
    ]  # fmt: skip
    assert "whole numbers" in rvx("extract", "list", "--extension", "1001")[1]
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as db:
        assert db.execute("SELECT count(*) FROM outbox WHERE kind = 'extract'").fetchone() == (2,)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*ORDER, "--asked-by", "anna"), "RVX-R05"),
        ((*ORDER, "--asked-by", "1001"), "RVX-R05"),
        ((*ORDER, "--asked-by", " "), "RVX-R06"),
        (("extract", "make", "1", *ORDER[3:], "--asked-by", "eva"), "RVX-R06"),
        ((*ORDER, "--asked-by", "eva", "--since", "2026-12-24"), "RVX-R06"),
        ((*ORDER, "--asked-by", "eva", "--since", "i går"), "RVX-R06"),
    ],
)
def test_refused(words: tuple[str, ...], code: str, rvx: Rvx) -> None:
    status, out, err = rvx(*words)
    assert status != DONE
    assert code in err
    assert "070" not in out
    assert rvx("extract", "list")[1] == "0 extracts made\n"


def test_written_for_its_owner_alone(rvx: Rvx, tmp_path: Path) -> None:
    table, paper = tmp_path / "out.csv", tmp_path / "out.pdf"
    assert rvx(*ORDER, "--asked-by", "eva", "--csv", str(table), "--pdf", str(paper))[0] == DONE
    assert "070-123 4 xxx;en mobil;2:01" in table.read_text("utf-8")
    assert paper.read_bytes().startswith(b"%PDF-")
    assert {path.stat().st_mode & 0o777 for path in (table, paper)} == {0o600}
    assert "RVX-K04" in rvx(*ORDER, "--asked-by", "eva", "--csv", str(table))[2]
