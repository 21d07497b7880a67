"""What is wrong with mail, as `rvx status` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware.status import Problem, Severity
from firmware.store.mail import MailRows, ServerFault

__all__ = ["MailSeen", "mail_problems"]

FAULT_AFTER = timedelta(minutes=5)
"""A server may be away for so long without anybody's hearing of it."""
NOT_SENT_FOR = timedelta(days=1)
STANDS_AFTER = timedelta(minutes=15)
"""A mail that has waited so long, and nobody tries: the process that sends is not there."""
COUNTED_MAX = 100


@dataclass(frozen=True, slots=True)
class MailSeen:
    """As of the last look. `oldest`: since when one waits that is due."""

    fault: ServerFault | None
    waiting: int
    oldest: datetime | None
    not_sent: int

    @classmethod
    def of(cls, rows: MailRows, now: datetime) -> MailSeen:
        """Raises sqlite3.Error."""
        failed = len(rows.not_sent(now - NOT_SENT_FOR, COUNTED_MAX))
        return cls(rows.server_fault(), rows.waiting(), rows.due_since(), failed)


def mail_problems(seen: MailSeen | None, now: datetime) -> tuple[Problem, ...]:
    if seen is None:
        return ()
    found = []
    waits = f"{seen.waiting} wait{'s' if seen.waiting == 1 else ''}, and go when it is mended"
    if seen.fault is not None and now - seen.fault.since >= FAULT_AFTER:
        found.append(
            Problem(
                "RVX-Q01", Severity.WARN, "mail", observed=f"the server of mail: {seen.fault.why}",
                expected="a server that takes mail ([mail])", effect=waits,
                fix="rvx mail --test ADDRESS, when server, login and certificate were looked at",
                since=_text(seen.fault.since),
            )
        )  # fmt: skip
    elif seen.oldest is not None and now - seen.oldest >= STANDS_AFTER:
        found.append(
            Problem(
                "RVX-Q02", Severity.WARN, "mail", observed="mail waits, and nobody sends it",
                expected="each is tried at once", effect=waits,
                fix="see in the log of the process web why; rvx restart web", since=_text(seen.oldest),
            )
        )  # fmt: skip
    if seen.not_sent:
        many = f"{seen.not_sent}{' or more' if seen.not_sent == COUNTED_MAX else ''}"
        found.append(
            Problem(
                "RVX-Q03", Severity.WARN, "mail", observed=f"{many} not sent in a day, or nobody knows whether",
                expected="all are", effect="who was to be told by mail was not", fix="rvx mail; rvx mail --why ID",
            )
        )  # fmt: skip
    return tuple(found)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
