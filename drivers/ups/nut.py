"""A mains UPS by Network UPS Tools: a client of `upsd` (RFC 9271) that looks, and never orders more than a test.

The status is asked for `LOOK_S` apart, one line each way; everything else with each change of it, and `ALL_S` apart.
`upsd` does not say how old what it holds is. Three signs tell that its driver lives: `upsd` answers for it (it gives
up after MAXAGE seconds, 15 unless `upsd.conf` says less), the driver answers on its own socket where that is named
(:mod:`drivers.ups.nutdriver`: a frozen one is known within `SILENT_S`), and a battery that feeds something does not
stand still. What none of them shows: on mains, on another host, a driver that answers and repeats what its UPS said
long ago."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.pace import left_s
from drivers.ups.model import Reading, Trouble, unknown
from drivers.ups.nutdriver import NutDriver
from drivers.ups.nutvars import Still, flags_of, reading
from drivers.ups.telling import BackOff, Teller

if TYPE_CHECKING:
    from drivers.ups.nutclient import Client

__all__ = ["ALL_S", "ANSWER_S", "LOOK_S", "NutSettings", "NutUps"]

LOOK_S = 0.2
"""With a driver that asks its UPS each second, a loss is seen within 1.2 s in 95 of 100 cuts."""
SELDOM_S = 1.0
"""While the driver says by itself that it has something new."""
STIR_S = 0.02
"""After it did: it says so for each variable, and `upsd` may hear it after us."""
ALL_S = 2.0
ANSWER_S = 2.0
"""For one answer, and for a connection."""
FRESH_S = 12.0
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 10.0
REFUSED_RETRY_S = 30.0
"""Its server would ban, or its log be full of, who asks at once again."""


@dataclass(frozen=True, slots=True)
class NutSettings:
    """`ups`: its name at the server. `username`, `password`: only to be counted among those whose halt the UPS's
    master waits for, and to order tests; reading needs none. `driver_socket`: of a driver on this machine, such as
    ``/run/nut/usbhid-ups-ups``; "" where there is none."""

    name: str
    ups: str
    host: str = "127.0.0.1"
    port: int = 3493
    username: str = ""
    password: str = field(default="", repr=False)
    driver_socket: str = ""


class NutUps:
    """A Source."""

    fresh_s = FRESH_S

    def __init__(self, settings: NutSettings, look_s: float = LOOK_S, answer_s: float = ANSWER_S) -> None:
        self.name = settings.name
        self._settings = settings
        self._look_s = look_s
        self._answer_s = answer_s
        self._client: Client | None = None
        self._status: frozenset[str] = frozenset()
        self._all_at_s: float | None = None
        self._seen: Reading | None = None
        self._still = Still()
        self._stirred = asyncio.Event()

    async def run(self, told: Callable[[Reading], None]) -> None:
        teller = Teller(told)
        retry = BackOff(FIRST_RETRY_S, LAST_RETRY_S)
        loop = asyncio.get_running_loop()
        driver = NutDriver(self._settings.driver_socket, self._stirred.set)
        try:
            while True:
                trouble = await self._look()
                now_s = loop.time()
                driver.beat(now_s)
                if trouble is None and driver.is_silent(now_s):
                    trouble = Trouble.STALE
                if trouble is None and self._seen is not None:
                    teller.tell(self._still.judge(self._seen))
                elif trouble is not None:
                    teller.tell(unknown(now_s, trouble))
                if trouble in (None, Trouble.STALE, Trouble.WAITING):
                    retry.worked()
                    every_s = SELDOM_S if driver.is_open and not self._stirred.is_set() else self._look_s
                    self._stirred.clear()
                    await self._rest(left_s(loop.time(), every_s))
                else:
                    await asyncio.sleep(REFUSED_RETRY_S if trouble is Trouble.REFUSED else retry.failed())
        finally:
            driver.close()
            await self.close()

    async def close(self) -> None:
        self._forget()

    async def order_test(self, command: str) -> Trouble | None:
        """Orders one of `nutclient.TESTS` (raises ValueError for any other) over a connection of its own. None: the
        server took it; the UPS then tells what it does by its status."""
        from drivers.ups.nutclient import TESTS, Client, trouble_of

        if command not in TESTS:
            raise ValueError(f"no test: {command!r}")
        client = Client(self._settings, ANSWER_S)
        try:
            async with asyncio.timeout(ANSWER_S):
                await client.run_command(self._settings.ups, command)
        except Exception as error:
            return trouble_of(error)
        finally:
            client.shutdown()
        return None

    async def _look(self) -> Trouble | None:
        """Asks what is due; None: `_seen` is what the server says now."""
        from drivers.ups.nutclient import Client, trouble_of

        if self._client is None:
            self._client = Client(self._settings, self._answer_s)
        client, now_s = self._client, asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._answer_s):
                status = flags_of({"ups.status": await client.status(self._settings.ups)})
                due_s = None if self._all_at_s is None else self._all_at_s + ALL_S - self._look_s / 2
                if status != self._status or due_s is None or now_s >= due_s:
                    variables = await client.list_vars(self._settings.ups)
                    self._seen = reading(variables, now_s)
                    self._status, self._all_at_s = flags_of(variables), now_s
        except Exception as error:  # whatever a hostile server makes of the client's parser, too
            trouble = trouble_of(error)
            if trouble not in (Trouble.STALE, Trouble.UNKNOWN_DEVICE):
                self._forget()
            self._all_at_s = None
            return trouble
        return None

    async def _rest(self, most_s: float) -> None:
        """Until the next look is due, or the driver has something new (which then stays said)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._stirred.wait()
                await asyncio.sleep(STIR_S)

    def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.shutdown()
        self._all_at_s = None
