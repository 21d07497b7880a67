"""`rvx config`: what it shows, and what it refuses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from firmware import generations
from firmware.config import load
from firmware.document import sha256_of
from firmware.generations import Generations
from firmware.trial import Health
from tools import config
from tools.errors import DONE, UserError

NOW = "2026-11-23T08:00:00Z"


def text_of(state: Path, name: str) -> str:
    return (
        f'[unit]\nname = "{name}"\nstate_dir = "{state}"\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
        '[platform]\nrealm = "x.y"\n'
    )


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generations:
    made = Generations(tmp_path / "unit.toml", tmp_path / "state")
    made.config.write_text(text_of(made.state, "first"))
    monkeypatch.setattr(config, "check_edge", lambda candidate: [])
    return made


def run(unit: Generations, action: str, **more: object) -> int:
    given = {"config": str(unit.config), "state": None, "json": True, "no_color": True, "debug": False}
    return config.run(argparse.Namespace(command=f"config {action}", **given | more))


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_unit_to_which_nothing_was_sent(unit: Generations, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(unit, "show") == DONE
    shown = said(capsys)
    assert (shown["phase"], shown["newest"], shown["kept"]) == ("none", None, [])
    assert shown["sha256"] == sha256_of(unit.config.read_text())
    with pytest.raises(UserError, match="no configuration was kept"):
        run(unit, "rollback")


def test_another_one_at_once_and_back(unit: Generations, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text_of(unit.state, "own"))
    assert run(unit, "override", file=str(own), why="new gateway") == DONE
    shown = said(capsys)
    assert shown["override"] == "new gateway"
    assert "command line" in str(shown["override_by"])
    assert load(unit.config).unit.name == "own"
    assert run(unit, "release") == DONE
    assert said(capsys)["override"] == ""
    assert run(unit, "rollback") == DONE
    assert said(capsys)["phase"] == "rolled_back"
    assert load(unit.config).unit.name == "first"


def test_for_people(unit: Generations, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "boot_now", lambda: ("boot", 1.0))
    text = text_of(unit.state, "second")
    unit.arm(7, sha256_of(text), text, NOW)
    unit.begin(Health())
    assert run(unit, "show", json=False) == DONE
    shown = capsys.readouterr().out
    assert "version 7" in shown
    assert "prövas / is tried" in shown


def test_what_cannot_be_is_not_touched(unit: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = unit.config.read_text()
    other = tmp_path / "other.toml"
    for text, named in (
        ("[unit", "other.toml"),
        (text_of(tmp_path / "elsewhere", "own"), "unit.state_dir"),
        ("x" * 70_000, "over"),
    ):
        other.write_text(text)
        with pytest.raises(UserError, match=named):
            run(unit, "override", file=str(other), why="why")
    monkeypatch.setattr(config, "check_edge", lambda candidate: ["parse error"])
    other.write_text(text_of(unit.state, "own"))
    with pytest.raises(UserError, match="parse error"):
        run(unit, "override", file=str(other), why="why")
    assert unit.config.read_text() == before
