"""What `unit` is told by the process `trunk`."""

import asyncio
from pathlib import Path

import pytest

from firmware.answering import serving
from firmware.status import Modem, Trunk
from firmware.trunk import asked
from firmware.trunk.asked import Asked, tell_power_ends

SAID = {"name": "telia", "service": "voice", "dbm": -71, "card": "red", "proofs": {}}


async def _seen(place: Path, until: Trunk) -> Trunk:
    asking = Asked(place)
    task = asyncio.create_task(asking.run())
    try:
        async with asyncio.timeout(5):
            while asking.seen != until:  # noqa: ASYNC110  it is looked at, as `unit` does
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
    return asking.seen


async def test_a_process_that_answers(tmp_path: Path) -> None:
    async def answer(question: dict[str, object]) -> dict[str, object]:
        assert question == {"do": "status"}
        return {"schema": 1, "modems": [SAID], "shared": []}

    told = Trunk(True, (Modem("telia", "voice", dbm=-71, card="red"),))
    async with serving(tmp_path / "trunk.sock", answer):
        assert await _seen(tmp_path / "trunk.sock", told) == told
    assert not (tmp_path / "trunk.sock").exists()


@pytest.mark.parametrize(
    "said", [b"", b"[", b"7", b'{"modems": 3}', b"[" * 100_000], ids=["empty", "cut", "number", "field", "deep"]
)
async def test_one_that_does_not(tmp_path: Path, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(said)
        writer.close()

    monkeypatch.setattr(asked, "START_S", -1.0)
    server = await asyncio.start_unix_server(answer, tmp_path / "trunk.sock")
    assert await _seen(tmp_path / "trunk.sock", Trunk(False)) == Trunk(False)
    server.close()


async def test_one_that_is_not_there_yet(tmp_path: Path) -> None:
    asking = Asked(tmp_path / "none.sock")
    task = asyncio.create_task(asking.run())
    await asyncio.sleep(0.05)
    assert asking.seen == Trunk()
    task.cancel()


@pytest.mark.parametrize(("answered", "told"), [({"told": 2}, 2), ({"told": 0}, 0), ({"error": "no"}, None)])
async def test_who_is_in_a_call_is_told_that_power_ends(
    tmp_path: Path, answered: dict[str, object], told: int | None
) -> None:
    async def answer(question: dict[str, object]) -> dict[str, object]:
        assert question == {"do": "tell_power_ends"}
        return answered

    async with serving(tmp_path / "trunk.sock", answer):
        if told is None:
            with pytest.raises(ValueError, match="no answer"):
                await tell_power_ends(tmp_path / "trunk.sock")
        else:
            assert await tell_power_ends(tmp_path / "trunk.sock") == told


async def test_a_place_that_cannot_be_had_ends_no_process(tmp_path: Path) -> None:
    async def answer(question: dict[str, object]) -> dict[str, object]:
        return question

    async with serving(tmp_path / "none" / "trunk.sock", answer):
        pass
