"""What is wrong with the power, by the facts of a status alone."""

from __future__ import annotations

from collections.abc import Iterator

from firmware.power.ageing import CHANGE_PERCENT
from firmware.status import Power, Problem, Severity

__all__ = ["power_problems"]

_DOUBTS = {
    "outvoted": "the others say the contrary",
    "disputed": "another one says the contrary, and there is no third",
    "against_battery": "a battery shows the contrary",
    "stuck": "it stands still while it is drained",
    "jumps": "its charge jumps",
    "against_volts": "its charge does not fit its volts",
}
_WIRED = {
    "backwards": "a cut of mains has shown that it is set the wrong way round",
    "unconnected": "it did not move with mains in a cut",
}


def power_problems(power: Power | None) -> Iterator[Problem]:
    """Most severe first."""
    if power is None:
        return
    left = "not known" if power.minutes is None else f"{power.minutes:.0f} min certain"
    if power.halt is not None or power.state == "halting":
        yield Problem(
            "RVX-W06", Severity.FAIL, "power",
            observed=f"the unit halts ({power.halt or 'now'}): its battery is at its end",
            expected="mains",
            effect="no call gets through this unit until mains is back",
            fix="bring mains back; it then goes on, or starts by itself",
            since=power.since,
        )  # fmt: skip
    elif power.mains == "lost":
        yield Problem(
            "RVX-W05" if power.state == "low" else "RVX-W04",
            Severity.FAIL if power.state == "low" else Severity.WARN, "power",
            observed=f"mains is gone, {left}",
            expected="mains",
            effect="the unit halts when its battery is at its end",
            fix="see whether it is the house or a fuse; tell who needs the phones",
            since=power.since,
        )  # fmt: skip
    elif power.state is None:
        yield Problem(
            "RVX-W07", Severity.WARN, "power",
            observed="it is not known whether there is mains",
            expected="a source that tells",
            effect="nothing is shed and nothing halts: the unit goes when its battery does",
            fix="rvx power status says what each source lacks",
        )  # fmt: skip
    doubted = [f"{one.name}: {_DOUBTS[doubt]}" for one in power.sources for doubt in one.doubts if doubt in _DOUBTS]
    if doubted:
        yield Problem(
            "RVX-W08", Severity.WARN, "power",
            observed="; ".join(doubted),
            expected="sources that agree with each other and with their batteries",
            effect="it is not believed, the others are",
            fix="look at its wiring and its polarity: rvx power test",
        )  # fmt: skip
    wired = [f"{one.name}: {_WIRED[doubt]}" for one in power.sources for doubt in one.doubts if doubt in _WIRED]
    if wired:
        yield Problem(
            "RVX-W14", Severity.WARN, "power",
            observed="; ".join(wired),
            expected="wired as [[ups]] says",
            effect="it contradicts the others, and nothing halts while it does; its current is left out",
            fix="rvx power status has the setting that the cut has shown (proved); set it in unit.toml",
        )  # fmt: skip
    silent = [
        f"{one.name} ({one.trouble or one.doubts[0]})"
        for one in power.sources
        if (one.trouble and one.name != power.discharging) or _gone(one.doubts)
    ]
    if silent and power.state is not None:
        yield Problem(
            "RVX-W09", Severity.WARN, "power",
            observed=f"not told, or not all: {', '.join(silent)}",
            expected="a reading each few seconds",
            effect="one source less to go by",
            fix="look at its cable, its driver, its name in unit.toml",
        )  # fmt: skip
    worn = [
        f"{one.name}: {one.holds_percent:.0f} %"
        for one in power.sources
        if one.holds_percent is not None and one.holds_percent < CHANGE_PERCENT
    ]
    if worn:
        yield Problem(
            "RVX-W15", Severity.WARN, "power",
            observed=f"a worn battery, of what it held at first: {', '.join(worn)}",
            expected=f"{CHANGE_PERCENT:.0f} % or more",
            effect="it lasts less from month to month, and may end at once",
            fix="change it; the figure is the old one's until a discharge has taught the new one's",
        )  # fmt: skip
    dark = [f"{box.part} ({box.address})" for box in power.boxes if box.reached is False]
    if dark:
        yield Problem(
            "RVX-W13", Severity.WARN, "power",
            observed=f"does not answer: {', '.join(dark)}",
            expected="an answer to a ping",
            effect="if it has no power nobody outside reaches this house by it",
            fix="see whether it has power, and whether it answers pings at all; else leave it out of [[reach]]",
        )  # fmt: skip
    if power.shed:
        yield Problem(
            "RVX-W10", Severity.WARN, "power",
            observed=f"switched off to make the battery last: {', '.join(power.shed)}",
            expected="all on",
            effect="what hangs on them does not work",
            fix="nothing: they come back with mains",
        )  # fmt: skip
    if power.faults:
        yield Problem(
            "RVX-W11", Severity.WARN, "power",
            observed=f"could not be switched: {'; '.join(power.faults)}",
            expected="switched as [[load]] says",
            effect="the battery ends sooner, or something stays dark",
            fix="look at its name, and at the rights of the unit's processes",
        )  # fmt: skip


def _gone(doubts: tuple[str, ...]) -> bool:
    return bool({"absent", "old"} & set(doubts))
