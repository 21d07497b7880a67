"""The command line: help, suggestions, exit codes, streams, and what it costs to start."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware import __version__
from tools import explain
from tools.cli import main
from tools.commands import COMMANDS, GROUPS, overview
from tools.errors import DONE, INTERRUPTED, UNKNOWN, USAGE
from tools.parser import HELP_WIDTH, Command, parser_of

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # this checkout, wherever it is
MAX_OVERVIEW_LINES = 25
# What a start must not pay for: a start is meant to take 36 ms (facts/ux.md of the design).
HEAVY = {"asyncio", "sqlite3", "hil", "json", "dataclasses", "tomllib", "subprocess", "importlib.metadata", "logging"}


def rvx(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "tools.cli", *words]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_overview_fits_a_screen_and_begins_with_examples(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= MAX_OVERVIEW_LINES
    assert all(len(line) <= HELP_WIDTH for line in lines)
    first_three = [line for line in lines[1:] if line][:3]
    assert all("./rvx " in line for line in first_three)
    assert "explain CODE" in lines[-1]


def test_every_command_is_in_one_group_of_the_overview() -> None:
    named = [name for _, names in GROUPS for name in names]
    assert sorted(named) == sorted(COMMANDS)
    assert set(named) <= set(overview().split())


@pytest.mark.parametrize(
    "command", [each for command in COMMANDS.values() for each in command.actions or (command,)], ids=lambda c: c.name
)
def test_help_begins_with_an_example_that_the_parser_takes(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.name.split(), "--help"])
    assert ended.value.code == DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Example:", f"  {command.example}"]
    assert all(len(line) <= HELP_WIDTH for line in lines)
    words = command.example.split("rvx ", 1)[1].split()
    assert " ".join(words).startswith(command.name)
    _, unknown = parser_of(command).parse_known_args(words[len(command.name.split()) :])
    assert not unknown


def test_help_of_a_command_with_actions_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "--help"]) == DONE
    text = capsys.readouterr().out
    assert all(f"rvx {action.name}" in text for action in COMMANDS["extension"].actions)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["staus"], "RVX-A01", "Did you mean rvx status?"),
        (["extension", "ad"], "RVX-A01", "Did you mean rvx extension add?"),
        (["extension"], "RVX-A02", "add, import, list, remove"),
        (["xyzzy"], "RVX-A01", "rvx --help"),
        (["explain", "--jsn"], "RVX-A02", "Did you mean --json?"),
        (["explain", "--js"], "RVX-A02", "--js is not known"),
        (["explain", "RVX-C01", "more"], "RVX-A02", "more is not known"),
        (["explain", "RVX-C0l"], "RVX-A03", "Did you mean RVX-C0"),
        (["bench"], "RVX-A02", "required: what"),
        (["bench", "load", "--samples", "0"], "RVX-A02", "at least 1"),
        (["--config"], "RVX-A02", "--config"),
    ],
)
def test_wrong_usage_is_said_once_in_three_lines_with_a_code(
    words: list[str], code: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == USAGE
    streams = capsys.readouterr()
    assert streams.out == ""
    assert said in streams.err
    what, why, do = streams.err.splitlines()
    assert what.startswith(f"rvx: {code} ")
    assert why.startswith("  why: ")
    assert do.startswith("  do:  ")
    assert do.endswith(f"(rvx explain {code})")


def test_shared_options_are_taken_before_and_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "explain", "c01"]) == DONE
    before = json.loads(capsys.readouterr().out)
    assert main(["explain", "c01", "--json"]) == DONE
    after = json.loads(capsys.readouterr().out)
    assert before.pop("time") <= after.pop("time")
    assert before == after
    assert before["code"] == "RVX-C01"


def test_a_value_before_the_command_is_not_taken_for_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def takes(args: argparse.Namespace) -> int:
        seen.append(args.config)
        return DONE

    monkeypatch.setattr(explain, "run", takes)
    assert main(["--config", "status", "explain"]) == DONE
    assert seen == ["status"]
    assert capsys.readouterr().err == ""


def test_an_error_with_json_is_one_object_on_standard_output() -> None:
    done = rvx("staus", "--json")
    assert done.returncode == USAGE
    document = json.loads(done.stdout)
    assert (document["schema"], document["tool"], document["version"]) == (1, "rvx", __version__)
    assert document["verdict"] == "error"
    assert [problem["id"] for problem in document["problems"]] == ["RVX-A01"]
    assert "RVX-A01" in done.stderr


def test_an_unforeseen_error_leaves_its_traceback_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(args: object) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(explain, "run", fails)
    assert main(["explain"]) == UNKNOWN
    told = capsys.readouterr().err
    assert "Traceback" not in told
    file = told.split("the full account is in ")[1].split(".txt")[0] + ".txt"
    with open(file, encoding="utf-8") as kept:
        assert "ZeroDivisionError: by zero" in kept.read()
    with pytest.raises(ZeroDivisionError):
        main(["explain", "--debug"])


def test_control_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(explain, "run", interrupted)
    assert main(["explain"]) == INTERRUPTED


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-P", "-m", "tools.cli", "explain"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=20) == DONE
        assert process.stderr.read() == b""


@pytest.mark.parametrize("words", [["--version"], ["--help"], []])
def test_version_and_help_load_nothing_heavy(words: list[str]) -> None:
    command = [sys.executable, "-P", "-X", "importtime", "-m", "tools.cli", *words]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in loaded
    assert "firmware" in loaded
    assert not loaded & HEAVY
    ours = {name for name in loaded if name.partition(".")[0] in {"callcontrol", "drivers", "firmware", "hil", "tools"}}
    declared = {name for name in ours if name.partition(".commands")[0] == "tools"}
    assert ours - declared - {"tools.cli"} == {"firmware", "tools.errors", "tools.parser"}


def test_version_is_the_packages_own() -> None:
    assert rvx("--version").stdout == f"rvx {__version__}\n"


def test_test_hands_what_it_does_not_know_to_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools import testrun

    seen: list[tuple[bool, list[str]]] = []

    def takes(args: argparse.Namespace) -> int:
        seen.append((args.fast, args.pytest_args))
        return DONE

    monkeypatch.setattr(testrun, "run", takes)
    assert main(["test", "--fast", "-k", "cli", "--long"]) == DONE
    assert main(["test", "--", "--fast"]) == DONE
    assert main(["test"]) == DONE
    assert seen == [(True, ["-k", "cli", "--long"]), (False, ["--fast"]), (False, [])]
