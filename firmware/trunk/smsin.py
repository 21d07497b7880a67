"""What is done with a short message that came: read, joined, and taken for a command, an answer, or nothing.

Everything that follows from one is made under names that come of the message itself, and the message is said to be
handled last: what a process leaves half done the next one does once more, and nothing is twice. Nobody is answered but
a mobile that the directory has, never by more than `[sms] answers_per_hour`, and never to a receipt, a name or a short
number: so no two machines talk to each other.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import datetime, timedelta

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.catalogue import Words, words
from callcontrol.plan.model import Unreadable
from callcontrol.plan.number import pretty
from callcontrol.plan.reasons import OFFICE_HOURS
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smscommand import Away, Back, Silent, Unclear, read
from callcontrol.trunk.smsqueue import Kind, receiver
from drivers.codec.sms_pdu import DeliverPdu, PduError, parse
from drivers.codec.sms_text import Reassembly, Received
from firmware.config import Sms as Settings
from firmware.store import StoreError
from firmware.store.changes import Changes
from firmware.store.mobiles import Owner, address_of, owner_of
from firmware.store.people import People
from firmware.store.smscame import Came, CameRows, Pdu, What
from firmware.trunk.smsout import Outgoing, clock, said

__all__ = ["Incoming"]

ANSWERS = timedelta(days=7)
"""What comes so long after somebody's message is an answer to it."""
HOUR = timedelta(hours=1)
REPLIES_PER_HOUR = 12
"""Of one number that are sent on, at our cost and to one mobile; those above stay in the store, and the platform hears
of them."""
LAIN_MAX = timedelta(hours=24)
"""A message that the network says to be older is taken for one of now: its clock is not right."""

log = logging.getLogger("rvx")


