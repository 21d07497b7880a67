"""Messages that somebody took for one, until they are handled. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from callcontrol.plan.memo import Memo, State, Wants
from callcontrol.plan.number import pretty
from firmware.web.html import Child, Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import number

__all__ = ["memos"]


def memos(frame: Frame, all_: Sequence[Memo], due: Mapping[str, datetime], names: Mapping[str, str]) -> Html:
    """`due`: until when there is to be contact, by the message's id; `names`: of who took them."""
    say = frame.say
    waiting = [one for one in all_ if one.state is not State.HANDLED]
    handled = [one for one in all_ if one.state is State.HANDLED]
    if not all_:
        return el("p", None, say("memos.none"))
    done = [_memo(frame, one, None, names) for one in handled]
    old = el(
        "details",
        None,
        el("summary", None, say("memos.handled", count=len(handled))),
        el("ul", {"class": "list"}, done),
    )
    return together(
        el("ul", {"class": "list"}, [_memo(frame, one, due.get(one.id), names) for one in waiting])
        if waiting
        else el("p", None, say("memos.none_waiting")),
        old if handled else None,
    )


def _memo(frame: Frame, one: Memo, due: datetime | None, names: Mapping[str, str]) -> Html:
    say = frame.say
    caller = one.caller_name or (pretty(one.caller) if one.caller else say("voicemail.withheld"))
    when = say.moment(one.taken_at, frame.now)
    told: list[Child] = [el("span", {"class": "title"}, caller), el("span", {"class": "quiet"}, f" · {when}")]
    if one.urgent:
        told.append(el("span", {"class": "away"}, f" · {say('memo.urgent')}"))
    taken = names.get(one.taken_by, "")
    about = [say(f"wants_of.{one.wants}"), say("memos.taken_by", name=taken) if taken else ""]
    if due is not None and one.wants is not Wants.NOTHING:
        about.append(say("memos.due", at=say.moment(due, frame.now)))
    done = None
    if one.state is not State.HANDLED:
        label = f"{say('memos.done')}: {caller}, {when}"
        done = form(
            frame, f"/memos/{one.id}/handled", el("button", {"class": "plain", "aria-label": label}, say("memos.done"))
        )
    return el(
        "li",
        None,
        el("p", None, told),
        el("p", None, *[[line, el("br")] for line in one.text.split("\n")]) if one.text else None,
        el("p", {"class": "quiet"}, " · ".join(filter(None, about))),
        el(
            "div",
            {"class": "row"},
            number(say("memos.call", number=pretty(one.caller)), one.caller) if dials(one.caller) else None,
            done,
        ),
    )


def dials(caller: str) -> bool:
    """Whether it is a number that a telephone can dial."""
    return bool(caller) and caller.removeprefix("+").isascii() and caller.removeprefix("+").isdigit()
