"""An OpenID Connect provider that others made: oidc-provider-mock, in a Python environment of its own in the cache."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ProviderError", "provider"]

PACKAGE = "oidc-provider-mock==0.3.4"
INSTALL_S, START_S = 300.0, 20.0


class ProviderError(Exception):
    """It cannot be had; the words of pip, or its own."""


@contextmanager
def provider(port: int, *claims: str) -> Iterator[str]:
    """Its issuer, while it runs. `claims`: of each who may sign in there, JSON with a "sub". Raises ProviderError."""
    program = _installed() / "bin" / "oidc-provider-mock"
    args = [str(program), "--port", str(port), "--require-nonce", "true"]
    args += [each for claim in claims for each in ("--user-claims", claim)]
    issuer = f"http://localhost:{port}"
    with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _wait(issuer, running)
            yield issuer
        finally:
            running.terminate()


def _installed() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reservvaxel"
    place = cache / PACKAGE.replace("==", "-")
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{place.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = place / "ready"
        if not ready.exists():
            python = sys.executable
            for args in ([python, "-m", "venv", "--clear", str(place)], [f"{place}/bin/pip", "install", "-q", PACKAGE]):
                done = subprocess.run(args, capture_output=True, text=True, timeout=INSTALL_S, check=False)
                if done.returncode != 0:
                    raise ProviderError(done.stderr.strip()[-500:])
            ready.touch()
    return place


def _wait(issuer: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=1):  # noqa: S310  ours
                return
        except OSError as error:
            if running.poll() is not None or time.monotonic() > end:
                raise ProviderError(f"{PACKAGE} does not answer: {error}") from error
            time.sleep(0.1)
