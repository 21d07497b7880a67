"""What is found by looking, and is told to somebody before any call meets it: at the directory (B3, C5), at messages
to people that nobody has handled (B11), and at mailboxes that nobody listens to (C6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from callcontrol.plan.empty import empty_departments
from callcontrol.plan.holidays import next_working_day
from callcontrol.plan.memo import contact_by, reminded_at
from callcontrol.plan.model import Condition, Unreadable
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Note
from firmware.concerned import disturbed, leavers
from firmware.store.mailbox import Mailbox
from firmware.store.memos import MemoRows
from firmware.store.people import People

__all__ = ["notes"]

MEMOS_MAX = 2_000
"""Looked at, the oldest first."""
REMINDED_AFTER = timedelta(days=1)
"""That a message has lain in a mailbox unheard."""


def notes(people: People, now: datetime) -> tuple[Note, ...]:
    """Departments that are empty all of this day or the next working one, what is forwarded to mobiles, messages that
    wait, mailboxes that nobody listens to, and what those concerned are told (firmware.concerned). What cannot be read
    is passed over. Raises sqlite3.Error."""
    found = (*_empty(people, now), *_to_mobiles(people), *_memos(people, now), *_unheard(people, now))
    return (*found, *disturbed(people, now), *leavers(people, now))


def _empty(people: People, now: datetime) -> tuple[Note, ...]:
    today = now.astimezone(STOCKHOLM).date()
    found: list[Note] = []
    referred = people.referred(now)
    for unit in sorted(people.units_of(referred)):
        try:
            known, own = people.unit(unit), people.phones_of(unit)
            # Somebody who is not referred at all is there: most departments are done with here.
            if known is not None and known.telephony_contact and referred.issuperset(own):
                hours = people.working_hours(unit)
                for day in (today, next_working_day(today, hours.rules)):
                    found += empty_departments(own, people, day, hours)
        except Unreadable:
            continue
    return tuple(found)


def _to_mobiles(people: People) -> tuple[Note, ...]:
    """Sparingly, told to operations (C5)."""
    found = []
    for number in people.forwarded():
        for moved in people.forwardings(number):
            if moved.condition is Condition.DO_NOT_DISTURB or not moved.target:
                continue
            if people.is_municipal_mobile(moved.target):
                fill = (("extension", number), ("condition", str(moved.condition)))
                found.append(Note(rule="C5", to="operations", words="forwarded_to_mobile", fill=fill))
    return tuple(found)


def _memos(people: People, now: datetime) -> tuple[Note, ...]:
    """Contact within two working days (B11): who is to make it is reminded as the last of them begins; whoever looks
    after the department's telephony is told when it is over, or when nobody could be told at all."""
    rows = MemoRows(people.journal)
    untold = {memo.id for memo in rows.not_told(MEMOS_MAX)}
    found: dict[tuple[str, str, str], Note] = {}
    for memo in rows.not_handled(MEMOS_MAX):
        try:
            extension = people.extension(memo.extension)
            unit = people.unit(extension.unit) if extension is not None else None
            hours = people.working_hours(extension.unit if extension is not None else "")
            late, due = now >= contact_by(memo.taken_at, hours), now >= reminded_at(memo.taken_at, hours)
        except (Unreadable, ValueError):
            continue
        contact = unit.telephony_contact if unit is not None and unit.telephony_contact else "operations"
        person = extension.person if extension is not None and extension.person else contact
        local = memo.taken_at.astimezone(STOCKHOLM)
        day = (("extension", memo.extension), ("day", f"{local.day}/{local.month}"))
        for to, words, fill in (
            *([(contact, "memo_untold", day[:1])] if memo.id in untold else []),
            *([(contact, "memo_late", day)] if late else [(person, "memo_waits", day)] if due else []),
        ):
            # Of several to one phone the oldest is told of.
            found.setdefault((to, words, memo.extension), Note(rule="B11", to=to, words=words, fill=fill))
    return tuple(found.values())


def _unheard(people: People, now: datetime) -> Iterator[Note]:
    """Messages that nobody has listened to for a day: whose they are, and after another day, or where nobody is that
    they could be told to, the unit's telephony contact (C6)."""
    for number, since in Mailbox(people.journal).unheard_since(now - REMINDED_AFTER).items():
        try:
            extension = people.extension(number)
            unit = people.unit(extension.unit) if extension is not None else None
            away = people.absent(number, now) is not None
        except Unreadable:
            continue
        person = extension.person if extension is not None and not away else None
        contact = unit.telephony_contact if unit is not None else None
        late = now - since >= 2 * REMINDED_AFTER
        told = [who for who in (person, contact if late or person is None else None) if who is not None]
        for who in dict.fromkeys(told or ["operations"]):
            yield Note(rule="C6", to=who, words="voicemail_unheard", fill=(("extension", number),))
