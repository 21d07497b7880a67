"""A copy of the hub, and a hub made of it: nothing that a unit was told is held is lost by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware.sync.wire import Item
from tools.hub.backup import COPIES_KEPT, BackupError, back_up, newest, restore
from tools.hub.place import Place
from tools.hub.sound import Sound
from tools.hub.taking import Taking
from tools.hub.testing import Running

NOW = datetime.now(UTC)
EPOCH = "00000000000000aa"
AT = "2026-11-23T09:00:00.000000Z"
Make = Callable[..., Any]


def entry(n: int) -> dict[str, Any]:
    return {"n": n, "at": AT, "stamp": None, "kind": "notice", "subject": "", "body": {"n": n}}


def lock(extension: str, stamp: str) -> Item:
    row = {"extension": extension, "since": AT, "set_by": "anna"}
    return Item("lock", extension, row, stamp, "skolan")


async def test_only_what_a_copy_holds_is_told_as_backed_up(hub: Running, unit: Make, tmp_path: Path) -> None:
    one = await unit()
    await one.greet()
    await one.send(entry(1), entry(2), entry(4))
    back_up(hub.store, tmp_path / "copies", NOW)
    _, answer = await one.send(entry(3))
    assert (answer["held"], answer["backed_up"]) == (4, 2)
    assert (await one.greet())["backed_up"] == {EPOCH: 2}
    back_up(hub.store, tmp_path / "copies", NOW + timedelta(seconds=1))
    assert (await one.greet())["backed_up"] == {EPOCH: 4}


async def test_a_hub_of_yesterday_hears_again_what_was_set_since(hub: Running, unit: Make, tmp_path: Path) -> None:
    one = await unit()
    await one.greet()
    await one.send(entry(1), entry(2))
    sound = b"a" * 1000
    sha = hashlib.sha256(sound).hexdigest()
    Sound(hub.store).add(one.unit, sha, 0, 1000, sound, NOW)
    copy = back_up(hub.store, tmp_path / "copies", NOW)
    await one.send(entry(3))
    place = Place(tmp_path / "again")
    again = restore(copy.folder, place, NOW)
    try:
        assert again.generation != hub.store.generation
        assert Sound(again).path(sha).read_bytes() == sound
        taking = Taking(again)
        life = taking.entries.life(one.unit, EPOCH)
        assert life is not None
        assert (life.held, life.backed_up) == (2, 2)  # the unit sends the third again, as no copy had it
        stamp = f"{int(NOW.timestamp() * 1000):012x}-0000-skolan"
        assert taking.state(one.unit, [lock("1001", stamp), lock("1002", stamp)], NOW) == 2
        assert taking.state(one.unit, [lock("1001", stamp)], NOW) == 0
    finally:
        again.close()


def test_a_copy_that_is_not_whole_is_not_used(hub: Running, tmp_path: Path) -> None:
    copy = back_up(hub.store, tmp_path / "copies", NOW).folder
    database = copy / "hub.db"
    data = bytearray(database.read_bytes())
    data[-1] ^= 1
    database.write_bytes(data)
    with pytest.raises(BackupError, match=r"hub\.db"):
        restore(copy, Place(tmp_path / "again"), NOW)
    assert not (tmp_path / "again").exists()
    (copy / "manifest.json").write_text(json.dumps({"format": "x"}))
    with pytest.raises(BackupError, match="no copy"):
        restore(copy, Place(tmp_path / "again"), NOW)


def test_a_hub_is_made_only_where_there_is_none(hub: Running, tmp_path: Path) -> None:
    copy = back_up(hub.store, tmp_path / "copies", NOW).folder
    with pytest.raises(BackupError, match="not empty"):
        restore(copy, hub.place, NOW)


def test_no_copy_in_the_hubs_own_folder(hub: Running) -> None:
    with pytest.raises(BackupError, match="own folder"):
        back_up(hub.store, hub.place.state / "copies", NOW)
    assert not (hub.place.state / "copies").exists()


def test_the_oldest_copies_go(hub: Running, tmp_path: Path) -> None:
    copies = [back_up(hub.store, tmp_path / "c", NOW + timedelta(hours=n)).folder for n in range(COPIES_KEPT + 2)]
    assert [one.exists() for one in copies] == [False, False] + [True] * COPIES_KEPT
    assert newest(tmp_path / "c") == copies[-1]
    for file in copies[-1].rglob("*"):
        assert file.stat().st_mode & 0o077 == 0 or file.name == "manifest.json"
