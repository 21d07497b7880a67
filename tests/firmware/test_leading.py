"""What goes wrong in one call, and the calls of all others: nothing of it reaches them."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Call, CallEvent, Happened, Route, Switch
from callcontrol.edge.rpc import EdgeRpc
from callcontrol.sip.agent import Agent
from callcontrol.sip.events import Invited
from callcontrol.sip.message import Request
from callcontrol.sip.user_agent import UserAgent
from firmware.config import default
from firmware.leading import Leading
from firmware.link import FAULTS_MAX, Link
from firmware.waited import FREED, Waited


def test_what_is_told_of_a_call_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it keep the next one from being told."""
    with closing(Leading(default(tmp_path), EdgeRpc(tmp_path / "edge.sock"), lambda note: None)) as leading:
        told: list[str] = []

        def saw(event: CallEvent) -> None:
            told.append(event.number)
            raise RuntimeError(event.number)

        monkeypatch.setattr(leading, "_announcing", SimpleNamespace(saw=saw, close=lambda: None))
        for number in ("1001", "1002"):
            leading._switch._tell(Happened.RINGING, Call("1"), number)
        leading._pump()
        assert told == ["1001", "1002"]


async def test_sound_that_cannot_be_loaded_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = default(tmp_path)
    config.paths.run.mkdir(parents=True)
    with closing(Leading(config, EdgeRpc(tmp_path / "edge.sock"), lambda note: None)) as leading:

        def broken() -> None:
            raise ImportError("pylibsrtp")

        monkeypatch.setattr(leading, "_loaded", broken)
        await leading._load()
        assert config.paths.no_sound.read_text() == "ImportError"
        monkeypatch.setattr(leading, "_loaded", lambda: (None, None, None))
        monkeypatch.setattr("firmware.leading.gc", SimpleNamespace(freeze=lambda: None, set_threshold=lambda n: None))
        await leading._load()
        assert not config.paths.no_sound.exists()


async def test_sound_that_cannot_be_loaded_now_is_loaded_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = default(tmp_path)
    config.paths.run.mkdir(parents=True)
    config.paths.no_sound.write_text("MemoryError")  # of the process before
    with closing(Leading(config, EdgeRpc(tmp_path / "edge.sock"), lambda note: None)) as leading:
        shown: list[bool] = []
        through = SimpleNamespace(close=lambda: None)

        def loaded() -> tuple[object, object, object]:
            shown.append(config.paths.no_sound.exists())
            if len(shown) < 3:
                raise ImportError("failed to map segment from shared object")
            return None, through, None

        monkeypatch.setattr(leading, "_loaded", loaded)
        monkeypatch.setattr("firmware.leading.SOUND_AGAIN_S", 0.001)
        monkeypatch.setattr("firmware.leading.gc", SimpleNamespace(freeze=lambda: None, set_threshold=lambda n: None))
        await asyncio.wait_for(leading._load_surely(), 5)
        assert shown == [False, True, True]
        assert not config.paths.no_sound.exists()
        assert cast(object, leading._switch.through) is through


@pytest.mark.parametrize(
    ("why", "hears"),
    [("unknown", ["1002"]), ("outside", ["1002"]), ("asked", ["1002"]), ("gone", []), ("incoming", [])],
)
def test_nobody_hears_a_mailbox_who_has_not_proved_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str, hears: list[str]
) -> None:
    """Of a call that the platform was to carry, From says who calls, and nobody has asked for more."""
    config = default(tmp_path)
    config = replace(config, announcing=replace(config.announcing, voicemail="888"))
    with closing(Leading(config, EdgeRpc(tmp_path / "edge.sock"), lambda note: None)) as leading:
        heard: list[str] = []
        monkeypatch.setattr(leading._asking, "has_mailbox", lambda number: True)
        monkeypatch.setattr(leading, "_listens_to", lambda invited, caller, mailbox: heard.append(mailbox))
        request = Request.parse(
            f"INVITE sip:%388%38@h;why={why};mode=NORMAL;caller=1002 SIP/2.0\r\n"
            "Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:1002@h>;tag=1\r\nTo: <sip:888@h>\r\n"
            "Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n".encode()
        )
        session = SimpleNamespace(refuse=lambda *words, **more: None)
        leading._invited(cast(Invited, SimpleNamespace(request=request, session=session, offer=b"")), 0.0)
        assert heard == hears


