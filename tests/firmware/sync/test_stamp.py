"""Stamps: text order is order, each is later than all that was seen, none runs away into the future."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sync.stamp import DRIFT_MAX_MS, MS_MAX, Stamp, after, is_ahead, settled

NODE = "0123456789abcdef"
NOW_MS = 1_795_000_000_000
nodes = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
stamps = st.builds(Stamp, st.integers(0, MS_MAX), st.integers(0, 0xFFFF), nodes)


@given(stamps, stamps)
def test_text_order_is_order(one: Stamp, other: Stamp) -> None:
    assert Stamp.of(str(one)) == one
    assert (str(one) < str(other)) == (one < other)


@given(stamps, st.integers(-(1 << 60), 1 << 60))
def test_the_next_is_later_than_what_was_seen_and_than_the_clock(last: Stamp, now_ms: int) -> None:
    if last.ms == MS_MAX:
        return
    new = after(str(last), now_ms, NODE)
    assert Stamp.of(new).ms >= min(max(now_ms, 0), MS_MAX)
    assert (Stamp.of(new).ms, Stamp.of(new).counter) > (last.ms, last.counter)


@pytest.mark.parametrize("text", ["", "x", "0" * 12, f"{0:012x}-0000-", f"{0:012x}-0000-A", f"{0:013x}-0000-a", "é"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="stamp"):
        Stamp.of(text)


@pytest.mark.parametrize(
    ("ahead_ms", "other"),
    [(-10_000_000_000, False), (0, False), (DRIFT_MAX_MS, False), (DRIFT_MAX_MS + 1, True), (10**12, True)],
)
def test_one_from_the_future_is_as_if_it_was_set_when_it_came(ahead_ms: int, other: bool) -> None:
    stamp, last = str(Stamp(NOW_MS + ahead_ms, 3, NODE)), str(Stamp(NOW_MS - 5, 7, "hub"))
    assert is_ahead(stamp, NOW_MS) is other
    found, changed = settled(stamp, last, NOW_MS)
    assert changed is other
    assert found == (str(Stamp(NOW_MS, 0, NODE)) if other else stamp)


def test_what_has_no_stamp_gets_one() -> None:
    assert settled(None, "", NOW_MS) == (str(Stamp(NOW_MS, 0, "hub")), True)
