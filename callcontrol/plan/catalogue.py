"""What people read and hear of a plan: the catalogue's words, filled in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from callcontrol.plan.model import Directory
from callcontrol.plan.schedule import STOCKHOLM

__all__ = ["Words", "catalogue", "said", "words"]


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


def said(key: str, fill: tuple[tuple[str, str], ...], time_form: str, directory: Directory) -> Words:
    """What a `Say` says: the reason by its public word, of whoever is away; Swedish times by `time_form` (strftime)."""
    given = dict(fill)
    reason = directory.reasons(given.get("name", "")).by_key(given.get("reason", ""))
    found = []
    for english, text in enumerate(catalogue()["say"][key]):
        told = dict(given)
        if reason is not None:
            told["reason"] = reason.word(public=True, english=bool(english)).lower()
        for name in ("back_at", "opens_at"):
            if name in told:
                moment = datetime.fromisoformat(told[name]).astimezone(STOCKHOLM) if told[name] else None
                told[name] = f"{moment:{time_form}}" if moment else ("tills vidare", "until further notice")[english]
        on_call = "".join(f"; {name} {number}" for name, number in json.loads(given.get("on_call", "[]")))
        found.append(text.format_map(told) + on_call)
    return Words(*found)
