"""What others find one by, and one's PIN. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from callcontrol.plan.model import Person
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import Value, Wrong, button, field, summary

__all__ = ["FIELDS", "details", "details_form", "pin"]

FIELDS = ("location", "duties", "search_words", "phone_hours", "deputy")
"""Of a person, that they may change themselves."""
TEXT_MAX, LIST_MAX = 200, 2_000
_DIGITS: dict[str, Value] = {"inputmode": "numeric", "required": True, "class": "short", "maxlength": 12}


def details(frame: Frame, person: Person, given: Mapping[str, str], wrong: Wrong | None, *, hours: bool) -> Html:
    """`given`: the fields as text; `hours`: whether the municipality has phone hours."""
    say = frame.say
    return together(
        el("p", {"class": "hint"}, say("me.hint", title=person.title or "–")),
        details_form(frame, "/me", given, wrong, hours=hours),
    )


def details_form(frame: Frame, action: str, given: Mapping[str, str], wrong: Wrong | None, *, hours: bool) -> Html:
    say = frame.say
    line: dict[str, Value] = {"maxlength": TEXT_MAX}
    many: dict[str, Value] = {"maxlength": LIST_MAX}
    return together(
        summary(say, wrong),
        form(
            frame,
            action,
            field(say("person.location"), "location", given["location"], wrong=wrong, extra=line),
            field(say("person.duties"), "duties", given["duties"], hint=say("me.duties_hint"), wrong=wrong, extra=many),
            field(
                say("person.words"),
                "search_words",
                given["search_words"],
                hint=say("me.words_hint"),
                wrong=wrong,
                extra=many,
            ),
            field(
                say("person.hours"),
                "phone_hours",
                given["phone_hours"],
                hint=say("me.hours_hint"),
                wrong=wrong,
                extra=many,
            )
            if hours
            else None,
            field(
                say("person.deputy"),
                "deputy",
                given["deputy"],
                hint=say("me.deputy_hint"),
                wrong=wrong,
                extra={"inputmode": "numeric", "maxlength": 15, "class": "short"},
            ),
            button(say("form.save")),
        ),
    )


def pin(frame: Frame, wrong: Wrong | None = None) -> Html:
    say = frame.say
    number = frame.session.extension if frame.session else ""
    return together(
        summary(say, wrong),
        el("p", None, say("pin.told", number=number)),
        form(
            frame,
            "/pin",
            # For what keeps passwords: whose it is.
            el("input", {"type": "hidden", "name": "extension", "value": number, "autocomplete": "username"}),
            field(
                say("pin.old"),
                "old",
                wrong=wrong,
                kind="password",
                extra={**_DIGITS, "autocomplete": "current-password"},
            ),
            field(
                say("pin.new"),
                "new",
                hint=say("pin.new_hint"),
                wrong=wrong,
                kind="password",
                extra={**_DIGITS, "autocomplete": "new-password"},
            ),
            field(
                say("pin.again"),
                "again",
                wrong=wrong,
                kind="password",
                extra={**_DIGITS, "autocomplete": "new-password"},
            ),
            button(say("pin.do")),
        ),
    )
