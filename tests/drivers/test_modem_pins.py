"""A PIN is tried once, also over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.modem.pins import PinFile


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "pins.json"
    pins = PinFile(file, "1")
    assert pins.may_try("8946")
    pins.trying("8946")
    assert not PinFile(file, "1").may_try("8946"), "after a restart"
    assert PinFile(file, "1").may_try("8945"), "another card"
    assert PinFile(file, "2").may_try("8946"), "somebody has written another PIN"
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_accepted_may_be_tried_again(tmp_path: Path) -> None:
    pins = PinFile(tmp_path / "pins.json", "1")
    pins.trying("8946")
    pins.trying("8945")
    pins.accepted("8946")
    assert pins.may_try("8946")
    assert not pins.may_try("8945")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"8946": 1}', "\x00"])
def test_a_file_that_cannot_be_read_lets_nothing_be_tried(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "pins.json"
    file.write_text(damage)
    pins = PinFile(file, "1")
    assert not pins.may_try("8946")
    with pytest.raises(OSError, match="pins"):
        pins.trying("8946")


def test_without_a_folder_nothing_is_tried(tmp_path: Path) -> None:
    pins = PinFile(tmp_path / "none" / "pins.json", "1")
    with pytest.raises(OSError, match="none"):
        pins.trying("8946")
