"""Phones: real ones with sound (baresip, linphone, Chromium), crowds of them without (sipp), and of our own making a
crowd that hears (hearing), and one that shows every byte (raw)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Account", "Phone", "PhoneError", "Seen"]


class PhoneError(Exception):
    """A phone did not do, or did not see, what was asked of it in time."""


@dataclass(frozen=True)
class Account:
    """What a phone is told before it is put on a desk. ``proxy`` is "ip:port", ``transport`` "udp", "tcp" or "tls".

    By TLS it knows the unit by the CA in the file ``ca``. With ``srtp`` its sound is secret (RFC 4568), or none."""

    extension: str
    password: str
    realm: str
    proxy: str
    transport: str = "udp"
    register_s: int = 60  # the expiry it asks for
    names: str | None = None  # the name server it asks, where `proxy` is a name that SRV leads on from
    ca: Path | None = None
    srtp: bool = False


@dataclass(frozen=True)
class Seen:
    """What a phone saw of its latest call, and when (s, time.monotonic()); None: not seen."""

    peer: str = ""
    dialled_at: float | None = None  # None: the call came in
    ringing_at: float | None = None  # it rang here, or 180 came from there
    established_at: float | None = None
    closed_at: float | None = None
    reason: str = ""  # why it was closed, in the phone's own words


class Phone(Protocol):
    """A desk phone. It plays its own tone in a call and records what it hears. Waiting raises PhoneError."""

    account: Account
    tone_hz: float

    def start(self) -> None: ...

    def stop(self) -> None:
        """Unregister and end, as by its power button."""

    def kill(self) -> None:
        """Pull its plug."""

    @property
    def registered(self) -> bool: ...

    @property
    def call(self) -> Seen: ...

    def wait_registered(self, timeout_s: float) -> None: ...

    def dial(self, number: str) -> None: ...

    def hang_up(self) -> None: ...

    def wait_ringing(self, timeout_s: float) -> Seen: ...

    def wait_established(self, timeout_s: float) -> Seen: ...

    def wait_closed(self, timeout_s: float) -> Seen: ...

    def heard(self) -> Path:
        """The recording of the latest call; perhaps not there yet, and it may be read while it grows (by hil.sound)."""
