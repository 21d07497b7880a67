"""What the pages say, in Swedish and English: the catalogue words.toml, and moments as people write them. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from callcontrol.plan.schedule import STOCKHOLM

__all__ = ["LANGUAGES", "Say", "catalogue"]

LANGUAGES = ("sv", "en")
_NEAR = timedelta(days=7)
"""Days within this are told by their name."""

_DAYS = (
    ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
_MONTHS = (
    ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november",
     "december"),
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"),
)  # fmt: skip


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """By part and key: "away.title"; Swedish and English."""
    text = (files("firmware.web") / "words.toml").read_text("utf-8")
    return {f"{part}.{key}": (sv, en) for part, rows in tomllib.loads(text).items() for key, (sv, en) in rows.items()}


class Say:
    """The words of one language: ``say("away.title")``. Raises KeyError for what is not in the catalogue."""

    def __init__(self, language: str, words: Mapping[str, tuple[str, str]] | None = None) -> None:
        """`words`: another catalogue than that of the unit's pages."""
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self.english = self.language == "en"
        self._words = catalogue() if words is None else words

    def __call__(self, key: str, **fill: str | int) -> str:
        text = self._words[key][self.english]
        return text.format_map(fill) if fill else text

    def knows(self, key: str) -> bool:
        return key in self._words

    def of(self, both: tuple[str, str]) -> str:
        """Of a pair that somebody else's catalogue has."""
        return both[self.english]

    @staticmethod
    def first(text: str) -> str:
        """As a sentence begins."""
        return text[:1].upper() + text[1:]

    def clock(self, moment: datetime) -> str:
        at = moment.astimezone(STOCKHOLM)
        return f"{at:%H:%M}" if self.english else f"{at:%H.%M}"

    def day(self, moment: datetime, now: datetime) -> str:
        """ "i dag", "på torsdag", "den 3 mars"; with the year where it is another."""
        at, today = moment.astimezone(STOCKHOLM), now.astimezone(STOCKHOLM)
        days = (at.date() - today.date()).days
        for far, key in ((0, "time.today"), (1, "time.tomorrow"), (-1, "time.yesterday")):
            if days == far:
                return self(key)
        if 0 < days < _NEAR.days:
            return self("time.on_day", day=_DAYS[self.english][at.weekday()])
        month = _MONTHS[self.english][at.month - 1]
        year = "" if at.year == today.year else f" {at.year}"
        return self("time.on_date", day=at.day, month=month) + year

    def moment(self, moment: datetime, now: datetime) -> str:
        """ "13.00" of today, else with the day."""
        at, today = moment.astimezone(STOCKHOLM), now.astimezone(STOCKHOLM)
        if at.date() == today.date():
            return self.clock(moment)
        return self("time.day_clock", day=self.day(moment, now), clock=self.clock(moment))

    def back(self, until: datetime | None, now: datetime) -> str:
        """When somebody is back."""
        return self("time.open_end") if until is None else self("time.back", at=self.moment(until, now))

    def length(self, milliseconds: int) -> str:
        minutes, seconds = divmod(round(milliseconds / 1000), 60)
        return f"{minutes}:{seconds:02}"
