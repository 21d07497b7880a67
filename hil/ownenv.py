"""Programs from PyPI that others made, each in a Python environment of its own in the user's cache: what they need is
no matter of ours."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["OwnEnvironmentError", "installed"]

INSTALL_S = 300.0


class OwnEnvironmentError(Exception):
    """It cannot be had; the words of pip."""


def installed(package: str) -> Path:
    """The folder of its environment; `package` as "name==version". Raises OwnEnvironmentError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reservvaxel"
    place = cache / package.replace("==", "-")
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{place.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = place / "ready"
        if not ready.exists():
            python = sys.executable
            for args in ([python, "-m", "venv", "--clear", str(place)], [f"{place}/bin/pip", "install", "-q", package]):
                done = subprocess.run(args, capture_output=True, text=True, timeout=INSTALL_S, check=False)
                if done.returncode != 0:
                    raise OwnEnvironmentError(done.stderr.strip()[-500:])
            ready.touch()
    return place
