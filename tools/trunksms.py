"""``rvx trunk sms``: the queue of short messages and what came, one sent, and what became of one."""

import argparse
import sys
from datetime import UTC, datetime

from callcontrol.plan.catalogue import words
from callcontrol.plan.number import pretty
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smsqueue import Kind, receiver
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.sms import SmsRows
from firmware.store.smscame import Came, CameRows
from firmware.store.smsview import Queued, Sms, TryRow
from firmware.trunk.smsout import PARTS_MAX, parts_of
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

TEXT_MAX = 4_000
"""Letters read from standard input; a message has room for far fewer."""


def run(args: argparse.Namespace) -> int:
    """Does what the options say, in the unit's state folder."""
    out, config = Output.of(args), config_of(args)
    with opened(config) as store:
        if args.to is not None or args.text is not None:
            return _send(args, out, config, store)
        rows = SmsRows(store.people.journal)
        return _why(args.why, out, rows) if args.why else _list(args.limit, out, rows, CameRows(store.people.journal))


def _send(args: argparse.Namespace, out: Output, config: Config, store: Opened) -> int:
    if args.to is None or args.text is None:
        raise UserError("RVX-A02", "--to and --text belong together.", "rvx trunk sms --help")
    found = receiver(args.to, abroad=config.sms.abroad == "yes")
    if found.number is None:
        raise UserError("RVX-O01", f"{args.to[:40]!r} is {words('category', found.why).en}.")
    if args.reply_to is not None and store.people.extension(args.reply_to) is None:
        raise UserError("RVX-O02", f"{args.reply_to[:20]!r} is no extension here.")
    text = sys.stdin.read(TEXT_MAX + 1).strip() if args.text == "-" else args.text.strip()
    try:
        parts = parts_of(text) if text else 0
    except ValueError as error:
        raise UserError("RVX-O02", f"The text takes more than {PARTS_MAX} parts.") from error
    if not parts:
        raise UserError("RVX-O02", "The text is empty.")
    sms = Sms(
        id=new_id(), kind=Kind.MESSAGE, number=found.number, text=text, set_by=viewer_of(args).id,
        queued_at=datetime.now(UTC), parts=parts, ore=parts * config.sms.part_ore, reply_to=args.reply_to,
    )  # fmt: skip
    try:
        SmsRows(store.people.journal).put([sms])
    except OverflowError as error:
        raise UserError("RVX-O04", f"{error}.") from error
    if out.json:
        out.document("ok", id=sms.id, to=sms.number, parts=parts, ore=sms.ore)
    else:
        out.line(
            f"{sms.id}: to {pretty(sms.number)}, {counted(parts, 'part')}, about {_price(sms.ore)}; waits for a modem"
        )
    return DONE


def _list(limit: int, out: Output, rows: SmsRows, came: CameRows) -> int:
    queued, arrived, waiting = rows.newest(limit), came.newest(limit), rows.waiting()
    if out.json:
        out.document("ok", waiting=waiting, sent=[_told(one) for one in queued], came=list(map(_came_told, arrived)))
        return DONE
    shown = [
        (_time(one.sms.queued_at), one.state.value, one.sms.kind.value, pretty(one.sms.number), _parts(one), one.sms.id)
        for one in queued
    ]
    for line in table(shown) if shown else ():
        out.line(line)
    for one in arrived:
        out.line(f"{_time(one.came_at)}  came from {pretty(one.sender) or 'nobody known'}: {one.what.value}")
    price = sum(one.sms.ore for one in queued)
    out.line(f"{counted(waiting, 'part')} waiting; {len(queued)} shown, about {_price(price)}; {len(arrived)} came")
    return DONE


def _why(name: str, out: Output, rows: SmsRows) -> int:
    found = rows.find(name) or _only(name, rows)
    if found is None:
        raise UserError("RVX-O03", f"{name[:60]!r} is none.")
    tries = rows.tries(found.sms.id)
    if out.json:
        out.document("ok", sms=_told(found), tries=list(map(_try_told, tries)))
        return DONE
    sms = found.sms
    out.line(f"{sms.id}: {found.state.value}{f', {found.why}' if found.why else ''}")
    out.line(f"  to {pretty(sms.number)}, {sms.kind.value}, by {sms.set_by}, {_parts(found)}, about {_price(sms.ore)}")
    out.line(f"  queued {_time(sms.queued_at)}, valid until {_time(found.valid_until)}")
    for one in tries:
        code = f", code {one.code}" if one.code is not None else ""
        reference = f", reference {one.reference}" if one.reference is not None else ""
        out.line(f"  {_time(one.began_at)}  part {one.part} by {one.modem}: {one.outcome.value}{code}{reference}")
    if not tries:
        out.line("  given to no modem yet")
    return DONE


def _only(beginning: str, rows: SmsRows) -> Queued | None:
    """The one of the newest that begins so: the number, which ends a name, need not be given."""
    found = [one for one in rows.newest(1_000) if one.sms.id.startswith(beginning)]
    return found[0] if len(found) == 1 else None


def _told(one: Queued) -> dict[str, object]:
    sms = one.sms
    return {
        "id": sms.id,
        "kind": sms.kind.value,
        "to": sms.number,
        "text": sms.text,
        "state": one.state.value,
        "parts": [state.value for state in one.states],
        "why": one.why,
        "ore": sms.ore,
        "set_by": sms.set_by,
        "reply_to": sms.reply_to,
        "queued_at": sms.queued_at.isoformat(),
        "valid_until": one.valid_until.isoformat(),
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
    }


def _try_told(one: TryRow) -> dict[str, object]:
    return {
        "part": one.part,
        "modem": one.modem,
        "began_at": one.began_at.isoformat(),
        "outcome": one.outcome.value,
        "reference": one.reference,
        "code": one.code,
    }


def _came_told(one: Came) -> dict[str, object]:
    known = {"id": one.id, "from": one.sender, "text": one.text, "what": one.what.value, "extension": one.extension}
    return {**known, "came_at": one.came_at.isoformat()}


def _parts(one: Queued) -> str:
    return counted(len(one.states), "part")


def _price(ore: int) -> str:
    return f"{ore / 100:.2f} kr"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M:%S}"
