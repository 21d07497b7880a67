"""One's own page: how one's telephone stands, and why one is away, set by one touch or two. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callcontrol.plan.absence import Absent, Interval
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.reasons import Reason, ReasonTable
from callcontrol.plan.refer import INFORMATION_MAX, Question
from firmware.web.html import Child, Html, el, together
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.parts import Wrong, box, button, section, summary
from firmware.web.views.parts import field as line
from firmware.web.words import Say

__all__ = ["Away", "Given", "Own", "away", "own", "state", "upcoming"]

MAY_WAIT = "may-wait"
"""A form that the script keeps while the unit cannot be reached."""
NAME_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """`usual`: each reason with when one is back by it, None for no end; `asked`: reasons that want to be told.
    `others`: further phones of the same person, that are referred too."""

    number: str
    absent: Absent | None
    reasons: ReasonTable
    usual: Sequence[tuple[Reason, datetime | None]]
    asked: frozenset[str]
    intervals: Sequence[Interval]
    forwardings: Sequence[Forwarding] = ()
    others: Sequence[str] = ()
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A form as it came, so that nothing has to be written twice."""

    at: str = ""
    day: str = ""
    from_at: str = ""
    from_day: str = ""
    instead: str = ""
    direct: bool = False
    information: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """The second touch: when one is back. `chips`: moments that are usual; `action`: where the form goes, which tells
    whose phone it is; `whose`: their name where it is not one's own."""

    reason: Reason
    chips: Sequence[datetime]
    usual: datetime | None
    asked: bool = False
    action: str = "/away"
    whose: str = ""
    number: str = ""
    once: str = ""
    given: Given = field(default_factory=Given)
    question: Question | None = None
    wrong: Wrong | None = None


def own(frame: Frame, model: Own) -> Html:
    say = frame.say
    return together(
        el(
            "div",
            {"class": "sheet"},
            state(frame, model.absent, model.reasons, own=True),
            _change(frame, model) if model.absent is not None else None,
        ),
        _forwarded(frame, model.forwardings),
        section(
            say("own.refer"),
            el("p", {"class": "hint"}, say("own.others", numbers=", ".join(model.others))) if model.others else None,
            _reasons(frame, model),
        ),
        upcoming(frame, model.intervals, model.reasons, "/away/end"),
    )


def state(frame: Frame, absent: Absent | None, reasons: ReasonTable, *, own: bool = False) -> Html:
    """Whether somebody is in; others hear the public word of the reason."""
    say = frame.say
    if absent is None:
        return el("p", {"class": "state"}, say("own.in" if own else "person.in"))
    reason = reasons.by_key(absent.reason)
    word = reason.word(public=not own, english=say.english) if reason else say("person.away")
    return together(
        el("p", {"class": "state away"}, f"{word}, {say.back(absent.back_at, frame.now)}"),
        el("p", None, say("own.instead", number=absent.answers_instead)) if absent.answers_instead else None,
        el("p", None, absent.information) if absent.information and own else None,
    )


def upcoming(frame: Frame, intervals: Sequence[Interval], reasons: ReasonTable, action: str) -> Html | None:
    """What is booked ahead, each to be taken away."""
    later = [one for one in intervals if one.start > frame.now]
    if not later:
        return None
    return section(
        frame.say("own.upcoming"), el("ul", {"class": "list"}, [_later(frame, one, reasons, action) for one in later])
    )


def away(frame: Frame, model: Away) -> Html:
    """When one is back, and what else may be said."""
    say, given = frame.say, model.given
    hidden = [
        el("input", {"type": "hidden", "name": name, "value": value})
        for name, value in (("reason", model.reason.key), ("once", model.once))
    ]
    asked = _question(frame, model, hidden) if model.question is not None else None
    usual = None
    if not model.asked:
        usual = el("li", None, button(say.first(say.back(model.usual, frame.now)), name="until", value="usual"))
    chips = [_chip(frame, moment) for moment in model.chips]
    endless = el("li", None, button(say.first(say("time.open_end")), name="until", value="open", kind="plain"))
    return together(
        summary(say, model.wrong),
        asked,
        form(
            frame,
            model.action,
            hidden,
            el("ul", {"class": "chips"}, usual, chips, endless),
            name=say("away.back"),
            kind=MAY_WAIT if not model.whose else None,
        ),
        el(
            "details",
            {"open": bool(model.wrong) or model.question is not None or model.asked},
            el("summary", None, say("away.other")),
            form(
                frame,
                model.action,
                hidden,
                el(
                    "fieldset",
                    None,
                    el("legend", None, say("away.back")),
                    _moment(say, "", given.at, given.day, model.wrong),
                ),
                el(
                    "fieldset",
                    None,
                    el("legend", None, say("away.from")),
                    el("p", {"class": "hint"}, say("away.from_hint")),
                    _moment(say, "from_", given.from_at, given.from_day, model.wrong),
                ),
                line(
                    say("away.instead"),
                    "instead",
                    given.instead,
                    hint=say("away.instead_hint"),
                    wrong=model.wrong,
                    extra={"inputmode": "numeric", "maxlength": NAME_MAX, "class": "short"},
                ),
                box(say("away.direct"), "direct", on=given.direct, hint=say("away.direct_hint")),
                line(
                    say("away.information"),
                    "information",
                    given.information,
                    hint=say("away.information_hint"),
                    wrong=model.wrong,
                    extra={"maxlength": INFORMATION_MAX},
                ),
                button(say("away.do"), name="until", value="given"),
            ),
        ),
    )


