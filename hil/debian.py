"""Another Debian than this machine's: unpacked once under the user's cache, and run by chroot."""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["DebianError", "chroot", "mirror", "unpacked"]

BUILD_TIMEOUT_S = 900.0
TMP = "/tmp"  # noqa: S108  a place, not a file


class DebianError(Exception):
    """No such Debian could be had; the words of mmdebstrap or apt."""


def unpacked(name: str, suites: Sequence[str], packages: Sequence[str]) -> Path:
    """The root of a Debian with these packages, of the first suite that has them; unpacked when first asked for.

    One process unpacks it, others wait. Raises DebianError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reservvaxel"
    root = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if root.is_dir():
            return root
        complaints = []
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            for suite in suites:
                fresh = Path(scratch) / suite
                build = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
                build += [suite, str(fresh), mirror()]
                done = subprocess.run(build, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
                if done.returncode == 0:
                    return fresh.rename(root)
                complaints.append(f"{suite}: {done.stderr.strip()[-500:]}")
    raise DebianError(f"no Debian with {', '.join(packages)}:\n" + "\n".join(complaints))


def mirror() -> str:
    """Where this machine itself gets Debian from."""
    args = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    targets = subprocess.run(args, capture_output=True, text=True, check=False).stdout.splitlines()
    mirrors = [uri for codename, uri in (line.split() for line in targets) if "-" not in codename]
    if not mirrors:
        raise DebianError("apt-get knows no source of Debian: run apt-get update first")
    return mirrors[0]


def chroot(root: Path, places: Mapping[str, Path], args: Sequence[str]) -> list[str]:
    """The command that runs `args` in `root`, where it finds our folders at `places`, /proc, and a /tmp of its own.

    It is to be run where mounts are its own: in a `Host`, or by `unshare --mount`."""
    steps = [["mount", "-t", "tmpfs", "tmpfs", f"{root}{TMP}"], ["mount", "--rbind", "/proc", f"{root}/proc"]]
    for place, folder in places.items():
        steps += [["mkdir", "-p", f"{root}{place}"], ["mount", "--bind", str(folder), f"{root}{place}"]]
    steps.append(["exec", "chroot", str(root), *args])
    return ["sh", "-c", " && ".join(map(shlex.join, steps))]
