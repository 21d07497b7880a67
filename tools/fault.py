"""``rvx fault``: what people have reported as out of order, also in an outage (requirements.md, F4)."""

import argparse
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from callcontrol.plan.catalogue import words
from callcontrol.plan.faultreport import Fault, FaultReport, Source, answered
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.faults import FaultRows
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

LISTED_MAX = 200
NAME_CHARS = 6
"""Of an id: enough to tell those apart that wait."""


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "fault report": _report,
        "fault list": _list,
        "fault answer": _answer,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def _report(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        if args.extension is not None and store.people.extension(args.extension) is None:
            raise UserError("RVX-K03", f"{args.extension[:20]} is no extension here.")
        try:
            report = FaultReport(
                id=new_id(),
                at=now,
                extension=args.extension,
                reporter=viewer_of(args).id,
                source=Source.COMMAND,
                what=Fault(args.what),
                text=args.text,
            )
            with closing(FaultRows.open(config.paths.journal)) as rows:
                rows.report(report)
                report = rows.one(report.id) or report
        except (ValueError, OverflowError) as error:
            raise UserError("RVX-H12", f"{error}.") from error
    if out.json:
        out.document("ok", report=_told(report))
    else:
        out.line(f"{report.id[:NAME_CHARS]} is kept, and operations are told")
    return DONE


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config), closing(FaultRows.open(config.paths.journal)) as rows:
        found = rows.lately(LISTED_MAX) if args.all else rows.waiting()
    if out.json:
        out.document("ok", reports=[_told(one) for one in found])
        return DONE
    for line in table(_row(one) for one in found) if found else ():
        out.line(line)
    waiting = sum(one.answered_at is None for one in found)
    out.line(f"{counted(waiting, 'report')} {'waits' if waiting == 1 else 'wait'} for an answer")
    return DONE


def _answer(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    if not args.answer.strip() or not args.answer.isprintable():
        raise UserError("RVX-H12", "The answer is empty, or no line of text.")
    with opened(config) as store, closing(FaultRows.open(config.paths.journal)) as rows:
        named = [one for one in rows.waiting() if one.id.startswith(args.id)]
        if len(named) != 1:
            raise UserError("RVX-H12", f"{args.id[:40]!r} names {counted(len(named), 'report')} that waits.")
        report = rows.answer(named[0].id, args.answer, viewer_of(args).id, now)
        if report is None:
            raise UserError("RVX-H12", f"{args.id[:40]!r} was answered meanwhile.")
        extension = store.people.extension(report.reporter) or store.people.extension(report.extension or "")
        if extension is not None and extension.person is not None:
            store.changes.notice(answered(report, extension.person), now)
    if out.json:
        out.document("ok", report=_told(report))
    else:
        out.line(f"{report.id[:NAME_CHARS]} is answered")
    return DONE


def _told(report: FaultReport) -> dict[str, object]:
    return {
        "id": report.id,
        "at": report.at.isoformat(),
        "extension": report.extension,
        "reporter": report.reporter,
        "source": str(report.source),
        "what": str(report.what),
        "text": report.text,
        "mode": report.mode,
        "incident": report.incident,
        "answered_at": report.answered_at.isoformat() if report.answered_at else None,
        "answered_by": report.answered_by,
        "answer": report.answer or None,
    }


def _row(report: FaultReport) -> tuple[str, ...]:
    at = f"{report.at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
    what = words("fault", str(report.what)).sv
    about = report.extension or ""
    said = report.text if report.answered_at is None else f"{report.text} – {report.answer}"
    return report.id[:NAME_CHARS], at, about, report.mode, what, said
