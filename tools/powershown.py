"""Power in words, for `rvx status` and `rvx power`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from callcontrol.plan.schedule import STOCKHOLM
from firmware.power.ageing import Trend
from firmware.power.until import until_clock
from firmware.status import Power

__all__ = ["PARTS", "ageing_words", "clock", "power_rows", "until_words"]

PARTS = {
    "unit": ("växeln", "the unit"),
    "switch": ("switchen", "the switch"),
    "router": ("routern", "the router"),
    "fibre": ("fiberboxen", "the fibre box"),
}
_STATES = {
    "mains": "mains",
    "battery": "ON BATTERY",
    "low": "BATTERY LOW",
    "halting": "HALTING",
    None: "not known",
}


def clock(moment: str, now: datetime) -> str:
    """HH:MM here; with the day where that is another one."""
    local = datetime.fromisoformat(moment).astimezone(STOCKHOLM)
    same = local.date() == now.astimezone(STOCKHOLM).date()
    return f"{local:%H:%M}" if same else f"{local.day}/{local.month} {local:%H:%M}"


def until_words(power: Power, now: datetime) -> tuple[str, str]:
    """Swedish and English: what is promised, and what ends it."""
    if power.until is None or power.minutes is None:
        names = [PARTS[part] for part in power.unknown if part in ("unit", "switch")] or [PARTS["unit"]]
        swedish, english = (" och ".join(sv for sv, _ in names), " and ".join(en for _, en in names))
        return (f"Hur länge du kan svara är inte känt: {swedish}", f"How long you can answer is not known: {english}")
    if any(box.gone and box.part == power.limits for box in power.boxes):
        return _gone(power, now)
    at, limit = clock(power.until, now), PARTS.get(power.limits or "", ("?", "?"))
    if power.mains == "on":
        minutes = f"{power.minutes:.0f} min"
        return (
            f"Går strömmen nu kan du svara i {minutes} ({limit[0]} tar slut först)",
            f"If mains went now you could answer for {minutes} ({limit[1]} ends first)",
        )
    return (f"Du kan svara till {at} ({limit[0]} tar slut först)", f"You can answer until {at} ({limit[1]} ends first)")


def _gone(power: Power, now: datetime) -> tuple[str, str]:
    """What ends it has ended already."""
    swedish, english = PARTS[power.limits or "unit"]
    said = f"{swedish.capitalize()} gick med strömmen", f"{english.capitalize()} went with the mains"
    if not power.inside_minutes:
        return said
    at = clock(until_clock(power.inside_minutes, now).isoformat(), now)
    return f"{said[0]}; inom huset till {at}", f"{said[1]}; within the house until {at}"


def ageing_words(aged: Trend) -> tuple[str, str]:
    """Swedish and English: what a battery holds of what it first did, and when it is to be changed."""
    holds = f"{aged.wh:.0f} Wh, {aged.percent:.0f} %"
    if aged.change_at is None:
        return f"batteriet rymmer {holds} av vad det först rymde", f"the battery holds {holds} of what it first held"
    month = f"{aged.change_at:%Y-%m}"
    return (
        f"batteriet rymmer {holds} av vad det först rymde; byt {month}",
        f"the battery holds {holds} of what it first held; change it {month}",
    )


def power_rows(power: Power, now: datetime) -> Iterator[tuple[str, str, str]]:
    """Label and two cells: what is, how long, what is off. What is simulated is said each time."""
    marked = "SIMULERAD / SIMULATED" if power.simulated else ""
    unsure = "" if power.sure is not False else ", disputed"
    yield "Power", f"{_STATES.get(power.state, 'not known')}{unsure}", marked or _left(power)
    yield "", *until_words(power, now)
    for box in power.boxes:
        if box.reached is not True:
            swedish, english = PARTS.get(box.part, ("?", "?"))
            silent = box.reached is False
            yield (
                "",
                f"{swedish} svarar inte" if silent else f"om {swedish} svarar är inte känt",
                f"{english} does not answer" if silent else f"whether {english} answers is not known",
            )
    if power.mobile_minutes is not None and power.mains == "lost":
        yield "", f"mobile network typically {power.mobile_minutes:.0f} min more", ""
    if power.shed:
        yield "Shed", ", ".join(power.shed), f"next: {power.shed_next}" if power.shed_next else ""
    if power.discharging is not None:
        named = power.discharging
        yield "", f"batteriet i {named} laddas ur med flit", f"the battery of {named} is discharged on purpose"
    if not power.time_certain:
        yield "", "tiden var okänd när strömmen gick", "the time was not known when mains went"


def _left(power: Power) -> str:
    charges = [one.charge_percent for one in power.sources if one.charge_percent is not None]
    likely = "" if power.likely_minutes is None else f"likely {power.likely_minutes:.0f} min"
    return ", ".join(filter(None, (f"{charges[0]:.0f} %" if charges else "", likely)))
