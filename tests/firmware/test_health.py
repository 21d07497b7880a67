"""What each check makes of what was found, what hides what, and what the whole amounts to."""

import dataclasses
from typing import Any

import pytest

from firmware.health import CHECKS, Facts, File, Result, Space, examine, verdict
from firmware.modes import Mode, Path
from firmware.problems import with_problems
from firmware.status import Node, Pair, Phones, Problem, Severity, Status, Trunk

STATUS = Status(
    unit="gw-1",
    version="0.1.0",
    time="2026-11-22T00:41:09.000Z",
    mode=Mode.NORMAL,
    edge=True,
    platform=True,
    gateway=True,
    lease_left_s=9.0,
    nodes=(Node("sip:10.99.0.2:5060", Path.LINE, True, 12.0),),
    phones=Phones(registered=12, known=12, learnt=0, ready=12),
    pair=Pair(True, False),
)
WELL = Facts(
    config="unit.toml",
    platform=True,
    files=(File("directory.db", 0o600), File("secrets.toml", 0o600)),
    space=Space(10_000_000_000, 14_000_000_000),
    clock_synchronised=True,
    clock_error_s=0.012,
    taken=(),
    edge=True,
    unit=True,
    status=STATUS,
    timer_a_ms=250,
    timed_calls=30,
    modes={1: 10, 4: 2},
    media_through=20,
    media_anchored=0,
)
BLIND = Facts(config="unit.toml")


def told(**over: Any) -> Status:
    return with_problems(dataclasses.replace(STATUS, **over))


def test_a_unit_that_is_well() -> None:
    findings = examine(WELL)
    assert [(finding.check, finding.result) for finding in findings] == [(check.name, Result.OK) for check in CHECKS]
    assert verdict(findings) is Result.OK
    assert all(finding.known and finding.problem is None for finding in findings)


def test_what_is_not_known_is_neither_well_nor_ill() -> None:
    findings = {finding.check: finding for finding in examine(BLIND)}
    assert {finding.result for name, finding in findings.items() if name != "config"} == {Result.SKIP}
    assert not any(finding.known for name, finding in findings.items() if name != "config")
    assert findings["edge"].observed.startswith("not known: ")
    assert verdict(tuple(findings.values()), denied=True) is None
    assert verdict(tuple(findings.values())) is Result.OK


