"""Mail and messages to people among the writes of `hil.storework`, for a power cut to fall into."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from callcontrol.plan.memo import Memo
from firmware.mail.policy import Happened, Kind
from firmware.store.mail import Mail, MailRows
from firmware.store.memos import MemoRows, mail_name

__all__ = ["recovered", "work", "wrong"]

ADDRESS = "anna@norrby.example"
_GIVEN = {"perhaps", "sent"}


def work(journal: Path, name: str, now: datetime, told: Callable[[str, str], None]) -> None:
    """A message is taken, its mail sent, and it is handled; of another mail the answer never comes."""
    with closing(MailRows.open(journal)) as mails, closing(MemoRows.open(journal)) as memos:
        memos.take(Memo(id=name, extension="1001", text="ring", taken_by="siv", taken_at=now))
        told("memo", name)
        for mail in (mail_name(name, ADDRESS), f"doubt-{name} {ADDRESS}"):
            kind = Kind.MEMO if mail.startswith("memo-") else Kind.VOICEMAIL
            mails.queue(Mail(id=mail, kind=kind, to=ADDRESS, subject="x", text="", set_by="siv", queued_at=now))
            told("mail", mail)
        while (due := mails.take(now)) is not None:
            told("mail_given", due.mail.id)
            if due.mail.kind is Kind.MEMO:
                mails.ended(due.attempt, Happened.TAKEN, "250", now)
                told("mail_taken", due.mail.id)
        memos.handled(name, "anna", now)
        told("memo_handled", name)


def recovered(journal: Path, now: datetime) -> None:
    """As the next start of `web` does."""
    with closing(MailRows.open(journal)) as mails:
        mails.crashed(now)


def wrong(db: sqlite3.Connection, promised: Sequence[Sequence[str]]) -> list[str]:
    """What is lost, would go again as if it had not gone, or is not told of."""
    found = []
    mails = dict(db.execute("SELECT id, state FROM mail"))
    memos = {row[0]: row[1:] for row in db.execute("SELECT id, state, sent_at, read_at, handled_at FROM memo")}
    allowed = {"mail": {*_GIVEN, "waiting"}, "mail_given": _GIVEN, "mail_taken": {"sent"}}
    for kind, name in promised:
        if kind in allowed and mails.get(name) not in allowed[kind]:
            found.append(f"{kind} {name}: {mails.get(name, 'gone')}")
        if kind.startswith("memo") and (name not in memos or (kind == "memo_handled" and memos[name][0] != "handled")):
            found.append(f"{kind} {name}: {memos.get(name, 'gone')}")
    told = Counter(
        (kind, json.loads(body)["id"])
        for kind, body in db.execute("SELECT kind, body FROM outbox WHERE kind IN ('mail', 'memo')")
    )
    steps = Counter({("memo", name): 1 + sum(at is not None for at in row[1:]) for name, row in memos.items()})
    steps += Counter(("mail", name) for (name,) in db.execute("SELECT id FROM mail WHERE ended_at IS NOT NULL"))
    if told != steps:
        found.append(f"mail: {sorted(steps.items())} there, {sorted(told.items())} told of")
    return found
