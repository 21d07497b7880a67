"""``rvx doctor``: what is well with this unit and what is not, each with what to do; read only.

This finds out, and shows; what it means is ``firmware.health``'s.
"""

import argparse
import asyncio
import shutil
import sqlite3
import stat
import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from drivers.arp import taken
from drivers.clock import clock
from firmware import __version__, edgedb
from firmware.bounds import parse_listen
from firmware.config import SECRETS_FILE, Config, ConfigError, default, load
from firmware.health import CHECKS, SCHEMA, Facts, File, Finding, Result, Space, examine, verdict
from firmware.paths import Paths
from firmware.status import Status
from firmware.statusread import StatusError
from firmware.store.directory import LEARNT
from firmware.watch import table
from tools.errors import DONE, FAILED, UNKNOWN, UserError
from tools.output import WIDTH, Output, counted
from tools.place import config_path, developer_state
from tools.status import ask_edge, ask_unit

__all__ = ["gather", "lines", "run"]

_INDENT = 16
_AREA = 8
READ_TIMEOUT_S = 1.0
RTT_SLOTS = 30
"""Of the edge's table of answer times."""


def run(args: argparse.Namespace) -> int:
    """Looks, says, and gives 0 for a unit that is well, 1 for one that is not, 3 where it could not be found out."""
    out = Output.of(args)
    known = [check.name for check in CHECKS]
    if args.list:
        for check in CHECKS:
            out.line(f"{check.name:<{_AREA + 2}}{check.meaning}")
        return DONE
    for name in args.checks:
        if name not in known:
            raise UserError("RVX-A02", f"there is no check {name}; there are {', '.join(known)}.")
    began = time.monotonic()
    unit, facts = gather(args)
    findings = examine(facts, tuple(args.checks))
    worst = verdict(findings, facts.denied)
    if out.json:
        out.document(
            worst or "unknown",
            [asdict(finding.problem) for finding in findings if finding.problem],
            doctor=SCHEMA,
            unit=unit,
            checks=[_as_json(finding) for finding in findings],
        )
    else:
        for line in lines(unit, findings, worst, datetime.now(UTC), time.monotonic() - began, out, args.verbose):
            out.line(line)
    return _code(worst, args.strict)


def gather(args: argparse.Namespace) -> tuple[str, Facts]:
    """The unit's name, and all that can be found out about it here; nothing is changed."""
    path = config_path(args)
    named = str(path) if path else "no configuration file; this machine alone"
    try:
        config = load(path) if path else default(Path(args.state or developer_state()))
    except ConfigError as error:
        denied = any("Permission denied" in problem.message for problem in error.problems)
        return "", Facts(config=named, faults=tuple(map(str, error.problems)), denied=denied)
    if args.state:
        config = config.in_state(Path(args.state).absolute())
    paths = config.paths
    time_kept = clock()
    facts = Facts(
        config=named,
        platform=bool(config.platform.nodes),
        files=_files(paths, path),
        importing=_is_there(paths.importing),
        space=_space(paths.state),
        taken=_taken(config),
        clock_synchronised=time_kept.synchronised if time_kept else None,
        clock_error_s=time_kept.error_s if time_kept else None,
        modes=_modes(paths),
    )
    return config.unit.name, _ask(facts, config, paths)


def lines(
    unit: str,
    findings: tuple[Finding, ...],
    worst: Result | None,
    now: datetime,
    took_s: float,
    out: Output,
    verbose: bool = False,
) -> Iterator[str]:
    """A line for each check, what to do under those that need it, and the verdict last."""
    head = ["rvx doctor", unit, f"rvx {__version__}", f"{now:%Y-%m-%d %H:%M:%S}Z"]
    yield "  ".join([*filter(None, head), f"{counted(len(findings), 'check')} in {took_s:.1f} s"])
    for finding in findings:
        area = finding.check.split()[0]
        first, *more = _wrapped(finding.observed)
        yield f"{out.paint.word(finding.result)} {area:<{_AREA}} {first}"
        yield from (" " * _INDENT + line for line in more)
        if (problem := finding.problem) is None:
            continue
        said = [f"{problem.id}  effect: {problem.effect}", f"fix: {problem.fix}"]
        if verbose:
            said.insert(0, f"expected: {problem.expected}")
        for text in said:
            yield from (" " * _INDENT + line for line in _wrapped(text))
    number = Counter(finding.result for finding in findings)
    words = [(Result.FAIL, "failed"), (Result.WARN, "warned"), (Result.SKIP, "skipped"), (Result.OK, "ok")]
    counts = ", ".join(f"{number[result]} {word}" for result, word in words if number[result])
    calm = {Result.OK: "The unit is well: ", None: "Not all could be found out (sudo?): "}.get(worst, "")
    more_to_say = " Details: rvx doctor -v" if number[Result.FAIL] + number[Result.WARN] and not verbose else ""
    yield f"{calm}{counts}.{more_to_say}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - _INDENT, break_on_hyphens=False) or [""]