@pytest.mark.parametrize(
    ("over", "check", "result", "code", "said"),
    [
        ({"faults": ("unit.toml:3: bad", "more")}, "config", "fail", "RVX-C01", "bad, and 1 more"),
        ({"files": ()}, "files", "skip", None, "never started"),
        ({"files": (File("directory.db", 0o640),)}, "files", "fail", "RVX-J03", "directory.db (0640)"),
        ({"files": (File("a", 0o604), *(File(n, 0o666) for n in "bcd"))}, "files", "fail", "RVX-J03", "and 1 more"),
        ({"importing": True}, "files", "fail", "RVX-I06", "cut"),
        ({"space": Space(1_000_000_000, 14_000_000_000)}, "disk", "warn", "RVX-J04", "7% free"),
        ({"space": Space(100_000_000, 14_000_000_000)}, "disk", "fail", "RVX-J04", "1% free"),
        ({"space": Space(60_000_000, 100_000_000)}, "disk", "fail", "RVX-J04", "60% free"),
        ({"space": Space(0, 0)}, "disk", "skip", None, "not known"),
        ({"clock_synchronised": False, "clock_error_s": None}, "clock", "warn", "RVX-N06", "not synchronised"),
        ({"clock_error_s": 12.0}, "clock", "warn", "RVX-N06", "12 s off"),
        ({"clock_error_s": None}, "clock", "ok", None, "synchronised"),
        ({"taken": ("10.98.0.1",)}, "address", "fail", "RVX-N07", "another machine has 10.98.0.1 too"),
        ({"taken": None}, "address", "skip", None, "not known"),
        ({"edge": False}, "edge", "fail", "RVX-E01", "does not answer"),
        ({"unit": False}, "unit", "fail", "RVX-S01", "does not answer"),
        ({"platform": False}, "platform", "skip", None, "none is configured"),
        ({"status": told(nodes=())}, "platform", "skip", None, "not known"),
        ({"status": told(nodes=(Node("sip:a", Path.LINE, None),))}, "platform", "skip", None, "not known"),
        (
            {"status": told(nodes=(*STATUS.nodes, Node("sip:b", Path.LINE, False)))},
            "platform",
            "warn",
            "RVX-L01",
            "1 of 2 nodes",
        ),
        ({"status": told(mode=Mode.SURVIVAL)}, "platform", "fail", "RVX-L01", "no node"),
        ({"status": told(mode=Mode.RETURNING)}, "platform", "ok", None, "mode RETURNING"),
        ({"timer_a_ms": None}, "timers", "skip", None, "not known"),
        ({"timed_calls": None}, "timers", "ok", None, "250 ms, learnt by probes"),
        ({"platform": False}, "timers", "skip", None, "no platform"),
        ({"status": told(phones=Phones(0, 12, 0, 0))}, "phones", "warn", "RVX-P01", "no phone"),
        ({"status": told(phones=Phones(12, 10, 0, 10))}, "phones", "warn", "RVX-P03", "2 of 12"),
        ({"status": told(phones=Phones())}, "phones", "skip", None, "not known"),
        ({"modes": {}}, "secrets", "warn", "RVX-D04", "no extension"),
        ({"modes": {1: 3, 2: 0, 4: 1}}, "secrets", "ok", None, "3 by the platform's secret (1), 1 learnt (4)"),
        ({"modes": None}, "secrets", "skip", None, "not known"),
        ({"media_through": 2}, "media", "skip", None, "2 of 3"),
        ({"media_through": None, "media_anchored": None}, "media", "skip", None, "0 of 3"),
        ({"media_through": 0, "media_anchored": 4}, "media", "warn", "RVX-M01", "4 of the last 4"),
        ({"media_through": 18, "media_anchored": 2}, "media", "warn", "RVX-M01", "2 of the last 20"),
        ({"platform": False}, "media", "skip", None, "no platform"),
        ({"status": told(pair=None)}, "standby", "skip", None, "by itself"),
        ({"status": told(pair=Pair(False, True))}, "standby", "ok", None, "the other one is in service"),
        ({"status": told(pair=Pair(True, None))}, "standby", "warn", "RVX-B02", "not heard"),
        ({"status": told(pair=Pair(True, True))}, "standby", "fail", "RVX-B01", "both units"),
        ({"status": told(pair=Pair(True, False, (), False))}, "standby", "warn", "RVX-B05", "do not come over"),
        ({"status": told(gateway=False)}, "way-out", "warn", "RVX-G01", "neither"),
        ({"status": told(trunk=Trunk(process=False))}, "way-out", "fail", "RVX-G03", "does not answer"),
        ({"status": told(gateway=None)}, "way-out", "skip", None, "not known"),
    ],
)
def test_each_check(over: dict[str, Any], check: str, result: str, code: str | None, said: str) -> None:
    (found,) = [finding for finding in examine(dataclasses.replace(WELL, **over)) if finding.check == check]
    assert found.result == result
    assert (found.problem.id if found.problem else None) == code
    assert said in found.observed
    assert found.known == ("not known" not in found.observed)


def test_a_cause_hides_what_follows_from_it() -> None:
    findings = {finding.check: finding for finding in examine(dataclasses.replace(WELL, edge=False, status=None))}
    waiting = {check.name for check in CHECKS if set(check.needs) & {"edge", "unit"}}
    assert {name for name, finding in findings.items() if finding.observed == "waits for edge"} == waiting
    assert [name for name, finding in findings.items() if finding.problem] == ["edge"]


def test_of_a_faulty_configuration_nothing_is_guessed() -> None:
    findings = examine(Facts(config="unit.toml", faults=("bad",)))
    seen = {finding.check: finding.observed for finding in findings}
    assert {name for name, said in seen.items() if said != "waits for config"} == {"config", "clock"}


def test_what_only_the_unit_itself_knows_comes_last() -> None:
    own = Problem("RVX-S02", Severity.FAIL, "state", "nobody vouches", "renewed", "the last mode holds", "start anew")
    findings = examine(dataclasses.replace(WELL, status=dataclasses.replace(STATUS, problems=(own,))))
    assert findings[-1].problem == own
    assert verdict(findings) is Result.FAIL
    shown_once = examine(dataclasses.replace(WELL, status=told(gateway=False)))
    assert len(shown_once) == len(CHECKS)


def test_one_check_alone_brings_what_it_rests_on() -> None:
    assert [finding.check for finding in examine(WELL, ("media",))] == ["config", "edge", "media"]
    assert [finding.check for finding in examine(WELL, ("disk",))] == ["config", "disk"]


def test_a_failure_is_worse_than_not_knowing() -> None:
    findings = examine(dataclasses.replace(WELL, edge=False))
    assert verdict(findings, denied=True) is Result.FAIL


def test_checks_rest_on_earlier_ones() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(names.index(need) < names.index(check.name) for check in CHECKS for need in check.needs)
    assert all(check.meaning and len(check.name) <= 8 for check in CHECKS)
