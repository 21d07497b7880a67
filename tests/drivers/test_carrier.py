"""The carrier as the kernel tells it; the refusal of an interface that is turned off needs a kernel."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.carrier import carrier


@pytest.mark.parametrize(("said", "means"), [("1\n", True), ("0\n", False), ("", None), ("2\n", None)])
def test_reads_what_the_kernel_says(tmp_path: Path, said: str, means: bool | None) -> None:
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "carrier").write_text(said)
    assert carrier("eth0", tmp_path) is means


@pytest.mark.parametrize("name", ["", "none0", ".", "..", "../eth0", "eth0/../eth0", "/etc"])
def test_what_is_no_interface_is_not_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "carrier").write_text("1\n")
    assert carrier(name, tmp_path) is None


def test_loopback_has_carrier() -> None:
    assert carrier("lo") is not None


@pytest.fixture
def dummy() -> Iterator[str]:
    """An interface of this machine that nothing uses."""
    if os.geteuid() != 0:
        pytest.skip("making an interface needs root")
    name = f"rvc{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "link", "add", name, "type", "dummy"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no interface can be made here: {made.stderr.strip()}")
    yield name
    subprocess.run(["ip", "link", "del", name], check=True)


@pytest.mark.wire
def test_interface_that_is_turned_off_has_no_carrier(dummy: str) -> None:
    assert carrier(dummy) is False
    subprocess.run(["ip", "link", "set", dummy, "up"], check=True)
    assert carrier(dummy) is True
    subprocess.run(["ip", "link", "set", dummy, "down"], check=True)
    assert carrier(dummy) is False
