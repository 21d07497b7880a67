"""Waiting in step, and what was written."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from drivers.pace import left_s
from firmware.news import News


@given(st.floats(0, 1e7), st.sampled_from([0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0]))
def test_a_turn_is_a_whole_multiple_and_neither_at_once_nor_far_away(now_s: float, every_s: float) -> None:
    left = left_s(now_s, every_s)
    assert 0.099 * every_s < left < 1.101 * every_s
    turn = (now_s + left) / every_s
    assert abs(turn - round(turn)) < 1e-4


def test_news_are_what_was_written_what_was_left_and_what_is_long_ago(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    news = News(10.0, lambda: (file,))
    assert news.came(0.0)
    assert not news.came(1.0)
    file.write_text("x")
    assert news.came(2.0)
    (tmp_path / "a.db-wal").write_text("y")
    assert news.came(3.0)
    assert not news.came(4.0)
    os.utime(file, ns=(1, 1))
    assert news.came(5.0)
    news.again()
    assert news.came(6.0)
    assert not news.came(15.9)
    assert news.came(16.0)