def _reasons(frame: Frame, model: Own) -> Html:
    say = frame.say
    rows = []
    for reason, until in model.usual:
        word = reason.word(public=False, english=say.english)
        other = el(
            "a",
            {"href": address("/away", reason=reason.key), "aria-label": say("own.other_time", reason=word)},
            say("own.other_time_short"),
        )
        if reason.key in model.asked:
            touch: Html = el("a", {"class": "button plain", "href": address("/away", reason=reason.key)}, word)
            rows.append(el("li", None, touch))
            continue
        back = say.back(until, frame.now)
        rows.append(el("li", None, button([word, el("small", None, back)], name="reason", value=reason.key), other))
    once = el("input", {"type": "hidden", "name": "once", "value": model.once})
    usual = el("input", {"type": "hidden", "name": "until", "value": "usual"})
    return form(frame, "/away", once, usual, el("ul", {"class": "reasons"}, rows), name=say("own.refer"), kind=MAY_WAIT)


def _change(frame: Frame, model: Own) -> Html:
    say = frame.say
    assert model.absent is not None
    once = el("input", {"type": "hidden", "name": "once", "value": model.once})
    return el(
        "div",
        {"class": "row"},
        form(frame, "/back", once, button(say("own.back")), kind=MAY_WAIT),
        el("a", {"class": "button plain", "href": address("/away", reason=model.absent.reason)}, say("own.change")),
    )


def _forwarded(frame: Frame, forwardings: Sequence[Forwarding]) -> Html | None:
    if not forwardings:
        return None
    say = frame.say
    rows = []
    for one in forwardings:
        told = say(f"forwarding.{one.condition}")
        if one.condition is not Condition.DO_NOT_DISTURB:
            told = say("forwarding.to", when=told, number=one.target or "")
        rows.append(el("li", None, told))
    return el(
        "div",
        {"class": "ask"},
        el("ul", None, rows),
        el("p", None, el("a", {"href": "/forwarding"}, say("own.forwarding"))),
    )


def _later(frame: Frame, one: Interval, reasons: ReasonTable, action: str) -> Html:
    say = frame.say
    keys = dict.fromkeys(part.referral.reason for part in one.parts)
    words = [reason.word(public=False, english=say.english) for key in keys if (reason := reasons.by_key(key))]
    when = say("own.from_to", start=say.moment(one.start, frame.now), back=say.back(one.until, frame.now))
    seen = " ".join(name for _, name in one.begun)
    hidden = el("input", {"type": "hidden", "name": "seen", "value": seen})
    label = say("own.remove_named", reason=", ".join(words), when=when)
    remove = el("button", {"class": "plain", "aria-label": label}, say("own.remove"))
    told: list[Child] = [el("span", {"class": "title"}, ", ".join(words)), ": ", when]
    if one.open:
        told.append(f" ({say('own.open')})")
    return el("li", {"class": "hit"}, el("p", None, told), form(frame, action, hidden, remove))


def _question(frame: Frame, model: Away, hidden: Sequence[Html]) -> Html:
    """What is odd about the return, and the two ways on."""
    say, question, given = frame.say, model.question, model.given
    assert question is not None
    until = say.moment(question.until, frame.now) if question.until else say("time.open_end")
    kept = [
        el("input", {"type": "hidden", "name": name, "value": value})
        for name, value in (
            ("at", given.at), ("day", given.day), ("from_at", given.from_at), ("from_day", given.from_day),
            ("instead", given.instead), ("direct", "1" if given.direct else ""), ("information", given.information),
        )
        if value
    ]  # fmt: skip
    sure = el("input", {"type": "hidden", "name": "sure", "value": "1"})
    meant = question.until.isoformat() if question.until else "open"
    yes = button(say("away.sure", until=until), name="until", value=meant)
    instead = None
    if (moment := question.doubt.instead) is not None:
        told = say("away.rather", until=say.moment(moment, frame.now))
        instead = form(
            frame, model.action, hidden, kept, sure, button(told, name="until", value=moment.isoformat(), kind="plain")
        )
    return el(
        "div",
        {"class": "ask", "role": "alert"},
        el("p", None, say.first(say(f"doubt.{question.doubt.kind}", until=until))),
        el("div", {"class": "row"}, form(frame, model.action, hidden, kept, sure, yes), instead),
    )


def _chip(frame: Frame, moment: datetime) -> Html:
    told = frame.say.moment(moment, frame.now)
    return el("li", None, button(frame.say.first(told), name="until", value=moment.isoformat(), kind="plain"))


def _moment(say: Say, prefix: str, at: str, day: str, wrong: Wrong | None) -> Html:
    return el(
        "div",
        {"class": "two"},
        line(say("away.day"), f"{prefix}day", day, kind="date", wrong=wrong),
        line(say("away.at"), f"{prefix}at", at, kind="time", wrong=wrong),
    )
