"""Reports of faults, left also in an outage; and who is told of disturbances, at their start and end (F4). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Note

__all__ = [
    "OVER_FOR",
    "Fault",
    "FaultReport",
    "Source",
    "answered",
    "checked",
    "disturbance",
]

TEXT_MAX = 1_000
TOLD_AFTER = timedelta(minutes=1)
"""A shorter disturbance is told to nobody."""
OVER_FOR = timedelta(minutes=5)
"""So long it must be over before that is told: a line that comes and goes is one disturbance."""
TOLD_WITHIN = timedelta(hours=6)
"""An end that nobody could be told of for so long is no news."""


class Fault(StrEnum):
    """What is wrong, in one word."""

    NO_CALLS = "no_calls"
    SOUND = "sound"
    OUTSIDE = "outside"  # nobody outside is reached, or reaches us
    PHONE = "phone"
    OTHER = "other"


class Source(StrEnum):
    CODE = "code"
    PAGE = "page"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """`extension`: the phone that it is about; None: none in particular. `reporter`: an extension, a person's id, or
    who ran a command. `mode`: of the unit, as it was; `incident`: the outage that it was left in."""

    id: str
    at: datetime
    extension: str | None
    reporter: str
    source: Source
    what: Fault
    text: str = ""
    mode: str = ""
    incident: int | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    answer: str = ""


class Span(Protocol):
    """An outage, of incidents that follow each other closely (callcontrol.trunk.smsalarms)."""

    @property
    def began_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...


def checked(report: FaultReport) -> FaultReport:
    """As it is kept. ValueError, which names the field."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in report.text).split())
    if len(text) > TEXT_MAX:
        raise ValueError(f"text: more than {TEXT_MAX} characters")
    if report.extension is not None and not (report.extension.isascii() and report.extension.isdigit()):
        raise ValueError(f"extension: {report.extension[:20]!r} is none")
    if report.what is Fault.OTHER and not text and report.source is not Source.CODE:
        raise ValueError("text: empty; say what is wrong")
    return FaultReport(**{name: getattr(report, name) for name in report.__slots__} | {"text": text})


def disturbance(outage: Span | None, contacts: Iterable[str], now: datetime) -> tuple[Note, ...]:
    """What those concerned are to be told of it now: that it goes on, or that it is over."""
    if outage is None:
        return ()
    ended = outage.ended_at
    if (ended or now) - outage.began_at < TOLD_AFTER:
        return ()
    began = _clock(outage.began_at)
    if ended is None:
        fill: tuple[tuple[str, str], ...] = (("began", began),)
        return tuple(Note(rule="F4", to=to, words="outage_began", fill=fill) for to in contacts)
    if not OVER_FOR <= now - ended <= TOLD_WITHIN:
        return ()
    fill = (("began", began), ("ended", _clock(ended)))
    return tuple(Note(rule="F4", to=to, words="outage_ended", fill=fill) for to in contacts)


def answered(report: FaultReport, to: str) -> Note:
    """What who reported it is told, once somebody has answered."""
    fill = (("at", _clock(report.at)), ("answer", report.answer))
    return Note(rule="F4", to=to, words="fault_answered", fill=fill)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H.%M}"
