"""PINs of extensions: how they are kept, and how often one may be guessed (E1, E6). Pure.

One PIN for all that asks for it: a call that is led out again, the mailbox from another phone, locks, the pages. It is
kept as argon2id (RFC 9106) makes it, as few digits are soon tried through. What is guessed is counted before it is
judged, so that many guesses at once are no more than one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = [
    "AT_PAGES",
    "COUNTED",
    "PIN_MAX",
    "PIN_MIN",
    "Guess",
    "Pin",
    "allows",
    "fault_of",
    "fits",
    "heeded",
    "is_full",
    "kept",
]

PIN_MIN, PIN_MAX = 6, 12
"""Digits."""
SALT_BYTES, HASH_BYTES = 16, 32
MEMORY_KIB, PASSES, LANES = 19 << 10, 2, 1
"""For each try; some hundredths of a second on a server, some tenths on a small board."""
COUNTED = timedelta(hours=1)
BY_CALLER_MAX = 5
"""Wrong guesses in an hour by one number that calls (which may be forged), or all that show none,"""
OF_EXTENSION_MAX = 5
"""of one extension's PIN, whichever way; who sits at that very telephone has as many of their own, so that nobody else
can lock them out,"""
OF_UNIT_MAX = 20
"""and of all that call. What comes above is wrong, whatever it is."""
BY_ADDRESS_MAX = 20
"""The same by one address at the pages, behind which a whole house may sit,"""
OF_PAGES_MAX = 100
"""and of all there: whoever guesses at the pages locks no telephone out, nor the other way about."""
AT_PAGES = "web "
"""What stands for a browser's address begins so."""
NOBODYS = "0" * PIN_MIN
"""Judged where there is no PIN, so that it takes as long."""

_HASH = re.compile(rf"\$argon2id\$v=19\$m={MEMORY_KIB},t={PASSES},p={LANES}\$[A-Za-z0-9+/]{{22}}\$[A-Za-z0-9+/]{{43}}")


@dataclass(frozen=True, slots=True)
class Pin:
    """As it is kept: the encoded form of argon2id. A ValueError names what cannot be so."""

    hash: str = field(repr=False)

    def __post_init__(self) -> None:
        found: object = self.hash
        if not (isinstance(found, str) and _HASH.fullmatch(found)):
            raise ValueError("hash: expected argon2id as this unit makes it")


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


def kept(pin: str) -> Pin:
    """Takes its time: not for an event loop."""
    return Pin(_hasher().hash(pin))


def fits(pin: str, known: Pin | None) -> bool:
    """Whether it is that one. Takes its time, and no less where there is none."""
    from argon2.exceptions import VerificationError

    if known is None:
        kept(NOBODYS)
        return False
    try:
        return _hasher().verify(known.hash, pin)
    except VerificationError:
        return False


def _hasher() -> PasswordHasher:
    """Loaded where a PIN is judged, not where one is carried about."""
    from argon2 import PasswordHasher

    return PasswordHasher(PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES)


@dataclass(frozen=True, slots=True)
class Guess:
    """One that was not right, or is being judged. `caller`: "" for all who show nothing."""

    at: datetime
    caller: str
    extension: str


def allows(guesses: Iterable[Guess], caller: str, now: datetime) -> bool:
    """Whether that caller may guess at all."""
    at_pages = caller.startswith(AT_PAGES)
    counted = [one for one in _counted(guesses, now) if one.caller.startswith(AT_PAGES) is at_pages]
    by_one, by_all = (BY_ADDRESS_MAX, OF_PAGES_MAX) if at_pages else (BY_CALLER_MAX, OF_UNIT_MAX)
    return sum(one.caller == caller for one in counted) < by_one and len(counted) < by_all


def is_full(guesses: Iterable[Guess], caller: str, extension: str, now: datetime) -> bool:
    """No more guesses of that PIN are heeded of that caller, for an hour from the first. What is guessed at the
    extension's own telephone counts for all, what is guessed elsewhere not for it."""
    counted = [guess for guess in _counted(guesses, now) if guess.extension == extension]
    if caller == extension:
        counted = [guess for guess in counted if guess.caller == caller]
    return len(counted) >= OF_EXTENSION_MAX


def heeded(guesses: Iterable[Guess], caller: str, extension: str, now: datetime) -> bool:
    """Whether one more may be right; else it is wrong, whatever it is."""
    found = tuple(guesses)
    return allows(found, caller, now) and not is_full(found, caller, extension, now)


def _counted(guesses: Iterable[Guess], now: datetime) -> list[Guess]:
    """A clock that went back makes nobody guess anew."""
    return [guess for guess in guesses if now - guess.at < COUNTED]
