"""Shared telephony platforms, real ones, in a namespace: what they have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Binding", "Platform", "PlatformError", "ip_of"]


class PlatformError(Exception):
    """A platform did not start, did not answer its control, or cannot do what was asked."""


@dataclass(frozen=True)
class Binding:
    """One contact of an address of record, as the platform holds it."""

    contact: str  # URI, with its parameters
    path: str | None  # the Path header's value (RFC 3327); None when there was none, or it was ignored
    expires_s: int  # seconds left


class Platform(Protocol):
    """A registrar and proxy, or B2BUA, for the extensions of a realm. It begins stopped and ends with its Net."""

    realm: str
    uri: str
    """Where it listens, UDP and TCP, as ``sip:10.99.0.2:5060``."""

    def start(self) -> None:
        """Start and wait until it serves. Raises PlatformError with the end of its log."""

    def stop(self) -> None:
        """End it in good order."""

    def restart(self) -> None:
        """Stop and start; one that is not persistent has forgotten its registrations."""

    def kill(self) -> None:
        """SIGKILL, all of it at once."""

    def freeze(self) -> None:
        """SIGSTOP, all of it: its sockets are there and nobody is at home."""

    def thaw(self) -> None:
        """End :meth:`freeze`."""

    def busy503(self, on: bool) -> None:
        """Answer 503 to every request, OPTIONS included, or stop doing so. Raises PlatformError where it cannot."""

    def registrations(self) -> dict[str, list[Binding]]:
        """What it holds now, by extension; extensions without a contact are left out."""


def ip_of(uri: str) -> str:
    """The address in a SIP URI that names one; raises PlatformError for any other."""
    match = re.fullmatch(r"sip:(?:[^@]+@)?([0-9.]+)(?::[0-9]+)?(?:;[^\s\"]*)?", uri)
    if not match:
        raise PlatformError(f"{uri!r}: a SIP URI with an IP address expected")
    return match[1]
