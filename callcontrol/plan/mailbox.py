"""What a caller meets at somebody's mailbox (C6). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from callcontrol.plan.model import Directory, Extension

__all__ = ["LISTENED_WITHIN", "Meets", "met"]

LISTENED_WITHIN = timedelta(days=1)
"""Whoever is away and has not listened for longer is taken for somebody who does not listen."""


class Meets(Enum):
    NOTHING = auto()
    """There is none."""
    NOBODY_LISTENS = auto()
    """It is off while its owner is away, as messages lie in it that nobody hears."""
    GREETING = auto()
    """It takes no messages: it says something."""
    MESSAGES = auto()


def met(extension: Extension, directory: Directory, now: datetime) -> Meets:
    """At this extension's mailbox."""
    if not extension.voicemail or extension.blocked:
        return Meets.NOTHING
    if not extension.takes_messages:
        return Meets.GREETING
    waits = extension.unheard_since
    if waits is not None and now - waits > LISTENED_WITHIN and directory.absent(extension.number, now) is not None:
        return Meets.NOBODY_LISTENS
    return Meets.MESSAGES
