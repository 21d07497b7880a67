"""What a modem knows of the network it is in, kept from what it says unasked and what it answers."""

from __future__ import annotations

from dataclasses import replace

from drivers.codec.at import Command, Rank, Verdict
from drivers.codec.at_lines import Cell, parse_cell, parse_cops, parse_csq
from drivers.codec.at_time import Told, parse_time
from drivers.modem.generic import Dialect
from drivers.modem.model import ErrorKind, ModemError, Network, Voice
from drivers.modem.port import Port
from drivers.modem.registration import Registration, is_ims_registered, roaming, technology, voice

__all__ = ["NetworkWatch"]

REGISTRATIONS = ("AT+CREG?", "AT+CEREG?", "AT+C5GREG?")
YEAR_MIN, YEAR_MAX = 2024, 2069
"""A modem that was never told the time says 1970, 1980, 2004 or 2080."""
TEMPORARY = frozenset({3, 10, 11, 13, 14, 30, 31, 32})
"""27.007 §9.2: without SIM or network a question may be refused that is answered later."""


class NetworkWatch:
    """`network` as it is known now. What a modem refuses, or does not answer, is not asked again."""

    def __init__(self, port: Port) -> None:
        self.network = Network()
        self._port = port
        self._cells: dict[str, Cell] = {}
        self._ims: bool | None = None
        self._mode: int | None = None
        self._act: int | None = None
        self._refused: set[str] = set()

    def said(self, line: str) -> bool:
        """Whether it was about registration, and something is otherwise now."""
        cell = parse_cell(line)
        if cell is not None:
            self._cells[cell.domain] = cell
        elif (ims := is_ims_registered([line])) is not None:
            self._ims = ims
        else:
            return False
        return self._judge()

    async def ask(self, dialect: Dialect) -> bool:
        """Everything once; whether something is otherwise now. Raises ModemError where the modem is gone or silent."""
        before = self.network
        for question in REGISTRATIONS:
            for line in await self._lines(question):
                self.said(line)
        for line in await self._lines("AT+CVMOD?"):
            mode = line.rpartition(":")[2].strip()
            self._mode = int(mode) if mode in ("0", "1", "2", "3") else None
        for question in dialect.ims:
            self._ims = is_ims_registered(await self._lines(question))
            if self._ims is not None:
                break
        for line in await self._lines("AT+CSQ"):
            self.network = replace(self.network, dbm=parse_csq(line))
        await self._operator(before.operator)
        self._judge()
        return self.network != before

    async def time(self, dialect: Dialect) -> Told | None:
        """As the network told it, where a year is plausible."""
        for question in dialect.time:
            for line in await self._lines(question):
                told = parse_time(line)
                if told is not None and YEAR_MIN <= told.utc.year <= YEAR_MAX:
                    return told
        return None

    async def _operator(self, known: str | None) -> None:
        operator = next((told for line in await self._lines("AT+COPS?") if (told := parse_cops(line))), None)
        self._act = operator.act if operator else None
        code = operator.code if operator else None
        if code == known and self.network.name:
            return
        name = operator.name if operator else None
        if code:  # the same question is answered by name, too
            await self._lines("AT+COPS=3,0")
            named = [told for line in await self._lines("AT+COPS?") if (told := parse_cops(line))]
            name = named[0].name if named else None
            await self._lines("AT+COPS=3,2")
        self.network = replace(self.network, operator=code, name=name)

    def _judge(self) -> bool:
        before = self.network
        can = voice(Registration(self._cells, self._ims, self._mode))
        registered = can in (Voice.CS, Voice.IMS) or bool(self._cells)
        self.network = replace(
            self.network,
            voice=can,
            technology=technology(self._cells.values(), self._act) if registered else None,
            roaming=roaming(self._cells),
        )
        return self.network != before

    async def _lines(self, text: str) -> tuple[str, ...]:
        if text in self._refused:
            return ()
        command = Command(text, rank=Rank.POLL, prefixes=("+QCFG",) if text.startswith("AT+QCFG") else None)
        if text.startswith("AT+QLTS"):
            command = replace(command, prefixes=("+QLTS",))
        try:
            answer = await self._port.ask(command)
        except ModemError as error:
            if error.kind is ErrorKind.SILENT and text not in REGISTRATIONS:
                self._refused.add(text)
            raise
        if answer.verdict is Verdict.ERROR and answer.code not in TEMPORARY:
            self._refused.add(text)
        return answer.lines
