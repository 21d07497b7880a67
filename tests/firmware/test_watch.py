"""What is read of the edge's tables."""

import pytest

from firmware.watch import held_phones

NOW_S = 1_800_000_000.0


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        ({}, ()),
        ({"1001|10.98.0.11": f"3|{int(NOW_S) + 60}"}, ("1001",)),
        ({"1001|10.98.0.11": f"3|{int(NOW_S) - 1}", "1002|10.98.0.12": "1|0"}, ()),
        ({f"1001|10.98.0.{n}": f"4|{int(NOW_S) + n}" for n in (11, 12)}, ("1001",)),
        ({"-|10.98.0.9": f"9|{int(NOW_S) + 600}"}, ("phones not known here",)),
        ({"1001|10.98.0.11": "", "1002|": None, "1003|x": 3, "1004|x": "3|soon"}, ()),
    ],
)
def test_phones_kept_from_the_platform(rows: dict[str, object], held: tuple[str, ...]) -> None:
    assert held_phones(rows, NOW_S) == held
