"""The product's base, Debian 13 with Kamailio 6.0 and Python 3.13: it takes the configuration, and what the wire tests
prove of edge and unit on this machine's Debian holds there. Platforms, phones and tests are this machine's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil.debian import chroot, unpacked
from hil.site import DEBIAN_PATH, SOURCE, SOURCE_PLACE
from tests.callcontrol.test_edge_render import BASE, PAIR_SECRETS, VARIANTS, toml

BUILD_S, SUITE_S, TOOL_S = 900, 1800, 60
PACKAGES = ["kamailio", "kamailio-sqlite-modules", "kamailio-tls-modules", "openssl", "python3"]
SUITES = ("credentials", "death", "door", "emergency", "hostile", "processes", "registration", "return", "tls")
SECRETS = '[gateway]\nusername = "gw-1"\npassword = "secret"\n'

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(BUILD_S + SUITE_S)]


@pytest.fixture(scope="module")
def trixie() -> Path:
    return unpacked("trixie-tls", ["trixie"], PACKAGES)


def inside(root: Path, place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command there, in the source; it finds `place` where it is here."""
    words = chroot(
        root, {SOURCE_PLACE: SOURCE, str(place): place}, ["env", "-i", "-C", SOURCE_PLACE, DEBIAN_PATH, *command]
    )
    return subprocess.run(["unshare", "--mount", *words], capture_output=True, text=True, timeout=TOOL_S, check=False)


def test_it_is_another_kamailio(trixie: Path, tmp_path: Path) -> None:
    assert "kamailio 6." in inside(trixie, tmp_path, "kamailio", "-v").stdout


@pytest.mark.parametrize("variant", [*VARIANTS, "account at the gateway"])
def test_kamailio_takes_it(trixie: Path, tmp_path: Path, variant: str) -> None:
    file = tmp_path / "unit.toml"
    file.write_text(toml(BASE, VARIANTS.get(variant, {})))
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(PAIR_SECRETS if variant == "pair" else "" if variant in VARIANTS else SECRETS)
    secrets.chmod(0o600)
    checked = inside(trixie, tmp_path, "python3", "-B", "-m", "tools.cli", "check", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("suite", SUITES)
def test_the_same_holds_there(trixie: Path, suite: str) -> None:
    """A suite of this folder, with edge and unit in that Debian."""
    file = Path(__file__).with_name(f"test_{suite}.py")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        str(file),
    ]
    done = subprocess.run(
        command,
        cwd=SOURCE,
        env=os.environ | {"RVX_RIG_DEBIAN": str(trixie)},
        capture_output=True,
        text=True,
        timeout=SUITE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
