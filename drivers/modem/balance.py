"""A USSD code asked of the network (27.007 §7.15), one at a time; its answer comes unasked, perhaps over several
lines."""

from __future__ import annotations

import asyncio
import re

from drivers.codec.at import Command
from drivers.codec.at_lines import prefix_of
from drivers.codec.ussd import Ussd, parse_cusd
from drivers.modem.model import ErrorKind, ModemError
from drivers.modem.port import Port

__all__ = ["Balance"]

ANSWER_S = 30.0
LINES_MAX = 20
CODE = re.compile(r"[0-9*#]{2,32}")
WHOLE = re.compile(r'\+CUSD:\s*\d+\s*(,[^"]*|,\s*".*"\s*(,\s*\d{1,3})?)?\s*', re.DOTALL)
DONE, MORE, ENDED = 0, 1, 2


class Balance:
    def __init__(self, port: Port) -> None:
        self._port = port
        self._asking = asyncio.Lock()
        self._answer: asyncio.Future[Ussd] | None = None
        self._part: list[str] = []

    def said(self, line: str) -> bool:
        """Whether it was of a USSD answer."""
        if prefix_of(line) == "+CUSD":
            self._part = [line]
        elif self._part and not prefix_of(line).startswith(("+", "^")):
            self._part.append(line)
        else:
            return False
        text = "\n".join(self._part)
        if WHOLE.fullmatch(text) or len(self._part) >= LINES_MAX:
            self._part = []
            told = parse_cusd(text)
            if told is not None and self._answer is not None and not self._answer.done():
                self._answer.set_result(told)
        return True

    async def ask(self, code: str) -> str:
        """Raises ModemError."""
        if not CODE.fullmatch(code):
            raise ModemError(ErrorKind.INVALID)
        async with self._asking:
            self._answer = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._port.order(Command(f'AT+CUSD=1,"{code}",15', ANSWER_S, prefixes=()))
                    told = await self._answer
            except TimeoutError:
                await self._cancel()
                raise ModemError(ErrorKind.SILENT) from None
            finally:
                self._answer = None
            if told.status == MORE:
                await self._cancel()
            if told.status not in (DONE, MORE, ENDED):
                raise ModemError(ErrorKind.REFUSED)
            return told.text

    async def _cancel(self) -> None:
        await self._port.ask(Command("AT+CUSD=2", 5.0))
