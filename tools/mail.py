"""``rvx mail``: the queue of mail, what became of one, one sent anew; and the server, tried."""

import argparse
from datetime import UTC, datetime

from callcontrol.plan.catalogue import words
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.mail.letter import From, letter
from firmware.mail.policy import Happened, Kind, address
from firmware.mail.sender import server_of
from firmware.mail.smtp import Limits, Session
from firmware.store.changes import new_id
from firmware.store.mail import Mail, MailRows, MailTry, Queued
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

TEST_LIMITS = Limits(step_s=15.0, end_s=60.0, session_s=90.0)
"""Somebody waits for it at a screen."""
SIZE_MAX = 100_000


def run(args: argparse.Namespace) -> int:
    """Does what the options say, in the unit's state folder."""
    out, config = Output.of(args), config_of(args)
    if args.test is not None:
        return _test(args, out, config)
    with opened(config) as store:
        rows = MailRows(store.people.journal)
        if args.again is not None:
            return _again(args.again, out, rows)
        return _why(args.why, out, rows) if args.why else _list(args.limit, out, config, rows)


def _test(args: argparse.Namespace, out: Output, config: Config) -> int:
    if not config.mail.server:
        raise UserError("RVX-Q05", "There is no [mail] server.")
    try:
        to = address(args.test, "--test")
    except ValueError as error:
        raise UserError("RVX-A02", f"{error}.") from error
    site = (("site", config.unit.name),)
    mail = Mail(
        id="test", kind=Kind.TEST, to=to, subject=words("mail", "test_subject", site).sv,
        text=words("mail", "test", site).sv, set_by=viewer_of(args).id, queued_at=datetime.now(UTC),
    )  # fmt: skip
    sender = From(config.mail.sender, f"Reservväxeln {config.unit.name}", config.mail.sender.rpartition("@")[2])
    session = Session(server_of(config, TEST_LIMITS))
    try:
        answer = session.deliver(
            sender.address, to, lambda size: letter(mail, new_id(), sender, None, min(SIZE_MAX, size or SIZE_MAX))
        )
    finally:
        session.close()
    taken = answer.happened is Happened.TAKEN
    if out.json:
        problem = {"id": "RVX-Q01", "severity": "fail", "area": "mail", "observed": answer.text}
        out.document("ok" if taken else "fail", [] if taken else [problem], to=to, answer=answer.text)
    elif taken:
        out.line(f"{config.mail.server} took it: {answer.text}")
    else:
        out.line(f"{config.mail.server} did not take it: {answer.text}. More: rvx explain RVX-Q01")
    return DONE if taken else FAILED


def _again(name: str, out: Output, rows: MailRows) -> int:
    found = _found(name, rows)
    if not rows.again(found.mail.id, datetime.now(UTC)):
        raise UserError("RVX-Q06", f"{found.mail.id} is {found.state.value}.")
    if out.json:
        out.document("ok", id=found.mail.id)
    else:
        out.line(f"{found.mail.id} waits to be sent anew")
    return DONE


def _list(limit: int, out: Output, config: Config, rows: MailRows) -> int:
    queued, waiting, fault = rows.newest(limit), rows.waiting(), rows.server_fault()
    if out.json:
        since = {"since": fault.since.isoformat(), "why": fault.why} if fault else None
        out.document(
            "ok", server=config.mail.server, fault=since, waiting=waiting, mails=[_told(one) for one in queued]
        )
        return DONE
    shown = [
        (_time(one.mail.queued_at), one.state.value, one.mail.kind.value, one.mail.to, one.mail.id) for one in queued
    ]
    for line in table(shown) if shown else ():
        out.line(line)
    if not config.mail.server:
        out.line("no [mail] server: nothing is sent")
    elif fault is not None:
        out.line(f"the server cannot be used since {_time(fault.since)}: {fault.why}")
    out.line(f"{counted(waiting, 'mail')} waiting; {len(queued)} shown")
    return DONE


def _why(name: str, out: Output, rows: MailRows) -> int:
    one = _found(name, rows)
    mail, tries = one.mail, rows.tries(one.mail.id)
    if out.json:
        out.document("ok", mail=_told(one), tries=list(map(_try_told, tries)))
        return DONE
    out.line(f"{mail.id}: {one.state.value}{f', {one.why}' if one.why else ''}")
    out.line(f"  to {mail.to}, {mail.kind.value}, by {mail.set_by}: {mail.subject}")
    out.line(f"  queued {_time(mail.queued_at)}, valid until {_time(one.valid_until)}, Message-ID {one.message_id}@…")
    for each in tries:
        out.line(f"  {_time(each.began_at)}  {each.outcome}{f': {each.answer}' if each.answer else ''}")
    if not tries:
        out.line("  given to no server yet")
    return DONE


def _found(name: str, rows: MailRows) -> Queued:
    """By its id, or how the id of one of the newest alone begins."""
    known = rows.find(name)
    if known is None:
        alike = [one for one in rows.newest(1_000) if one.mail.id.startswith(name)]
        known = alike[0] if len(alike) == 1 else None
    if known is None:
        raise UserError("RVX-Q06", f"{name[:60]!r} is none.")
    return known


def _told(one: Queued) -> dict[str, object]:
    mail = one.mail
    return {
        "id": mail.id,
        "kind": mail.kind.value,
        "to": mail.to,
        "subject": mail.subject,
        "attachment": mail.attachment,
        "state": one.state.value,
        "why": one.why,
        "tries": one.tries,
        "doubts": one.doubts,
        "set_by": mail.set_by,
        "queued_at": mail.queued_at.isoformat(),
        "valid_until": one.valid_until.isoformat(),
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
    }


def _try_told(one: MailTry) -> dict[str, object]:
    return {"began_at": one.began_at.isoformat(), "outcome": one.outcome, "answer": one.answer}


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M:%S}"
