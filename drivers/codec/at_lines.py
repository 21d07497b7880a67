"""What lines of modems mean: one line in, one value out, None where it says nothing that we know.

Modems quote, pad and cut as they like; each parser takes what is certain and leaves the rest unknown. Never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Ccinfo",
    "Cell",
    "Clcc",
    "Clip",
    "Message",
    "Operator",
    "PinTries",
    "best_cnmi",
    "fields",
    "key",
    "messages",
    "number",
    "parse_ccinfo",
    "parse_cell",
    "parse_cend",
    "parse_clcc",
    "parse_clip",
    "parse_cops",
    "parse_csq",
    "parse_dsci",
    "parse_pin_state",
    "parse_pin_tries",
    "parse_place",
    "reference",
    "service_centre",
]

NUMBER_MAX = 40
"""Digits of a telephone number that are kept; 27.007 allows 80 with what GSM never sends."""
NUMBER = re.compile(r"\+?[0-9*#A-Fa-fPpWw]+")
INTERNATIONAL = 145
DATA_MODES = frozenset({1, 2})
"""27.007 §7.18 `mode`: data, fax."""
WITHHELD = 1
"""27.007 §7.11 `CLI validity`."""
CELL = re.compile(r"\+(CREG|CGREG|CEREG|C5GREG)$")
PDU = re.compile(r"[0-9A-Fa-f]{2,}")
QUOTED = re.compile(r'\s*"([^"]*)"\s*(?:,|$)')
KEYS = "0123456789*#ABCD"
DBM_MIN, CSQ_MAX, CSQ_TD_MIN, CSQ_TD_MAX = -113, 31, 100, 191


@dataclass(frozen=True, slots=True)
class Clcc:
    """27.007 §7.18. `stat` 0 active, 1 held, 2 dialling, 3 alerting, 4 incoming, 5 waiting."""

    index: int
    outgoing: bool
    stat: int
    voice: bool
    number: str | None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Ccinfo:
    """Quectel's `+QIND: "ccinfo"` and `^DSCI`: a call changed; `stat` as in Clcc, None where it is over."""

    index: int
    outgoing: bool
    stat: int | None
    voice: bool
    number: str | None


@dataclass(frozen=True, slots=True)
class Clip:
    """27.007 §7.11."""

    number: str | None
    withheld: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """`+CREG` and its kin (27.007 §7.2, §10.1.20, §10.1.22, §10.1.47): `domain` is CREG, CGREG, CEREG or C5GREG."""

    domain: str
    stat: int
    act: int | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """27.007 §7.3. `code`: MCC and MNC."""

    name: str | None
    code: str | None
    act: int | None


@dataclass(frozen=True, slots=True)
class PinTries:
    pin: int
    puk: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """Of `+CMGL`, `+CMGR` (27.005 §3.4.2, §3.4.3); `place` is None in the latter."""

    place: int | None
    pdu: bytes


def fields(line: str) -> list[str]:
    """What follows the colon, split at commas outside quotes, without quotes and outer blanks. A quote that is not
    closed before a comma or the end is dropped."""
    return [text for text, _ in _split(line)]


def number(text: str, toa: str = "") -> str | None:
    """A telephone number as far as it is one; with its ``+`` where the type says international."""
    digits = text.replace(" ", "")
    if not NUMBER.fullmatch(digits) or len(digits) > NUMBER_MAX:
        return None
    return f"+{digits}" if _int(toa) == INTERNATIONAL and digits[0] not in "+*#" else digits


def parse_clcc(line: str) -> Clcc | None:
    """`+CLCC`, with five to ten fields."""
    told = fields(line)
    index, direction, stat, mode = (_int(text) for text in (told + [""] * 4)[:4])
    if index is None or not 1 <= index <= 255 or direction not in (0, 1) or stat is None or not 0 <= stat <= 6:
        return None
    return Clcc(
        index,
        direction == 0,
        stat,
        mode not in DATA_MODES,
        number(*_two(told, 5)),
        len(told) > 9 and _int(told[9]) == WITHHELD,
    )


