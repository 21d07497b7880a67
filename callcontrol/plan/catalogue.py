"""What people read and hear of a plan: the catalogue's words, filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Words", "catalogue", "words"]


class Words(NamedTuple):
    sv: str
    en: str


@cache
def catalogue() -> Mapping[str, Mapping[str, Words]]:
    """By part (say, why, note) and key."""
    text = (files("callcontrol.plan") / "catalogue.toml").read_text("utf-8")
    return {part: {key: Words(*both) for key, both in rows.items()} for part, rows in tomllib.loads(text).items()}


def words(part: str, key: str, fill: tuple[tuple[str, str], ...] = ()) -> Words:
    """The words of a key, Swedish and English. Raises KeyError for one that is not in the catalogue."""
    found = catalogue()[part][key]
    return Words(*(text.format_map(dict(fill)) for text in found)) if fill else found
