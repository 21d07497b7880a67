"""One's mailbox: what was left, to be heard, kept and put away, and how it is to be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcontrol.plan.number import pretty
from firmware.store.mailbox import Greeting, Held, MailKind, Settings
from firmware.web.html import Child, Html, el, together
from firmware.web.views.frame import Frame, form
from firmware.web.views.parts import box, button, number, section, select

__all__ = ["Box", "voicemail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A mailbox. `names`: of callers who are in the directory. `mail`: whether this unit sends any, and somebody has an
    address to send to. `code`: what is dialled to hear it and to record greetings, "" where none is."""

    number: str
    held: Sequence[Held]
    settings: Settings
    greetings: Sequence[Greeting]
    names: dict[str, str]
    mail: bool
    code: str = ""


def voicemail(frame: Frame, boxes: Sequence[Box]) -> Html:
    if not boxes:
        return el("p", None, frame.say("voicemail.none"))
    return together([_box(frame, one, alone=len(boxes) == 1) for one in boxes])


def _box(frame: Frame, model: Box, *, alone: bool) -> Html:
    say = frame.say
    rows = [_message(frame, model, one) for one in model.held]
    title = say("voicemail.messages") if alone else say("voicemail.messages_of", number=model.number)
    return together(
        section(title, el("ul", {"class": "list"}, rows) if rows else el("p", None, say("voicemail.empty"))),
        section(say("voicemail.greeting"), _greetings(frame, model)),
        section(say("voicemail.settings"), _settings(frame, model)),
    )


def _message(frame: Frame, model: Box, one: Held) -> Html:
    say = frame.say
    caller = model.names.get(one.caller) or (pretty(one.caller) if one.caller else say("voicemail.withheld"))
    when = say.moment(one.left_at, frame.now)
    place = f"/voicemail/{model.number}/{one.id}"
    told: list[Child] = [
        el("span", {"class": "title"}, caller),
        el("span", {"class": "quiet"}, f" · {when} · {say.length(one.length_ms)}"),
    ]
    if one.heard_at is None:
        told.append(el("span", {"class": "count"}, say("voicemail.new")))
    if one.kept_at is not None:
        told.append(el("span", {"class": "quiet"}, f" · {say('voicemail.kept')}"))
    deeds = [("keep", "voicemail.keep", one.kept_at is None), ("heard", "voicemail.heard", one.heard_at is None)]
    buttons = [
        form(frame, f"{place}/{deed}", _named(frame, key, caller, when, "plain")) for deed, key, may in deeds if may
    ]
    buttons.append(form(frame, f"{place}/discard", _named(frame, "voicemail.discard", caller, when, "danger")))
    back = number(say("voicemail.call"), one.caller) if one.caller else None
    return el(
        "li",
        None,
        el("p", None, together(*[[part, " "] for part in told])),
        el(
            "audio",
            {
                "controls": True,
                "preload": "none",
                "src": f"{place}/sound",
                "data-heard": f"{place}/heard",
                "aria-label": say("voicemail.play", caller=caller, when=when),
            },
        ),
        el("div", {"class": "row"}, back, buttons),
    )


def _named(frame: Frame, key: str, caller: str, when: str, kind: str) -> Html:
    word = frame.say(key)
    return el("button", {"class": kind, "aria-label": f"{word}: {caller}, {when}"}, word)


def _greetings(frame: Frame, model: Box) -> list[Child]:
    say = frame.say
    rows: list[Child] = []
    for one in model.greetings:
        until = say("voicemail.until", at=say.moment(one.until, frame.now)) if one.until else None
        place = f"/voicemail/{model.number}/greeting/{one.kind}"
        label = f"{say('voicemail.end_greeting')}: {say(f'greeting.{one.kind}')}"
        rows.append(
            el(
                "li",
                None,
                el("p", None, el("span", {"class": "title"}, say(f"greeting.{one.kind}")), " ", until),
                el(
                    "audio",
                    {
                        "controls": True,
                        "preload": "none",
                        "src": f"{place}/sound",
                        "aria-label": say(f"greeting.{one.kind}"),
                    },
                ),
                form(frame, f"{place}/end", el("button", {"class": "danger", "aria-label": label}, say("own.remove"))),
            )
        )
    how = say("voicemail.record", code=model.code) if model.code else None
    listed = el("ul", {"class": "list"}, rows) if rows else el("p", None, say("voicemail.no_greeting"))
    return [listed, el("p", {"class": "hint"}, how) if how else None]


def _settings(frame: Frame, model: Box) -> Html:
    say = frame.say
    mail = [(str(one), say(f"mail.{one}")) for one in MailKind]
    return form(
        frame,
        f"/voicemail/{model.number}/settings",
        box(say("voicemail.takes"), f"takes-{model.number}", on=model.settings.takes_messages, name="takes"),
        select(say("voicemail.mail"), f"mail-{model.number}", mail, model.settings.mail, name="mail")
        if model.mail
        else None,
        button(say("form.save"), kind="plain"),
    )
