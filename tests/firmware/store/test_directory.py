"""Credentials: what is refused, what is kept."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from callcontrol.digest import ha1
from firmware.store import Credential, Directory

GOOD = Credential(
    extension="1140",
    mode=1,
    ha1_md5=ha1("1140", "region.example", "secret", "md5"),
    ha1_sha256=ha1("1140", "region.example", "secret", "sha256"),
    realm="region.example",
    user="1140",
    changed_at="2026-11-22T00:41:09Z",
)
LEARNT = replace(GOOD, extension="1141", mode=4, ha1_md5=None, ha1_sha256=None)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with closing(Directory.open(tmp_path / "directory.db")) as opened:
        yield opened


def test_put_replace_remove(directory: Directory) -> None:
    directory.put_credentials([LEARNT, GOOD])
    changed = replace(GOOD, mode=2, ha1_sha256=None)
    directory.put_credential(changed)
    assert directory.credentials() == (changed, LEARNT)
    assert directory.remove("1140")
    assert not directory.remove("1140")
    assert directory.credentials() == (LEARNT,)


def test_it_is_there_after_a_new_start(tmp_path: Path) -> None:
    first = Directory.open(tmp_path / "directory.db")
    first.put_credential(GOOD)
    first.close()
    with closing(Directory.open(tmp_path / "directory.db")) as second:
        assert second.credentials() == (GOOD,)


def test_all_or_none(directory: Directory) -> None:
    with pytest.raises(ValueError, match="extension"):
        directory.put_credentials(replace(GOOD, extension=name) for name in ("1", "2", "3:4"))
    assert directory.credentials() == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("extension", ""),
        ("extension", "1" * 33),
        ("extension", "11:40"),
        ("extension", "1140\n"),
        ("user", 'a"b'),
        ("user", "a:b"),
        ("realm", "a\nb"),
        ("ha1_md5", "0" * 31),
        ("ha1_md5", "A" * 32),
        ("ha1_sha256", "0" * 32),
    ],
)
def test_a_field_that_would_mean_something_else_in_the_edge_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(GOOD, **{field: value})  # type: ignore[arg-type]  # each field in turn


@pytest.mark.parametrize(("mode", "hashes"), [(0, True), (5, True), (4, True), (1, False), (3, False)])
def test_mode_and_hashes_agree(mode: int, hashes: bool) -> None:
    with pytest.raises(ValueError, match="mode"):
        replace(GOOD if hashes else LEARNT, mode=mode)


def test_a_hash_is_shown_nowhere() -> None:
    assert GOOD.ha1_md5
    assert GOOD.ha1_md5 not in repr(GOOD)
    with pytest.raises(ValueError, match="ha1_md5") as raised:
        replace(GOOD, ha1_md5="not to be shown")
    assert "shown" not in str(raised.value)
