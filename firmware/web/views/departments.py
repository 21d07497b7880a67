"""Whole departments and receptions: referred, opened and closed by who may. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from callcontrol.plan.model import Whole
from callcontrol.plan.reasons import ReasonTable
from callcontrol.plan.refer import INFORMATION_MAX, Question
from callcontrol.plan.service import Key, Served, Serving
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.parts import Wrong, box, button, section, select, summary
from firmware.web.views.parts import field as line
from firmware.web.words import Say

__all__ = ["Department", "Given", "Reception", "department", "manage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A form as it came."""

    reason: str = ""
    day: str = ""
    at: str = ""
    emergency: str = ""
    information: str = ""
    below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """`emergency`: its own number for what cannot wait. `below`: how many departments are below it."""

    id: str
    whole: Whole | None
    reasons: ReasonTable
    emergency: str
    below: int
    given: Given = field(default_factory=Given)
    question: Question | None = None
    wrong: Wrong | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    entity: str
    name: str
    serving: Serving


def manage(
    frame: Frame,
    units: Sequence[tuple[str, str]],
    receptions: Sequence[Reception],
    ways: Sequence[tuple[str, str]] = (),
) -> Html:
    """`units`: id and name of those that may be referred whole. `ways`: further pages, and the keys of their words."""
    say = frame.say
    search = el(
        "form",
        {"action": "/find", "method": "get", "class": "search", "role": "search"},
        el("label", {"class": "quiet-text", "for": "q"}, say("manage.find")),
        el("input", {"type": "search", "id": "q", "name": "q", "maxlength": 200, "autocomplete": "off"}),
        button(say("find.do")),
    )
    listed = [el("li", None, el("a", {"href": address("/manage/unit", id=unit)}, name)) for unit, name in units]
    others = [el("li", None, el("a", {"href": place}, say(key))) for place, key in ways]
    return together(
        section(say("manage.find"), search, el("p", {"class": "hint"}, say("manage.find_hint"))),
        section(say("manage.receptions"), [_reception(frame, one) for one in receptions]) if receptions else None,
        section(say("manage.units"), el("ul", {"class": "list"}, listed)) if listed else None,
        section(say("frame.more"), el("ul", {"class": "list"}, others)) if others else None,
    )


def department(frame: Frame, model: Department) -> Html:
    say, given = frame.say, model.given
    hidden = el("input", {"type": "hidden", "name": "id", "value": model.id})
    now = None
    if model.whole is not None:
        reason = model.reasons.by_key(model.whole.reason)
        word = reason.word(public=False, english=say.english) if reason else say("person.away")
        now = el(
            "div",
            {"class": "sheet"},
            el("p", {"class": "state away"}, f"{word}, {say.back(model.whole.until, frame.now)}"),
            form(frame, "/manage/unit/end", hidden, button(say("department.end"))),
        )
    reasons = [(one.key, one.word(public=False, english=say.english)) for one in model.reasons]
    return together(
        summary(say, model.wrong),
        _question(frame, model, hidden) if model.question is not None else None,
        now,
        el("p", None, say("department.told")),
        form(
            frame,
            "/manage/unit",
            hidden,
            select(say("department.reason"), "reason", reasons, given.reason),
            el(
                "div",
                {"class": "two"},
                line(say("away.day"), "day", given.day, kind="date", wrong=model.wrong),
                line(say("away.at"), "at", given.at, kind="time", wrong=model.wrong),
            ),
            line(
                say("department.emergency"),
                "emergency",
                given.emergency or model.emergency,
                hint=say("department.emergency_hint"),
                wrong=model.wrong,
                kind="tel",
                extra={"maxlength": 20},
            ),
            line(
                say("away.information"),
                "information",
                given.information,
                wrong=model.wrong,
                extra={"maxlength": INFORMATION_MAX},
            ),
            box(say("department.below", count=model.below), "below", on=given.below) if model.below else None,
            button(say("department.do")),
        ),
    )


def _question(frame: Frame, model: Department, hidden: Html) -> Html:
    say, given, question = frame.say, model.given, model.question
    assert question is not None
    until = say.moment(question.until, frame.now) if question.until else say("time.open_end")
    kept = [
        el("input", {"type": "hidden", "name": name, "value": value})
        for name, value in (
            ("reason", given.reason), ("day", given.day), ("at", given.at), ("emergency", given.emergency),
            ("information", given.information), ("below", "1" if given.below else ""), ("sure", "1"),
        )
        if value
    ]  # fmt: skip
    told = el("p", None, say.first(say(f"doubt.{question.doubt.kind}", until=until)))
    yes = form(frame, "/manage/unit", hidden, kept, button(say("away.sure", until=until)))
    return el("div", {"class": "ask", "role": "alert"}, told, yes)


def _reception(frame: Frame, one: Reception) -> Html:
    say, serving = frame.say, one.serving
    until = f", {say('department.until', at=say.moment(serving.until, frame.now))}" if serving.until else ""
    by = say("department.by_key" if serving.by_key else "department.by_hours")
    kind = "state" if serving.state is Served.OPEN else "state away"
    keys = [
        form(
            frame,
            "/manage/reception",
            el("input", {"type": "hidden", "name": "entity", "value": one.entity}),
            el(
                "button",
                {"class": "plain", "name": "key", "value": str(key), "aria-label": f"{one.name}: {say(f'key.{key}')}"},
                say(f"key.{key}"),
            ),
        )
        for key in _keys(serving)
    ]
    return el(
        "div",
        {"class": "sheet"},
        el("h3", None, one.name),
        el("p", {"class": kind}, _state(say, serving.state), until),
        el("p", {"class": "quiet"}, by),
        el("div", {"class": "row"}, keys),
    )


def _state(say: Say, state: Served) -> str:
    return say(f"served.{state}")


def _keys(serving: Serving) -> list[Key]:
    found = [key for key in (Key.OPEN, Key.LUNCH, Key.NIGHT) if str(key) != str(serving.state)]
    return [*found, Key.HOURS] if serving.by_key else found
