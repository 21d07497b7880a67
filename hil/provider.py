"""An OpenID Connect provider that others made: oidc-provider-mock, in a Python environment of its own in the cache."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from hil.ownenv import installed

__all__ = ["ProviderError", "provider"]

PACKAGE = "oidc-provider-mock==0.3.4"
START_S = 20.0


class ProviderError(Exception):
    """It does not answer."""


@contextmanager
def provider(port: int, *claims: str) -> Iterator[str]:
    """Its issuer, while it runs. `claims`: of each who may sign in there, JSON with a "sub". Raises ProviderError,
    OwnEnvironmentError."""
    program = installed(PACKAGE) / "bin" / "oidc-provider-mock"
    args = [str(program), "--port", str(port), "--require-nonce", "true"]
    args += [each for claim in claims for each in ("--user-claims", claim)]
    issuer = f"http://localhost:{port}"
    with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _wait(issuer, running)
            yield issuer
        finally:
            running.terminate()


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
