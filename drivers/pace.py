"""In step: what several tasks, and several processes, do at one pace wakes the machine once, not each for itself."""

from __future__ import annotations

import math

__all__ = ["left_s"]

LEAST_SHARE = 0.1
"""Of a pace: who has less than this left to the next turn waits for the one after it."""


def left_s(now_s: float, every_s: float) -> float:
    """To the next whole multiple of `every_s`: a tenth of that at the least, 1.1 times it at the most. `now_s`: of
    the loop's clock, which all processes of a machine share."""
    return math.ceil(now_s / every_s + LEAST_SHARE) * every_s - now_s
