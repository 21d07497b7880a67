"""One's calendar: whose address it is read from, how that went, and what was understood of it. Pure."""

from __future__ import annotations

from callcontrol.plan.catalogue import words
from callcontrol.plan.reasons import ReasonTable
from firmware.store.calendars import Subscription
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import Wrong, button, facts, field, section, summary

__all__ = ["calendar"]

URL_MAX = 2_000
SHOWN_MAX = 30


def calendar(frame: Frame, subscription: Subscription | None, reasons: ReasonTable, wrong: Wrong | None = None) -> Html:
    say = frame.say
    letters = [
        el("li", None, el("strong", None, f"{one.letters}:"), f" {one.word(public=False, english=say.english)}")
        for one in reasons
        if one.letters
    ]
    how = section(
        say("calendar.how"),
        el("p", None, say("calendar.how_told")),
        el("ul", None, el("li", None, say("calendar.how_closed")), el("li", None, say("calendar.how_open"))),
        el("details", None, el("summary", None, say("calendar.letters")), el("ul", None, letters)),
    )
    subscribe = form(
        frame,
        "/calendar",
        field(
            say("calendar.url"),
            "url",
            hint=say("calendar.url_hint"),
            wrong=wrong,
            kind="url",
            extra={"autocomplete": "off", "maxlength": URL_MAX, "required": True, "spellcheck": "false"},
        ),
        button(say("calendar.subscribe")),
    )
    if subscription is None:
        return together(summary(say, wrong), subscribe, how)
    another = el("details", {"open": wrong is not None}, el("summary", None, say("calendar.another")), subscribe)
    return together(
        summary(say, wrong), _state(frame, subscription), _understood(frame, subscription, reasons), another, how
    )


def _state(frame: Frame, one: Subscription) -> Html:
    say = frame.say
    told = say("calendar.waiting")
    if one.fault:
        told = say("calendar.fault", why=say.of(words("calendar", one.fault)))
    elif one.read_at is not None:
        told = say("calendar.well")
    rows = [
        (say("calendar.host"), one.host),
        (say("calendar.read_at"), say.moment(one.read_at, frame.now) if one.read_at else say("calendar.never")),
    ]
    if one.tried_at is not None and one.fault:
        rows.append((say("calendar.tried_at"), say.moment(one.tried_at, frame.now)))
    return el(
        "div",
        {"class": "sheet"},
        el("p", {"class": "state away" if one.fault else "state"}, told),
        facts(rows),
        el(
            "div",
            {"class": "row"},
            form(frame, "/calendar/again", button(say("calendar.again"), kind="plain")),
            form(frame, "/calendar/end", button(say("calendar.end"), kind="danger")),
        ),
    )


def _understood(frame: Frame, one: Subscription, reasons: ReasonTable) -> Html:
    say = frame.say
    rows = []
    for meant in one.understood[:SHOWN_MAX]:
        reason = reasons.by_key(meant.reason)
        word = reason.word(public=False, english=say.english) if reason else meant.reason
        when = say("own.from_to", start=say.moment(meant.start, frame.now), back=say.back(meant.until, frame.now))
        rows.append(el("li", None, f"{word}: {when}", f" ({say('own.open')})" if meant.open else None))
    more = len(one.understood) - SHOWN_MAX
    passed = [el("li", None, f"{count}: {say.of(words('passed', why))}") for why, count in one.passed.items()]
    return together(
        section(
            say("calendar.understood"),
            el("ul", {"class": "list"}, rows) if rows else el("p", None, say("calendar.nothing")),
            el("p", {"class": "hint"}, say("calendar.more", count=more)) if more > 0 else None,
        ),
        section(say("calendar.passed"), el("ul", None, passed)) if passed else None,
        el("p", {"class": "ask"}, say("calendar.unknown", letters=", ".join(one.unknown))) if one.unknown else None,
    )
