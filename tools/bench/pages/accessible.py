"""Whether everybody can use the pages, and how many touches it takes to be away: in Debian's Chromium, of an office.

Every state of every page is judged by axe-core as WCAG 2.2 AA, and at the width of a small telephone; in light and
dark, Swedish and English, at the size of a telephone and a desk. A touch is a click, counted from one's
own page."""

from __future__ import annotations

from collections.abc import Callable

from hil.pages import TELEPHONE, Pages, browser, sign_in
from hil.pagestates import LOOKS, judged, sampled, touches
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["measure"]

MOST_TOUCHES = 2
QUICK_EVERY, QUICK_REASONS = 2, 10


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    tell("an office, and a browser")
    with Pages() as pages, browser() as started:
        pages.fill()
        seen, faults = 0, dict[str, int]()
        for _, _, found in sampled(started, pages, QUICK_EVERY) if quick else judged(started, pages, LOOKS):
            seen += 1
            for fault in found:
                rule = fault.partition(":")[0]
                faults[rule] = faults.get(rule, 0) + 1
        tell("being away")
        context, page = sign_in(started, pages, size=TELEPHONE)
        taken = touches(page, QUICK_REASONS if quick else None)
        context.close()
        version = started.version
    made = Class.REAL_PEER
    figures = [
        Figure("axe_violations", sum(faults.values()), seen, "axe_samples", made, Goal(0)),
        Figure("referral_touches", max(taken.values()), len(taken), "touch_samples", made, Goal(MOST_TOUCHES)),
    ]
    return figures, {"chromium": version, **{f"axe {rule}": count for rule, count in faults.items()}}
