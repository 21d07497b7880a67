"""The client of `upsd`, aionut's, with what we need beside: one variable, a login, and a connection that is let go
whatever went wrong. Loaded when a UPS is configured."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aionut import (
    AIONUTClient,
    NUTCommandError,
    NUTConnectionClosedError,
    NUTLoginError,
    NUTOSError,
    NUTProtocolError,
    NUTTimeoutError,
)
from aionut.client import connected_operation

from drivers.ups.model import Trouble

if TYPE_CHECKING:
    from drivers.ups.nut import NutSettings

__all__ = ["TESTS", "Client", "trouble_of"]

TESTS = ("test.battery.start.quick", "test.battery.start.deep", "test.battery.stop")
"""What may be ordered of a UPS (NUT's instant commands): nothing that takes power from its outlets."""

SAID = (
    ("DATA-STALE", Trouble.STALE),
    ("DRIVER-NOT-CONNECTED", Trouble.STALE),
    ("UNKNOWN-UPS", Trouble.UNKNOWN_DEVICE),
    ("CMD-NOT-SUPPORTED", Trouble.UNKNOWN_DEVICE),
    ("VAR-NOT-SUPPORTED", Trouble.MISSING),
    ("ACCESS-DENIED", Trouble.REFUSED),
    ("PASSWORD", Trouble.REFUSED),
    ("USERNAME", Trouble.REFUSED),
)
"""Words of upsd's errors (RFC 9271)."""


class Client(AIONUTClient):
    """Of one UPS. Logs in where there is an account, so that the UPS's master waits for our halt."""

    def __init__(self, settings: NutSettings, timeout_s: float) -> None:
        # It would write each line that it sends, the password's too.
        logging.getLogger(AIONUTClient.__module__).setLevel(logging.WARNING)
        named = bool(settings.username)
        super().__init__(
            settings.host,
            settings.port,
            settings.username if named else None,
            settings.password if named else None,
            timeout_s,
        )
        self._ups = settings.ups

    async def _connect(self) -> None:
        try:
            await super()._connect()
            if self.username is not None:
                await self._write_command_or_raise(f"LOGIN {self._ups}\n", "OK")
        except BaseException:
            # aionut closes only what it has called connected, and that comes after the account.
            if self._writer is not None:
                self._writer.close()
            self._connected = False
            self._writer = self._reader = None
            raise

    @connected_operation
    async def status(self, ups: str) -> str:
        """`ups.status` alone."""
        start = f"VAR {ups} ups.status "
        answer = await self._write_command_or_raise(f"GET VAR {ups} ups.status\n", start)
        return answer[len(start) :].strip().strip('"')


def trouble_of(error: Exception) -> Trouble:
    """What went wrong, of whatever the client raised."""
    match error:
        case NUTCommandError() | NUTLoginError():
            text = str(error).rpartition("ERR ")[2]
            return next((trouble for word, trouble in SAID if word in text), Trouble.NONSENSE)
        case NUTTimeoutError() | TimeoutError():
            return Trouble.SILENT
        case NUTProtocolError() | asyncio.LimitOverrunError():
            return Trouble.NONSENSE
        case NUTConnectionClosedError() | NUTOSError() | OSError() | EOFError():
            return Trouble.UNREACHABLE
    return Trouble.NONSENSE
