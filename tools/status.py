"""`rvx status`: on one screen, what works now and what if something more fails.

Asks the unit's own process. When that is dead, asks Kamailio itself and says so, with exit code 3: calls do not need
the process that answers here.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callcontrol.plan.schedule import STOCKHOLM
from firmware import __version__
from firmware.config import Config
from firmware.modes import Cause, Mode, Reason
from firmware.modes import Path as Way
from firmware.problems import with_problems
from firmware.status import Closed, Data, Modem, Node, Phones, Problem, Severity, Status, Sync, Trunk, Web
from firmware.statusread import StatusError, read_status
from tools.errors import DONE, FAILED, UNKNOWN, UserError
from tools.errors.catalog import CATALOG
from tools.output import WIDTH, Output
from tools.place import config_of
from tools.powershown import power_rows

__all__ = ["VERDICTS", "ask_edge", "ask_unit", "lines", "run"]

TIMEOUT_S = 2.0
"""A unit that has not said everything by then is taken for dead."""
ANSWER_BYTES_MAX = 1 << 20
"""A status is some kilobytes."""
WATCH_EVERY_S = 1.0
PROBLEMS_SHOWN = 5
_LABEL, _LEFT = 13, 32  # columns
_HOME_AND_CLEAR = "\x1b[H\x1b[J"

VERDICTS = {
    "working_protected": "ARBETAR, SKYDDAD / WORKING, PROTECTED",
    "working_not_protected": "ARBETAR, INTE SKYDDAD / WORKING, NOT PROTECTED",
    "working_unknown": "ARBETAR, SKYDD OKÄNT / WORKING, PROTECTION UNKNOWN",
    "returning_protected": "ÅTERGÅR, SKYDDAD / RETURNING, PROTECTED",
    "returning_not_protected": "ÅTERGÅR, INTE SKYDDAD / RETURNING, NOT PROTECTED",
    "returning_unknown": "ÅTERGÅR, SKYDD OKÄNT / RETURNING, PROTECTION UNKNOWN",
    "survival_way_out": "RESERVDRIFT, VÄG UT FINNS / SURVIVAL, WAY OUT",
    "survival_no_way_out": "RESERVDRIFT, INGEN VÄG UT / SURVIVAL, NO WAY OUT",
    "survival": "RESERVDRIFT, VÄG UT OKÄND / SURVIVAL, WAY OUT UNKNOWN",
    "not_working": "ARBETAR INTE / NOT WORKING",
    "unknown": "OKÄNT / UNKNOWN",
}
"""What a status amounts to, in Swedish and in English."""

_CAUSES = {
    Cause.PLATFORM: "the platform is down",
    Cause.PLATFORM_TRUNK: "the platform has no way out",
    Cause.LINE: "the line is down",
    Cause.UNIT: "no platform is configured",
    Cause.MAINS: "mains failed",
    Cause.DRILL: "a drill",
    Cause.UNKNOWN: "platform or line, not known which",
}
_REASONS = {
    Reason.SERVING: "the platform answers",
    Reason.LINE_BACK: "the line is back",
    Reason.LINE_LOST: "the line is lost",
    Reason.NOT_PROBED: "not known yet",
    Reason.PROBES_LOST: "probes are lost",
    Reason.CALLS_UNANSWERED: "calls go unanswered",
    Reason.CALLS_STALLED: "calls get no further than a 100",
    Reason.SILENT: "no answer",
    Reason.REFUSING: "the platform refuses",
    Reason.NO_CARRIER: "no carrier",
    Reason.NO_PLATFORM: "no platform is configured",
    Reason.DRILL: "a drill",
}


def run(args: argparse.Namespace) -> int:
    out, config = Output.of(args), config_of(args)
    if not args.watch:
        return _show(out, *_look(config))
    while True:
        if out.paint.terminal and not out.json:
            sys.stdout.write(_HOME_AND_CLEAR)
        try:
            _show(out, *_look(config), compact=True)
        except UserError as error:
            out.note(f"rvx: {error.code} {error.entry.en.what} {error.detail}")
        time.sleep(WATCH_EVERY_S)


def _show(out: Output, status: Status, own: bool, compact: bool = False) -> int:
    if not own:
        out.note("rvx: RVX-S01 The unit's own process does not answer. This is what Kamailio says itself.")
    if out.json:
        out.line(json.dumps(status.to_json(), ensure_ascii=False, indent=None if compact else 2))
    else:
        for line in lines(status, datetime.now(UTC), out):
            out.line(line)
    if not own:
        return UNKNOWN
    return FAILED if any(problem.severity is Severity.FAIL for problem in status.problems) else DONE


def _look(config: Config) -> tuple[Status, bool]:
    """The status, and whether the unit itself gave it. Raises UserError when nobody answers."""
    paths = config.paths
    try:
        return ask_unit(paths.unit_socket), True
    except (OSError, StatusError) as error:
        why = _why(error, paths.unit_socket)
    try:
        return ask_edge(paths.edge_socket, config), False
    except OSError as error:
        denied = "Permission denied" in f"{why} {error}"
        remedy = "Give the same command with sudo." if denied else ""
        raise UserError("RVX-S01", f"{why}; Kamailio does not answer either.", remedy) from error


def ask_unit(path: Path) -> Status:
    """What the unit says on its socket. Raises OSError when it says nothing, StatusError when it makes no sense."""
    until = time.monotonic() + TIMEOUT_S
    said = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.connect(str(path))
        while part := sock.recv(1 << 16):
            said += part
            if len(said) > ANSWER_BYTES_MAX:
                raise StatusError("the answer does not end")
            sock.settimeout(max(0.001, until - time.monotonic()))
    try:
        return read_status(json.loads(said))
    except (ValueError, RecursionError) as error:
        raise StatusError(f"the answer is not understood: {error}") from error


def ask_edge(path: Path, config: Config) -> Status:
    """What Kamailio knows of itself, and we by `config`. Raises OSError when it does not answer."""
    import asyncio

    from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
    from firmware.signs import node_signs
    from firmware.watch import SETS, table

    async def ask() -> dict[str, Any]:
        edge = EdgeRpc(path)
        said = {}
        questions = (
            ("htable.dump", "st"),
            ("htable.dump", "count"),
            ("dispatcher.list",),
            ("stats.fetchn", _REGISTERED),
        )
        for question in questions:
            try:
                said[" ".join(question)] = await edge.call(*question)
            except EdgeError:  # an edge without a platform has no nodes to list
                said[" ".join(question)] = None
        return said

    try:
        said = asyncio.run(ask())
    except EdgeUnreachable as error:
        raise OSError(str(error)) from error
    now = time.time()
    state, count = table(said["htable.dump st"]), table(said["htable.dump count"])
    statistics = said[f"stats.fetchn {_REGISTERED}"]
    lease = state.get("lease")
    nodes = node_signs(said["dispatcher.list"], SETS)
    status = Status(
        unit=config.unit.name,
        version=__version__,
        time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        mode=_known(Mode, state.get("mode")),
        path=_known(Way, state.get("path")),
        lease_left_s=lease - now if isinstance(lease, int) else None,
        edge=True,
        platform=bool(config.platform.nodes),
        gateway=bool(config.emergency_gateway),
        place=config.emergency.place,
        trunk=Trunk() if config.modem else None,
        nodes=tuple(Node(node.uri, node.path, node.serving, node.probe_ms) for node in nodes),
        phones=Phones(registered=_number(statistics, _REGISTERED.replace(":", "."))),
    )
    status = replace(status, calls=replace(status.calls, diverted=_number(count, "diverted")))
    said_s01 = CATALOG["RVX-S01"].en
    silent = Problem(
        "RVX-S01",
        Severity.FAIL,
        "state",
        observed=said_s01.what.rstrip("."),
        expected="an answer within 2 s",
        effect="calls go on; records and status wait",
        fix="start it by rvx run",
    )
    # That nobody vouches for the mode is what a dead unit means, not one more problem.
    others = tuple(problem for problem in with_problems(status).problems if problem.id != "RVX-S02")
    return replace(status, problems=(silent, *others))


_REGISTERED = "usrloc:registered_users"


def lines(status: Status, now: datetime, out: Output) -> Iterator[str]:
    """The screen, at most `WIDTH` columns wide. Facts first, problems last, then what to do next."""
    verdict = VERDICTS.get(status.verdict, VERDICTS["unknown"])
    yield from _head(status.unit, verdict, out)
    up = _since(status.started_at, now)
    yield from _row("Unit", f"rvx {status.version}", f"up {up}" if up else "process does not answer")
    yield from _row("Mode", *_mode(status))
    yield from _row("Uplink", *_uplink(status))
    if status.data is not None:
        yield from _row("Data", *_data(status.data))
    if status.mode is not Mode.SURVIVAL:
        keep = {True: "phones keep calling each other", False: "some phones fall silent", None: "not known"}
        yield from _row("If it fails", keep[status.protected], _outside(status))
    else:
        yield from _row("Calls out", _outside(status))
    for modem in status.trunk.modems if status.trunk else ():
        yield from _row("Modem", *_modem(modem))
    if status.place or any(modem.number for modem in (status.trunk.modems if status.trunk else ())):
        yield from _row("Tell SOS", *_sos(status))
    if status.power is not None:
        for row in power_rows(status.power, now):
            yield from _row(*row)
    yield from _row("Phones", *_phones(status))
    if status.web is not None:
        yield from _row("Pages", *_web(status.web))
    if status.sync is not None:
        yield from _row("Hub", *_sync(status.sync))
    yield from _row("Calls", *_calls(status))
    if status.calls.messages:
        yield from _row("Messages", f"{status.calls.messages} left by callers")
    for closed in status.closed:
        yield from _row("Reception", *_closed(closed))
    yield from _problems(status, out)
    first = next((problem.id for problem in status.problems), None)
    age = _since(status.time, now) or "unknown"
    yield from _row("Next", f"rvx explain {first}" if first else "nothing to do", f"data {age} old")


def _closed(closed: Closed) -> tuple[str, str]:
    how = "at lunch" if closed.state == "lunch" else "closed"
    key = ", by key" if closed.by_key else ""
    return f"{closed.name}: {how}{key}", _opens(closed.opens_at)


def _opens(moment: str | None) -> str:
    if not moment:
        return ""
    try:
        return f"opens {datetime.fromisoformat(moment).astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return ""


def _head(name: str, verdict: str, out: Output) -> Iterator[str]:
    if len(name) + 2 + len(verdict) <= WIDTH:
        yield f"{name:<{_LABEL - 2}}  {out.paint.bold(verdict)}"
    else:
        yield name
        yield f"{'':<{_LABEL}}{out.paint.bold(verdict)}"


def _row(label: str, left: str, right: str = "") -> Iterator[str]:
    """Label and two cells; a cell that does not fit stands on a line of its own, cut at the edge of the screen."""
    room = WIDTH - _LABEL
    if len(left) <= _LEFT - 2 and _LEFT + len(right) <= room:
        yield f"{label:<{_LABEL}}{left:<{_LEFT}}{right}".rstrip()
    elif len(left) + 2 + len(right) <= room:
        yield f"{label:<{_LABEL}}{left}  {right}".rstrip()
    else:
        yield f"{label:<{_LABEL}}{_cut(left, room)}"
        yield f"{'':<{_LABEL}}{_cut(right, room)}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3] + "..."


def _data(data: Data) -> tuple[str, str]:
    """The way by mobile data: what it carries and bears, and what was sent."""
    if not data.process:
        return "not carried: the process data is away", ""
    bears = f"{data.calls or 0} of {data.calls_max or 0} calls"
    if data.capacity_kbit is not None:
        bears += f", {data.capacity_kbit:.0f} kbit/s"
    sent = "" if data.day_mb is None else f"{data.day_mb:.0f} MB today"
    if data.tunnel is False:
        return f"{bears}, no tunnel", sent
    return bears, sent


def _web(web: Web) -> tuple[str, str]:
    """Pages and the phones' directory, and whether people can sign in by their own account."""
    if not web.process:
        return "not known yet" if web.process is None else "the process web is away", ""
    there = [("pages", web.pages), ("phones' directory", web.phone_book)]
    known = [f"{name} {'served' if is_there else 'not served'}" for name, is_there in there if is_there is not None]
    signs = {True: "sign-in by own account", False: "own account's sign-in is away", None: ""}[web.identity]
    return ", ".join(known) or "none; mail and calendars", signs


