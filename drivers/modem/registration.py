"""Whether a telephone call can be made, from what a modem says of its registrations. Pure.

A mobile that is registered for packets alone has no voice, however good its signal: only the circuit-switched domain
(`+CREG`, also when it lies behind LTE) or the IMS counts, and those only if the modem uses them (`+CVMOD`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.codec.at_lines import Cell, fields, prefix_of
from drivers.modem.model import Voice

__all__ = ["Registration", "is_ims_registered", "roaming", "technology", "voice"]

HOME, ROAMING = frozenset({1, 9}), frozenset({5, 10})
"""27.007 §7.2 `stat`: registered; 9 and 10 are where falling back from LTE is not preferred. 6 and 7 carry SMS only."""
EMERGENCY = frozenset({8, 11})
NOT_KNOWN = 4
TECHNOLOGIES = {
    0: "gsm", 1: "gsm", 2: "umts", 3: "gsm", 4: "umts", 5: "umts", 6: "umts", 7: "lte", 8: "gsm", 9: "lte",
    10: "lte", 11: "nr", 12: "nr", 13: "nr",
}  # fmt: skip
"""27.007 §7.3 `AcT`."""
CS_ONLY, IMS_ONLY = 0, 1
"""27.007 §10.1.55 `+CVMOD`."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What is known; `cells` by domain. `ims`: registered there; `mode`: of `+CVMOD`."""

    cells: Mapping[str, Cell]
    ims: bool | None = None
    mode: int | None = None


def voice(told: Registration) -> Voice:
    stats = {domain: cell.stat for domain, cell in told.cells.items() if cell.stat != NOT_KNOWN}
    if told.ims and told.mode != CS_ONLY:
        return Voice.IMS
    if stats.get("CREG") in HOME | ROAMING and told.mode != IMS_ONLY:
        return Voice.CS
    if any(stat in EMERGENCY for stat in stats.values()):
        return Voice.EMERGENCY_ONLY
    return Voice.NONE if "CREG" in stats else Voice.UNKNOWN


def roaming(cells: Mapping[str, Cell]) -> bool | None:
    stats = {cell.stat for cell in cells.values()}
    if stats & ROAMING:
        return True
    return False if stats & HOME else None


def technology(cells: Iterable[Cell], act: int | None = None) -> str | None:
    """Of the cell that we are registered in, else as `+COPS` says."""
    acts = [cell.act for cell in cells if cell.act is not None and cell.stat in HOME | ROAMING]
    return TECHNOLOGIES.get(acts[0] if acts else -1 if act is None else act)


def is_ims_registered(lines: Iterable[str]) -> bool | None:
    """Of `+CIREG` (27.007 §8.71), `+CAVIMS` (§8.68) or Quectel's `+QCFG: "ims"`; None where none of them says."""
    for line in lines:
        told = fields(line)
        name = prefix_of(line)
        if name == "+CIREG" and told[-1]:
            return told[1 if len(told) > 1 else 0] == "1"
        if name == "+CAVIMS" and told[0]:
            return told[0] == "1"
        if name == "+QCFG" and told[0] == "ims" and len(told) > 2:
            return told[2] == "1"
    return None
