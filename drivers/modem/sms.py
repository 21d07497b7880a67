"""Messages of one modem (27.005): sent as PDU; those that come stay in it until they are kept by us."""

from __future__ import annotations

from collections.abc import Callable

from drivers.codec.at import Command, Rank, Unsolicited, Verdict
from drivers.codec.at_lines import best_cnmi, messages, parse_place, prefix_of, reference
from drivers.modem.model import ErrorKind, Event, ModemError, ReportCame, SmsCame
from drivers.modem.port import Port

__all__ = ["SmsBox"]

SEND_S = 60.0
"""The network may take 15 s and more."""
LIST_S = 20.0
LIST_EVERY_S = 60.0
TPDU_MAX_BYTES = 164
"""23.040 §9.2.2.2, with the longest address and user data."""
NOWHERE = -1
"""The place of a message that came without being kept in the modem."""
STORES = ("ME", "SM")
NEWS_MAX = 256
"""Announced and not fetched yet."""


class SmsBox:
    def __init__(self, port: Port, tell: Callable[[Event], None]) -> None:
        self._port = port
        self._tell = tell
        self._told: set[int] = set()
        self._news: list[int] = []
        self._listed: float | None = None

    async def set_up(self) -> None:
        """Has them kept and told, and tells those that lie there."""
        for store in STORES:
            if await self._is_ok(f'AT+CPMS="{store}","{store}","{store}"'):
                break
        said = await self._port.lines("AT+CNMI=?")
        chosen = best_cnmi(said[0] if said else "")
        for setting in dict.fromkeys((chosen, "2,1,0,1,0", "1,1,0,1,0", "2,1,0,0,0", "2,1")):
            if await self._is_ok(f"AT+CNMI={setting}"):
                break
        await self.list()

    async def list(self) -> None:
        """Those that lie in the modem and were not told in this session."""
        command = Command("AT+CMGL=4", LIST_S, Rank.POLL, prefixes=("+CMGL",), free=True)
        for message in messages((await self._port.ask(command)).lines):
            if message.place is not None:
                self._came(message.pdu, message.place)

    def said(self, event: Unsolicited) -> bool:
        """Whether it was about messages; `fetch` is then to be called."""
        name = prefix_of(event.line)
        if name in ("+CMTI", "+CDSI"):
            place = parse_place(event.line)
            if place is None or len(self._news) >= NEWS_MAX:
                self._listed = None
            elif place not in self._news:
                self._news.append(place)
            return True
        if name in ("+CMT", "+CDS"):
            pdu = _octets(event.pdu)
            if pdu:
                self._tell(ReportCame(pdu) if name == "+CDS" else SmsCame(pdu, NOWHERE))
            return True
        return False

    async def fetch(self, now: float) -> None:
        """What was announced, and now and then what lies there without a word: the announcement may have been lost."""
        if self._listed is None or now - self._listed > LIST_EVERY_S:
            await self.list()
            self._listed = now
        while self._news:
            place = self._news[0]
            command = Command(f"AT+CMGR={place}", rank=Rank.ORDER, prefixes=("+CMGR",), free=True)
            found = messages((await self._port.ask(command)).lines)
            self._news.remove(place)
            if found:
                self._came(found[0].pdu, place)

    async def send(self, tpdu: bytes) -> int:
        if not 0 < len(tpdu) <= TPDU_MAX_BYTES:
            raise ModemError(ErrorKind.INVALID)
        # "00": the service centre that the SIM has.
        payload = b"00" + tpdu.hex().upper().encode()
        command = Command(f"AT+CMGS={len(tpdu)}", SEND_S, Rank.ORDER, prefixes=("+CMGS",), payload=payload)
        lines = await self._port.order(command)
        told = next((ref for line in lines if (ref := reference(line)) is not None), None)
        if told is None:
            raise ModemError(ErrorKind.SILENT)
        return told

    async def took(self, place: int) -> None:
        if place == NOWHERE:
            return
        await self._port.order(Command(f"AT+CMGD={place}", 10.0))
        self._told.discard(place)

    def _came(self, pdu: bytes, place: int) -> None:
        if place not in self._told:
            self._told.add(place)
            self._tell(SmsCame(pdu, place))

    async def _is_ok(self, text: str) -> bool:
        command = Command(text, 10.0, Rank.POLL, prefixes=("+CPMS",))
        return (await self._port.ask(command)).verdict is Verdict.OK


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