def parse_ccinfo(line: str) -> Ccinfo | None:
    """`+QIND: "ccinfo",index,direction,state,mode,multiparty,number,type`."""
    told = fields(line)
    if not told or told[0].lower() != "ccinfo":
        return None
    index, direction, stat, mode = (_int(text) for text in (told + [""] * 5)[1:5])
    if index is None or direction not in (0, 1) or stat is None or not -1 <= stat <= 6:
        return None
    return Ccinfo(index, direction == 0, None if stat < 0 else stat, mode not in DATA_MODES, number(*_two(told, 6)))


DSCI_STAT = {2: 2, 4: 4, 5: 5, 6: None}
"""Of `^DSCI`: dialling, incoming, waiting, over. With 3 Quectel means connected and others that it rings there, so that
and the rest are left to `+CLCC`."""


def parse_dsci(line: str) -> Ccinfo | None:
    """`^DSCI: index,direction,state,type,number,type of number`; `type` 0 is voice."""
    told = fields(line)
    index, direction, stat, kind = (_int(text) for text in (told + [""] * 4)[:4])
    if index is None or direction not in (0, 1) or stat not in DSCI_STAT:
        return None
    return Ccinfo(index, direction == 0, DSCI_STAT[stat], kind in (0, None), number(*_two(told, 4)))


def parse_cend(line: str) -> int | None:
    """`^CEND: index,duration,end status,cause` (24.008's, which is Q.850's): why a call is over, where it says so."""
    told = fields(line)
    cause = _int(told[3]) if prefix_of(line) == "^CEND" and len(told) > 3 else None
    return cause if cause is not None and 0 < cause <= 127 else None


def parse_clip(line: str) -> Clip | None:
    told = fields(line)
    if prefix_of(line) != "+CLIP" or not any(told):
        return None
    return Clip(number(*_two(told, 0)), len(told) > 5 and _int(told[5]) == WITHHELD)


def parse_cell(line: str) -> Cell | None:
    """Answers, which begin with the mode of reporting, as well as what comes unasked."""
    kind = CELL.fullmatch(prefix_of(line))
    told = fields(line)
    if not kind or not told:
        return None
    first, (second, is_quoted) = told[0], _split(line)[1] if len(told) > 1 else ("", False)
    # A location's code is quoted or has four digits; a state has one or two, with zeros before it where the mode has.
    is_stat = not is_quoted and _int(second) is not None and (len(second) <= 2 or len(second) == len(first) == 3)
    at = 1 if is_stat else 0
    stat = _int(told[at])
    if stat is None or not 0 <= stat <= 15:
        return None
    act = _int(told[at + 3]) if len(told) > at + 3 else None
    return Cell(kind[1], stat, act)


def parse_csq(line: str) -> int | None:
    """dBm of `+CSQ` (27.007 §8.5); 100 and more are SIMCom's for TD-SCDMA."""
    rssi = _int(fields(line)[0])
    if rssi is None:
        return None
    if 0 <= rssi <= CSQ_MAX:
        return DBM_MIN + 2 * rssi
    return rssi - CSQ_TD_MIN - 116 if CSQ_TD_MIN <= rssi <= CSQ_TD_MAX else None


def parse_cops(line: str) -> Operator | None:
    told = fields(line)
    if prefix_of(line) != "+COPS" or len(told) < 3 or not told[2]:
        return None
    is_code = _int(told[1]) == 2
    if is_code and not re.fullmatch(r"\d{5,6}", told[2]):
        return None
    act = _int(told[3]) if len(told) > 3 else None
    return Operator(None if is_code else told[2], told[2] if is_code else None, act)


def parse_pin_state(line: str) -> str | None:
    """`+CPIN`: READY, SIM PIN, SIM PUK, …, in capitals."""
    return (fields(line)[0].upper() or None) if prefix_of(line) == "+CPIN" else None


def parse_pin_tries(line: str) -> PinTries | None:
    """`+CPINR: SIM PIN,left,…` (27.007 §8.65, one line a code), `+QPINC: "SC",pin,puk`, `+SPIC: pin,puk,…`."""
    told = fields(line)
    if prefix_of(line) == "+SPIC":
        told.insert(0, "SC")
    elif prefix_of(line) == "+CPINR":
        told[2:] = []
    if told[0].upper() not in ("SC", "SIM PIN"):
        return None
    left, puk = _int(told[1]) if len(told) > 1 else None, _int(told[2]) if len(told) > 2 else None
    return None if left is None else PinTries(left, puk)


