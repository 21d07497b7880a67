"""HTML as values: all text in it is escaped, so that nobody's name becomes markup. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Union

__all__ = ["Child", "Html", "document", "el", "together"]

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "poster"})
_OURS = re.compile(r"(/(?!/)|\?|#|tel:\+?[0-9*#]+$|mailto:[^\s?&]+$)")
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
_RAW = frozenset({"script", "style", "iframe", "object", "embed", "base"})
"""What they hold is no text; a page of ours has at most a script with an address."""


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is right as it stands."""

    text: str

    def __str__(self) -> str:
        return self.text


Child = Union[Html, str, int, None, Iterable["Child"]]  # noqa: UP007  names itself
"""Text is escaped; None is nothing."""

Attributes = Mapping[str, str | int | bool | None]


def el(tag: str, attributes: Attributes | None = None, *children: Child) -> Html:
    """An element. An attribute that is None or False is left out, one that is True stands alone. Raises ValueError for
    what no page of ours may have: handlers and styles in attributes, addresses elsewhere, scripts in the page."""
    if not _NAME.fullmatch(tag):
        raise ValueError(f"tag: {tag!r}")
    written = "".join(_attribute(name, value) for name, value in (attributes or {}).items())
    if tag in _VOID or (tag == "script" and not children):
        if children:
            raise ValueError(f"{tag}: holds nothing")
        return Html(f"<{tag}{written}></script>" if tag == "script" else f"<{tag}{written}>")
    if tag in _RAW:
        raise ValueError(f"tag: {tag!r} is not for pages of ours")
    return Html(f"<{tag}{written}>{together(*children)}</{tag}>")


def together(*children: Child) -> Html:
    """One after the other."""
    return Html("".join(map(_text, children)))


def document(language: str, head: Child, body: Child) -> str:
    """A whole page."""
    return f"<!doctype html>\n{el('html', {'lang': language}, el('head', None, head), body)}\n"


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child.text
    if isinstance(child, str | int):
        return escape(str(child), quote=False)
    return "".join(map(_text, child))


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    if not _NAME.fullmatch(name) or name.startswith("on") or name in ("style", "srcdoc"):
        raise ValueError(f"attribute: {name!r}")
    if value is True:
        return f" {name}"
    text = str(value)
    if name in _ADDRESSES and not _OURS.match(text):
        raise ValueError(f"{name}: {text!r} is no place of this site")
    return f' {name}="{escape(text)}"'
