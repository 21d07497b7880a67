"""What is kept up on a laptop: real processes, that do nothing but live."""

from __future__ import annotations

import asyncio
import os

from firmware.processes import Program, Supervisor

WAIT_S = 10.0


def program(name: str) -> Program:
    return Program(name, ["/bin/sleep", "60"])


def lives(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_another_set_of_programs_leaves_those_that_run_alone() -> None:
    started: dict[str, int] = {}
    there: dict[str, asyncio.Event] = {}

    def tell(name: str, word: str, detail: str) -> None:
        if word == "started":
            assert name not in started
            started[name] = int(detail)
            there[name].set()

    async def work() -> None:
        there.update({name: asyncio.Event() for name in ("stays", "goes", "comes")})
        supervisor = Supervisor([program("stays"), program("goes")], tell)
        task = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(WAIT_S):
            await there["stays"].wait()
            await there["goes"].wait()
            supervisor.set([program("stays"), program("comes")])
            await there["comes"].wait()
            assert [lives(started[name]) for name in ("stays", "goes", "comes")] == [True, False, True]
            supervisor.stop()
            await task

    asyncio.run(work())
    assert not any(map(lives, started.values()))
