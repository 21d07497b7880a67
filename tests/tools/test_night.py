"""``rvx night`` and ``rvx referral department``: receptions that close, and departments that are away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callcontrol.plan.service import Key
from tools.commands.night import NIGHT
from tools.errors import DONE, FAILED, USAGE
from tools.parser import parser_of

Rvx = Callable[..., tuple[int, str, str]]
PEOPLE = """kommun;enhet;id;förnamn;efternamn;anknytning;typ
Norrby;Bygg;anna;Anna;Öberg;1001;
Norrby;Park;bo;Bo;Ek;1002;
Norrby;Växel;;;;1000;reception
Norrby;Växel;;;;1900;jourtelefon
"""
SERVICE = """
[entity."norrby/norrby"]
reception = "1000"
numbers = ["090-16 10 00"]

[unit."norrby/norrby/park"]
parent = "norrby/norrby/bygg"

[service."norrby/norrby"]
hours = "mån-fre 08:00-16:30"
lunch = "mån-fre 12:00-13:00"
on_call = [{ name = "Jouren", number = "1900" }, { name = "Socialjouren", number = "090-16 19 00" }]
"""
ENTITY = "norrby/norrby"


@pytest.fixture(autouse=True)
def town(rvx: Rvx, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, "utf-8")
    (tmp_path / "town.toml").write_text(SERVICE, "utf-8")
    assert rvx("people", "load", str(tmp_path / "people.csv"))[0] == DONE
    status, out, _ = rvx("people", "organisation", str(tmp_path / "town.toml"))
    assert status == DONE, out


def shown(rvx: Rvx, at: str) -> dict[str, object]:
    (found,) = json.loads(rvx("night", "show", "--at", at, "--json")[1])["receptions"]
    assert isinstance(found, dict)
    return found


def test_by_its_hours(rvx: Rvx) -> None:
    status, out, _ = rvx("night", "show", "--at", "2026-11-23T17:00")
    assert status == DONE
    assert "closed until 2026-11-24 08:00, by its hours" in out
    assert "on call: Socialjouren +4690161900" in out
    assert shown(rvx, "2026-11-23T12:30")["state"] == "lunch"
    assert shown(rvx, "2026-11-23T10:00")["until"] == "2026-11-23T12:00:00+01:00"


def test_the_key(rvx: Rvx) -> None:
    status, out, _ = rvx("night", "set", ENTITY, "night")
    assert status == DONE
    assert "closed until" in out
    assert "by key" in rvx("night", "show")[1]
    assert rvx("night", "set", ENTITY, "hours")[0] == DONE
    assert "by its hours" in rvx("night", "show")[1]


def test_who_has_no_hours(rvx: Rvx) -> None:
    status, _, errors = rvx("night", "set", "norrby/norby", "night")
    assert status == USAGE
    assert "RVX-H06" in errors
    assert "Did you mean norrby/norrby?" in errors
    assert rvx("night", "show", "--at", "soon")[0] == USAGE


def test_what_is_done_with_a_call_at_night(rvx: Rvx) -> None:
    status, out, _ = rvx("explain", "-", "0090161000", "--at", "2026-11-23T22:00")
    assert status == DONE
    assert out.splitlines()[0].startswith("B10  Växeln är stängd; öppnar 2026-11-24 08:00; Socialjouren +4690161900")
    assert "B10  växeln är stängd  (the switchboard is closed)" in out


def test_a_department(rvx: Rvx) -> None:
    words = ("referral", "department", "Bygg", "möte", "--until", "-", "--emergency-number", "070-111 22 33")
    status, out, _ = rvx(*words)
    assert status == FAILED  # a meeting without an end
    assert "--sure" in out
    status, out, _ = rvx(*words, "--sure", "--information", "Studiebesök")
    assert (status, out) == (DONE, "Bygg: Möte, tills vidare  (Meeting)\n")
    assert "urgent: +46701112233" in rvx("referral", "departments")[1]
    out = rvx("explain", "-", "1001")[1]
    assert out.split(maxsplit=1)[1].startswith("Bygg är inte bemannad just nu")
    assert rvx("referral", "reopen", "bygg")[1] == "Bygg: back; 1 referral ended\n"
    status, _, errors = rvx("referral", "reopen", "bygg")
    assert status == USAGE
    assert "RVX-H03" in errors
    assert "0 departments referred whole" in rvx("referral", "departments")[1]


def test_all_below_a_department(rvx: Rvx) -> None:
    words = ("referral", "department", "Bygg", "sick", "--below", "--emergency-number", "1900", "--json")
    told = json.loads(rvx(*words)[1])["departments"]
    assert [one["name"] for one in told] == ["Bygg", "Park"]
    assert [one["emergency_number"] for one in told] == ["1900", "1900"]
    assert "2 departments referred whole" in rvx("referral", "departments")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Bygg", "möte", "--until", "15:00"), "emergency_number: Bygg has none"),
        (("Byggg", "möte"), "Did you mean"),
        (("Bygg", "semla"), "is no reason here"),
        (("Bygg", "möte", "--emergency-number", "12"), "an extension, or a whole number"),
        (("Bygg", "möte", "--emergency-number", "1900", "--until", "igår"), "expected HH:MM"),
    ],
)
def test_what_cannot_be(rvx: Rvx, words: tuple[str, ...], said: str) -> None:
    status, _, errors = rvx("referral", "department", *words)
    assert status == USAGE
    assert said in errors


def test_the_command_knows_all_keys() -> None:
    command = next(one for one in NIGHT.actions if one.name == "night set")
    choices = next(action.choices for action in parser_of(command).actions() if action.dest == "key")
    assert choices is not None
    assert set(choices) == set(Key)
