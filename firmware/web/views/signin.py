"""The page by which one signs in."""

from __future__ import annotations

from firmware.web.html import Html, el
from firmware.web.views.frame import Frame

__all__ = ["sign_in"]


def sign_in(frame: Frame, extension: str = "", wrong: str = "", to: str = "/") -> Html:
    """`to`: where to, afterwards; `wrong`: the key of what is to be said."""
    return el(
        "form",
        {"method": "post", "action": "/sign-in"},
        el("p", {"role": "alert"}, wrong) if wrong else None,
        el("input", {"type": "hidden", "name": "to", "value": to}),
        el("label", None, "Anknytning", el("input", {"name": "extension", "value": extension})),
        el("label", None, "PIN", el("input", {"name": "pin", "type": "password", "inputmode": "numeric"})),
        el("label", None, el("input", {"type": "checkbox", "name": "kept", "value": "1"}), "Kom ihåg"),
        el("button", None, "Logga in"),
    )
