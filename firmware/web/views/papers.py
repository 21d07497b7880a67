"""Papers on a page: the same blocks that are printed, as text that can be read aloud and enlarged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from firmware.paper.blocks import Block, Boxes, Heading, Lines, Paper, Points, Square, Table, Text
from firmware.web.html import Child, Html, el
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.parts import Wrong, box, button, facts, field, section, summary

__all__ = ["Asked", "MadeRow", "UnitRow", "listed", "made", "order", "shown", "units"]


NAME_AND_VALUE = 2
"""Columns."""


class UnitRow(NamedTuple):
    """A unit whose plan somebody may see, and how it stands."""

    id: str
    name: str
    state: str


class MadeRow(NamedTuple):
    """An extract that was made."""

    id: str
    at: str
    extension: str
    asked_by: str
    why: str


class Asked(NamedTuple):
    """What a form for an extract holds."""

    extension: str = ""
    since: str = ""
    until: str = ""
    why: str = ""
    whole: bool = False


def listed(frame: Frame, guides: Sequence[tuple[str, str]], ways: Sequence[tuple[str, str]]) -> Html:
    """`guides`: by their names in addresses; `ways`: place and key of words, of what else somebody may see."""
    say = frame.say
    rows = [
        _way(f"/papers/guide/{name}", title, f"/papers/guide/{name}/pdf", say("papers.pdf")) for name, title in guides
    ]
    card = _way("/papers/card", say("papers.card"), "/papers/card/pdf", say("papers.pdf"))
    more = [el("li", None, el("a", {"class": "title", "href": place}, say(key))) for place, key in ways]
    return el(
        "div", None, el("p", None, say("papers.about")), el("ul", {"class": "list"}, card, rows),
        section(say("papers.more"), el("ul", {"class": "list"}, more)) if more else None,
    )  # fmt: skip


def shown(frame: Frame, paper: Paper, pdf: str, *rest: Child) -> Html:
    """What stands on it, in Swedish, and the way to print it."""
    way = el("p", None, el("a", {"href": pdf}, frame.say("papers.pdf")))
    under = el("p", {"class": "quiet", "lang": "sv"}, paper.under)
    return el("div", None, way, under, el("div", {"lang": "sv"}, [_block(block) for block in paper.blocks]), rest)


def units(frame: Frame, rows: Sequence[UnitRow]) -> Html:
    if not rows:
        return el("p", None, frame.say("papers.no_units"))
    found = [
        el(
            "li",
            None,
            el("p", None, el("a", {"class": "title", "href": address("/reserve/plan", unit=row.id)}, row.name)),
            el("p", {"class": "quiet"}, row.state),
        )
        for row in rows
    ]
    return el("ul", {"class": "list"}, found)


def confirm(frame: Frame, unit: str, digest: str) -> Html:
    """That one has read just this plan."""
    say = frame.say
    hidden = [el("input", {"type": "hidden", "name": name, "value": value}) for name, value in
              (("unit", unit), ("digest", digest))]  # fmt: skip
    return section(
        say("papers.confirm"),
        el("p", None, say("papers.confirm_about")),
        form(frame, "/reserve/confirm", *hidden, button(say("papers.confirm_do"))),
    )


def order(frame: Frame, asked: Asked, rows: Sequence[MadeRow], wrong: Wrong | None = None) -> Html:
    """The form for an extract, and those that were made."""
    say = frame.say
    asks = form(
        frame,
        "/extract",
        field(say("papers.extension"), "extension", asked.extension, wrong=wrong, extra={"inputmode": "numeric"}),
        field(say("papers.since"), "since", asked.since, wrong=wrong, kind="date"),
        field(say("papers.until"), "until", asked.until, wrong=wrong, kind="date"),
        field(say("papers.why"), "why", asked.why, hint=say("papers.why_hint"), wrong=wrong, extra={"maxlength": 200}),
        box(say("papers.whole"), "whole", on=asked.whole, hint=say("papers.whole_hint")),
        button(say("papers.extract_do")),
    )
    before = [
        el(
            "li",
            None,
            el(
                "p",
                None,
                el("a", {"class": "title", "href": address("/extract/pdf", id=row.id)}, row.extension, ", ", row.at),
            ),
            el("p", {"class": "quiet"}, row.asked_by, ": ", row.why),
        )
        for row in rows
    ]
    return el(
        "div", None, summary(say, wrong), el("p", None, say("papers.extract_about")), asks,
        section(say("papers.made"), el("ul", {"class": "list"}, before)) if before else None,
    )  # fmt: skip


def made(frame: Frame, paper: Paper, name: str) -> Html:
    return shown(frame, paper, address("/extract/pdf", id=name))


def _way(place: str, title: str, pdf: str, print_: str) -> Html:
    return el(
        "li",
        None,
        el("p", None, el("a", {"class": "title", "href": place}, title)),
        el("p", {"class": "quiet"}, el("a", {"href": pdf, "aria-label": f"{print_}: {title}"}, print_)),
    )


def _block(block: Block) -> Html | None:
    match block:
        case Heading(text):
            return el("h2", None, text)
        case Text(text, strong):
            return el("p", None, el("strong", None, text) if strong else text)
        case Points(texts, numbered):
            return el("ol" if numbered else "ul", None, [el("li", None, text) for text in texts])
        case Boxes(texts, done):
            rows = [("☑ " if place in done else "☐ ") + text for place, text in enumerate(texts)]
            return el("ul", {"class": "list"}, [el("li", None, row) for row in rows])
        case Table():
            return _table(block)
        case Lines():
            return None
        case Square(_, text):
            return el("p", None, text)


def _table(block: Table) -> Html:
    if block.says is not None:
        said = block.says
        return facts((row[said], _dialled([cell for cell in row if cell and cell != row[said]])) for row in block.rows)
    if not block.head and len(block.widths) == NAME_AND_VALUE and not block.mono:
        return facts((name, value) for name, value in block.rows)
    head = el("thead", None, el("tr", None, [el("th", {"scope": "col"}, cell) for cell in block.head]))
    rows = [
        el("tr", None, [el("td", None, el("code", None, cell) if place in block.mono and cell else cell)
                        for place, cell in enumerate(row)])
        for row in block.rows
    ]  # fmt: skip
    table = el("table", None, head if block.head else None, el("tbody", None, rows))
    return el("div", {"class": "scrolls", "tabindex": "0", "role": "group", "aria-label": "tabell"}, table)


def _dialled(codes: Sequence[str]) -> Html:
    """What is dialled, and what takes it back."""
    first, *others = codes or ("",)
    return el("span", None, el("code", None, first), [(", bort: ", el("code", None, other)) for other in others])