class Incoming:
    """Belongs to the thread that opened the store."""

    def __init__(self, settings: Settings, people: People, journal: sqlite3.Connection, out: Outgoing) -> None:
        """`journal` is another connection than that of `people`."""
        self._settings = settings
        self._people = people
        self._changes = Changes(journal)
        self._rows = CameRows(journal)
        self._out = out
        self._reassembly = Reassembly()

    def begin(self, now: datetime) -> None:
        """With what the process before this one had not handled."""
        for pdu in self._rows.open_pdus():
            self._push(pdu, now)

    def keep(self, modem: str, octets: bytes, now: datetime) -> Pdu | None:
        """On the disk; then the modem may forget it. None: it came before."""
        return self._rows.keep(modem, octets, now)

    def handle(self, pdu: Pdu, now: datetime) -> None:
        self._push(pdu, now)

    def expire(self, now: datetime) -> None:
        """Texts of which a part never came."""
        for received in self._reassembly.expired(now):
            self._surely_take(received, now)

    def _push(self, pdu: Pdu, now: datetime) -> None:
        try:
            message = parse(pdu.pdu)
            if not isinstance(message, DeliverPdu):
                raise PduError("TP-MTI", "nothing that comes")
        except PduError as error:
            log.warning("rvx-event kind=sms_unread field=%s", error.field)
            came = Came(id=f"in-{pdu.id}", sender="", text=str(error), came_at=now, what=What.UNREAD)
            self._rows.handled(came, (pdu.id,))
            return
        for received in self._reassembly.push(pdu.id, message, pdu.came_at):
            self._surely_take(received, now)

    def _surely_take(self, received: Received, now: datetime) -> None:
        """What is stumbled over costs that message alone, and no process that begins stumbles over it again."""
        try:
            self._take(received, now)
        except (sqlite3.Error, StoreError):
            raise
        except Exception:
            log.exception("rvx-event kind=sms_stumbled")
            name = f"in-{min(received.parts)}"
            came = Came(id=name, sender=received.sender, text=received.text, came_at=now, what=What.UNREAD)
            self._rows.handled(came, received.parts)

    def _take(self, received: Received, now: datetime) -> None:
        name = f"in-{min(received.parts)}"
        # E.164 of who may be answered; None for names, short numbers, and what is no number.
        sender = None if received.is_name else receiver(received.sender, abroad=True).number
        what, extension = What.STRANGER, None
        if sender is not None:
            self._people.look_again()
            try:
                what, extension = self._judge(name, sender, received, now)
            except Unreadable as error:
                log.warning("rvx-event kind=sms_unknown why=%s", str(error).replace(" ", "_"))
        text = received.text
        came = Came(id=name, sender=sender or received.sender, text=text, came_at=now, what=what, extension=extension)
        self._rows.handled(came, received.parts)
        log.info("rvx-event kind=sms_came what=%s parts=%d", what.value, len(received.parts))

    def _judge(self, name: str, sender: str, received: Received, now: datetime) -> tuple[What, str | None]:
        owner = owner_of(sender, self._people)
        own = owner.extensions[0] if owner and owner.extensions else None
        if owner is not None and own is not None and self._command(name, sender, owner, received, now):
            return What.COMMAND, own
        if (extension := self._out.rows.answers_go_to(sender, now - ANSWERS)) is not None:
            if self._rows.count(What.REPLY, sender, now - HOUR) < REPLIES_PER_HOUR:
                self._hand_on(name, sender, extension, received.text, now)
            return What.REPLY, extension
        if own is None:
            return What.STRANGER, None
        if self._settings.referral == "yes" and not isinstance(self._read(own, received, now), Silent):
            # At most one an hour: what answers by itself is not answered again.
            self._answer(f"unclear-{now.astimezone(STOCKHOLM):%Y%m%d%H}", sender, said("unclear"), now)
        return What.UNCLEAR, own

    def _read(self, own: str, received: Received, now: datetime) -> Away | Back | Silent | Unclear:
        """In the words and hours of whose extension it is. The network's time counts, where it may be right: a message
        may have lain there."""
        known, sent_at = self._people.extension(own), received.sent_at
        said_at = sent_at if sent_at is not None and now - LAIN_MAX < sent_at < now else now
        hours = self._people.working_hours(known.unit) if known else OFFICE_HOURS
        return read(received.text, self._people.reasons(own), said_at, now, hours)

    def _command(self, name: str, sender: str, owner: Owner, received: Received, now: datetime) -> bool:
        """Whether it was one, and is done, or asked about."""
        allowed = self._settings.referral == "yes" and received.complete
        if not allowed or self._rows.count(What.COMMAND, sender, now - HOUR) >= self._settings.answers_per_hour:
            return False
        match self._read(owner.extensions[0], received, now):
            case Away() as away:
                self._refer(name, sender, owner, away, now)
                return True
            case Back():
                self._open(name, sender, owner, now)
                return True
        return False

    def _refer(self, name: str, sender: str, owner: Owner, away: Away, now: datetime) -> None:
        reason = Words(away.reason.sv, away.reason.en)
        back = said("at", at=clock(away.until, now)) if away.until else said("no_end")
        if away.doubt is not None:
            doubt = words("doubt", away.doubt.kind.value)
            self._answer(name, sender, said("doubtful", reason=reason, back=back, doubt=doubt), now)
            return
        self._changes.refer(
            Referral(
                id=f"{name}-{number}", extension=number, reason=away.reason.key, start=now, until=away.until,
                source=Source.SMS, set_by=owner.name, set_at=now,
            )
            for number in owner.extensions
        )  # fmt: skip
        self._answer(name, sender, said("away", reason=reason, back=back), now)

    def _open(self, name: str, sender: str, owner: Owner, now: datetime) -> None:
        absent = {number: self._people.absent(number, now) for number in owner.extensions}
        # Answered first: done once more after a crash, it would find nobody away.
        self._answer(name, sender, said("back" if any(absent.values()) else "not_away"), now)
        for number, state in absent.items():
            if state is not None:
                opening = Opening(id=f"{name}-{number}", extension=number, at=now, seen=state.seen, set_by=owner.name)
                self._changes.open_phone(opening, now)

    def _answer(self, name: str, to: str, text: Words, now: datetime) -> None:
        """A receipt, which is never an answer to another: only commands and what might have been one are answered."""
        self._out.put(f"receipt-{name}", Kind.RECEIPT, to, text, now)

    def _hand_on(self, name: str, sender: str, extension: str, text: str, now: datetime) -> None:
        """To the mobile of whom it answers; where there is none it stays in the store, and is told to the platform."""
        known = self._people.extension(extension)
        to = address_of(known.person, self._people) if known and known.person else None
        if to is not None and to != sender:
            told = said("reply", number=pretty(sender), text=text).sv  # once, however many languages
            self._out.put(f"reply-{name}", Kind.MESSAGE, to, Words(told, told), now)
