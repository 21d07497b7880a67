"""Where one's calls go: always, when busy, when nobody answers; and peace and quiet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.number import pretty
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import Wrong, button, field, section, select, summary

__all__ = ["CONDITIONS", "forwarding"]

CONDITIONS = (Condition.ALWAYS, Condition.BUSY, Condition.NO_ANSWER, Condition.NOT_REACHABLE, Condition.FOLLOW_ME)
NUMBER_MAX = 20


def forwarding(
    frame: Frame, set_: Sequence[Forwarding], names: Mapping[str, str], given: tuple[str, str], wrong: Wrong | None
) -> Html:
    """`names`: of those that calls go to; `given`: condition and number as they came."""
    say = frame.say
    rows = [_row(frame, one, names) for one in set_]
    quiet = any(one.condition is Condition.DO_NOT_DISTURB for one in set_)
    conditions = [(str(one), say(f"forwarding.{one}")) for one in CONDITIONS]
    return together(
        summary(say, wrong),
        el("ul", {"class": "list"}, rows) if rows else el("p", None, say("forwarding.none")),
        section(
            say("forwarding.set"),
            form(
                frame,
                "/forwarding",
                select(say("forwarding.when"), "condition", conditions, given[0]),
                field(
                    say("forwarding.number"),
                    "number",
                    given[1],
                    hint=say("forwarding.number_hint"),
                    wrong=wrong,
                    kind="tel",
                    extra={"maxlength": NUMBER_MAX, "autocomplete": "off"},
                ),
                button(say("forwarding.do")),
            ),
        ),
        None
        if quiet
        else section(
            say("forwarding.quiet"),
            el("p", None, say("forwarding.quiet_told")),
            form(
                frame,
                "/forwarding",
                el("input", {"type": "hidden", "name": "condition", "value": str(Condition.DO_NOT_DISTURB)}),
                button(say("forwarding.quiet_do"), kind="plain"),
            ),
        ),
    )


def _row(frame: Frame, one: Forwarding, names: Mapping[str, str]) -> Html:
    say = frame.say
    told = when = say(f"forwarding.{one.condition}")
    if one.target is not None:
        name = names.get(one.target)
        told = say("forwarding.to", when=when, number=f"{pretty(one.target)} {name}" if name else pretty(one.target))
    end = el("button", {"class": "plain", "aria-label": f"{say('own.remove')}: {when}"}, say("own.remove"))
    hidden = el("input", {"type": "hidden", "name": "condition", "value": str(one.condition)})
    return el("li", {"class": "hit"}, el("p", None, told), form(frame, "/forwarding/end", hidden, end))
