"""``rvx calendar``: the address comes in by standard input and goes nowhere else; what was understood is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.agenda import Agenda, Meant, Passed
from firmware.store.calendars import CalendarRows
from tools.commands.calendar import CALENDAR
from tools.errors import DONE, FAILED, USAGE
from tools.parser import parser_of

Rvx = Callable[..., tuple[int, str, str]]
SECRET = "webcal://kalender.norrby.example/secret7/calendar.ics"
VECTORS = Path(__file__).parents[1] / "vectors" / "calendars"
PEOPLE = "kommun;enhet;id;förnamn;efternamn;anknytning\nNorrby;Bygg;anna;Anna;Öberg;1001\n"


@pytest.fixture(autouse=True)
def town(rvx: Rvx, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, "utf-8")
    assert rvx("people", "load", str(tmp_path / "people.csv"))[0] == DONE


def add(rvx: Rvx, monkeypatch: pytest.MonkeyPatch, address: str, extension: str = "1001") -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(address + "\n"))
    return rvx("calendar", "add", extension, "--url-stdin")


def test_from_one_to_none(rvx: Rvx, monkeypatch: pytest.MonkeyPatch) -> None:
    for action in ("show", "remove", "read"):
        status, _, err = rvx("calendar", action, "1001")
        assert status == USAGE, action
        assert "RVX-H08" in err
    status, out, _ = add(rvx, monkeypatch, SECRET)
    assert status == DONE
    assert "kalender.norrby.example" in out
    status, out, _ = rvx("calendar", "list")
    assert "1001  kalender.norrby.example  not read yet" in out
    assert "1 calendar, 0 of them cannot be read" in out
    for words in (("list",), ("show", "1001"), ("read", "1001"), ("list", "--json"), ("show", "1001", "--json")):
        status, out, err = rvx("calendar", *words)
        assert status == DONE
        assert "secret7" not in out + err
    assert rvx("calendar", "remove", "1001")[0] == DONE
    assert json.loads(rvx("calendar", "list", "--json")[1])["calendars"] == []


@pytest.mark.parametrize("address", ["", "kalender", "file:///etc/passwd", "https://" + "x" * 3000])
def test_what_is_no_address(rvx: Rvx, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    status, _, err = add(rvx, monkeypatch, address)
    assert status == USAGE
    assert "RVX-H07" in err


def test_an_extension_that_is_not_here(rvx: Rvx, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "RVX-K03" in add(rvx, monkeypatch, SECRET, "1999")[2]
    assert "RVX-K03" in rvx("calendar", "try", "1999", str(VECTORS / "outlook.ics"))[2]


def test_an_address_is_never_an_argument(rvx: Rvx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    assert "RVX-H07" in rvx("calendar", "add", "1001")[2]
    assert rvx("calendar", "add", "1001", SECRET)[0] == USAGE


def test_what_was_understood_and_what_was_not(rvx: Rvx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add(rvx, monkeypatch, SECRET)
    now = datetime.now(UTC)
    (journal,) = tmp_path.rglob("journal.db")
    rows = CalendarRows.open(journal)
    meant = Meant(
        key="k", start=now, until=now + timedelta(hours=1), reason="meeting", open=False, information="budget"
    )
    (due,) = rows.waiting()
    agenda = Agenda((meant,), {Passed.PRIVATE: 1, Passed.UNKNOWN_LETTERS: 2}, ("OBS:", "REF;"))
    rows.read(due, agenda, now, now, etag="", modified="", digest="")
    rows.failed(due, "gone", now, now)
    rows.close()
    _, out, _ = rvx("calendar", "show", "1001")
    assert "Möte  closed  budget" in out
    assert "1 entry passed over: private: left alone" in out
    assert "2 entries passed over: letters that are no reason here (OBS: REF;)" in out
    assert "the calendar is no longer at this address, 1 time" in out
    shown = json.loads(rvx("calendar", "show", "1001", "--json")[1])
    assert shown["passed"] == {"private": 1, "unknown_letters": 2}
    assert shown["calendar"]["fault"] == "gone"


def test_a_file_is_tried_and_changes_nothing(rvx: Rvx, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", "SUMMARY:SAM: x",
        f"DTSTART:{now:%Y%m%dT%H%M%SZ}", f"DTEND:{now + timedelta(hours=1):%Y%m%dT%H%M%SZ}", "END:VEVENT",
        "END:VCALENDAR", "",
    )  # fmt: skip
    (tmp_path / "a.ics").write_text("\r\n".join(lines))
    status, out, _ = rvx("calendar", "try", "1001", str(tmp_path / "a.ics"))
    assert status == DONE
    assert "Möte  closed" in out
    assert "is in" in rvx("referral", "show", "1001")[1]
    (tmp_path / "b.ics").write_text("<html>")
    status, out, _ = rvx("calendar", "try", "1001", str(tmp_path / "b.ics"))
    assert status == FAILED
    assert "RVX-H09" in out
    assert json.loads(rvx("calendar", "try", "1001", str(tmp_path / "b.ics"), "--json")[1])["problems"]
    assert "RVX-H07" in rvx("calendar", "try", "1001", str(tmp_path / "none.ics"))[2]


def test_every_action_has_help() -> None:
    for action in CALENDAR.actions:
        assert "EXTENSION" in parser_of(action).format_help() or action.name == "calendar list"
