"""``rvx calendar``: whose absences are read from a calendar, and what it was understood to say (requirements.md,
C3)."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callcontrol.plan.agenda import Meant, Passed
from callcontrol.plan.catalogue import words
from callcontrol.plan.reasons import ReasonTable
from callcontrol.plan.schedule import STOCKHOLM
from firmware.calendars.answer import BODY_MAX
from firmware.calendars.child import NotRead, read_apart
from firmware.calendars.meaning import agenda_of
from firmware.config import Config
from firmware.store.calendars import URL_MAX, Calendars, Subscription
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "calendar list": _list,
        "calendar show": _show,
        "calendar add": _add,
        "calendar remove": _remove,
        "calendar read": _read,
        "calendar try": _try,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


@contextmanager
def _calendars(config: Config) -> Iterator[tuple[Opened, Calendars]]:
    with opened(config) as store:
        rows = Calendars.open(config.paths.journal)
        try:
            yield store, rows
        finally:
            rows.close()


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _calendars(config) as (_, rows):
        found = rows.all()
    if out.json:
        out.document("ok", calendars=[_told(one) for one in found])
        return DONE
    for line in table([(one.extension, one.host, _state(one)) for one in found]) if found else ():
        out.line(line)
    out.line(f"{counted(len(found), 'calendar')}, {sum(bool(one.fault) for one in found)} of them cannot be read")
    return DONE


def _show(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _calendars(config) as (store, rows):
        one = _of(rows, args.extension)
        reasons = store.people.reasons(args.extension)
    if out.json:
        out.document("ok", calendar=_told(one), **_understood(one.understood, one.passed, one.unknown))
        return DONE
    out.line(f"{one.extension}: {one.host}, {_state(one)}")
    _say(out, one.understood, one.passed, one.unknown, reasons)
    return DONE


def _add(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _calendars(config) as (store, rows):
        _known(store, args.extension)
        try:
            found = rows.subscribe(args.extension, _address(args), viewer_of(args).id, datetime.now(UTC))
        except ValueError as error:
            raise UserError("RVX-H07", f"{error}.") from None
    if out.json:
        out.document("ok", calendar=_told(found))
    else:
        out.line(
            f"{found.extension}: {found.host} is read from now on. What it says: rvx calendar show {found.extension}"
        )
    return DONE


def _remove(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _calendars(config) as (_, rows):
        if not rows.unsubscribe(args.extension, viewer_of(args).id, datetime.now(UTC)):
            raise _none(args.extension)
    if out.json:
        out.document("ok", extension=args.extension)
    else:
        out.line(f"{args.extension} has no calendar any more; what it said is over")
    return DONE


def _read(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _calendars(config) as (_, rows):
        if not rows.again(args.extension, datetime.now(UTC)):
            raise _none(args.extension)
    if out.json:
        out.document("ok", extension=args.extension)
    else:
        out.line(f"{args.extension} is read at once, if the unit is running. See rvx calendar show {args.extension}")
    return DONE


def _try(args: argparse.Namespace, out: Output, config: Config) -> int:
    path, now = Path(args.file), datetime.now(UTC)
    try:
        with path.open("rb") as file:
            body = file.read(BODY_MAX + 1)
    except OSError as error:
        raise UserError("RVX-H07", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    with opened(config) as store:
        _known(store, args.extension)
        reasons = store.people.reasons(args.extension)
        try:
            entries, passed = asyncio.run(read_apart(body, now))
        except NotRead as error:
            if out.json:
                problem = {"id": "RVX-H09", "severity": "fail", "area": "calendars", "observed": error.fault}
                out.document("fail", [problem])
            else:
                out.line(f"{path}: {words('calendar', error.fault).en}. More: rvx explain RVX-H09")
            return FAILED
        agenda = agenda_of(store.people, args.extension, entries, passed, now)
    if agenda is None:
        raise UserError("RVX-K03", f"{args.extension} is no extension here.")
    if out.json:
        out.document("ok", **_understood(agenda.meant, agenda.passed, agenda.unknown))
    else:
        _say(out, agenda.meant, agenda.passed, agenda.unknown, reasons)
    return DONE


def _known(store: Opened, extension: str) -> None:
    if store.people.extension(extension) is None:
        raise UserError("RVX-K03", f"{extension} is no extension here.")


def _of(rows: Calendars, extension: str) -> Subscription:
    if (found := rows.of(extension)) is None:
        raise _none(extension)
    return found


def _none(extension: str) -> UserError:
    return UserError("RVX-H08", f"{extension} has no calendar.")


def _address(args: argparse.Namespace) -> str:
    """Never as an argument: those are seen by everybody on the machine, and kept by shells."""
    if args.url_stdin:
        return sys.stdin.readline(URL_MAX + 2)
    if not sys.stdin.isatty():
        raise UserError("RVX-H07", "There is no address.", "Give --url-stdin.")
    return getpass.getpass(f"Address of {args.extension}'s calendar: ")


def _state(one: Subscription) -> str:
    when = f"last read {_time(one.read_at)}" if one.read_at else "not read yet"
    return f"{when}; {words('calendar', one.fault).en}, {counted(one.failures, 'time')}" if one.fault else when


def _say(
    out: Output, meant: tuple[Meant, ...], passed: Mapping[Passed, int], unknown: tuple[str, ...], reasons: ReasonTable
) -> None:
    rows = []
    for one in meant:
        reason = reasons.by_key(one.reason)
        how = "open" if one.open else "closed"
        rows.append(
            (f"  {_time(one.start)}", "–", _time(one.until), reason.sv if reason else one.reason, how, one.information)
        )
    for line in table(rows) if rows else ["  nothing"]:
        out.line(line)
    for why, count in sorted(passed.items()):
        shown = f" ({' '.join(unknown)})" if why is Passed.UNKNOWN_LETTERS and unknown else ""
        out.line(
            f"  {counted(count, 'entry').replace('entrys', 'entries')} passed over: {words('passed', why).en}{shown}"
        )


def _told(one: Subscription) -> dict[str, object]:
    return {
        "extension": one.extension,
        "host": one.host,
        "read_at": one.read_at.isoformat() if one.read_at else None,
        "fault": one.fault or None,
        "failures": one.failures,
    }


def _understood(meant: tuple[Meant, ...], passed: Mapping[Passed, int], unknown: tuple[str, ...]) -> dict[str, Any]:
    listed = [
        {"from": one.start.isoformat(), "until": one.until.isoformat(), "reason": one.reason, "open": one.open}
        for one in meant
    ]
    return {
        "understood": listed,
        "passed": {str(why): count for why, count in passed.items()},
        "unknown": list(unknown),
    }


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
