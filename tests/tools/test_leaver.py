"""``rvx leaver`` and ``rvx fault``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callcontrol.plan.faultreport import Fault
from callcontrol.plan.leaver import BY_HAND
from tools.commands.fault import WHAT
from tools.commands.leaver import LEAVER
from tools.errors import DONE, FAILED, USAGE
from tools.parser import parser_of

Rvx = Callable[..., tuple[int, str, str]]
PEOPLE = """kommun;enhet;id;förnamn;efternamn;anknytning
Norrby;Bygg;anna;Anna;Öberg;1001
Norrby;Bygg;bo;Bo;Ek;1002
"""


@pytest.fixture(autouse=True)
def town(rvx: Rvx, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, "utf-8")
    assert rvx("people", "load", str(tmp_path / "people.csv"))[0] == DONE


def test_somebody_leaves(rvx: Rvx) -> None:
    status, out, _ = rvx("leaver", "begin", "1001")
    assert status == DONE
    assert out.startswith("Anna Öberg (anna): 1001 blocked\n")
    assert "to do  returned " in out
    assert "ok     phone " in out
    assert rvx("explain", "1002", "1001")[1].splitlines()[-1].endswith("telefonen är spärrad  (the phone is blocked)")
    assert rvx("leaver", "tick", "anna", "returned")[0] == DONE
    assert rvx("leaver", "tick", "anna", "returned")[0] == USAGE
    items = json.loads(rvx("leaver", "show", "anna", "--json")[1])["leavers"][0]["items"]
    assert {one["item"] for one in items if not one["done"]} == {"wiped", "told", "directory"}
    status, out, errors = rvx("leaver", "end", "anna")
    assert status == FAILED
    assert "3 things left" in errors
    assert rvx("leaver", "end", "anna", "--sure")[0] == DONE
    assert rvx("leaver", "show")[1] == "nobody leaves\n"


def test_who_stays_after_all(rvx: Rvx) -> None:
    assert rvx("leaver", "begin", "anna", "--last-day", "2020-01-01")[0] == DONE
    assert rvx("leaver", "begin", "anna")[0] == USAGE
    assert "lifted" in rvx("leaver", "stays", "anna")[1]
    assert "spärrad" not in rvx("explain", "1002", "1001")[1]
    assert "not blocked yet" in rvx("leaver", "begin", "anna", "--last-day", "2199-01-01")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("begin", "nobody"), "RVX-K03"),
        (("begin", "anna", "--last-day", "imorgon"), "expected a date"),
        (("show", "anna"), "RVX-H12"),
        (("end", "bo"), "does not leave"),
    ],
)
def test_what_cannot_be(rvx: Rvx, words: tuple[str, ...], said: str) -> None:
    status, _, errors = rvx("leaver", *words)
    assert status == USAGE
    assert said in errors


def test_a_fault_is_reported_and_answered(rvx: Rvx) -> None:
    status, out, _ = rvx("fault", "report", "inget ljud", "--extension", "1001", "--what", "sound")
    assert status == DONE
    name = out.split()[0]
    assert f"{name}  " in rvx("fault", "list")[1]
    assert rvx("fault", "list")[1].endswith("1 report waits for an answer\n")
    assert rvx("fault", "answer", name, "Ny sladd") == (DONE, f"{name} is answered\n", "")
    assert rvx("fault", "answer", name, "Igen")[0] == USAGE
    assert rvx("fault", "list")[1] == "0 reports wait for an answer\n"
    (report,) = json.loads(rvx("fault", "list", "--all", "--json")[1])["reports"]
    assert (report["what"], report["answer"], report["mode"]) == ("sound", "Ny sladd", "NORMAL")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", " "), "text: empty"),
        (("report", "x", "--extension", "9"), "RVX-K03"),
        (("answer", "f", "x"), "names 0 reports"),
        (("answer", "f", " "), "The answer is empty"),
    ],
)
def test_what_is_no_report(rvx: Rvx, words: tuple[str, ...], said: str) -> None:
    status, _, errors = rvx("fault", *words)
    assert status == USAGE
    assert said in errors


def test_the_commands_know_all_there_is() -> None:
    tick = next(one for one in LEAVER.actions if one.name == "leaver tick")
    items = next(action.choices for action in parser_of(tick).actions() if action.dest == "item")
    assert set(items or ()) == set(BY_HAND)
    assert set(WHAT) == set(Fault)


def test_the_list_is_printed(rvx: Rvx, tmp_path: Path) -> None:
    assert rvx("leaver", "begin", "1001", "--last-day", "2099-12-31")[0] == DONE
    target = tmp_path / "anna.pdf"
    assert rvx("leaver", "show", "anna", "--pdf", str(target))[0] == DONE
    assert target.read_bytes().startswith(b"%PDF")
    assert "RVX-A02" in rvx("leaver", "show", "--pdf", str(target))[2]
    assert "RVX-K04" in rvx("leaver", "show", "anna", "--pdf", str(target))[2]
