"""`+CUSD` (27.007 §7.15): what a network answers to a code, as text, however the modem wrote it.

Some give the text, some its packed septets or its UCS2 in hex, and the coding scheme that they name with it may be
another's. So the text itself is looked at first, and the scheme (23.038 §5) only where that leaves two readings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.codec import gsm7

__all__ = ["Ussd", "parse_cusd"]

TEXT_MAX = 1024
CUSD = re.compile(r"\+CUSD:\s*(\d+)\s*(?:,\s*(.*?))?\s*(?:,\s*(\d{1,3}))?\s*$", re.DOTALL)
HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
READABLE_SHARE = 0.8
PAGES = frozenset(range(0x07)) | {0x20, 0xFF}
"""Of UCS2: Latin, Greek, Cyrillic, Hebrew, Arabic; signs; garbage."""
GARBAGE = "\uffff\ufffe\x00\ufffd"


@dataclass(frozen=True, slots=True)
class Ussd:
    """`status`: 0 done, 1 the network waits for more, 2 ended by it, 3 another client answered, 4 not supported,
    5 timed out."""

    status: int
    text: str


def parse_cusd(line: str) -> Ussd | None:
    said = CUSD.match(line)
    if said is None or len(said[1]) > 2:
        return None
    text = (said[2] or "").strip()
    if text.startswith('"'):
        text = text[1:]
    if text.endswith('"'):
        text = text[:-1]
    return Ussd(int(said[1]), _decoded(text[: 4 * TEXT_MAX], int(said[3]) if said[3] else None)[:TEXT_MAX].strip())


def _decoded(text: str, scheme: int | None) -> str:
    if not HEX.fullmatch(text):
        return _plain(text)
    octets = bytes.fromhex(text)
    if text.isdecimal() and not _looks_wide(octets):
        return text
    wide, packed = _ucs2(octets), _septets(octets)
    named = wide if (scheme is not None and scheme & 0x0C == 0x08) or scheme == 17 else packed
    for reading in (wide, packed) if named is wide or _looks_wide(octets) else (packed, wide):
        if reading and _is_readable(reading):
            return reading
    return _plain(text)


def _plain(text: str) -> str:
    """Modems that give the septets as if they were letters write ä as {; where a letter touches it, it is meant so."""
    swapped = {"{": "ä", "|": "ö", "}": "å", "~": "ü", "[": "Ä", "\\": "Ö", "]": "Å", "^": "Ü"}
    return re.sub(r"(?<=\w)[{|}~](?=\w)|(?<=\w)[{|}~]\b", lambda found: swapped[found[0]], text)


def _looks_wide(octets: bytes) -> bool:
    return len(octets) >= 4 and len(octets) % 2 == 0 and PAGES.issuperset(octets[0::2])


def _ucs2(octets: bytes) -> str:
    return octets[: len(octets) // 2 * 2].decode("utf-16-be", "replace").rstrip(GARBAGE)


def _septets(octets: bytes) -> str:
    return gsm7.decode(gsm7.unpack(octets, len(octets) * 8 // 7)).rstrip("\r@")


def _is_readable(text: str) -> bool:
    fine = sum(1 for letter in text if letter.isalnum() or letter.isspace() or letter in ".,:;-+*#/()!?%&'\"€$£=@")
    return fine >= READABLE_SHARE * len(text)