def _code(worst: Result | None, strict: bool) -> int:
    if worst is None:
        return UNKNOWN
    return FAILED if worst is Result.FAIL or (strict and worst is Result.WARN) else DONE


def _as_json(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    return {
        "check": finding.check,
        "result": finding.result.value,
        "known": finding.known,
        "observed": finding.observed,
        "expected": problem.expected if problem else None,
        "effect": problem.effect if problem else None,
        "fix": problem.fix if problem else None,
        "id": problem.id if problem else None,
    }


def _ask(facts: Facts, config: Config, paths: Paths) -> Facts:
    """With what the unit's process and the edge say of themselves."""
    unit, edge, denied = True, True, False
    status: Status | None = None
    tables: Mapping[str, Mapping[str, Any]] = {}
    try:
        status = ask_unit(paths.unit_socket)
    except (OSError, StatusError) as error:
        unit, denied = False, _is_denied(error)
    try:
        if status is None:
            status = ask_edge(paths.edge_socket, config)
            status = replace(status, problems=tuple(one for one in status.problems if one.id != "RVX-S01"))
        tables = asyncio.run(_tables(EdgeRpc(paths.edge_socket)))
    except (OSError, EdgeUnreachable) as error:
        edge, denied = False, denied or _is_denied(error)
    count, times, media = (tables.get(name, {}) for name in ("count", "rtt", "anchor"))
    anchored = [value for name, value in media.items() if name.isdigit()]
    timed = sum(name.isdigit() for name in times)
    return replace(
        facts,
        unit=None if denied and not unit else unit,
        edge=None if denied and not edge else edge,
        status=status,
        timer_a_ms=count.get("timer_a") or None,
        timed_calls=min(int(count.get("rtt_next", 0)), timed, RTT_SLOTS) or None,
        media_through=anchored.count(0) if tables else None,
        media_anchored=anchored.count(1) if tables else None,
        denied=denied,
    )


async def _tables(edge: EdgeRpc) -> dict[str, dict[str, Any]]:
    """Tables of the edge that are small, by name."""
    found = {}
    for name in ("count", "rtt", "anchor"):
        try:
            found[name] = table(await edge.call("htable.dump", name))
        except EdgeError:
            found[name] = {}
    return found


def _is_denied(error: Exception) -> bool:
    return isinstance(error, PermissionError) or "Permission denied" in str(error)


def _files(paths: Paths, config_file: Path | None) -> tuple[File, ...] | None:
    """Those that hold secrets and are there; None where we may not look."""
    wanted = [paths.directory, paths.journal, paths.tables, paths.learnt, paths.route_key, paths.edge_config]
    wanted += [paths.bindings, paths.bindings_kept]
    if config_file is not None:
        wanted.append(config_file.with_name(SECRETS_FILE))
    found = []
    for file in wanted:
        try:
            found.append(File(file.name, stat.S_IMODE(file.stat().st_mode)))
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return tuple(found)


def _taken(config: Config) -> tuple[str, ...] | None:
    try:
        return taken({parse_listen(entry).address for entry in (*config.edge.listen, *config.edge.platform_listen)})
    except OSError:
        return None


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return False


def _space(folder: Path) -> Space | None:
    """Of the file system that ``folder`` is on, or would be."""
    for place in (folder, *folder.parents):
        try:
            usage = shutil.disk_usage(place)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return Space(usage.free, usage.total)
    return None


def _modes(paths: Paths) -> Counter[int] | None:
    """Extensions by mode of credential: those that directory.db has a secret of, and those that the edge has learnt."""
    try:
        known: dict[str, int] = {}
        for file, sql in (
            (paths.tables, f"SELECT key_name, {LEARNT} FROM learnt"),  # noqa: S608  ours
            (paths.directory, f"SELECT extension, mode FROM credential WHERE mode <> {LEARNT}"),  # noqa: S608  ours
        ):
            if file.exists():
                with edgedb.opened(file, READ_TIMEOUT_S) as db:
                    known |= dict(db.execute(sql).fetchall())
        return Counter(known.values())
    except (OSError, sqlite3.Error):
        return None
