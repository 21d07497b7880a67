"""``rvx guide``, ``rvx card``, and the reserve plan that is printed and confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.paper.guide import Guide
from tools.commands.paper import ROLES
from tools.errors import DONE

ROWS = (
    "kommun;enhet;id;förnamn;efternamn;kostnadsställe;anknytning;tvilling",
    "Norrby;Bygg;anna;Anna;Öberg;;1001;070-111 11 11",
    "Norrby;Bygg;siv;Siv;Lund;;1003;",
    "Norrby;Skola;bo;Bo;Ek;;1002;",
)
Rvx = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def loaded(rvx: Rvx, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("\n".join(ROWS), "utf-8")
    assert rvx("people", "load", str(people))[0] == DONE
    order = ("power", "protect", "1001", "--applicant", "Anna", "--cost-centre", "4711", "--minutes", "90")
    assert rvx(*order)[0] == DONE


def test_roles_are_those_of_the_guides() -> None:
    assert tuple(Guide) == ROLES


@pytest.mark.parametrize("words", [*(("guide", role) for role in ROLES), ("card",)])
def test_written_once_for_its_owner_alone(words: tuple[str, ...], rvx: Rvx, tmp_path: Path) -> None:
    target = tmp_path / "out.pdf"
    status, out, err = rvx(*words, str(target), "--json")
    assert not err
    assert (status, json.loads(out)["of"]) == (DONE, "Norrby")
    assert target.read_bytes().startswith(b"%PDF")
    assert target.stat().st_mode & 0o777 == 0o600
    assert "RVX-K04" in rvx(*words, str(target))[2]
    assert "RVX-R07" in rvx(*words, str(tmp_path / "other.pdf"), "--entity", "ingen")[2]


def test_a_plan_is_confirmed_until_it_changes(rvx: Rvx, tmp_path: Path) -> None:
    assert "not confirmed" in rvx("power", "plan", "--unit", "bygg")[1]
    assert rvx("power", "confirm", "--unit", "Bygg", "--by", "Öberg")[0] == DONE
    assert "changed since" not in rvx("power", "plan", "--unit", "Bygg")[1]
    told = json.loads(rvx("power", "plan", "--unit", "norrby/norrby/bygg", "--json")[1])
    assert (told["confirmed"]["by"], told["confirmed"]["holds"]) == ("Öberg", True)
    assert rvx("power", "protect", "1003", "--applicant", "Siv", "--cost-centre", "4711")[0] == DONE
    assert "changed since" in rvx("power", "plan", "--unit", "Bygg")[1]
    target = tmp_path / "plan.pdf"
    assert rvx("power", "plan", "--unit", "Bygg", "--pdf", str(target))[0] == DONE
    assert target.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("power", "plan", "--pdf", "x.pdf"), "RVX-A02"),
        (("power", "plan", "--unit", "ingen"), "RVX-R07"),
        (("power", "confirm", "--unit", "ingen", "--by", "x"), "RVX-R07"),
        (("power", "confirm", "--unit", "Bygg", "--by", " "), "RVX-A02"),
    ],
)
def test_refused(words: tuple[str, ...], code: str, rvx: Rvx) -> None:
    assert code in rvx(*words)[2]