def _sync(sync: Sync) -> tuple[str, str]:
    if not sync.process:
        return "not known yet" if sync.process is None else "the process sync is away", ""
    waits = f"{sync.waiting} waiting" if sync.waiting else ""
    if sync.connected:
        return "reached", waits or "all is there"
    return f"not reached: {sync.why or 'not tried yet'}", waits


def _mode(status: Status) -> tuple[str, str]:
    if status.mode is None:
        return "not known", ""
    lasts = "" if status.in_mode_s is None else f" for {_duration(status.in_mode_s)}"
    if status.lease_left_s is not None and status.lease_left_s <= 0:
        return f"{status.mode}{lasts}", f"not renewed for {_duration(-status.lease_left_s)}"
    if status.mode is Mode.SURVIVAL:
        if status.reason is Reason.SERVING and status.hold_left_s:
            return f"{status.mode}{lasts}", f"goes back in {_duration(status.hold_left_s)} at the least"
        return f"{status.mode}{lasts}", _CAUSES[status.cause] if status.cause else ""
    return f"{status.mode}{lasts}", _REASONS[status.reason] if status.reason else ""


def _uplink(status: Status) -> tuple[str, str]:
    if status.platform is False:
        return "no platform is configured", "calls within the house only"
    if not status.nodes:
        return "not known", ""
    words = {True: "serves", False: "does not serve", None: "not probed yet"}
    best = min(status.nodes, key=lambda node: (node.serving is not True, node.probe_ms or 0.0))
    probe = f", {best.probe_ms:.0f} ms" if best.serving and best.probe_ms is not None else ""
    serving = sum(1 for node in status.nodes if node.serving)
    by = "" if status.path is None else {Way.LINE: "by the line", Way.DATA: "by mobile data"}[status.path]
    left = f"{best.uri.removeprefix('sip:')} {words[best.serving]}{probe}"
    return left, ", ".join(filter(None, (f"{serving} of {len(status.nodes)} nodes serve", by)))


