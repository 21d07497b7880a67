"""An itemised extract of one extension's calls outside, as a manager may order it (F3). Pure.

What it names is no more than what it is for. Calls that are free (112, helplines, freephone, inside) are counted and
not named, as no itemised bill names them (Directive (EU) 2018/1972, Annex VI part A); calls that came are not in it at
all; of a number the last figures are hidden unless they were asked for, and always where the unit's matters are secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from callcontrol.plan.catalogue import words
from callcontrol.plan.model import Directory, Extension
from callcontrol.plan.number import Dialled, NumberKind, parse_dialled, pretty
from callcontrol.plan.reach import ORE_A_MINUTE, Category, category
from callcontrol.plan.rights import Given, Right, may_do
from callcontrol.records import Record, Way

__all__ = ["HIDDEN", "Extract", "Line", "Order", "extract", "may_order"]

HIDDEN = "xxx"
"""In the place of the last figures of a number."""
TEXT_MAX = 200
_FREE = frozenset({Category.EMERGENCY, Category.ALWAYS, Category.INTERNAL, Category.FREEPHONE})
_SECONDS_A_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who wants it of whom, and what for. `made_by` made it for them. `whole`: numbers to their last figure. Raises
    ValueError, which names the field."""

    id: str
    extension: str
    since: datetime
    until: datetime
    asked_by: str
    why: str
    made_by: str
    whole: bool = False

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise ValueError("since: is not before until")
        for field, text in (("asked_by", self.asked_by), ("why", self.why)):
            if not 0 < len(text.strip()) <= TEXT_MAX or not text.isprintable():
                raise ValueError(f"{field}: takes 1 to {TEXT_MAX} letters")


@dataclass(frozen=True, slots=True)
class Line:
    """A call outside. `seconds`: None where its end was not seen; 0 for one that nobody answered."""

    at: datetime
    number: str
    category: Category
    way: Way
    seconds: int | None
    ore: int

    @property
    def kind(self) -> str:
        """The category, in Swedish."""
        return words("category", "no_number" if self.category is Category.INVALID else self.category.value).sv


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """`free`: calls that cost nothing, which are not named. `ore`: by our own estimate."""

    order: Order
    who: str
    unit: str
    cost_centre: str
    lines: tuple[Line, ...]
    free: int
    ore: int
    whole: bool


def may_order(given: Iterable[Given], extension: Extension, directory: Directory) -> bool:
    """Whether somebody with these roles may have one."""
    return may_do(given, Right.ORDER_EXTRACT, extension.unit, directory)


def extract(order: Order, records: Iterable[Record], directory: Directory) -> Extract:
    """Of the calls that the extension made in that time."""
    extension = directory.extension(order.extension)
    unit = directory.unit(extension.unit) if extension is not None else None
    person = directory.person(extension.person) if extension is not None and extension.person else None
    whole = order.whole and unit is not None and not unit.secret
    free, lines = 0, []
    for record in records:
        if record.caller != order.extension or not order.since <= record.began_at < order.until:
            continue
        dialled = parse_dialled(record.callee, directory.numbering)
        kind = category(dialled)
        if record.emergency or kind in _FREE or record.way not in (Way.PLATFORM, Way.GATEWAY, Way.MODEM):
            free += 1
        else:
            lines.append(_line(record, dialled, kind, whole))
    return Extract(
        order=order,
        who=f"{person.given} {person.family}".strip() if person is not None and not person.protected else "",
        unit=unit.name if unit is not None else "",
        cost_centre=(person.cost_centre if person is not None else "") or (unit.cost_centre if unit else ""),
        lines=tuple(sorted(lines, key=lambda line: line.at)),
        free=free,
        ore=sum(line.ore for line in lines),
        whole=whole,
    )


def _line(record: Record, dialled: Dialled, kind: Category, whole: bool) -> Line:
    number = dialled.e164 or dialled.digits or record.callee
    shown = pretty(number) if dialled.kind is not NumberKind.INVALID else number
    if record.answered_at is None:
        seconds: int | None = 0
    else:
        seconds = max(0, round((record.ended_at - record.answered_at).total_seconds())) if record.ended_at else None
    minutes = -(-(seconds or 0) // _SECONDS_A_MINUTE)
    return Line(
        record.began_at, shown if whole else _hidden(shown), kind, record.way, seconds,
        minutes * ORE_A_MINUTE.get(kind, 0),
    )  # fmt: skip


def _hidden(number: str) -> str:
    """Without its last three figures, wherever blanks stand among them."""
    place = len(number)
    left = len(HIDDEN)
    while place and left:
        place -= 1
        left -= number[place].isdigit()
    return f"{number[:place].rstrip(' -')} {HIDDEN}".strip()
