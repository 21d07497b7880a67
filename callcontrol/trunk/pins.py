"""PINs by which one of ours, calling a SIM from outside, is led out again, and how often one may be guessed (E1, E6).
Pure.

A PIN is kept as scrypt (RFC 7914) makes it, as few digits are soon tried through. What is guessed is counted before it
is judged, so that many calls at once have no more guesses than one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["PIN_MAX", "PIN_MIN", "SALT_BYTES", "Guess", "Guesses", "Pin", "fault_of", "fits", "kept"]

PIN_MIN, PIN_MAX = 6, 12
"""Digits."""
SALT_BYTES, HASH_BYTES = 16, 32
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 15, 8, 1
"""32 MiB and some tenths of a second for each try."""
SCRYPT_MAX_BYTES = 64 << 20
HOUR_S = 3600.0
BY_CALLER_MAX = 5
"""Wrong guesses in an hour by one number that calls, which may be a forged one, or by all that show none,"""
OF_EXTENSION_MAX = 5
"""of one extension's PIN,"""
OF_UNIT_MAX = 20
"""and of all. What comes above is wrong, whatever it is."""
NOBODYS = "0" * PIN_MIN
"""Judged where there is no PIN, so that it takes as long."""


@dataclass(frozen=True, slots=True)
class Pin:
    """As it is kept. A ValueError names the field that cannot be so."""

    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for name, length in (("salt", SALT_BYTES), ("hash", HASH_BYTES)):
            value = getattr(self, name)
            if not isinstance(value, bytes) or len(value) != length:
                raise ValueError(f"{name}: expected {length} bytes")


def fault_of(pin: str, extension: str) -> str | None:
    """Why it cannot be the PIN of that extension; None: it can."""
    if not (pin.isascii() and pin.isdigit() and PIN_MIN <= len(pin) <= PIN_MAX):
        return f"expected {PIN_MIN} to {PIN_MAX} digits"
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1:
        return "each digit follows from the one before it"
    if extension and extension in pin:
        return "it holds the extension"
    return None


def kept(pin: str, salt: bytes) -> Pin:
    """Takes its time: not for an event loop."""
    made = hashlib.scrypt(
        pin.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, maxmem=SCRYPT_MAX_BYTES, dklen=HASH_BYTES
    )
    return Pin(salt, made)


def fits(pin: str, known: Pin | None) -> bool:
    """Whether it is that one. Takes its time, and no less where there is none."""
    if known is None:
        kept(NOBODYS, bytes(SALT_BYTES))
        return False
    return hmac.compare_digest(kept(pin, known.salt).hash, known.hash)


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """`heeded`: it may be right; else it is wrong, whatever it is."""

    at: float
    caller: str
    extension: str
    heeded: bool


class Guesses:
    """Those of an hour that were not right, or are being judged. `caller`: "" for all who show no number."""

    def __init__(self) -> None:
        self._all: deque[Guess] = deque()

    def allows(self, caller: str, now: float) -> bool:
        """Whether that caller may guess at all."""
        self._forget(now)
        by_caller = sum(guess.caller == caller for guess in self._all)
        return by_caller < BY_CALLER_MAX and len(self._all) < OF_UNIT_MAX

    def begin(self, caller: str, extension: str, now: float) -> Guess:
        """One more, wrong until it is `right`."""
        allowed = self.allows(caller, now)
        guess = Guess(now, caller, extension, allowed and not self.is_full(extension))
        if allowed:
            self._all.append(guess)
        return guess

    def right(self, guess: Guess) -> None:
        """It does not count."""
        self._all.remove(guess)

    def is_full(self, extension: str) -> bool:
        """No more guesses of that PIN are heeded, for an hour from the first."""
        return sum(guess.extension == extension for guess in self._all) >= OF_EXTENSION_MAX

    def _forget(self, now: float) -> None:
        while self._all and now - self._all[0].at >= HOUR_S:
            self._all.popleft()
