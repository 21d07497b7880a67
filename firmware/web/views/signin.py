"""The page by which one signs in. Pure."""

from __future__ import annotations

from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.parts import Value, Wrong, box, button, field, summary

__all__ = ["sign_in"]

_DIGITS: dict[str, Value] = {"inputmode": "numeric", "required": True, "class": "short"}


def sign_in(frame: Frame, extension: str = "", wrong: str = "", to: str = "/", by: str = "") -> Html:
    """`wrong`: a key of the words "sign_in". `by`: the name of the municipality's own sign-in; "": it has none now."""
    say = frame.say
    elsewhere = wrong.startswith("identity")
    fault = Wrong("extension", say(f"sign_in.{wrong}")) if wrong and not elsewhere else None
    return together(
        summary(say, fault),
        el("p", {"role": "alert"}, say(f"sign_in.{wrong}")) if elsewhere else None,
        el("p", None, el("a", {"class": "button", "href": address("/sign-in/with", to=to)}, say("sign_in.by", name=by)))
        if by
        else None,
        form(
            frame,
            "/sign-in",
            el("input", {"type": "hidden", "name": "to", "value": to}),
            field(
                say("sign_in.extension"),
                "extension",
                extension,
                wrong=fault,
                extra={**_DIGITS, "autocomplete": "username", "maxlength": 8},
            ),
            field(
                say("sign_in.pin"),
                "pin",
                hint=say("sign_in.pin_hint"),
                kind="password",
                extra={**_DIGITS, "autocomplete": "current-password", "maxlength": 12},
            ),
            box(say("sign_in.kept"), "kept", hint=say("sign_in.kept_hint")),
            button(say("sign_in.do")),
            kind="sheet",
        ),
        el("p", {"class": "hint"}, say("sign_in.lost")),
    )
