"""Something is wrong with the telephony: left here, also in an outage, and what became of it (F4). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from callcontrol.plan.catalogue import words
from callcontrol.plan.faultreport import Fault, FaultReport
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import Wrong, button, field, section, select, summary, text_area

__all__ = ["TEXT_MAX", "faults", "report"]

TEXT_MAX = 1_000
ANSWER_MAX = 300


def report(
    frame: Frame, number: str, given: tuple[str, str], id_: str, own: Sequence[FaultReport], wrong: Wrong | None
) -> Html:
    """`number`: the phone that it may be about; `given`: what and text as they came; `own`: those left before."""
    say = frame.say
    kinds = [(str(one), say.first(say.of(words("fault", str(one))))) for one in Fault]
    return together(
        summary(say, wrong),
        form(
            frame,
            "/fault",
            el("input", {"type": "hidden", "name": "id", "value": id_}),
            select(say("fault.what"), "what", kinds, given[0]),
            field(
                say("fault.extension"), "extension", number, hint=say("fault.extension_hint"), wrong=wrong,
                extra={"inputmode": "numeric", "maxlength": 15, "class": "short"},
            ),
            text_area(say("fault.text"), "text", given[1], hint=say("fault.text_hint"), wrong=wrong, most=TEXT_MAX),
            button(say("fault.do")),
        ),
        section(say("fault.own"), el("ul", {"class": "list"}, [_report(frame, one) for one in own])) if own else None,
    )  # fmt: skip


def faults(frame: Frame, waiting: Sequence[FaultReport]) -> Html:
    """For who answers them."""
    say = frame.say
    if not waiting:
        return el("p", None, say("fault.none"))
    return el("ul", {"class": "list"}, [_report(frame, one, answers=True) for one in waiting])


def _report(frame: Frame, one: FaultReport, *, answers: bool = False) -> Html:
    say = frame.say
    what = say.first(say.of(words("fault", str(one.what))))
    about = " · ".join(filter(None, (one.extension or "", say.moment(one.at, frame.now))))
    reply = None
    if answers:
        line = field(
            say("fault.answer"), f"answer-{one.id}", name="answer", extra={"maxlength": ANSWER_MAX, "required": True}
        )
        reply = form(frame, f"/faults/{one.id}", line, button(say("fault.answer_do"), kind="plain"))
    state = el("p", None, say("fault.answered", answer=one.answer)) if one.answered_at else None
    waits = el("p", {"class": "quiet"}, say("fault.waits")) if one.answered_at is None and not answers else None
    return el(
        "li",
        None,
        el("p", None, el("span", {"class": "title"}, what), el("span", {"class": "quiet"}, f" · {about}")),
        el("p", None, one.text) if one.text else None,
        state,
        waits,
        reply,
    )
