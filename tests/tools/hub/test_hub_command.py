"""rvx hub, as somebody types it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.cli import main
from tools.hub.openapi import openapi
from tools.hub.place import Place
from tools.hub.publishing import publish_source
from tools.hub.store import Store

Run = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def rvx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str, status: int = 0) -> dict[str, Any]:
        assert main(["hub", *words, "--state", str(tmp_path / "hub"), "--json"]) == status
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


@pytest.fixture
def made(rvx: Run) -> Run:
    rvx("init", "Norrby", "--at", "hub.norrby.se", "--at", "192.0.2.1")
    return rvx


def office(rvx: Run, *more: str, source: str = "norrby", status: int = 0) -> dict[str, Any]:
    return rvx("people", str(ROOT / "hil/office.csv"), "--source", source, *more, status=status)


def test_there_is_one_hub_in_a_folder(rvx: Run, tmp_path: Path) -> None:
    assert rvx("unit", status=2)["problems"][0]["id"] == "RVX-Y01"
    first = rvx("init", "Norrby", "--at", "hub.norrby.se")
    assert re.fullmatch(r"[a-z2-9]{20}", first["word"])
    assert rvx("init", "Norrby", "--at", "hub.norrby.se", status=2)["problems"][0]["id"] == "RVX-Y02"
    for file in (tmp_path / "hub").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_people_go_in_and_only_what_changed_is_told(made: Run, tmp_path: Path) -> None:
    assert office(made, "--area-code", "090", "--dry-run")["new"] == 7
    assert office(made, "--area-code", "090")["new"] == 7
    store = Store.open(Place(tmp_path / "hub"))
    head = store.head
    assert head > 15
    office(made)  # the area code is known now
    assert store.head == head
    assert store.db.execute("SELECT count(*) FROM item WHERE kind = 'person'").fetchone() == (7,)
    assert office(made, source="other", status=2)["problems"][0]["id"] == "RVX-Y04"
    assert store.head == head
    store.close()


CHANGES = """ändring;kommun;enhet;id;förnamn;efternamn;anknytning
ändrad;Norrby;Bygg och miljö;anna;Anna;Ek;1001
ny;Norrby;Park;ny1;Nils;Ny;1999
bort;;;eva;;;
"""


def test_changes_are_told_as_a_whole_look_would_tell_them(made: Run, tmp_path: Path) -> None:
    office(made, "--area-code", "090")
    made("organisation", str(ROOT / "hil/office.toml"), "--source", "norrby")
    file = tmp_path / "changes.csv"
    file.write_text(CHANGES, "utf-8")
    told = made("people", str(file), "--source", "norrby", "--changes")
    assert (told["new"], told["changed"], told["gone"]) == (1, 1, 1)
    file.write_text(CHANGES.replace("ny1;", "ny1!;"), "utf-8")
    assert made("people", str(file), "--source", "norrby", "--changes", status=2)["problems"]
    store = Store.open(Place(tmp_path / "hub"))
    rows = dict(store.db.execute("SELECT id, row FROM item WHERE kind = 'person'").fetchall())
    assert rows["eva"] is None
    assert '"Ek"' in rows["anna"]
    assert rows["ny1"]
    assert store.db.execute("SELECT whole, people FROM source").fetchall() == [(1, 7)]
    assert publish_source(store, "norrby", datetime.now(UTC)) == 0
    store.close()


def test_who_moves_with_their_department_is_told_too(made: Run, tmp_path: Path) -> None:
    office(made, "--area-code", "090")
    text = (ROOT / "hil/office.csv").read_text("utf-8").replace("Norrby;", "Söderby;")
    file = tmp_path / "moved.csv"
    file.write_text(text, "utf-8")
    made("people", str(file), "--source", "norrby")
    store = Store.open(Place(tmp_path / "hub"))
    scopes = {scope for (scope,) in store.db.execute("SELECT scope FROM item WHERE kind = 'person'")}
    assert scopes == {"söderby"}
    assert publish_source(store, "norrby", datetime.now(UTC)) == 0
    store.close()


def test_organisation_and_credentials_follow(made: Run, tmp_path: Path) -> None:
    office(made, "--area-code", "090")
    assert made("organisation", str(ROOT / "hil/office.toml"), "--source", "norrby")["changed"] > 0
    file = tmp_path / "c.csv"
    file.write_text("extension,secret\n1001,ett-långt-ord\n", "utf-8")
    told = made("extensions", str(file), "--source", "norrby", "--realm", "norrby.se")
    assert (told["credentials"], told["changed"]) == (1, 1)


def test_a_unit_is_enrolled_changed_and_revoked(made: Run) -> None:
    first = made("enrol", "Östra skolan", "--municipality", "norrby", "--serves", "1000-1999")
    assert first["unit"] == "ostra-skolan"
    assert re.fullmatch("[0-9]{10}", first["code"])
    assert made("enrol", "ostra-skolan", "--replace")["code"] != first["code"]
    made("unit", "ostra-skolan", "--serves", "2000")
    (unit,) = made("unit")["units"]
    assert (unit["municipalities"], unit["serves"]) == (["norrby"], ["2000"])
    assert made("unit", "ostra-skolan", "--revoke", "stolen")["units"][0]["revoked_at"]
    for words in (
        ("enrol", "X"), ("enrol", "X", "--municipality", "a", "--serves", "12-345"), ("enrol", "nobody", "--replace"),
        ("unit", "nobody"),
    ):  # fmt: skip
        assert made(*words, status=2)["problems"][0]["id"] == "RVX-Y02"


def test_a_lost_phone_is_blocked_until_it_is_lifted(made: Run, tmp_path: Path) -> None:
    office(made, "--area-code", "090")
    assert made("block", "1001", "--why", "stulen")["changed"]
    assert not made("block", "1001")["changed"]
    assert made("block", "1001", "--lift")["changed"]
    assert not made("block", "1001", "--lift")["changed"]
    assert made("block", "1001")["changed"]
    assert made("block", "9999", status=2)["problems"][0]["id"] == "RVX-Y02"
    store = Store.open(Place(tmp_path / "hub"))
    kinds = [
        kind for (kind,) in store.db.execute("SELECT kind FROM item WHERE kind IN ('block', 'lift') ORDER BY position")
    ]
    assert kinds == ["block", "lift", "block"]
    store.close()


def test_a_configuration_is_signed_and_counted(made: Run, tmp_path: Path) -> None:
    made("enrol", "Skolan", "--municipality", "norrby")
    file = tmp_path / "unit.toml"
    file.write_text("[unit]\nname = 'skolan'\n")
    assert made("config", "skolan", str(file))["version"] == 1
    assert made("config", "skolan", str(file))["version"] == 2
    assert made("config", "nobody", str(file), status=2)["problems"][0]["id"] == "RVX-Y02"


def test_copies_and_accounts(made: Run, tmp_path: Path) -> None:
    made("backup", str(tmp_path / "copies"))
    assert made("restore", str(tmp_path / "copies"), status=2)["problems"][0]["id"] == "RVX-Y05"
    assert made("restore", str(tmp_path / "nothing"), status=2)["problems"][0]["id"] == "RVX-Y05"
    made("account", "bo")
    names = [(one["name"], one["role"], one["password"]) for one in made("account")["accounts"]]
    assert names == [("admin", "admin", False), ("bo", "reader", False)]
    made("account", "bo", "--end")
    assert made("account", "admin", "--end", status=2)["problems"][0]["id"] == "RVX-Y02"


def test_openapi_names_only_what_is_there() -> None:
    document = openapi()
    text = json.dumps(document)
    for name in set(re.findall(r'"#/components/schemas/([a-z0-9_]+)"', text)):
        assert name in document["components"]["schemas"]
    assert "#/definitions/" not in text
    assert set(document["paths"]) == {
        "/v1/enrol", "/v1/renew", "/v1/session", "/v1/outbox", "/v1/state", "/v1/feed", "/v1/snapshot", "/v1/digest",
        "/v1/config", "/v1/sound/{sha256}",
    }  # fmt: skip
