"""The carrier as the kernel tells it; the refusal of an interface that is turned off needs a kernel."""

import os
import subprocess
import sys
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


SCRIPT = """
set -e
mount -t sysfs none /sys
ip link add near type veth peer name far
ask() { "$PYTHON" -c 'from drivers.carrier import carrier; print(carrier("near"))'; }
ask
ip link set near up; ask
ip link set far up; ask
ip link set far down; ask
ip link set far up; ip link set near down; ask
ip link del near; ask
"""


@pytest.mark.wire
def test_cable_that_is_pulled_and_interface_that_is_turned_off() -> None:
    """In a network namespace of its own."""
    if os.geteuid() != 0:
        pytest.skip("making a network namespace needs root")
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["False", "False", "True", "False", "False", "None"]