def _outside(status: Status) -> str:
    modems = status.trunk.modems if status.trunk else ()
    by = ["gateway"] if status.gateway else []
    by += [modem.name for modem in modems if modem.service == "voice"]
    if by:
        return f"outside line: {', '.join(by)}"
    if any(modem.service == "emergency_only" for modem in modems):
        return "outside line: 112 ONLY"
    return "outside line: not known" if status.way_out is None else "outside line: NONE, 112 too"


def _modem(modem: Modem) -> tuple[str, str]:
    """What it is and can do; whether anybody has proved it."""
    can = {
        "voice": "can call",
        "emergency_only": "112 ONLY",
        "unknown": "network not known",
        "none": "NO NETWORK",
        "away": "DOES NOT ANSWER",
    }.get(modem.service or "", "not known")
    proved = {"green": "proved", "yellow": "partly proved", "red": "NOT PROVED"}.get(modem.card or "", "")
    signal = "" if modem.dbm is None else f"{modem.dbm} dBm"
    network = " ".join(filter(None, (modem.network, modem.technology, signal)))
    return f"{modem.name}: {can}, {proved}" if proved else f"{modem.name}: {can}", network


def _sos(status: Status) -> tuple[str, str]:
    """Where this is, and the numbers at which who rings 112 by a modem is called back."""
    numbers = [modem.number for modem in (status.trunk.modems if status.trunk else ()) if modem.number]
    return status.place or "no place: [emergency] place", f"call back {', '.join(numbers)}" if numbers else ""


