"""The SIM of a modem: whether it is there, its PIN, whose it is."""

from __future__ import annotations

import asyncio
import re

from drivers.codec.at import Answer, Command, Rank, Verdict
from drivers.codec.at_lines import fields, number, parse_pin_state, parse_pin_tries
from drivers.modem.generic import Dialect
from drivers.modem.model import ModemSettings, PinGuard, Sim, SimState
from drivers.modem.port import Port

__all__ = ["look_at_sim"]

TRIES_MIN = 2
"""A PIN is tried only where so many tries are left: the last is for somebody who knows."""
PIN = re.compile(r"[0-9]{4,8}")
BUSY_S, BUSY_TRIES = 0.5, 20
ABSENT_CODES = frozenset({10})
"""27.007 §9.2: SIM not inserted."""
STATES = {
    "READY": SimState.READY,
    "SIM PIN": SimState.PIN,
    "SIM PUK": SimState.PUK,
    "NOT INSERTED": SimState.ABSENT,
}


async def look_at_sim(port: Port, dialect: Dialect, settings: ModemSettings, pins: PinGuard) -> Sim:
    """The SIM, unlocked where it wants a PIN, we have one, and it was not tried before. Raises ModemError where the
    modem is gone or silent."""
    state = await _state(port)
    tries = await _tries(port, dialect) if state in (SimState.PIN, SimState.PUK) else None
    if state is SimState.PIN and settings.pin and await _unlock(port, dialect, settings, pins, tries):
        state = await _state(port)
    if state is not SimState.READY:
        return Sim(state, pin_tries=tries)
    return Sim(state, await _imsi(port), await _own_number(port))


async def _state(port: Port) -> SimState:
    """A SIM that has just got its PIN, or a modem that has just started, is busy for a while."""
    for _ in range(BUSY_TRIES):
        told = await port.ask(Command("AT+CPIN?", rank=Rank.POLL))
        said = next((state for line in told.lines if (state := parse_pin_state(line))), None)
        if said in STATES:
            return STATES[said]
        if told.code in ABSENT_CODES:
            return SimState.ABSENT
        if told.verdict is Verdict.OK and said not in (None, "NOT READY"):
            return SimState.UNKNOWN
        await asyncio.sleep(BUSY_S)
    return SimState.UNKNOWN


async def _tries(port: Port, dialect: Dialect) -> int | None:
    for text in dialect.pin_tries:
        command = Command(text, rank=Rank.POLL, prefixes=("+CPINR", "+QPINC", "+SPIC"))
        for line in (await port.ask(command)).lines:
            tries = parse_pin_tries(line)
            if tries is not None:
                return tries.pin
    return None


async def _unlock(port: Port, dialect: Dialect, settings: ModemSettings, pins: PinGuard, tries: int | None) -> bool:
    """Whether the PIN was taken. That it is tried is on disk before it is."""
    sim = await _identity(port, dialect) or settings.name
    may_try = PIN.fullmatch(settings.pin) and (tries is None or tries >= TRIES_MIN) and pins.may_try(sim)
    if not may_try:
        return False
    try:
        pins.trying(sim)
    except OSError:
        return False
    answer: Answer = await port.ask(Command(f'AT+CPIN="{settings.pin}"', timeout_s=15.0))
    if answer.verdict is not Verdict.OK:
        return False
    pins.accepted(sim)
    return True


async def _identity(port: Port, dialect: Dialect) -> str | None:
    """The ICCID (ITU-T E.118), which a locked card tells."""
    for text in dialect.identity:
        for line in (await port.ask(Command(text, rank=Rank.POLL, free=True))).lines:
            digits = re.search(r"\b(89[0-9]{16,18})F?\b", line)
            if digits:
                return digits[1]
    return None


async def _imsi(port: Port) -> str | None:
    for line in (await port.ask(Command("AT+CIMI", rank=Rank.POLL, free=True))).lines:
        digits = re.fullmatch(r"(?:\+CIMI:\s*)?\"?([0-9]{6,15})\"?", line)
        if digits:
            return digits[1]
    return None


async def _own_number(port: Port) -> str | None:
    for line in (await port.ask(Command("AT+CNUM", rank=Rank.POLL))).lines:
        told = fields(line)
        if len(told) > 1 and (found := number(told[1], told[2] if len(told) > 2 else "")):
            return found
    return None
