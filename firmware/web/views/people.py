"""The directory: who is found, who somebody is, and how the organisation is built. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callcontrol.plan.absence import Absent
from callcontrol.plan.model import Extension, Kind
from callcontrol.plan.number import pretty
from callcontrol.plan.reasons import ReasonTable
from firmware.store.search.find import Found
from firmware.store.visible import Card
from firmware.web.html import Child, Html, el, together
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.own import state
from firmware.web.views.parts import (
    Choice,
    Wrong,
    box,
    button,
    facts,
    field,
    number,
    section,
    select,
    summary,
    text_area,
)

__all__ = ["Line", "Listed", "Phone", "Place", "Somebody", "find", "leave", "organisation", "phone", "somebody", "unit"]

TEXT_MAX, NAME_MAX, CALLER_MAX = 2_000, 100, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone, and how it stands."""

    extension: Extension
    absent: Absent | None
    reasons: ReasonTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """`deputy`: a person's id and name. `open`: within phone hours; None: has none. `manage`: may be led on to the page
    where things are done for them."""

    card: Card
    phones: Sequence[Phone]
    deputy: tuple[str, str] | None
    open: bool | None
    manage: bool
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One of a unit's people, or a phone of its own."""

    name: str
    title: str
    number: str
    place: str
    away: bool | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A unit among others."""

    id: str
    name: str
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A unit's page."""

    name: str
    entity: str
    lines: Sequence[Line]
    below: Sequence[Listed]
    more: int = 0
    manage: str = ""


def find(frame: Frame, asked: str, found: Sequence[Found]) -> Html:
    say = frame.say
    search = el(
        "form",
        {"action": "/find", "method": "get", "class": "search", "role": "search", "data-live": True},
        el("label", {"class": "quiet-text", "for": "q"}, say("find.label")),
        el(
            "input",
            {
                "type": "search", "id": "q", "name": "q", "value": asked or None, "autocomplete": "off",
                "maxlength": 200,
                "autofocus": not asked, "aria-describedby": "q-hint", "enterkeyhint": "search",
            },
        ),
        button(say("find.do")),
    )  # fmt: skip
    hint = el("p", {"class": "hint", "id": "q-hint"}, say("find.hint"))
    count = "" if not asked else say("find.none", asked=asked) if not found else say("find.count", count=len(found))
    listed = el("ul", {"class": "list"}, [_hit(frame, one) for one in found]) if found else None
    results = el("div", {"id": "found"}, el("p", {"role": "status"}, count), listed)
    rest = el("p", None, el("a", {"href": "/organisation"}, say("find.organisation")))
    return together(search, hint, results, rest)


def somebody(frame: Frame, model: Somebody) -> Html:
    say, card = frame.say, model.card
    person = card.person
    phones = [
        el(
            "div",
            {"class": "sheet"},
            state(frame, one.absent, one.reasons),
            facts(
                [
                    (_kind(frame, one.extension), number(one.extension.number, one.extension.number)),
                    (say("person.direct"), _outside(one.extension.direct_number)),
                ]
            ),
            el(
                "p",
                {"class": "row"},
                el("a", {"class": "button plain", "href": f"/memo/{one.extension.number}"}, say("person.leave")),
                el("a", {"class": "button plain", "href": f"/manage/{one.extension.number}"}, say("person.manage"))
                if model.manage
                else None,
            ),
        )
        for one in model.phones
    ]
    hours: Child = None
    if person.phone_hours is not None:
        hours = [str(person.phone_hours), el("br"), say("person.open" if model.open else "person.closed")]
    deputy = el("a", {"href": f"/person/{model.deputy[0]}"}, model.deputy[1]) if model.deputy else None
    unit_ = el("a", {"href": address("/unit", id=model.unit)}, card.unit) if model.unit and card.unit else card.unit
    rows: list[tuple[str, Child]] = [
        (say("person.title"), person.title),
        (say("person.unit"), unit_),
        (say("person.entity"), card.entity),
        (say("person.mobile"), _outside(person.mobile)),
        (say("person.email"), el("a", {"href": f"mailto:{person.email}"}, person.email) if person.email else None),
        (say("person.location"), person.location),
        (say("person.hours"), hours),
        (say("person.duties"), ", ".join(person.duties)),
        (say("person.words"), ", ".join(person.search_words)),
        (say("person.deputy"), deputy),
        (say("person.cost_centre"), person.cost_centre),
    ]
    return together(phones, facts(rows))


