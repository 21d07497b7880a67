"""Texts into the queue: in the site's languages, to whom one may be sent, in so many parts."""

from __future__ import annotations

import logging
from datetime import datetime

from callcontrol.plan.catalogue import Words, words
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smsqueue import Kind, receiver
from drivers.codec.sms_text import split
from firmware.config import Config
from firmware.store.sms import Sms, SmsRows

__all__ = ["PARTS_MAX", "Outgoing", "clock", "parts_of", "said", "shortened"]

PARTS_MAX = 6
"""Of one message: some 900 letters."""

log = logging.getLogger("rvx")


def parts_of(text: str) -> int:
    """How many parts a text takes. Raises ValueError for one that takes more than PARTS_MAX."""
    return len(split(text, 0, parts_max=PARTS_MAX))


def said(key: str, **fill: str | Words) -> Words:
    """Words of the catalogue's part sms, filled in; what differs between the languages by its own words."""
    found = words("sms", key)
    told = [{name: value if isinstance(value, str) else value[at] for name, value in fill.items()} for at in (0, 1)]
    return Words(found.sv.format_map(told[0]), found.en.format_map(told[1]))


def clock(moment: datetime, now: datetime) -> str:
    """A time as people here write it; without the day where that is today."""
    local = moment.astimezone(STOCKHOLM)
    today = local.date() == now.astimezone(STOCKHOLM).date()
    return f"{local:%H:%M}" if today else f"{local.day}/{local.month} {local:%H:%M}"


class Outgoing:
    """Belongs to the thread that opened the store."""

    def __init__(self, config: Config, rows: SmsRows) -> None:
        self._settings = config.sms
        self._languages = config.announcing.languages or ("sv",)
        self.rows = rows

    def put(self, name: str, kind: Kind, to: str, text: Words, now: datetime, *, ours: bool = False) -> bool:
        """In the site's languages; `name` and who is told are its name in the queue. `ours`: the configuration has the
        number, so it may be abroad. False: it is there already, may not be sent there, or has no room; the last two are
        logged."""
        found = receiver(to, abroad=ours or self._settings.abroad == "yes")
        if found.number is None:
            log.warning("rvx-event kind=sms_barred why=%s", found.why)
            return False
        told = shortened("\n".join(dict.fromkeys(getattr(text, language) for language in self._languages)))
        parts = parts_of(told)
        sms = Sms(
            id=f"{name} {found.number}", kind=kind, number=found.number, text=told, set_by="unit", queued_at=now,
            parts=parts, ore=parts * self._settings.part_ore,
        )  # fmt: skip
        try:
            return self.rows.put([sms]) > 0
        except OverflowError:
            log.warning("rvx-event kind=sms_no_room")
            return False


def shortened(text: str) -> str:
    """What has no room in PARTS_MAX parts, cut, and marked so."""
    if _has_room(text):
        return text
    low, high = _SURELY - len(_MORE), len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _has_room(text[:middle] + _MORE) else (low, middle - 1)
    return text[:low] + _MORE


def _has_room(text: str) -> bool:
    try:
        return parts_of(text) <= PARTS_MAX
    except ValueError:
        return False


_SURELY = 33 * PARTS_MAX
"""Letters that have room in any alphabet, be each of them a surrogate pair."""
_MORE = " [...]"
