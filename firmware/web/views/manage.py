"""What is done for others, by who may: away, a block, what a phone reaches, details. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firmware.web.html import Html, el, together
from firmware.web.views.frame import Frame, address, form
from firmware.web.views.me import details_form
from firmware.web.views.own import state
from firmware.web.views.parts import Choice, Wrong, button, field, section, select, summary
from firmware.web.views.people import Phone

__all__ = ["Managed", "Rights", "managed", "new_pin"]

WHY_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What whoever looks may do for this phone."""

    refer: bool = False
    block: bool = False
    reach: bool = False
    people: bool = False
    extract: bool = False
    pin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """`person`: the id of whose it is. `details`: as of their own page, None where it is nobody's. `wrong`: of one of
    the forms."""

    phone: Phone
    person: str
    rights: Rights
    reaches: Sequence[Choice]
    details: Mapping[str, str] | None
    hours: bool
    wrong: Wrong | None = None


def managed(frame: Frame, model: Managed) -> Html:
    say, rights, number = frame.say, model.rights, model.phone.extension.number
    place = f"/manage/{number}"
    card = f"/person/{model.person}" if model.person else f"/extension/{number}"
    return together(
        summary(say, model.wrong),
        el("p", None, el("a", {"href": card}, say("manage.card"))),
        _away(frame, model, place) if rights.refer else None,
        _block(frame, model, place) if rights.block else None,
        _leaver(frame, number) if rights.block and model.person else None,
        _reach(frame, model, place) if rights.reach else None,
        _pin(frame, place) if rights.pin else None,
        section(
            say("manage.details"),
            details_form(frame, f"{place}/details", model.details, None, hours=model.hours),
        )
        if rights.people and model.details is not None
        else None,
        _extract(frame, model) if rights.extract else None,
    )


def new_pin(frame: Frame, number: str, pin: str) -> Html:
    """Shown once, and kept nowhere."""
    say = frame.say
    return together(
        el("p", None, say("manage.pin_told", number=number)),
        el("p", {"class": "state pin"}, pin),
        el("p", {"class": "hint"}, say("manage.pin_hint")),
        el("p", None, el("a", {"href": f"/manage/{number}"}, say("manage.back"))),
    )


def _away(frame: Frame, model: Managed, place: str) -> Html:
    say = frame.say
    reasons = [
        el(
            "li",
            None,
            el(
                "a",
                {"class": "button plain", "href": address(f"{place}/away", reason=reason.key)},
                reason.word(public=False, english=say.english),
            ),
        )
        for reason in model.phone.reasons
    ]
    back = form(frame, f"{place}/back", button(say("manage.back_in"))) if model.phone.absent is not None else None
    return section(
        say("manage.away"),
        el("div", {"class": "sheet"}, state(frame, model.phone.absent, model.phone.reasons), back),
        el("ul", {"class": "chips"}, reasons),
    )


def _block(frame: Frame, model: Managed, place: str) -> Html:
    say = frame.say
    if model.phone.extension.blocked:
        told = el("p", {"class": "state away"}, say("manage.blocked"))
        return section(say("manage.block"), told, form(frame, f"{place}/lift", button(say("manage.lift"))))
    why = field(say("manage.why"), "why", wrong=model.wrong, extra={"maxlength": WHY_MAX, "required": True})
    return section(
        say("manage.block"),
        el("p", None, say("manage.block_told")),
        form(frame, f"{place}/block", why, button(say("manage.block_do"), kind="danger")),
    )


def _leaver(frame: Frame, number: str) -> Html:
    say = frame.say
    way = el("a", {"class": "button plain", "href": f"/leaver/{number}"}, say("manage.leaver_do"))
    return section(say("manage.leaver"), el("p", None, way))


def _reach(frame: Frame, model: Managed, place: str) -> Html:
    say = frame.say
    reach = model.phone.extension.reach.name
    chosen = select(say("manage.reach_class"), "reach", model.reaches, reach)
    return section(say("manage.reach"), form(frame, f"{place}/reach", chosen, button(say("form.save"))))


def _pin(frame: Frame, place: str) -> Html:
    say = frame.say
    return section(
        say("manage.pin"),
        el("p", None, say("manage.pin_about")),
        form(frame, f"{place}/pin", button(say("manage.pin_do"), kind="plain")),
    )


def _extract(frame: Frame, model: Managed) -> Html:
    say, number = frame.say, model.phone.extension.number
    way = el("a", {"class": "button plain", "href": address("/extract", extension=number)}, say("manage.extract_do"))
    return section(say("manage.extract"), el("p", None, way))
