"""Echo by ICMP on this machine's loopback, where the machine lets it."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from drivers.reach import Pinger, _checksum, _echo, _is_answer


def test_an_echo_is_known_again_and_nothing_else_is() -> None:
    asked = _echo(7, b"0123456789abcdef")
    assert _checksum(asked) == 0, "RFC 1071: the sum over all of it"
    answer = b"\0" + asked[1:]
    head = bytes([0x45]) + bytes(19)
    assert _is_answer(answer, 7, b"0123456789abcdef")
    assert _is_answer(head + answer, 7, b"0123456789abcdef")
    for other in (asked, answer[:6], b"", b"\x45", head + asked, answer[:-1], b"\x4f" + answer):
        assert not _is_answer(other, 7, b"0123456789abcdef")
    assert not _is_answer(answer, 8, b"0123456789abcdef")


async def test_this_machine_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await Pinger("router", "127.0.0.1").look()
    if seen.reached is None:
        pytest.skip("this machine lets nobody send an echo")
    assert seen.reached is True
    assert seen.rtt_ms is not None


async def test_who_may_not_ask_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("drivers.reach._socket", refuses)
    told: asyncio.Queue[bool | None] = asyncio.Queue()
    pinger = Pinger("router", "127.0.0.1", every_s=0.001)
    running = asyncio.create_task(pinger.run(lambda seen: told.put_nowait(seen.reached)))
    assert [await told.get(), await told.get()] == [None, None]
    running.cancel()


@pytest.mark.parametrize("address", ["", "router", "10.0.0.256", "::1", "10.0.0.1\n"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ipaddress.AddressValueError):
        Pinger("router", address)
