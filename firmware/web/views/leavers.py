"""Somebody leaves: the list of what is left of them, gone through until nothing is (E5). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from callcontrol.plan.catalogue import words
from callcontrol.plan.leaver import Entry, Leaver
from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import Wrong, button, field, section, summary

__all__ = ["begin", "leaver", "leavers"]

ABOUT_MAX = 8


def leavers(frame: Frame, all_: Sequence[tuple[Leaver, int]]) -> Html:
    """Each with how many things are left."""
    say = frame.say
    if not all_:
        return el("p", None, say("leaver.none"))
    rows = [
        el(
            "li",
            None,
            el("p", None, el("a", {"class": "title", "href": f"/leaver/{one.extensions[0]}"}, one.name))
            if one.extensions
            else el("p", {"class": "title"}, one.name),
            el("p", {"class": "quiet"}, _when(frame, one), " · ", say("leaver.left", count=left)),
        )
        for one, left in all_
    ]
    return el("ul", {"class": "list"}, rows)


def begin(frame: Frame, number: str, today: date, wrong: Wrong | None) -> Html:
    say = frame.say
    last = field(
        say("leaver.last_day"), "last_day", hint=say("leaver.last_day_hint"), wrong=wrong, kind="date",
        extra={"min": today.isoformat()},
    )  # fmt: skip
    return together(
        summary(say, wrong),
        el("p", None, say("leaver.told")),
        form(frame, f"/leaver/{number}", last, button(say("leaver.begin"))),
    )


def leaver(frame: Frame, number: str, one: Leaver, entries: Sequence[Entry]) -> Html:
    say = frame.say
    left = [entry for entry in entries if not entry.done]
    done = [entry for entry in entries if entry.tick is not None]
    place = f"/leaver/{number}"
    return together(
        el("p", {"class": "state away"}, _when(frame, one)),
        el("p", None, say("leaver.blocked" if one.blocked_at else "leaver.not_blocked")),
        section(
            say("leaver.left", count=len(left)),
            el("ul", {"class": "list"}, [_entry(frame, place, entry) for entry in left])
            if left
            else el("p", None, say("leaver.all_done")),
        ),
        section(say("leaver.done"), el("ul", None, [el("li", None, _words(frame, entry)) for entry in done]))
        if done
        else None,
        section(
            say("leaver.end"),
            el("p", None, say("leaver.end_told")),
            el(
                "div",
                {"class": "row"},
                form(frame, f"{place}/end", button(say("leaver.end_do"))),
                form(frame, f"{place}/stays", button(say("leaver.stays"), kind="plain")),
            ),
        ),
    )


def _entry(frame: Frame, place: str, entry: Entry) -> Html:
    say, told = frame.say, _words(frame, entry)
    about = ", ".join(entry.about[:ABOUT_MAX]) + (" …" if len(entry.about) > ABOUT_MAX else "")
    tick = None
    if entry.by_hand:
        hidden = el("input", {"type": "hidden", "name": "what", "value": str(entry.what)})
        label = f"{say('leaver.tick')}: {told}"
        tick = form(
            frame, f"{place}/tick", hidden, el("button", {"class": "plain", "aria-label": label}, say("leaver.tick"))
        )
    return el("li", {"class": "hit"}, el("p", None, told), el("p", {"class": "quiet"}, about) if about else None, tick)


def _words(frame: Frame, entry: Entry) -> str:
    return frame.say.first(frame.say.of(words("leaver", str(entry.what))))


def _when(frame: Frame, one: Leaver) -> str:
    say = frame.say
    if one.last_day is None:
        return say("leaver.leaves")
    return say("leaver.leaves_on", day=one.last_day.isoformat())
