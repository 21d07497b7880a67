"""`rvx demo`: what it says and how it ends, without a network; the whole of it is tests/wire/test_demo.py."""

import io
import json
import os

import pytest

from hil.net import Net
from hil.phone import PhoneError
from tools import demo
from tools.cli import main
from tools.demo import EVENTS, TRIED, Demo, Moment, Tried, lines
from tools.errors import DONE, FAILED, UNKNOWN
from tools.output import WIDTH, Paint, to_ascii

STAMP_WIDTH = len("1234.5 s  ")
LONGEST = {"caller": "1001", "callee": "1003", "first": "1234 ms", "mode": "RETURNING", "way": "G"}


class Quiet(Net):
    """A net of nothing, for anybody."""

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _rootless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(demo, "Net", Quiet)


def played(monkeypatch: pytest.MonkeyPatch, why: str = "") -> None:
    """A demo in which all is tried in no time, and one thing fails if there is a `why`."""

    def play(self: Demo, net: Net) -> None:
        del net
        self.timeline.tell("call", caller="1001", callee="1003")
        for name in TRIED:
            with self._trying(name, "1001", "1003") as tried:
                tried.heard = {"1001": True, "1003": True}
                tried.first_s, tried.mode, tried.way = 0.0214, "NORMAL", "platform"
                if why and name == "emergency":
                    raise PhoneError(why)

    monkeypatch.setattr(Demo, "play", play)


@pytest.mark.parametrize("event", EVENTS)
def test_a_moment_fits_one_line_in_both_languages(event: str) -> None:
    swedish, english = Moment(1234.5, event, LONGEST).words
    assert len(to_ascii(f"{swedish} / {english}")) + STAMP_WIDTH <= WIDTH


def test_the_table_fits_a_terminal() -> None:
    rows = [
        Tried(name, 1.0, "1001", "1003", 1234.5, {"1001": True, "1003": False}, "RETURNING", "platform", "no " * 90)
        for name in TRIED
    ]
    shown = lines(rows, Paint(io.StringIO(), {}))
    assert all(len(to_ascii(line)) <= WIDTH for line in shown)
    assert all(len(to_ascii(words)) <= demo.NAME_WIDTH for both in TRIED.values() for words in both)
    assert sum("[fail]" in line for line in shown) == len(TRIED)
    assert all(any(words in line for line in shown) for both in TRIED.values() for words in both)


def test_all_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    played(monkeypatch)
    assert main(["demo"]) == DONE
    out, err = capsys.readouterr()
    assert "1001 ringer 1003 / 1001 calls 1003" in err
    assert out.count("[ok]") == len(TRIED)
    assert "21 ms" in out
    assert out.splitlines()[-1].startswith("Allt var som det skulle. / All was as it should be.")


def test_one_fault_fails_it_and_the_rest_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch, why="log of a program\n1003 did not answer")
    assert main(["demo"]) == FAILED
    out, err = capsys.readouterr()
    assert (out.count("[ok]"), out.count("[fail]")) == (len(TRIED) - 1, 1)
    assert "1003 did not answer" in out
    assert "log of a program" not in out
    assert "INTE SOM DET SKULLE" in err
    assert "Something was not as it should be." in out.splitlines()[-1]


@pytest.mark.parametrize("why", ["", "1003 did not answer"])
def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], why: str) -> None:
    played(monkeypatch, why)
    assert main(["demo", "--json"]) == (FAILED if why else DONE)
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert said["verdict"] == ("failed" if why else "passed")
    assert [problem["observed"] for problem in said["problems"]] == ([why] if why else [])
    assert [each["name"] for each in said["tried"]] == list(TRIED)
    first = said["tried"][0]
    assert first["heard"] == {"1001": True, "1003": True}
    assert (first["first_s"], first["mode"], first["way"], first["ok"]) == (0.021, "NORMAL", "platform", True)
    assert said["timeline"][0]["event"] == "call"
    assert said["timeline"][0]["en"] == "1001 calls 1003"
    assert said["unit"] is None


def test_not_root(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["demo"]) == UNKNOWN
    out, err = capsys.readouterr()
    assert out == ""
    assert "RVX-N05" in err
    assert "sudo" in err
