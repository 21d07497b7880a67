"""``rvx memo``: messages to people: listed, taken, handled (requirements.md, B11)."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from callcontrol.plan.memo import Memo, Wants, contact_by
from callcontrol.plan.model import Unreadable
from callcontrol.plan.number import pretty
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.memos import MemoRows
from firmware.store.people import People
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "memo list": _list,
        "memo take": _take,
        "memo handled": _handled,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    if args.all and not args.extensions:
        raise UserError("RVX-A02", "--all wants an extension.")
    with opened(config) as store:
        rows = MemoRows(store.people.journal)
        if args.extensions:
            memos = rows.of(args.extensions, args.limit, handled=args.all)
        else:
            memos = rows.not_handled(args.limit)
        told = [_told(memo, store.people) for memo in memos]
    if out.json:
        out.document("ok", memos=told)
        return DONE
    for line in table(map(_row, told)) if told else ():
        out.line(line)
    out.line(f"{counted(len(told), 'message')}")
    return DONE


def _take(args: argparse.Namespace, out: Output, config: Config) -> int:
    wants = Wants.CALLS_AGAIN if args.calls_again else Wants.NOTHING if args.no_answer else Wants.CALL_BACK
    with opened(config) as store:
        if store.people.extension(args.extension) is None:
            raise UserError("RVX-K03", f"{args.extension[:20]} is no extension here.")
        memo = Memo(
            id=new_id(), extension=args.extension, text=args.text.strip(), caller=args.caller, caller_name=args.name,
            wants=wants, urgent=args.urgent, taken_by=viewer_of(args).id, taken_at=datetime.now(UTC),
        )  # fmt: skip
        try:
            MemoRows(store.people.journal).take(memo)
        except (ValueError, OverflowError) as error:
            raise UserError("RVX-Q07", f"{error}.") from error
        told = _told(memo, store.people)
    if out.json:
        out.document("ok", memo=told)
    else:
        until = f"; contact by {_clock(told['contact_by'])}" if told["contact_by"] else ""
        out.line(f"{memo.id}: to {memo.extension}{until}")
    return DONE


def _handled(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config) as store:
        done = MemoRows(store.people.journal).handled(args.id, viewer_of(args).id, datetime.now(UTC))
    if not done:
        raise UserError("RVX-Q08", f"{args.id[:60]!r} is none, or is handled.")
    if out.json:
        out.document("ok", id=args.id)
    else:
        out.line(f"{args.id} is handled")
    return DONE


def _told(memo: Memo, people: People) -> dict[str, str | bool | None]:
    try:
        known = people.extension(memo.extension)
        by = contact_by(memo.taken_at, people.working_hours(known.unit if known is not None else "")).isoformat()
    except (Unreadable, ValueError):
        by = ""
    return {
        "id": memo.id,
        "extension": memo.extension,
        "state": memo.state.value,
        "from": memo.caller,
        "name": memo.caller_name,
        "text": memo.text,
        "wants": memo.wants.value,
        "urgent": memo.urgent,
        "taken_by": memo.taken_by,
        "taken_at": memo.taken_at.isoformat(),
        "contact_by": by,
        "sent_by": memo.sent_by,
        "handled_by": memo.handled_by,
    }


def _row(told: dict[str, str | bool | None]) -> tuple[str, ...]:
    sender = ", ".join(part for part in (str(told["name"]), pretty(str(told["from"])) if told["from"] else "") if part)
    state = f"{told['state']}{'!' if told['urgent'] else ''}"
    return _clock(told["taken_at"]), str(told["extension"]), state, sender or "-", str(told["id"])


def _clock(text: str | bool | None) -> str:
    return f"{datetime.fromisoformat(str(text)).astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
