"""``rvx doctor``: what it shows, in which words, with which exit code."""

import dataclasses
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import firmware
from firmware.health import CHECKS, Facts, Result, examine, verdict
from firmware.paths import Paths
from tests.firmware.test_health import BLIND, WELL, told
from tests.firmware.test_status import faults
from tools import doctor
from tools.cli import main
from tools.errors import DONE, FAILED, UNKNOWN, USAGE
from tools.output import WIDTH, Output

NOW = datetime(2026, 11, 22, 0, 41, 9, tzinfo=UTC)
SCHEMA = json.loads((Path(firmware.__file__).parent / "doctor.schema.json").read_text("utf-8"))
ILL = dataclasses.replace(WELL, importing=True, media_through=1, media_anchored=19, status=told(gateway=False))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)
    monkeypatch.setenv("RVX_STATE", str(tmp_path / "state"))


def seen(monkeypatch: pytest.MonkeyPatch, facts: Facts) -> None:
    monkeypatch.setattr(doctor, "gather", lambda args: ("gw-1", facts))


def screen(facts: Facts, verbose: bool = False) -> list[str]:
    findings = examine(facts)
    out = Output(result=io.StringIO(), side=io.StringIO())
    return list(doctor.lines("gw-1", findings, verdict(findings, facts.denied), NOW, 0.25, out, verbose))


def test_a_unit_that_is_well_is_said_so_calmly() -> None:
    head, *checks, last = screen(WELL)
    assert head.startswith("rvx doctor  gw-1  rvx ")
    assert head.endswith("2026-11-22 00:41:09Z  14 checks in 0.2 s")
    assert [line[:6] for line in checks] == ["[ok]  "] * len(CHECKS)
    assert last == "The unit is well: 14 ok."


@pytest.mark.parametrize("facts", [WELL, ILL, BLIND, dataclasses.replace(BLIND, denied=True)])
def test_every_line_fits(facts: Facts) -> None:
    assert all(len(line) <= WIDTH for verbose in (False, True) for line in screen(facts, verbose))


def test_what_is_ill_says_what_to_do_below() -> None:
    lines = screen(ILL)
    at = next(number for number, line in enumerate(lines) if line.startswith("[fail] files"))
    assert lines[at] == "[fail] files    an import of an identity was cut in the middle"
    assert lines[at + 1] == " " * 16 + "RVX-I06  effect: the unit does not start"
    assert lines[at + 2] == " " * 16 + "fix: give rvx identity import again"
    assert lines[-1] == "1 failed, 2 warned, 11 ok. Details: rvx doctor -v"
    assert any("expected: a whole identity" in line for line in screen(ILL, verbose=True))


def test_what_may_not_be_seen_is_not_called_well() -> None:
    assert screen(dataclasses.replace(BLIND, denied=True))[-1].startswith("Not all could be found out (sudo?): ")


@pytest.mark.parametrize(
    ("facts", "words", "code"),
    [
        (WELL, [], DONE),
        (ILL, [], FAILED),
        (dataclasses.replace(WELL, media_anchored=20), [], DONE),
        (dataclasses.replace(WELL, media_anchored=20), ["--strict"], FAILED),
        (dataclasses.replace(BLIND, denied=True), [], UNKNOWN),
        (dataclasses.replace(ILL, denied=True), [], FAILED),
        (BLIND, ["--strict"], DONE),
        (ILL, ["disk"], DONE),
    ],
)
def test_exit_codes(
    facts: Facts, words: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(monkeypatch, facts)
    assert main(["doctor", *words]) == code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("facts", [WELL, ILL, BLIND, dataclasses.replace(BLIND, denied=True, faults=("x",))])
def test_json_is_what_the_schema_says(
    facts: Facts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(monkeypatch, facts)
    main(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert faults(document, SCHEMA, "doctor") == []
    assert [check["check"] for check in document["checks"]] == [check.name for check in CHECKS]
    assert len(document["problems"]) == sum(check["id"] is not None for check in document["checks"])


def test_the_checks_are_listed_and_a_wrong_one_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--list"]) == DONE
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [check.name for check in CHECKS]
    assert main(["doctor", "power"]) == USAGE
    assert "RVX-A02" in capsys.readouterr().err


def test_a_machine_where_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == FAILED
    checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (checks["config"]["result"], checks["edge"]["id"]) == ("ok", "RVX-E01")
    assert checks["platform"]["observed"] == "waits for edge"


def test_a_faulty_configuration_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "unit.toml"
    file.write_text("[unit]\nname = 5\n")
    assert main(["doctor", "--config", str(file), "--json"]) == FAILED
    first = json.loads(capsys.readouterr().out)["checks"][0]
    assert (first["check"], first["id"]) == ("config", "RVX-C01")


def test_files_that_others_may_read_are_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path / "state")
    assert main(["extension", "add", "1001", "--generate"]) == DONE
    assert main(["doctor", "files"]) == DONE
    paths.directory.chmod(0o644)
    capsys.readouterr()
    assert main(["doctor", "files"]) == FAILED
    assert "directory.db (0644)" in capsys.readouterr().out
    assert main(["doctor", "secrets", "--json"]) == DONE
    *_, secrets = json.loads(capsys.readouterr().out)["checks"]
    assert secrets["observed"] == "1 by ours (2)"
    assert Result(secrets["result"]) is Result.OK
