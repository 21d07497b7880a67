"""`rvx demo`, whole: what it shows is so, and it leaves nothing behind, also when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hil.net import NETNS_DIR
from tools.demo import TRIED
from tools.errors import DONE, INTERRUPTED
from tools.output import WIDTH

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

LOADED_S = 180.0  # it promises a minute; beside other tests it may take longer
CALLS = {
    "platform_call": "platform",
    "first_killed": "local",
    "survival_call": "local",
    "emergency": "gateway",
    "platform_again": "platform",
    "first_blackholed": "local",
    "silent_call": "local",
    "platform_last": "platform",
}


def begin(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "tools.cli", "demo", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def left_of(pid: int) -> list[str]:
    """Namespaces, files and processes of the demo that this process was."""
    name = f"rvdemo-{pid}-"
    found = [*os.listdir(NETNS_DIR), *os.listdir(tempfile.gettempdir())]
    commands = [path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [each for each in (*found, *commands) if name in each]


@pytest.mark.timeout(LOADED_S + 30)
def test_an_outage_is_survived() -> None:
    demo = begin("--json")
    out, timeline = demo.communicate(timeout=LOADED_S)
    assert left_of(demo.pid) == []
    said = json.loads(out)
    assert said["problems"] == []
    assert said["verdict"] == "passed"
    assert demo.returncode == DONE

    tried = {each["name"]: each for each in said["tried"]}
    assert tried.keys() == TRIED.keys()
    assert all(each["ok"] for each in tried.values())
    assert {name: tried[name]["way"] for name in CALLS} == CALLS
    for name in (*CALLS, "call_stays", "returning_call"):
        assert set(tried[name]["heard"].values()) == {True}, name
        assert len(tried[name]["heard"]) == 2, name
        assert tried[name]["first_s"] is not None, name
    modes = [each["mode"] for each in said["timeline"] if each["event"] == "mode"]
    assert modes.count("SURVIVAL") == 2
    assert modes.count("RETURNING") == 2
    assert modes[-1] == "NORMAL"
    assert said["unit"]["phones"]["registered"] == 4
    assert said["unit"]["calls"]["today"] >= 5
    assert said["took_s"] < LOADED_S
    # Without a terminal the timeline is told all the same, and fits one.
    assert all(len(line) <= WIDTH for line in timeline.splitlines())


def test_interrupted_it_leaves_nothing() -> None:
    demo = begin()
    assert demo.stderr is not None
    for line in demo.stderr:
        if "1001 ringer 1003" in line:
            break
    else:
        pytest.fail("it ended before its first call")
    assert left_of(demo.pid) != []
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does, to all of its group
    out, rest = demo.communicate(timeout=LOADED_S)
    assert demo.returncode == INTERRUPTED
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert out == ""
    assert left_of(demo.pid) == []
