"""What waits in mailboxes is told to the edge: when it has changed, and all of it to a new edge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from callcontrol.sip.message import Request, Response
from firmware import waitinglamps
from firmware.link import Link
from firmware.store.mailbox import Mailbox
from firmware.store.messages import Message, MessageRows
from firmware.waitinglamps import WaitingLamps

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def soon(_: float) -> None:
        await asyncio.sleep(0.005)

    monkeypatch.setattr(waitinglamps, "tick", soon)


class Edge:
    """`status`: what it answers; None: nothing."""

    def __init__(self) -> None:
        self.local_port: int | None = 1
        self.status: int | None = 200
        self.told: list[str] = []

    async def request(self, request: Request) -> Response | None:
        if self.status is None:
            return None
        if self.status == 200:
            waiting, voice = request.body.decode().splitlines()
            self.told.append(f"{request.request_uri.user} {waiting.split()[1]} {voice.split()[1]}")
        return Response.answering(request, self.status, "X")


def within(journal: Path, work: Callable[[Edge], Iterator[list[str]]]) -> None:
    """`work` does something, and says what the edge has been told then."""

    async def life() -> None:
        edge = Edge()
        lamps = asyncio.create_task(WaitingLamps(journal, cast(Link, edge), "kommun.example").run())
        try:
            for wanted in work(edge):
                async with asyncio.timeout(5.0):
                    while edge.told != wanted:
                        assert edge.told == wanted[: len(edge.told)]
                        await asyncio.sleep(0.005)
                await asyncio.sleep(0.05)
                assert edge.told == wanted, "and nothing more"
        finally:
            lamps.cancel()
            await asyncio.gather(lamps, return_exceptions=True)

    asyncio.run(life())


def leave(journal: Path, name: str, extension: str = "1001") -> None:
    with closing(MessageRows.open(journal)) as rows:
        rows.left(Message(id=name, extension=extension, left_at=NOW, length_ms=1000))


def test_what_changes_is_told_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"

    def work(edge: Edge) -> Iterator[list[str]]:
        yield []
        leave(journal, "a")
        leave(journal, "nobody's", "")
        yield ["1001 yes 1/0"]
        leave(journal, "b", "1002")
        yield ["1001 yes 1/0", "1002 yes 1/0"]
        with closing(Mailbox.open(journal)) as store:
            store.heard("1001", "a", "1001", NOW)
        yield [*edge.told, "1001 no 0/1"]
        with closing(Mailbox.open(journal)) as store:
            store.discard("1001", "a", "1001", NOW)
        yield [*edge.told, "1001 no 0/0"]

    within(journal, work)


def test_a_new_edge_is_told_all_of_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    leave(journal, "a")

    def work(edge: Edge) -> Iterator[list[str]]:
        yield ["1001 yes 1/0"]
        edge.local_port = None
        leave(journal, "b", "1002")
        yield ["1001 yes 1/0"]
        edge.local_port = 2
        yield ["1001 yes 1/0", "1001 yes 1/0", "1002 yes 1/0"]

    within(journal, work)


def test_a_lamp_that_was_left_on_is_put_out(tmp_path: Path) -> None:
    """By a process that begins after the mailbox was emptied."""
    journal = tmp_path / "journal.db"
    leave(journal, "a")
    with closing(Mailbox.open(journal)) as store:
        store.discard("1001", "a", "1001", NOW)
    within(journal, lambda edge: iter([["1001 no 0/0"]]))


@pytest.mark.parametrize("status", [None, 500])
def test_what_it_does_not_take_it_is_told_again(status: int | None, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    leave(journal, "a")

    def work(edge: Edge) -> Iterator[list[str]]:
        edge.status = status
        yield []
        edge.status = 200
        yield ["1001 yes 1/0"]

    within(journal, work)


def test_a_store_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    journal.write_bytes(b"no database" * 100)

    def work(edge: Edge) -> Iterator[list[str]]:
        yield []
        journal.unlink()
        leave(journal, "a")
        yield ["1001 yes 1/0"]

    within(journal, work)
