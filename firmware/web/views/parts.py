"""Parts that pages are made of: fields with their labels and faults, buttons, lists. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from firmware.web.html import Child, Html, el
from firmware.web.words import Say

__all__ = [
    "Choice",
    "Value",
    "Wrong",
    "box",
    "button",
    "facts",
    "field",
    "number",
    "section",
    "select",
    "summary",
    "text_area",
]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a form says that cannot be: the field, and why, in words."""

    field: str
    why: str


Value = str | int | bool | None
Choice = tuple[str, str]
"""The value of an option, and its words."""


def section(title: str, *children: Child, name: str | None = None) -> Html:
    return el("section", {"id": name}, el("h2", None, title), *children)


def button(text: Child, *, name: str | None = None, value: str | None = None, kind: str | None = None) -> Html:
    return el("button", {"name": name, "value": value, "class": kind}, text)


def summary(say: Say, wrong: Wrong | None) -> Html | None:
    """Stands first where a form says what cannot be; leads to the field."""
    if wrong is None:
        return None
    link = el("a", {"href": f"#{wrong.field}"}, wrong.why)
    return el("div", {"class": "wrong", "role": "alert"}, el("p", None, say("form.wrong"), " ", link))


def field(
    label: str,
    id_: str,
    value: str = "",
    *,
    hint: str = "",
    wrong: Wrong | None = None,
    kind: str = "text",
    extra: Mapping[str, Value] | None = None,
    name: str = "",
) -> Html:
    """A line of text with its label. `extra`: further attributes of the input.
    `name`: of the field, where it is another than its id."""
    control: dict[str, Value] = {"id": id_, "name": name or id_, "type": kind, "value": value or None, **(extra or {})}
    return _labelled(label, id_, hint, wrong, lambda about: el("input", {**control, **about}))


def text_area(label: str, name: str, value: str = "", *, hint: str = "", wrong: Wrong | None = None, most: int) -> Html:
    control: dict[str, Value] = {"id": name, "name": name, "rows": 4, "maxlength": most}
    return _labelled(label, name, hint, wrong, lambda about: el("textarea", {**control, **about}, value))


def select(
    label: str,
    id_: str,
    choices: Iterable[Choice],
    chosen: str = "",
    *,
    hint: str = "",
    wrong: Wrong | None = None,
    name: str = "",
) -> Html:
    """`name`: of the field, where it is another than its id."""
    options = [el("option", {"value": value, "selected": value == chosen}, words) for value, words in choices]
    control: dict[str, Value] = {"id": id_, "name": name or id_}
    return _labelled(label, id_, hint, wrong, lambda about: el("select", {**control, **about}, options))


def box(label: str, id_: str, *, on: bool = False, hint: str = "", name: str = "") -> Html:
    """What is so or not. `name`: of the field, where it is another than its id."""
    about = f"{id_}-hint" if hint else None
    control: dict[str, Value] = {"type": "checkbox", "id": id_, "name": name or id_, "value": "1", "checked": on}
    control["aria-describedby"] = about
    told = el("p", {"class": "hint", "id": about}, hint) if hint else None
    return el("div", {"class": "box"}, el("input", control), el("label", {"for": id_}, label), told)


def facts(rows: Iterable[tuple[str, Child]]) -> Html:
    """Names and what is so; those without anything are left out."""
    shown = [el("div", None, el("dt", None, name), el("dd", None, value)) for name, value in rows if value]
    return el("dl", {"class": "facts"}, shown)


def number(shown: str, dialled: str) -> Html:
    """A number that a telephone dials when it is touched."""
    return el("a", {"class": "number", "href": f"tel:{dialled}"}, shown)


def _labelled(
    label: str, name: str, hint: str, wrong: Wrong | None, control: Callable[[dict[str, Value]], Html]
) -> Html:
    fault = wrong.why if wrong is not None and wrong.field == name else ""
    ids = [*([f"{name}-hint"] if hint else []), *([f"{name}-wrong"] if fault else [])]
    about: dict[str, Value] = {"aria-describedby": " ".join(ids) or None, "aria-invalid": "true" if fault else None}
    return el(
        "div",
        {"class": "field faulty" if fault else "field"},
        el("label", {"for": name}, label),
        el("p", {"class": "hint", "id": f"{name}-hint"}, hint) if hint else None,
        el("p", {"class": "fault", "id": f"{name}-wrong"}, fault) if fault else None,
        control(about),
    )
