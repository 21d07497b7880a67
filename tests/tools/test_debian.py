"""A fresh copy of the source on a bare Debian: ``rvx`` installs what it needs, and everything holds there too."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIRROR = "http://deb.debian.org/debian"
BUILD_S, TRY_S = 600, 1500
# How this machine reaches package registries is the chroot's way too.
PASSED_ON = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_CERT",
    "SSL_CERT_FILE",
)
# In a mount namespace of its own, so that nothing stays mounted whatever happens.
ENTER = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
shift_root=$1; shift
exec chroot "$shift_root" "$@"
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(BUILD_S + TRY_S),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a chroot"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
]


@pytest.fixture(params=["bookworm", "trixie"])
def debian(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A Debian with nothing but apt, and the source in /clone."""
    root = tmp_path / "debian"
    build = ["mmdebstrap", "--quiet", "--variant=apt", "--include=ca-certificates", request.param, str(root), MIRROR]
    subprocess.run(build, check=True, timeout=BUILD_S)
    try:
        for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
            shutil.copy(file, root / file[1:])
        list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(list_files, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            copy = root / "clone" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)
        yield root
    finally:
        shutil.rmtree(root)


def inside(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    passed_on = [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
    environment = ["env", "-i", "-C", "/clone", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *passed_on]
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", str(root)]
    return subprocess.run([*enter, *environment, *command], capture_output=True, text=True, timeout=TRY_S, check=False)


def test_a_fresh_copy_sets_itself_up_and_proves_itself(debian: Path) -> None:
    checked = inside(debian, "./rvx", "check", "firmware/example.toml")
    assert checked.returncode == 0, checked.stderr
    assert "no faults" in checked.stdout
    assert "installing by apt" in checked.stderr
    tested = inside(debian, "./rvx", "test", "--fast")
    assert tested.returncode == 0, tested.stdout[-5000:] + tested.stderr[-2000:]
    again = inside(debian, "./rvx", "check", "firmware/example.toml")
    assert (again.returncode, again.stderr) == (0, "")
