"""What people read and hear of a plan: the catalogue's words, filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from callcontrol.plan.reasons import SWEDISH
from callcontrol.plan.schedule import STOCKHOLM

__all__ = ["Words", "catalogue", "filled", "words"]


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


def filled(fill: tuple[tuple[str, str], ...], time_form: str) -> tuple[tuple[str, str], ...]:
    """What fills a `Say`, as people are told: reasons by their public word, Swedish times by `time_form` (strftime)."""
    given = dict(fill)
    if reason := SWEDISH.by_key(given.get("reason", "")):
        given["reason"] = reason.word(public=True).lower()
    for name in ("back_at", "opens_at"):
        if name in given:
            moment = datetime.fromisoformat(given[name]).astimezone(STOCKHOLM) if given[name] else None
            given[name] = f"{moment:{time_form}}" if moment else "tills vidare"
    return tuple(given.items())
