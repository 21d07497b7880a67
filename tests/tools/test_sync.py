"""`rvx sync`: what somebody reads of the hub, and the words that every obstacle has."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from firmware.paths import Paths
from firmware.status import Status, Sync
from firmware.sync.problems import sync_problems
from firmware.sync.shown import SyncShown
from tools.cli import main
from tools.errors.catalog import CATALOG
from tools.sync import WHY

ROOT = Path(__file__).parents[2]
NOW = "2026-11-23T07:00:00.000000Z"
SHOWN = SyncShown(
    enrolled=True, connected=True, unit="skolan", hub="https://hub.example", since=NOW, contact_at=NOW, heard_at=NOW,
    whole_at=NOW,
)  # fmt: skip


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A configuration with a hub."""
    file = tmp_path / "unit.toml"
    file.write_text(
        f'[unit]\nname = "skolan"\nstate_dir = "{tmp_path}"\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
        '[sync]\nhub = "https://hub.example"\n'
    )
    Paths(tmp_path).run.mkdir()
    return file


def test_every_obstacle_that_the_process_may_name_has_words() -> None:
    named = set()
    for file in (ROOT / "firmware/sync").glob("*.py"):
        text = file.read_text("utf-8")
        named |= set(re.findall(r'(?:Unreached|_failed|_trouble)\(\s*(?:back, reached, )?"([a-z_]+)"', text))
    assert named <= WHY.keys()


def test_status_says_whether_the_hub_is_reached(unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sync", "status", "--config", str(unit)]
    assert main(words) == 3  # the process is away
    assert "RVX-Z01" in capsys.readouterr().err
    SHOWN.write(Paths(tmp_path).sync_shown)
    assert main(words) == 0
    assert "reached since" in capsys.readouterr().out
    replace(SHOWN, connected=False, why="redirected", detail="to login.hotel.example", waiting=7, oldest_at=NOW,
            again_s=12.0, failures=3, gone=90, held_back="power").write(Paths(tmp_path).sync_shown)  # fmt: skip
    assert main(words) == 3
    said = capsys.readouterr().out
    for part in ("captive portal", "login.hotel.example", "7 rows", "rvx sync accept", "battery is low"):
        assert part in said, said
    assert main([*words, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["why"], told["waiting"], told["gone"]) == ("redirected", 7, 90)


def test_what_is_shown_is_read_again_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "sync.json"
    SHOWN.write(file)
    assert SyncShown.read(file) == SHOWN
    for name, value in (("waiting", "many"), ("connected", 1), ("why", None), ("clock_s", True), ("fetching", "x")):
        file.write_text(json.dumps({each.name: getattr(SHOWN, each.name) for each in fields(SHOWN)} | {name: value}))
        assert SyncShown.read(file) is None, name


GOOD = Sync(process=True, enrolled=True, connected=True, since=NOW, waiting=0)
PROBLEMS: tuple[tuple[Sync | None, list[str]], ...] = (
    (None, []),
    (GOOD, []),
    (Sync(process=None), []),
    (Sync(process=False), ["RVX-Z01"]),
    (replace(GOOD, connected=False, why="timeout", since="2026-11-23T06:55:00.000000Z"), []),  # five minutes
    (replace(GOOD, connected=False, why="timeout", since="2026-11-23T06:45:00.000000Z"), ["RVX-Z02"]),
    (replace(GOOD, connected=False, why="certificate", since="2026-11-23T06:45:00.000000Z"), ["RVX-Z03"]),
    (replace(GOOD, connected=False, why="not_enrolled"), ["RVX-Z04"]),
    (replace(GOOD, connected=False, why="revoked"), ["RVX-Z05"]),
    (replace(GOOD, gone=90, aside=2, clock_s=-3600.0, twin=True), ["RVX-Z06", "RVX-Z07", "RVX-Z08", "RVX-Z09"]),
    (replace(GOOD, clock_s=200.0, overruled=3), []),
)


@pytest.mark.parametrize(("sync", "codes"), PROBLEMS)
def test_a_problem_is_told_when_somebody_can_do_something(sync: Sync | None, codes: list[str]) -> None:
    found = sync_problems(Status(unit="skolan", version="1", time=NOW, sync=sync))
    assert [problem.id for problem in found] == codes
    assert all(problem.id in CATALOG for problem in found)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("http://hub.example", "1234567890", "https://"),
        ("https://hub.example/path", "1234567890", "more than scheme"),
        ("https://u:p@hub.example", "1234567890", "more than scheme"),
        ("https://hub.example", "123", "ten digits"),
    ],
)
def test_what_cannot_be_an_enrolment_is_refused_before_anybody_is_asked(
    unit: Path, capsys: pytest.CaptureFixture[str], url: str, code: str, said: str
) -> None:
    assert main(["enrol", url, code, "--config", str(unit)]) == 2
    assert said in capsys.readouterr().err
