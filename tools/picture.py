"""Power over the last hours as a picture: SVG without script, readable in light and dark, told in words to who does
not see it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby
from typing import NamedTuple

from callcontrol.plan.schedule import STOCKHOLM
from tools.curve import HOURS, LOST, ON, Column, Row, Words, ceiling, columns, lasting, ticks

__all__ = ["picture"]

COUNT = 480
"""Pieces of time that are drawn: three minutes of a day."""
WIDTH, HEIGHT = 960, 560
LEFT, RIGHT = 64, 936
CHARGE_TOP, CHARGE_BOTTOM = 104, 244
MINUTES_TOP, MINUTES_BOTTOM = 290, 410
WATTS_TOP, WATTS_BOTTOM = 456, 516
BOXES = ((CHARGE_TOP, CHARGE_BOTTOM), (MINUTES_TOP, MINUTES_BOTTOM), (WATTS_TOP, WATTS_BOTTOM))
GRID_LINES = 4
NAMED_LEAST = 110
"""Wide enough for the name of a cut."""
WATTS_STEPS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

TITLE = Words("Reservkraft, senaste {hours} timmar", "Backup power, the last {hours} hours")
CHARGE = Words("Laddning, %", "Charge, %")
MINUTES = Words(
    "Så länge räcker det, h (heldraget säkert, streckat troligt)", "Time left, h (solid certain, dashed likely)"
)
SHORT = Words(
    "Så länge räcker det, min (heldraget säkert, streckat troligt)", "Time left, min (solid certain, dashed likely)"
)
WATTS = Words("Förbrukning, W", "Drawn, W")
CUT, NOT_KNOWN = Words("strömavbrott", "power cut"), Words("okänt", "not known")
SIMULATED = Words("SIMULERAD KRAFT", "SIMULATED POWER")
MAINS_IS = {
    ON: Words("nätet finns", "mains is on"),
    LOST: Words("nätet är borta", "mains is gone"),
}
MAINS_UNKNOWN = Words("om nätet finns är okänt", "whether there is mains is not known")
NOTHING = Words("Inget är känt om kraften.", "Nothing is known of power.")

STYLE = """
svg{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--grid:#d0d7de;--cut:#f7d9c4;--hatch:#b35900;
--charge:#0b5cad;--sure:#1a6b35;--watts:#6b3fa0}
@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#9aa4ae;--paper:#12161b;--grid:#343b44;--cut:#4a2c16;
--hatch:#e8924a;--charge:#6cb2ff;--sure:#66c785;--watts:#c3a0f5}}
text{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:14px;fill:var(--ink)}
.title{font-size:22px;font-weight:600}.soft{fill:var(--soft);font-size:13px}.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:var(--grid);stroke-width:1}.paper{fill:var(--paper)}.cut{fill:var(--cut)}.hatch{fill:url(#hatch)}
.dots{fill:url(#dots)}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}.likely{stroke-dasharray:2 6}
.charge{stroke:var(--charge)}.minutes{stroke:var(--sure)}.watts{stroke:var(--watts)}.now{font-weight:600}
.mark{fill:var(--hatch);font-weight:600}
"""


class Panel(NamedTuple):
    words: Words
    top: int
    bottom: int
    most: float
    scale: Callable[[float], str]
    lines: tuple[tuple[str, Callable[[Column], float | None]], ...]


def picture(rows: Sequence[Row], now: datetime, *, hours: int = HOURS, simulated: bool = False) -> str:
    """A whole SVG document. `simulated` is written on it."""
    found = columns(rows, now, COUNT, hours)
    title = Words(*(text.format(hours=hours) for text in TITLE))
    told = _told(found, hours)
    body = [
        f'<title id="t">{escape(title.sv)} / {escape(title.en)}</title>',
        f'<desc id="d">{escape(told.sv)} {escape(told.en)}</desc>',
        f"<style>{STYLE}</style>",
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0V8" stroke="var(--hatch)" stroke-width="1.5" stroke-opacity=".45"/></pattern>'
        '<pattern id="dots" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<circle cx="2" cy="2" r="1.2" fill="var(--soft)" fill-opacity=".55"/></pattern></defs>',
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 34, title.sv, "title"),
        _text(LEFT, 56, f"{title.en} · {now.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}", "soft"),
        *([_text(RIGHT, 34, str(SIMULATED), "mark end")] if simulated else []),
        *_cuts(found),
        *_legend(found),
        *(piece for panel in _panels(found) for piece in _panel(panel, found)),
        *(_time(share, text) for share, text in ticks(now, hours)),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">'
    return "\n".join([head, *body, "</svg>", ""])


def _panels(found: Sequence[Column]) -> Iterator[Panel]:
    yield Panel(CHARGE, CHARGE_TOP, CHARGE_BOTTOM, 100.0, _plain, (("charge", lambda column: column.charge),))
    most = ceiling([value for column in found for value in (column.minutes, column.likely)])
    long = most > 120
    yield Panel(
        MINUTES if long else SHORT,
        MINUTES_TOP,
        MINUTES_BOTTOM,
        most,
        _hours if long else _plain,
        (("minutes likely", lambda column: column.likely), ("minutes", lambda column: column.minutes)),
    )
    drawn = max((column.watts for column in found if column.watts is not None), default=0.0)
    top = next((step for step in WATTS_STEPS if step >= drawn), WATTS_STEPS[-1])
    yield Panel(WATTS, WATTS_TOP, WATTS_BOTTOM, top, _plain, (("watts", lambda column: column.watts),))


def _panel(panel: Panel, found: Sequence[Column]) -> Iterator[str]:
    yield _text(LEFT, panel.top - 12, f"{panel.words.sv}", "")
    yield _text(RIGHT, panel.top - 12, panel.words.en, "soft end")
    lines = GRID_LINES if panel.bottom - panel.top > 80 else 2
    for n in range(lines + 1):
        y = panel.bottom - (panel.bottom - panel.top) * n / lines
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
        yield _text(LEFT - 8, y + 5, panel.scale(panel.most * n / lines), "soft end")
    drawn = False
    for name, of in panel.lines:
        path = _path([of(column) for column in found], panel)
        drawn = drawn or bool(path)
        if path:
            yield f'<path class="line {name}" d="{path}"/>'
    if not drawn:
        yield _text((LEFT + RIGHT) / 2, panel.bottom - 10, str(NOT_KNOWN), "soft mid")


def _path(values: Sequence[float | None], panel: Panel) -> str:
    """A line through what is known; what is not known is a gap. A piece alone is a dot."""
    pieces = []
    for known, run in groupby(enumerate(values), key=lambda pair: pair[1] is not None):
        if known:
            points = [f"{_x(n + 0.5):.1f} {_y(value or 0.0, panel):.1f}" for n, value in run]
            pieces.append("M" + "L".join([*points, *(points if len(points) == 1 else [])]))
    return "".join(pieces)


def _cuts(found: Sequence[Column]) -> Iterator[str]:
    """Hatched where mains was lost, dotted where nobody knows; a cut is named where there is room."""
    begins = 0
    for mains, run in groupby(column.mains for column in found):
        left, begins = _x(begins), begins + sum(1 for _ in run)
        width = _x(begins) - left
        for name in {LOST: ("cut", "hatch"), ON: ()}.get(mains, ("dots",)):
            for top, bottom in BOXES:
                yield f'<rect class="{name}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{bottom - top}"/>'
        if mains == LOST and width > NAMED_LEAST:
            yield _text(left + width / 2, CHARGE_BOTTOM - 26, CUT.sv, "mark mid")
            yield _text(left + width / 2, CHARGE_BOTTOM - 9, CUT.en, "soft mid")


def _told(found: Sequence[Column], hours: int) -> Words:
    """The picture in words: now, and how much of the time was without mains."""
    last = found[-1]
    if all(column == Column() for column in found):
        return NOTHING
    mains = MAINS_IS.get(last.mains, MAINS_UNKNOWN)
    now = [f"{mains.sv}", f"{mains.en}"]
    if last.charge is not None:
        now = [f"{now[0]}, laddning {last.charge:.0f} %", f"{now[1]}, charge {last.charge:.0f} %"]
    if last.minutes is not None:
        left = lasting(last.minutes)
        now = [f"{now[0]}, räcker säkert {left}", f"{now[1]}, certainly lasts {left}"]
    runs = [sum(1 for _ in run) for mains_of, run in groupby(column.mains for column in found) if mains_of == LOST]
    whole = lasting(sum(runs) * hours * 60 / len(found))
    cuts = (
        (f"Strömavbrott: {len(runs)}, sammanlagt {whole}.", f"Power cuts: {len(runs)}, {whole} in all.")
        if runs
        else ("Inga strömavbrott.", "No power cuts.")
    )
    return Words(f"Nu: {now[0]}. {cuts[0]}", f"Now: {now[1]}. {cuts[1]}")


def _legend(found: Sequence[Column]) -> Iterator[str]:
    if any(column.mains not in (ON, LOST) for column in found):
        yield f'<rect class="dots" x="{RIGHT - 290}" y="44" width="20" height="14"/>'
        yield _text(RIGHT, 56, "okänt om nätet finns / mains not known", "soft end")


def _time(share: float, text: str) -> str:
    x = LEFT + (RIGHT - LEFT) * share
    return f'<path class="grid" d="M{x:.1f} {WATTS_BOTTOM}v6"/>' + _text(x, WATTS_BOTTOM + 22, text, "soft mid")


def _x(column: float) -> float:
    return LEFT + (RIGHT - LEFT) * column / COUNT


def _y(value: float, panel: Panel) -> float:
    return panel.bottom - (panel.bottom - panel.top) * min(max(value / panel.most, 0.0), 1.0)


def _text(x: float, y: float, text: str, names: str) -> str:
    named = f' class="{names}"' if names else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(text)}</text>'


def _plain(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _hours(minutes: float) -> str:
    return _plain(round(minutes / 60, 2))
