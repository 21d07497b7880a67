"""The staff's rules, on made-up sights of a storm."""

from __future__ import annotations

from collections import Counter

import pytest

from hil.staffed import Seen, Way, staff_breaches

PAGE: Way = ("1051", "page")


def seen(tried: int, acknowledged: int, kept: int | None, *, since: int = 0) -> Seen:
    """`since`: so many were acknowledged after the journal was looked at."""
    looked = None if kept is None else (Counter({PAGE: kept}), Counter({PAGE: acknowledged - since}))
    return Seen(tried=Counter({PAGE: tried}), acknowledged=Counter({PAGE: acknowledged}), kept=looked)


@pytest.mark.parametrize(
    ("what", "breaches"),
    [
        (seen(0, 0, 0), 0),
        (seen(3, 3, None), 0),
        (seen(3, 3, 3), 0),
        (seen(3, 2, 3), 0),  # kept, and its answer was lost
        (seen(3, 2, 2), 0),  # under way
        (seen(3, 3, 2, since=1), 0),
        (seen(3, 3, 2), 1),  # lost
        (seen(3, 3, 4), 1),  # said again, and kept twice
    ],
)
def test_kept_is_what_was_acknowledged_and_no_more_than_was_set(what: Seen, breaches: int) -> None:
    assert len(list(staff_breaches(what, 1.0))) == breaches


def test_what_is_not_so_at_the_end() -> None:
    what = Seen(
        wrong=["1051, back at the end: taken, and it is meeting"], mail=["mail rig-1 came 2 times, with 0 doubts"]
    )
    found = [(breach.rule, breach.why) for breach in staff_breaches(what, 1.0)]
    assert found == [("staff", what.wrong[0]), ("mail", what.mail[0])]
