"""The way to what one needs less often. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from firmware.web.html import Html, el
from firmware.web.views.frame import Frame

__all__ = ["more"]


def more(frame: Frame, ways: Sequence[tuple[str, str]]) -> Html:
    """`ways`: place and key of the words "more"; each has words "more.KEY_hint" too."""
    say = frame.say
    rows = [
        el(
            "li",
            None,
            el("p", None, el("a", {"class": "title", "href": place}, say(f"more.{key}"))),
            el("p", {"class": "quiet"}, say(f"more.{key}_hint")),
        )
        for place, key in ways
    ]
    return el("ul", {"class": "list"}, rows)
