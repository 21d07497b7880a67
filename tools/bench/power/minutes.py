"""How far off the minutes left are, of real batteries' curves that the estimator was never tuned on
(hil/discharges.toml), after each has been discharged twice; and how often what is shown as certain was too much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from firmware.power.battery import Battery
from firmware.power.learning import learn
from firmware.power.minutes import Gauge
from hil.discharged import Bank, banks, discharge
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["Look", "looks", "measure"]

SEEDS, SEEDS_QUICK = 20, 3
LESSONS = 2
LONG_MIN, LAST_MIN = 60.0, 30.0
EVERY = 6
"""A look each minute."""
LABEL = 1.15
"""What a label says of what a battery holds."""
HOURS = (1.5, 3.0, 6.0)
"""About how long the three discharges take; each battery has them in another order."""


class Look(NamedTuple):
    """Minutes: the truth, and what was shown."""

    truth: float
    likely: float | None
    lower: float | None


def looks(bank: Bank, seed: int) -> Iterator[Look]:
    """Of the discharge after LESSONS."""
    battery = Battery(chemistry=bank.chemistry, cells=bank.cells, full_wh=None if bank.mains_ups else bank.wh * LABEL)
    for number in range(LESSONS + 1):
        hours = HOURS[(number + seed) % len(HOURS)]
        # A mains UPS is meant for less: its table ends at three hours.
        watts = bank.wh / (hours / 2 if bank.mains_ups else hours)
        made = discharge(bank, number, watts, seed)
        if number < LESSONS:
            battery = learn(battery, made.samples, died=True)
    gauge = Gauge(battery)
    for count, sample in enumerate(made.samples):
        gauge.feed(sample)
        if count % EVERY == 0 and count:
            shown = gauge.left()
            yield Look((made.end_s - sample.at_s) / 60, shown.likely, shown.lower)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Some twenty seconds, with `quick` three; the figures, and what they were measured under."""
    seeds = SEEDS_QUICK if quick else SEEDS
    held = [bank for bank in banks() if bank.held]
    tell(f"minutes left: {len(held)} batteries, {seeds} times each")
    errors: list[float] = []
    last = optimistic = unknown = 0
    for bank in held:
        for seed in range(seeds):
            for look in looks(bank, seed):
                if look.likely is None or look.lower is None:
                    unknown += 1
                    continue
                if look.truth >= LONG_MIN:
                    errors.append(100 * abs(look.likely - look.truth) / look.truth)
                elif look.truth <= LAST_MIN:
                    last += 1
                    optimistic += look.lower > look.truth
    errors.sort()
    p90 = errors[math.ceil(len(errors) * 0.9) - 1] if errors else None
    return [
        Figure("minutes_error_percent_p90", p90, len(errors), "minutes_looks", Class.SIMULATED, Goal(10)),
        Figure(
            "optimistic_in_last_30_min_percent",
            100 * optimistic / last if last else None,
            last,
            "last_30_min_looks",
            Class.SIMULATED,
            Goal(2),
        ),
    ], {
        "batteries": ", ".join(bank.name for bank in held),
        "minutes_unknown": unknown,
        "minutes_are": "real batteries' curves, held; load, resistance and gauges are simulated",
    }
