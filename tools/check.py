"""``rvx check``: whether a configuration would do, without starting or changing anything."""

import argparse
import contextlib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from callcontrol.edge.settings import sip_host_port
from callcontrol.plan.codes import clashes
from callcontrol.plan.number import Clash, Collision, collisions
from drivers.pins import PINMAP, PinMapError, parse
from drivers.pins import Clash as PinClash
from drivers.pins import clashes as pin_clashes
from firmware.config import Config, ConfigError, Problem, load
from firmware.edge import EdgeUnavailable, check_edge
from firmware.pinclaims import claims
from firmware.store import Directory, StoreError
from tools.errors import DONE, USAGE, UserError
from tools.output import Output, counted
from tools.place import code_of, config_path

__all__ = ["run"]

CLASHES_SHOWN = 50


def run(args: argparse.Namespace) -> int:
    """Lists every fault with file and line; a file without any is rendered and given to Kamailio."""
    out = Output.of(args)
    path = Path(args.file) if args.file else config_path(args)
    if path is None:
        raise UserError("RVX-C02", "No file was named, and none is installed.", "rvx check FILE")
    try:
        config = load(path)
    except ConfigError as error:
        return _refuse_file(out, error.problems)
    in_the_way = _clashes(config)
    if in_the_way:
        return _refuse_numbers(out, in_the_way)
    pins = _pins(config)
    if pins:
        return _refuse_pins(out, pins)
    complaints = _complaints(config)
    if complaints:
        return _refuse_rendered(out, complaints)
    doubts = _among_phones(config)
    if out.json:
        common = {"id": "RVX-G06", "severity": "warn", "area": "configuration"}
        told = [{**common, "key": one.key, "observed": one.address, "other": one.network} for one in doubts]
        out.document("warn" if doubts else "ok", told, file=str(path))
        return DONE
    for one in doubts:
        out.line(f"{one.key}: {one.address} is in {one.network}, where phones are. More: rvx explain RVX-G06")
    out.line(f"{path}: no faults, and Kamailio accepts what it renders to")
    return DONE


class _Among(NamedTuple):
    """A gateway in a network of phones."""

    key: str
    address: str
    network: str


def _among_phones(config: Config) -> list[_Among]:
    """A gateway by name is passed over: it is not known by its address when it calls."""
    found = []
    for key, uri in (("emergency.gateway", config.emergency.gateway), ("gateway.address", config.gateway.address)):
        with contextlib.suppress(ValueError):
            address = ip_address(sip_host_port(uri)[0].strip("[]")) if uri else None
            networks = (each for each in config.network.phone_networks if address and address in ip_network(each))
            found += [_Among(key, str(address), network) for network in networks]
    return found


def _clashes(config: Config) -> tuple[Collision, ...]:
    """Of numbers with each other: ranges and prefixes of the configuration, extensions of the directory if it is
    there."""
    numbers: tuple[str, ...] = ()
    if config.paths.directory.exists():
        try:
            with contextlib.closing(Directory.open(config.paths.directory)) as directory:
                numbers = directory.extensions()
        except (StoreError, OSError) as error:
            raise UserError("RVX-J01", f"{error}.") from error
    codes = config.codes.table
    found = collisions(config.numbering.local, numbers, dict.fromkeys(code.before for code in codes))
    # One outside the ranges is known by the directory; codes among themselves are told apart by all that is dialled.
    begin = {code.before for code in codes}
    others = (one for one in found if one.clash is not Clash.RANGE)
    between = {Collision(one.written, Clash.CODE, other.written) for one, other in clashes(codes)}
    return tuple(sorted({one for one in others if one.clash is not Clash.CODE or one.number not in begin} | between))


def _refuse_numbers(out: Output, clashes: tuple[Collision, ...]) -> int:
    if out.json:
        common = {"id": "RVX-C05", "severity": "fail", "area": "configuration"}
        told = [{**common, "number": one.number, "clash": str(one.clash), "other": one.other} for one in clashes]
        out.document("fail", told)
        return USAGE
    for one in clashes[:CLASHES_SHOWN]:
        out.line(f"{one.number}: {one.clash.replace('_', ' ')} {one.other}".rstrip())
    out.line(f"{counted(len(clashes), 'number')} that cannot be told apart. More: rvx explain RVX-C05")
    return USAGE


def _pins(config: Config) -> tuple[PinClash, ...]:
    """Pins that two want, by the map of the board."""
    try:
        pin_map = parse(PINMAP.read_text(encoding="utf-8"))
    except (PinMapError, OSError, UnicodeError) as error:
        raise UserError("RVX-C07", f"{PINMAP}: {error}.") from error
    return pin_clashes(pin_map, claims(config, pin_map))


def _refuse_pins(out: Output, found: tuple[PinClash, ...]) -> int:
    if out.json:
        common = {"id": "RVX-C06", "severity": "fail", "area": "configuration"}
        told = [{**common, "key": one.by, "pin": one.number, "other": one.other or None} for one in found]
        out.document("fail", told)
        return USAGE
    for one in found:
        out.line(f"{one.by}: pin {one.number} {f'is that of {one.other}' if one.other else 'is none of the header'}")
    out.line(f"{counted(len(found), 'pin')} that cannot be had. More: rvx explain RVX-C06")
    return USAGE


def _complaints(config: Config) -> list[str]:
    try:
        return check_edge(config)
    except EdgeUnavailable as error:
        raise UserError("RVX-E02", f"{error}.") from error


def _refuse_file(out: Output, problems: tuple[Problem, ...]) -> int:
    if out.json:
        out.document("fail", [_as_json(problem) for problem in problems])
        return USAGE
    for problem in problems:
        place = f"{problem.file}:{problem.line}" if problem.line else str(problem.file)
        out.line(f"{place}: {problem.key + ': ' if problem.key else ''}{problem.message}")
        if problem.expected:
            out.line(f"  expected: {problem.expected}")
        if problem.nearest:
            out.line(f"  nearest:  {problem.nearest}")
    codes = ", ".join(sorted({code_of(problem) for problem in problems}))
    out.line(f"{counted(len(problems), 'fault')}. More: rvx explain {codes}")
    return USAGE


def _as_json(problem: Problem) -> dict[str, Any]:
    return {
        "id": code_of(problem),
        "severity": "fail",
        "area": "configuration",
        "file": str(problem.file),
        "line": problem.line,
        "key": problem.key or None,
        "observed": problem.message,
        "expected": problem.expected or None,
        "nearest": problem.nearest,
    }


def _refuse_rendered(out: Output, complaints: list[str]) -> int:
    if out.json:
        common = {"id": "RVX-C04", "severity": "fail", "area": "edge"}
        out.document("fail", [{**common, "observed": complaint} for complaint in complaints])
        return USAGE
    for complaint in complaints:
        out.line(complaint)
    out.line(f"{counted(len(complaints), 'complaint')} of Kamailio. More: rvx explain RVX-C04")
    return USAGE
