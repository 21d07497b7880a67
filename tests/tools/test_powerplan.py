"""``rvx power protect`` and ``rvx power plan``: who ordered a phone that works without mains, and what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import DONE, FAILED, UNKNOWN, USAGE

ROWS = (
    "kommun;enhet;id;förnamn;efternamn;kostnadsställe;anknytning;tvilling;skyddad",
    "Norrby;Bygg;anna;Anna;Öberg;;1001;070-111 11 11;",
    "Norrby;Bygg;siv;Siv;Lund;;1003;;ja",
    "Norrby;Skola;bo;Bo;Ek;;1002;;",
)

Rvx = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def loaded(rvx: Rvx, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("\n".join(ROWS), "utf-8")
    assert rvx("people", "load", str(people))[0] == DONE


def test_it_is_ordered_once_shown_by_department_and_ended(rvx: Rvx) -> None:
    assert "Inga telefoner" in rvx("power", "plan")[1]
    order = ("power", "protect", "1001", "--applicant", "Anna Öberg", "--cost-centre", "4711", "--port", "1.12")
    status, out, _ = rvx(*order)
    assert (status, out.strip()) == (DONE, "1001: protected, ordered by Anna Öberg of Bygg, cost centre 4711")
    status, _, err = rvx(*order)
    assert status != DONE
    assert "RVX-W03" in err
    assert rvx("power", "protect", "1002", "--applicant", "Bo Ek", "--cost-centre", "4712")[0] == DONE

    told = json.loads(rvx("power", "plan", "--json")[1])
    assert [(one["unit"], one["extension"], one["applicant"]) for one in told["protected"]] == [
        ("Bygg", "1001", "Anna Öberg"),
        ("Skola", "1002", "Bo Ek"),
    ]
    assert told["protected"][0]["port"] == "1.12"
    assert told["protected"][0]["mobile_twin"] == "070-111 11 11"
    out = rvx("power", "plan", "--unit", "skola")[1]
    assert "1002" in out
    assert "1001" not in out

    assert rvx("power", "protect", "1001", "--end")[0] == DONE
    status, _, err = rvx("power", "protect", "1001", "--end")
    assert status != DONE
    assert "RVX-W02" in err


def test_what_a_phone_lacks_is_said(rvx: Rvx) -> None:
    assert rvx("power", "protect", "1002", "--applicant", "Bo", "--cost-centre", "1")[0] == DONE
    told = json.loads(rvx("power", "plan", "--json")[1])
    assert told["lacking"] == 1
    assert told["protected"][0]["lacks"] == "cannot register here"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("1999", "--applicant", "Bo", "--cost-centre", "1"), "RVX-W01"),
        (("1001", "--applicant", "Bo", "--cost-centre", "1", "--unit", "nowhere"), "RVX-W01"),
        (("1001", "--cost-centre", "1"), "RVX-A02"),
        (("1001", "--applicant", "Bo"), "RVX-A02"),  # nobody pays: the unit has no cost centre
        (("1001", "--applicant", "x" * 101, "--cost-centre", "1"), "RVX-A02"),
        (("1001", "--applicant", "Bo", "--cost-centre", "1", "--port", "12"), "RVX-A02"),
        (("1001", "--applicant", "Bo", "--cost-centre", "1", "--minutes", "-1"), "RVX-A02"),
        (("1001", "--applicant", "a\x1b[2J", "--cost-centre", "1"), "RVX-A02"),
    ],
)
def test_what_is_not_taken(words: tuple[str, ...], code: str, rvx: Rvx) -> None:
    status, _, err = rvx("power", "protect", *words)
    assert status in (USAGE, FAILED, UNKNOWN)
    assert code in err
    assert json.loads(rvx("power", "plan", "--json")[1])["protected"] == []
