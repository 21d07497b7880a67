"""What a process loads: a library that another one lacks must not stop it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

OF_SOUND = {"av", "aiortc", "aioice", "pylibsrtp"}
OF_DEVICES = {"serial", "aionut", "smbus2", "pysnmp", "RPi"}


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("firmware.app", OF_SOUND | OF_DEVICES | {"cryptography", "dns", "firmware.calls", "firmware.unit"}),
        ("firmware.unit", OF_SOUND | OF_DEVICES),
        ("firmware.calls", OF_DEVICES),
        ("firmware.heart", OF_SOUND | OF_DEVICES | {"firmware.config", "asyncio.subprocess"}),
    ],
)
def test_what_a_process_does_not_load(module: str, foreign: set[str]) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout
    )
    assert not foreign & set(loaded)