def phone(frame: Frame, one: Phone, unit_name: str, manage: bool) -> Html:
    """A phone that is nobody's."""
    say = frame.say
    extension = one.extension
    rows = [
        (_kind(frame, extension), number(extension.number, extension.number)),
        (say("person.direct"), _outside(extension.direct_number)),
        (say("person.unit"), el("a", {"href": address("/unit", id=extension.unit)}, unit_name)),
        (say("person.hours"), str(extension.hours) if extension.hours else None),
    ]
    way = el("a", {"class": "button plain", "href": f"/manage/{extension.number}"}, say("person.manage"))
    leave = el("a", {"class": "button plain", "href": f"/memo/{extension.number}"}, say("person.leave"))
    row = el("p", {"class": "row"}, leave, way if manage else None)
    return together(el("div", {"class": "sheet"}, state(frame, one.absent, one.reasons), row), facts(rows))


def unit(frame: Frame, model: Place) -> Html:
    say = frame.say
    rows = [
        el(
            "li",
            {"class": "hit"},
            el("p", None, el("a", {"class": "title", "href": line.place}, line.name)),
            el("p", {"class": "quiet"}, _short(frame, line.title, line.away, line.until)),
            number(line.number, line.number) if line.number else None,
        )
        for line in model.lines
    ]
    below = [el("li", None, el("a", {"href": address("/unit", id=one.id)}, one.name)) for one in model.below]
    return together(
        el("p", {"class": "quiet"}, model.entity),
        el("p", None, el("a", {"class": "button plain", "href": model.manage}, say("unit.manage")))
        if model.manage
        else None,
        section(say("unit.below"), el("ul", None, below)) if below else None,
        section(say("unit.people"), el("ul", {"class": "list"}, rows)) if rows else el("p", None, say("unit.nobody")),
        el("p", {"class": "hint"}, say("unit.more", count=model.more)) if model.more else None,
    )


def organisation(frame: Frame, entities: Sequence[tuple[str, Sequence[Listed]]]) -> Html:
    return together([section(name, _tree(units)) for name, units in entities])


def leave(
    frame: Frame, whose: str, extension: str, wants: Sequence[Choice], text: str = "", caller: str = "",
    caller_name: str = "", wrong: Wrong | None = None, id_: str = "",
) -> Html:  # fmt: skip
    """A message to somebody."""
    say = frame.say
    return together(
        summary(say, wrong),
        form(
            frame,
            f"/memo/{extension}",
            el("input", {"type": "hidden", "name": "id", "value": id_}),
            text_area(say("memo.text"), "text", text, wrong=wrong, most=TEXT_MAX),
            field(say("memo.caller_name"), "caller_name", caller_name, hint=say("memo.caller_hint"), wrong=wrong,
                  extra={"maxlength": NAME_MAX}),
            field(say("memo.caller"), "caller", caller, wrong=wrong, kind="tel", extra={"maxlength": CALLER_MAX}),
            select(say("memo.wants"), "wants", wants),
            box(say("memo.urgent"), "urgent"),
            button(say("memo.send")),
        ),
    )  # fmt: skip


def _hit(frame: Frame, one: Found) -> Html:
    card = one.card
    person = card.person
    name = el("a", {"class": "title", "href": f"/person/{person.id}"}, f"{person.given} {person.family}".strip())
    about = ", ".join(filter(None, (person.title, card.unit)))
    first = card.extensions[0] if card.extensions else ""
    away = None
    if one.absent is not None:
        key = "person.away" if one.absent else "person.in"
        away = el("span", {"class": "away" if one.absent else "in"}, frame.say(key))
    return el(
        "li",
        {"class": "hit"},
        el("p", None, name),
        el("p", {"class": "quiet"}, about, " · " if about and away else None, away),
        number(first, first) if first else None,
    )


def _short(frame: Frame, title: str, away: bool | None, until: datetime | None) -> list[Html | str]:
    if away is None:
        return [title]
    told = frame.say("person.in")
    if away:
        told = f"{frame.say('person.away')}, {frame.say.back(until, frame.now)}"
    return [title, " · " if title else "", el("span", {"class": "away" if away else "in"}, told)]


def _tree(units: Sequence[Listed]) -> Html:
    """Units below each other."""
    rows: list[Html] = []
    at = 0
    while at < len(units):
        one = units[at]
        ends = next((n for n in range(at + 1, len(units)) if units[n].depth <= one.depth), len(units))
        below = _tree(units[at + 1 : ends]) if ends > at + 1 else None
        rows.append(el("li", None, el("a", {"href": address("/unit", id=one.id)}, one.name), below))
        at = ends
    return el("ul", None, rows)


def _outside(e164: str | None) -> Html | None:
    return number(pretty(e164), e164) if e164 else None


def _kind(frame: Frame, extension: Extension) -> str:
    return frame.say(f"kind.{extension.kind if extension.kind is not Kind.PERSON else 'person'}")
