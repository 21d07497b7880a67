"""Attributes as the kernel shows them in files (sysfs): short texts and numbers, or nothing. Never raise."""

from __future__ import annotations

from pathlib import Path

__all__ = ["number_of", "text_of"]

ATTRIBUTE_MAX_BYTES = 256
TEXT_MAX = 64
DIGITS_MAX = 12


def text_of(file: Path) -> str | None:
    """Printable, of TEXT_MAX characters at the most. None: there is no such file, or it says nothing."""
    try:
        with file.open("rb") as opened:
            said = opened.read(ATTRIBUTE_MAX_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return None
    return "".join(char for char in said if char.isprintable())[:TEXT_MAX] or None


def number_of(file: Path, low: int, high: int, base: int = 10) -> int | None:
    """None: no number, or none within these bounds."""
    said = text_of(file)
    if said is None or len(said) > DIGITS_MAX:
        return None
    try:
        value = int(said, base)
    except ValueError:
        return None
    return value if low <= value <= high else None
