"""What a line of a modem is by its form: a final result, a result of a call, unasked, with a PDU to follow."""

from __future__ import annotations

import re
from enum import Enum

__all__ = [
    "CALL_RESULT",
    "FINAL_ERROR",
    "GLUED",
    "HEX",
    "SPOKEN",
    "WITH_PDU",
    "Verdict",
    "judged",
    "names",
    "prefix",
    "text_of",
]

FINAL_ERROR = re.compile(
    r"\+CM[ES] ERROR:?\s*(?P<cme>.*)|MODEM ERROR:\s*(?P<own>.*)|ERROR|COMMAND NOT SUPPORT|TOO MANY PARAMETERS"
)
CALL_RESULT = re.compile(r"(NO CARRIER|BUSY|NO ANSWER|NO DIAL ?TONE)\b")
WITH_PDU = frozenset({"+CMT", "+CDS", "+CBM"})
"""Unsolicited lines whose PDU is the next line."""
HEX = re.compile(r"[0-9A-Fa-f]{2,}")
SPOKEN = re.compile(
    r"RING\b|VOICE CALL:|MISSED_CALL:|(RDY|START|SMS DONE|SMS READY|PB DONE|CALL READY)$|DST:"
    r"|(NORMAL )?POWER(ED)? DOWN",
    re.IGNORECASE,
)
"""Unsolicited lines that bear no prefix."""
GLUED = re.compile(rf"(OK|ERROR)(?=[+^*#$%]|OK|ERROR|(?i:{SPOKEN.pattern})|{CALL_RESULT.pattern})")
"""A final result and the next line without an end between them, whatever that is: an answer that is missed for it is a
call to 112 that is dialled again elsewhere."""


class Verdict(Enum):
    OK = "ok"
    ERROR = "error"
    NO_CARRIER = "NO CARRIER"
    BUSY = "BUSY"
    NO_ANSWER = "NO ANSWER"
    NO_DIALTONE = "NO DIALTONE"
    SILENT = "silent"
    """Not in time."""
    GONE = "gone"
    """The port was closed, or too much waits for it."""


def prefix(line: str) -> str:
    """``+CLCC`` of ``+CLCC: 1,…``; "" where there is none."""
    if not line or line[0] not in "+^*#$%":
        return ""
    return line.split(":", 1)[0].strip()


def names(text: str) -> tuple[str, ...]:
    """``("+CPIN", "+CSQ")`` of ``AT+CPIN?;+CSQ``."""
    if "=" in text and "?" not in text:
        return ()
    return tuple(re.findall(r"[+^*#$%][A-Z0-9]+", text))


def text_of(line: bytearray) -> str:
    """Control characters, which are noise, left out."""
    return "".join(chr(byte) for byte in line if byte >= 0x20 and byte != 0x7F).strip()


def judged(called: re.Match[str] | None, error: re.Match[str] | None) -> tuple[Verdict, int | None, str]:
    if called:
        return Verdict(called[1].replace("DIAL TONE", "DIALTONE")), None, ""
    if error is None:
        return Verdict.OK, None, ""
    said = (error["cme"] or error["own"] or "").strip()
    is_code = error["cme"] is not None and re.fullmatch(r"[0-9]{1,5}", said) is not None
    return Verdict.ERROR, int(said) if is_code else None, "" if is_code else said