def _phones(status: Status) -> tuple[str, str]:
    phones = status.phones
    left = "not known" if phones.registered is None else f"{phones.registered} registered"
    if phones.known is not None:
        left += f", {phones.known} known here"
    right = "" if phones.learnt is None else f"{phones.learnt} learnt"
    if phones.registered and phones.ready is not None and phones.ready < phones.registered:
        right = f"{phones.registered - phones.ready} without a secret here"
    return left, right


def _calls(status: Status) -> tuple[str, str]:
    calls = status.calls
    now = None if calls.now is None else f"{calls.now} now"
    today = None if calls.today is None else f"{calls.today} carried here today"
    failed = None if calls.failed_today is None else f"{calls.failed_today} failed"
    diverted = None if calls.diverted is None else f"{calls.diverted} taken over"
    return ", ".join(filter(None, (now, today, failed))) or "not known", diverted or ""


def _problems(status: Status, out: Output) -> Iterator[str]:
    count = len(status.problems)
    label = "No problem" if not count else f"{count} problem{'s' if count > 1 else ''}"
    if not count:
        yield label
        return
    room = WIDTH - _LABEL
    for number, problem in enumerate(status.problems[:PROBLEMS_SHOWN]):
        head = f"{label if number == 0 else '':<{_LABEL}}"
        what = _cut(problem.observed, room - len("[fail] RVX-L01 "))
        yield f"{head}{out.paint.word(problem.severity)} {problem.id} {what}"
        yield f"{'':<{_LABEL}}{_cut(f'       effect: {problem.effect}', room)}"
        yield f"{'':<{_LABEL}}{_cut(f'       fix: {problem.fix}', room)}"
    if count > PROBLEMS_SHOWN:
        yield f"{'':<{_LABEL}}and {count - PROBLEMS_SHOWN} more: rvx status --json"


def _since(moment: str | None, now: datetime) -> str | None:
    if not moment:
        return None
    try:
        return _duration((now - datetime.fromisoformat(moment)).total_seconds())
    except (TypeError, ValueError):
        return None


def _duration(seconds: float) -> str:
    """The two largest units: `6 d 04 h`, `2 h 05 min`, `31 min`, `12 s`."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24:02} h"
    if hours:
        return f"{hours} h {minutes % 60:02} min"
    return f"{minutes} min" if minutes else f"{whole} s"


def _why(error: Exception, path: Path) -> str:
    if isinstance(error, StatusError):
        return str(error)
    words = error.strerror if isinstance(error, OSError) and error.strerror else "no answer in time"
    return f"{path}: {words}"


def _known(words: type[Any], value: object) -> Any:
    return value if value is None else next((word for word in words if word.value == value), None)


def _number(values: object, name: str) -> int | None:
    value = values.get(name) if isinstance(values, dict) else None
    return value if isinstance(value, int) else None
