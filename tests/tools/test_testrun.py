"""``rvx test``: every step is run, also after one has failed, and the exit code is the sum of them."""

import argparse
import json
import os
import sys

import pytest

from tools import testrun
from tools.errors import DONE, FAILED, UNKNOWN
from tools.testrun import Step, steps


def arguments(json: bool = False) -> argparse.Namespace:
    return argparse.Namespace(json=json, no_color=False, fast=False, long=False, pytest_args=[])


def step(name: str, program: str, needs_root: bool = False) -> Step:
    return Step(name, [sys.executable, "-c", program], needs_root)


GOOD = step("good", "print('said by the step')")
BAD = step("bad", "raise SystemExit(1)")
NO_TESTS = Step("empty", [sys.executable, "-c", f"exit({int(pytest.ExitCode.NO_TESTS_COLLECTED)})", "pytest"])


def names(**options: bool) -> list[str]:
    return [each.name for each in steps(options.get("fast", False), options.get("long", False), [])]


def test_the_cheapest_comes_first_and_the_wire_last() -> None:
    assert names() == ["lint", "format", "layers", "types", "fast tests", "wire tests"]
    assert names(fast=True) == ["lint", "format", "layers", "types", "fast tests"]


@pytest.mark.parametrize(
    ("fast", "long", "given", "marks"),
    [
        (False, False, ["-k", "cli"], ["-m", "not long"]),
        (True, False, ["-k", "cli"], ["-m", "not long and not wire"]),
        (False, True, ["-k", "cli"], []),
        (False, False, ["-m", "wire"], []),
    ],
)
def test_with_arguments_for_pytest_only_pytest_is_run(
    fast: bool, long: bool, given: list[str], marks: list[str]
) -> None:
    (only,) = steps(fast, long, given)
    assert only.command == [sys.executable, "-m", "pytest", *marks, *given]


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [([GOOD], DONE, "ok"), ([BAD, GOOD], FAILED, "fail"), ([NO_TESTS], FAILED, "fail")],
)
def test_the_exit_code_tells_and_all_steps_are_run(
    given: list[Step], code: int, verdict: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testrun, "steps", lambda *_: iter(given))
    assert testrun.run(arguments(json=True)) == code
    streams = capfd.readouterr()
    document = json.loads(streams.out)
    assert document["verdict"] == verdict
    assert [each["name"] for each in document["steps"]] == [each.name for each in given]
    assert ("said by the step" in streams.err) is (GOOD in given)


def test_for_a_person_the_steps_speak_and_a_table_closes(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testrun, "steps", lambda *_: iter([GOOD, BAD]))
    assert testrun.run(arguments()) == FAILED
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "said by the step"
    assert lines[-3].startswith("[ok]   good")
    assert lines[-2].startswith("[fail] bad")
    assert lines[-2].endswith("exit code 1")
    assert lines[-1].startswith("1 of 2 steps failed, 0 skipped, ")


def test_what_needs_root_is_skipped_without_it_and_that_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(testrun, "steps", lambda *_: iter([GOOD, step("wire", "", needs_root=True)]))
    assert testrun.run(arguments()) == UNKNOWN
    assert "[skip] wire" in capfd.readouterr().out


def test_compiled_files_are_kept_between_the_processes_of_tests(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    kept = step("kept", "import sys; raise SystemExit(sys.dont_write_bytecode)")
    monkeypatch.setattr(testrun, "steps", lambda *_: iter([kept]))
    assert testrun.run(arguments()) == DONE
    capfd.readouterr()


def test_a_long_run_searches_longer() -> None:
    (fast,) = [each.command for each in steps(False, False, []) if each.name == "fast tests"]
    (thorough,) = [each.command for each in steps(False, True, []) if each.name == "fast tests"]
    assert set(thorough) - set(fast) == {"--hypothesis-profile=thorough"}
