"""The process `trunk` without an edge or modems: what keeps 112 with it goes on, whatever befalls the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from callcontrol.sip.message import Request, Response
from callcontrol.trunk.smsqueue import Kind, State
from drivers.modem.model import Back, Event, Modem, Sim, SimState
from firmware.config import default
from firmware.link import Link
from firmware.store.sms import Sms, SmsRows
from firmware.trunk import process, sms
from firmware.trunk.process import Trunk
from firmware.trunk.sms import Messaging

T = TypeVar("T")
SOON_S = 5.0


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not reached():  # noqa: ASYNC110  a store and a log set no event
            await asyncio.sleep(0.002)


class Silent:
    """A modem that is not there."""

    name = "m1"

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        pass


class Edge:
    """The link: it answers OPTIONS, and a BYE never."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.local_port = 1
        self.asked: list[str] = []
        self.byes: list[Request] = []
        self.given_up = 0

    async def options(self, user: str = "") -> Response | None:
        self.asked.append(user)
        await asyncio.sleep(0)
        return Response.parse(b"SIP/2.0 200 OK\r\n\r\n") if not user else None

    async def request(self, request: Request) -> Response | None:
        self.byes.append(request)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return None


async def test_who_does_not_answer_a_bye_keeps_112_from_no_modem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge hears each second that the process lives, while a call that was left is being ended; by each connection
    once."""
    monkeypatch.setattr(process, "SAYS_EVERY_S", 0.01)
    trunk, edge = Trunk(default(tmp_path), lambda settings: cast(Modem, Silent())), Edge()
    trunk.link = cast(Link, edge)
    left = cast(Request, object())
    trunk._left = [left]
    living = asyncio.create_task(trunk._live())
    await until(lambda: edge.asked.count("") >= 5)
    assert edge.byes == [left]
    edge.local_port = 2
    await until(lambda: edge.byes == [left, left])
    assert edge.given_up == 1
    living.cancel()
    for task in tuple(trunk._tasks):
        task.cancel()
    await asyncio.gather(living, *trunk._tasks, return_exceptions=True)
    trunk._memory.close()


class Here(Executor):
    """A thread that cannot be started so many times."""

    def __init__(self, fails: int = 0) -> None:
        self.fails, self.done = fails, 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("can't start new thread")
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        self.done += 1
        return done


class Ready:
    """As much of a modem as messages need; the first that it is given finds a fault of ours."""

    name = "m1"
    sim = Sim(SimState.READY)

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        listener(Back())

    async def send_sms(self, tpdu: bytes) -> int:
        self.sent.append(tpdu)
        if len(self.sent) == 1:
            raise KeyError("a fault")
        return 1


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "AGAIN_S", 0.01)
    monkeypatch.setattr(sms, "NEXT_EVERY_S", 0.01)
    monkeypatch.setattr(sms, "LOOK_EVERY_S", 0.02)


@pytest.mark.usefixtures("at_once")
async def test_messages_go_on_when_a_thread_can_be_had(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    thread = Here(fails=3)
    running = asyncio.create_task(Messaging(default(tmp_path), [], thread=thread).run())
    await until(lambda: thread.done >= 2)
    assert not running.done()
    assert "kind=fault of=sms" in caplog.text
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.usefixtures("at_once")
async def test_a_fault_over_one_message_leaves_it_in_doubt_and_sends_the_next(tmp_path: Path) -> None:
    config, modem = default(tmp_path), Ready()
    rows = SmsRows.open(config.paths.journal)

    def put(name: str) -> None:
        now = datetime.now(UTC)
        rows.put([Sms(id=name, kind=Kind.MESSAGE, number="+46701112233", text=name, set_by="rig", queued_at=now)])

    def states() -> dict[str, State]:
        return {one.sms.id: one.state for one in rows.newest(9)}

    put("first")
    running = asyncio.create_task(Messaging(config, [cast(Modem, modem)], thread=Here()).run())
    await until(lambda: states()["first"] is State.PERHAPS)
    put("second")
    await until(lambda: states()["second"] is State.SENT)
    assert states()["first"] is State.PERHAPS
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    rows.close()