def parse_place(line: str) -> int | None:
    """Where a message lies, of `+CMTI`, `+CDSI`."""
    told = fields(line)
    place = _int(told[1]) if len(told) > 1 else None
    return place if place is not None and place >= 0 else None


def reference(line: str) -> int | None:
    """`+CMGS: reference`."""
    told = _int(fields(line)[0])
    return told if prefix_of(line) == "+CMGS" and told is not None and 0 <= told <= 255 else None


def messages(lines: tuple[str, ...] | list[str]) -> list[Message]:
    """Of the answer to `+CMGL` or `+CMGR`, those that came, the PDU in the next line or in the same; what is not whole
    is left out."""
    found: list[Message] = []
    head: str | None = None
    for line in lines:
        if prefix_of(line) in ("+CMGL", "+CMGR"):
            head = line
            same = re.search(r",\s*\d+\s+([0-9A-Fa-f]+)$", line)
            if same is None:
                continue
            pdu = same[1]
        else:
            pdu = line
        if head is not None and PDU.fullmatch(pdu) and len(pdu) % 2 == 0:
            told = [_int(text) for text in fields(head)]
            place, stat = ([None, *told] if prefix_of(head) == "+CMGR" else [*told, None])[:2]
            if stat in (0, 1):  # others are ours: not sent, or sent and kept
                found.append(Message(place, bytes.fromhex(pdu)))
        head = None
    return found


def key(line: str) -> str | None:
    """A key that the other side pressed, as each maker tells it."""
    name, told = prefix_of(line), fields(line)[0].upper()
    if name == "+QTONEDET":  # by its ASCII code
        code = _int(told)
        told = chr(code) if code is not None and code < 128 else ""
    elif name not in ("+RXDTMF", "+DTMF", "^DDTMF"):
        return None
    return told if len(told) == 1 and told in KEYS else None


def service_centre(line: str) -> str | None:
    """`+CSCA`; some write it in UCS2."""
    told = fields(line)
    text, toa = _two(told, 0)
    if re.fullmatch(r"(00[0-9A-F]{2})+", text):
        text = bytes.fromhex(text).decode("utf-16-be")
    return number(text, toa)


def best_cnmi(line: str) -> str:
    """What to set by `+CNMI`, of what `+CNMI=?` says can be: messages kept and told, reports given at once."""
    groups = [_range(group) for group in re.findall(r"\(([^)]*)\)", line)]
    wished = ((2, 1, 0), (1, 0), (0,), (1, 2, 0), (0, 1))
    chosen = []
    for position, wishes in enumerate(wished):
        allowed = groups[position] if position < len(groups) else None
        chosen.append(next((wish for wish in wishes if allowed is None or wish in allowed), wishes[0]))
    return ",".join(str(value) for value in chosen)


def prefix_of(line: str) -> str:
    return line.split(":", 1)[0].strip()


def _split(line: str) -> list[tuple[str, bool]]:
    """Each field, and whether it was quoted."""
    rest = line.split(":", 1)[1] if ":" in line else ""
    found: list[tuple[str, bool]] = []
    at = 0
    while at <= len(rest):
        quoted = QUOTED.match(rest, at)
        if quoted:
            found.append((quoted[1], True))
            at = quoted.end()
        else:
            comma = rest.find(",", at)
            end = comma if comma >= 0 else len(rest)
            found.append((rest[at:end].strip().strip('"').strip(), False))
            at = end + 1
    return found


def _range(text: str) -> set[int]:
    values: set[int] = set()
    for part in text.split(",")[:16]:
        first, _, last = part.partition("-")
        low, high = _int(first), _int(last or first)
        if low is not None and high is not None:
            values.update(range(low, min(high, low + 16) + 1))
    return values


def _two(told: list[str], at: int) -> tuple[str, str]:
    """A number and its type."""
    return told[at] if len(told) > at else "", told[at + 1] if len(told) > at + 1 else ""


def _int(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None