class Edge:
    """Its tables, as they are asked for."""

    def __init__(self, **tables: dict[str, int]) -> None:
        self.tables = tables

    async def call(self, method: str, *params: Any) -> Any:
        table = self.tables.setdefault(params[0], {})
        match method:
            case "htable.dump":
                return [{"slot": [{"name": name, "value": value} for name, value in table.items()]}]
            case "htable.seti":
                table[params[1]] = params[2]
            case "htable.delete":
                del table[params[1]]
        return None


def waited(edge: Edge, switch: Switch) -> Waited:
    return Waited(switch, cast(EdgeRpc, edge), lambda: None)


def test_a_fault_of_one_who_waits_ends_nothing() -> None:
    freed: list[str] = []

    def fails(number: str, now: float) -> None:
        freed.append(number)
        raise RuntimeError(number)

    edge = Edge(waited={"1001": FREED, "1002": FREED})
    switch = SimpleNamespace(freed=fails, waited_for=lambda now: set(), call_backs=lambda now: {})
    asyncio.run(waited(edge, cast(Switch, switch)).look())
    assert (freed, edge.tables["waited"]) == (["1001", "1002"], {})


def test_call_backs_outlive_the_process_and_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun() -> Switch:
        ua = UserAgent(Agent("192.0.2.1:5060", lambda: "t"), "<sip:c@h>", lambda: "t", lambda a, b: a)
        return Switch(ua, cast(Route, None), "kommun.example")

    edge, first = Edge(backs={"1009|1008": 1}), begun()
    now = time.monotonic()
    assert first.call_back("1001", "1002", now)
    assert first.call_back("1003", "1002", now)
    of_first = waited(edge, first)
    asyncio.run(of_first.look())
    assert edge.tables["backs"].keys() == {"1001|1002", "1003|1002"}
    first.no_call_backs("1003")
    edge.tables.clear()  # it has begun anew
    asyncio.run(of_first.look())
    assert edge.tables == {"waited": {"1002": 1}, "backs": {"1001|1002": pytest.approx(time.time() + 3600, abs=10)}}

    edge.tables["waited"]["1002"] = FREED  # while nobody looked
    freed: list[str] = []
    second = begun()
    monkeypatch.setattr(second, "freed", lambda number, now: freed.append(number))
    asyncio.run(waited(edge, second).look())
    assert (freed, set(second.call_backs(time.monotonic()))) == (["1002"], {("1001", "1002")})


def test_a_timer_that_fails_holds_up_no_other() -> None:
    def fails(now: float) -> None:
        raise RuntimeError

    async def work() -> None:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
        link, rings = Link(9, lambda event, now: None), asyncio.Event()

        def ring(now: float) -> None:
            rings.set()

        link.ua.at(loop.time(), fails)
        link.ua.at(loop.time(), ring)
        link.pump()
        async with asyncio.timeout(5.0):
            await rings.wait()
        assert len(faults) == 1

    asyncio.run(work())


def test_a_message_at_fault_costs_itself_alone() -> None:
    """What stands behind it in the same piece is gone through; a stream that is nothing but faults is given up."""
    received: list[bytes] = []
    closed: list[bool] = []

    def receive(data: bytes, now: float) -> None:
        received.append(data)
        if not faults or faults.pop():
            raise ValueError(data)

    async def work() -> None:
        link = Link(9, lambda event, now: None)
        ua = SimpleNamespace(
            receive=receive, next_event=lambda: None, data_to_send=lambda: b"", next_timer=lambda: None
        )
        link.ua = cast(Any, ua)
        link._wire = cast(Any, SimpleNamespace(close=lambda: closed.append(True)))
        link._received(b"one")
        assert (received, closed) == ([b"one", b"", b""], [])
        link._received(b"two")
        assert (len(received), closed) == (3 + FAULTS_MAX, [True])

    faults = [False, True, True]
    asyncio.run(work())
